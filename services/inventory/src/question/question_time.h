/*
 * question_time: the two times of a question on the command line (design.md section 6): the instant
 * asked about, and what had been learned by then.
 */
#ifndef INVENTORY_QUESTION_TIME_H
#define INVENTORY_QUESTION_TIME_H

#include "query/instants.h"

/*
 * The text of --`option` for the database; when it is not given `otherwise`, which is borrowed:
 * "infinity", or NULL for now. Errors: MU_E_INVALID, which names the option; `ret_text` is
 * untouched then.
 */
enum mu_status question_time(const char *option, const char *text, const char *otherwise,
                             char ret_text[QUERY_TIME_SIZE], struct mu_error *err) MU_MUST_CHECK;

#endif

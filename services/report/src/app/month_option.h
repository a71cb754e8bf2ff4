/* month_option: the options --month and --known-at, as several commands have them. */
#ifndef REPORT_APP_MONTH_OPTION_H
#define REPORT_APP_MONTH_OPTION_H

#include "snapshot/snapshot_read.h"

enum { MONTH_SIZE = 8 };

/*
 * "2026-10", or "last": the month before the present one. `known_at` may be NULL. Fills in the
 * question but its conninfo. Errors, naming the option: MU_E_INVALID.
 */
enum mu_status month_option(const char *month, const char *known_at, char ret_month[MONTH_SIZE],
                            struct snapshot_question *ret_question,
                            struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * instants: the two times of every question: what was so at `valid_at`, as far as it was known at
 * `known_at`. With both given, an answer never changes.
 */
#ifndef INVENTORY_INSTANTS_H
#define INVENTORY_INSTANTS_H

#include "pg/pg.h"

enum { QUERY_TIME_SIZE = 40 };

struct instants {
    char valid_at[QUERY_TIME_SIZE], known_at[QUERY_TIME_SIZE]; /* RFC 3339, UTC */
};

/* NULL and "" are now by the database's clock; of knowledge, the newest instant at which nothing
 * can be learned any more. Errors: MU_E_INVALID naming the parameter; as mu_pg_execute. */
enum mu_status instants_ask(struct mu_pg *pg, const char *valid_at, const char *known_at,
                            struct instants *ret_instants, struct mu_error *err) MU_MUST_CHECK;

/* Whether both are RFC 3339 times, "" or NULL. Errors: MU_E_INVALID naming the parameter. */
enum mu_status instants_check(const char *valid_at, const char *known_at,
                              struct mu_error *err) MU_MUST_CHECK;

/*
 * The text of option --`option` for the database; when it is not given `otherwise`, which is
 * borrowed: "infinity", or NULL for now. Errors: MU_E_INVALID, which names the option; `ret_text`
 * is untouched then.
 */
enum mu_status instants_option(const char *option, const char *text, const char *otherwise,
                               char ret_text[QUERY_TIME_SIZE], struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * statement_store: statements of people, into and out of the database.
 *
 * Threads: one at a time per connection.
 */
#ifndef INVENTORY_STATEMENT_STORE_H
#define INVENTORY_STATEMENT_STORE_H

#include "records/statement_kinds.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "pg/pg.h"

#include <stdbool.h>

enum statement_name {
#define STATEMENT(name, parameters, sql) STATEMENT_##name,
#include "deviation/statements.def"
#undef STATEMENT
    STATEMENT_NAME_COUNT
};

/* A connection with these statements. Errors: as mu_pg_open. */
enum mu_status statement_store_open(const char *conninfo, struct mu_pg **ret_pg,
                                    struct mu_error *err) MU_MUST_CHECK;

/*
 * Stores all checked records or none, each once. Errors: MU_E_CONFLICT "field: reason" (what is
 * there does not allow record `ret_wrong`, which is written then), as mu_pg_execute.
 */
enum mu_status statement_store_add(struct mu_pg *pg, enum statement_kind kind,
                                   const struct record_set *set, size_t *ret_wrong,
                                   struct mu_error *err) MU_MUST_CHECK;

/* A statement that is stored. */
struct statement_made {
    bool is_new; /* or it was there */
    char fact_id[MU_UUID_TEXT_SIZE], known_at[MU_TIME_TEXT_SIZE];
};

/* One checked record, once: the same one again is the one that is there. Errors: as
 * statement_store_add. */
enum mu_status statement_store_one(struct mu_pg *pg, enum statement_kind kind,
                                   const struct record *record, struct statement_made *ret_made,
                                   struct mu_error *err) MU_MUST_CHECK;

/* `record` and its values are borrowed until it returns. */
typedef enum mu_status statement_fn(void *opaque, const struct record *record,
                                    struct mu_error *err);

/* All facts of the kind, in the order of a file, one by one; a failure of `each` ends it. Errors:
 * as mu_pg_stream, those of `each`. */
enum mu_status statement_store_each(struct mu_pg *pg, enum statement_kind kind, statement_fn *each,
                                    void *opaque, struct mu_error *err) MU_MUST_CHECK;

#endif

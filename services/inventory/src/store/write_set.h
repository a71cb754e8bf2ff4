/*
 * write_set: rows for many tables, written with one statement or one COPY per table. Work is per
 * batch, not per row.
 *
 * Tables are the WRITE_ members of store/statements.h and are written in that order.
 *
 * Threads: one at a time; of two twins see write_set_twin.
 */
#ifndef INVENTORY_STORE_WRITE_SET_H
#define INVENTORY_STORE_WRITE_SET_H

#include "pg/pg.h"
#include "store/statements.h"
#include "store/trust.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WRITE_SET_COLUMN_MAX_BYTES = 96 * 1024 * 1024 };

struct write_set;

struct write_set *write_set_new(void);
void write_set_free(struct write_set *set); /* NULL is fine */
void write_set_reset(struct write_set *set);

/*
 * From now on rows of tables that sources repeat are left out when they were added before. What was
 * added is kept when it is committed and dropped when it is not, with what was added to the twin;
 * all is forgotten when the database may be another one.
 */
void write_set_remember(struct write_set *set);
void write_set_keep(struct write_set *set);
void write_set_drop(struct write_set *set);
void write_set_forget(struct write_set *set);

/* The other of two sets that remember the same: what was added to one was added to both. Rows are
 * added to one at a time, and while one is queued another thread may add to the other. To be freed
 * before or behind it. */
struct write_set *write_set_twin(struct write_set *set);

/* Tables whose rows are copied without asking which are there (store/trust.h); NULL: none.
 * Borrowed; a row that was there makes write_set_queue fail with SQLSTATE 23505. */
void write_set_trust(struct write_set *set, const struct trust *trust);

/* `values`: one text or NULL per column of the table; copied. False when the row was added before.
 */
bool write_set_add(struct write_set *set, enum inventory_statement table,
                   const char *const *values);
/* As if the row had been added before: another row says the same. */
void write_set_note(struct write_set *set, enum inventory_statement table,
                    const char *const *values);
/* Whether this was said before of what has this id; remembered as rows are. `table` is none whose
 * rows are remembered, `word` one of our own. */
bool write_set_said(struct write_set *set, enum inventory_statement table, const char *id,
                    const char *word);
size_t write_set_rows(const struct write_set *set, enum inventory_statement table);

/*
 * Copies or queues the rows, known at `known_at`, of every table that has some and empties the set;
 * mu_pg_sync tells how what was queued went. Errors: MU_E_LIMIT (a column over
 * WRITE_SET_COLUMN_MAX_BYTES), as mu_pg_queue and copied_rows_send.
 */
enum mu_status write_set_queue(struct write_set *set, struct mu_pg *pg, const char *known_at,
                               struct mu_error *err) MU_MUST_CHECK;

/* The same for derived tables only (store/tables.def); rows of the others are forgotten. */
enum mu_status write_set_queue_derived(struct write_set *set, struct mu_pg *pg,
                                       const char *known_at, struct mu_error *err) MU_MUST_CHECK;

#define WRITE_SET_ADD(set, table, ...) \
    (void)write_set_add((set), (table), (const char *const[]){__VA_ARGS__})

MU_DEFINE_AUTO(write_set, struct write_set, write_set_free)

#endif

/*
 * copied_rows: rows of one table that are written with COPY, in its binary format.
 *
 * COPY knows no ON CONFLICT. Tables whose rows may be there already have keys: before the rows are
 * sent the database is asked which keys it has, and their rows are left out, unless the table is
 * trusted (store/trust.h). That is exact because whoever writes facts holds the ledger's clock
 * until it commits (migration 0001). Rows of one key that come one after the other go or stay
 * together; the caller adds no key twice.
 *
 * Threads: one at a time.
 */
#ifndef INVENTORY_STORE_COPIED_ROWS_H
#define INVENTORY_STORE_COPIED_ROWS_H

#include "store/statements.h"

#include "base/buf.h"

#include <stdbool.h>

struct copied_rows;

struct copied_rows *copied_rows_new(enum inventory_statement table);
void copied_rows_free(struct copied_rows *rows); /* NULL is fine */
void copied_rows_reset(struct copied_rows *rows);

/* One value per column behind the known time; NULL is SQL's. What is no value of its type sticks
 * and is told by copied_rows_send. */
void copied_rows_add(struct copied_rows *rows, const char *const *values);
size_t copied_rows_count(const struct copied_rows *rows);

typedef void copied_rows_kept_fn(void *opaque, const char *const *keys);

/*
 * Writes the rows, known at `known_at`, and tells the keys of those that were not there. `trusted`:
 * none is. Errors: MU_E_INVALID (no value of its type), MU_E_LIMIT, as mu_pg_execute.
 */
enum mu_status copied_rows_send(struct copied_rows *rows, struct mu_pg *pg, const char *known_at,
                                bool trusted, copied_rows_kept_fn *kept, void *opaque,
                                struct mu_error *err) MU_MUST_CHECK;

/* The bytes of a column of type y that is an array: of uuids (u) or of integers (i). */
void copied_rows_array_begin(struct mu_buf *array, char type, size_t count);
void copied_rows_array_add(struct mu_buf *array, char type, const char *value);

MU_DEFINE_AUTO(copied_rows, struct copied_rows, copied_rows_free)

#endif

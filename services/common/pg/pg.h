/*
 * pg: PostgreSQL, as Muster uses it. The only place that includes libpq-fe.h.
 *
 * A program declares its statements in one table {name, SQL}; all are prepared at
 * connect; values travel only as parameters, or as rows of COPY. There is no call for
 * free SQL except running a migration file. Batches go through pipeline mode: queue many, then sync
 * once.
 *
 * Behind a pooler that shares servers between transactions (PgBouncer, pool_mode=transaction)
 * nothing may be kept in the session: when the session's options did not arrive, statements are
 * sent with their text each time, and the time-outs are set in each transaction. So no program
 * relies on session state (locks, temporary tables) unless it asks mu_pg_pooled.
 *
 * Status of an error: connection and server-away classes (08, 53, 57) and
 * serialisation (40) and a read-only server (25006) MU_E_UNAVAILABLE; integrity (23) MU_E_CONFLICT;
 * data (22) MU_E_INVALID; privileges (28, 42501) MU_E_DENIED; anything else MU_E_INTERNAL. The
 * message has the statement's name, SQLSTATE and the server's text.
 *
 * Threads: a connection belongs to one thread at a time.
 */
#ifndef MU_PG_H
#define MU_PG_H

#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mu_pg;
struct mu_pg_result;

struct mu_pg_statement {
    const char *name;
    const char *sql;
    int parameter_count;
};

/*
 * `conninfo` as libpq takes it, several hosts included (target_session_attrs=read-write follows a
 * failover); adds connect_timeout, application_name, TimeZone=UTC, keepalives, tcp_user_timeout and
 * statement_timeout. Statement i is then called by index i. Errors: MU_E_UNAVAILABLE,
 * MU_E_DENIED (name or password), MU_E_INVALID (`conninfo`), MU_E_INTERNAL (a statement).
 */
enum mu_status mu_pg_open(const char *conninfo, const char *application_name,
                          const struct mu_pg_statement *statements, size_t statement_count,
                          struct mu_pg **ret_pg, struct mu_error *err) MU_MUST_CHECK;
void mu_pg_close(struct mu_pg *pg);
/* Whether the server is shared with others between transactions. */
bool mu_pg_pooled(const struct mu_pg *pg);
/* Another number for each connection ever opened by the program, from 1 on. */
uint64_t mu_pg_serial(const struct mu_pg *pg);
/* SQLSTATE of the last statement that failed; "": none, or the connection's own failure. */
const char *mu_pg_sqlstate(const struct mu_pg *pg);
/* The table that it names (23505: whose unique key refused a row); "": none. */
const char *mu_pg_error_table(const struct mu_pg *pg);
void mu_pg_forget_error(struct mu_pg *pg); /* none failed */
bool mu_pg_alive(
        const struct mu_pg *pg); /* false after a connection failure: close and open again */

/* ---- one statement ---- */

/* `values[i]` is text or NULL. Errors as above. `ret_result` may be NULL when no rows are wanted.
 */
enum mu_status mu_pg_execute(struct mu_pg *pg, int statement, const char *const *values,
                             struct mu_pg_result **ret_result, struct mu_error *err) MU_MUST_CHECK;
/* The same; values behind the first in binary format, as the type's receive function reads it. */
struct mu_pg_bytes {
    const void *data;
    size_t len;
};
enum mu_status mu_pg_execute_binary(struct mu_pg *pg, int statement, const char *first,
                                    const struct mu_pg_bytes *values,
                                    struct mu_pg_result **ret_result,
                                    struct mu_error *err) MU_MUST_CHECK;
void mu_pg_result_free(struct mu_pg_result *result);
size_t mu_pg_rows(const struct mu_pg_result *result);
/* NULL for SQL NULL; borrowed from the result. */
const char *mu_pg_text(const struct mu_pg_result *result, size_t row, int column);
int64_t mu_pg_int(const struct mu_pg_result *result, size_t row, int column); /* NULL gives 0 */
bool mu_pg_bool(const struct mu_pg_result *result, size_t row, int column);   /* NULL gives false */
int64_t mu_pg_time_us(const struct mu_pg_result *result, size_t row,
                      int column); /* NULL gives MU_TIME_NONE */
bool mu_pg_null(const struct mu_pg_result *result, size_t row, int column);

/* ---- transactions ---- */

enum mu_pg_isolation {
    MU_PG_READ_COMMITTED,
    MU_PG_REPEATABLE_READ_READ_ONLY,
    MU_PG_LONG_READ /* the same, and a statement may take 30 minutes: a whole fleet's rows */
};

enum mu_status mu_pg_begin(struct mu_pg *pg, enum mu_pg_isolation isolation,
                           struct mu_error *err) MU_MUST_CHECK;
enum mu_status mu_pg_commit(struct mu_pg *pg, struct mu_error *err) MU_MUST_CHECK;
void mu_pg_rollback(struct mu_pg *pg); /* nothing open: does nothing */

/* Rolls back at the end of the scope unless committed: MU_AUTO(pg_transaction) struct mu_pg *tx =
 * pg; */
MU_DEFINE_AUTO(pg_transaction, struct mu_pg, mu_pg_rollback)

/* ---- pipeline: many statements, one round trip ---- */

/*
 * Queues without waiting; rows are discarded. The first failure aborts the rest up to the sync,
 * which reports it. Also flushes by itself so that neither side blocks on full sockets.
 */
enum mu_status mu_pg_queue(struct mu_pg *pg, int statement, const char *const *values,
                           struct mu_error *err) MU_MUST_CHECK;
/* Sends everything and reads every result. Errors: that of the first failed statement. */
enum mu_status mu_pg_sync(struct mu_pg *pg, struct mu_error *err) MU_MUST_CHECK;

/* ---- many rows into one table ---- */

/* "COPY t (columns) FROM STDIN (FORMAT binary)". */
struct mu_pg_copy {
    const char *name, *sql;
};

/*
 * Rows in COPY's binary format, without its header and trailer: begin, put any number of whole rows
 * any number of times, end. What was queued is synced before. Once begun, end must follow, unless
 * the connection is lost. Errors: as mu_pg_execute; those of rows come from end.
 */
enum mu_status mu_pg_copy_begin(struct mu_pg *pg, const struct mu_pg_copy *copy,
                                struct mu_error *err) MU_MUST_CHECK;
enum mu_status mu_pg_copy_put(struct mu_pg *pg, const struct mu_pg_copy *copy, const void *rows,
                              size_t len, struct mu_error *err) MU_MUST_CHECK;
enum mu_status mu_pg_copy_end(struct mu_pg *pg, const struct mu_pg_copy *copy,
                              struct mu_error *err) MU_MUST_CHECK;

/* ---- streams ---- */

/* Row by row without holding the result (single-row mode). `each` returning a failure ends it. */
typedef enum mu_status mu_pg_row_fn(void *opaque, const struct mu_pg_result *row,
                                    struct mu_error *err);
enum mu_status mu_pg_stream(struct mu_pg *pg, int statement, const char *const *values,
                            mu_pg_row_fn *each, void *opaque, struct mu_error *err) MU_MUST_CHECK;

/* ---- schema versions ---- */

struct mu_pg_migration {
    int version;      /* 1.. without gaps */
    const char *name; /* "0001_ledger" */
    const char *sql;
};

/*
 * Brings the database up to the newest migration, each in one transaction of at most an hour,
 * under an advisory lock (another program's migration is waited for a minute). Where all are
 * recorded nothing is locked or written. A lock on a table is waited for two seconds, so that
 * nobody waits longer behind it; then MU_E_UNAVAILABLE, which says who holds locks: call again.
 * Errors: as above; MU_E_CONFLICT when a recorded checksum differs or the database is newer.
 * `ret_applied`: how many ran.
 */
enum mu_status mu_pg_migrate(const char *conninfo, const struct mu_pg_migration *migrations,
                             size_t migration_count, int *ret_applied,
                             struct mu_error *err) MU_MUST_CHECK;

/* How many of them the database has; writes nothing. Errors: as mu_pg_migrate. */
enum mu_status mu_pg_migrations_recorded(const char *conninfo,
                                         const struct mu_pg_migration *migrations,
                                         size_t migration_count, size_t *ret_recorded,
                                         struct mu_error *err) MU_MUST_CHECK;

/* A PostgreSQL array literal of texts, for `= ANY($1)` and unnest($1::text[]): one parameter, many
 * rows. */
struct mu_buf;
void mu_pg_array_begin(struct mu_buf *array);
void mu_pg_array_add(struct mu_buf *array, const char *text); /* NULL: SQL NULL */
void mu_pg_array_end(struct mu_buf *array);

MU_DEFINE_AUTO(pg, struct mu_pg, mu_pg_close)
MU_DEFINE_AUTO(pg_result, struct mu_pg_result, mu_pg_result_free)

#endif

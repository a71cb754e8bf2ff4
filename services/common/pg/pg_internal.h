/*
 * pg_internal: what the files of common/pg share. Not for others.
 */
#ifndef MU_PG_INTERNAL_H
#define MU_PG_INTERNAL_H

#include "pg/pg.h"

#include <libpq-fe.h>

enum { PG_MAX_PARAMETERS = 64, PG_DEADLINE_MS = 120000, PG_LONG_DEADLINE_MS = 31 * 60000 };

#define PG_POOLED_SETTINGS                                                                  \
    "SET LOCAL statement_timeout = 60000; SET LOCAL idle_in_transaction_session_timeout = " \
    "120000; SET LOCAL jit = off"

enum { NAME_SIZE = 64 }; /* NAMEDATALEN */

struct mu_pg {
    PGconn *connection;
    const struct mu_pg_statement *statements;
    size_t statement_count;
    bool dead;       /* the connection failed: only close is left */
    int deadline_ms; /* longest silence of the server that is waited out */
    bool in_transaction;
    bool pooled; /* see pg.h: nothing may be kept in the session */
    uint64_t serial;
    bool own_options;            /* the operator's conninfo has options of the session */
    char sqlstate[6];            /* of the last statement that failed; "" */
    char error_table[NAME_SIZE]; /* that it named; "" */
    size_t queued;               /* statements sent in the pipeline and not yet answered */
    int *queue;                  /* their indexes, oldest first: a ring */
    size_t queue_capacity, queue_first;
    bool failed; /* a queued statement failed; `failure` says how */
    struct mu_error failure;
};

struct mu_pg_result {
    PGresult *result;
};

/* Error of a failed result, named after the statement; marks the connection dead when it is. */
enum mu_status pg_result_error(struct mu_pg *pg, const PGresult *result, const char *statement,
                               struct mu_error *err);
/* What every call on a dead connection answers. */
enum mu_status pg_lost(const char *statement, struct mu_error *err);
/* The connection is gone; the message is libpq's. */
enum mu_status pg_connection_error(struct mu_pg *pg, const char *statement, struct mu_error *err);

/* Sends a statement with its values; queued, or alone. */
bool pg_send(struct mu_pg *pg, int statement, const char *const *values);

/* Waits until the socket is readable (and, with `writing`, or writable) and reads. Errors:
 * MU_E_UNAVAILABLE after deadline_ms. */
enum mu_status pg_wait(struct mu_pg *pg, bool writing, const char *statement, struct mu_error *err);
/* The next result, or NULL in `ret_result` at the end of a command. */
enum mu_status pg_next_result(struct mu_pg *pg, const char *statement, PGresult **ret_result,
                              struct mu_error *err);
/* Runs fixed SQL without parameters (BEGIN, a migration, ...); `name` is for errors. */
enum mu_status pg_run(struct mu_pg *pg, const char *name, const char *sql, struct mu_error *err);

static inline void pg_result_clear(PGresult **result)
{
    PQclear(*result);
}

#define PG_AUTO_RESULT __attribute__((cleanup(pg_result_clear)))

#endif

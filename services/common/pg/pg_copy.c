/* COPY FROM STDIN in binary format (PostgreSQL documentation, COPY, "Binary Format"). */
#include "pg/pg_internal.h"

enum { PIECE_BYTES = 256 * 1024 };

static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"; /* signature, flags, extension */
static const char trailer[] = {'\377', '\377'};

/* Gives what is queued to the server. */
static enum mu_status flush(struct mu_pg *pg, const char *name, struct mu_error *err)
{
    enum mu_status st = MU_OK;
    int unsent;

    while (st == MU_OK && (unsent = PQflush(pg->connection)) != 0) {
        if (unsent < 0)
            return pg_connection_error(pg, name, err);
        st = pg_wait(pg, true, name, err);
    }
    return st;
}

static enum mu_status put(struct mu_pg *pg, const char *name, const char *bytes, size_t len,
                          struct mu_error *err)
{
    enum mu_status st = MU_OK;

    while (st == MU_OK && len > 0) {
        size_t piece = len < PIECE_BYTES ? len : PIECE_BYTES;

        if (PQputCopyData(pg->connection, bytes, (int)piece) != 1)
            return pg_connection_error(pg, name, err);
        bytes += piece;
        len -= piece;
        st = flush(pg, name, err);
    }
    return st;
}

enum mu_status mu_pg_copy_begin(struct mu_pg *pg, const struct mu_pg_copy *copy,
                                struct mu_error *err)
{
    PG_AUTO_RESULT PGresult *result = NULL;
    enum mu_status st = mu_pg_sync(pg, err);

    if (st != MU_OK)
        return st;
    if (pg->dead)
        return pg_lost(copy->name, err);
    if (!PQsendQuery(pg->connection, copy->sql))
        return pg_connection_error(pg, copy->name, err);
    st = pg_next_result(pg, copy->name, &result, err);
    if (st != MU_OK)
        return st;
    if (PQresultStatus(result) == PGRES_COPY_IN)
        return put(pg, copy->name, header, sizeof(header) - 1, err);
    st = result ? pg_result_error(pg, result, copy->name, err)
                : pg_connection_error(pg, copy->name, err);
    while (!pg->dead && result) { /* the end of the command */
        struct mu_error ignored;

        PQclear(result);
        result = NULL;
        if (pg_next_result(pg, copy->name, &result, &ignored) != MU_OK)
            break;
    }
    return st;
}

enum mu_status mu_pg_copy_put(struct mu_pg *pg, const struct mu_pg_copy *copy, const void *rows,
                              size_t len, struct mu_error *err)
{
    return put(pg, copy->name, rows, len, err);
}

enum mu_status mu_pg_copy_end(struct mu_pg *pg, const struct mu_pg_copy *copy, struct mu_error *err)
{
    enum mu_status st = put(pg, copy->name, trailer, sizeof(trailer), err), outcome = MU_OK;

    if (st == MU_OK && PQputCopyEnd(pg->connection, NULL) != 1)
        st = pg_connection_error(pg, copy->name, err);
    while (st == MU_OK) {
        PG_AUTO_RESULT PGresult *result = NULL;
        struct mu_error ignored;

        st = pg_next_result(pg, copy->name, &result, outcome == MU_OK ? err : &ignored);
        if (st != MU_OK || !result)
            break;
        if (outcome == MU_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
            outcome = pg_result_error(pg, result, copy->name, err);
    }
    return outcome != MU_OK ? outcome : st;
}

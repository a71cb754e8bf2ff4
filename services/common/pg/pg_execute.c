#include "pg/pg_internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- one statement ---- */

/* Reads everything up to the end of the command; keeps the last result. */
static enum mu_status read_command(struct mu_pg *pg, const char *name, PGresult **ret_result,
                                   struct mu_error *err)
{
    PGresult *last = NULL;

    for (;;) {
        PGresult *result = NULL;
        enum mu_status st = pg_next_result(pg, name, &result, err);

        if (st != MU_OK) {
            PQclear(last);
            return st;
        }
        if (!result)
            break;
        PQclear(last);
        last = result;
    }
    *ret_result = last;
    return MU_OK;
}

/* Takes ownership of `result` unless it hands it out. */
static enum mu_status finish(struct mu_pg *pg, const char *name, PGresult *result,
                             struct mu_pg_result **ret_result, struct mu_error *err)
{
    ExecStatusType status = PQresultStatus(result);
    struct mu_pg_result *handed;

    if (!result)
        return pg_connection_error(pg, name, err);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
        enum mu_status st = pg_result_error(pg, result, name, err);

        PQclear(result);
        return st;
    }
    if (!ret_result) {
        PQclear(result);
        return MU_OK;
    }
    handed = mu_xcalloc(1, sizeof(*handed));
    handed->result = result;
    *ret_result = handed;
    return MU_OK;
}

bool pg_send(struct mu_pg *pg, int statement, const char *const *values)
{
    const struct mu_pg_statement *row = &pg->statements[statement];
    int sent = pg->pooled ? PQsendQueryParams(pg->connection, row->sql, row->parameter_count, NULL,
                                              values, NULL, NULL, 0)
                          : PQsendQueryPrepared(pg->connection, row->name, row->parameter_count,
                                                values, NULL, NULL, 0);

    return sent == 1;
}

static enum mu_status send_alone(struct mu_pg *pg, int statement, const char *const *values,
                                 struct mu_error *err)
{
    const char *name = pg->statements[statement].name;

    if (pg->dead)
        return pg_lost(name, err);
    return pg_send(pg, statement, values) ? MU_OK : pg_connection_error(pg, name, err);
}

enum mu_status mu_pg_execute(struct mu_pg *pg, int statement, const char *const *values,
                             struct mu_pg_result **ret_result, struct mu_error *err)
{
    const char *name = pg->statements[statement].name;
    PGresult *result = NULL;
    enum mu_status st = mu_pg_sync(pg, err);

    if (st == MU_OK)
        st = send_alone(pg, statement, values, err);
    if (st == MU_OK)
        st = read_command(pg, name, &result, err);
    return st == MU_OK ? finish(pg, name, result, ret_result, err) : st;
}

enum mu_status mu_pg_execute_binary(struct mu_pg *pg, int statement, const char *first,
                                    const struct mu_pg_bytes *values,
                                    struct mu_pg_result **ret_result, struct mu_error *err)
{
    const struct mu_pg_statement *row = &pg->statements[statement];
    const char *data[PG_MAX_PARAMETERS] = {first};
    int lengths[PG_MAX_PARAMETERS] = {0}, formats[PG_MAX_PARAMETERS] = {0}, sent;
    PGresult *result = NULL;
    enum mu_status st = mu_pg_sync(pg, err);

    if (st != MU_OK)
        return st;
    if (pg->dead)
        return pg_lost(row->name, err);
    for (int i = 1; i < row->parameter_count; i++) {
        data[i] = values[i - 1].data;
        lengths[i] = (int)values[i - 1].len;
        formats[i] = 1;
    }
    sent = pg->pooled ? PQsendQueryParams(pg->connection, row->sql, row->parameter_count, NULL,
                                          data, lengths, formats, 0)
                      : PQsendQueryPrepared(pg->connection, row->name, row->parameter_count, data,
                                            lengths, formats, 0);
    if (sent != 1)
        return pg_connection_error(pg, row->name, err);
    st = read_command(pg, row->name, &result, err);
    return st == MU_OK ? finish(pg, row->name, result, ret_result, err) : st;
}

enum mu_status pg_run(struct mu_pg *pg, const char *name, const char *sql, struct mu_error *err)
{
    PGresult *result = NULL;
    enum mu_status st;

    if (pg->dead)
        return pg_lost(name, err);
    if (!PQsendQuery(pg->connection, sql))
        return pg_connection_error(pg, name, err);
    st = read_command(pg, name, &result, err);
    return st == MU_OK ? finish(pg, name, result, NULL, err) : st;
}

/* ---- results ---- */

void mu_pg_result_free(struct mu_pg_result *result)
{
    if (!result)
        return;
    PQclear(result->result);
    free(result);
}

size_t mu_pg_rows(const struct mu_pg_result *result)
{
    return (size_t)PQntuples(result->result);
}

bool mu_pg_null(const struct mu_pg_result *result, size_t row, int column)
{
    return PQgetisnull(result->result, (int)row, column) == 1;
}

const char *mu_pg_text(const struct mu_pg_result *result, size_t row, int column)
{
    return mu_pg_null(result, row, column) ? NULL : PQgetvalue(result->result, (int)row, column);
}

int64_t mu_pg_int(const struct mu_pg_result *result, size_t row, int column)
{
    const char *text = mu_pg_text(result, row, column);

    return text ? (int64_t)strtoll(text, NULL, 10) : 0;
}

bool mu_pg_bool(const struct mu_pg_result *result, size_t row, int column)
{
    const char *text = mu_pg_text(result, row, column);

    return text && text[0] == 't';
}

/* "2026-11-24 12:00:00.123456+00": ISO style, the session is in UTC. */
int64_t mu_pg_time_us(const struct mu_pg_result *result, size_t row, int column)
{
    const char *text = mu_pg_text(result, row, column);
    char rfc3339[MU_TIME_TEXT_SIZE];
    struct mu_error ignored;
    int64_t at_us = MU_TIME_NONE;
    size_t len = text ? strlen(text) : 0;

    if (len < 4 || len + 4 > sizeof(rfc3339) || !mu_text_ends(text, "+00"))
        return MU_TIME_NONE;
    memcpy(rfc3339, text, len - 3);
    memcpy(rfc3339 + len - 3, "Z", 2);
    return mu_time_parse(rfc3339, len - 2, &at_us, &ignored) == MU_OK ? at_us : MU_TIME_NONE;
}

/* ---- transactions ---- */

#define SNAPSHOT  "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
#define LONG_READ "SET LOCAL statement_timeout = '30min'"

enum mu_status mu_pg_begin(struct mu_pg *pg, enum mu_pg_isolation isolation, struct mu_error *err)
{
    static const char *const texts[] = {[MU_PG_READ_COMMITTED] =
                                                "BEGIN ISOLATION LEVEL READ COMMITTED",
                                        [MU_PG_REPEATABLE_READ_READ_ONLY] = SNAPSHOT,
                                        [MU_PG_LONG_READ] = SNAPSHOT LONG_READ};
    /* What pg_connect.c says for the session; a pooled one is another each time. */
    static const char *const pooled_texts[] = {
            [MU_PG_READ_COMMITTED] = "BEGIN ISOLATION LEVEL READ COMMITTED;" PG_POOLED_SETTINGS,
            [MU_PG_REPEATABLE_READ_READ_ONLY] = SNAPSHOT PG_POOLED_SETTINGS,
            [MU_PG_LONG_READ] = SNAPSHOT PG_POOLED_SETTINGS ";" LONG_READ};
    enum mu_status st = mu_pg_sync(pg, err);

    if (st == MU_OK)
        st = pg_run(pg, "begin", pg->pooled ? pooled_texts[isolation] : texts[isolation], err);
    if (st == MU_OK) {
        pg->in_transaction = true;
        pg->deadline_ms = isolation == MU_PG_LONG_READ ? PG_LONG_DEADLINE_MS : PG_DEADLINE_MS;
    }
    return st;
}

static void end_transaction(struct mu_pg *pg)
{
    pg->in_transaction = false;
    pg->deadline_ms = PG_DEADLINE_MS;
}

enum mu_status mu_pg_commit(struct mu_pg *pg, struct mu_error *err)
{
    enum mu_status st = mu_pg_sync(pg, err);
    PGresult *result = NULL;
    bool rolled_back;

    if (st != MU_OK)
        return st;
    if (pg->dead)
        return pg_lost("commit", err);
    if (!PQsendQuery(pg->connection, "COMMIT"))
        return pg_connection_error(pg, "commit", err);
    st = read_command(pg, "commit", &result, err);
    if (st != MU_OK)
        return st;
    /* COMMIT of a failed transaction succeeds as a ROLLBACK. */
    rolled_back = result && mu_text_equal(PQcmdStatus(result), "ROLLBACK");
    st = finish(pg, "commit", result, NULL, err);
    end_transaction(pg);
    if (st == MU_OK && rolled_back)
        return mu_fail(err, MU_E_CONFLICT, "commit: the transaction had failed");
    return st;
}

void mu_pg_rollback(struct mu_pg *pg)
{
    struct mu_error ignored;

    if (!pg || !pg->in_transaction)
        return;
    end_transaction(pg);
    (void)!mu_pg_sync(pg, &ignored); /* what was queued fails or succeeds: it is undone anyway */
    if (!pg->dead)
        (void)!pg_run(pg, "rollback", "ROLLBACK", &ignored);
}

/* ---- streams ---- */

enum mu_status mu_pg_stream(struct mu_pg *pg, int statement, const char *const *values,
                            mu_pg_row_fn *each, void *opaque, struct mu_error *err)
{
    const char *name = pg->statements[statement].name;
    enum mu_status st = mu_pg_sync(pg, err), outcome = MU_OK;

    if (st == MU_OK)
        st = send_alone(pg, statement, values, err);
    if (st == MU_OK && !PQsetSingleRowMode(pg->connection))
        st = pg_connection_error(pg, name, err);
    while (st == MU_OK) {
        struct mu_pg_result row = {NULL};
        ExecStatusType status;
        struct mu_error ignored;

        st = pg_next_result(pg, name, &row.result, outcome == MU_OK ? err : &ignored);
        if (st != MU_OK || !row.result)
            break;
        status = PQresultStatus(row.result);
        if (outcome == MU_OK && status == PGRES_SINGLE_TUPLE)
            outcome = each(opaque, &row, err);
        else if (outcome == MU_OK && status != PGRES_TUPLES_OK)
            outcome = pg_result_error(pg, row.result, name, err);
        PQclear(row.result);
    }
    return outcome != MU_OK ? outcome : st;
}

#include "pg/pg_internal.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void remember(struct mu_pg *pg, int statement)
{
    if (pg->queued == pg->queue_capacity) {
        size_t capacity = pg->queue_capacity ? 2 * pg->queue_capacity : 64;
        int *queue = mu_xcalloc(capacity, sizeof(int));

        for (size_t i = 0; i < pg->queued; i++)
            queue[i] = pg->queue[(pg->queue_first + i) % pg->queue_capacity];
        free(pg->queue);
        pg->queue = queue;
        pg->queue_capacity = capacity;
        pg->queue_first = 0;
    }
    pg->queue[(pg->queue_first + pg->queued) % pg->queue_capacity] = statement;
    pg->queued++;
}

static const char *oldest_name(const struct mu_pg *pg)
{
    return pg->queued > 0 ? pg->statements[pg->queue[pg->queue_first]].name : "sync";
}

static void forget_oldest(struct mu_pg *pg)
{
    if (pg->queued == 0)
        return;
    pg->queue_first = (pg->queue_first + 1) % pg->queue_capacity;
    pg->queued--;
}

/* One result of the pipeline: rows are discarded, the first failure is kept. */
static void take_result(struct mu_pg *pg, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_FATAL_ERROR || pg->failed)
        return;
    pg->failed = true;
    (void)pg_result_error(pg, result, oldest_name(pg), &pg->failure);
}

/* Reads what has arrived without waiting, so that neither side's socket fills up. */
static void drain(struct mu_pg *pg)
{
    while (pg->queued > 0 && !PQisBusy(pg->connection)) {
        PGresult *result = PQgetResult(pg->connection);

        if (result)
            take_result(pg, result);
        else
            forget_oldest(pg);
        PQclear(result);
    }
}

enum mu_status mu_pg_queue(struct mu_pg *pg, int statement, const char *const *values,
                           struct mu_error *err)
{
    const struct mu_pg_statement *row = &pg->statements[statement];
    enum mu_status st = MU_OK;
    int unsent;

    if (pg->dead)
        return pg_lost(row->name, err);
    if (PQpipelineStatus(pg->connection) == PQ_PIPELINE_OFF && !PQenterPipelineMode(pg->connection))
        return mu_fail(err, MU_E_INTERNAL, "statement '%s': pipeline mode is refused", row->name);
    if (!pg_send(pg, statement, values))
        return pg_connection_error(pg, row->name, err);
    remember(pg, statement);
    while (st == MU_OK && (unsent = PQflush(pg->connection)) != 0) {
        if (unsent < 0)
            return pg_connection_error(pg, row->name, err);
        st = pg_wait(pg, true, row->name, err);
        if (st == MU_OK)
            drain(pg);
    }
    return st;
}

/* Reads up to and including the sync's own result. */
static enum mu_status read_to_sync(struct mu_pg *pg, struct mu_error *err)
{
    for (;;) {
        PG_AUTO_RESULT PGresult *result = NULL;
        enum mu_status st = pg_next_result(pg, oldest_name(pg), &result, err);

        if (st != MU_OK)
            return st;
        if (!result)
            forget_oldest(pg);
        else if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
            return MU_OK;
        else
            take_result(pg, result);
        if (!result && pg->queued == 0 && PQstatus(pg->connection) != CONNECTION_OK)
            return pg_connection_error(pg, "sync", err);
    }
}

enum mu_status mu_pg_sync(struct mu_pg *pg, struct mu_error *err)
{
    enum mu_status st;

    if (PQpipelineStatus(pg->connection) == PQ_PIPELINE_OFF)
        return MU_OK;
    if (pg->dead) {
        st = pg_lost("sync", err);
    } else if (!PQpipelineSync(pg->connection)) {
        st = pg_connection_error(pg, "sync", err);
    } else {
        st = read_to_sync(pg, err);
        if (st == MU_OK && !PQexitPipelineMode(pg->connection))
            st = pg_connection_error(pg, "sync", err);
    }
    pg->queued = 0;
    if (pg->failed && (st == MU_OK || pg->failure.status == MU_E_UNAVAILABLE)) {
        *err = pg->failure;
        st = pg->failure.status;
    }
    pg->failed = false;
    return st;
}

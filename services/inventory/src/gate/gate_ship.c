#include "gate/gate_ship.h"

#include "gate/gate_metrics.h"
#include "gate/gate_statements.h"
#include "schedule/urgent_jobs.h"
#include "store/rounds.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

enum { BATCH_RECORDS = 2000, BATCH_MAX_BYTES = 96 * 1024 * 1024, NUMBER_SIZE = 24, TIME_SIZE = 64 };

struct batch {
    struct mu_buf sequences, chains, records;
    uint64_t first, last;
    size_t count;
};

static void batch_done(struct batch *batch)
{
    mu_buf_done(&batch->sequences);
    mu_buf_done(&batch->chains);
    mu_buf_done(&batch->records);
}

static enum mu_status add(void *opaque, const struct decision_frame *frame, struct mu_error *err)
{
    struct batch *batch = opaque;
    char sequence[NUMBER_SIZE], chain[2 * DECISION_CHAIN_BYTES + 1];
    MU_AUTO_DONE(mu_buf_done) struct mu_buf record;

    mu_buf_init(&record, DECISION_MAX_BYTES);
    mu_buf_append(&record, frame->payload, frame->payload_len);
    (void)snprintf(sequence, sizeof(sequence), "%" PRIu64, frame->sequence);
    mu_hex_encode(frame->chain, DECISION_CHAIN_BYTES, chain);
    mu_pg_array_add(&batch->sequences, sequence);
    mu_pg_array_add(&batch->chains, chain);
    mu_pg_array_add(&batch->records, record.data);
    if (batch->count++ == 0)
        batch->first = frame->sequence;
    batch->last = frame->sequence;
    return mu_buf_status(&batch->records, "a batch of decisions", err);
}

/* ---- one transaction ---- */

/* When the decisions were made that were written; empty: none was. */
struct span {
    char from[TIME_SIZE], to[TIME_SIZE];
};

static enum mu_status tick(struct mu_pg *pg, char ret_known[TIME_SIZE], struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = mu_pg_execute(pg, GATE_TICK, NULL, &result, err);

    if (st == MU_OK)
        (void)snprintf(ret_known, TIME_SIZE, "%s", mu_pg_text(result, 0, 0));
    return st;
}

static enum mu_status write_batch(struct mu_pg *pg, const char *instance, const char *known_at,
                                  const struct batch *batch, struct span *ret_span,
                                  struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    const char *values[] = {known_at, instance, batch->sequences.data, batch->chains.data,
                            batch->records.data};
    enum mu_status st = mu_pg_execute(pg, GATE_SHIP, values, &result, err);

    if (st != MU_OK)
        return st;
    mu_metric_add(&metric_gate_shipped, mu_pg_int(result, 0, 0));
    if (mu_pg_int(result, 0, 1) > 0)
        MU_LOG(MU_LOG_ERROR, "decisions are missing from the log, told as a detection failure",
               MU_KV("instance", instance), MU_KV_INT("missing", mu_pg_int(result, 0, 1)));
    *ret_span = (struct span){"", ""};
    if (mu_pg_int(result, 0, 0) > 0) {
        (void)snprintf(ret_span->from, TIME_SIZE, "%s", mu_pg_text(result, 0, 2));
        (void)snprintf(ret_span->to, TIME_SIZE, "%s", mu_pg_text(result, 0, 3));
    }
    return MU_OK;
}

static enum mu_status ask_for_scans(struct mu_pg *pg, const char *instance,
                                    const struct batch *batch, const struct span *span,
                                    struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *wanted = NULL;
    MU_AUTO_DONE(urgent_jobs_done) struct urgent_jobs urgent;
    char first[NUMBER_SIZE], last[NUMBER_SIZE];
    const char *values[] = {instance, first, last, span->from, span->to};
    enum mu_status st;

    urgent_jobs_init(&urgent, BATCH_MAX_BYTES);
    (void)snprintf(first, sizeof(first), "%" PRIu64, batch->first);
    (void)snprintf(last, sizeof(last), "%" PRIu64, batch->last);
    st = mu_pg_execute(pg, GATE_WANTED, values, &wanted, err);
    if (st != MU_OK)
        return st;
    for (size_t i = 0; i < mu_pg_rows(wanted); i++)
        urgent_jobs_add(&urgent, mu_pg_text(wanted, i, 0), mu_pg_text(wanted, i, 1));
    return urgent_jobs_ask(&urgent, pg, GATE_JOBS_URGENT, err);
}

static enum mu_status ship(struct mu_pg *pg, const char *instance, const struct batch *batch,
                           struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    char known_at[TIME_SIZE];
    struct span span;
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = tick(pg, known_at, err);
    if (st == MU_OK)
        st = write_batch(pg, instance, known_at, batch, &span, err);
    if (st == MU_OK && span.from[0])
        st = ask_for_scans(pg, instance, batch, &span, err);
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}

/* ---- rounds ---- */

static enum mu_status expected(struct decision_log *log, struct mu_pg *pg, uint64_t *ret_from,
                               struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    const char *instance = decision_log_instance(log);
    struct decision_log_state state;
    enum mu_status st = mu_pg_execute(pg, GATE_EXPECTED, &instance, &result, err);

    if (st != MU_OK)
        return st;
    *ret_from = (uint64_t)mu_pg_int(result, 0, 0);
    decision_log_state(log, &state);
    if (*ret_from > state.next)
        return mu_fail(err, MU_E_CONFLICT,
                       "the database has decisions of '%s' up to %" PRIu64
                       " and its log ends at %" PRIu64
                       ": the folder is an old copy; give the gate a new log-dir",
                       instance, *ret_from - 1, state.next - 1);
    return MU_OK;
}

enum mu_status gate_ship_round(struct decision_log *log, struct mu_pg *pg, bool *ret_busy,
                               struct mu_error *err)
{
    MU_AUTO_DONE(batch_done) struct batch batch = {0};
    struct mu_buf *const arrays[] = {&batch.sequences, &batch.chains, &batch.records};
    uint64_t from = 0, next = 0;
    enum mu_status st;

    for (size_t i = 0; i < 3; i++) {
        mu_buf_init(arrays[i], BATCH_MAX_BYTES);
        mu_pg_array_begin(arrays[i]);
    }
    st = expected(log, pg, &from, err);
    if (st == MU_OK)
        st = decision_log_read(log, from, BATCH_RECORDS, add, &batch, &next, err);
    for (size_t i = 0; i < 3; i++)
        mu_pg_array_end(arrays[i]);
    if (st == MU_OK && batch.count > 0)
        st = ship(pg, decision_log_instance(log), &batch, err);
    if (st != MU_OK)
        return st;
    decision_log_forget(log, batch.count > 0 ? batch.last + 1 : from);
    *ret_busy = batch.count == BATCH_RECORDS;
    return MU_OK;
}

static enum mu_status open_ship(const void *opaque, struct mu_pg **ret_pg, struct mu_error *err)
{
    const struct gate_ship_config *config = opaque;

    return gate_pg_open(config->conninfo, ret_pg, err);
}

static enum mu_status ship_round(const void *opaque, struct mu_pg *pg, bool *ret_busy,
                                 struct mu_error *err)
{
    const struct gate_ship_config *config = opaque;

    return gate_ship_round(config->log, pg, ret_busy, err);
}

void gate_ship_run(const struct gate_ship_config *config)
{
    const struct rounds rounds = {.open = open_ship,
                                  .round = ship_round,
                                  .opaque = config,
                                  .waiting = "decisions stay in the log, retrying",
                                  .pause_ms = config->interval_ms,
                                  .backoff = {500, 30000, 0}};

    rounds_run(&rounds);
}

#include "outbox/relay.h"

#include "store/metrics.h"
#include "store/statements.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    RELAY_MAX_ROWS = 500,
    RELAY_IDLE_MS = 50,
    RELAY_FLUSH_MS = 200,
    RETRY_MIN_MS = 200,
    RETRY_MAX_MS = 5000,
    IDS_MAX_BYTES = 64 * 1024
};

struct relay {
    const struct relay_config *config;
    struct mu_pg *pg;
    atomic_int states[RELAY_MAX_ROWS]; /* enum mu_status + 1 of each row; 0: not yet */
};

static void on_delivered(void *opaque, enum mu_status status, const char *message)
{
    (void)message;
    atomic_store((atomic_int *)opaque, (int)status + 1);
}

/* Columns of READ_OUTBOX_NEXT. */
enum {
    ROW_ID,
    ROW_TOPIC,
    ROW_KEY,
    ROW_CE_ID,
    ROW_TYPE,
    ROW_SOURCE,
    ROW_TIME,
    ROW_TRACE,
    ROW_PAYLOAD
};

static enum mu_status send_row(struct relay *relay, const struct mu_pg_result *rows, size_t row,
                               struct mu_error *err)
{
    const char *payload = mu_pg_text(rows, row, ROW_PAYLOAD);
    struct mu_outgoing message = {
            .topic = mu_topic_of(mu_pg_text(rows, row, ROW_TOPIC)),
            .key = mu_pg_text(rows, row, ROW_KEY),
            .envelope = {.type = mu_msg_type_of(mu_pg_text(rows, row, ROW_TYPE)),
                         .id = mu_pg_text(rows, row, ROW_CE_ID),
                         .source = mu_pg_text(rows, row, ROW_SOURCE),
                         .time_us = mu_pg_time_us(rows, row, ROW_TIME),
                         .traceparent = mu_pg_text(rows, row, ROW_TRACE)},
            .value = payload,
            .value_len = strlen(payload)};

    atomic_store(&relay->states[row], 0);
    return mu_producer_send(relay->config->producer, &message, on_delivered, &relay->states[row],
                            err);
}

/* Deletes what was acknowledged; what Kafka refuses for good is told and deleted too. */
static enum mu_status delete_sent(struct relay *relay, const struct mu_pg_result *rows, size_t sent,
                                  struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    const char *values[1];
    size_t gone = 0;

    mu_buf_init(&ids, IDS_MAX_BYTES);
    mu_pg_array_begin(&ids);
    for (size_t i = 0; i < sent; i++) {
        enum mu_status status = (enum mu_status)(atomic_load(&relay->states[i]) - 1);

        if (status == MU_E_UNAVAILABLE)
            continue;
        if (status != MU_OK)
            MU_LOG(MU_LOG_ERROR, "Kafka refuses an outbox message for good",
                   MU_KV("id", mu_pg_text(rows, i, ROW_CE_ID)),
                   MU_KV("topic", mu_pg_text(rows, i, ROW_TOPIC)));
        mu_pg_array_add(&ids, mu_pg_text(rows, i, ROW_ID));
        gone++;
    }
    mu_pg_array_end(&ids);
    mu_metric_add(&metric_outbox_sent, (int64_t)gone);
    values[0] = ids.data;
    if (gone > 0 && mu_pg_execute(relay->pg, READ_OUTBOX_DELETE, values, NULL, err) != MU_OK)
        return err->status;
    return gone == sent ? MU_OK : mu_fail(err, MU_E_UNAVAILABLE, "Kafka did not acknowledge all");
}

/* MU_END: another process is sending. The lock lasts as long as the transaction: when the process
 * dies, and behind a pooler, it is gone at the right time. */
static enum mu_status become_sender(struct relay *relay, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = mu_pg_execute(relay->pg, READ_OUTBOX_LOCK, NULL, &result, err);

    return st == MU_OK && !mu_pg_bool(result, 0, 0) ? MU_END : st;
}

/* Gives how many were handed over, also after a failure: callbacks point into `states`. False: a
 * stop was requested before all had an answer. */
static bool send_rows(struct relay *relay, const struct mu_pg_result *rows, size_t *ret_sent,
                      struct mu_error *err)
{
    enum mu_status st = MU_OK;
    struct mu_error flush_err;

    *ret_sent = 0;
    while (st == MU_OK && *ret_sent < mu_pg_rows(rows) && *ret_sent < RELAY_MAX_ROWS) {
        st = send_row(relay, rows, *ret_sent, err);
        *ret_sent += st == MU_OK;
    }
    /* Deliveries time out by themselves. */
    while (mu_producer_flush(relay->config->producer, RELAY_FLUSH_MS, &flush_err) != MU_OK)
        if (mu_stop_requested())
            return false;
    return true;
}

/* In a transaction, the lock held. MU_END: the outbox is empty. */
static enum mu_status relay_some(struct relay *relay, struct mu_error *err)
{
    static const char *const from_start[] = {"0", "500"};
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    struct mu_error sending = {.status = MU_OK}, committing;
    size_t sent = 0;
    enum mu_status st = mu_pg_execute(relay->pg, READ_OUTBOX_NEXT, from_start, &rows, err);

    if (st != MU_OK)
        return st;
    mu_metric_set(&metric_outbox_waiting, (int64_t)mu_pg_rows(rows));
    if (mu_pg_rows(rows) == 0)
        return MU_END;
    if (!send_rows(relay, rows, &sent, &sending))
        return mu_fail(err, MU_E_UNAVAILABLE, "stopped before Kafka acknowledged");
    st = sent > 0 ? delete_sent(relay, rows, sent, err) : MU_OK;
    /* What was acknowledged is gone, whatever became of the rest. */
    if (mu_pg_commit(relay->pg, &committing) != MU_OK && st == MU_OK)
        return *err = committing, err->status;
    if (st == MU_OK && sent < mu_pg_rows(rows) && sent < RELAY_MAX_ROWS)
        return *err = sending, err->status;
    return st;
}

struct relay *relay_new(const struct relay_config *config)
{
    struct relay *relay = mu_xcalloc(1, sizeof(*relay));

    relay->config = config;
    return relay;
}

void relay_free(struct relay *relay)
{
    if (!relay)
        return;
    mu_pg_close(relay->pg);
    free(relay);
}

static enum mu_status round_in_transaction(struct relay *relay, struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = relay->pg;
    enum mu_status st = mu_pg_begin(relay->pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = become_sender(relay, err);
    return st == MU_OK ? relay_some(relay, err) : st;
}

enum mu_status relay_round(struct relay *relay, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    if (relay->pg && !mu_pg_alive(relay->pg)) {
        mu_pg_close(relay->pg);
        relay->pg = NULL;
    }
    if (!relay->pg)
        st = inventory_pg_open(relay->config->conninfo, "muster-inventory outbox", &relay->pg, err);
    return st == MU_OK ? round_in_transaction(relay, err) : st;
}

void relay_run(struct relay *relay)
{
    struct mu_backoff backoff = {RETRY_MIN_MS, RETRY_MAX_MS, 0};

    while (!mu_stop_requested()) {
        struct mu_error err;
        enum mu_status st = relay_round(relay, &err);

        if (st == MU_OK || st == MU_END) {
            backoff.attempt = 0;
            if (st == MU_END)
                (void)mu_stop_wait(RELAY_IDLE_MS);
            continue;
        }
        MU_LOG(MU_LOG_WARN, "outbox waits, retrying", MU_KV("error", err.message));
        (void)mu_backoff_wait(&backoff);
    }
}

#include "delivery/delivery.h"

#include "metrics/metrics.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    DRAIN_POLL_MS = 200,
    DRAIN_MIN_MS = 200,
    DRAIN_MAX_MS = 1000,
    DRAIN_FLUSH_MS = 60000,
    DRAIN_WINDOW = 500 /* messages under way: each must be delivered within its own timeout */
};

struct delivery {
    struct mu_producer *producer;
    struct spool *spool;
    pthread_t drainer;
    atomic_bool stopping;
    atomic_bool stalled; /* Kafka let a message run into its timeout and has taken none since */
};

/* The messages of one request. */
struct batch {
    struct delivery *delivery;
    delivery_done_fn *done;
    void *opaque;
    struct batch *memory; /* to be freed: itself with all copies; NULL: the caller's arena */
    atomic_size_t pending;
    atomic_int status; /* the worst so far */
    size_t count;
    struct parcel {
        struct batch *batch;
        const struct mu_outgoing *message;
        bool waited; /* for Kafka, in vain */
    } parcels[];
};

/* ---- messages under way ---- */

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static size_t message_size(const struct mu_outgoing *message)
{
    return text_size(message->key) + text_size(message->envelope.id) +
           text_size(message->envelope.source) + text_size(message->envelope.traceparent) +
           message->value_len;
}

static const char *put(char **at, const void *bytes, size_t len)
{
    char *copy = *at;

    if (!bytes)
        return NULL;
    memcpy(copy, bytes, len);
    *at += len;
    return copy;
}

static void copy_message(const struct mu_outgoing *from, struct mu_outgoing *to, char **at)
{
    *to = *from;
    to->key = put(at, from->key, text_size(from->key));
    to->envelope.id = put(at, from->envelope.id, text_size(from->envelope.id));
    to->envelope.source = put(at, from->envelope.source, text_size(from->envelope.source));
    to->envelope.traceparent =
            put(at, from->envelope.traceparent, text_size(from->envelope.traceparent));
    to->value = put(at, from->value, from->value_len);
}

static size_t batch_size(size_t count)
{
    return sizeof(struct batch) + count * sizeof(struct parcel);
}

static void batch_init(struct batch *batch, struct delivery *delivery,
                       const struct mu_outgoing *messages, size_t count, delivery_done_fn *done,
                       void *opaque)
{
    batch->delivery = delivery;
    batch->done = done;
    batch->opaque = opaque;
    batch->memory = NULL;
    atomic_init(&batch->pending, count + 1); /* one for who sends them */
    atomic_init(&batch->status, MU_OK);
    batch->count = count;
    for (size_t i = 0; i < count; i++)
        batch->parcels[i] = (struct parcel){.batch = batch, .message = &messages[i]};
}

/* One memory block holds it and its copies. */
static struct batch *batch_of_copies(struct delivery *delivery, const struct mu_outgoing *messages,
                                     size_t count, delivery_done_fn *done, void *opaque)
{
    size_t size = batch_size(count) + count * sizeof(struct mu_outgoing);
    struct mu_outgoing *copies;
    struct batch *batch;
    char *at;

    for (size_t i = 0; i < count; i++)
        size += message_size(&messages[i]);
    batch = malloc(size);
    if (!batch)
        return NULL;
    copies = (struct mu_outgoing *)(void *)&batch->parcels[count];
    at = (char *)&copies[count];
    for (size_t i = 0; i < count; i++)
        copy_message(&messages[i], &copies[i], &at);
    batch_init(batch, delivery, copies, count, done, opaque);
    batch->memory = batch;
    return batch;
}

/* One message less to wait for. */
static void batch_step(struct batch *batch, enum mu_status status)
{
    struct batch *memory = batch->memory; /* the arena may go with `done` */

    if (status != MU_OK)
        atomic_store(&batch->status, (int)status);
    if (atomic_fetch_sub(&batch->pending, 1) != 1)
        return;
    batch->done(batch->opaque, (enum mu_status)atomic_load(&batch->status));
    free(memory);
}

/* ---- Kafka first, then the spool ---- */

/* A broker may be connected and take nothing: after one message has waited for it in vain, the
 * others need not, until the drainer gets something through. */
static void set_stalled(struct delivery *delivery, bool stalled)
{
    if (atomic_load_explicit(&delivery->stalled, memory_order_relaxed) != stalled)
        atomic_store(&delivery->stalled, stalled);
}

static void on_spooled(void *opaque, enum mu_status status)
{
    const struct parcel *parcel = opaque;

    /* Not before it is on disk, where the drainer finds it: who else would end the stall? */
    if (status == MU_OK && parcel->waited)
        set_stalled(parcel->batch->delivery, true);
    mu_metric_add(status == MU_OK ? &metric_messages_spooled : &metric_messages_refused, 1);
    batch_step(parcel->batch, status);
}

static void to_spool(struct parcel *parcel)
{
    struct mu_error err;
    enum mu_status st =
            spool_append(parcel->batch->delivery->spool, parcel->message, on_spooled, parcel, &err);

    if (st != MU_OK) {
        mu_metric_add(&metric_messages_refused, 1);
        batch_step(parcel->batch, st);
    }
}

static void on_delivered(void *opaque, enum mu_status status, const char *message)
{
    struct parcel *parcel = opaque;

    (void)message;
    if (status != MU_OK) {
        parcel->waited = status == MU_E_UNAVAILABLE;
        to_spool(parcel); /* also what is refused for good: the drainer sets it aside */
        return;
    }
    set_stalled(parcel->batch->delivery, false);
    mu_metric_add(&metric_messages_delivered, 1);
    batch_step(parcel->batch, MU_OK);
}

static void send_parcel(struct parcel *parcel)
{
    struct delivery *delivery = parcel->batch->delivery;
    struct mu_error err;

    if (atomic_load(&delivery->stalled) || !mu_producer_connected(delivery->producer) ||
        mu_producer_send(delivery->producer, parcel->message, on_delivered, parcel, &err) != MU_OK)
        to_spool(parcel);
}

static void send_batch(struct batch *batch)
{
    size_t count = batch->count;

    for (size_t i = 0; i < count; i++)
        send_parcel(&batch->parcels[i]);
    batch_step(batch, MU_OK);
}

void delivery_send(struct delivery *delivery, const struct mu_outgoing *messages, size_t count,
                   delivery_done_fn *done, void *opaque)
{
    struct batch *batch = batch_of_copies(delivery, messages, count, done, opaque);

    if (batch)
        send_batch(batch);
    else
        done(opaque, MU_E_UNAVAILABLE);
}

void delivery_send_kept(struct delivery *delivery, const struct mu_outgoing *messages, size_t count,
                        struct mu_arena *arena, delivery_done_fn *done, void *opaque)
{
    struct batch *batch = mu_arena_alloc(arena, batch_size(count));

    if (!batch) {
        done(opaque, MU_E_UNAVAILABLE);
        return;
    }
    batch_init(batch, delivery, messages, count, done, opaque);
    send_batch(batch);
}

/* ---- draining ---- */

struct drain {
    struct delivery *delivery;
    atomic_bool failed;
    atomic_size_t refused;
    size_t count;
};

static void note_refused(struct drain *drain, enum mu_status status, const char *reason)
{
    atomic_fetch_add(&drain->refused, 1);
    mu_metric_add(&metric_messages_kept, 1);
    MU_LOG(MU_LOG_ERROR, "Kafka refuses a message for good",
           MU_KV("status", mu_status_name(status)), MU_KV("reason", reason));
}

static void on_drained(void *opaque, enum mu_status status, const char *message)
{
    struct drain *drain = opaque;

    if (status == MU_OK)
        set_stalled(drain->delivery, false);
    if (status == MU_E_UNAVAILABLE)
        atomic_store(&drain->failed, true);
    else if (status != MU_OK)
        note_refused(drain, status, message);
}

/* Until nothing of the drain is under way: callbacks point into its frame. Deliveries time out by
 * themselves. */
static enum mu_status settle(struct drain *drain, struct mu_error *err)
{
    struct mu_error ignored;

    while (mu_producer_flush(drain->delivery->producer, DRAIN_FLUSH_MS, &ignored) != MU_OK)
        continue;
    return atomic_load(&drain->failed)
                   ? mu_fail(err, MU_E_UNAVAILABLE, "Kafka did not take all of it")
                   : MU_OK;
}

static enum mu_status drain_message(void *opaque, const struct mu_outgoing *message,
                                    struct mu_error *err)
{
    struct drain *drain = opaque;
    enum mu_status st = drain->count % DRAIN_WINDOW == 0 ? settle(drain, err) : MU_OK;

    if (st == MU_OK && atomic_load(&drain->delivery->stopping))
        st = mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    if (st == MU_OK)
        st = mu_producer_send(drain->delivery->producer, message, on_drained, drain, err);
    if (st == MU_E_LIMIT || st == MU_E_INVALID) {
        note_refused(drain, st, err->message);
        st = MU_OK;
    }
    drain->count++;
    return st;
}

/* Everything in it that Kafka takes is delivered. */
static enum mu_status finish_segment(const struct drain *drain, bool damaged, struct mu_error *err)
{
    struct spool *spool = drain->delivery->spool;
    size_t refused = atomic_load(&drain->refused);
    char kept[PATH_MAX];

    mu_metric_add(&metric_messages_delivered, (int64_t)(drain->count - refused));
    MU_LOG(MU_LOG_INFO, "spool segment delivered", MU_KV_INT("messages", drain->count - refused));
    if (!damaged && refused == 0) {
        spool_remove_oldest(spool);
        return MU_OK;
    }
    if (spool_keep_oldest(spool, damaged ? "damaged" : "refused", kept, err) != MU_OK)
        return err->status;
    MU_LOG(MU_LOG_ERROR, "spool segment is kept for inspection", MU_KV("file", kept),
           MU_KV("reason", damaged ? "damaged" : "refused by Kafka"));
    return MU_OK;
}

/* Carries the oldest segment over. MU_END: nothing is there. */
static enum mu_status drain_segment(struct delivery *delivery, struct mu_error *err)
{
    struct drain drain = {.delivery = delivery};
    bool damaged = false, stalled = atomic_load(&delivery->stalled);
    struct mu_error settle_err;
    enum mu_status settled,
            st = spool_read_oldest(delivery->spool, drain_message, &drain, &damaged, err);

    if (st == MU_END) {
        if (stalled) /* and what stalled is gone since */
            set_stalled(delivery, false);
        return st;
    }
    settled = settle(&drain, &settle_err);
    if (st == MU_OK && settled != MU_OK) {
        *err = settle_err;
        st = settled;
    }
    return st == MU_OK ? finish_segment(&drain, damaged, err) : st;
}

static void *drain_loop(void *opaque)
{
    struct delivery *delivery = opaque;
    struct mu_backoff backoff = {DRAIN_MIN_MS, DRAIN_MAX_MS, 0};
    struct mu_error err;

    while (!atomic_load(&delivery->stopping) && !mu_stop_requested()) {
        enum mu_status st = MU_END;

        if (mu_producer_connected(delivery->producer))
            st = drain_segment(delivery, &err);
        mu_metric_set(&metric_spool_bytes, spool_bytes(delivery->spool));
        if (st != MU_OK && st != MU_END) {
            MU_LOG(MU_LOG_WARN, "spool not delivered, retrying", MU_KV("error", err.message));
            (void)mu_backoff_wait(&backoff);
            continue;
        }
        backoff.attempt = 0;
        if (st == MU_END)
            (void)mu_stop_wait(DRAIN_POLL_MS);
    }
    return NULL;
}

enum mu_status delivery_start(struct mu_producer *producer, struct spool *spool,
                              struct delivery **ret_delivery, struct mu_error *err)
{
    struct delivery *delivery = mu_xcalloc(1, sizeof(*delivery));

    delivery->producer = producer;
    delivery->spool = spool;
    if (pthread_create(&delivery->drainer, NULL, drain_loop, delivery) != 0) {
        free(delivery);
        return mu_fail(err, MU_E_UNAVAILABLE, "no thread for the spool's drainer");
    }
    *ret_delivery = delivery;
    return MU_OK;
}

void delivery_stop(struct delivery *delivery)
{
    if (!delivery)
        return;
    atomic_store(&delivery->stopping, true);
    (void)pthread_join(delivery->drainer, NULL);
}

void delivery_free(struct delivery *delivery)
{
    free(delivery);
}

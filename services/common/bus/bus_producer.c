#include "bus/bus_delivery.h"
#include "bus/bus_link.h"

#include "base/clock.h"
#include "base/memory.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POLL_MS = 100,
    CLOSE_FLUSH_MS = 5000,
    PURGE_MS = 2000,
    REPLACE_MS = 1000, /* at most one new client a second */
    TEXT_MAX = 4096,   /* key and each header text */
    DEFAULT_TIMEOUT_MS = 30000,
    DEFAULT_QUEUE_MESSAGES = 100000
};

/* One librdkafka client; replaced whole when it failed for good. */
struct session {
    rd_kafka_t *handle;
    _Atomic(rd_kafka_topic_t *) topics[MU_TOPIC_COUNT]; /* made at first use */
};

struct mu_producer {
    struct bus_link link; /* first: the opaque of the handle's callbacks */
    struct bus_delivery_pool pool;
    struct mu_bus_config config; /* with its texts copied */
    pthread_t poller;
    atomic_bool stopping;
    pthread_rwlock_t
            session_lock;    /* senders hold it to read, the poll thread to write while it swaps */
    struct session *session; /* NULL once closing */
    pthread_mutex_t topic_lock;
};

/* ---- the handle ---- */

static void on_report(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    struct mu_producer *producer = opaque;
    enum mu_status status = bus_code_status(message->err);

    (void)handle;
    if (status == MU_OK)
        bus_link_set_up(&producer->link);
    if (status == MU_E_DENIED)
        status = MU_E_UNAVAILABLE; /* rights can be granted: the message itself is right */
    bus_delivery_report(&producer->pool, message->_private, status,
                        status == MU_OK ? "" : rd_kafka_err2str(message->err));
}

static enum mu_status open_handle(struct mu_producer *producer, rd_kafka_t **ret_handle,
                                  struct mu_error *err)
{
    char timeout[24], queue[24];
    const struct bus_setting settings[] = {
            {"enable.idempotence", "true"},
            {"acks", "all"},
            {"linger.ms", "5"},
            /* With more, librdkafka 2.0 polls its socket without a pause as long as a broker is
               slow to acknowledge: half a processor for nothing. */
            {"max.in.flight", "2"},
            {"message.timeout.ms", timeout},
            {"queue.buffering.max.messages", queue},
            {"queue.buffering.max.kbytes", "131072"},
            {"partitioner", "murmur2_random"}, /* the same partitions as Java clients choose */
            {NULL, NULL},
    };
    rd_kafka_conf_t *conf = NULL;

    (void)snprintf(timeout, sizeof(timeout), "%lld",
                   (long long)producer->config.message_timeout_ms);
    (void)snprintf(queue, sizeof(queue), "%lld", (long long)producer->config.queue_max_messages);
    if (bus_conf_new(&producer->config, settings, &producer->link, &conf, err) != MU_OK)
        return err->status;
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    return bus_handle_new(RD_KAFKA_PRODUCER, conf, ret_handle, err);
}

static struct session *open_session(struct mu_producer *producer, struct mu_error *err)
{
    struct session *session = mu_xcalloc(1, sizeof(*session));

    if (open_handle(producer, &session->handle, err) != MU_OK) {
        free(session);
        return NULL;
    }
    return session;
}

static void free_session(struct session *session)
{
    for (int i = 0; i < MU_TOPIC_COUNT; i++)
        if (session->topics[i] != NULL)
            rd_kafka_topic_destroy(session->topics[i]);
    rd_kafka_destroy(session->handle);
    free(session);
}

static struct session *swap_session(struct mu_producer *producer, struct session *next)
{
    struct session *previous;

    (void)pthread_rwlock_wrlock(&producer->session_lock);
    previous = producer->session;
    producer->session = next;
    (void)pthread_rwlock_unlock(&producer->session_lock);
    return previous;
}

/* A round of reports. */
static void serve_reports(struct mu_producer *producer, rd_kafka_t *handle)
{
    (void)rd_kafka_poll(handle, POLL_MS);
    bus_delivery_settle(&producer->pool);
}

/* Ends a session nobody sends on any more: what it still holds is reported as purged. */
static void end_session(struct mu_producer *producer, struct session *session)
{
    uint64_t deadline = mu_monotonic_ms() + PURGE_MS;

    (void)rd_kafka_purge(session->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_outq_len(session->handle) > 0 && mu_monotonic_ms() < deadline)
        serve_reports(producer, session->handle);
    free_session(session);
}

/*
 * An idempotent producer that lost its sequence refuses everything from then on
 * (librdkafka INTRODUCTION.md, "Fatal errors"); a new one starts a new sequence.
 */
static void replace_session(struct mu_producer *producer)
{
    struct session *next;
    struct mu_error err;

    atomic_store(&producer->link.fatal, false);
    next = open_session(producer, &err);
    if (next ==
        NULL) /* memory or threads are short: the failed one goes on refusing until the next try */
        atomic_store(&producer->link.fatal, true);
    else
        end_session(producer, swap_session(producer, next));
}

static void *poll_loop(void *opaque)
{
    struct mu_producer *producer = opaque;
    uint64_t replaced_at_ms = 0;

    while (!atomic_load(&producer->stopping)) {
        serve_reports(producer, producer->session->handle); /* only this thread swaps it */
        if (!atomic_load(&producer->link.fatal) || mu_monotonic_ms() < replaced_at_ms + REPLACE_MS)
            continue;
        replaced_at_ms = mu_monotonic_ms();
        replace_session(producer);
    }
    end_session(producer, swap_session(producer, NULL));
    bus_delivery_report_all(&producer->pool, MU_E_UNAVAILABLE, "the producer was closed");
    return NULL;
}

/* ---- open and close ---- */

static void copy_config(struct mu_producer *producer, const struct mu_bus_config *config)
{
    struct mu_bus_config *own = &producer->config;

    *own = *config;
    own->brokers = config->brokers != NULL ? mu_xstrdup(config->brokers) : NULL;
    own->client_id = config->client_id != NULL ? mu_xstrdup(config->client_id) : NULL;
    own->properties = config->properties != NULL ? mu_xstrdup(config->properties) : NULL;
    if (own->message_timeout_ms == 0)
        own->message_timeout_ms = DEFAULT_TIMEOUT_MS;
    if (own->queue_max_messages == 0)
        own->queue_max_messages = DEFAULT_QUEUE_MESSAGES;
}

static void free_producer(struct mu_producer *producer)
{
    bus_delivery_pool_done(&producer->pool);
    bus_link_done(&producer->link);
    (void)pthread_rwlock_destroy(&producer->session_lock);
    (void)pthread_mutex_destroy(&producer->topic_lock);
    free((void *)(uintptr_t)producer->config.brokers);
    free((void *)(uintptr_t)producer->config.client_id);
    free((void *)(uintptr_t)producer->config.properties);
    free(producer);
}

static enum mu_status start_poller(struct mu_producer *producer, struct mu_error *err)
{
    sigset_t all, before;
    int rc;

    (void)sigfillset(&all); /* signals are for the main thread */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&producer->poller, NULL, poll_loop, producer);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? MU_OK : mu_fail(err, MU_E_NOMEM, "poll thread: %s", strerror(rc));
}

enum mu_status mu_producer_open(const struct mu_bus_config *config,
                                struct mu_producer **ret_producer, struct mu_error *err)
{
    struct mu_producer *producer = mu_xcalloc(1, sizeof(*producer));

    copy_config(producer, config);
    bus_link_init(&producer->link);
    bus_delivery_pool_init(&producer->pool, (size_t)producer->config.queue_max_messages);
    (void)pthread_rwlock_init(&producer->session_lock, NULL);
    (void)pthread_mutex_init(&producer->topic_lock, NULL);
    producer->session = open_session(producer, err);
    if (producer->session == NULL) {
        free_producer(producer);
        return err->status;
    }
    if (start_poller(producer, err) != MU_OK) {
        free_session(producer->session);
        free_producer(producer);
        return err->status;
    }
    *ret_producer = producer;
    return MU_OK;
}

/* The poll thread need not wait out its poll. */
static void wake_poller(struct mu_producer *producer)
{
    (void)pthread_rwlock_rdlock(&producer->session_lock);
    if (producer->session != NULL) {
        rd_kafka_queue_t *queue = rd_kafka_queue_get_main(producer->session->handle);

        rd_kafka_queue_yield(queue);
        rd_kafka_queue_destroy(queue);
    }
    (void)pthread_rwlock_unlock(&producer->session_lock);
}

void mu_producer_close(struct mu_producer *producer)
{
    if (producer == NULL)
        return;
    (void)bus_delivery_pool_wait(&producer->pool, CLOSE_FLUSH_MS);
    atomic_store(&producer->stopping, true);
    wake_poller(producer);
    (void)pthread_join(producer->poller, NULL);
    free_producer(producer);
}

/* ---- send ---- */

/* Under session_lock. NULL only when librdkafka refuses. */
static rd_kafka_topic_t *topic_handle(struct mu_producer *producer, enum mu_topic topic)
{
    struct session *session = producer->session;
    rd_kafka_topic_t *found = atomic_load_explicit(&session->topics[topic], memory_order_acquire);

    if (found != NULL)
        return found;
    (void)pthread_mutex_lock(&producer->topic_lock);
    found = atomic_load(&session->topics[topic]);
    if (found == NULL) {
        found = rd_kafka_topic_new(session->handle, mu_topic_name(topic), NULL);
        atomic_store_explicit(&session->topics[topic], found, memory_order_release);
    }
    (void)pthread_mutex_unlock(&producer->topic_lock);
    return found;
}

static enum mu_status check_text(const char *text, const char *what, bool required,
                                 struct mu_error *err)
{
    if (text == NULL)
        return required ? mu_fail(err, MU_E_INVALID, "message without %s", what) : MU_OK;
    if (strnlen(text, TEXT_MAX + 1) > TEXT_MAX)
        return mu_fail(err, MU_E_LIMIT, "%s of a message: over %d bytes", what, TEXT_MAX);
    return MU_OK;
}

static enum mu_status check_outgoing(const struct mu_outgoing *message, struct mu_error *err)
{
    const struct mu_msg_envelope *envelope = &message->envelope;

    if (message->topic >= MU_TOPIC_COUNT || mu_msg_descriptor(envelope->type) == NULL)
        return mu_fail(err, MU_E_INVALID, "message of unknown topic or type");
    if (message->value_len > MU_MSG_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "message '%s' of %zu bytes: over %d",
                       envelope->id != NULL ? envelope->id : "", message->value_len,
                       MU_MSG_MAX_BYTES);
    if (check_text(message->key, "key", false, err) != MU_OK ||
        check_text(envelope->id, "ce_id", true, err) != MU_OK ||
        check_text(envelope->source, "ce_source", true, err) != MU_OK ||
        check_text(envelope->traceparent, "traceparent", false, err) != MU_OK)
        return err->status;
    return MU_OK;
}

enum { PRODUCE_MAX_FIELDS = 16 };

struct produce_fields {
    rd_kafka_vu_t fields[PRODUCE_MAX_FIELDS];
    size_t count;
    char time[MU_TIME_TEXT_SIZE];
};

static rd_kafka_vu_t *add_field(struct produce_fields *produce, rd_kafka_vtype_t type)
{
    rd_kafka_vu_t *field = &produce->fields[produce->count++];

    field->vtype = type;
    return field;
}

static void add_header(struct produce_fields *produce, const char *name, const char *value)
{
    rd_kafka_vu_t *field = add_field(produce, RD_KAFKA_VTYPE_HEADER);

    field->u.header.name = name;
    field->u.header.val = value;
    field->u.header.size = (ssize_t)strlen(value);
}

static void add_memory(struct produce_fields *produce, rd_kafka_vtype_t type, const void *bytes,
                       size_t len)
{
    rd_kafka_vu_t *field = add_field(produce, type);

    field->u.mem.ptr =
            (void *)(uintptr_t)bytes; /* librdkafka's struct lacks the const; it copies */
    field->u.mem.size = len;
}

static void fill_headers(struct produce_fields *produce, const struct mu_msg_envelope *envelope)
{
    add_header(produce, "ce_specversion", "1.0");
    add_header(produce, "ce_id", envelope->id);
    add_header(produce, "ce_type", mu_msg_descriptor(envelope->type)->ce_type);
    add_header(produce, "ce_source", envelope->source);
    if (envelope->time_us != MU_TIME_NONE) {
        mu_time_format(envelope->time_us, produce->time);
        add_header(produce, "ce_time", produce->time);
    }
    add_header(produce, "content-type", "application/json");
    if (envelope->traceparent != NULL)
        add_header(produce, "traceparent", envelope->traceparent);
}

static void fill_produce(struct produce_fields *produce, const struct mu_outgoing *message,
                         rd_kafka_topic_t *topic, struct bus_delivery *delivery)
{
    produce->count = 0;
    add_field(produce, RD_KAFKA_VTYPE_RKT)->u.rkt = topic;
    add_field(produce, RD_KAFKA_VTYPE_MSGFLAGS)->u.i = RD_KAFKA_MSG_F_COPY;
    add_memory(produce, RD_KAFKA_VTYPE_VALUE, message->value, message->value_len);
    if (message->key != NULL)
        add_memory(produce, RD_KAFKA_VTYPE_KEY, message->key, strlen(message->key));
    add_field(produce, RD_KAFKA_VTYPE_OPAQUE)->u.ptr = delivery;
    fill_headers(produce, &message->envelope);
}

/* Under session_lock, so that the session stays. */
static enum mu_status produce_with(struct mu_producer *producer, const struct mu_outgoing *message,
                                   struct bus_delivery *delivery, struct mu_error *err)
{
    struct produce_fields produce;
    rd_kafka_topic_t *topic;
    rd_kafka_error_t *failure;
    enum mu_status st;

    if (producer->session == NULL)
        return mu_fail(err, MU_E_UNAVAILABLE, "the producer is closing");
    topic = topic_handle(producer, message->topic);
    if (topic == NULL)
        return mu_fail(err, MU_E_UNAVAILABLE, "topic '%s': %s", mu_topic_name(message->topic),
                       rd_kafka_err2str(rd_kafka_last_error()));
    fill_produce(&produce, message, topic, delivery);
    failure = rd_kafka_produceva(producer->session->handle, produce.fields, produce.count);
    if (failure == NULL)
        return MU_OK;
    st = rd_kafka_error_code(failure) == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? MU_E_LIMIT
                                                                              : MU_E_UNAVAILABLE;
    (void)mu_fail(err, st, "queue for topic '%s': %s", mu_topic_name(message->topic),
                  rd_kafka_error_string(failure));
    rd_kafka_error_destroy(failure);
    return st;
}

enum mu_status mu_producer_send(struct mu_producer *producer, const struct mu_outgoing *message,
                                mu_delivery_fn *on_delivery, void *opaque, struct mu_error *err)
{
    struct bus_delivery *delivery;
    enum mu_status st;

    if (check_outgoing(message, err) != MU_OK)
        return err->status;
    delivery = bus_delivery_take(&producer->pool, on_delivery, opaque);
    if (delivery == NULL)
        return mu_fail(err, MU_E_UNAVAILABLE, "%lld messages await delivery: queue full",
                       (long long)producer->config.queue_max_messages);
    (void)pthread_rwlock_rdlock(&producer->session_lock);
    st = produce_with(producer, message, delivery, err);
    (void)pthread_rwlock_unlock(&producer->session_lock);
    if (st != MU_OK)
        bus_delivery_cancel(&producer->pool, delivery);
    return st;
}

enum mu_status mu_producer_flush(struct mu_producer *producer, int64_t timeout_ms,
                                 struct mu_error *err)
{
    char reason[LINK_ERROR_SIZE];

    if (bus_delivery_pool_wait(&producer->pool, timeout_ms))
        return MU_OK;
    bus_link_last_error(&producer->link, reason);
    return mu_fail(err, MU_E_UNAVAILABLE, "%zu messages undelivered after %lld ms: %s",
                   bus_delivery_pool_under_way(&producer->pool), (long long)timeout_ms, reason);
}

bool mu_producer_connected(const struct mu_producer *producer)
{
    return bus_link_is_up(&producer->link);
}

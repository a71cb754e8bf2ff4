#include "bus/bus_incoming.h"
#include "bus/bus_link.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/stop.h"

#include <limits.h>
#include <stdlib.h>

enum { CLOSE_MS = 5000, CLOSE_POLL_MS = 100, REWIND_MS = 5000, SETTLE_MS = 50 };

struct mu_consumer {
    struct bus_link link; /* first: the opaque of the handle's callbacks */
    rd_kafka_t *handle;
    mu_position_fn *position;
    void *opaque;
    bool paused[MU_TOPIC_COUNT];
    unsigned rebalances; /* messages fetched before a rebalance are read again after it */
    rd_kafka_topic_partition_list_t *waiting; /* assigned to us, but `position` failed so far */
    bool rewind_due;                          /* a rewind failed so far */
};

/* ---- assignment ---- */

static enum mu_status ask_positions(struct mu_consumer *consumer,
                                    rd_kafka_topic_partition_list_t *partitions,
                                    struct mu_error *err)
{
    for (int i = 0; i < partitions->cnt; i++) {
        rd_kafka_topic_partition_t *p = &partitions->elems[i];
        enum mu_topic topic = mu_topic_of(p->topic);
        int64_t offset = -1;

        if (consumer->position != NULL && topic < MU_TOPIC_COUNT &&
            consumer->position(consumer->opaque, topic, p->partition, &offset, err) != MU_OK)
            return mu_wrap(err, "position of %s/%d", p->topic, (int)p->partition);
        p->offset = offset >= 0 ? offset : RD_KAFKA_OFFSET_STORED;
    }
    return MU_OK;
}

static rd_kafka_resp_err_t pause_partitions(struct mu_consumer *consumer,
                                            const rd_kafka_topic_partition_list_t *partitions,
                                            enum mu_topic topic, bool paused)
{
    rd_kafka_topic_partition_list_t *those = rd_kafka_topic_partition_list_new(partitions->cnt);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

    for (int i = 0; i < partitions->cnt; i++)
        if (mu_topic_of(partitions->elems[i].topic) == topic)
            (void)rd_kafka_topic_partition_list_add(those, partitions->elems[i].topic,
                                                    partitions->elems[i].partition);
    if (those->cnt > 0)
        code = paused ? rd_kafka_pause_partitions(consumer->handle, those)
                      : rd_kafka_resume_partitions(consumer->handle, those);
    rd_kafka_topic_partition_list_destroy(those);
    return code;
}

/*
 * Starts reading at the positions of today. A pause is kept with each partition by the client, also
 * while the partition is another's and misses a resume: both are said again.
 */
static enum mu_status assign_at_positions(struct mu_consumer *consumer,
                                          rd_kafka_topic_partition_list_t *partitions,
                                          struct mu_error *err)
{
    rd_kafka_resp_err_t code;

    if (ask_positions(consumer, partitions, err) != MU_OK)
        return err->status;
    code = rd_kafka_assign(consumer->handle, partitions);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return mu_fail(err, MU_E_UNAVAILABLE, "assign partitions: %s", rd_kafka_err2str(code));
    for (int topic = 0; topic < MU_TOPIC_COUNT; topic++)
        (void)pause_partitions(consumer, partitions, (enum mu_topic)topic, consumer->paused[topic]);
    return MU_OK;
}

static void forget_waiting(struct mu_consumer *consumer)
{
    if (consumer->waiting != NULL)
        rd_kafka_topic_partition_list_destroy(consumer->waiting);
    consumer->waiting = NULL;
}

/* A failing `position` cannot be reported from here: the partitions wait, and each poll tries
 * again. */
static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct mu_consumer *consumer = opaque;
    struct mu_error err;

    consumer->rebalances++;
    consumer->rewind_due = false; /* what is assigned now asks its positions anyway */
    forget_waiting(consumer);
    if (code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        (void)rd_kafka_assign(handle, NULL);
    else if (assign_at_positions(consumer, partitions, &err) != MU_OK)
        consumer->waiting = rd_kafka_topic_partition_list_copy(partitions);
}

static enum mu_status assign_waiting(struct mu_consumer *consumer, struct mu_error *err)
{
    if (consumer->waiting == NULL)
        return MU_OK;
    if (assign_at_positions(consumer, consumer->waiting, err) != MU_OK)
        return err->status;
    forget_waiting(consumer);
    return MU_OK;
}

/* ---- open and close ---- */

static enum mu_status open_handle(struct mu_consumer *consumer, const struct mu_bus_config *config,
                                  const char *group, struct mu_error *err)
{
    const struct bus_setting settings[] = {
            {"group.id", group},
            {"enable.auto.offset.store", "false"},
            {"enable.auto.commit", "true"}, /* commits only what mu_consumer_store stored */
            {"auto.commit.interval.ms", "1000"},
            {"auto.offset.reset", "earliest"},
            {"partition.assignment.strategy", "range,roundrobin"},
            {"session.timeout.ms", "6000"}, /* partitions of a killed process move on after this */
            {"heartbeat.interval.ms", "1500"},
            {"topic.metadata.refresh.interval.ms", "5000"}, /* topics may be created after us */
            {"fetch.wait.max.ms", "100"},
            {"queued.max.messages.kbytes", "16384"},
            {"fetch.message.max.bytes", "1048576"},
            {NULL, NULL},
    };
    rd_kafka_conf_t *conf = NULL;

    if (bus_conf_new(config, settings, &consumer->link, &conf, err) != MU_OK)
        return err->status;
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    if (bus_handle_new(RD_KAFKA_CONSUMER, conf, &consumer->handle, err) != MU_OK)
        return err->status;
    (void)rd_kafka_poll_set_consumer(consumer->handle);
    return MU_OK;
}

static enum mu_status subscribe(struct mu_consumer *consumer, const enum mu_topic *topics,
                                size_t topic_count, struct mu_error *err)
{
    rd_kafka_topic_partition_list_t *names = rd_kafka_topic_partition_list_new(MU_TOPIC_COUNT);
    rd_kafka_resp_err_t code;

    for (size_t i = 0; i < topic_count; i++)
        (void)rd_kafka_topic_partition_list_add(names, mu_topic_name(topics[i]),
                                                RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(consumer->handle, names);
    rd_kafka_topic_partition_list_destroy(names);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
                   ? MU_OK
                   : mu_fail(err, MU_E_INVALID, "subscribe: %s", rd_kafka_err2str(code));
}

enum mu_status mu_consumer_open(const struct mu_bus_config *config, const char *group,
                                const enum mu_topic *topics, size_t topic_count,
                                mu_position_fn *position, void *opaque,
                                struct mu_consumer **ret_consumer, struct mu_error *err)
{
    MU_AUTO(consumer) struct mu_consumer *consumer = mu_xcalloc(1, sizeof(*consumer));

    bus_link_init(&consumer->link);
    consumer->position = position;
    consumer->opaque = opaque;
    if (open_handle(consumer, config, group, err) != MU_OK ||
        subscribe(consumer, topics, topic_count, err) != MU_OK)
        return err->status;
    *ret_consumer = consumer;
    consumer = NULL;
    return MU_OK;
}

/*
 * One event of a closing consumer. As an event, not by its callback: serving callbacks ends the
 * process at the first fetched message that is still in the queue (librdkafka 2.0).
 */
static void serve_closing(struct mu_consumer *consumer, rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CLOSE_POLL_MS);

    if (event == NULL)
        return;
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
        (void)rd_kafka_assign(consumer->handle, NULL); /* given back unread */
    rd_kafka_event_destroy(event);
}

/* Leaves the group and commits what was stored; a broker that does not answer costs CLOSE_MS. */
static void leave_group(struct mu_consumer *consumer)
{
    uint64_t deadline = mu_monotonic_ms() + CLOSE_MS;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer->handle);
    rd_kafka_error_t *failure;

    if (consumer->waiting != NULL)
        (void)rd_kafka_assign(consumer->handle, NULL); /* the group still waits for our answer */
    failure = rd_kafka_consumer_close_queue(consumer->handle, queue);
    if (failure != NULL)
        rd_kafka_error_destroy(failure);
    else
        while (!rd_kafka_consumer_closed(consumer->handle) && mu_monotonic_ms() < deadline)
            serve_closing(consumer, queue);
    rd_kafka_queue_destroy(queue);
}

void mu_consumer_close(struct mu_consumer *consumer)
{
    if (consumer == NULL)
        return;
    consumer->position =
            NULL; /* its owner may be half gone: what is assigned now is given back unread */
    if (consumer->handle != NULL) {
        leave_group(consumer);
        rd_kafka_destroy_flags(consumer->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    forget_waiting(consumer);
    bus_link_done(&consumer->link);
    free(consumer);
}

/* ---- poll ---- */

static enum mu_status broker_away(struct mu_consumer *consumer, struct mu_error *err)
{
    char reason[LINK_ERROR_SIZE];

    if (!bus_link_is_down(&consumer->link))
        return MU_OK;
    bus_link_last_error(&consumer->link, reason);
    return mu_fail(err, MU_E_UNAVAILABLE, "consumer: %s", reason);
}

/* An error in place of a message. Those that only say "not now" are left to the next poll. */
static enum mu_status event_status(const rd_kafka_message_t *event, struct mu_error *err)
{
    switch ((int)event->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED: /* this poll joins again */
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        return MU_OK;
    default:
        return mu_fail(err, MU_E_UNAVAILABLE, "consumer: %s",
                       event->payload != NULL ? rd_kafka_message_errstr(event)
                                              : rd_kafka_err2str(event->err));
    }
}

static int clamp_ms(int64_t ms)
{
    return ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Next message within `timeout_ms`: MU_OK with it, MU_END when there is none. */
static enum mu_status next_message(struct mu_consumer *consumer, int64_t timeout_ms,
                                   rd_kafka_message_t **ret_message, struct mu_error *err)
{
    uint64_t deadline = mu_monotonic_ms() + (uint64_t)clamp_ms(timeout_ms);
    int64_t left_ms = timeout_ms;

    for (;;) {
        unsigned rebalances = consumer->rebalances;
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->handle, clamp_ms(left_ms));
        enum mu_status st;

        if (message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            *ret_message = message;
            return MU_OK;
        }
        st = message != NULL ? event_status(message, err) : MU_OK;
        if (message != NULL)
            rd_kafka_message_destroy(message);
        if (st != MU_OK)
            return st;
        left_ms = (int64_t)(deadline - mu_monotonic_ms());
        if (left_ms <= 0 || rebalances != consumer->rebalances)
            return MU_END;
    }
}

static enum mu_status collect(struct mu_consumer *consumer, struct mu_incoming *messages,
                              size_t max_messages, int64_t timeout_ms, size_t *ret_count,
                              struct mu_error *err)
{
    unsigned rebalances = consumer->rebalances;
    rd_kafka_message_t *message = NULL;
    enum mu_status st = MU_OK;
    size_t n = 0, bytes = 0;

    while (n < max_messages && bytes < MU_CONSUMER_POLL_BYTES) {
        st = next_message(consumer, n == 0 ? timeout_ms : 0, &message, err);
        if (rebalances != consumer->rebalances) {
            mu_consumer_release(messages, n); /* to be read again, by whoever owns them now */
            rebalances = consumer->rebalances;
            n = bytes = 0;
        }
        if (st != MU_OK)
            break;
        if (!bus_incoming_fill(&messages[n], message)) {
            rd_kafka_message_destroy(message);
            continue;
        }
        bytes += messages[n++].value_len;
    }
    *ret_count = n;
    return n > 0 || st == MU_END ? MU_OK : st;
}

enum mu_status mu_consumer_poll(struct mu_consumer *consumer, struct mu_incoming *ret_messages,
                                size_t max_messages, int64_t timeout_ms, size_t *ret_count,
                                struct mu_error *err)
{
    size_t count = 0;
    enum mu_status st = consumer->rewind_due ? mu_consumer_rewind(consumer, err)
                                             : assign_waiting(consumer, err);

    if (st != MU_OK)
        return st;
    st = collect(consumer, ret_messages, max_messages, timeout_ms, &count, err);
    if (st == MU_OK && count == 0)
        st = consumer->waiting != NULL ? assign_waiting(consumer, err) : broker_away(consumer, err);
    if (count > 0)
        bus_link_set_up(&consumer->link);
    if (st == MU_OK)
        *ret_count = count;
    return st;
}

void mu_consumer_release(struct mu_incoming *messages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bus_incoming_release(&messages[i]);
}

/* ---- positions ---- */

enum mu_status mu_consumer_store(struct mu_consumer *consumer, const struct mu_incoming *message,
                                 struct mu_error *err)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t code;

    rd_kafka_topic_partition_list_add(offsets, mu_topic_name(message->topic), message->partition)
            ->offset = message->offset + 1;
    code = rd_kafka_offsets_store(consumer->handle, offsets);
    rd_kafka_topic_partition_list_destroy(offsets);
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
    case RD_KAFKA_RESP_ERR__STATE: /* no longer ours: its next owner reads the message again */
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        return MU_OK;
    default:
        return mu_fail(err, MU_E_UNAVAILABLE, "store offset of %s/%d: %s",
                       mu_topic_name(message->topic), (int)message->partition,
                       rd_kafka_err2str(code));
    }
}

/* A topic just made has no leader yet, or its brokers do not know so. */
static bool is_settling(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

enum mu_status mu_consumer_bounds(struct mu_consumer *consumer, enum mu_topic topic,
                                  int32_t partition, int64_t timeout_ms,
                                  struct mu_bounds *ret_bounds, struct mu_error *err)
{
    uint64_t deadline = mu_monotonic_ms() + (uint64_t)clamp_ms(timeout_ms);
    struct mu_bounds bounds = {0, 0};
    rd_kafka_resp_err_t code;

    for (;;) {
        int64_t left_ms = (int64_t)(deadline - mu_monotonic_ms());

        code = rd_kafka_query_watermark_offsets(consumer->handle, mu_topic_name(topic), partition,
                                                &bounds.low, &bounds.high, clamp_ms(left_ms));
        if (!is_settling(code) || left_ms <= SETTLE_MS || mu_stop_wait(SETTLE_MS))
            break;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return mu_fail(err, MU_E_UNAVAILABLE, "offsets of %s/%d: %s", mu_topic_name(topic),
                       (int)partition, rd_kafka_err2str(code));
    *ret_bounds = bounds;
    return MU_OK;
}

static enum mu_status current_assignment(struct mu_consumer *consumer,
                                         rd_kafka_topic_partition_list_t **ret_partitions,
                                         struct mu_error *err)
{
    rd_kafka_resp_err_t code = rd_kafka_assignment(consumer->handle, ret_partitions);

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return MU_OK;
    return mu_fail(err, MU_E_UNAVAILABLE, "assigned partitions: %s", rd_kafka_err2str(code));
}

/* Offsets to read from in place of "what the group has stored". */
static enum mu_status resolve_stored(struct mu_consumer *consumer,
                                     rd_kafka_topic_partition_list_t *partitions,
                                     struct mu_error *err)
{
    rd_kafka_topic_partition_list_t *committed = rd_kafka_topic_partition_list_copy(partitions);
    rd_kafka_resp_err_t code = rd_kafka_committed(consumer->handle, committed, REWIND_MS);

    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < partitions->cnt; i++)
        if (partitions->elems[i].offset == RD_KAFKA_OFFSET_STORED)
            partitions->elems[i].offset = committed->elems[i].offset >= 0
                                                  ? committed->elems[i].offset
                                                  : RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_topic_partition_list_destroy(committed);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
                   ? MU_OK
                   : mu_fail(err, MU_E_UNAVAILABLE, "committed offsets: %s",
                             rd_kafka_err2str(code));
}

static enum mu_status seek_to_positions(struct mu_consumer *consumer,
                                        rd_kafka_topic_partition_list_t *partitions,
                                        struct mu_error *err)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_error_t *failure;

    if (ask_positions(consumer, partitions, err) != MU_OK)
        return err->status;
    if (consumer->position == NULL && resolve_stored(consumer, partitions, err) != MU_OK)
        return err->status;
    failure = rd_kafka_seek_partitions(consumer->handle, partitions, REWIND_MS);
    if (failure != NULL)
        code = rd_kafka_error_code(failure);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < partitions->cnt; i++)
        code = partitions->elems[i].err;
    if (failure != NULL)
        rd_kafka_error_destroy(failure);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
                   ? MU_OK
                   : mu_fail(err, MU_E_UNAVAILABLE, "seek: %s", rd_kafka_err2str(code));
}

/*
 * By seeking: assigning the same partitions anew, and again before they have stopped, aborts in
 * librdkafka 2.0 (rd_kafka_assignment_partition_stopped). Until it succeeds no poll reads on behind
 * what was rolled back; a rebalance does it too.
 */
enum mu_status mu_consumer_rewind(struct mu_consumer *consumer, struct mu_error *err)
{
    rd_kafka_topic_partition_list_t *partitions = NULL;
    enum mu_status st;

    consumer->rewind_due = true;
    st = current_assignment(consumer, &partitions, err);
    if (st != MU_OK)
        return st;
    if (partitions->cnt > 0)
        st = seek_to_positions(consumer, partitions, err);
    rd_kafka_topic_partition_list_destroy(partitions);
    consumer->rewind_due = st != MU_OK;
    return st;
}

enum mu_status mu_consumer_pause(struct mu_consumer *consumer, enum mu_topic topic, bool paused,
                                 struct mu_error *err)
{
    rd_kafka_topic_partition_list_t *partitions = NULL;
    rd_kafka_resp_err_t code;

    if (topic >= MU_TOPIC_COUNT)
        return mu_fail(err, MU_E_INVALID, "pause: unknown topic %d", (int)topic);
    if (consumer->paused[topic] == paused)
        return MU_OK;
    if (current_assignment(consumer, &partitions, err) != MU_OK)
        return err->status;
    code = pause_partitions(consumer, partitions, topic, paused);
    rd_kafka_topic_partition_list_destroy(partitions);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return mu_fail(err, MU_E_UNAVAILABLE, "pause '%s': %s", mu_topic_name(topic),
                       rd_kafka_err2str(code));
    consumer->paused[topic] = paused;
    return MU_OK;
}

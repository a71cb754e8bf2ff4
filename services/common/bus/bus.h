/*
 * bus: Kafka, as Muster uses it. The only place that includes rdkafka.h.
 *
 * Producer: idempotent, acks=all. A send is done when its delivery callback ran,
 * never before (librdkafka INTRODUCTION.md, "Message reliability").
 * Consumer: a group member that reads where the application says (positions live in
 * PostgreSQL) or at the group's stored offset; offsets are stored only by
 * mu_consumer_store after the effects are durable.
 *
 * No compacted topics, no transactions, no broker setting beyond defaults.
 *
 * Threads: mu_producer_send and mu_producer_flush from any thread; delivery callbacks
 * run on the producer's own poll thread and must not block. A consumer belongs to one thread.
 */
#ifndef MU_BUS_H
#define MU_BUS_H

#include "base/error.h"
#include "base/scope.h"
#include "msg/msg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mu_bus_config {
    const char *brokers;        /* "host:port,host:port" */
    const char *client_id;      /* "muster-ingest" */
    int64_t message_timeout_ms; /* producer: give up a delivery after this (default 30000 when 0) */
    int64_t queue_max_messages; /* producer: bound of what may be in flight (default 100000 when 0)
                                 */
    const char *properties;     /* optional "key=value,key=value" librdkafka overrides
                                   (security.protocol, ...) */
};

/* ---- topics ---- */

enum mu_topic {
    MU_TOPIC_REGISTRY_EVENTS = 0,
    MU_TOPIC_WORKLOAD_EVENTS,
    MU_TOPIC_SCAN_REQUESTS_URGENT,
    MU_TOPIC_SCAN_REQUESTS_NORMAL,
    MU_TOPIC_SCAN_REQUESTS_BULK,
    MU_TOPIC_SCAN_RESULTS,
    MU_TOPIC_QUARANTINE,
    MU_TOPIC_NOTIFICATIONS,
    MU_TOPIC_COUNT
};

/* "muster.registry-events" ... */
const char *mu_topic_name(enum mu_topic topic);
enum mu_topic mu_topic_of(const char *name); /* MU_TOPIC_COUNT when unknown */

/*
 * Creates those topics that are missing with `partitions` partitions and the broker's default
 * replication. Errors: MU_E_UNAVAILABLE (no broker within `timeout_ms`), MU_E_DENIED.
 */
enum mu_status mu_bus_ensure_topics(const struct mu_bus_config *config, int partitions,
                                    int64_t timeout_ms, struct mu_error *err) MU_MUST_CHECK;

/* ---- producer ---- */

struct mu_producer;

/* `status` MU_OK: durable on all in-sync replicas. MU_E_UNAVAILABLE: may be sent again.
 * MU_E_LIMIT/INVALID: never will. */
typedef void mu_delivery_fn(void *opaque, enum mu_status status, const char *message);

enum mu_status mu_producer_open(const struct mu_bus_config *config,
                                struct mu_producer **ret_producer,
                                struct mu_error *err) MU_MUST_CHECK;
/* Waits up to 5 s for deliveries under way; what is left is reported MU_E_UNAVAILABLE. */
void mu_producer_close(struct mu_producer *producer);

struct mu_outgoing {
    enum mu_topic topic;
    const char *key; /* partition key: repository, pod uid, digest */
    struct mu_msg_envelope envelope;
    const void *value; /* encoded JSON; copied */
    size_t value_len;
};

/*
 * Queues one message; `on_delivery` runs exactly once if and only if MU_OK is returned.
 * Errors: MU_E_UNAVAILABLE (queue full), MU_E_LIMIT (over 64 KiB).
 */
enum mu_status mu_producer_send(struct mu_producer *producer, const struct mu_outgoing *message,
                                mu_delivery_fn *on_delivery, void *opaque,
                                struct mu_error *err) MU_MUST_CHECK;

/* Waits until every message sent before has had its callback. Errors: MU_E_UNAVAILABLE after
 * `timeout_ms`. */
enum mu_status mu_producer_flush(struct mu_producer *producer, int64_t timeout_ms,
                                 struct mu_error *err) MU_MUST_CHECK;
/* True while at least one broker connection is up, as last reported. */
bool mu_producer_connected(const struct mu_producer *producer);

/* ---- consumer ---- */

struct mu_consumer;

struct mu_incoming {
    enum mu_topic topic;
    int32_t partition;
    int64_t offset;
    const char *key; /* NULL when none; not NUL-terminated beyond key_len */
    size_t key_len;
    const void *value;
    size_t value_len;
    /* Envelope as found: texts NULL when a header is missing; type MU_MSG_TYPE_COUNT when ce_type
     * is unknown. */
    struct mu_msg_envelope envelope;
    const char *ce_type; /* as found; NULL when missing */
    void *internal;
};

/*
 * Called on the consumer's thread when partitions are assigned: fills in the offset to
 * start at, or leaves -1 for the group's stored offset (else the beginning).
 */
typedef enum mu_status mu_position_fn(void *opaque, enum mu_topic topic, int32_t partition,
                                      int64_t *ret_offset, struct mu_error *err);

/*
 * What Kafka holds of a partition: offsets from `low` to before `high`. For use in a position
 * function too. Errors: MU_E_UNAVAILABLE (nobody said so within `timeout_ms`).
 */
struct mu_bounds {
    int64_t low, high;
};
enum mu_status mu_consumer_bounds(struct mu_consumer *consumer, enum mu_topic topic,
                                  int32_t partition, int64_t timeout_ms,
                                  struct mu_bounds *ret_bounds, struct mu_error *err) MU_MUST_CHECK;

enum mu_status mu_consumer_open(const struct mu_bus_config *config, const char *group,
                                const enum mu_topic *topics, size_t topic_count,
                                mu_position_fn *position, void *opaque,
                                struct mu_consumer **ret_consumer,
                                struct mu_error *err) MU_MUST_CHECK;
void mu_consumer_close(struct mu_consumer *consumer);

enum { MU_CONSUMER_POLL_BYTES = 64 * 1024 * 1024 };

/*
 * Up to `max_messages` within `timeout_ms`, and no more behind MU_CONSUMER_POLL_BYTES of values:
 * returns as soon as at least one is there and the queue is empty. `ret_count` may be 0. Messages
 * are borrowed until mu_consumer_release.
 * Errors: MU_E_UNAVAILABLE (broker away: call again after a backoff).
 */
enum mu_status mu_consumer_poll(struct mu_consumer *consumer, struct mu_incoming *ret_messages,
                                size_t max_messages, int64_t timeout_ms, size_t *ret_count,
                                struct mu_error *err) MU_MUST_CHECK;
void mu_consumer_release(struct mu_incoming *messages, size_t count);

/* Remembers that everything up to and including this message is done. */
enum mu_status mu_consumer_store(struct mu_consumer *consumer, const struct mu_incoming *message,
                                 struct mu_error *err) MU_MUST_CHECK;

/*
 * Sets every assigned partition back to its position (asks `position` again): after a rolled-back
 * batch. Errors: what `position` returned, MU_E_UNAVAILABLE; nothing more is read then until a poll
 * has made it good.
 */
enum mu_status mu_consumer_rewind(struct mu_consumer *consumer, struct mu_error *err) MU_MUST_CHECK;

/* Stops or restarts fetching of one topic's partitions (priorities). */
enum mu_status mu_consumer_pause(struct mu_consumer *consumer, enum mu_topic topic, bool paused,
                                 struct mu_error *err) MU_MUST_CHECK;

/* ---- a look ---- */

/* The message is borrowed during the call. MU_OK goes on, MU_END ends the look, a failure is
 * returned. */
typedef enum mu_status mu_read_fn(void *opaque, const struct mu_incoming *message,
                                  struct mu_error *err);

/*
 * Everything a topic holds now, or that came from `since_us` on (MU_TIME_NONE: all), each partition
 * in its order; joins no group and leaves no trace. Errors: MU_E_NOT_FOUND (no such topic),
 * MU_E_UNAVAILABLE (nothing came for `timeout_ms`), MU_E_DENIED, MU_E_LIMIT, MU_E_INVALID
 * (settings), or what `each` returned.
 */
enum mu_status mu_bus_read(const struct mu_bus_config *config, enum mu_topic topic,
                           int64_t since_us, int64_t timeout_ms, mu_read_fn *each, void *opaque,
                           struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(producer, struct mu_producer, mu_producer_close)
MU_DEFINE_AUTO(consumer, struct mu_consumer, mu_consumer_close)

#endif

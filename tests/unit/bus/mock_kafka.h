/*
 * mock_kafka: librdkafka's mock cluster with one broker, and what the bus tests share.
 * Waits poll for what they want and end after WAIT_MS.
 */
#ifndef MU_TEST_MOCK_KAFKA_H
#define MU_TEST_MOCK_KAFKA_H

#include "base/clock.h"
#include "bus/bus.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * The mock lets a new group wait three seconds for more members, as a broker does, and a group that
 * was left the time of a session less one second. So a session is longer than three seconds; and
 * never six: then the wait ends at the instant at which the client refreshes its metadata, and a
 * group's leader that gets new metadata while it assigns joins once more (librdkafka 2.0).
 */
#define MOCK_SESSION "session.timeout.ms=4000,heartbeat.interval.ms=500"

enum { WAIT_MS = 15000, API_PRODUCE = 0, API_FETCH = 1, PARTITIONS = 2 };

struct mock_kafka {
    rd_kafka_t *handle;
    rd_kafka_mock_cluster_t *cluster;
    struct mu_bus_config config;
};

static inline void mock_kafka_start(struct mock_kafka *kafka)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set_log_cb(conf, NULL);
    kafka->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    assert_non_null(kafka->handle);
    kafka->cluster = rd_kafka_mock_cluster_new(kafka->handle, 1);
    assert_non_null(kafka->cluster);
    for (int i = 0; i < MU_TOPIC_COUNT; i++)
        assert_int_equal(rd_kafka_mock_topic_create(kafka->cluster, mu_topic_name((enum mu_topic)i),
                                                    PARTITIONS, 1),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka->config =
            (struct mu_bus_config){.brokers = rd_kafka_mock_cluster_bootstraps(kafka->cluster),
                                   .client_id = "test",
                                   .properties = MOCK_SESSION};
}

static inline void mock_kafka_stop(struct mock_kafka *kafka)
{
    rd_kafka_mock_cluster_destroy(kafka->cluster);
    rd_kafka_destroy(kafka->handle);
}

/* Takes every injected fault back. */
static inline void mock_kafka_heal(struct mock_kafka *kafka)
{
    rd_kafka_mock_clear_request_errors(kafka->cluster, API_PRODUCE);
    rd_kafka_mock_clear_request_errors(kafka->cluster, API_FETCH);
    rd_kafka_mock_broker_set_up(kafka->cluster, 1);
}

/* What a delivery callback reported. */
struct outcome {
    atomic_int calls;
    atomic_int status;
    char message[128];
};

static inline void note_outcome(void *opaque, enum mu_status status, const char *message)
{
    struct outcome *outcome = opaque;

    (void)snprintf(outcome->message, sizeof(outcome->message), "%s", message);
    atomic_store(&outcome->status, status);
    atomic_fetch_add(&outcome->calls, 1);
}

/* A valid message of `id` on the registry events; the value is its id too. */
static inline struct mu_outgoing outgoing(const char *id)
{
    return (struct mu_outgoing){.topic = MU_TOPIC_REGISTRY_EVENTS,
                                .key = "key",
                                .envelope = {.type = MU_MSG_REGISTRY_EVENT,
                                             .id = id,
                                             .source = "/test",
                                             .time_us = 1700000000000000},
                                .value = id,
                                .value_len = strlen(id)};
}

static inline enum mu_status send_one(struct mu_producer *producer, const char *id,
                                      struct outcome *outcome, struct mu_error *err)
{
    struct mu_outgoing message = outgoing(id);

    return mu_producer_send(producer, &message, note_outcome, outcome, err);
}

/* True once `connected` is as wanted. */
static inline bool wait_connected(const struct mu_producer *producer, bool wanted)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;

    while (mu_producer_connected(producer) != wanted && mu_monotonic_ms() < deadline)
        (void)usleep(1000);
    return mu_producer_connected(producer) == wanted;
}

#endif

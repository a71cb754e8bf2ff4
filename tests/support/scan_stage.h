/*
 * scan_stage: what a scanner's workers need around them in a test: a mock Kafka cluster, a
 * registry, an evidence API, a database. Include cmocka.h first. Waits poll and end after WAIT_MS.
 */
#ifndef TESTS_SUPPORT_SCAN_STAGE_H
#define TESTS_SUPPORT_SCAN_STAGE_H

#include "../unit/bus/mock_kafka.h"
#include "database_build.h"
#include "http_peer.h"
#include "image_build.h"
#include "image_limits.h"
#include "job/worker_pool.h"

struct scan_stage {
    struct mock_kafka *kafka; /* shared: it takes a second to start */
    struct registry_peer registry;
    struct http_peer inventory; /* started by the test that needs it */
    struct registry_book *book;
    struct mu_buf database_bytes;
    struct database *database;
    struct scan_context context;
    struct mu_producer *producer;
    char inventory_url[64];
};

static inline void scan_stage_open(struct scan_stage *stage, struct mock_kafka *kafka)
{
    struct builder *builder = builder_new();
    struct mu_error err;
    char json[256];

    stage->kafka = kafka;
    registry_peer_listen(&stage->registry);
    image_build_book(&stage->registry, json, sizeof(json));
    database_build_file(builder, "DEBIAN-CVE-2023-5363");
    stage->database = database_build_open(builder, &stage->database_bytes);
    if (registry_book_parse(json, strlen(json), &stage->book, &err) != MU_OK ||
        mu_producer_open(&kafka->config, &stage->producer, &err) != MU_OK)
        abort();
    stage->context = (struct scan_context){.book = stage->book,
                                           .database = stage->database,
                                           .limits = image_limits_default,
                                           .engine = image_limits_engine(),
                                           .temp_dir = "/tmp",
                                           .evidence = {.inventory_url = "http://127.0.0.1:1"}};
    stage->context.limits.deadline_ms = WAIT_MS;
    scan_context_checksum(&stage->context);
}

/* Starts the evidence API with the replies the test has put into it. */
static inline void scan_stage_inventory(struct scan_stage *stage)
{
    http_peer_start(&stage->inventory);
    (void)snprintf(stage->inventory_url, sizeof(stage->inventory_url), "http://127.0.0.1:%d",
                   stage->inventory.port);
    stage->context.evidence.inventory_url = stage->inventory_url;
}

static inline void scan_stage_close(struct scan_stage *stage)
{
    mu_producer_close(stage->producer);
    layer_engine_free(stage->context.engine);
    database_close(stage->database);
    registry_book_free(stage->book);
    mu_buf_done(&stage->database_bytes);
    registry_peer_clear(&stage->registry);
}

/* A request as JSON, in static memory of the caller. */
static inline const char *scan_stage_request(char *out, size_t size, const char *id,
                                             const char *repository, const char *digest)
{
    (void)snprintf(out, size,
                   "{\"request_id\":\"%s\",\"job_id\":\"j\",\"attempt\":1,\"priority\":\"normal\","
                   "\"reason\":\"new_digest\",\"repository\":\"%s\",\"digest\":\"%s\",\"uais\":["
                   "\"%s:1\"],\"requested_at\":\"2026-11-24T12:00:00.000000Z\"}",
                   id, repository, digest, repository);
    return out;
}

/* ---- what came into a topic: read without a group, from its beginning ---- */

struct tap {
    rd_kafka_t *handle;
    struct mu_arena *arena; /* of what was read */
};

static inline void tap_open(struct tap *tap, const struct mock_kafka *kafka, enum mu_topic topic)
{
    rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(PARTITIONS);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];

    (void)rd_kafka_conf_set(conf, "bootstrap.servers", kafka->config.brokers, why, sizeof(why));
    (void)rd_kafka_conf_set(conf, "group.id", "tap", why, sizeof(why));
    (void)rd_kafka_conf_set(conf, "reconnect.backoff.max.ms", "100", why, sizeof(why));
    (void)rd_kafka_conf_set(conf, "enable.auto.commit", "false", why, sizeof(why));
    (void)rd_kafka_conf_set(conf, "fetch.wait.max.ms", "20", why, sizeof(why));
    rd_kafka_conf_set_log_cb(conf, NULL);
    tap->handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    assert_non_null(tap->handle);
    tap->arena = mu_arena_new(64 * 1024 * 1024);
    for (int i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(partitions, mu_topic_name(topic), i)->offset =
                RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(tap->handle, partitions), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(partitions);
}

static inline void tap_close(struct tap *tap)
{
    rd_kafka_destroy_flags(tap->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    mu_arena_free(tap->arena);
}

/* The next message decoded; false when none came within `wait_ms`. */
static inline bool tap_next(struct tap *tap, enum mu_msg_type type, void *ret_message,
                            int64_t wait_ms)
{
    uint64_t deadline = mu_monotonic_ms() + (uint64_t)wait_ms;
    struct mu_error err;
    bool found = false;

    while (!found && mu_monotonic_ms() < deadline) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(tap->handle, 50);

        if (!message)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            if (mu_msg_decode(type, message->payload, message->len, tap->arena, ret_message,
                              &err) != MU_OK)
                fail_msg("%s", err.message);
            found = true;
        }
        rd_kafka_message_destroy(message);
    }
    return found;
}

#endif

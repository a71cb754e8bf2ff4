/*
 * feeder_stage: a feeder with one worker on a thread of its own, over a scan_stage. A stop is for
 * the whole process and for good, so a test program has one such scenario. Include cmocka.h first.
 */
#ifndef TESTS_SUPPORT_FEEDER_STAGE_H
#define TESTS_SUPPORT_FEEDER_STAGE_H

#include "base/stop.h"
#include "job/feeder.h"
#include "scan_stage.h"

struct feeder_stage {
    struct mock_kafka kafka;
    struct scan_stage stage;
    struct feeder_config config;
    pthread_t thread;
    enum mu_status status; /* of feeder_run */
};

/* A client that may ask and say what a group has put behind it. */
static inline rd_kafka_t *feeder_stage_client(const struct feeder_stage *f, const char *group)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *handle;
    char why[256];

    (void)rd_kafka_conf_set(conf, "bootstrap.servers", f->kafka.config.brokers, why, sizeof(why));
    (void)rd_kafka_conf_set(conf, "group.id", group, why, sizeof(why));
    rd_kafka_conf_set_log_cb(conf, NULL);
    handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    assert_non_null(handle);
    return handle;
}

static inline rd_kafka_topic_partition_list_t *feeder_stage_partitions(enum mu_topic topic)
{
    rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(PARTITIONS);

    for (int i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(partitions, mu_topic_name(topic), i)->offset = 0;
    return partitions;
}

/*
 * A group that has begun before. One that has not asks for the beginning of each partition; a pause
 * meanwhile makes librdkafka 2.0 ask twice, and go back to the beginning at the second answer, half
 * a second later: requests are then scanned twice, which is allowed, but not what a test expects.
 */
static inline void feeder_stage_begin(const struct feeder_stage *f, enum mu_topic topic,
                                      const char *group)
{
    rd_kafka_topic_partition_list_t *partitions = feeder_stage_partitions(topic);
    rd_kafka_t *handle = feeder_stage_client(f, group);

    assert_int_equal(rd_kafka_commit(handle, partitions, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(partitions);
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

static inline void *feeder_stage_loop(void *opaque)
{
    struct feeder_stage *f = opaque;
    struct mu_error err;

    f->status = feeder_run(&f->config, &err);
    return NULL;
}

static inline void feeder_stage_open(struct feeder_stage *f)
{
    struct mu_error err;
    struct worker_pool_config pool = {.workers = 1};

    mock_kafka_start(&f->kafka);
    feeder_stage_begin(f, MU_TOPIC_SCAN_REQUESTS_URGENT, "muster-scanner-urgent");
    feeder_stage_begin(f, MU_TOPIC_SCAN_REQUESTS_NORMAL, "muster-scanner-normal");
    feeder_stage_begin(f, MU_TOPIC_SCAN_REQUESTS_BULK, "muster-scanner-bulk");
    scan_stage_open(&f->stage, &f->kafka);
    pool.context = &f->stage.context;
    pool.producer = f->stage.producer;
    f->config = (struct feeder_config){.bus = &f->kafka.config, .workers = 1};
    assert_int_equal(worker_pool_start(&pool, &f->config.pool, &err), MU_OK);
    assert_int_equal(pthread_create(&f->thread, NULL, feeder_stage_loop, f), 0);
}

/* Asks for the stop and waits for it. */
static inline void feeder_stage_stop(struct feeder_stage *f)
{
    mu_stop_request();
    assert_int_equal(pthread_join(f->thread, NULL), 0);
    assert_int_equal(f->status, MU_OK);
}

static inline void feeder_stage_close(struct feeder_stage *f)
{
    worker_pool_free(f->config.pool);
    scan_stage_close(&f->stage);
    mock_kafka_stop(&f->kafka);
}

static inline void feeder_stage_send(struct feeder_stage *f, enum mu_topic topic, const char *json)
{
    struct outcome outcome = {0};
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;
    struct mu_error err;
    const struct mu_outgoing message = {.topic = topic,
                                        .key = "k",
                                        .envelope = {.type = MU_MSG_SCAN_REQUEST,
                                                     .id = "id",
                                                     .source = "/test",
                                                     .time_us = 1700000000000000},
                                        .value = json,
                                        .value_len = strlen(json)};

    assert_int_equal(mu_producer_send(f->stage.producer, &message, note_outcome, &outcome, &err),
                     MU_OK);
    while (atomic_load(&outcome.calls) == 0 && mu_monotonic_ms() < deadline)
        (void)sched_yield();
    assert_int_equal(outcome.status, MU_OK);
}

/* Messages of a topic that its group has put behind it. */
static inline int64_t feeder_stage_committed(const struct feeder_stage *f, const char *group,
                                             enum mu_topic topic)
{
    rd_kafka_topic_partition_list_t *partitions = feeder_stage_partitions(topic);
    rd_kafka_t *handle = feeder_stage_client(f, group);
    int64_t total = 0;

    assert_int_equal(rd_kafka_committed(handle, partitions, WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    for (int i = 0; i < PARTITIONS; i++)
        if (partitions->elems[i].offset > 0)
            total += partitions->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(partitions);
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return total;
}

#endif

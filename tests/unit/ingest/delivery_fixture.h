/*
 * delivery_fixture: a delivery over librdkafka's mock cluster and a spool of its own, and a reader
 * of what arrived. Include after cmocka.h.
 */
#ifndef MU_TEST_DELIVERY_FIXTURE_H
#define MU_TEST_DELIVERY_FIXTURE_H

#include "../bus/mock_kafka.h"
#include "spool_fixture.h"

#include "delivery/delivery.h"

/* Reads what arrived since kafka_reader_mark. */
struct kafka_reader {
    rd_kafka_t *handle;
    int64_t from[MU_TOPIC_COUNT][PARTITIONS];
};

struct delivery_fixture {
    struct mock_kafka kafka; /* shared by the tests of a program: making one takes a second */
    struct kafka_reader reader;
    struct spool_folder_fixture folder;
    struct mu_producer *producer;
    struct spool *spool;
    struct delivery *delivery;
    struct mu_error err;
};

static inline void delivery_open(struct delivery_fixture *fixture)
{
    struct mu_error *err = &fixture->err;

    assert_int_equal(mu_producer_open(&fixture->kafka.config, &fixture->producer, err), MU_OK);
    fixture->spool = spool_start(&fixture->folder, 0);
    assert_int_equal(delivery_start(fixture->producer, fixture->spool, &fixture->delivery, err),
                     MU_OK);
}

static inline void delivery_close(struct delivery_fixture *fixture)
{
    delivery_stop(fixture->delivery);
    mu_producer_close(fixture->producer);
    spool_close(fixture->spool);
    delivery_free(fixture->delivery);
}

static inline void kafka_reader_open(struct kafka_reader *reader, const struct mock_kafka *kafka)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];

    rd_kafka_conf_set_log_cb(conf, NULL);
    assert_int_equal(
            rd_kafka_conf_set(conf, "bootstrap.servers", kafka->config.brokers, why, sizeof(why)),
            RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "group.id", "reader", why, sizeof(why)),
                     RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "reconnect.backoff.max.ms", "100", why, sizeof(why)),
                     RD_KAFKA_CONF_OK);
    reader->handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    assert_non_null(reader->handle);
    (void)rd_kafka_poll_set_consumer(reader->handle);
}

static inline void kafka_reader_mark(struct kafka_reader *reader, enum mu_topic topic)
{
    int64_t low;

    for (int32_t i = 0; i < PARTITIONS; i++)
        assert_int_equal(rd_kafka_query_watermark_offsets(reader->handle, mu_topic_name(topic), i,
                                                          &low, &reader->from[topic][i], WAIT_MS),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
}

static inline void delivery_group_setup(struct delivery_fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    mock_kafka_start(&fixture->kafka);
    fixture->kafka.config.message_timeout_ms = 1000;
    fixture->kafka.config.properties = "reconnect.backoff.ms=10,reconnect.backoff.max.ms=50";
    kafka_reader_open(&fixture->reader, &fixture->kafka);
}

static inline void delivery_group_teardown(struct delivery_fixture *fixture)
{
    rd_kafka_destroy(fixture->reader.handle);
    mock_kafka_stop(&fixture->kafka);
}

static inline void delivery_setup(struct delivery_fixture *fixture)
{
    kafka_reader_mark(&fixture->reader, MU_TOPIC_REGISTRY_EVENTS);
    kafka_reader_mark(&fixture->reader, MU_TOPIC_WORKLOAD_EVENTS);
    kafka_reader_mark(&fixture->reader, MU_TOPIC_QUARANTINE);
    folder_make(&fixture->folder);
    delivery_open(fixture);
}

static inline void delivery_teardown(struct delivery_fixture *fixture)
{
    delivery_close(fixture);
    folder_remove(&fixture->folder);
    mock_kafka_heal(&fixture->kafka);
}

static inline void broker_down(struct delivery_fixture *fixture)
{
    rd_kafka_mock_broker_set_down(fixture->kafka.cluster, 1);
    assert_true(wait_connected(fixture->producer, false));
}

/* Waits until the condition holds; the caller asserts it afterwards. */
#define WAIT_FOR(condition)                                       \
    do {                                                          \
        uint64_t deadline_ms = mu_monotonic_ms() + SPOOL_WAIT_MS; \
        while (!(condition) && mu_monotonic_ms() < deadline_ms)   \
            (void)usleep(1000);                                   \
        assert_true(condition);                                   \
    } while (0)

/* ---- what arrived ---- */

static inline const char *arrived_header(rd_kafka_message_t *message, const char *name)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t len;

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return "";
    return value; /* librdkafka ends header values with a NUL */
}

static inline void assign_from_mark(struct kafka_reader *reader, enum mu_topic topic)
{
    rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(PARTITIONS);

    for (int i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(partitions, mu_topic_name(topic), i)->offset =
                reader->from[topic][i];
    assert_int_equal(rd_kafka_assign(reader->handle, partitions), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(partitions);
}

/* Calls `each` for the next `count` messages of a topic. */
static inline void read_messages(struct kafka_reader *reader, enum mu_topic topic, size_t count,
                                 void (*each)(void *opaque, rd_kafka_message_t *message),
                                 void *opaque)
{
    uint64_t deadline_ms = mu_monotonic_ms() + WAIT_MS;
    size_t seen = 0;

    assign_from_mark(reader, topic);
    while (seen < count && mu_monotonic_ms() < deadline_ms) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->handle, 100);

        if (message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            each(opaque, message);
            seen++;
        }
        if (message)
            rd_kafka_message_destroy(message);
    }
    assert_int_equal(rd_kafka_assign(reader->handle, NULL), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(seen, count);
}

static inline void note_id(void *opaque, rd_kafka_message_t *message)
{
    mu_buf_printf(opaque, "%s ", arrived_header(message, "ce_id"));
}

/* ce_ids of the next `count` messages, each followed by a space. */
static inline void read_ids(struct delivery_fixture *fixture, enum mu_topic topic, size_t count,
                            struct mu_buf *ids)
{
    read_messages(&fixture->reader, topic, count, note_id, ids);
}

#endif

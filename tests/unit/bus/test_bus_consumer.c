/* consumer: what was sent arrives with its envelope, from the position the application names, and
 * an offset is only what was stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mock_kafka.h"

#include "base/memory.h"

#include <stdlib.h>

enum { BATCH = 16 };
#define GROUP "group"

static struct mock_kafka kafka;
static struct mu_producer *producer;
static rd_kafka_t *foreigner; /* a producer that is not ours */

static const enum mu_topic topics[] = {MU_TOPIC_REGISTRY_EVENTS};

/* Where each partition begins, as the position callback says. */
struct positions {
    int64_t offsets[PARTITIONS];
    int asked, failures;
};

struct fixture {
    struct mu_consumer *consumer;
    struct mu_incoming messages[BATCH];
    size_t count;
    struct positions positions;
    struct mu_error err;
};

static enum mu_status position(void *opaque, enum mu_topic topic, int32_t partition,
                               int64_t *ret_offset, struct mu_error *err)
{
    struct positions *positions = opaque;

    positions->asked++;
    if (positions->failures > 0) {
        positions->failures--;
        return mu_fail(err, MU_E_UNAVAILABLE, "the database is away");
    }
    assert_int_equal(topic, MU_TOPIC_REGISTRY_EVENTS);
    assert_in_range(partition, 0, PARTITIONS - 1);
    *ret_offset = positions->offsets[partition];
    return MU_OK;
}

static struct fixture fixture; /* one for all tests: a group takes the mock three seconds to form */

static void open_consumer(struct fixture *f)
{
    if (mu_consumer_open(&kafka.config, GROUP, topics, 1, position, &f->positions, &f->consumer,
                         &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
}

/* A client of librdkafka itself. */
static rd_kafka_t *new_client(rd_kafka_type_t type, const char *group)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *client;
    char why[256];

    assert_int_equal(
            rd_kafka_conf_set(conf, "bootstrap.servers", kafka.config.brokers, why, sizeof(why)),
            RD_KAFKA_CONF_OK);
    if (group)
        assert_int_equal(rd_kafka_conf_set(conf, "group.id", group, why, sizeof(why)),
                         RD_KAFKA_CONF_OK);
    client = rd_kafka_new(type, conf, why, sizeof(why));
    assert_non_null(client);
    return client;
}

static int start_kafka(void **state)
{
    struct mu_error err;

    (void)state;
    mock_kafka_start(&kafka);
    foreigner = new_client(RD_KAFKA_PRODUCER, NULL);
    return mu_producer_open(&kafka.config, &producer, &err) == MU_OK ? 0 : -1;
}

static int stop_kafka(void **state)
{
    (void)state;
    mu_consumer_close(fixture.consumer);
    mu_producer_close(producer);
    rd_kafka_destroy(foreigner);
    mock_kafka_stop(&kafka);
    return 0;
}

static void drop_messages(struct fixture *f)
{
    mu_consumer_release(f->messages, f->count);
    f->count = 0;
}

/* Polls until at least one message is there. */
static void poll_some(struct fixture *f, size_t most)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;

    drop_messages(f);
    while (f->count == 0 && mu_monotonic_ms() < deadline)
        (void)!mu_consumer_poll(f->consumer, f->messages, most, 200, &f->count, &f->err);
    assert_true(f->count > 0);
}

static void send_message(const struct mu_outgoing *message)
{
    struct outcome outcome = {0};
    struct mu_error err;

    assert_int_equal(mu_producer_send(producer, message, note_outcome, &outcome, &err), MU_OK);
    assert_int_equal(mu_producer_flush(producer, WAIT_MS, &err), MU_OK);
    assert_int_equal(outcome.status, MU_OK);
}

static void send_ids(const char *const *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mu_outgoing message = outgoing(ids[i]);

        send_message(&message);
    }
}

/* Reads on until the message with this id; the batch then holds it as its only message. */
static void read_up_to(struct fixture *f, const char *id)
{
    do
        poll_some(f, 1);
    while (f->messages[0].envelope.id == NULL || strcmp(f->messages[0].envelope.id, id) != 0);
}

/* The first test: the group forms here. */
static void reading_begins_at_the_positions_once_they_can_be_asked(void **state)
{
    static const char *const ids[] = {"passed-over", "the-beginning"};
    struct fixture *f = &fixture;
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;
    enum mu_status st = MU_OK;

    (void)state;
    send_ids(ids, 2); /* one key, so one partition */
    for (int i = 0; i < PARTITIONS; i++)
        f->positions.offsets[i] = 1;
    f->positions.failures = 2;
    open_consumer(f);
    while (st == MU_OK && f->count == 0 && mu_monotonic_ms() < deadline)
        st = mu_consumer_poll(f->consumer, f->messages, BATCH, 200, &f->count, &f->err);
    assert_int_equal(st, MU_E_UNAVAILABLE);
    assert_int_equal(f->count, 0);
    assert_non_null(strstr(f->err.message, "position of muster.registry-events/"));
    assert_non_null(strstr(f->err.message, "the database is away"));
    poll_some(f, BATCH);
    assert_string_equal(f->messages[0].envelope.id, "the-beginning");
}

static void an_envelope_arrives_as_it_was_sent(void **state)
{
    struct fixture *f = &fixture;
    struct mu_outgoing sent = outgoing("both-ways");
    const struct mu_incoming *got = &f->messages[0];

    (void)state;
    sent.envelope.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    send_message(&sent);
    read_up_to(f, "both-ways");
    assert_int_equal(got->topic, MU_TOPIC_REGISTRY_EVENTS);
    assert_int_equal(got->envelope.type, MU_MSG_REGISTRY_EVENT);
    assert_string_equal(got->ce_type, "muster.registry-event.v1");
    assert_string_equal(got->envelope.source, sent.envelope.source);
    assert_true(got->envelope.time_us == sent.envelope.time_us);
    assert_string_equal(got->envelope.traceparent, sent.envelope.traceparent);
    assert_int_equal(got->key_len, strlen(sent.key));
    assert_memory_equal(got->key, sent.key, got->key_len);
    assert_int_equal(got->value_len, sent.value_len);
    assert_memory_equal(got->value, sent.value, sent.value_len);
}

static void what_an_envelope_may_lack_is_absent_on_the_other_side(void **state)
{
    struct fixture *f = &fixture;
    struct mu_outgoing sent = outgoing("sparse");

    (void)state;
    sent.key = NULL;
    sent.envelope.time_us = MU_TIME_NONE;
    send_message(&sent);
    read_up_to(f, "sparse");
    assert_null(f->messages[0].envelope.traceparent);
    assert_true(f->messages[0].envelope.time_us == MU_TIME_NONE);
    assert_null(f->messages[0].key);
}

struct header {
    const char *name;
    const void *value;
    size_t len;
};

/* A message that is not ours: written with librdkafka itself. */
static void send_foreign(const char *value, const struct header *headers, size_t count)
{
    rd_kafka_headers_t *list = rd_kafka_headers_new(count);

    for (size_t i = 0; i < count; i++)
        assert_int_equal(rd_kafka_header_add(list, headers[i].name, -1, headers[i].value,
                                             (ssize_t)headers[i].len),
                         0);
    assert_int_equal(rd_kafka_producev(foreigner,
                                       RD_KAFKA_V_TOPIC(mu_topic_name(MU_TOPIC_REGISTRY_EVENTS)),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                       RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)),
                                       RD_KAFKA_V_HEADERS(list), RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(foreigner, WAIT_MS), 0);
}

static void read_foreign(struct fixture *f, const char *value)
{
    do
        poll_some(f, 1);
    while (f->messages[0].value_len != strlen(value) ||
           memcmp(f->messages[0].value, value, strlen(value)) != 0);
}

static void a_message_without_headers_has_no_envelope(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    send_foreign("no headers", NULL, 0);
    read_foreign(f, "no headers");
    assert_int_equal(f->messages[0].envelope.type, MU_MSG_TYPE_COUNT);
    assert_true(!f->messages[0].envelope.id && !f->messages[0].envelope.source &&
                !f->messages[0].ce_type);
}

static void another_version_is_an_unknown_type_with_its_name(void **state)
{
    static const struct header headers[] = {{"ce_type", "muster.registry-event.v2", 24},
                                            {"ce_id", "x", 1},
                                            {"ce_time", "yesterday", 9}};
    struct fixture *f = &fixture;

    (void)state;
    send_foreign("another version", headers, 3);
    read_foreign(f, "another version");
    assert_int_equal(f->messages[0].envelope.type, MU_MSG_TYPE_COUNT);
    assert_string_equal(f->messages[0].ce_type, "muster.registry-event.v2");
    assert_true(f->messages[0].envelope.time_us == MU_TIME_NONE);
}

static void headers_that_are_no_text_count_as_absent(void **state)
{
    static const struct header headers[] = {{"ce_id", "a\0b", 3},
                                            {"ce_source", "\xff", 1},
                                            {"traceparent", NULL, 0},
                                            {"ce_type", "", 0}};
    struct fixture *f = &fixture;

    (void)state;
    send_foreign("hostile headers", headers, 4);
    read_foreign(f, "hostile headers");
    assert_true(!f->messages[0].envelope.id && !f->messages[0].envelope.source &&
                !f->messages[0].envelope.traceparent);
    assert_int_equal(f->messages[0].envelope.type, MU_MSG_TYPE_COUNT);
}

static void a_rewind_reads_again_from_the_position(void **state)
{
    static const char *const ids[] = {"again-1", "again-2"};
    struct fixture *f = &fixture;
    int64_t offset;

    (void)state;
    send_ids(ids, 2);
    read_up_to(f, "again-1");
    offset = f->messages[0].offset;
    f->positions.offsets[f->messages[0].partition] = offset;
    read_up_to(f, "again-2");
    drop_messages(f);
    assert_int_equal(mu_consumer_rewind(f->consumer, &f->err), MU_OK);
    read_up_to(f, "again-1");
    assert_true(f->messages[0].offset == offset);
}

static void a_paused_topic_gives_nothing_until_it_goes_on(void **state)
{
    static const char *const ids[] = {"before-pause"}, *const later[] = {"paused"};
    struct fixture *f = &fixture;

    (void)state;
    send_ids(ids, 1);
    read_up_to(f, "before-pause");
    drop_messages(f);
    assert_int_equal(mu_consumer_pause(f->consumer, MU_TOPIC_REGISTRY_EVENTS, true, &f->err),
                     MU_OK);
    send_ids(later, 1);
    assert_int_equal(mu_consumer_poll(f->consumer, f->messages, BATCH, 300, &f->count, &f->err),
                     MU_OK);
    assert_int_equal(f->count, 0);
    assert_int_equal(mu_consumer_pause(f->consumer, MU_TOPIC_REGISTRY_EVENTS, false, &f->err),
                     MU_OK);
    read_up_to(f, "paused");
    assert_int_equal(mu_consumer_pause(f->consumer, MU_TOPIC_COUNT, true, &f->err), MU_E_INVALID);
}

static void the_broker_says_what_a_partition_holds(void **state)
{
    static const char *const ids[] = {"in-bounds"};
    struct fixture *f = &fixture;
    struct mu_bounds before, after;
    int32_t partition;

    (void)state;
    send_ids(ids, 1);
    read_up_to(f, "in-bounds");
    partition = f->messages[0].partition;
    assert_int_equal(mu_consumer_bounds(f->consumer, MU_TOPIC_REGISTRY_EVENTS, partition, WAIT_MS,
                                        &before, &f->err),
                     MU_OK);
    assert_true(before.low == 0 && before.high == f->messages[0].offset + 1);
    send_ids(ids, 1);
    assert_int_equal(mu_consumer_bounds(f->consumer, MU_TOPIC_REGISTRY_EVENTS, partition, WAIT_MS,
                                        &after, &f->err),
                     MU_OK);
    assert_true(after.high == before.high + 1);
    assert_int_equal(mu_consumer_bounds(f->consumer, MU_TOPIC_REGISTRY_EVENTS, PARTITIONS, 100,
                                        &after, &f->err),
                     MU_E_UNAVAILABLE);
    read_up_to(f, "in-bounds");
}

static void a_group_without_a_name_is_refused(void **state)
{
    struct mu_consumer *consumer = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(
            mu_consumer_open(&kafka.config, "", topics, 1, position, NULL, &consumer, &err),
            MU_E_INVALID);
    assert_int_equal(
            mu_consumer_open(&kafka.config, "g", topics, 0, position, NULL, &consumer, &err),
            MU_E_INVALID);
    assert_null(consumer);
}

/* The last test: the consumer is closed here, with messages still in its queue. */
static void only_what_was_stored_is_committed_at_the_close(void **state)
{
    static const char *const ids[] = {"stored", "read-only", "waiting-1", "waiting-2"};
    struct fixture *f = &fixture;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_t *client;
    int64_t offset;

    (void)state;
    send_ids(ids, 4);
    read_up_to(f, "stored");
    offset = f->messages[0].offset;
    (void)rd_kafka_topic_partition_list_add(list, mu_topic_name(MU_TOPIC_REGISTRY_EVENTS),
                                            f->messages[0].partition);
    assert_int_equal(mu_consumer_store(f->consumer, &f->messages[0], &f->err), MU_OK);
    read_up_to(f, "read-only");
    drop_messages(f);
    mu_consumer_close(f->consumer);
    f->consumer = NULL;
    client = new_client(RD_KAFKA_CONSUMER, GROUP);
    assert_int_equal(rd_kafka_committed(client, list, WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(list->elems[0].offset == offset + 1);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(reading_begins_at_the_positions_once_they_can_be_asked),
            cmocka_unit_test(an_envelope_arrives_as_it_was_sent),
            cmocka_unit_test(what_an_envelope_may_lack_is_absent_on_the_other_side),
            cmocka_unit_test(a_message_without_headers_has_no_envelope),
            cmocka_unit_test(another_version_is_an_unknown_type_with_its_name),
            cmocka_unit_test(headers_that_are_no_text_count_as_absent),
            cmocka_unit_test(a_rewind_reads_again_from_the_position),
            cmocka_unit_test(a_paused_topic_gives_nothing_until_it_goes_on),
            cmocka_unit_test(the_broker_says_what_a_partition_holds),
            cmocka_unit_test(a_group_without_a_name_is_refused),
            cmocka_unit_test(only_what_was_stored_is_committed_at_the_close),
    };

    return cmocka_run_group_tests(tests, start_kafka, stop_kafka);
}

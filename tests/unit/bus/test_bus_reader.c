/* mu_bus_read: what a topic holds, without a trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producer_fixture.h"

enum { MESSAGES = 20 };

struct seen {
    size_t count;
    char ids[MESSAGES][16];
    size_t stop_after; /* 0: never */
    enum mu_status stop_with;
};

static enum mu_status note(void *opaque, const struct mu_incoming *message, struct mu_error *err)
{
    struct seen *seen = opaque;

    (void)snprintf(seen->ids[seen->count++ % MESSAGES], sizeof(seen->ids[0]), "%s",
                   message->envelope.id);
    if (seen->count == seen->stop_after && seen->stop_with != MU_END)
        return mu_fail(err, seen->stop_with, "enough");
    return seen->count == seen->stop_after ? MU_END : MU_OK;
}

static void send_many(struct fixture *f, enum mu_topic topic, size_t from, size_t count)
{
    open_producer(f);
    for (size_t i = from; i < from + count; i++) {
        char id[32], key[32];
        struct mu_outgoing message;

        (void)snprintf(id, sizeof(id), "id-%zu", i);
        (void)snprintf(key, sizeof(key), "key-%zu", i);
        message = outgoing(id);
        message.topic = topic;
        message.key = key;
        assert_int_equal(
                mu_producer_send(f->producer, &message, note_outcome, &f->outcome, &f->err), MU_OK);
    }
    assert_int_equal(mu_producer_flush(f->producer, WAIT_MS, &f->err), MU_OK);
    mu_producer_close(f->producer);
    f->producer = NULL;
}

static enum mu_status look(struct fixture *f, enum mu_topic topic, int64_t since_us,
                           struct seen *seen)
{
    return mu_bus_read(&f->config, topic, since_us, WAIT_MS, note, seen, &f->err);
}

static void an_empty_topic_ends_at_once(void **state)
{
    struct seen seen = {0};

    assert_int_equal(look(*state, MU_TOPIC_NOTIFICATIONS, MU_TIME_NONE, &seen), MU_OK);
    assert_int_equal(seen.count, 0);
}

static void every_partition_is_read_to_its_end_and_again(void **state)
{
    struct fixture *f = *state;

    send_many(f, MU_TOPIC_QUARANTINE, 0, MESSAGES);
    for (int i = 0; i < 2; i++) { /* a look leaves nothing behind that a second would see */
        struct seen seen = {0};

        assert_int_equal(look(f, MU_TOPIC_QUARANTINE, MU_TIME_NONE, &seen), MU_OK);
        assert_int_equal(seen.count, MESSAGES);
    }
}

static void what_came_before_is_left_out(void **state)
{
    struct seen seen = {0};

    send_many(*state, MU_TOPIC_SCAN_RESULTS, 0, 1);
    assert_int_equal(look(*state, MU_TOPIC_SCAN_RESULTS, mu_now_us() + INT64_C(3600000000), &seen),
                     MU_OK);
    assert_int_equal(seen.count, 0);
}

static void the_reader_may_end_it(void **state)
{
    struct seen seen = {.stop_after = 2, .stop_with = MU_END};

    send_many(*state, MU_TOPIC_WORKLOAD_EVENTS, 0, 5);
    assert_int_equal(look(*state, MU_TOPIC_WORKLOAD_EVENTS, MU_TIME_NONE, &seen), MU_OK);
    assert_int_equal(seen.count, 2);
    seen = (struct seen){.stop_after = 1, .stop_with = MU_E_NOMEM};
    assert_int_equal(look(*state, MU_TOPIC_WORKLOAD_EVENTS, MU_TIME_NONE, &seen), MU_E_NOMEM);
    assert_string_equal(((struct fixture *)*state)->err.message, "enough");
}

static void without_a_broker_it_is_unavailable(void **state)
{
    struct fixture *f = *state;
    struct mu_bus_config nowhere = {.brokers = "127.0.0.1:1", .client_id = "test"};
    struct seen seen = {0};

    assert_int_equal(
            mu_bus_read(&nowhere, MU_TOPIC_QUARANTINE, MU_TIME_NONE, 500, note, &seen, &f->err),
            MU_E_UNAVAILABLE);
}

static void a_setting_that_does_not_exist_is_named(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};

    f->config.properties = "no.such.setting=1";
    assert_int_equal(look(f, MU_TOPIC_QUARANTINE, MU_TIME_NONE, &seen), MU_E_INVALID);
    assert_non_null(strstr(f->err.message, "no.such.setting"));
}

#define READER_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
            READER_TEST(an_empty_topic_ends_at_once),
            READER_TEST(every_partition_is_read_to_its_end_and_again),
            READER_TEST(what_came_before_is_left_out),
            READER_TEST(the_reader_may_end_it),
            READER_TEST(without_a_broker_it_is_unavailable),
            READER_TEST(a_setting_that_does_not_exist_is_named),
    };

    return cmocka_run_group_tests(tests, start_kafka, stop_kafka);
}

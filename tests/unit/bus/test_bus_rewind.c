/* Going back to the positions after a rolled-back batch, also while the positions cannot be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mock_kafka.h"

static struct mock_kafka kafka;

/* What stands for the database: one position for every partition, or none to be had. */
struct store {
    bool away;
    int64_t offset;
};

static enum mu_status position_of(void *opaque, enum mu_topic topic, int32_t partition,
                                  int64_t *ret_offset, struct mu_error *err)
{
    const struct store *store = opaque;

    (void)topic, (void)partition;
    if (store->away)
        return mu_fail(err, MU_E_UNAVAILABLE, "database away");
    *ret_offset = store->offset;
    return MU_OK;
}

static void publish(const char *id)
{
    struct mu_producer *producer = NULL;
    struct outcome outcome = {0};
    struct mu_error err;

    assert_int_equal(mu_producer_open(&kafka.config, &producer, &err), MU_OK);
    assert_int_equal(send_one(producer, id, &outcome, &err), MU_OK);
    assert_int_equal(mu_producer_flush(producer, WAIT_MS, &err), MU_OK);
    mu_producer_close(producer);
    assert_int_equal(atomic_load(&outcome.status), MU_OK);
}

static struct mu_consumer *consumer_of(struct store *store)
{
    static const enum mu_topic topics[] = {MU_TOPIC_REGISTRY_EVENTS};
    struct mu_consumer *consumer = NULL;
    struct mu_error err;

    assert_int_equal(mu_consumer_open(&kafka.config, "group", topics, 1, position_of, store,
                                      &consumer, &err),
                     MU_OK);
    return consumer;
}

/* The next message must be the one of this id. */
static void expect(struct mu_consumer *consumer, const char *id)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;
    struct mu_incoming message;
    struct mu_error err;
    size_t count = 0;

    while (count == 0 && mu_monotonic_ms() < deadline)
        (void)!mu_consumer_poll(consumer, &message, 1, 100, &count, &err);
    assert_int_equal(count, 1);
    assert_string_equal(message.envelope.id, id);
    mu_consumer_release(&message, 1);
}

static void a_rewound_consumer_reads_the_batch_again(void **state)
{
    struct store store = {false, 0};
    struct mu_consumer *consumer = consumer_of(&store);
    struct mu_error err;

    (void)state;
    publish("first");
    publish("second");
    expect(consumer, "first");
    assert_int_equal(mu_consumer_rewind(consumer, &err), MU_OK);
    expect(consumer, "first");
    expect(consumer, "second");
    mu_consumer_close(consumer);
}

static void a_failed_rewind_reads_nothing_more_until_it_is_made_good(void **state)
{
    struct store store = {false, 0};
    struct mu_consumer *consumer = consumer_of(&store);
    struct mu_incoming message;
    struct mu_error err;
    size_t count = 0;

    (void)state;
    publish("first");
    publish("second");
    expect(consumer, "first");
    store.away = true;
    assert_int_equal(mu_consumer_rewind(consumer, &err), MU_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "database away"));
    assert_int_equal(mu_consumer_poll(consumer, &message, 1, 100, &count, &err), MU_E_UNAVAILABLE);
    assert_int_equal(count, 0);
    store.away = false;
    expect(consumer, "first");
    expect(consumer, "second");
    mu_consumer_close(consumer);
}

static int start(void **state)
{
    (void)state;
    mock_kafka_start(&kafka);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    mock_kafka_stop(&kafka);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(a_rewound_consumer_reads_the_batch_again, start, stop),
            cmocka_unit_test_setup_teardown(
                    a_failed_rewind_reads_nothing_more_until_it_is_made_good, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

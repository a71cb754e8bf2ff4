/* Going back to the positions after a rolled-back batch, also while the positions cannot be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mock_kafka.h"

/* Joining a group takes the mock cluster three seconds: the tests share two consumers that join at
 * once. Each test begins and ends at m0. */
static struct mock_kafka kafka;
static struct mu_consumer *placed, *stored; /* with positions, and with the group's offsets */

/* What stands for the database: one position for every partition, or none to be had. */
struct store {
    bool away;
    int64_t offset;
};

static struct store store;

static enum mu_status position_of(void *opaque, enum mu_topic topic, int32_t partition,
                                  int64_t *ret_offset, struct mu_error *err)
{
    (void)opaque, (void)topic, (void)partition;
    if (store.away)
        return mu_fail(err, MU_E_UNAVAILABLE, "database away");
    *ret_offset = store.offset;
    return MU_OK;
}

/* Messages m0, m1, ... of one partition. */
static void publish(int count)
{
    struct mu_producer *producer = NULL;
    struct outcome outcome = {0};
    struct mu_error err;
    char id[16];

    assert_int_equal(mu_producer_open(&kafka.config, &producer, &err), MU_OK);
    for (int i = 0; i < count; i++) {
        (void)snprintf(id, sizeof(id), "m%d", i);
        assert_int_equal(send_one(producer, id, &outcome, &err), MU_OK);
    }
    assert_int_equal(mu_producer_flush(producer, WAIT_MS, &err), MU_OK);
    mu_producer_close(producer);
    assert_int_equal(atomic_load(&outcome.status), MU_OK);
}

/* The next message must be the one of this id. */
static void expect(struct mu_consumer *consumer, const char *id)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;
    struct mu_incoming message = {0};
    struct mu_error err;
    size_t count = 0;

    while (count == 0 && mu_monotonic_ms() < deadline)
        (void)!mu_consumer_poll(consumer, &message, 1, 100, &count, &err);
    assert_int_equal(count, 1);
    assert_string_equal(message.envelope.id, id);
    mu_consumer_release(&message, 1);
}

/* One too early is made good by the next poll. */
static void rewind_now(struct mu_consumer *consumer)
{
    struct mu_error err;

    (void)!mu_consumer_rewind(consumer, &err);
}

static void a_rewound_consumer_reads_the_batch_again(void **state)
{
    (void)state;
    expect(placed, "m0");
    expect(placed, "m1");
    rewind_now(placed);
    expect(placed, "m0");
    expect(placed, "m1");
    rewind_now(placed);
}

static void rewinding_again_and_again_reads_the_same_batch(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++) {
        expect(placed, "m0");
        for (int again = 0; again <= i % 3; again++)
            rewind_now(placed);
    }
}

static void a_failed_rewind_reads_nothing_more_until_it_is_made_good(void **state)
{
    struct mu_incoming message;
    struct mu_error err;
    size_t count = 0;

    (void)state;
    expect(placed, "m0");
    store.away = true;
    assert_int_equal(mu_consumer_rewind(placed, &err), MU_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "database away"));
    assert_int_equal(mu_consumer_poll(placed, &message, 1, 100, &count, &err), MU_E_UNAVAILABLE);
    assert_int_equal(count, 0);
    store.away = false;
    expect(placed, "m0");
    rewind_now(placed);
}

static void without_positions_a_rewind_goes_back_to_what_the_group_stored(void **state)
{
    (void)state;
    expect(stored, "m0");
    rewind_now(stored);
    expect(stored, "m0");
    expect(stored, "m1");
}

static void closing_with_unread_messages_in_the_queue_ends(void **state)
{
    (void)state;
    expect(placed, "m0");
    mu_consumer_close(placed); /* aborted when the group's queue still held messages */
    placed = NULL;
}

static int start(void **state)
{
    static const enum mu_topic topics[] = {MU_TOPIC_REGISTRY_EVENTS};
    struct mu_error err;

    (void)state;
    mock_kafka_start(&kafka);
    publish(50);
    return mu_consumer_open(&kafka.config, "placed", topics, 1, position_of, NULL, &placed, &err) ||
           mu_consumer_open(&kafka.config, "stored", topics, 1, NULL, NULL, &stored, &err);
}

static int stop(void **state)
{
    (void)state;
    mu_consumer_close(placed);
    mu_consumer_close(stored);
    mock_kafka_stop(&kafka);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_rewound_consumer_reads_the_batch_again),
            cmocka_unit_test(rewinding_again_and_again_reads_the_same_batch),
            cmocka_unit_test(a_failed_rewind_reads_nothing_more_until_it_is_made_good),
            cmocka_unit_test(without_positions_a_rewind_goes_back_to_what_the_group_stored),
            cmocka_unit_test(closing_with_unread_messages_in_the_queue_ends),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

/* pause: a paused topic is paused whatever partitions come and go, and read again in whole once it
 * goes on. librdkafka keeps a pause with each partition, also while that is another consumer's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mock_kafka.h"

enum { BATCH = 16, POLL_MS = 100, QUIET_MS = 1500 };
#define GROUP "lanes"

enum lane { NORMAL, BULK, LANES };
static const enum mu_topic topics[LANES] = {MU_TOPIC_SCAN_REQUESTS_NORMAL,
                                            MU_TOPIC_SCAN_REQUESTS_BULK};

/* A consumer, and how many partitions it was given last: each time all it has. */
struct member {
    struct mu_consumer *consumer;
    int asked, held;
};

static struct {
    struct mock_kafka kafka;
    rd_kafka_t *sender;
    struct member first, second;
    int64_t next[LANES][PARTITIONS]; /* to be read, by whoever has the partition */
    int sent;                        /* to each partition */
} world;

static int64_t *next_of(enum mu_topic topic, int32_t partition)
{
    assert_in_range(partition, 0, PARTITIONS - 1);
    return &world.next[topic == topics[BULK] ? BULK : NORMAL][partition];
}

static enum mu_status position(void *opaque, enum mu_topic topic, int32_t partition,
                               int64_t *ret_offset, struct mu_error *err)
{
    struct member *member = opaque;

    (void)err;
    member->asked++;
    *ret_offset = *next_of(topic, partition);
    return MU_OK;
}

static void join(struct member *member)
{
    struct mu_error err;

    *member = (struct member){0};
    if (mu_consumer_open(&world.kafka.config, GROUP, topics, LANES, position, member,
                         &member->consumer, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void leave(struct member *member)
{
    mu_consumer_close(member->consumer);
    member->consumer = NULL;
}

static int start(void **state)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    (void)state;
    mock_kafka_start(&world.kafka);
    if (rd_kafka_conf_set(conf, "bootstrap.servers", world.kafka.config.brokers, why,
                          sizeof(why)) != RD_KAFKA_CONF_OK)
        return -1;
    world.sender = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    join(&world.first);
    return world.sender ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    leave(&world.second);
    leave(&world.first);
    rd_kafka_destroy(world.sender);
    mock_kafka_stop(&world.kafka);
    return 0;
}

/* One more message in each partition. */
static void send_to_each(void)
{
    for (int i = 0; i < LANES * PARTITIONS; i++)
        assert_int_equal(
                rd_kafka_producev(world.sender, RD_KAFKA_V_TOPIC(mu_topic_name(topics[i % LANES])),
                                  RD_KAFKA_V_PARTITION(i / LANES),
                                  RD_KAFKA_V_VALUE((void *)(uintptr_t) "x", 1), RD_KAFKA_V_END),
                0);
    assert_int_equal(rd_kafka_flush(world.sender, WAIT_MS), 0);
    world.sent++;
}

/* Reads once; what comes is the next of its partition. */
static size_t read_once(struct member *member)
{
    struct mu_incoming messages[BATCH];
    struct mu_error err;
    size_t count = 0;
    enum mu_status st = MU_OK;

    member->asked = 0;
    if (member->consumer)
        st = mu_consumer_poll(member->consumer, messages, BATCH, POLL_MS, &count, &err);
    if (member->asked > 0)
        member->held = member->asked;
    if (st != MU_OK)
        return 0;
    for (size_t i = 0; i < count; i++) {
        int64_t *next = next_of(messages[i].topic, messages[i].partition);

        assert_true(messages[i].offset == *next);
        (*next)++;
    }
    mu_consumer_release(messages, count);
    return count;
}

static bool is_read(enum lane lane)
{
    for (int i = 0; i < PARTITIONS; i++)
        if (world.next[lane][i] < world.sent)
            return false;
    return true;
}

static void read_all_of(enum lane lane)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;

    while (!is_read(lane) && mu_monotonic_ms() < deadline)
        (void)read_once(&world.first);
    assert_true(is_read(lane));
}

static void expect_nothing(void)
{
    uint64_t end = mu_monotonic_ms() + QUIET_MS;

    while (mu_monotonic_ms() < end)
        assert_int_equal(read_once(&world.first), 0);
}

static void pause_first(enum lane lane, bool paused)
{
    struct mu_error err;

    if (mu_consumer_pause(world.first.consumer, topics[lane], paused, &err) != MU_OK)
        fail_msg("%s", err.message);
}

/* Polls both until the first has that many partitions and the second the others. */
static void wait_held(int first)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;
    int second = LANES * PARTITIONS - first;

    while ((world.first.held != first || world.second.held != second) &&
           mu_monotonic_ms() < deadline) {
        (void)read_once(&world.first);
        (void)read_once(&world.second);
    }
    assert_int_equal(world.first.held, first);
    assert_int_equal(world.second.held, second);
}

/* A second member takes half of the partitions from the first. */
static void take_half(void)
{
    join(&world.second);
    wait_held(LANES * PARTITIONS / 2);
}

/* The first has all again. */
static void give_back(void)
{
    leave(&world.second);
    world.second.held = 0;
    wait_held(LANES * PARTITIONS);
}

/* The first test: the group forms here. */
static void partitions_that_come_back_are_paused_as_their_topic_is_now(void **state)
{
    (void)state;
    send_to_each();
    read_all_of(NORMAL);
    read_all_of(BULK);
    pause_first(NORMAL, true);
    pause_first(BULK, true);
    take_half();
    pause_first(NORMAL, false); /* half of it is the second's */
    give_back();
    send_to_each();
    read_all_of(NORMAL);
    expect_nothing();
    assert_false(is_read(BULK));
    pause_first(BULK, false);
    read_all_of(BULK);
}

static void a_rewind_does_not_end_a_pause(void **state)
{
    struct mu_error err;

    (void)state;
    pause_first(BULK, true);
    for (int i = 0; i < PARTITIONS; i++)
        world.next[BULK][i]--;
    assert_int_equal(mu_consumer_rewind(world.first.consumer, &err), MU_OK);
    expect_nothing();
    pause_first(BULK, false);
    read_all_of(BULK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(partitions_that_come_back_are_paused_as_their_topic_is_now),
            cmocka_unit_test(a_rewind_does_not_end_a_pause),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

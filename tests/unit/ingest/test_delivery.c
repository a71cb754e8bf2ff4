#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery_fixture.h"

static struct delivery_fixture fixture;

static int group_setup(void **state)
{
    delivery_group_setup(&fixture);
    *state = &fixture;
    return 0;
}

static int group_teardown(void **state)
{
    delivery_group_teardown(*state);
    return 0;
}

static int setup(void **state)
{
    delivery_setup(*state);
    return 0;
}

static int teardown(void **state)
{
    delivery_teardown(*state);
    return 0;
}

struct answer {
    atomic_int calls, status;
};

static void note_answer(void *opaque, enum mu_status status)
{
    struct answer *answer = opaque;

    atomic_store(&answer->status, status);
    atomic_fetch_add(&answer->calls, 1);
}

static void send_id(struct delivery_fixture *f, const char *id, struct answer *answer)
{
    struct mu_outgoing message = outgoing(id);

    delivery_send(f->delivery, &message, 1, note_answer, answer);
}

static void deliver(struct delivery_fixture *f, const char *id)
{
    struct answer answer = {0};

    send_id(f, id, &answer);
    WAIT_FOR(atomic_load(&answer.calls) == 1);
    assert_int_equal(answer.status, MU_OK);
}

/* Until the client has shown that it reaches the broker. */
static void connect_to(struct delivery_fixture *f)
{
    struct outcome outcome = {0};

    assert_int_equal(send_one(f->producer, "first", &outcome, &f->err), MU_OK);
    assert_int_equal(mu_producer_flush(f->producer, WAIT_MS, &f->err), MU_OK);
    assert_true(wait_connected(f->producer, true));
}

static void a_message_is_durable_when_kafka_reports_it(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct delivery_fixture *f = *state;

    mu_buf_init(&ids, 1024);
    connect_to(f);
    deliver(f, "a");
    assert_int_equal(spool_bytes(f->spool), 0);
    read_ids(f, MU_TOPIC_REGISTRY_EVENTS, 2, &ids);
    assert_string_equal(ids.data, "first a ");
}

static void nothing_is_acknowledged_before_the_report(void **state)
{
    struct delivery_fixture *f = *state;
    struct answer answer = {0};
    uint64_t asked_ms;

    connect_to(f);
    rd_kafka_mock_broker_set_rtt(f->kafka.cluster, 1, 300);
    asked_ms = mu_monotonic_ms();
    send_id(f, "a", &answer);
    WAIT_FOR(atomic_load(&answer.calls) == 1);
    rd_kafka_mock_broker_set_rtt(f->kafka.cluster, 1, 0);
    assert_int_equal(answer.status, MU_OK);
    assert_int_equal(spool_bytes(f->spool), 0); /* it was Kafka's report, then, not the spool's */
    assert_true(mu_monotonic_ms() - asked_ms >= 300);
}

static void no_messages_are_durable_at_once(void **state)
{
    struct delivery_fixture *f = *state;
    struct answer answer = {0};

    delivery_send(f->delivery, NULL, 0, note_answer, &answer);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.status, MU_OK);
}

static void kept_messages_go_to_kafka_and_to_the_spool(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(64 * 1024);
    struct delivery_fixture *f = *state;
    struct mu_outgoing messages[2] = {outgoing("a"), outgoing("b")};
    struct answer spooled = {0}, delivered = {0};

    delivery_send_kept(f->delivery, messages, 2, arena, note_answer, &spooled);
    WAIT_FOR(atomic_load(&spooled.calls) == 1);
    assert_int_equal(spooled.status, MU_OK);
    assert_true(spool_bytes(f->spool) > 0); /* nobody is connected yet */
    connect_to(f);
    delivery_send_kept(f->delivery, messages, 2, arena, note_answer, &delivered);
    WAIT_FOR(atomic_load(&delivered.calls) == 1);
    assert_int_equal(delivered.status, MU_OK);
}

static void kept_messages_without_memory_are_not_durable(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1);
    struct delivery_fixture *f = *state;
    struct mu_outgoing message = outgoing("a");
    struct answer answer = {0};

    delivery_send_kept(f->delivery, &message, 1, arena, note_answer, &answer);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.status, MU_E_UNAVAILABLE);
}

static void the_messages_of_a_request_are_answered_once(void **state)
{
    struct delivery_fixture *f = *state;
    struct mu_outgoing messages[100];
    struct answer answer = {0};

    connect_to(f);
    for (size_t i = 0; i < 100; i++)
        messages[i] = outgoing("m");
    delivery_send(f->delivery, messages, 100, note_answer, &answer);
    memset(messages, 0xee, sizeof(messages)); /* they were copied */
    WAIT_FOR(atomic_load(&answer.calls) > 0);
    assert_int_equal(mu_producer_flush(f->producer, WAIT_MS, &f->err), MU_OK);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.status, MU_OK);
}

static void with_the_broker_away_messages_go_to_the_spool_and_come_back_in_order(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct delivery_fixture *f = *state;

    mu_buf_init(&ids, 1024);
    connect_to(f);
    broker_down(f);
    deliver(f, "a");
    deliver(f, "b");
    deliver(f, "c");
    assert_true(spool_bytes(f->spool) > 0);
    mock_kafka_heal(&f->kafka);
    WAIT_FOR(spool_bytes(f->spool) == 0);
    read_ids(f, MU_TOPIC_REGISTRY_EVENTS, 4, &ids);
    assert_string_equal(ids.data, "first a b c ");
}

static void a_message_that_kafka_does_not_take_in_time_goes_to_the_spool(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct delivery_fixture *f = *state;

    mu_buf_init(&ids, 1024);
    connect_to(f);
    rd_kafka_mock_broker_set_rtt(f->kafka.cluster, 1, 2000); /* over the delivery timeout */
    deliver(f, "a");
    assert_true(spool_bytes(f->spool) > 0);
    rd_kafka_mock_broker_set_rtt(f->kafka.cluster, 1, 0);
    WAIT_FOR(spool_bytes(f->spool) == 0);
}

enum { REFUSALS = 200 };

/* Without the drainer, nothing but a message sent could be under way. */
static void after_one_has_waited_in_vain_the_next_goes_to_the_spool_at_once(void **state)
{
    struct delivery_fixture *f = *state;
    rd_kafka_resp_err_t refusals[REFUSALS];
    struct answer answer = {0};

    for (int i = 0; i < REFUSALS; i++)
        refusals[i] = RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; /* is tried again until the timeout */
    connect_to(f);
    rd_kafka_mock_push_request_errors_array(f->kafka.cluster, API_PRODUCE, REFUSALS, refusals);
    deliver(f, "a");
    delivery_stop(f->delivery);
    assert_true(mu_producer_connected(f->producer));
    send_id(f, "b", &answer);
    assert_int_equal(mu_producer_flush(f->producer, 0, &f->err), MU_OK);
    WAIT_FOR(atomic_load(&answer.calls) == 1);
    assert_int_equal(answer.status, MU_OK);
    rd_kafka_mock_clear_request_errors(f->kafka.cluster, API_PRODUCE);
    delivery_free(f->delivery);
    assert_int_equal(delivery_start(f->producer, f->spool, &f->delivery, &f->err), MU_OK);
    WAIT_FOR(spool_bytes(f->spool) == 0);
}

static void what_was_spooled_is_delivered_by_the_next_process(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct delivery_fixture *f = *state;

    mu_buf_init(&ids, 1024);
    connect_to(f);
    broker_down(f);
    deliver(f, "a");
    deliver(f, "b");
    delivery_close(f);
    mock_kafka_heal(&f->kafka);
    delivery_open(f);
    WAIT_FOR(spool_bytes(f->spool) == 0);
    read_ids(f, MU_TOPIC_REGISTRY_EVENTS, 3, &ids);
    assert_string_equal(ids.data, "first a b ");
}

static void a_message_refused_for_good_is_set_aside_and_not_sent_for_ever(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct delivery_fixture *f = *state;

    mu_buf_init(&ids, 1024);
    connect_to(f);
    rd_kafka_mock_push_request_errors(f->kafka.cluster, API_PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    deliver(f, "poison"); /* refused, spooled, refused again, kept */
    WAIT_FOR(folder_count(&f->folder, ".refused", NULL) == 1);
    assert_int_equal(folder_count(&f->folder, ".spool", NULL), 0);
    deliver(f, "b");
    read_ids(f, MU_TOPIC_REGISTRY_EVENTS, 2, &ids);
    assert_string_equal(ids.data, "first b ");
}

/* What delivery itself cannot send (a key over the bus's limit) ends the same way. */
static void a_message_the_bus_refuses_is_set_aside_with_its_neighbours_delivered(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct delivery_fixture *f = *state;
    struct mu_outgoing messages[3] = {outgoing("a"), outgoing("poison"), outgoing("c")};
    static char key[6000];
    struct answer answer = {0};

    mu_buf_init(&ids, 1024);
    connect_to(f);
    broker_down(f);
    memset(key, 'k', sizeof(key) - 1);
    messages[1].key = key;
    delivery_send(f->delivery, messages, 3, note_answer, &answer);
    WAIT_FOR(atomic_load(&answer.calls) == 1);
    assert_int_equal(answer.status, MU_OK);
    mock_kafka_heal(&f->kafka);
    WAIT_FOR(folder_count(&f->folder, ".refused", NULL) == 1);
    read_ids(f, MU_TOPIC_REGISTRY_EVENTS, 3, &ids);
    assert_string_equal(ids.data, "first a c ");
}

static void a_damaged_segment_is_kept_and_the_rest_of_it_delivered(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids, bytes;
    struct delivery_fixture *f = *state;
    char path[SPOOL_PATH_SIZE];

    mu_buf_init(&ids, 1024);
    mu_buf_init(&bytes, 1 << 20);
    connect_to(f);
    broker_down(f);
    deliver(f, "a");
    deliver(f, "b");
    delivery_close(f);
    assert_int_equal(folder_count(&f->folder, ".spool", path), 1);
    assert_int_equal(mu_file_read(path, &bytes, &f->err), MU_OK);
    bytes.data[bytes.len - 2] ^= 4;
    assert_int_equal(mu_file_write_atomic(path, bytes.data, bytes.len, &f->err), MU_OK);
    mock_kafka_heal(&f->kafka);
    delivery_open(f);
    WAIT_FOR(folder_count(&f->folder, ".damaged", NULL) == 1);
    read_ids(f, MU_TOPIC_REGISTRY_EVENTS, 2, &ids);
    assert_string_equal(ids.data, "first a ");
}

static void with_kafka_away_and_the_spool_full_the_sender_is_told(void **state)
{
    struct delivery_fixture *f = *state;
    struct spool_config config = {.folder = f->folder.path, .max_bytes = 300};
    struct answer answer = {0};
    int sent = 0;

    delivery_close(f);
    assert_int_equal(mu_producer_open(&f->kafka.config, &f->producer, &f->err), MU_OK);
    assert_int_equal(spool_open(&config, &f->spool, &f->err), MU_OK);
    assert_int_equal(delivery_start(f->producer, f->spool, &f->delivery, &f->err), MU_OK);
    connect_to(f);
    broker_down(f);
    while (atomic_load(&answer.status) == MU_OK && sent < 20) {
        send_id(f, "a", &answer);
        sent++;
        WAIT_FOR(atomic_load(&answer.calls) == sent);
    }
    assert_int_equal(answer.status, MU_E_LIMIT);
    assert_true(sent > 1);
}

/* The last callbacks run while the producer closes: they must still find where to spool. */
static void messages_under_way_at_the_end_reach_the_spool(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct delivery_fixture *f = *state;
    struct answer answer = {0};
    bool damaged;

    mu_buf_init(&ids, 64 * 1024);
    connect_to(f);
    rd_kafka_mock_broker_set_rtt(f->kafka.cluster, 1, 2500);
    for (int i = 0; i < 100; i++)
        send_id(f, "late", &answer);
    delivery_close(f);
    assert_int_equal(answer.calls, 100);
    assert_int_equal(answer.status, MU_OK);
    rd_kafka_mock_broker_set_rtt(f->kafka.cluster, 1, 0);
    rd_kafka_mock_broker_set_down(f->kafka.cluster, 1);
    delivery_open(f);
    delivery_stop(f->delivery);
    assert_int_equal(spool_read_oldest(f->spool, spool_collect, &ids, &damaged, &f->err), MU_OK);
    assert_int_equal(ids.len, 100 * strlen("late "));
    delivery_free(f->delivery);
    assert_int_equal(delivery_start(f->producer, f->spool, &f->delivery, &f->err), MU_OK);
}

/* More than one window of the drainer. */
static void a_long_spool_is_carried_over_in_order(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids, expected;
    struct delivery_fixture *f = *state;
    struct answer answer = {0};
    enum { COUNT = 1700 };

    mu_buf_init(&ids, 64 * 1024);
    mu_buf_init(&expected, 64 * 1024);
    mu_buf_puts(&expected, "first ");
    connect_to(f);
    broker_down(f);
    for (int i = 0; i < COUNT; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "%d", i);
        mu_buf_printf(&expected, "%s ", id);
        send_id(f, id, &answer);
    }
    WAIT_FOR(atomic_load(&answer.calls) == COUNT);
    mock_kafka_heal(&f->kafka);
    WAIT_FOR(spool_bytes(f->spool) == 0);
    read_ids(f, MU_TOPIC_REGISTRY_EVENTS, COUNT + 1, &ids);
    assert_string_equal(ids.data, expected.data);
}

#define DELIVERY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            DELIVERY_TEST(a_message_is_durable_when_kafka_reports_it),
            DELIVERY_TEST(nothing_is_acknowledged_before_the_report),
            DELIVERY_TEST(no_messages_are_durable_at_once),
            DELIVERY_TEST(the_messages_of_a_request_are_answered_once),
            DELIVERY_TEST(kept_messages_go_to_kafka_and_to_the_spool),
            DELIVERY_TEST(kept_messages_without_memory_are_not_durable),
            DELIVERY_TEST(with_the_broker_away_messages_go_to_the_spool_and_come_back_in_order),
            DELIVERY_TEST(a_message_that_kafka_does_not_take_in_time_goes_to_the_spool),
            DELIVERY_TEST(after_one_has_waited_in_vain_the_next_goes_to_the_spool_at_once),
            DELIVERY_TEST(what_was_spooled_is_delivered_by_the_next_process),
            DELIVERY_TEST(a_message_refused_for_good_is_set_aside_and_not_sent_for_ever),
            DELIVERY_TEST(a_message_the_bus_refuses_is_set_aside_with_its_neighbours_delivered),
            DELIVERY_TEST(a_damaged_segment_is_kept_and_the_rest_of_it_delivered),
            DELIVERY_TEST(with_kafka_away_and_the_spool_full_the_sender_is_told),
            DELIVERY_TEST(messages_under_way_at_the_end_reach_the_spool),
            DELIVERY_TEST(a_long_spool_is_carried_over_in_order),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

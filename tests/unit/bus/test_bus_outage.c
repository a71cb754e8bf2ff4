#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producer_fixture.h"

static void a_message_that_cannot_be_delivered_in_time_is_reported_once(void **state)
{
    struct fixture *f = *state;

    f->config.message_timeout_ms = 300;
    rd_kafka_mock_broker_set_down(kafka.cluster, 1);
    open_producer(f);
    send_and_flush(f);
    assert_int_equal(f->outcome.status, MU_E_UNAVAILABLE);
    assert_false(mu_producer_connected(f->producer));
}

static void a_broker_that_comes_back_gets_what_waited(void **state)
{
    struct fixture *f = *state;

    open_producer(f);
    send_and_flush(f);
    assert_true(wait_connected(f->producer, true));
    rd_kafka_mock_broker_set_down(kafka.cluster, 1);
    assert_true(wait_connected(f->producer, false));
    assert_int_equal(send_one(f->producer, "waits", &f->outcome, &f->err), MU_OK);
    assert_int_equal(mu_producer_flush(f->producer, 50, &f->err), MU_E_UNAVAILABLE);
    assert_int_equal(f->outcome.calls, 1);
    rd_kafka_mock_broker_set_up(kafka.cluster, 1);
    assert_int_equal(mu_producer_flush(f->producer, WAIT_MS, &f->err), MU_OK);
    assert_int_equal(f->outcome.calls, 2);
    assert_int_equal(f->outcome.status, MU_OK);
    assert_true(wait_connected(f->producer, true));
}

static void a_full_queue_refuses_without_a_report(void **state)
{
    struct fixture *f = *state;
    int accepted = 0;

    f->config.queue_max_messages = 10;
    f->config.message_timeout_ms = 500;
    rd_kafka_mock_broker_set_down(kafka.cluster, 1);
    open_producer(f);
    while (accepted < 1000 && send_one(f->producer, "id", &f->outcome, &f->err) == MU_OK)
        accepted++;
    assert_int_equal(accepted, 10);
    assert_int_equal(f->err.status, MU_E_UNAVAILABLE);
    assert_int_equal(mu_producer_flush(f->producer, WAIT_MS, &f->err), MU_OK);
    assert_int_equal(f->outcome.calls, 10);
}

static void closing_reports_what_is_under_way(void **state)
{
    struct fixture *f = *state;

    f->config.message_timeout_ms = 200;
    rd_kafka_mock_broker_set_down(kafka.cluster, 1);
    open_producer(f);
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_one(f->producer, "id", &f->outcome, &f->err), MU_OK);
    mu_producer_close(f->producer);
    f->producer = NULL;
    assert_int_equal(f->outcome.calls, 3);
    assert_int_equal(f->outcome.status, MU_E_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(a_message_that_cannot_be_delivered_in_time_is_reported_once),
            CASE(a_broker_that_comes_back_gets_what_waited),
            CASE(a_full_queue_refuses_without_a_report),
            CASE(closing_reports_what_is_under_way),
    };

    return cmocka_run_group_tests(tests, start_kafka, stop_kafka);
}

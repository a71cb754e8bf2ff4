#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producer_fixture.h"

static void a_message_is_reported_delivered_once(void **state)
{
    struct fixture *f = *state;

    open_producer(f);
    send_and_flush(f);
    assert_int_equal(f->outcome.status, MU_OK);
    assert_true(wait_connected(f->producer, true));
}

static void every_message_of_a_burst_is_reported_once(void **state)
{
    struct fixture *f = *state;

    open_producer(f);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(send_one(f->producer, "id", &f->outcome, &f->err), MU_OK);
    assert_int_equal(mu_producer_flush(f->producer, WAIT_MS, &f->err), MU_OK);
    assert_int_equal(f->outcome.calls, 5000);
}

static void a_value_over_64_kib_is_refused_at_once(void **state)
{
    struct fixture *f = *state;
    char *value = calloc(1, MU_MSG_MAX_BYTES + 1);
    struct mu_outgoing message = outgoing("id");

    open_producer(f);
    message.value = value;
    message.value_len = MU_MSG_MAX_BYTES + 1;
    assert_int_equal(mu_producer_send(f->producer, &message, note_outcome, &f->outcome, &f->err),
                     MU_E_LIMIT);
    message.value_len = MU_MSG_MAX_BYTES;
    assert_int_equal(mu_producer_send(f->producer, &message, note_outcome, &f->outcome, &f->err),
                     MU_OK);
    assert_int_equal(mu_producer_flush(f->producer, WAIT_MS, &f->err), MU_OK);
    assert_int_equal(f->outcome.calls, 1); /* of the second only */
    free(value);
}

static void an_incomplete_envelope_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mu_outgoing message = outgoing("id");
    char key[5000];

    open_producer(f);
    message.envelope.id = NULL;
    assert_int_equal(mu_producer_send(f->producer, &message, note_outcome, &f->outcome, &f->err),
                     MU_E_INVALID);
    message = outgoing("id");
    message.topic = MU_TOPIC_COUNT;
    assert_int_equal(mu_producer_send(f->producer, &message, note_outcome, &f->outcome, &f->err),
                     MU_E_INVALID);
    message = outgoing("id");
    memset(key, 'k', sizeof(key));
    key[sizeof(key) - 1] = '\0';
    message.key = key;
    assert_int_equal(mu_producer_send(f->producer, &message, note_outcome, &f->outcome, &f->err),
                     MU_E_LIMIT);
    assert_int_equal(f->outcome.calls, 0);
}

static void what_the_broker_refuses_for_good_is_reported_as_such(void **state)
{
    static const struct {
        rd_kafka_resp_err_t code;
        enum mu_status status;
    } rows[] = {{RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, MU_E_LIMIT},
                {RD_KAFKA_RESP_ERR_INVALID_RECORD, MU_E_INVALID},
                {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, MU_E_UNAVAILABLE}};
    struct fixture *f = *state;

    open_producer(f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        f->outcome.calls = 0;
        inject(rows[i].code);
        send_and_flush(f);
        assert_int_equal(f->outcome.status, rows[i].status);
        assert_string_not_equal(f->outcome.message, "");
    }
}

static void a_passing_fault_is_retried_until_delivered(void **state)
{
    struct fixture *f = *state;

    open_producer(f);
    rd_kafka_mock_push_request_errors(
            kafka.cluster, API_PRODUCE, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
    send_and_flush(f);
    assert_int_equal(f->outcome.status, MU_OK);
}

/* A broker that lost the producer's sequence: librdkafka gives that client up for good. */
static void a_fatal_error_is_reported_and_survived(void **state)
{
    struct fixture *f = *state;
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;

    open_producer(f);
    send_and_flush(f);
    inject(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    f->outcome.calls = 0;
    send_and_flush(f);
    assert_int_equal(f->outcome.status, MU_E_UNAVAILABLE);
    do {
        enum mu_status st;

        f->outcome.calls = 0;
        st = send_one(f->producer, "again", &f->outcome, &f->err);
        assert_true(st == MU_OK || st == MU_E_UNAVAILABLE);
        assert_int_equal(mu_producer_flush(f->producer, WAIT_MS, &f->err), MU_OK);
        assert_int_equal(f->outcome.calls, st == MU_OK ? 1 : 0);
        (void)usleep(1000);
    } while ((f->outcome.calls == 0 || f->outcome.status != MU_OK) && mu_monotonic_ms() < deadline);
    assert_int_equal(f->outcome.status, MU_OK);
    assert_int_equal(f->outcome.calls, 1);
}

static void a_wrong_property_stops_the_opening_by_name(void **state)
{
    static const char *const wrong[] = {"no.such.property=1", "linger.ms", "acks=all,linger.ms=x"};
    static const char *const named[] = {"no.such.property", "linger.ms", "linger.ms"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        f->config.properties = wrong[i];
        assert_int_equal(mu_producer_open(&f->config, &f->producer, &f->err), MU_E_INVALID);
        assert_non_null(strstr(f->err.message, named[i]));
        assert_null(f->producer);
    }
    f->config.properties = NULL;
    f->config.brokers = "";
    assert_int_equal(mu_producer_open(&f->config, &f->producer, &f->err), MU_E_INVALID);
}

static void properties_win_over_our_settings(void **state)
{
    struct fixture *f = *state;

    f->config.properties = "linger.ms=0, message.max.bytes=1000";
    open_producer(f);
    send_and_flush(f);
    {
        static const char big[2000] = {0};
        struct mu_outgoing message = outgoing("id");

        message.value = big;
        message.value_len = sizeof(big);
        assert_int_equal(
                mu_producer_send(f->producer, &message, note_outcome, &f->outcome, &f->err),
                MU_E_LIMIT);
        assert_int_equal(f->outcome.calls, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(a_message_is_reported_delivered_once),
            CASE(every_message_of_a_burst_is_reported_once),
            CASE(a_value_over_64_kib_is_refused_at_once),
            CASE(an_incomplete_envelope_is_refused),
            CASE(what_the_broker_refuses_for_good_is_reported_as_such),
            CASE(a_passing_fault_is_retried_until_delivered),
            CASE(a_fatal_error_is_reported_and_survived),
            CASE(a_wrong_property_stops_the_opening_by_name),
            CASE(properties_win_over_our_settings),
    };

    return cmocka_run_group_tests(tests, start_kafka, stop_kafka);
}

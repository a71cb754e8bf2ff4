/*
 * producer_fixture: a producer against a mock broker, and what its tests share. librdkafka looks
 * at time-outs once a second, so these tests mostly wait; several programs wait side by side.
 */
#ifndef MU_TEST_PRODUCER_FIXTURE_H
#define MU_TEST_PRODUCER_FIXTURE_H

#include "mock_kafka.h"

#include <stdlib.h>

static struct mock_kafka kafka; /* one a program: it takes up to a second to end */

struct fixture {
    struct mu_bus_config config;
    struct mu_producer *producer;
    struct outcome outcome;
    struct mu_error err;
};

static inline int start_kafka(void **state)
{
    (void)state;
    mock_kafka_start(&kafka);
    return 0;
}

static inline int stop_kafka(void **state)
{
    (void)state;
    mock_kafka_stop(&kafka);
    return 0;
}

static inline void open_producer(struct fixture *f)
{
    assert_int_equal(mu_producer_open(&f->config, &f->producer, &f->err), MU_OK);
}

static inline int start(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->config = kafka.config;
    *state = f;
    return 0;
}

static inline int stop(void **state)
{
    struct fixture *f = *state;

    mu_producer_close(f->producer);
    mock_kafka_heal(&kafka);
    free(f);
    return 0;
}

static inline void send_and_flush(struct fixture *f)
{
    assert_int_equal(send_one(f->producer, "id", &f->outcome, &f->err), MU_OK);
    assert_int_equal(mu_producer_flush(f->producer, WAIT_MS, &f->err), MU_OK);
    assert_int_equal(f->outcome.calls, 1);
}

static inline void inject(rd_kafka_resp_err_t code)
{
    rd_kafka_mock_push_request_errors(kafka.cluster, API_PRODUCE, 1, code);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producer_fixture.h"

static void each_topic_has_one_name(void **state)
{
    (void)state;
    for (int i = 0; i < MU_TOPIC_COUNT; i++)
        assert_int_equal(mu_topic_of(mu_topic_name((enum mu_topic)i)), i);
    assert_string_equal(mu_topic_name(MU_TOPIC_SCAN_REQUESTS_URGENT),
                        "muster.scan-requests.urgent");
    assert_int_equal(mu_topic_of("muster.other"), MU_TOPIC_COUNT);
    assert_int_equal(mu_topic_of(NULL), MU_TOPIC_COUNT);
}

static void topics_that_exist_need_no_right_to_create(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mu_bus_ensure_topics(&f->config, 3, WAIT_MS, &f->err), MU_OK);
}

static void missing_topics_without_a_broker_are_unavailable(void **state)
{
    struct fixture *f = *state;

    rd_kafka_mock_broker_set_down(kafka.cluster, 1);
    assert_int_equal(mu_bus_ensure_topics(&f->config, 3, 300, &f->err), MU_E_UNAVAILABLE);
    assert_int_equal(mu_bus_ensure_topics(&f->config, 0, 300, &f->err), MU_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_topic_has_one_name),
            CASE(topics_that_exist_need_no_right_to_create),
            CASE(missing_topics_without_a_broker_are_unavailable),
    };

    return cmocka_run_group_tests(tests, start_kafka, stop_kafka);
}

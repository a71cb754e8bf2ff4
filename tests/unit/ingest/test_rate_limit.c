/* rate_limit: a bucket of one second of tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limit/rate_limit.h"

#include <pthread.h>

enum { SECOND_US = 1000000, START_US = 500 * SECOND_US, THREADS = 4, TAKES = 1000 };

static size_t taken(struct rate_limit *limit, int64_t now_us, size_t tries)
{
    size_t count = 0;

    for (size_t i = 0; i < tries; i++)
        count += rate_limit_take(limit, now_us) == 0;
    return count;
}

static void a_second_of_tokens_is_there_at_once_and_no_more(void **state)
{
    struct rate_limit limit = {.per_second = 10};

    (void)state;
    assert_int_equal(taken(&limit, START_US, 100), 10);
    assert_int_equal(taken(&limit, START_US + SECOND_US / 10, 100), 1);
}

static void an_idle_source_gathers_no_more_than_a_second(void **state)
{
    struct rate_limit limit = {.per_second = 10};

    (void)state;
    (void)taken(&limit, START_US, 100);
    assert_int_equal(taken(&limit, START_US + 1000 * INT64_C(1000000), 100), 10);
}

static void who_must_wait_is_told_how_long(void **state)
{
    struct rate_limit limit = {.per_second = 2};
    int64_t wait_us;

    (void)state;
    (void)taken(&limit, START_US, 2);
    wait_us = rate_limit_take(&limit, START_US);
    assert_int_equal(wait_us, SECOND_US / 2);
    assert_int_equal(rate_limit_take(&limit, START_US + wait_us - 1), 1);
    assert_int_equal(rate_limit_take(&limit, START_US + wait_us), 0);
}

static void over_a_long_time_the_rate_is_the_rate(void **state)
{
    struct rate_limit limit = {.per_second = 100};
    size_t count = 0;

    (void)state;
    for (int64_t ms = 0; ms < 10000; ms++)
        count += rate_limit_take(&limit, START_US + ms * 1000) == 0;
    assert_in_range(count, 1090, 1100); /* ten seconds and the bucket it began with */
}

static void *take_many(void *opaque)
{
    return (void *)(uintptr_t)taken(opaque, START_US, TAKES);
}

static void threads_together_take_no_more(void **state)
{
    struct rate_limit limit = {.per_second = 1000};
    pthread_t threads[THREADS];
    size_t sum = 0;

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &limit), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *count;

        (void)pthread_join(threads[i], &count);
        sum += (size_t)(uintptr_t)count;
    }
    assert_int_equal(sum, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_second_of_tokens_is_there_at_once_and_no_more),
            cmocka_unit_test(an_idle_source_gathers_no_more_than_a_second),
            cmocka_unit_test(who_must_wait_is_told_how_long),
            cmocka_unit_test(over_a_long_time_the_rate_is_the_rate),
            cmocka_unit_test(threads_together_take_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

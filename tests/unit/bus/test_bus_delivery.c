#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus/bus_delivery.h"

#include <stdatomic.h>
#include <string.h>

struct seen {
    atomic_int calls;
    atomic_int status;
};

static void note(void *opaque, enum mu_status status, const char *message)
{
    struct seen *seen = opaque;

    (void)message;
    atomic_store(&seen->status, status);
    atomic_fetch_add(&seen->calls, 1);
}

static void no_more_than_the_maximum_is_under_way(void **state)
{
    struct bus_delivery_pool pool;
    struct bus_delivery *last = NULL, *taken;
    struct seen seen = {0};
    size_t count = 0;

    (void)state;
    bus_delivery_pool_init(&pool, 600); /* two slabs */
    while ((taken = bus_delivery_take(&pool, note, &seen)) != NULL && count < 5000) {
        last = taken;
        count++;
    }
    assert_in_range(count, 600, 1200);
    bus_delivery_cancel(&pool, last);
    assert_ptr_equal(bus_delivery_take(&pool, note, &seen), last); /* reused */
    assert_int_equal(seen.calls, 0);
    assert_int_equal(bus_delivery_pool_under_way(&pool), count);
    bus_delivery_pool_done(&pool);
}

static void what_is_left_is_reported_once(void **state)
{
    struct bus_delivery_pool pool;
    struct seen reported = {0}, left = {0};

    (void)state;
    bus_delivery_pool_init(&pool, 10);
    bus_delivery_report(&pool, bus_delivery_take(&pool, note, &reported), MU_OK, "");
    assert_non_null(bus_delivery_take(&pool, note, &left));
    bus_delivery_settle(&pool);
    assert_int_equal(bus_delivery_pool_under_way(&pool), 1);
    bus_delivery_report_all(&pool, MU_E_UNAVAILABLE, "closed");
    bus_delivery_report_all(&pool, MU_E_UNAVAILABLE, "closed");
    assert_int_equal(reported.calls, 1);
    assert_int_equal(reported.status, MU_OK);
    assert_int_equal(left.calls, 1);
    assert_int_equal(left.status, MU_E_UNAVAILABLE);
    assert_int_equal(bus_delivery_pool_under_way(&pool), 0);
    bus_delivery_pool_done(&pool);
}

struct sender {
    struct bus_delivery_pool *pool;
    struct seen seen;
    atomic_bool stop, sending;
};

/* Always has one under way: it takes the next before it reports the last. */
static void *keep_sending(void *opaque)
{
    struct sender *sender = opaque;
    struct bus_delivery *held = bus_delivery_take(sender->pool, note, &sender->seen);

    atomic_store(&sender->sending, true);
    while (!atomic_load(&sender->stop)) {
        struct bus_delivery *next = bus_delivery_take(sender->pool, note, &sender->seen);

        bus_delivery_report(sender->pool, held, MU_OK, "");
        bus_delivery_settle(sender->pool);
        held = next;
    }
    bus_delivery_report(sender->pool, held, MU_OK, "");
    bus_delivery_settle(sender->pool);
    return NULL;
}

static void a_wait_ends_although_others_go_on_sending(void **state)
{
    struct bus_delivery_pool pool;
    struct sender sender = {.pool = &pool};
    pthread_t thread;

    (void)state;
    bus_delivery_pool_init(&pool, 100);
    assert_int_equal(pthread_create(&thread, NULL, keep_sending, &sender), 0);
    while (!atomic_load(&sender.sending))
        ;
    for (int i = 0; i < 100; i++)
        assert_true(bus_delivery_pool_wait(&pool, 5000));
    atomic_store(&sender.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(bus_delivery_pool_under_way(&pool), 0);
    bus_delivery_pool_done(&pool);
}

static void a_wait_that_timed_out_is_not_forgotten_by_the_next(void **state)
{
    struct bus_delivery_pool pool;
    struct seen seen = {0};
    struct bus_delivery *first, *second;

    (void)state;
    bus_delivery_pool_init(&pool, 100);
    first = bus_delivery_take(&pool, note, &seen);
    assert_false(bus_delivery_pool_wait(&pool, 1));
    second = bus_delivery_take(&pool, note, &seen);
    bus_delivery_report(&pool, second, MU_OK, "");
    bus_delivery_settle(&pool);
    assert_false(bus_delivery_pool_wait(&pool, 1)); /* the first is still under way */
    bus_delivery_report(&pool, first, MU_OK, "");
    bus_delivery_settle(&pool);
    assert_true(bus_delivery_pool_wait(&pool, 0));
    bus_delivery_pool_done(&pool);
}

static void records_come_back_also_while_reports_do_not_end(void **state)
{
    struct bus_delivery_pool pool;
    struct seen seen = {0};

    (void)state;
    bus_delivery_pool_init(&pool, 100);
    for (int i = 0; i < 10000; i++)
        bus_delivery_report(&pool, bus_delivery_take(&pool, note, &seen), MU_OK, "");
    assert_int_equal(seen.calls, 10000);
    bus_delivery_settle(&pool);
    assert_int_equal(bus_delivery_pool_under_way(&pool), 0);
    bus_delivery_pool_done(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(no_more_than_the_maximum_is_under_way),
            cmocka_unit_test(what_is_left_is_reported_once),
            cmocka_unit_test(records_come_back_also_while_reports_do_not_end),
            cmocka_unit_test(a_wait_ends_although_others_go_on_sending),
            cmocka_unit_test(a_wait_that_timed_out_is_not_forgotten_by_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

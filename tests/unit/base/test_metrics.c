/* metrics: the Prometheus text format, and counters that many threads raise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/metrics.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 5000 };

static struct mu_metric good = {.name = "muster_events_total",
                                .labels = "outcome=\"good\"",
                                .help = "Events.",
                                .type = MU_METRIC_COUNTER};
static struct mu_metric bad = {.name = "muster_events_total",
                               .labels = "outcome=\"bad\"",
                               .help = "Events.",
                               .type = MU_METRIC_COUNTER};
static struct mu_metric depth = {
        .name = "muster_queue", .help = "Waiting.", .type = MU_METRIC_GAUGE};

static void metrics_of_one_name_share_their_help(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_metric *const all[] = {&good, &bad, &depth};

    (void)state;
    mu_buf_init(&out, 4096);
    mu_metric_set(&good, 3);
    mu_metric_set(&bad, 0);
    mu_metric_set(&depth, -1);
    mu_metrics_render(all, 3, &out);
    assert_string_equal(
            out.data,
            "# HELP muster_events_total Events.\n# TYPE muster_events_total counter\n"
            "muster_events_total{outcome=\"good\"} 3\nmuster_events_total{outcome=\"bad\"} 0\n"
            "# HELP muster_queue Waiting.\n# TYPE muster_queue gauge\nmuster_queue -1\n");
}

static void no_metrics_are_no_text(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;

    (void)state;
    mu_buf_init(&out, 10);
    mu_metrics_render(NULL, 0, &out);
    assert_string_equal(out.data, "");
}

static void *add_many(void *opaque)
{
    for (int i = 0; i < ROUNDS; i++)
        mu_metric_add(opaque, i % 2 ? 3 : -1);
    return NULL;
}

static void no_addition_of_many_threads_is_lost(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    mu_metric_set(&depth, 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, &depth), 0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&depth.value), THREADS * ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(metrics_of_one_name_share_their_help),
            cmocka_unit_test(no_metrics_are_no_text),
            cmocka_unit_test(no_addition_of_many_threads_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

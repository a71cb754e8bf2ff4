#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feeder_stage.h"
#include "metrics/metrics.h"

/* The registry takes the connection and says nothing: the worker is in the middle of its scan. */
static void a_stop_in_the_middle_leaves_the_requests_to_the_next_scanner(void **state)
{
    static struct feeder_stage f;
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;
    struct mu_scan_result result;
    char json[2048], digest[MU_DIGEST_TEXT_SIZE];
    struct tap results;

    (void)state;
    mu_sha256_text("x", 1, digest);
    mu_stop_install();
    feeder_stage_open(&f);
    for (int i = 0; i < 3; i++)
        feeder_stage_send(
                &f, MU_TOPIC_SCAN_REQUESTS_URGENT,
                scan_stage_request(json, sizeof(json), "r", IMAGE_BUILD_REPOSITORY, digest));
    while (atomic_load(&metric_scans_running.value) == 0 && mu_monotonic_ms() < deadline)
        (void)sched_yield();
    assert_int_equal(atomic_load(&metric_scans_running.value), 1);
    feeder_stage_stop(&f);
    assert_int_equal(atomic_load(&metric_scans_failed.value), 0);
    assert_int_equal(
            feeder_stage_committed(&f, "muster-scanner-urgent", MU_TOPIC_SCAN_REQUESTS_URGENT), 0);
    tap_open(&results, &f.kafka, MU_TOPIC_SCAN_RESULTS);
    assert_false(tap_next(&results, MU_MSG_SCAN_RESULT, &result, 500));
    tap_close(&results);
    feeder_stage_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_stop_in_the_middle_leaves_the_requests_to_the_next_scanner)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

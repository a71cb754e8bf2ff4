#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feeder_stage.h"

static const struct {
    enum mu_topic topic;
    const char *group;
} lanes[] = {{MU_TOPIC_SCAN_REQUESTS_URGENT, "muster-scanner-urgent"},
             {MU_TOPIC_SCAN_REQUESTS_NORMAL, "muster-scanner-normal"},
             {MU_TOPIC_SCAN_REQUESTS_BULK, "muster-scanner-bulk"}};

enum { LANES = 3, EACH = 4 };

static void send_all(struct feeder_stage *f, const char *digest)
{
    char json[2048], id[16];

    for (int i = 0; i < LANES * EACH; i++) {
        (void)snprintf(id, sizeof(id), "r-%02d", i);
        feeder_stage_send(
                f, lanes[i % LANES].topic,
                scan_stage_request(json, sizeof(json), id, IMAGE_BUILD_REPOSITORY, digest));
    }
}

/* More requests than one worker's lanes hold at once, and one nobody understands among them. */
static void every_request_is_answered_and_put_behind(void **state)
{
    static struct feeder_stage f;
    struct tap results, quarantine;
    struct mu_scan_result result = {0};
    struct mu_quarantine_record record = {0};
    char digest[MU_DIGEST_TEXT_SIZE];
    unsigned seen = 0;

    (void)state;
    feeder_stage_open(&f);
    (void)image_build_manifest_bytes(&f.stage.registry, "{\"schemaVersion\":2,\"manifests\":[]}",
                                     34, IMAGE_BUILD_INDEX, digest);
    registry_peer_start(&f.stage.registry);
    feeder_stage_send(&f, MU_TOPIC_SCAN_REQUESTS_NORMAL, "{poison");
    send_all(&f, digest);
    tap_open(&results, &f.kafka, MU_TOPIC_SCAN_RESULTS);
    tap_open(&quarantine, &f.kafka, MU_TOPIC_QUARANTINE);
    for (int i = 0; i < LANES * EACH; i++) {
        assert_true(tap_next(&results, MU_MSG_SCAN_RESULT, &result, WAIT_MS));
        assert_int_equal(result.outcome, MU_SCAN_RESOLVED);
        if (result.request_id)
            seen |= 1u << strtoul(result.request_id + 2, NULL, 10);
    }
    assert_int_equal(seen, (1u << (LANES * EACH)) - 1);
    assert_true(tap_next(&quarantine, MU_MSG_QUARANTINE_RECORD, &record, WAIT_MS));
    feeder_stage_stop(&f);
    registry_peer_stop(&f.stage.registry);
    for (size_t i = 0; i < LANES; i++)
        assert_int_equal(feeder_stage_committed(&f, lanes[i].group, lanes[i].topic),
                         EACH + (lanes[i].topic == MU_TOPIC_SCAN_REQUESTS_NORMAL));
    tap_close(&results);
    tap_close(&quarantine);
    feeder_stage_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_request_is_answered_and_put_behind)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

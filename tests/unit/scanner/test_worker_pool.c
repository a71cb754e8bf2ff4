#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "metrics/metrics.h"
#include "scan_stage.h"

enum { TASKS_MAX = 8 };

static const char created[] = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";

/* One cluster and one reader of each topic for all tests. */
static struct mock_kafka kafka;
static struct tap results, quarantine;
static unsigned test_number;

struct fixture {
    struct scan_stage stage;
    struct worker_pool *pool;
    struct scan_task tasks[TASKS_MAX];
    char json[TASKS_MAX][2048];
    char prefix[16]; /* of this test's request ids */
    struct mu_scan_result result;
    struct mu_quarantine_record quarantined;
    char digest[MU_DIGEST_TEXT_SIZE];
};

static int set_up_group(void **state)
{
    (void)state;
    mock_kafka_start(&kafka);
    tap_open(&results, &kafka, MU_TOPIC_SCAN_RESULTS);
    tap_open(&quarantine, &kafka, MU_TOPIC_QUARANTINE);
    return 0;
}

static int tear_down_group(void **state)
{
    (void)state;
    tap_close(&results);
    tap_close(&quarantine);
    mock_kafka_stop(&kafka);
    return 0;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    scan_stage_open(&f->stage, &kafka);
    (void)snprintf(f->prefix, sizeof(f->prefix), "t%u-", ++test_number);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    worker_pool_free(f->pool);
    scan_stage_close(&f->stage);
    free(f);
    return 0;
}

static void start(struct fixture *f, unsigned workers)
{
    const struct worker_pool_config config = {
            .context = &f->stage.context, .producer = f->stage.producer, .workers = workers};
    struct mu_error err;

    assert_int_equal(worker_pool_start(&config, &f->pool, &err), MU_OK);
}

static struct scan_task *submit_json(struct fixture *f, size_t index, enum mu_topic topic,
                                     const char *json)
{
    struct scan_task *task = &f->tasks[index];

    task->incoming = (struct mu_incoming){
            .topic = topic,
            .value = json,
            .value_len = strlen(json),
            .envelope = {.type = MU_MSG_SCAN_REQUEST, .id = "id", .traceparent = NULL},
            .ce_type = "muster.scan-request.v1"};
    worker_pool_submit(f->pool, task);
    return task;
}

static struct scan_task *submit_named(struct fixture *f, size_t index, enum mu_topic topic,
                                      const char *id, const char *repository)
{
    char request_id[64];

    (void)snprintf(request_id, sizeof(request_id), "%s%s", f->prefix, id);
    return submit_json(f, index, topic,
                       scan_stage_request(f->json[index], sizeof(f->json[index]), request_id,
                                          repository, f->digest));
}

static struct scan_task *submit(struct fixture *f, size_t index, enum mu_topic topic,
                                const char *id)
{
    return submit_named(f, index, topic, id, IMAGE_BUILD_REPOSITORY);
}

static void wait_done(struct fixture *f, const struct scan_task *task)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;

    while (!worker_pool_done(f->pool, task)) {
        if (mu_monotonic_ms() > deadline)
            fail_msg("the task is not done");
        (void)sched_yield();
    }
}

static void wait_running(int64_t count)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;

    while (atomic_load(&metric_scans_running.value) != count)
        if (mu_monotonic_ms() > deadline)
            fail_msg("no scan is running");
}

/* An index without children: resolved, without evidence. */
static struct peer_route *push_index(struct fixture *f)
{
    static const char json[] = "{\"schemaVersion\":2,\"manifests\":[]}";

    return image_build_manifest_bytes(&f->stage.registry, json, sizeof(json) - 1, IMAGE_BUILD_INDEX,
                                      f->digest);
}

static void wait_hits(const struct peer_route *route, unsigned count)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;

    while (atomic_load(&route->hits) < count)
        if (mu_monotonic_ms() > deadline)
            fail_msg("'%s' was not asked for", route->path);
}

/* The next result of this test; false when none comes within `wait_ms`. */
static bool next_result(struct fixture *f, int64_t wait_ms)
{
    while (tap_next(&results, MU_MSG_SCAN_RESULT, &f->result, wait_ms))
        if (mu_text_starts(f->result.request_id, f->prefix))
            return true;
    return false;
}

static void read_result(struct fixture *f)
{
    if (!next_result(f, WAIT_MS))
        fail_msg("no result came");
}

static void read_quarantined(struct fixture *f)
{
    if (!tap_next(&quarantine, MU_MSG_QUARANTINE_RECORD, &f->quarantined, WAIT_MS))
        fail_msg("nothing was quarantined");
}

/* One task from beginning to end with a running registry. */
static void run_one(struct fixture *f)
{
    registry_peer_start(&f->stage.registry);
    start(f, 1);
    wait_done(f, submit(f, 0, MU_TOPIC_SCAN_REQUESTS_NORMAL, "r-1"));
    registry_peer_stop(&f->stage.registry);
}

static void a_scan_ends_with_its_result_and_evidence(void **state)
{
    struct fixture *f = *state;
    char digest[MU_DIGEST_TEXT_SIZE];
    const char *body;

    (void)image_build_simple(&f->stage.registry, image_build_debian, image_build_status, f->digest);
    f->stage.inventory.replies[0].bytes = created;
    scan_stage_inventory(&f->stage);
    f->stage.context.evidence.token = "sesame";
    run_one(f);
    http_peer_stop(&f->stage.inventory);
    read_result(f);
    assert_int_equal(f->result.outcome, MU_SCAN_COMPLETE);
    assert_string_equal(f->result.request_id + strlen(f->prefix), "r-1");
    assert_int_equal(f->result.counts.findings, 1);
    body = strstr(f->stage.inventory.requests[0], "\r\n\r\n") + 4;
    mu_sha256_text(body, strlen(body), digest);
    assert_string_equal(f->result.evidence_digest, digest);
    assert_int_equal(f->result.evidence_size_bytes, strlen(body));
    assert_non_null(strstr(f->stage.inventory.requests[0], digest));
    assert_non_null(strstr(f->stage.inventory.requests[0], "\r\nAuthorization: Bearer sesame\r\n"));
}

static void a_failure_is_a_result_with_evidence_too(void **state)
{
    struct fixture *f = *state;

    mu_sha256_text("nobody has it", 13, f->digest);
    f->stage.inventory.replies[0].bytes = created;
    scan_stage_inventory(&f->stage);
    run_one(f);
    http_peer_stop(&f->stage.inventory);
    read_result(f);
    assert_int_equal(f->result.outcome, MU_SCAN_FAILED);
    assert_string_equal(f->result.failure.code, "manifest_missing");
    assert_memory_equal(f->result.failure.message, "manifest: GET ", 14); /* named once */
    assert_non_null(f->result.evidence_digest);
}

static void evidence_is_sent_again_until_it_is_stored(void **state)
{
    struct fixture *f = *state;

    mu_sha256_text("nobody has it", 13, f->digest);
    f->stage.inventory.replies[0].bytes =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    f->stage.inventory.replies[1].bytes = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    f->stage.inventory.replies[2].bytes = created;
    scan_stage_inventory(&f->stage);
    run_one(f);
    http_peer_stop(&f->stage.inventory);
    assert_int_equal(f->stage.inventory.request_count, 3);
    read_result(f);
    assert_non_null(f->result.evidence_digest);
}

static void evidence_too_large_for_inventory_is_a_failed_scan(void **state)
{
    struct fixture *f = *state;

    (void)image_build_simple(&f->stage.registry, image_build_debian, image_build_status, f->digest);
    f->stage.inventory.replies[0].bytes = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
    scan_stage_inventory(&f->stage);
    run_one(f);
    http_peer_stop(&f->stage.inventory);
    read_result(f);
    assert_int_equal(f->result.outcome, MU_SCAN_FAILED);
    assert_string_equal(f->result.failure.code, "limit");
    assert_null(f->result.evidence_digest);
    assert_false(f->result.has_counts);
}

/* 256 children with long texts: no message can hold them, and none is cut in silence. */
static void a_result_too_large_for_a_message_is_a_failed_scan(void **state)
{
    struct fixture *f = *state;
    struct mu_buf json;
    char text[200];

    memset(text, 'x', sizeof(text));
    mu_buf_init(&json, 1 << 20);
    mu_buf_puts(&json, "{\"schemaVersion\":2,\"manifests\":[");
    for (int i = 0; i < 256; i++)
        mu_buf_printf(&json,
                      "%s{\"mediaType\":\"" IMAGE_BUILD_MANIFEST
                      "\",\"digest\":\"sha256:%064d\",\"size\":1,\"platform\":{\"os\":\"%.*s\","
                      "\"architecture\":\"a\"}}",
                      i > 0 ? "," : "", i, (int)sizeof(text), text);
    mu_buf_puts(&json, "]}");
    (void)image_build_manifest_bytes(&f->stage.registry, json.data, json.len, IMAGE_BUILD_INDEX,
                                     f->digest);
    mu_buf_done(&json);
    run_one(f);
    read_result(f);
    assert_int_equal(f->result.outcome, MU_SCAN_FAILED);
    assert_string_equal(f->result.failure.code, "limit");
    assert_false(f->result.failure.retryable);
    assert_int_equal(f->result.children.count, 0);
}

/* The failure's text holds a name out of a tar: bytes that are no text must not stick anywhere. */
static void a_name_that_is_no_text_still_gives_a_result(void **state)
{
    struct fixture *f = *state;
    struct image_build image;
    struct mu_buf tar;
    uint8_t header[512];

    mu_buf_init(&tar, 1 << 20);
    layer_build_header(header, "\xff\xfe\x80name", '0', "", 1);
    header[124] = 'x';
    layer_build_checksum(header);
    mu_buf_append(&tar, header, sizeof(header));
    image_build_begin(&image, &f->stage.registry);
    (void)image_build_layer(&image, &tar, &tar, IMAGE_BUILD_TAR);
    (void)image_build_finish(&image, f->digest);
    mu_buf_done(&tar);
    f->stage.inventory.replies[0].bytes = created;
    scan_stage_inventory(&f->stage);
    run_one(f);
    http_peer_stop(&f->stage.inventory);
    read_result(f);
    assert_int_equal(f->result.outcome, MU_SCAN_FAILED);
}

static void a_repository_that_is_none_is_a_failed_scan(void **state)
{
    struct fixture *f = *state;

    mu_sha256_text("x", 1, f->digest);
    f->stage.inventory.replies[0].bytes = created;
    scan_stage_inventory(&f->stage);
    start(f, 1);
    wait_done(f, submit_named(f, 0, MU_TOPIC_SCAN_REQUESTS_NORMAL, "r-1",
                              "reg.example/Not-Canonical"));
    http_peer_stop(&f->stage.inventory);
    read_result(f);
    assert_int_equal(f->result.outcome, MU_SCAN_FAILED);
    assert_string_equal(f->result.failure.code, "unsupported");
    assert_non_null(f->result.evidence_digest);
}

static void a_request_nobody_understands_is_quarantined(void **state)
{
    struct fixture *f = *state;

    start(f, 1);
    wait_done(f, submit_json(f, 0, MU_TOPIC_SCAN_REQUESTS_BULK, "{\"request_id\":7}"));
    read_quarantined(f);
    assert_string_equal(f->quarantined.stage, "scanner");
    assert_string_equal(f->quarantined.source, "muster.scan-requests.bulk");
    assert_string_equal(f->quarantined.reason_code, "invalid");
    assert_string_equal(f->quarantined.payload_base64, "eyJyZXF1ZXN0X2lkIjo3fQ==");
    assert_int_equal(f->quarantined.payload_size_bytes, 16);
    assert_false(f->quarantined.payload_truncated);
}

static void a_message_of_another_type_is_quarantined(void **state)
{
    struct fixture *f = *state;

    start(f, 1);
    f->tasks[0].incoming = (struct mu_incoming){.topic = MU_TOPIC_SCAN_REQUESTS_NORMAL,
                                                .value = "{}",
                                                .value_len = 2,
                                                .envelope = {.type = MU_MSG_TYPE_COUNT},
                                                .ce_type = "com.example.odd"};
    worker_pool_submit(f->pool, &f->tasks[0]);
    wait_done(f, &f->tasks[0]);
    read_quarantined(f);
    assert_non_null(strstr(f->quarantined.reason, "com.example.odd"));
}

/* A payload larger than a message keeps its head; the digest is of all of it. */
static void a_large_request_is_quarantined_with_its_head(void **state)
{
    struct fixture *f = *state;
    size_t len = 1000 * 1000;
    char *junk = malloc(len + 1), digest[MU_DIGEST_TEXT_SIZE];

    memset(junk, '[', len);
    junk[len] = '\0';
    mu_sha256_text(junk, len, digest);
    start(f, 1);
    wait_done(f, submit_json(f, 0, MU_TOPIC_SCAN_REQUESTS_NORMAL, junk));
    free(junk);
    read_quarantined(f);
    assert_string_equal(f->quarantined.reason_code, "limit");
    assert_true(f->quarantined.payload_truncated);
    assert_int_equal(f->quarantined.payload_size_bytes, len);
    assert_string_equal(f->quarantined.payload_digest, digest);
}

/* While Kafka is away the task stays open; when it is back, the result is there once. */
static void a_task_is_done_only_when_kafka_has_its_result(void **state)
{
    struct fixture *f = *state;
    const struct scan_task *task;
    const struct peer_route *route = push_index(f);

    assert_true(wait_connected(f->stage.producer, true));
    registry_peer_start(&f->stage.registry);
    rd_kafka_mock_broker_set_down(kafka.cluster, 1);
    assert_true(wait_connected(f->stage.producer, false));
    start(f, 1);
    task = submit(f, 0, MU_TOPIC_SCAN_REQUESTS_NORMAL, "r-1");
    wait_hits(route, 1); /* that is all it needs from there */
    assert_false(worker_pool_done(f->pool, task));
    mock_kafka_heal(&kafka);
    wait_done(f, task);
    registry_peer_stop(&f->stage.registry);
    read_result(f);
    assert_int_equal(f->result.outcome, MU_SCAN_RESOLVED);
    assert_false(next_result(f, 200));
}

static void a_result_kafka_refuses_for_good_leaves_the_task_done(void **state)
{
    struct fixture *f = *state;

    (void)push_index(f);
    rd_kafka_mock_push_request_errors(kafka.cluster, API_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    run_one(f);
    read_result(f);
    assert_int_equal(f->result.outcome, MU_SCAN_FAILED);
    assert_string_equal(f->result.failure.code, "limit");
}

/* The one worker hangs at a registry that does not answer yet; the others wait in their queues. */
static void the_most_urgent_task_is_taken_first(void **state)
{
    static const struct {
        enum mu_topic topic;
        const char *id;
    } rows[] = {{MU_TOPIC_SCAN_REQUESTS_BULK, "bulk-1"},
                {MU_TOPIC_SCAN_REQUESTS_BULK, "bulk-2"},
                {MU_TOPIC_SCAN_REQUESTS_NORMAL, "normal-1"},
                {MU_TOPIC_SCAN_REQUESTS_NORMAL, "normal-2"},
                {MU_TOPIC_SCAN_REQUESTS_URGENT, "urgent-1"},
                {MU_TOPIC_SCAN_REQUESTS_URGENT, "urgent-2"}};
    static const char *const order[] = {"first",    "urgent-1", "urgent-2", "normal-1",
                                        "normal-2", "bulk-1",   "bulk-2"};
    struct fixture *f = *state;

    (void)push_index(f);
    start(f, 1);
    (void)submit(f, 7, MU_TOPIC_SCAN_REQUESTS_BULK, "first");
    wait_running(1);
    for (size_t i = 0; i < 6; i++)
        (void)submit(f, i, rows[i].topic, rows[i].id);
    registry_peer_start(&f->stage.registry);
    for (size_t i = 0; i < 6; i++)
        wait_done(f, &f->tasks[i]);
    registry_peer_stop(&f->stage.registry);
    for (size_t i = 0; i < 7; i++) {
        read_result(f);
        /* one key, one partition */
        assert_string_equal(f->result.request_id + strlen(f->prefix), order[i]);
    }
}

static void tasks_that_wait_stay_undone_when_the_pool_stops(void **state)
{
    struct fixture *f = *state;

    (void)push_index(f);
    start(f, 1);
    (void)submit(f, 0, MU_TOPIC_SCAN_REQUESTS_NORMAL, "under-way");
    wait_running(1);
    (void)submit(f, 1, MU_TOPIC_SCAN_REQUESTS_NORMAL, "waits");
    (void)submit(f, 2, MU_TOPIC_SCAN_REQUESTS_URGENT, "waits-too");
    worker_pool_close(f->pool);
    registry_peer_start(&f->stage.registry);
    worker_pool_stop(f->pool);
    registry_peer_stop(&f->stage.registry);
    assert_true(worker_pool_done(f->pool, &f->tasks[0]));
    assert_false(worker_pool_done(f->pool, &f->tasks[1]));
    assert_false(worker_pool_done(f->pool, &f->tasks[2]));
}

static void many_workers_answer_every_request_once(void **state)
{
    struct fixture *f = *state;
    unsigned seen = 0;

    (void)push_index(f);
    registry_peer_start(&f->stage.registry);
    start(f, 4);
    for (size_t i = 0; i < TASKS_MAX; i++) {
        char id[8] = {'r', (char)('0' + i)};

        (void)submit(f, i, MU_TOPIC_SCAN_REQUESTS_NORMAL, id);
    }
    for (size_t i = 0; i < TASKS_MAX; i++)
        wait_done(f, &f->tasks[i]);
    registry_peer_stop(&f->stage.registry);
    for (size_t i = 0; i < TASKS_MAX; i++) {
        read_result(f);
        seen |= 1u << (f->result.request_id[strlen(f->prefix) + 1] - '0');
    }
    assert_int_equal(seen, (1u << TASKS_MAX) - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_scan_ends_with_its_result_and_evidence),
            TEST(a_failure_is_a_result_with_evidence_too),
            TEST(evidence_is_sent_again_until_it_is_stored),
            TEST(evidence_too_large_for_inventory_is_a_failed_scan),
            TEST(a_result_too_large_for_a_message_is_a_failed_scan),
            TEST(a_name_that_is_no_text_still_gives_a_result),
            TEST(a_repository_that_is_none_is_a_failed_scan),
            TEST(a_request_nobody_understands_is_quarantined),
            TEST(a_message_of_another_type_is_quarantined),
            TEST(a_large_request_is_quarantined_with_its_head),
            TEST(a_result_kafka_refuses_for_good_leaves_the_task_done),
            TEST(the_most_urgent_task_is_taken_first),
            TEST(tasks_that_wait_stay_undone_when_the_pool_stops),
            TEST(many_workers_answer_every_request_once),
            TEST(a_task_is_done_only_when_kafka_has_its_result),
    };

    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}

/* A cluster that says exactly what a test tells it to, and the mock Kafka behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery_fixture.h"

#include "kube_peer.h"
#include "metrics/metrics.h"
#include "source/source.h"
#include "watch/kube_watch.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define GONE    "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

#define POD(uid, version)                                                                  \
    "{\"metadata\":{\"uid\":\"" uid "\",\"name\":\"pod-" uid "\",\"namespace\":\"shop\","  \
    "\"resourceVersion\":\"" version "\",\"creationTimestamp\":\"2026-11-24T08:00:00Z\"}," \
    "\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":\"registry.example/web:1\"}]}}"
#define LIST(version, pods)                                                      \
    OK_HEAD "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version \
            "\"},\"items\":[" pods "]}"
#define EVENT(type, uid, version)                                                      \
    "{\"type\":\"" type "\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"" uid \
    "\",\"name\":\"pod-" uid "\",\"namespace\":\"shop\",\"resourceVersion\":\"" version "\"}}}\n"
#define BOOKMARK(version)                                                                    \
    "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":" \
    "\"" version "\"}}}\n"
#define ERROR_410                                                                             \
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"message\":\"too old " \
    "resource version\"}}\n"

static struct delivery_fixture fixture;
static struct source_config source;

static int group_setup(void **state)
{
    source = (struct source_config){
            .name = "prod", .kind = source_kind_find("kubernetes"), .cluster = "production"};
    delivery_group_setup(&fixture);
    *state = &fixture;
    return 0;
}

static int group_teardown(void **state)
{
    delivery_group_teardown(*state);
    return 0;
}

static int setup(void **state)
{
    struct outcome outcome = {0};

    delivery_setup(*state);
    assert_int_equal(send_one(fixture.producer, "first", &outcome, &fixture.err), MU_OK);
    assert_int_equal(mu_producer_flush(fixture.producer, WAIT_MS, &fixture.err), MU_OK);
    assert_true(wait_connected(fixture.producer, true));
    return 0;
}

static int teardown(void **state)
{
    delivery_teardown(*state);
    return 0;
}

/* ---- one cluster ---- */

struct cluster {
    struct kube_peer peer;
    struct kube_watch *watch;
    char url[64];
};

static void cluster_start(struct cluster *cluster)
{
    const struct kube_watch_config config = {.source = &source,
                                             .delivery = fixture.delivery,
                                             .state_folder = fixture.folder.path,
                                             .retry_min_ms = 10};

    cluster->peer.routes[0].path = "/api/v1/pods";
    kube_peer_start(&cluster->peer);
    (void)snprintf(cluster->url, sizeof(cluster->url), "http://127.0.0.1:%d",
                   cluster->peer.base.port);
    source.url = cluster->url;
    source.page_limit = 500;
    assert_int_equal(kube_watch_start(&config, &cluster->watch, &fixture.err), MU_OK);
}

/* Waits until the watch has asked so often, then ends it. */
static void cluster_stop(struct cluster *cluster, size_t requests)
{
    WAIT_FOR(kube_peer_count(&cluster->peer, 0) >= requests);
    kube_peer_stop(&cluster->peer);
    kube_watch_stop(cluster->watch);
}

static void assert_request(const struct cluster *cluster, size_t index, const char *expected)
{
    if (!strstr(cluster->peer.routes[0].requests[index], expected))
        fail_msg("request %zu is not for '%s':\n%s", index, expected,
                 cluster->peer.routes[0].requests[index]);
}

/* What came of each pod "a" to "z", in order; pods are spread over partitions. */
struct trails {
    struct mu_buf of[26];
};

static void note_event(void *opaque, rd_kafka_message_t *message)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct trails *trails = opaque;
    struct mu_workload_event event;
    struct mu_error err;

    if (mu_msg_decode(MU_MSG_WORKLOAD_EVENT, message->payload, message->len, arena, &event, &err) !=
        MU_OK)
        fail_msg("%s", err.message);
    assert_string_equal(event.cluster, "production");
    assert_in_range(event.pod_uid[0], 'a', 'z');
    mu_buf_printf(&trails->of[event.pod_uid[0] - 'a'], "%s %s %lld%s, ",
                  event.action == MU_WORKLOAD_REMOVED ? "removed" : "observed", event.pod_uid,
                  (long long)event.sequence, event.reconcile ? " (reconcile)" : "");
}

/* "observed a 5, removed a 9 (reconcile), observed b 2, ": by pod, then as they came. */
static void assert_events(size_t count, const char *expected)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf events;
    struct trails trails;

    mu_buf_init(&events, 4096);
    for (int i = 0; i < 26; i++)
        mu_buf_init(&trails.of[i], 4096);
    read_messages(&fixture.reader, MU_TOPIC_WORKLOAD_EVENTS, count, note_event, &trails);
    for (int i = 0; i < 26; i++) {
        mu_buf_append(&events, trails.of[i].data, trails.of[i].len);
        mu_buf_done(&trails.of[i]);
    }
    assert_string_equal(events.data, expected);
    kafka_reader_mark(&fixture.reader, MU_TOPIC_WORKLOAD_EVENTS);
}

/* ---- tests ---- */

static void a_list_is_followed_by_a_watch_from_its_version(void **state)
{
    static struct cluster cluster;

    (void)state;
    cluster = (struct cluster){.peer.routes[0].replies = {{LIST("100", POD("a", "7")), PEER_CLOSE},
                                                          {OK_HEAD EVENT("MODIFIED", "a", "101")
                                                                   EVENT("DELETED", "a", "102"),
                                                           PEER_HOLD}}};
    cluster_start(&cluster);
    assert_events(3, "observed a 7, observed a 101, removed a 102, ");
    cluster_stop(&cluster, 2);
    assert_request(&cluster, 0, "GET /api/v1/pods?limit=500 HTTP");
    assert_request(&cluster, 1, "watch=true&allowWatchBookmarks=true&resourceVersion=100&");
}

static void a_watch_that_ends_goes_on_at_the_last_bookmark(void **state)
{
    static struct cluster cluster;

    (void)state;
    cluster = (struct cluster){
            .peer.routes[0].replies = {
                    {LIST("100", ""), PEER_CLOSE},
                    {OK_HEAD EVENT("ADDED", "a", "101") BOOKMARK("150"), PEER_CLOSE},
                    {OK_HEAD EVENT("ADDED", "b", "151"), PEER_CLOSE},
                    {OK_HEAD, PEER_HOLD}}};
    cluster_start(&cluster);
    assert_events(2, "observed a 101, observed b 151, ");
    cluster_stop(&cluster, 4);
    assert_request(&cluster, 2, "&resourceVersion=150&");
    assert_request(&cluster, 3, "&resourceVersion=151&");
}

static void a_torn_stream_goes_on_where_it_was(void **state)
{
    static struct cluster cluster;

    (void)state;
    cluster = (struct cluster){
            .peer.routes[0].replies = {{LIST("100", ""), PEER_CLOSE},
                                       {"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" EVENT(
                                                "ADDED", "a", "101") "{\"type\":\"ADDED\",\"obj",
                                        PEER_CLOSE},
                                       {OK_HEAD EVENT("ADDED", "b", "102"), PEER_HOLD}}};
    cluster_start(&cluster);
    assert_events(2, "observed a 101, observed b 102, ");
    cluster_stop(&cluster, 3);
    assert_request(&cluster, 2, "&resourceVersion=101&");
}

/* Both forms of "too old" list again; pods that are gone meanwhile are closed, and marked. */
static void a_position_that_is_too_old_lists_again_and_closes_ghosts(void **state)
{
    const char *const forms[] = {OK_HEAD ERROR_410, GONE};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        static struct cluster cluster;

        cluster =
                (struct cluster){.peer.routes[0].replies = {
                                         {LIST("100", POD("a", "7") "," POD("b", "8")), PEER_CLOSE},
                                         {forms[i], PEER_CLOSE},
                                         {LIST("200", POD("a", "7")), PEER_CLOSE},
                                         {OK_HEAD, PEER_HOLD}}};
        cluster_start(&cluster);
        assert_events(4, "observed a 7, observed a 7, observed b 8, removed b 200 (reconcile), ");
        cluster_stop(&cluster, 4);
        assert_request(&cluster, 2, "?limit=500 ");
        assert_request(&cluster, 3, "&resourceVersion=200&");
    }
}

static void a_pod_that_went_while_no_process_was_there_is_closed(void **state)
{
    static struct cluster before, after;
    int64_t vanished = atomic_load(&metric_watch_vanished.value);

    (void)state;
    before = (struct cluster){
            .peer.routes[0].replies = {{LIST("100", POD("a", "7")), PEER_CLOSE},
                                       {OK_HEAD EVENT("ADDED", "b", "101"), PEER_HOLD}}};
    cluster_start(&before);
    assert_events(2, "observed a 7, observed b 101, ");
    cluster_stop(&before, 2);
    after = (struct cluster){.peer.routes[0].replies = {{LIST("300", POD("c", "250")), PEER_CLOSE},
                                                        {OK_HEAD, PEER_HOLD}}};
    cluster_start(&after);
    assert_events(3, "removed a 300 (reconcile), removed b 300 (reconcile), observed c 250, ");
    cluster_stop(&after, 2);
    assert_int_equal(atomic_load(&metric_watch_vanished.value), vanished + 2);
}

static void a_pod_told_deleted_is_not_told_again(void **state)
{
    static struct cluster cluster;

    (void)state;
    cluster = (struct cluster){
            .peer.routes[0].replies = {{LIST("100", POD("a", "7")), PEER_CLOSE},
                                       {OK_HEAD EVENT("DELETED", "a", "101") ERROR_410, PEER_CLOSE},
                                       {LIST("200", POD("b", "150")), PEER_CLOSE},
                                       {OK_HEAD, PEER_HOLD}}};
    cluster_start(&cluster);
    assert_events(3, "observed a 7, removed a 101, observed b 150, ");
    cluster_stop(&cluster, 4);
}

static void a_list_comes_in_pages(void **state)
{
    static struct cluster cluster;

    (void)state;
    cluster = (struct cluster){
            .peer.routes[0].replies = {
                    {OK_HEAD "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"100\","
                             "\"continue\":\"bW9yZQ\"},\"items\":[" POD("a", "7") "]}",
                     PEER_CLOSE},
                    {LIST("100", POD("b", "8")), PEER_CLOSE},
                    {OK_HEAD, PEER_HOLD}}};
    cluster_start(&cluster);
    assert_events(2, "observed a 7, observed b 8, ");
    cluster_stop(&cluster, 3);
    assert_request(&cluster, 1, "?limit=500&continue=bW9yZQ ");
    assert_request(&cluster, 2, "&resourceVersion=100&");
}

/* Half a list closes nobody. */
static void a_list_that_fails_in_the_middle_closes_nobody(void **state)
{
    static struct cluster cluster;

    (void)state;
    cluster = (struct cluster){
            .peer.routes[0].replies = {
                    {LIST("100", POD("a", "7") "," POD("b", "8")), PEER_CLOSE},
                    {GONE, PEER_CLOSE},
                    {OK_HEAD "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"200\","
                             "\"continue\":\"more\"},\"items\":[" POD("a", "7") "]}",
                     PEER_CLOSE},
                    {"HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                     PEER_CLOSE},
                    {LIST("201", POD("a", "7") "," POD("b", "8")), PEER_CLOSE},
                    {OK_HEAD, PEER_HOLD}}};
    cluster_start(&cluster);
    assert_events(5, "observed a 7, observed a 7, observed a 7, observed b 8, observed b 8, ");
    cluster_stop(&cluster, 6);
}

static void lines_that_are_not_understood_are_quarantined_and_the_watch_goes_on(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    static struct cluster cluster;

    (void)state;
    mu_buf_init(&ids, 1024);
    cluster = (struct cluster){
            .peer.routes[0].replies = {
                    {LIST("100", ""), PEER_CLOSE},
                    {OK_HEAD "no json at all\n{\"type\":\"RENAMED\",\"object\":{\"kind\":"
                             "\"Pod\"}}\n" EVENT("ADDED", "a", "101"),
                     PEER_HOLD}}};
    cluster_start(&cluster);
    assert_events(1, "observed a 101, ");
    read_ids(&fixture, MU_TOPIC_QUARANTINE, 2, &ids);
    cluster_stop(&cluster, 2);
}

static void the_token_is_sent_and_read_again_each_time(void **state)
{
    static struct cluster cluster;
    char token[SPOOL_PATH_SIZE];

    (void)state;
    (void)snprintf(token, sizeof(token), "%s/token", fixture.folder.path);
    assert_int_equal(mu_file_write_atomic(token, "first\n", 6, &fixture.err), MU_OK);
    source.token_file = token;
    cluster =
            (struct cluster){.peer.routes[0].replies = {{LIST("100", POD("a", "1")), PEER_CLOSE}}};
    for (int i = 1; i < KUBE_REPLIES; i++) /* watches that end at once, 10 ms and more apart */
        cluster.peer.routes[0].replies[i] = (struct http_peer_reply){OK_HEAD, PEER_CLOSE};
    cluster_start(&cluster);
    WAIT_FOR(kube_peer_count(&cluster.peer, 0) >= 1);
    assert_int_equal(mu_file_write_atomic(token, "second", 6, &fixture.err), MU_OK);
    assert_events(1, "observed a 1, ");
    cluster_stop(&cluster, KUBE_REPLIES);
    source.token_file = NULL;
    assert_request(&cluster, 0, "Authorization: Bearer first\r\n");
    assert_request(&cluster, KUBE_REPLIES - 1, "Authorization: Bearer second\r\n");
}

/* Neither Kafka nor the spool takes it: the position may not move, and the list is asked again. */
static void what_was_not_durable_is_listed_again(void **state)
{
    static struct cluster cluster;
    struct spool_config small = {.folder = fixture.folder.path, .max_bytes = 10};

    (void)state;
    delivery_close(&fixture);
    assert_int_equal(mu_producer_open(&fixture.kafka.config, &fixture.producer, &fixture.err),
                     MU_OK);
    assert_int_equal(spool_open(&small, &fixture.spool, &fixture.err), MU_OK);
    assert_int_equal(
            delivery_start(fixture.producer, fixture.spool, &fixture.delivery, &fixture.err),
            MU_OK);
    rd_kafka_mock_broker_set_down(fixture.kafka.cluster, 1);
    assert_true(wait_connected(fixture.producer, false));
    cluster = (struct cluster){.peer.routes[0].replies = {{LIST("100", POD("a", "7")), PEER_CLOSE},
                                                          {LIST("101", POD("a", "7")), PEER_CLOSE},
                                                          {LIST("102", POD("a", "7")), PEER_HOLD}}};
    cluster_start(&cluster);
    cluster_stop(&cluster, 2);
    assert_request(&cluster, 0, "?limit=500 ");
    assert_request(&cluster, 1, "?limit=500 ");
}

#define WATCH_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WATCH_TEST(a_list_is_followed_by_a_watch_from_its_version),
            WATCH_TEST(a_watch_that_ends_goes_on_at_the_last_bookmark),
            WATCH_TEST(a_torn_stream_goes_on_where_it_was),
            WATCH_TEST(a_position_that_is_too_old_lists_again_and_closes_ghosts),
            WATCH_TEST(a_pod_that_went_while_no_process_was_there_is_closed),
            WATCH_TEST(a_pod_told_deleted_is_not_told_again),
            WATCH_TEST(a_list_comes_in_pages),
            WATCH_TEST(a_list_that_fails_in_the_middle_closes_nobody),
            WATCH_TEST(lines_that_are_not_understood_are_quarantined_and_the_watch_goes_on),
            WATCH_TEST(the_token_is_sent_and_read_again_each_time),
            WATCH_TEST(what_was_not_durable_is_listed_again),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

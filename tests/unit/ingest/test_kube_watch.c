/* A cluster that says exactly what a test tells it to, and the mock Kafka behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery_fixture.h"

#include "kube_fixture.h"
#include "metrics/metrics.h"
#include "source/source.h"
#include "watch/kube_position.h"
#include "watch/kube_watch.h"

#define RUNNING(uid, version)                                                                      \
    "{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"" uid             \
    "\",\"name\":\"pod\",\"namespace\":\"shop\",\"resourceVersion\":\"" version                    \
    "\",\"ownerReferences\":[{\"controller\":true,\"kind\":\"ReplicaSet\",\"name\":\"r\","         \
    "\"uid\":\"r1\"}]},\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"name\":\"web\",\"image\":" \
    "\"registry.example/web:1\"}]},\"status\":{\"containerStatuses\":[{\"name\":\"web\","          \
    "\"state\":{\"running\":{\"startedAt\":\"2026-11-24T08:00:00Z\"}}}]}}}\n"

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

static struct cluster {
    struct kube_peer peer;
    struct kube_watch *watch;
    struct kube_watch_config config;
    char url[64];
} cluster;

static void cluster_script(const struct http_peer_reply *replies, size_t size)
{
    cluster = (struct cluster){.peer.routes[0].path = "/api/v1/pods"};
    memcpy(cluster.peer.routes[0].replies, replies, size);
    cluster.config = (struct kube_watch_config){
            .source = &source, .state_folder = fixture.folder.path, .retry_min_ms = 10};
}

#define REPLIES(...)                                             \
    do {                                                         \
        const struct http_peer_reply replies_[] = {__VA_ARGS__}; \
        cluster_script(replies_, sizeof(replies_));              \
    } while (0)
#define ASKED(index, expected) assert_asked(&cluster.peer, 0, index, expected)
#define SILENT             \
    {                      \
        OK_HEAD, PEER_HOLD \
    }

static void watch_start(void)
{
    cluster.config.delivery = fixture.delivery;
    assert_int_equal(kube_watch_start(&cluster.config, &cluster.watch, &fixture.err), MU_OK);
}

static void cluster_start(void)
{
    kube_peer_start(&cluster.peer);
    (void)snprintf(cluster.url, sizeof(cluster.url), "http://127.0.0.1:%d", cluster.peer.base.port);
    source.url = cluster.url;
    source.page_limit = 500;
    watch_start();
}

/* Waits until the cluster was asked so often, then ends the watch and begins another. */
static void watch_again(size_t requests)
{
    WAIT_FOR(kube_peer_count(&cluster.peer, 0) >= requests);
    kube_watch_stop(cluster.watch);
    watch_start();
}

/* The same, and ends the cluster too. */
static void cluster_stop(size_t requests)
{
    WAIT_FOR(kube_peer_count(&cluster.peer, 0) >= requests);
    kube_peer_stop(&cluster.peer);
    kube_watch_stop(cluster.watch);
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
    mu_buf_printf(&trails->of[event.pod_uid[0] - 'a'], "%s %s %lld%s%s%s%s%s%s, ",
                  event.action == MU_WORKLOAD_REMOVED ? "removed" : "observed", event.pod_uid,
                  (long long)event.sequence, event.reconcile ? " (reconcile)" : "",
                  event.platform ? " " : "", event.platform ? event.platform : "",
                  event.owner_kind ? " " : "", event.owner_kind ? event.owner_kind : "",
                  event.owner_kind ? "/web" : "");
    assert_string_equal(event.owner_name ? event.owner_name : "web", "web");
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

static void a_list_and_its_watch_become_messages_with_platform_and_owner(void **state)
{
    (void)state;
    REPLIES({LIST("100", POD("a", "7")), PEER_CLOSE},
            {OK_HEAD RUNNING("a", "101") EVENT("DELETED", "a", "102"), PEER_HOLD});
    cluster.peer.routes[1] = (struct kube_route){
            .path = "/api/v1/nodes",
            .replies = {{LIST("1", "{\"metadata\":{\"name\":\"n1\"},\"status\":{\"nodeInfo\":{"
                                   "\"operatingSystem\":\"linux\",\"architecture\":\"arm64\"}}}"),
                         PEER_CLOSE},
                        SILENT}};
    cluster.peer.routes[2] = (struct kube_route){
            .path = "/apis/apps/v1/replicasets",
            .replies = {{LIST("1", "{\"metadata\":{\"uid\":\"r1\",\"ownerReferences\":[{"
                                   "\"controller\":true,\"kind\":\"Deployment\",\"name\":"
                                   "\"web\"}]}}"),
                         PEER_CLOSE},
                        SILENT}};
    cluster_start();
    assert_events(3, "observed a 7, observed a 101 linux/arm64 Deployment/web, removed a 102, ");
    cluster_stop(2);
    ASKED(0, "GET /api/v1/pods?limit=500 HTTP");
    ASKED(1, "watch=true&allowWatchBookmarks=true&resourceVersion=100&");
}

static void a_pod_that_a_list_no_longer_has_is_closed_and_marked(void **state)
{
    (void)state;
    REPLIES({LIST("100", POD("a", "7") "," POD("b", "8")), PEER_CLOSE},
            {OK_HEAD EVENT("DELETED", "b", "90") ERROR_EVENT("410"), PEER_CLOSE},
            {LIST("200", POD("c", "150")), PEER_CLOSE}, SILENT);
    cluster_start();
    assert_events(5, "observed a 7, removed a 200 (reconcile), observed b 8, removed b 90, "
                     "observed c 150, ");
    cluster_stop(4);
}

static void a_list_that_fails_in_the_middle_closes_nobody(void **state)
{
    (void)state;
    REPLIES({LIST("100", POD("a", "7") "," POD("b", "8")), PEER_CLOSE}, {GONE, PEER_CLOSE},
            {PAGE("200", "more", POD("a", "7")), PEER_CLOSE}, {STATUS("503 No"), PEER_CLOSE},
            {LIST("201", POD("a", "7") "," POD("b", "8")), PEER_CLOSE}, SILENT);
    cluster_start();
    assert_events(5, "observed a 7, observed a 7, observed a 7, observed b 8, observed b 8, ");
    cluster_stop(6);
}

static void the_next_process_goes_on_where_everything_was_durable(void **state)
{
    int64_t relists = atomic_load(&metric_watch_relists.value);

    (void)state;
    REPLIES({LIST("100", POD("a", "7")), PEER_CLOSE},
            {OK_HEAD EVENT("ADDED", "b", "101") BOOKMARK("150"), PEER_CLOSE}, SILENT,
            {OK_HEAD EVENT("DELETED", "a", "151"), PEER_CLOSE}, {GONE, PEER_CLOSE},
            {LIST("300", ""), PEER_CLOSE}, SILENT);
    cluster_start();
    watch_again(3);
    assert_events(4, "observed a 7, removed a 151, observed b 101, removed b 300 (reconcile), ");
    cluster_stop(7);
    ASKED(3, "&resourceVersion=150&");
    ASKED(4, "&resourceVersion=151&");
    assert_int_equal(atomic_load(&metric_watch_relists.value), relists + 2);
}

/* For a process that is killed while the stream goes on. */
static void the_position_is_kept_while_events_come(void **state)
{
    struct kube_position position = {0};
    char path[SPOOL_PATH_SIZE];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/position-prod.json", fixture.folder.path);
    REPLIES({LIST("100", ""), PEER_CLOSE},
            {OK_HEAD EVENT("ADDED", "a", "101") BOOKMARK("150"), PEER_HOLD});
    cluster.config.save_ms = -1;
    cluster_start();
    WAIT_FOR(kube_position_read(path, "production", cluster.url, &position, &fixture.err) ==
                     MU_OK &&
             strcmp(position.version, "150") == 0);
    cluster_stop(2);
}

static void a_position_without_its_pods_or_of_another_cluster_is_not_used(void **state)
{
    char known[SPOOL_PATH_SIZE];

    (void)state;
    (void)snprintf(known, sizeof(known), "%s/known-prod.jsonl", fixture.folder.path);
    REPLIES({LIST("100", ""), PEER_CLOSE}, SILENT, {LIST("100", ""), PEER_CLOSE}, SILENT,
            {LIST("100", ""), PEER_CLOSE}, SILENT);
    cluster_start();
    WAIT_FOR(kube_peer_count(&cluster.peer, 0) >= 2);
    assert_int_equal(unlink(known), 0);
    watch_again(2);
    WAIT_FOR(kube_peer_count(&cluster.peer, 0) >= 4);
    source.cluster = "another";
    watch_again(4);
    cluster_stop(6);
    source.cluster = "production";
    ASKED(2, "?limit=500 ");
    ASKED(4, "?limit=500 ");
}

static void lines_that_are_not_understood_are_quarantined_and_the_watch_goes_on(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;

    (void)state;
    mu_buf_init(&ids, 1024);
    REPLIES({LIST("100", ""), PEER_CLOSE},
            {OK_HEAD "no json at all\n{\"type\":\"RENAMED\",\"object\":{\"kind\":"
                     "\"Pod\"}}\n" EVENT("ADDED", "a", "101"),
             PEER_HOLD});
    cluster_start();
    read_ids(&fixture, MU_TOPIC_QUARANTINE, 2, &ids);
    cluster_stop(2);
}

static void the_token_is_sent_and_read_again_each_time(void **state)
{
    char token[SPOOL_PATH_SIZE];

    (void)state;
    (void)snprintf(token, sizeof(token), "%s/token", fixture.folder.path);
    assert_int_equal(mu_file_write_atomic(token, "first\n", 6, &fixture.err), MU_OK);
    source.token_file = token;
    REPLIES({LIST("100", ""), PEER_CLOSE});
    for (int i = 1; i < KUBE_REPLIES; i++) /* watches that end at once */
        cluster.peer.routes[0].replies[i] =
                (struct http_peer_reply){OK_HEAD BOOKMARK("101"), PEER_CLOSE};
    cluster_start();
    WAIT_FOR(kube_peer_count(&cluster.peer, 0) >= 1);
    assert_int_equal(mu_file_write_atomic(token, "second", 6, &fixture.err), MU_OK);
    cluster_stop(KUBE_REPLIES);
    source.token_file = NULL;
    ASKED(0, "Authorization: Bearer first\r\n");
    ASKED(KUBE_REPLIES - 1, "Authorization: Bearer second\r\n");
}

/* Neither Kafka nor the spool takes it: the position may not move, and the list is asked again. */
static void what_was_not_durable_is_listed_again(void **state)
{
    struct spool_config small = {.folder = fixture.folder.path, .max_bytes = 10};
    char position[SPOOL_PATH_SIZE];

    (void)state;
    (void)snprintf(position, sizeof(position), "%s/position-prod.json", fixture.folder.path);
    delivery_close(&fixture);
    assert_int_equal(mu_producer_open(&fixture.kafka.config, &fixture.producer, &fixture.err),
                     MU_OK);
    assert_int_equal(spool_open(&small, &fixture.spool, &fixture.err), MU_OK);
    assert_int_equal(
            delivery_start(fixture.producer, fixture.spool, &fixture.delivery, &fixture.err),
            MU_OK);
    rd_kafka_mock_broker_set_down(fixture.kafka.cluster, 1);
    assert_true(wait_connected(fixture.producer, false));
    REPLIES({LIST("100", POD("a", "7")), PEER_CLOSE}, {LIST("101", POD("a", "7")), PEER_CLOSE},
            {LIST("102", POD("a", "7")), PEER_HOLD});
    cluster_start();
    cluster_stop(2);
    ASKED(0, "?limit=500 ");
    ASKED(1, "?limit=500 ");
    assert_int_not_equal(access(position, F_OK), 0);
}

static void a_mistake_in_the_access_is_told_at_the_start(void **state)
{
    static struct source_config wrong = {.name = "prod", .cluster = "production"};
    struct kube_watch_config config = {.source = &wrong, .delivery = fixture.delivery};
    struct kube_watch *watch = NULL;

    (void)state;
    wrong.kubeconfig = "/nonexistent/kubeconfig";
    assert_int_equal(kube_watch_start(&config, &watch, &fixture.err), MU_E_NOT_FOUND);
    assert_non_null(strstr(fixture.err.message, "source 'prod': access to the cluster"));
    wrong = (struct source_config){.name = "prod", .cluster = "production", .url = "http://a"};
    config.state_folder = "/nonexistent";
    assert_int_equal(kube_watch_start(&config, &watch, &fixture.err), MU_E_UNAVAILABLE);
    assert_null(watch);
    kube_watch_stop(NULL);
}

#define WATCH_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WATCH_TEST(a_list_and_its_watch_become_messages_with_platform_and_owner),
            WATCH_TEST(a_pod_that_a_list_no_longer_has_is_closed_and_marked),
            WATCH_TEST(a_list_that_fails_in_the_middle_closes_nobody),
            WATCH_TEST(the_next_process_goes_on_where_everything_was_durable),
            WATCH_TEST(the_position_is_kept_while_events_come),
            WATCH_TEST(a_position_without_its_pods_or_of_another_cluster_is_not_used),
            WATCH_TEST(lines_that_are_not_understood_are_quarantined_and_the_watch_goes_on),
            WATCH_TEST(the_token_is_sent_and_read_again_each_time),
            WATCH_TEST(what_was_not_durable_is_listed_again),
            WATCH_TEST(a_mistake_in_the_access_is_told_at_the_start),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

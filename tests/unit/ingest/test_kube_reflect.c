/* An API that says exactly what a test tells it to, and a handler that writes down what it hears.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube_fixture.h"

#include "base/buf.h"
#include "base/text.h"
#include "watch/kube_reflect.h"

static const char long_version[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
        "89012345678901234567890123456789012345678901234567890123456789";

/* ---- the handler ---- */

struct heard {
    pthread_mutex_t lock;
    struct mu_buf words;
    const char *fail_on; /* "item a": fails once there */
    struct kube_position position;
};

static enum mu_status note(struct heard *heard, const char *what, const char *which,
                           struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf word;
    bool fails;

    mu_buf_init(&word, 256);
    mu_buf_printf(&word, "%s%s%s", what, which ? " " : "", which ? which : "");
    (void)pthread_mutex_lock(&heard->lock);
    mu_buf_printf(&heard->words, "%s, ", word.data);
    fails = mu_text_equal(heard->fail_on, word.data);
    if (fails)
        heard->fail_on = NULL;
    (void)pthread_mutex_unlock(&heard->lock);
    return fails ? mu_fail(err, MU_E_UNAVAILABLE, "told to fail") : MU_OK;
}

static void on_listing(void *opaque)
{
    struct mu_error err;

    (void)note(opaque, "list", NULL, &err);
}

static enum mu_status on_item(void *opaque, json_t *item, struct mu_error *err)
{
    return note(opaque, "item", mu_json_text_at(item, "metadata.uid"), err);
}

static enum mu_status on_listed(void *opaque, const char *version, struct mu_error *err)
{
    return note(opaque, "listed", version, err);
}

static enum mu_status on_event(void *opaque, json_t *event, const char *line, size_t len,
                               struct mu_error *err)
{
    (void)line, (void)len;
    return note(opaque, event ? mu_json_text_at(event, "type") : "no JSON",
                mu_json_text_at(event, "object.metadata.uid"), err);
}

static enum mu_status on_moved(void *opaque, const struct kube_position *position,
                               struct mu_error *err)
{
    struct heard *heard = opaque;

    (void)pthread_mutex_lock(&heard->lock);
    heard->position = *position;
    (void)pthread_mutex_unlock(&heard->lock);
    (void)err;
    return MU_OK;
}

static enum mu_status on_ended(void *opaque, const struct kube_position *position,
                               const struct mu_error *failure, struct mu_error *err)
{
    (void)position;
    return note(opaque, failure ? mu_status_name(failure->status) : "ended", NULL, err);
}

static const struct kube_handler handler = {.listing = on_listing,
                                            .item = on_item,
                                            .listed = on_listed,
                                            .event = on_event,
                                            .moved = on_moved,
                                            .ended = on_ended};
static const struct kube_resource pods = {.name = "pods", .path = "/api/v1/pods"};

/* ---- one cluster ---- */

struct cluster {
    struct kube_peer peer;
    struct heard heard;
    struct source_config source;
    struct kube_reflect_config config;
    struct kube_reflect *reflect;
    char url[64];
};

static struct cluster cluster; /* as long as the test that uses it */

static int setup(void **state)
{
    (void)state;
    cluster = (struct cluster){.peer.routes[0].path = "/api/v1/pods",
                               .config = {.resource = &pods, .handler = &handler}};
    (void)pthread_mutex_init(&cluster.heard.lock, NULL);
    mu_buf_init(&cluster.heard.words, 1 << 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)pthread_mutex_destroy(&cluster.heard.lock);
    mu_buf_done(&cluster.heard.words);
    return 0;
}

static void start(void)
{
    struct mu_error err;

    kube_peer_start(&cluster.peer);
    cluster.source = kube_source(&cluster.peer, cluster.url);
    if (cluster.config.source)
        cluster.source = *cluster.config.source;
    cluster.config.source = &cluster.source;
    cluster.config.opaque = &cluster.heard;
    if (!cluster.config.retry_min_ms)
        cluster.config.retry_min_ms = 2;
    assert_int_equal(kube_reflect_start(&cluster.config, &cluster.reflect, &err), MU_OK);
}

static void stop(void)
{
    kube_reflect_cancel(cluster.reflect);
    kube_peer_stop(&cluster.peer);
    kube_reflect_stop(cluster.reflect);
}

static bool has_heard(const char *words)
{
    bool found;

    (void)pthread_mutex_lock(&cluster.heard.lock);
    found = mu_text_starts(cluster.heard.words.data, words);
    (void)pthread_mutex_unlock(&cluster.heard.lock);
    return found;
}

/* Runs until exactly `words` were heard at first and `requests` asked. */
static void run(size_t requests, const char *words)
{
    uint64_t deadline_ms = mu_monotonic_ms() + KUBE_WAIT_MS;

    start();
    while ((!has_heard(words) || kube_peer_count(&cluster.peer, 0) < requests) &&
           mu_monotonic_ms() < deadline_ms)
        (void)usleep(1000);
    stop();
    if (!has_heard(words))
        fail_msg("heard: %s\n  not: %s", cluster.heard.words.data, words);
    assert_true(cluster.peer.routes[0].count >= requests);
}

#define REPLIES(...)                                                        \
    do {                                                                    \
        const struct http_peer_reply replies_[] = {__VA_ARGS__};            \
        memcpy(cluster.peer.routes[0].replies, replies_, sizeof(replies_)); \
    } while (0)
#define ASKED(index, expected) assert_asked(&cluster.peer, 0, index, expected)
#define SILENT             \
    {                      \
        OK_HEAD, PEER_HOLD \
    }

/* ---- tests ---- */

static void a_list_is_followed_by_a_watch_from_its_version(void **state)
{
    (void)state;
    REPLIES({LIST("100", POD("a", "7")), PEER_CLOSE},
            {OK_HEAD EVENT("MODIFIED", "a", "101") EVENT("DELETED", "a", "102"), PEER_HOLD});
    run(2, "list, item a, listed 100, ended, MODIFIED a, DELETED a, ");
    ASKED(0, "GET /api/v1/pods?limit=500 HTTP");
    ASKED(0, "Accept: application/json\r\n");
    ASKED(1, "watch=true&allowWatchBookmarks=true&resourceVersion=100&timeoutSeconds=3");
    assert_string_equal(cluster.heard.position.version, "102");
}

static void a_position_is_gone_on_from_without_a_list(void **state)
{
    (void)state;
    cluster.config.position = (struct kube_position){.version = "77", .listed_at_us = mu_now_us()};
    REPLIES({OK_HEAD EVENT("ADDED", "a", "101"), PEER_HOLD});
    run(1, "ADDED a, ");
    ASKED(0, "&resourceVersion=77&");
}

static void a_list_that_is_due_is_made_first(void **state)
{
    (void)state;
    cluster.config.position = (struct kube_position){.version = "77", .listed_at_us = 1};
    REPLIES({LIST("100", ""), PEER_CLOSE}, SILENT);
    run(2, "list, listed 100, ended, ");
}

static void a_list_that_is_due_and_fails_does_not_stop_the_watch(void **state)
{
    (void)state;
    cluster.config.position = (struct kube_position){.version = "77", .listed_at_us = 1};
    REPLIES({STATUS("503 No"), PEER_CLOSE}, {OK_HEAD EVENT("ADDED", "a", "101"), PEER_HOLD});
    run(2, "list, unavailable, ADDED a, ");
    ASKED(1, "&resourceVersion=77&");
}

static void a_watch_that_ends_goes_on_at_the_last_bookmark(void **state)
{
    (void)state;
    REPLIES({LIST("100", ""), PEER_CLOSE},
            {OK_HEAD EVENT("ADDED", "a", "101") BOOKMARK("150"), PEER_CLOSE},
            {OK_HEAD EVENT("ADDED", "b", "151"), PEER_CLOSE}, SILENT);
    run(4, "list, listed 100, ended, ADDED a, ended, ADDED b, ended, ");
    ASKED(2, "&resourceVersion=150&");
    ASKED(3, "&resourceVersion=151&");
}

static void half_a_line_at_a_torn_end_is_asked_for_again(void **state)
{
    (void)state;
    REPLIES({LIST("100", ""), PEER_CLOSE},
            {"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" EVENT(
                     "ADDED", "a", "101") "{\"type\":\"ADDED\",\"obj",
             PEER_CLOSE},
            {OK_HEAD EVENT("ADDED", "b", "102"), PEER_HOLD});
    run(3, "list, listed 100, ended, ADDED a, unavailable, ADDED b, ");
    ASKED(2, "&resourceVersion=101&");
}

static void a_position_that_is_too_old_lists_again(void **state)
{
    (void)state;
    REPLIES({LIST("100", ""), PEER_CLOSE}, {GONE, PEER_CLOSE}, {LIST("200", ""), PEER_CLOSE},
            {OK_HEAD ERROR_EVENT("410"), PEER_CLOSE}, {LIST("300", ""), PEER_CLOSE}, SILENT);
    run(6, "list, listed 100, ended, not_found, list, listed 200, ended, not_found, list, listed "
           "300, ended, ");
    ASKED(2, "?limit=500 ");
    ASKED(5, "&resourceVersion=300&");
}

static void a_list_comes_in_pages_by_token(void **state)
{
    (void)state;
    REPLIES({PAGE("100", "a+b/c&d=", POD("a", "7")), PEER_CLOSE},
            {LIST("100", POD("b", "8")), PEER_CLOSE}, SILENT);
    run(3, "list, item a, item b, listed 100, ended, ");
    ASKED(1, "?limit=500&continue=a%2Bb%2Fc%26d%3D HTTP");
    ASKED(2, "&resourceVersion=100&");
}

static void a_token_that_expires_begins_the_list_again_with_larger_pages(void **state)
{
    (void)state;
    REPLIES({PAGE("100", "more", POD("a", "7")), PEER_CLOSE}, {GONE, PEER_CLOSE},
            {PAGE("200", "more", POD("a", "7")), PEER_CLOSE},
            {LIST("200", POD("c", "150")), PEER_CLOSE}, SILENT);
    run(5, "list, item a, list, item a, item c, listed 200, ended, ");
    ASKED(2, "?limit=1000 ");
    ASKED(4, "&resourceVersion=200&");
}

static void a_list_that_fails_in_the_middle_is_no_list(void **state)
{
    (void)state;
    REPLIES({PAGE("100", "more", POD("a", "7")), PEER_CLOSE}, {STATUS("503 No"), PEER_CLOSE},
            {LIST("101", POD("a", "7")), PEER_CLOSE}, SILENT);
    run(4, "list, item a, unavailable, list, item a, listed 101, ended, ");
}

static void lists_that_are_none_are_refused(void **state)
{
    static char token[20000];
    static char page[32000];
    const char *const wrong[] = {OK_HEAD "[]",
                                 OK_HEAD "{\"metadata\":{},\"items\":[]}",
                                 OK_HEAD "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":7}",
                                 OK_HEAD "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[7]}",
                                 OK_HEAD "no JSON",
                                 page};

    (void)state;
    memset(token, 'x', sizeof(token) - 1);
    (void)snprintf(page, sizeof(page),
                   OK_HEAD
                   "{\"metadata\":{\"resourceVersion\":\"1\",\"continue\":\"%s\"},\"items\":[]}",
                   token);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)setup(NULL);
        REPLIES({wrong[i], PEER_CLOSE}, {LIST("9", ""), PEER_CLOSE}, SILENT);
        run(3, i == 5 ? "list, limit, list, listed 9, ended, "
                      : "list, invalid, list, listed 9, ended, ");
        (void)teardown(NULL);
    }
    (void)setup(NULL);
}

static void a_version_that_is_too_long_is_refused(void **state)
{
    static char event[1024];

    (void)state;
    (void)snprintf(event, sizeof(event),
                   OK_HEAD "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":"
                           "\"%s\"}}}\n",
                   long_version);
    REPLIES({LIST("100", ""), PEER_CLOSE}, {event, PEER_CLOSE}, {LIST("101", ""), PEER_CLOSE},
            SILENT);
    run(4, "list, listed 100, ended, invalid, list, listed 101, ended, ");
}

static void a_server_that_refuses_bookmarks_is_watched_without(void **state)
{
    (void)state;
    REPLIES({LIST("100", ""), PEER_CLOSE}, {OK_HEAD ERROR_EVENT("500"), PEER_CLOSE},
            {OK_HEAD EVENT("ADDED", "a", "101"), PEER_HOLD});
    run(3, "list, listed 100, ended, unavailable, ADDED a, ");
    ASKED(1, "watch=true&allowWatchBookmarks=true&resourceVersion=100&");
    ASKED(2, "watch=true&resourceVersion=100&");
}

static void a_refusal_of_the_whole_request_lists_again_without_bookmarks(void **state)
{
    (void)state;
    REPLIES({LIST("100", ""), PEER_CLOSE}, {STATUS("400 No"), PEER_CLOSE},
            {LIST("101", ""), PEER_CLOSE}, {OK_HEAD EVENT("ADDED", "a", "102"), PEER_HOLD});
    run(4, "list, listed 100, ended, invalid, list, listed 101, ended, ADDED a, ");
    ASKED(3, "watch=true&resourceVersion=101&");
}

/* A version from another etcd is "too large" for ever. */
static void a_third_refusal_in_a_row_lists_again(void **state)
{
    (void)state;
    cluster.config.position = (struct kube_position){.version = "999", .listed_at_us = mu_now_us()};
    REPLIES({STATUS("504 No"), PEER_CLOSE}, {OK_HEAD ERROR_EVENT("504"), PEER_CLOSE},
            {STATUS("504 No"), PEER_CLOSE}, {LIST("10", ""), PEER_CLOSE}, SILENT);
    run(5, "unavailable, unavailable, unavailable, list, listed 10, ended, ");
}

static void a_server_that_is_away_keeps_its_position(void **state)
{
    (void)state;
    cluster.config.position = (struct kube_position){.version = "77", .listed_at_us = mu_now_us()};
    REPLIES({STATUS("503 No"), PEER_CLOSE}, {STATUS("401 No"), PEER_CLOSE},
            {STATUS("503 No"), PEER_CLOSE}, {STATUS("429 No"), PEER_CLOSE}, {NULL, PEER_CLOSE},
            {OK_HEAD EVENT("ADDED", "a", "101"), PEER_HOLD});
    cluster.peer.routes[0].replies[4].bytes = "";
    run(6, "unavailable, denied, unavailable, unavailable, unavailable, ADDED a, ");
    ASKED(5, "&resourceVersion=77&");
}

static void a_server_that_says_when_is_asked_then(void **state)
{
    uint64_t began_ms = mu_monotonic_ms();

    (void)state;
    REPLIES({"HTTP/1.1 429 Later\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", PEER_CLOSE},
            {LIST("100", ""), PEER_CLOSE}, SILENT);
    run(3, "list, unavailable, list, listed 100, ended, ");
    assert_true(mu_monotonic_ms() - began_ms >= 1000);
}

static void a_server_that_hangs_is_given_up(void **state)
{
    (void)state;
    cluster.config.stall_ms = 1000;
    REPLIES({LIST("100", ""), PEER_CLOSE}, {"", PEER_HOLD},
            {OK_HEAD EVENT("ADDED", "b", "102"), PEER_HOLD});
    run(3, "list, listed 100, ended, unavailable, ADDED b, ");
    ASKED(2, "&resourceVersion=100&");
}

static void a_failure_of_the_handler_goes_on_behind_the_last_event_it_took(void **state)
{
    (void)state;
    cluster.heard.fail_on = "ADDED b";
    REPLIES({LIST("100", ""), PEER_CLOSE},
            {OK_HEAD EVENT("ADDED", "a", "101") EVENT("ADDED", "b", "102"), PEER_HOLD},
            {OK_HEAD EVENT("ADDED", "b", "102"), PEER_HOLD});
    run(3, "list, listed 100, ended, ADDED a, ADDED b, unavailable, ADDED b, ");
    ASKED(2, "&resourceVersion=101&");
}

static void a_failure_at_the_end_forgets_the_position(void **state)
{
    (void)state;
    cluster.heard.fail_on = "ended";
    REPLIES({LIST("100", ""), PEER_CLOSE}, {LIST("101", ""), PEER_CLOSE}, SILENT);
    run(3, "list, listed 100, ended, list, listed 101, ended, ");
}

static void lines_that_are_no_json_are_told_too(void **state)
{
    (void)state;
    REPLIES({LIST("100", ""), PEER_CLOSE},
            {OK_HEAD "no json\n\n" EVENT("ADDED", "a", "101"), PEER_HOLD});
    run(2, "list, listed 100, ended, no JSON, ADDED a, ");
}

static void metadata_alone_is_asked_for_by_its_type(void **state)
{
    static const struct kube_resource metadata = {
            .name = "pods", .path = "/api/v1/pods", .metadata_only = true};

    (void)state;
    cluster.config.resource = &metadata;
    REPLIES({LIST("100", ""), PEER_CLOSE}, SILENT);
    run(2, "list, listed 100, ended, ");
    ASKED(0, "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1\r\n");
    ASKED(1, "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1\r\n");
}

/* No TLS there: an error like any other, and no crash. */
static void a_peer_that_speaks_no_tls_is_tried_again(void **state)
{
    static struct source_config tls = {.name = "prod", .page_limit = 500};
    static char url[64];

    (void)state;
    start();
    stop();
    (void)teardown(NULL);
    (void)setup(NULL);
    kube_peer_start(&cluster.peer);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%d", cluster.peer.base.port);
    kube_peer_stop(&cluster.peer);
    tls.url = url;
    cluster.config.source = &tls;
    run(0, "list, unavailable, list, unavailable, ");
}

/* Far from its next try and in the middle of a silent stream. */
static void it_stops_at_once_when_it_waits_or_listens(void **state)
{
    uint64_t began_ms;

    (void)state;
    cluster.config.retry_min_ms = 100000;
    REPLIES({STATUS("503 No"), PEER_CLOSE});
    start();
    KUBE_WAIT_FOR(has_heard("list, unavailable, "));
    began_ms = mu_monotonic_ms();
    kube_reflect_stop(cluster.reflect);
    assert_true(mu_monotonic_ms() - began_ms < KUBE_WAIT_MS);
    kube_peer_stop(&cluster.peer);

    (void)teardown(NULL);
    (void)setup(NULL);
    REPLIES({LIST("100", ""), PEER_CLOSE}, SILENT);
    start();
    KUBE_WAIT_FOR(kube_peer_count(&cluster.peer, 0) == 2);
    kube_reflect_stop(cluster.reflect); /* the peer still holds the stream */
    kube_peer_stop(&cluster.peer);
    kube_reflect_stop(NULL);
}

#define REFLECT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            REFLECT_TEST(a_list_is_followed_by_a_watch_from_its_version),
            REFLECT_TEST(a_position_is_gone_on_from_without_a_list),
            REFLECT_TEST(a_list_that_is_due_is_made_first),
            REFLECT_TEST(a_list_that_is_due_and_fails_does_not_stop_the_watch),
            REFLECT_TEST(a_watch_that_ends_goes_on_at_the_last_bookmark),
            REFLECT_TEST(half_a_line_at_a_torn_end_is_asked_for_again),
            REFLECT_TEST(a_position_that_is_too_old_lists_again),
            REFLECT_TEST(a_list_comes_in_pages_by_token),
            REFLECT_TEST(a_token_that_expires_begins_the_list_again_with_larger_pages),
            REFLECT_TEST(a_list_that_fails_in_the_middle_is_no_list),
            REFLECT_TEST(lists_that_are_none_are_refused),
            REFLECT_TEST(a_version_that_is_too_long_is_refused),
            REFLECT_TEST(a_server_that_refuses_bookmarks_is_watched_without),
            REFLECT_TEST(a_refusal_of_the_whole_request_lists_again_without_bookmarks),
            REFLECT_TEST(a_third_refusal_in_a_row_lists_again),
            REFLECT_TEST(a_server_that_is_away_keeps_its_position),
            REFLECT_TEST(a_server_that_says_when_is_asked_then),
            REFLECT_TEST(a_server_that_hangs_is_given_up),
            REFLECT_TEST(a_failure_of_the_handler_goes_on_behind_the_last_event_it_took),
            REFLECT_TEST(a_failure_at_the_end_forgets_the_position),
            REFLECT_TEST(lines_that_are_no_json_are_told_too),
            REFLECT_TEST(metadata_alone_is_asked_for_by_its_type),
            REFLECT_TEST(a_peer_that_speaks_no_tls_is_tried_again),
            REFLECT_TEST(it_stops_at_once_when_it_waits_or_listens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

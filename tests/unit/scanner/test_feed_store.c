#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "database/feed_store.h"
#include "http_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODY_1 "cve,epss,percentile\nCVE-2024-1,0.1,0.2\n"
#define BODY_2 "cve,epss,percentile\nCVE-2024-1,0.3,0.4\n"

struct fixture {
    struct http_peer peer;
    struct mu_http_client *client;
    char folder[64], url[256];
    struct feed_source source;
    struct feed_copy copy;
    struct mu_error err;
};

static int set_up(void **state)
{
    static const struct mu_http_client_config config = {.user_agent = "test"};
    struct fixture *f = calloc(1, sizeof(*f));

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-feeds-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(feed_store_prepare(f->folder, &f->err), MU_OK);
    assert_int_equal(mu_http_client_new(&config, &f->client, &f->err), MU_OK);
    f->source = (struct feed_source){.name = "epss.csv", .url = f->url};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {
            "data/epss.csv", "state/epss.csv.json", "data", "state", "from.csv", ""};
    char path[192];

    mu_http_client_free(f->client);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->folder, names[i]);
        if (unlink(path) != 0)
            (void)rmdir(path);
    }
    free(f);
    return 0;
}

/* A response with the length it says. */
static void reply(struct fixture *f, size_t index, const char *head, const char *body)
{
    static char texts[HTTP_PEER_MAX_REPLIES][512];

    (void)snprintf(texts[index], sizeof(texts[index]),
                   "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", head, strlen(body), body);
    f->peer.replies[index].bytes = texts[index];
}

static void start(struct fixture *f)
{
    http_peer_start(&f->peer);
    (void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/epss.csv", f->peer.port);
}

static enum mu_status refresh_at(struct fixture *f, int64_t now_us)
{
    return feed_refresh(f->client, f->folder, &f->source, now_us, &f->copy, &f->err);
}

static void expect_kept(struct fixture *f, const char *body)
{
    struct mu_buf bytes;

    mu_buf_init(&bytes, 1 << 16);
    assert_true(f->copy.there);
    if (mu_file_read(f->copy.path, &bytes, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
    assert_string_equal(bytes.data, body);
    mu_buf_done(&bytes);
}

static void an_unchanged_feed_is_not_sent_again(void **state)
{
    struct fixture *f = *state;

    reply(f, 0, "200 OK\r\nETag: \"v1\"\r\nLast-Modified: Wed, 25 Nov 2026 10:00:00 GMT", BODY_1);
    f->peer.replies[1].bytes = "HTTP/1.1 304 Not Modified\r\n\r\n";
    start(f);
    assert_int_equal(refresh_at(f, 1000000), MU_OK);
    assert_true(f->copy.changed);
    expect_kept(f, BODY_1);
    assert_int_equal(refresh_at(f, 2000000), MU_OK);
    assert_false(f->copy.changed);
    assert_int_equal(f->copy.checked_at_us, 2000000);
    expect_kept(f, BODY_1);
    http_peer_stop(&f->peer);
    assert_null(strstr(f->peer.requests[0], "If-None-Match"));
    assert_non_null(strstr(f->peer.requests[1], "If-None-Match: \"v1\"\r\n"));
    assert_non_null(strstr(f->peer.requests[1], "If-Modified-Since: Wed, 25 Nov 2026"));
}

static void a_changed_feed_replaces_the_copy(void **state)
{
    struct fixture *f = *state;

    reply(f, 0, "200 OK", BODY_1);
    reply(f, 1, "200 OK", BODY_2);
    start(f);
    assert_int_equal(refresh_at(f, 1000000), MU_OK);
    assert_int_equal(refresh_at(f, 2000000), MU_OK);
    expect_kept(f, BODY_2);
    http_peer_stop(&f->peer);
}

/* An outage, a refusal, an error page with 200, half a body: the good copy stays. */
static void whatever_fails_the_good_copy_stays(void **state)
{
    struct fixture *f = *state;
    static const enum mu_status expected[] = {MU_E_UNAVAILABLE, MU_E_NOT_FOUND, MU_E_INVALID,
                                              MU_E_UNAVAILABLE, MU_E_UNAVAILABLE};

    reply(f, 0, "200 OK", BODY_1);
    reply(f, 1, "503 Service Unavailable", "later");
    reply(f, 2, "404 Not Found", "gone");
    reply(f, 3, "200 OK", "<html>please log in</html>");
    f->peer.replies[4] = (struct http_peer_reply){
            "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\ncve,epss", PEER_CLOSE};
    start(f);
    assert_int_equal(refresh_at(f, 1000000), MU_OK);
    for (size_t i = 0; i < 5; i++) {
        if (i == 4)
            http_peer_stop(&f->peer);
        assert_int_equal(refresh_at(f, 2000000), expected[i]);
        assert_non_null(strstr(f->err.message, "epss.csv"));
        assert_false(f->copy.changed);
        assert_int_equal(f->copy.checked_at_us, 1000000);
        if (i < 4)
            expect_kept(f, BODY_1);
    }
}

static void a_first_failure_keeps_nothing(void **state)
{
    struct fixture *f = *state;

    reply(f, 0, "503 Service Unavailable", "later");
    start(f);
    assert_int_equal(refresh_at(f, 1000000), MU_E_UNAVAILABLE);
    assert_false(f->copy.there);
    http_peer_stop(&f->peer);
}

/* What another URL published is not this source's. */
static void another_url_is_another_feed(void **state)
{
    struct fixture *f = *state;

    reply(f, 0, "200 OK\r\nETag: \"v1\"", BODY_1);
    reply(f, 1, "200 OK", BODY_2);
    start(f);
    assert_int_equal(refresh_at(f, 1000000), MU_OK);
    (void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/other.csv", f->peer.port);
    assert_int_equal(refresh_at(f, 2000000), MU_OK);
    expect_kept(f, BODY_2);
    http_peer_stop(&f->peer);
    assert_null(strstr(f->peer.requests[1], "If-None-Match"));
}

static void a_file_is_copied_when_it_changes(void **state)
{
    struct fixture *f = *state;
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/from.csv", f->folder);
    (void)snprintf(f->url, sizeof(f->url), "file://%s", path);
    assert_int_equal(refresh_at(f, 1000000), MU_E_NOT_FOUND);
    assert_int_equal(mu_file_write_atomic(path, BODY_1, strlen(BODY_1), &f->err), MU_OK);
    assert_int_equal(refresh_at(f, 1000000), MU_OK);
    assert_true(f->copy.changed);
    assert_int_equal(refresh_at(f, 2000000), MU_OK);
    assert_false(f->copy.changed);
    assert_int_equal(mu_file_write_atomic(path, BODY_2, strlen(BODY_2), &f->err), MU_OK);
    assert_int_equal(refresh_at(f, 3000000), MU_OK);
    expect_kept(f, BODY_2);
}

static void a_source_that_names_itself_wrongly_is_refused(void **state)
{
    static const struct feed_source wrong[] = {
            {"", "https://feeds.example/x", NULL},     {"../x", "https://feeds.example/x", NULL},
            {".x", "https://feeds.example/x", NULL},   {"a/b", "https://feeds.example/x", NULL},
            {"x", "ftp://feeds.example/x", NULL},      {"x", "feeds.example/x", NULL},
            {"x", "https://feeds.example/x", "nokind"}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        f->source = wrong[i];
        if (refresh_at(f, 1) != MU_E_INVALID)
            fail_msg("'%s' from '%s' was not refused", wrong[i].name, wrong[i].url);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(an_unchanged_feed_is_not_sent_again),
            TEST(a_changed_feed_replaces_the_copy),
            TEST(whatever_fails_the_good_copy_stays),
            TEST(a_first_failure_keeps_nothing),
            TEST(another_url_is_another_feed),
            TEST(a_file_is_copied_when_it_changes),
            TEST(a_source_that_names_itself_wrongly_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "blob_in_one_go.h"
#include "http_peer.h"
#include "registry/registry_client.h"

#define BUSY "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nRetry-After: "
#define DOWN "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: "
#define DONE "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"

struct fixture {
    struct http_peer peer, other;
    struct mu_registry_access access;
    struct mu_buf bytes;
    struct mu_error err;
    char digest[MU_DIGEST_TEXT_SIZE], reply[1024], secret[64];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    mu_buf_init(&f->bytes, 1024);
    mu_sha256_text("abc", 3, f->digest);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->secret[0] != '\0')
        (void)unlink(f->secret);
    mu_buf_done(&f->bytes);
    free(f);
    return 0;
}

static enum mu_status take(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    (void)err;
    mu_buf_append(opaque, bytes, len);
    return MU_OK;
}

/* The peers are started; both have stopped when it returns. */
static enum mu_status fetch(struct fixture *f)
{
    const struct mu_registry_blob blob = {.digest = f->digest, .size_bytes = 3};
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    enum mu_status st;

    (void)snprintf(f->access.url, sizeof(f->access.url), "http://127.0.0.1:%d", f->peer.port);
    st = mu_registry_client_new(&f->access, "team/app", 20000, &client, &f->err);
    if (st == MU_OK)
        st = blob_in_one_go(client, &blob, take, &f->bytes, &f->err);
    http_peer_stop(&f->peer);
    if (f->other.port)
        http_peer_stop(&f->other);
    return st;
}

static void says(struct fixture *f, size_t index, const char *bytes)
{
    f->peer.replies[index].bytes = bytes;
}

static void a_busy_registry_is_asked_again(void **state)
{
    struct fixture *f = *state;

    says(f, 0, BUSY "0\r\n\r\n");
    says(f, 1, DOWN "0\r\n\r\n");
    says(f, 2, BUSY "Wed, 21 Oct 2015 07:28:00 GMT\r\n\r\n"); /* long past */
    says(f, 3, DONE);
    http_peer_start(&f->peer);
    assert_int_equal(fetch(f), MU_OK);
    assert_string_equal(f->bytes.data, "abc");
    assert_int_equal(f->peer.request_count, 4);
}

static void a_registry_that_stays_busy_is_unavailable(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 6; i++)
        says(f, i, BUSY "0\r\n\r\n");
    http_peer_start(&f->peer);
    assert_int_equal(fetch(f), MU_E_UNAVAILABLE);
    assert_int_equal(f->peer.request_count, 4);
    assert_non_null(strstr(f->err.message, "429"));
}

static void a_registry_that_asks_for_hours_is_not_waited_for(void **state)
{
    static const char *const times[] = {BUSY "61\r\n\r\n", BUSY "86400\r\n\r\n",
                                        BUSY "99999999999999999999999999\r\n\r\n",
                                        DOWN "Fri, 31 Dec 2100 23:59:59 GMT\r\n\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct fixture *f;
        void *own = NULL;

        (void)set_up(&own);
        f = own;
        says(f, 0, times[i]);
        says(f, 1, DONE);
        http_peer_start(&f->peer);
        assert_int_equal(fetch(f), MU_E_UNAVAILABLE);
        assert_int_equal(f->peer.request_count, 1);
        (void)tear_down(&own);
    }
}

static void the_time_asked_for_is_named(void **state)
{
    struct fixture *f = *state;

    says(f, 0, BUSY "7200\r\n\r\n");
    http_peer_start(&f->peer);
    assert_int_equal(fetch(f), MU_E_UNAVAILABLE);
    assert_non_null(strstr(f->err.message, "asks to wait 7200 s"));
}

static void without_retry_after_the_caller_tries_again(void **state)
{
    struct fixture *f = *state;

    says(f, 0, "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n");
    http_peer_start(&f->peer);
    assert_int_equal(fetch(f), MU_E_UNAVAILABLE);
    assert_int_equal(f->peer.request_count, 1);
}

/* A challenge for more than we need gets a token for pulling alone. */
static void expect_scope(const char *asked, const char *expected)
{
    struct fixture *f;
    void *own = NULL;

    (void)set_up(&own);
    f = own;
    http_peer_start(&f->other);
    f->other.replies[0].bytes = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"token\":\"t\"}";
    (void)snprintf(f->reply, sizeof(f->reply),
                   "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Bearer "
                   "realm=\"http://127.0.0.1:%d/token\",scope=\"%s\"\r\n\r\n",
                   f->other.port, asked);
    says(f, 0, f->reply);
    says(f, 1, DONE);
    http_peer_start(&f->peer);
    assert_int_equal(fetch(f), MU_OK);
    if (!strstr(f->other.requests[0], expected))
        fail_msg("'%.200s' does not ask for '%s'", f->other.requests[0], expected);
    (void)tear_down(&own);
}

static void a_token_is_asked_for_pulling_alone(void **state)
{
    static const char own[] = "scope=repository%3Ateam%2Fapp%3Apull ";

    (void)state;
    expect_scope("repository:team/app:pull", own);
    expect_scope("repository:team/app:pull,push", own);
    expect_scope("repository:team/app:*", own);
    expect_scope("repository:other/app:push", own);
    expect_scope("repository:team/app:pull repository:other/app:pull", own);
    expect_scope("registry:catalog:*", own);
    expect_scope("repository:mirror/team/app:pull",
                 "scope=repository%3Amirror%2Fteam%2Fapp%3Apull ");
}

static void credentials_stay_behind_when_a_blob_lies_elsewhere(void **state)
{
    struct fixture *f = *state;
    int fd;

    (void)snprintf(f->secret, sizeof(f->secret), "/tmp/test-patience-XXXXXX");
    fd = mkstemp(f->secret);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "secret", 6), 6);
    (void)close(fd);
    f->access.username = "reader";
    f->access.password_file = f->secret;
    http_peer_start(&f->other);
    f->other.replies[0].bytes = DONE;
    says(f, 0,
         "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Basic "
         "realm=\"r\"\r\n\r\n");
    (void)snprintf(f->reply, sizeof(f->reply),
                   "HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nLocation: "
                   "http://127.0.0.1:%d/store/abc\r\n\r\n",
                   f->other.port);
    says(f, 1, f->reply);
    http_peer_start(&f->peer);
    assert_int_equal(fetch(f), MU_OK);
    assert_non_null(strcasestr(f->peer.requests[1], "\r\nAuthorization: Basic "));
    assert_null(strcasestr(f->other.requests[0], "Authorization"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_busy_registry_is_asked_again),
            TEST(a_registry_that_stays_busy_is_unavailable),
            cmocka_unit_test(a_registry_that_asks_for_hours_is_not_waited_for),
            TEST(the_time_asked_for_is_named),
            TEST(without_retry_after_the_caller_tries_again),
            cmocka_unit_test(a_token_is_asked_for_pulling_alone),
            TEST(credentials_stay_behind_when_a_blob_lies_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "http_peer.h"
#include "registry/registry_client.h"
#include "registry/registry_tokens.h"
#include "registry_peer.h"

#include <stdlib.h>

enum { MINUTE_MS = 60000 };

/* ---- the cache alone ---- */

static bool holds(struct mu_registry_tokens *tokens, const char *key, const char *value)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    bool found;

    mu_buf_init(&out, 1000);
    found = registry_tokens_get(tokens, key, &out);
    return found && strcmp(out.data, value) == 0;
}

static void what_is_kept_is_found_until_it_is_dropped(void **state)
{
    MU_AUTO(registry_tokens) struct mu_registry_tokens *tokens = mu_registry_tokens_new();

    (void)state;
    registry_tokens_put(tokens, "a", "1", 1, MINUTE_MS);
    registry_tokens_put(tokens, "b", "2", 1, MINUTE_MS);
    registry_tokens_put(tokens, "a", "3", 1, MINUTE_MS);
    assert_true(holds(tokens, "a", "3"));
    assert_true(holds(tokens, "b", "2"));
    registry_tokens_drop(tokens, "a");
    assert_false(holds(tokens, "a", "3"));
    assert_true(holds(tokens, "b", "2"));
}

static void what_ends_in_a_moment_is_not_kept(void **state)
{
    MU_AUTO(registry_tokens) struct mu_registry_tokens *tokens = mu_registry_tokens_new();

    (void)state;
    registry_tokens_put(tokens, "a", "1", 1, 0);
    registry_tokens_put(tokens, "b", "1", 1, 5000);
    assert_false(holds(tokens, "a", "1"));
    assert_false(holds(tokens, "b", "1"));
    registry_tokens_put(NULL, "a", "1", 1, MINUTE_MS);
    assert_false(holds(NULL, "a", "1"));
}

static void a_full_cache_forgets_what_ends_first(void **state)
{
    MU_AUTO(registry_tokens) struct mu_registry_tokens *tokens = mu_registry_tokens_new();
    char key[32];

    (void)state;
    registry_tokens_put(tokens, "first to end", "1", 1, MINUTE_MS);
    for (int i = 0; i < 256; i++) {
        (void)snprintf(key, sizeof(key), "%d", i);
        registry_tokens_put(tokens, key, "1", 1, 2 * MINUTE_MS);
    }
    assert_false(holds(tokens, "first to end", "1"));
    assert_true(holds(tokens, "0", "1"));
    assert_true(holds(tokens, "255", "1"));
}

static void *put_get_and_drop(void *opaque)
{
    struct mu_registry_tokens *tokens = opaque;
    char key[16];

    for (int i = 0; i < 2000; i++) {
        (void)snprintf(key, sizeof(key), "%d", i % 300);
        registry_tokens_put(tokens, key, key, strlen(key), MINUTE_MS);
        (void)holds(tokens, key, key);
        if (i % 7 == 0)
            registry_tokens_drop(tokens, key);
    }
    return NULL;
}

static void threads_may_share_a_cache(void **state)
{
    MU_AUTO(registry_tokens) struct mu_registry_tokens *tokens = mu_registry_tokens_new();
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_get_and_drop, tokens), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* ---- clients that share it ---- */

struct fixture {
    struct registry_peer peer;
    struct mu_registry_access access;
    struct mu_registry_tokens *tokens;
    struct mu_buf bytes;
    struct peer_route *route;
    char digest[MU_DIGEST_TEXT_SIZE], path[64];
    struct mu_error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    registry_peer_listen(&f->peer);
    mu_buf_init(&f->bytes, MU_REGISTRY_MANIFEST_MAX_BYTES);
    f->tokens = mu_registry_tokens_new();
    f->access.tokens = f->tokens;
    (void)snprintf(f->access.url, sizeof(f->access.url), "http://127.0.0.1:%d", f->peer.port);
    (void)snprintf(f->access.host, sizeof(f->access.host), "reg.example");
    f->route = registry_peer_add(&f->peer, "manifests", "{}", 2, f->digest);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->path[0] != '\0')
        (void)unlink(f->path);
    mu_registry_tokens_free(f->tokens);
    registry_peer_clear(&f->peer);
    mu_buf_done(&f->bytes);
    free(f);
    return 0;
}

/* By a client of its own. */
static enum mu_status fetch(struct fixture *f)
{
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    struct mu_registry_manifest manifest;

    mu_buf_reset(&f->bytes);
    if (mu_registry_client_new(&f->access, "team/app", 20000, &client, &f->err) != MU_OK)
        return f->err.status;
    return mu_registry_fetch_manifest(client, f->digest, &f->bytes, &manifest, &f->err);
}

static struct peer_route *with_token_service(struct fixture *f, const char *host,
                                             const char *answer)
{
    (void)snprintf(f->peer.challenge, sizeof(f->peer.challenge),
                   "Bearer realm=\"http://%s:%d/token\",service=\"s\"", host, f->peer.port);
    return registry_peer_route(&f->peer, "/token?service=s&scope=repository%3Ateam%2Fapp%3Apull",
                               answer, strlen(answer));
}

static void a_token_serves_the_next_client_without_being_asked_for(void **state)
{
    struct fixture *f = *state;
    struct peer_route *token =
            with_token_service(f, "127.0.0.1", "{\"token\":\"t\",\"expires_in\":300}");

    f->route->authorization = "Bearer t";
    registry_peer_start(&f->peer);
    assert_int_equal(fetch(f), MU_OK);
    assert_int_equal(fetch(f), MU_OK);
    registry_peer_stop(&f->peer);
    assert_int_equal(token->hits, 1);
    assert_int_equal(f->route->hits, 3); /* refused, let in, let in */
}

static void a_token_that_ends_at_once_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct peer_route *token =
            with_token_service(f, "127.0.0.1", "{\"token\":\"t\",\"expires_in\":1}");

    f->route->authorization = "Bearer t";
    registry_peer_start(&f->peer);
    assert_int_equal(fetch(f), MU_OK);
    assert_int_equal(fetch(f), MU_OK);
    registry_peer_stop(&f->peer);
    assert_int_equal(token->hits, 2);
}

static void a_kept_token_that_is_refused_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct peer_route *token = with_token_service(f, "127.0.0.1", "{\"token\":\"t\"}");

    f->route->authorization = "Bearer t";
    registry_peer_start(&f->peer);
    assert_int_equal(fetch(f), MU_OK);
    token->body[10] = 'u'; /* {"token":"u"} */
    f->route->authorization = "Bearer u";
    assert_int_equal(fetch(f), MU_OK);
    assert_int_equal(fetch(f), MU_OK);
    registry_peer_stop(&f->peer);
    assert_int_equal(token->hits, 2);
}

static void a_busy_token_service_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct http_peer service = {
            .replies = {
                    {"HTTP/1.1 429 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
                     PEER_CLOSE},
                    {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"token\":\"t\"}", PEER_CLOSE}}};

    http_peer_start(&service);
    (void)snprintf(f->peer.challenge, sizeof(f->peer.challenge),
                   "Bearer realm=\"http://127.0.0.1:%d/token\"", service.port);
    f->route->authorization = "Bearer t";
    registry_peer_start(&f->peer);
    assert_int_equal(fetch(f), MU_OK);
    registry_peer_stop(&f->peer);
    http_peer_stop(&service);
    assert_int_equal(service.request_count, 2);
}

/* A registry with a private address may have its token service at another one. */
static void a_private_registry_may_have_a_private_token_service(void **state)
{
    struct fixture *f = *state;

    (void)with_token_service(f, "localhost", "{\"token\":\"t\"}");
    f->route->authorization = "Bearer t";
    registry_peer_start(&f->peer);
    assert_int_equal(fetch(f), MU_OK);
    registry_peer_stop(&f->peer);
}

static void a_redirect_to_another_private_host_needs_permission(void **state)
{
    struct fixture *f = *state;

    f->route->status = 307;
    (void)snprintf(f->route->headers, sizeof(f->route->headers),
                   "Location: http://localhost:%d/elsewhere\r\n", f->peer.port);
    (void)registry_peer_route(&f->peer, "/elsewhere", "{}", 2);
    registry_peer_start(&f->peer);
    assert_int_equal(fetch(f), MU_E_INVALID);
    assert_non_null(strstr(f->err.message, "private_redirects"));
    f->access.private_redirects = true;
    assert_int_equal(fetch(f), MU_OK);
    registry_peer_stop(&f->peer);
    assert_string_equal(f->bytes.data, "{}");
}

/* ---- identity tokens ---- */

static void with_identity(struct fixture *f)
{
    static const char json[] = "{\"auths\":{\"reg.example\":{\"identitytoken\":\"refresh me\"}}}";

    (void)snprintf(f->path, sizeof(f->path), "/tmp/test-tokens-XXXXXX");
    (void)close(mkstemp(f->path));
    assert_int_equal(mu_file_write_atomic(f->path, json, strlen(json), &f->err), MU_OK);
    f->access.login = (struct mu_registry_login){.way = MU_LOGIN_DOCKER_CONFIG, .file = f->path};
}

#define CHALLENGE                                                            \
    "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=\"%s\",service=\"s\"" \
    "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define ANSWER(status, body) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body

/* The client against replies in a row: a challenge, then what the token service says. */
static enum mu_status fetch_by_identity(struct fixture *f, struct http_peer *peer)
{
    char challenge[512], realm[128];
    enum mu_status st;

    with_identity(f);
    http_peer_listen(peer);
    (void)snprintf(realm, sizeof(realm), "http://127.0.0.1:%d/oauth2/token", peer->port);
    (void)snprintf(challenge, sizeof(challenge), CHALLENGE, realm);
    peer->replies[0] = (struct http_peer_reply){challenge, PEER_CLOSE};
    assert_int_equal(pthread_create(&peer->thread, NULL, http_peer_loop, peer), 0);
    (void)snprintf(f->access.url, sizeof(f->access.url), "http://127.0.0.1:%d", peer->port);
    st = fetch(f);
    http_peer_stop(peer);
    registry_peer_start(&f->peer);
    registry_peer_stop(&f->peer);
    return st;
}

static void an_identity_token_is_exchanged_for_one_of_the_repository(void **state)
{
    struct fixture *f = *state;
    struct http_peer peer = {
            .replies = {
                    {NULL, PEER_CLOSE},
                    {ANSWER("200 OK", "{\"access_token\":\"a\",\"expires_in\":60}"), PEER_CLOSE},
                    {ANSWER("200 OK", "{}"), PEER_CLOSE}}};

    assert_int_equal(fetch_by_identity(f, &peer), MU_OK);
    assert_non_null(strstr(peer.requests[1], "POST /oauth2/token HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.requests[1],
                           "grant_type=refresh_token&service=s&client_id=muster&scope=repository%3A"
                           "team%2Fapp%3Apull&refresh_token=refresh%20me"));
    assert_null(strstr(peer.requests[1], "Authorization"));
    assert_non_null(strstr(peer.requests[2], "Authorization: Bearer a\r\n"));
}

static void a_service_without_refresh_is_asked_the_old_way(void **state)
{
    struct fixture *f = *state;
    struct http_peer peer = {.replies = {{NULL, PEER_CLOSE},
                                         {ANSWER("404 Not Found", ""), PEER_CLOSE},
                                         {ANSWER("200 OK", "{\"token\":\"a\"}"), PEER_CLOSE},
                                         {ANSWER("200 OK", "{}"), PEER_CLOSE}}};

    assert_int_equal(fetch_by_identity(f, &peer), MU_OK);
    assert_non_null(strstr(peer.requests[2], "GET /oauth2/token?service=s&scope="));
    /* <token>:refresh me */
    assert_non_null(strstr(peer.requests[2], "Authorization: Basic PHRva2VuPjpyZWZyZXNoIG1l\r\n"));
}

static void an_identity_token_that_is_refused_is_denied(void **state)
{
    struct fixture *f = *state;
    struct http_peer peer = {.replies = {{NULL, PEER_CLOSE},
                                         {ANSWER("401 No", ""), PEER_CLOSE},
                                         {ANSWER("401 No", ""), PEER_CLOSE}}};

    assert_int_equal(fetch_by_identity(f, &peer), MU_E_DENIED);
    assert_non_null(strstr(f->err.message, "token service"));
    assert_null(strstr(f->err.message, "refresh me"));
}

/* ---- referrers ---- */

struct pages {
    int count;
    char how[8], last[256];
};

static enum mu_status page_take(void *opaque, const char *json, size_t len, const char *how,
                                struct mu_error *err)
{
    struct pages *pages = opaque;

    (void)err;
    pages->count++;
    (void)snprintf(pages->how, sizeof(pages->how), "%s", how);
    (void)snprintf(pages->last, sizeof(pages->last), "%.*s", (int)len, json);
    return MU_OK;
}

static enum mu_status list(struct fixture *f, struct pages *pages)
{
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    enum mu_status st;

    assert_int_equal(mu_registry_client_new(&f->access, "team/app", 20000, &client, &f->err),
                     MU_OK);
    registry_peer_start(&f->peer);
    st = mu_registry_list_referrers(client, f->digest, page_take, pages, &f->err);
    registry_peer_stop(&f->peer);
    return st;
}

#define INDEX_TYPE "Content-Type: application/vnd.oci.image.index.v1+json\r\n"

static struct peer_route *with_list(struct fixture *f, const char *path, const char *json,
                                    const char *headers)
{
    struct peer_route *route = registry_peer_route(&f->peer, path, json, strlen(json));

    (void)snprintf(route->headers, sizeof(route->headers), "%s", headers);
    return route;
}

static void referrers_come_page_by_page(void **state)
{
    struct fixture *f = *state;
    struct pages pages = {0};
    char path[256];

    (void)snprintf(path, sizeof(path), "/v2/team/app/referrers/%s", f->digest);
    (void)with_list(f, path, "first", INDEX_TYPE "Link: </v2/more>; rel=\"next\"\r\n");
    (void)with_list(f, "/v2/more", "second", INDEX_TYPE);
    assert_int_equal(list(f, &pages), MU_OK);
    assert_int_equal(pages.count, 2);
    assert_string_equal(pages.last, "second");
    assert_string_equal(pages.how, "api");
}

static void a_page_at_another_host_is_not_asked_for(void **state)
{
    struct fixture *f = *state;
    struct pages pages = {0};
    char path[256];

    (void)snprintf(path, sizeof(path), "/v2/team/app/referrers/%s", f->digest);
    (void)with_list(f, path, "first",
                    INDEX_TYPE "Link: <http://localhost:1/v2/more>; rel=\"next\"\r\n");
    assert_int_equal(list(f, &pages), MU_OK);
    assert_int_equal(pages.count, 1);
}

static void without_the_api_the_tag_is_read(void **state)
{
    struct fixture *f = *state;
    struct pages pages = {0};
    char path[256];

    (void)snprintf(path, sizeof(path), "/v2/team/app/manifests/sha256-%s", f->digest + 7);
    (void)with_list(f, path, "by tag", INDEX_TYPE);
    assert_int_equal(list(f, &pages), MU_OK);
    assert_int_equal(pages.count, 1);
    assert_string_equal(pages.last, "by tag");
    assert_string_equal(pages.how, "tag");
}

static void an_answer_that_is_no_list_is_none(void **state)
{
    struct fixture *f = *state;
    struct pages pages = {0};
    char path[256];

    (void)snprintf(path, sizeof(path), "/v2/team/app/referrers/%s", f->digest);
    (void)with_list(f, path, "<html>", "Content-Type: text/html\r\n");
    assert_int_equal(list(f, &pages), MU_OK);
    assert_int_equal(pages.count, 0);
}

static void a_registry_that_does_not_answer_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct pages pages = {0};
    char path[256];

    (void)snprintf(path, sizeof(path), "/v2/team/app/referrers/%s", f->digest);
    with_list(f, path, "", "")->status = 500;
    assert_int_equal(list(f, &pages), MU_E_UNAVAILABLE);
    assert_int_equal(pages.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_is_kept_is_found_until_it_is_dropped),
            cmocka_unit_test(what_ends_in_a_moment_is_not_kept),
            cmocka_unit_test(a_full_cache_forgets_what_ends_first),
            cmocka_unit_test(threads_may_share_a_cache),
            TEST(a_token_serves_the_next_client_without_being_asked_for),
            TEST(a_token_that_ends_at_once_is_not_kept),
            TEST(a_kept_token_that_is_refused_is_replaced),
            TEST(a_busy_token_service_is_waited_for),
            TEST(a_private_registry_may_have_a_private_token_service),
            TEST(a_redirect_to_another_private_host_needs_permission),
            TEST(an_identity_token_is_exchanged_for_one_of_the_repository),
            TEST(a_service_without_refresh_is_asked_the_old_way),
            TEST(an_identity_token_that_is_refused_is_denied),
            TEST(referrers_come_page_by_page),
            TEST(a_page_at_another_host_is_not_asked_for),
            TEST(without_the_api_the_tag_is_read),
            TEST(an_answer_that_is_no_list_is_none),
            TEST(a_registry_that_does_not_answer_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

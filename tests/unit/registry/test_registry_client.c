#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "blob_in_one_go.h"
#include "registry/registry_client.h"
#include "registry_peer.h"

struct fixture {
    struct registry_peer peer;
    struct mu_registry_access access;
    char secret[64]; /* path of the password file */
    struct mu_buf bytes;
    struct mu_error err;
    char digest[MU_DIGEST_TEXT_SIZE];
    const char *authentication;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    registry_peer_listen(&f->peer);
    mu_buf_init(&f->bytes, MU_REGISTRY_MANIFEST_MAX_BYTES);
    (void)snprintf(f->access.url, sizeof(f->access.url), "http://127.0.0.1:%d", f->peer.port);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->secret[0] != '\0')
        (void)unlink(f->secret);
    registry_peer_clear(&f->peer);
    mu_buf_done(&f->bytes);
    free(f);
    return 0;
}

static void with_password(struct fixture *f, const char *password)
{
    int fd;

    (void)snprintf(f->secret, sizeof(f->secret), "/tmp/test-registry-XXXXXX");
    fd = mkstemp(f->secret);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, password, strlen(password)), strlen(password));
    (void)close(fd);
    f->access.username = "reader";
    f->access.password_file = f->secret;
}

static enum mu_status take(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    (void)err;
    mu_buf_append(opaque, bytes, len);
    return MU_OK;
}

static enum mu_status client_open(struct fixture *f, struct mu_registry_client **ret_client)
{
    return mu_registry_client_new(&f->access, "team/app", 20000, ret_client, &f->err);
}

static enum mu_status fetch_manifest(struct fixture *f, const char *digest,
                                     struct mu_registry_manifest *ret_manifest)
{
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    enum mu_status st = client_open(f, &client);

    if (st != MU_OK)
        return st;
    registry_peer_start(&f->peer);
    st = mu_registry_fetch_manifest(client, digest, &f->bytes, ret_manifest, &f->err);
    registry_peer_stop(&f->peer);
    f->authentication = mu_registry_client_authentication(client);
    return st;
}

static enum mu_status fetch_blob(struct fixture *f, const char *digest, uint64_t size_bytes)
{
    const struct mu_registry_blob blob = {.digest = digest, .size_bytes = size_bytes};
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    enum mu_status st = client_open(f, &client);

    if (st != MU_OK)
        return st;
    registry_peer_start(&f->peer);
    st = blob_in_one_go(client, &blob, take, &f->bytes, &f->err);
    registry_peer_stop(&f->peer);
    f->authentication = mu_registry_client_authentication(client);
    return st;
}

static void expect_says(const struct fixture *f, const char *word)
{
    if (!strstr(f->err.message, word))
        fail_msg("'%s' does not say '%s'", f->err.message, word);
}

static void a_manifest_comes_with_its_media_type(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_manifest manifest;
    struct peer_route *route = registry_peer_add(&f->peer, "manifests", "{}", 2, f->digest);

    (void)snprintf(route->headers, sizeof(route->headers),
                   "Content-Type: application/x; charset=utf-8\r\nDocker-Content-Digest: %s\r\n",
                   f->digest);
    assert_int_equal(fetch_manifest(f, f->digest, &manifest), MU_OK);
    assert_string_equal(manifest.media_type, "application/x");
    assert_string_equal(manifest.digest, f->digest);
    assert_string_equal(f->bytes.data, "{}");
    assert_string_equal(f->authentication, "anonymous");
}

static void a_manifest_that_hashes_to_something_else_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_manifest manifest = {.digest = "untouched"};
    struct peer_route *route = registry_peer_add(&f->peer, "manifests", "{}", 2, f->digest);

    route->body[0] = '[';
    assert_int_equal(fetch_manifest(f, f->digest, &manifest), MU_E_CONFLICT);
    expect_says(f, "hashes to sha256:");
    assert_int_equal(f->bytes.len, 0);
}

static void a_contradicting_docker_content_digest_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_manifest manifest;
    struct peer_route *route = registry_peer_add(&f->peer, "manifests", "{}", 2, f->digest);

    (void)snprintf(route->headers, sizeof(route->headers),
                   "Docker-Content-Digest: sha256:%064d\r\n", 0);
    assert_int_equal(fetch_manifest(f, f->digest, &manifest), MU_E_CONFLICT);
    expect_says(f, "Docker-Content-Digest");
}

static void a_manifest_over_four_mebibytes_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_manifest manifest;
    size_t len = MU_REGISTRY_MANIFEST_MAX_BYTES + 1;
    char *big = calloc(1, len);

    (void)registry_peer_add(&f->peer, "manifests", big, len, f->digest);
    free(big);
    assert_int_equal(fetch_manifest(f, f->digest, &manifest), MU_E_LIMIT);
}

static void a_missing_manifest_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_manifest manifest;

    mu_sha256_text("x", 1, f->digest);
    assert_int_equal(fetch_manifest(f, f->digest, &manifest), MU_E_NOT_FOUND);
}

static void statuses_say_what_to_do_next(void **state)
{
    static const struct {
        int status;
        enum mu_status expected;
    } cases[] = {{500, MU_E_UNAVAILABLE},
                 {503, MU_E_UNAVAILABLE},
                 {429, MU_E_UNAVAILABLE},
                 {403, MU_E_DENIED},
                 {400, MU_E_INVALID}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mu_registry_manifest manifest;
        struct fixture *f;
        void *own = NULL;

        (void)set_up(&own);
        f = own;
        registry_peer_add(&f->peer, "manifests", "{}", 2, f->digest)->status = cases[i].status;
        assert_int_equal(fetch_manifest(f, f->digest, &manifest), cases[i].expected);
        (void)tear_down(&own);
    }
}

static void a_registry_that_is_down_is_unavailable(void **state)
{
    struct fixture *f = *state;
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    struct mu_registry_manifest manifest;

    mu_sha256_text("x", 1, f->digest);
    (void)close(f->peer.listener); /* nobody listens on the port any more */
    (void)close(f->peer.stop);
    assert_int_equal(client_open(f, &client), MU_OK);
    assert_int_equal(mu_registry_fetch_manifest(client, f->digest, &f->bytes, &manifest, &f->err),
                     MU_E_UNAVAILABLE);
}

static void a_digest_that_is_no_sha256_is_refused(void **state)
{
    struct fixture *f = *state;
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    struct mu_registry_manifest manifest;
    char sha512[7 + 128 + 1] = "sha512:";

    memset(sha512 + 7, 'a', 128);
    assert_int_equal(client_open(f, &client), MU_OK);
    assert_int_equal(
            mu_registry_fetch_manifest(client, "sha256:../../x", &f->bytes, &manifest, &f->err),
            MU_E_INVALID);
    assert_int_equal(mu_registry_fetch_manifest(client, sha512, &f->bytes, &manifest, &f->err),
                     MU_E_INVALID);
    registry_peer_start(&f->peer);
    registry_peer_stop(&f->peer);
}

static void a_blob_is_streamed_and_checked(void **state)
{
    struct fixture *f = *state;

    (void)registry_peer_add(&f->peer, "blobs", "a\0b", 3, f->digest);
    assert_int_equal(fetch_blob(f, f->digest, 3), MU_OK);
    assert_int_equal(f->bytes.len, 3);
    assert_memory_equal(f->bytes.data, "a\0b", 3);
}

static void a_blob_with_a_wrong_byte_is_refused(void **state)
{
    struct fixture *f = *state;

    registry_peer_add(&f->peer, "blobs", "abc", 3, f->digest)->body[1] = 'x';
    assert_int_equal(fetch_blob(f, f->digest, 3), MU_E_CONFLICT);
    expect_says(f, "the blob hashes to");
}

static void a_blob_longer_than_its_descriptor_is_refused_at_once(void **state)
{
    struct fixture *f = *state;

    (void)registry_peer_add(&f->peer, "blobs", "abcdef", 6, f->digest);
    assert_int_equal(fetch_blob(f, f->digest, 3), MU_E_CONFLICT);
    expect_says(f, "longer than the 3 bytes");
    assert_int_equal(f->bytes.len, 0);
}

static void a_blob_shorter_than_its_descriptor_is_refused(void **state)
{
    struct fixture *f = *state;

    (void)registry_peer_add(&f->peer, "blobs", "abc", 3, f->digest);
    assert_int_equal(fetch_blob(f, f->digest, 10000000000), MU_E_CONFLICT);
    expect_says(f, "has 3 bytes, not the 10000000000");
}

static void a_torn_transfer_is_worth_another_try(void **state)
{
    struct fixture *f = *state;

    registry_peer_add(&f->peer, "blobs", "abcdef", 6, f->digest)->cut = 2;
    assert_int_equal(fetch_blob(f, f->digest, 6), MU_E_UNAVAILABLE);
}

static void a_missing_blob_is_not_found(void **state)
{
    struct fixture *f = *state;

    mu_sha256_text("x", 1, f->digest);
    assert_int_equal(fetch_blob(f, f->digest, 1), MU_E_NOT_FOUND);
}

static enum mu_status refuse(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    (void)opaque;
    (void)bytes;
    (void)len;
    return mu_fail(err, MU_E_LIMIT, "enough");
}

static void what_the_receiver_returns_ends_the_transfer(void **state)
{
    struct fixture *f = *state;
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    struct mu_registry_blob blob = {.digest = f->digest, .size_bytes = 3};

    (void)registry_peer_add(&f->peer, "blobs", "abc", 3, f->digest);
    assert_int_equal(client_open(f, &client), MU_OK);
    registry_peer_start(&f->peer);
    assert_int_equal(blob_in_one_go(client, &blob, refuse, NULL, &f->err), MU_E_LIMIT);
    registry_peer_stop(&f->peer);
    expect_says(f, "enough");
}

/* A token service on the same peer. */
static struct peer_route *with_token_service(struct fixture *f, const char *answer)
{
    (void)snprintf(f->peer.challenge, sizeof(f->peer.challenge),
                   "Bearer realm=\"http://127.0.0.1:%d/token\",service=\"a, b\"", f->peer.port);
    return registry_peer_route(&f->peer,
                               "/token?service=a%2C%20b&scope=repository%3Ateam%2Fapp%3Apull",
                               answer, strlen(answer));
}

static void a_token_is_fetched_once_and_kept(void **state)
{
    struct fixture *f = *state;
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    struct mu_registry_blob blob = {.digest = f->digest, .size_bytes = 3};
    struct peer_route *token = with_token_service(f, "{\"token\":\"t1\"}");
    struct peer_route *route = registry_peer_add(&f->peer, "blobs", "abc", 3, f->digest);

    route->authorization = "Bearer t1";
    assert_int_equal(client_open(f, &client), MU_OK);
    registry_peer_start(&f->peer);
    for (int i = 0; i < 3; i++)
        assert_int_equal(blob_in_one_go(client, &blob, take, &f->bytes, &f->err), MU_OK);
    registry_peer_stop(&f->peer);
    assert_string_equal(f->bytes.data, "abcabcabc");
    assert_string_equal(mu_registry_client_authentication(client), "bearer");
    assert_int_equal(token->hits, 1);
    assert_int_equal(route->hits, 4);
}

static void the_token_service_gets_the_password(void **state)
{
    struct fixture *f = *state;
    struct peer_route *token = with_token_service(f, "{\"access_token\":\"t2\"}");
    struct peer_route *route = registry_peer_add(&f->peer, "blobs", "abc", 3, f->digest);

    with_password(f, "secret\n");
    token->authorization = "Basic cmVhZGVyOnNlY3JldA==";
    route->authorization = "Bearer t2";
    assert_int_equal(fetch_blob(f, f->digest, 3), MU_OK);
}

static void a_token_that_is_refused_is_renewed_once_then_denied(void **state)
{
    struct fixture *f = *state;
    struct peer_route *token = with_token_service(f, "{\"token\":\"stale\"}");
    struct peer_route *route = registry_peer_add(&f->peer, "blobs", "abc", 3, f->digest);

    route->authorization = "Bearer fresh";
    assert_int_equal(fetch_blob(f, f->digest, 3), MU_E_DENIED);
    assert_int_equal(token->hits, 2);
    assert_int_equal(route->hits, 3);
}

static void a_token_service_that_makes_no_sense_is_refused(void **state)
{
    static const char *const answers[] = {"", "[]", "{}", "{\"token\":7}",
                                          "{\"token\":\"a\\r\\nX: y\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        void *own = NULL;
        struct fixture *f;

        (void)set_up(&own);
        f = own;
        (void)with_token_service(f, answers[i]);
        registry_peer_add(&f->peer, "blobs", "abc", 3, f->digest)->authorization = "Bearer x";
        assert_int_equal(fetch_blob(f, f->digest, 3), MU_E_INVALID);
        (void)tear_down(&own);
    }
}

static void a_token_realm_that_is_no_web_address_is_refused(void **state)
{
    struct fixture *f = *state;

    (void)with_token_service(f, "{\"token\":\"t\"}");
    (void)snprintf(f->peer.challenge, sizeof(f->peer.challenge),
                   "Bearer realm=\"file:///etc/passwd\"");
    registry_peer_add(&f->peer, "blobs", "abc", 3, f->digest)->authorization = "Bearer t";
    assert_int_equal(fetch_blob(f, f->digest, 3), MU_E_DENIED);
    expect_says(f, "file:///etc/passwd");
}

static void basic_is_used_when_the_registry_asks_for_it(void **state)
{
    struct fixture *f = *state;

    with_password(f, "secret");
    (void)snprintf(f->peer.challenge, sizeof(f->peer.challenge), "Basic realm=\"r\"");
    registry_peer_add(&f->peer, "blobs", "abc", 3, f->digest)->authorization =
            "Basic cmVhZGVyOnNlY3JldA==";
    assert_int_equal(fetch_blob(f, f->digest, 3), MU_OK);
    assert_string_equal(f->authentication, "basic");
}

static void a_refused_or_missing_password_is_denied(void **state)
{
    struct fixture *f = *state;
    struct peer_route *route = registry_peer_add(&f->peer, "blobs", "abc", 3, f->digest);

    (void)snprintf(f->peer.challenge, sizeof(f->peer.challenge), "Basic realm=\"r\"");
    route->authorization = "Basic other";
    assert_int_equal(fetch_blob(f, f->digest, 3), MU_E_DENIED);
    expect_says(f, "wants a user name");
    registry_peer_listen(&f->peer);
    (void)snprintf(f->access.url, sizeof(f->access.url), "http://127.0.0.1:%d", f->peer.port);
    with_password(f, "wrong");
    assert_int_equal(fetch_blob(f, f->digest, 3), MU_E_DENIED);
    expect_says(f, "refuses the password of 'reader'");
    assert_int_equal(route->hits, 3);
}

static void a_password_file_that_cannot_be_read_is_denied(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_client *client = NULL;

    f->access.username = "reader";
    f->access.password_file = "/nonexistent/password";
    assert_int_equal(client_open(f, &client), MU_E_DENIED);
    assert_null(client);
    expect_says(f, "/nonexistent/password");
    registry_peer_start(&f->peer);
    registry_peer_stop(&f->peer);
}

static enum mu_status look_up(struct fixture *f, const char *tag,
                              struct mu_registry_manifest *ret_manifest)
{
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    struct mu_http_response response;
    enum mu_status st = client_open(f, &client);

    if (st != MU_OK)
        return st;
    registry_peer_start(&f->peer);
    st = mu_registry_look_up_tag(client, tag, ret_manifest, &response, &f->err);
    registry_peer_stop(&f->peer);
    f->authentication = mu_registry_client_authentication(client);
    return st;
}

static void a_tag_is_looked_up_without_its_bytes(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_manifest manifest;
    struct peer_route *route = registry_peer_route(&f->peer, "/v2/team/app/manifests/1.0", "{}", 2);

    mu_sha256_text("anything", 8, f->digest);
    (void)snprintf(route->headers, sizeof(route->headers),
                   "Content-Type: application/x;a=b\r\nDocker-Content-Digest: %s\r\n", f->digest);
    assert_int_equal(look_up(f, "1.0", &manifest), MU_OK);
    assert_string_equal(manifest.digest, f->digest);
    assert_string_equal(manifest.media_type, "application/x");
    assert_int_equal(route->hits, 1);
}

static void a_tag_without_said_digest_is_looked_up_by_its_bytes(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_manifest manifest;
    struct peer_route *route = registry_peer_route(&f->peer, "/v2/team/app/manifests/1.0", "{}", 2);

    mu_sha256_text("{}", 2, f->digest);
    assert_int_equal(look_up(f, "1.0", &manifest), MU_OK);
    assert_string_equal(manifest.digest, f->digest);
    assert_int_equal(route->hits, 2);
}

static void a_tag_whose_said_digest_is_none_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_manifest manifest = {.digest = "untouched"};
    struct peer_route *route = registry_peer_route(&f->peer, "/v2/team/app/manifests/1.0", "{}", 2);

    (void)snprintf(route->headers, sizeof(route->headers), "Docker-Content-Digest: sha256:x\r\n");
    assert_int_equal(look_up(f, "1.0", &manifest), MU_E_INVALID);
    assert_string_equal(manifest.digest, "untouched");
}

static void what_is_no_tag_is_not_looked_up(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_manifest manifest;

    assert_int_equal(look_up(f, "../x", &manifest), MU_E_INVALID);
}

static void a_configured_token_is_sent_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_manifest manifest;
    struct peer_route *route = registry_peer_add(&f->peer, "manifests", "{}", 2, f->digest);

    with_password(f, "given\n");
    f->access.token_file = f->access.password_file;
    f->access.username = f->access.password_file = NULL;
    route->authorization = "Bearer given";
    assert_int_equal(fetch_manifest(f, f->digest, &manifest), MU_OK);
    assert_int_equal(route->hits, 1);
}

static void a_configured_token_that_is_refused_is_denied(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_manifest manifest;
    struct peer_route *route = registry_peer_add(&f->peer, "manifests", "{}", 2, f->digest);

    with_password(f, "given");
    f->access.token_file = f->access.password_file;
    f->access.username = f->access.password_file = NULL;
    (void)snprintf(f->peer.challenge, sizeof(f->peer.challenge), "Bearer realm=\"%.400s/token\"",
                   f->access.url);
    route->authorization = "Bearer other";
    assert_int_equal(fetch_manifest(f, f->digest, &manifest), MU_E_DENIED);
    expect_says(f, "refuses the token of");
    assert_int_equal(route->hits, 1);
}

static void a_token_file_without_a_usable_token_is_denied(void **state)
{
    struct fixture *f = *state;
    struct mu_registry_client *client = NULL;

    with_password(f, "two words");
    f->access.token_file = f->access.password_file;
    assert_int_equal(client_open(f, &client), MU_E_DENIED);
    expect_says(f, "holds no token");
    f->access.token_file = "/nonexistent/token";
    assert_int_equal(client_open(f, &client), MU_E_DENIED);
    expect_says(f, "/nonexistent/token");
    assert_null(client);
    registry_peer_start(&f->peer);
    registry_peer_stop(&f->peer);
}

static void another_repository_gets_a_token_of_its_own(void **state)
{
    struct fixture *f = *state;
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    struct mu_registry_manifest manifest;
    struct mu_http_response response;
    struct peer_route *route;

    (void)snprintf(f->peer.challenge, sizeof(f->peer.challenge), "Bearer realm=\"%.400s/token\"",
                   f->access.url);
    (void)registry_peer_route(&f->peer, "/token?scope=repository%3Aa%3Apull", "{\"token\":\"A\"}",
                              13);
    (void)registry_peer_route(&f->peer, "/token?scope=repository%3Ab%3Apull", "{\"token\":\"B\"}",
                              13);
    route = registry_peer_route(&f->peer, "/v2/a/manifests/1", "{}", 2);
    route->authorization = "Bearer A";
    route = registry_peer_route(&f->peer, "/v2/b/manifests/1", "{}", 2);
    route->authorization = "Bearer B";
    assert_int_equal(mu_registry_client_new(&f->access, "a", 20000, &client, &f->err), MU_OK);
    registry_peer_start(&f->peer);
    assert_int_equal(mu_registry_look_up_tag(client, "1", &manifest, &response, &f->err), MU_OK);
    mu_registry_client_turn(client, "b");
    assert_int_equal(mu_registry_look_up_tag(client, "1", &manifest, &response, &f->err), MU_OK);
    registry_peer_stop(&f->peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_manifest_comes_with_its_media_type),
            TEST(a_manifest_that_hashes_to_something_else_is_refused),
            TEST(a_contradicting_docker_content_digest_is_refused),
            TEST(a_manifest_over_four_mebibytes_is_refused),
            TEST(a_missing_manifest_is_not_found),
            cmocka_unit_test(statuses_say_what_to_do_next),
            TEST(a_registry_that_is_down_is_unavailable),
            TEST(a_digest_that_is_no_sha256_is_refused),
            TEST(a_blob_is_streamed_and_checked),
            TEST(a_blob_with_a_wrong_byte_is_refused),
            TEST(a_blob_longer_than_its_descriptor_is_refused_at_once),
            TEST(a_blob_shorter_than_its_descriptor_is_refused),
            TEST(a_torn_transfer_is_worth_another_try),
            TEST(a_missing_blob_is_not_found),
            TEST(what_the_receiver_returns_ends_the_transfer),
            TEST(a_token_is_fetched_once_and_kept),
            TEST(the_token_service_gets_the_password),
            TEST(a_token_that_is_refused_is_renewed_once_then_denied),
            cmocka_unit_test(a_token_service_that_makes_no_sense_is_refused),
            TEST(a_token_realm_that_is_no_web_address_is_refused),
            TEST(basic_is_used_when_the_registry_asks_for_it),
            TEST(a_refused_or_missing_password_is_denied),
            TEST(a_password_file_that_cannot_be_read_is_denied),
            TEST(a_tag_is_looked_up_without_its_bytes),
            TEST(a_tag_without_said_digest_is_looked_up_by_its_bytes),
            TEST(a_tag_whose_said_digest_is_none_is_refused),
            TEST(what_is_no_tag_is_not_looked_up),
            TEST(a_configured_token_is_sent_as_it_is),
            TEST(a_configured_token_that_is_refused_is_denied),
            TEST(a_token_file_without_a_usable_token_is_denied),
            TEST(another_repository_gets_a_token_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

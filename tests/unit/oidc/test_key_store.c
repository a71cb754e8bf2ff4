/* Keys over HTTP, from a peer that says exactly what a test wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_peer.h"
#include "key_fixture.h"

static EVP_PKEY *key, *other;

static int make_keys(void **state)
{
    (void)state;
    key = test_rsa_key(2048);
    other = test_rsa_key(2048);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    return 0;
}

/* ---- what the peer says ---- */

static void say(struct mu_buf *out, const char *body, size_t len)
{
    mu_buf_reset(out);
    mu_buf_printf(out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", len);
    mu_buf_append(out, body, len);
}

static void say_set(struct mu_buf *out, EVP_PKEY *of, const char *kid)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf set;

    mu_buf_init(&set, TEST_TEXT_MAX);
    mu_buf_puts(&set, "{\"keys\":[");
    test_jwk(of, kid, &set);
    mu_buf_puts(&set, "]}");
    say(out, set.data, set.len);
}

static void say_certificate(struct mu_buf *out, EVP_PKEY *of, long until_s)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem;

    mu_buf_init(&pem, TEST_TEXT_MAX);
    test_certificate_pem(
            &(struct test_certificate){
                    .key = of, .name = "sns", .from_s = -7200, .until_s = until_s},
            &pem);
    say(out, pem.data, pem.len);
}

static struct mu_key_store *open_set(const struct http_peer *peer)
{
    static char url[128]; /* lives as long as the store */
    const struct mu_key_store_config config = {.jwks_url = url};
    struct mu_key_store *store = NULL;
    struct mu_error err;

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/keys", peer->port);
    if (mu_key_store_open(&config, &store, &err) != MU_OK)
        fail_msg("%s", err.message);
    return store;
}

static struct mu_key_store *open_certificates(bool private_network)
{
    struct mu_key_store_config config = {.private_network = private_network};
    struct mu_key_store *store = NULL;
    struct mu_error err;

    assert_int_equal(mu_key_store_open(&config, &store, &err), MU_OK);
    return store;
}

/* ---- sets ---- */

static void a_set_is_fetched_in_the_background(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf set;
    struct http_peer peer = {.replies = {{.then = PEER_CLOSE}}};
    struct mu_key_store *store;

    (void)state;
    mu_buf_init(&set, TEST_TEXT_MAX);
    say_set(&set, key, "one");
    peer.replies[0].bytes = set.data;
    http_peer_start(&peer);
    store = open_set(&peer);
    KEY_WAIT(key_ask(store, key, "one") == MU_KEY_RIGHT);
    assert_int_equal(key_ask(store, other, "one"), MU_KEY_WRONG);
    mu_key_store_close(store);
    http_peer_stop(&peer);
    assert_int_equal(peer.request_count, 1);
    assert_int_equal(strncmp(peer.requests[0], "GET /keys HTTP/1.1\r\n", 20), 0);
}

static void an_unknown_key_makes_it_fetched_again_but_not_at_once_once_more(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf first;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf second;
    struct http_peer peer = {.replies = {{.then = PEER_CLOSE}, {.then = PEER_CLOSE}}};
    struct mu_key_store *store;

    (void)state;
    mu_buf_init(&first, TEST_TEXT_MAX);
    mu_buf_init(&second, TEST_TEXT_MAX);
    say_set(&first, key, "one");
    say_set(&second, other, "two");
    peer.replies[0].bytes = first.data;
    peer.replies[1].bytes = second.data;
    http_peer_start(&peer);
    store = open_set(&peer);
    KEY_WAIT(key_ask(store, key, "one") == MU_KEY_RIGHT);
    assert_int_equal(key_ask(store, other, "two"), MU_KEY_LATER);
    KEY_WAIT(key_ask(store, other, "two") == MU_KEY_RIGHT);
    for (int i = 0; i < 100; i++)
        assert_int_equal(key_ask(store, key, "made up"), MU_KEY_UNKNOWN);
    mu_key_store_close(store);
    http_peer_stop(&peer);
    assert_int_equal(peer.request_count, 2);
}

static void a_fetch_that_fails_keeps_the_old_keys(void **state)
{
    static const char *const failures[] = {
            "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{\"keys\":[]}",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhtml",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf set;
        struct http_peer peer = {.replies = {{.then = PEER_CLOSE}, {failures[i], PEER_CLOSE}}};
        struct mu_key_store *store;

        mu_buf_init(&set, TEST_TEXT_MAX);
        say_set(&set, key, "one");
        peer.replies[0].bytes = set.data;
        http_peer_start(&peer);
        store = open_set(&peer);
        KEY_WAIT(key_ask(store, key, "one") == MU_KEY_RIGHT);
        assert_int_equal(key_ask(store, key, "new"), MU_KEY_LATER);
        KEY_WAIT(key_ask(store, key, "new") == MU_KEY_UNKNOWN);
        assert_int_equal(key_ask(store, key, "one"), MU_KEY_RIGHT);
        mu_key_store_close(store);
        http_peer_stop(&peer);
        assert_int_equal(peer.request_count, 2);
    }
}

static void a_set_that_was_never_there_is_worth_waiting_for(void **state)
{
    struct http_peer peer = {
            .replies = {{"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", PEER_CLOSE}}};
    struct mu_key_store *store;

    (void)state;
    http_peer_start(&peer);
    store = open_set(&peer);
    for (int i = 0; i < 50; i++)
        assert_int_equal(key_ask(store, key, "one"), MU_KEY_LATER);
    mu_key_store_close(store);
    http_peer_stop(&peer);
}

static void a_file_of_keys_that_is_none_stops_the_start(void **state)
{
    char path[64];
    struct mu_key_store_config config = {.jwks_file = path};
    struct mu_key_store *store = NULL;
    struct mu_error err;

    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/test_key_store.%d", (int)getpid());
    assert_int_equal(mu_key_store_open(&config, &store, &err), MU_E_NOT_FOUND);
    key_file_write(path, "{\"keys\":[]}", 11);
    assert_int_equal(mu_key_store_open(&config, &store, &err), MU_E_INVALID);
    assert_null(store);
    (void)unlink(path);
}

/* ---- certificates ---- */

static void a_certificate_is_fetched_once_and_kept(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf certificate;
    struct http_peer peer = {.replies = {{.then = PEER_CLOSE}}};
    struct mu_key_store *store = open_certificates(true);
    char url[128];

    (void)state;
    mu_buf_init(&certificate, TEST_TEXT_MAX);
    say_certificate(&certificate, key, 3600);
    peer.replies[0].bytes = certificate.data;
    http_peer_start(&peer);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/a.pem", peer.port);
    assert_int_equal(key_ask(store, key, url), MU_KEY_LATER);
    KEY_WAIT(key_ask(store, key, url) == MU_KEY_RIGHT);
    assert_int_equal(key_ask(store, other, url), MU_KEY_WRONG);
    mu_key_store_close(store);
    http_peer_stop(&peer);
    assert_int_equal(peer.request_count, 1);
}

static void an_expired_certificate_and_a_redirect_give_no_key(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf expired;
    struct http_peer peer = {.replies = {{.then = PEER_CLOSE},
                                         {"HTTP/1.1 302 Found\r\nLocation: /a.pem\r\n"
                                          "Content-Length: 0\r\n\r\n",
                                          PEER_CLOSE}}};
    struct mu_key_store *store = open_certificates(true);
    char url[2][128];

    (void)state;
    mu_buf_init(&expired, TEST_TEXT_MAX);
    say_certificate(&expired, key, -3600);
    peer.replies[0].bytes = expired.data;
    http_peer_start(&peer);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(url[i], sizeof(url[i]), "http://127.0.0.1:%d/%d.pem", peer.port, i);
        assert_int_equal(key_ask(store, key, url[i]), MU_KEY_LATER);
        KEY_WAIT(key_ask(store, key, url[i]) == MU_KEY_UNKNOWN);
    }
    mu_key_store_close(store);
    http_peer_stop(&peer);
    assert_int_equal(peer.request_count, 2);
}

/* However far a sender's URL got: an address of our own network is not spoken to. */
static void a_private_address_is_not_spoken_to(void **state)
{
    struct http_peer peer = {.replies = {{"HTTP/1.1 200 OK\r\n\r\n", PEER_CLOSE}}};
    struct mu_key_store *store = open_certificates(false);
    char url[128];

    (void)state;
    http_peer_start(&peer);
    (void)snprintf(url, sizeof(url), "http://localhost:%d/a.pem", peer.port);
    mu_key_store_visit(store, url);
    assert_int_equal(key_ask(store, key, url), MU_KEY_LATER);
    KEY_WAIT(key_ask(store, key, url) == MU_KEY_UNKNOWN);
    mu_key_store_close(store);
    http_peer_stop(&peer);
    assert_int_equal(peer.connections, 0);
}

/* Whoever names certificates that do not exist drives out none that does. */
static void many_unknown_names_leave_a_good_certificate_where_it_is(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf certificate;
    struct http_peer peer = {.replies = {{.then = PEER_CLOSE}}};
    struct mu_key_store *store = open_certificates(true);
    char url[128], bad[128];

    (void)state;
    mu_buf_init(&certificate, TEST_TEXT_MAX);
    say_certificate(&certificate, key, 3600);
    peer.replies[0].bytes = certificate.data;
    http_peer_start(&peer);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/a.pem", peer.port);
    KEY_WAIT(key_ask(store, key, url) == MU_KEY_RIGHT);
    for (int i = 0; i < 2 * MU_KEY_STORE_MAX_KEYS; i++) {
        (void)snprintf(bad, sizeof(bad), "http://127.0.0.1:1/%d.pem", i);
        KEY_WAIT(key_ask(store, key, bad) == MU_KEY_UNKNOWN);
    }
    assert_int_equal(key_ask(store, key, url), MU_KEY_RIGHT);
    mu_key_store_close(store);
    http_peer_stop(&peer);
}

static void a_visit_is_one_get(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf certificate;
    struct http_peer peer = {
            .replies = {{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", PEER_CLOSE},
                        {.then = PEER_CLOSE}}};
    struct mu_key_store *store = open_certificates(true);
    char url[128], certificate_url[128];

    (void)state;
    mu_buf_init(&certificate, TEST_TEXT_MAX);
    say_certificate(&certificate, key, 3600);
    peer.replies[1].bytes = certificate.data;
    http_peer_start(&peer);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/?Action=Confirm&Token=t", peer.port);
    (void)snprintf(certificate_url, sizeof(certificate_url), "http://127.0.0.1:%d/a.pem",
                   peer.port);
    mu_key_store_visit(store, url);
    KEY_WAIT(key_ask(store, key, certificate_url) == MU_KEY_RIGHT); /* asked for behind it */
    mu_key_store_close(store);
    http_peer_stop(&peer);
    assert_int_equal(peer.request_count, 2);
    assert_non_null(strstr(peer.requests[0], "GET /?Action=Confirm&Token=t HTTP/1.1\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_set_is_fetched_in_the_background),
            cmocka_unit_test(an_unknown_key_makes_it_fetched_again_but_not_at_once_once_more),
            cmocka_unit_test(a_fetch_that_fails_keeps_the_old_keys),
            cmocka_unit_test(a_set_that_was_never_there_is_worth_waiting_for),
            cmocka_unit_test(a_file_of_keys_that_is_none_stops_the_start),
            cmocka_unit_test(a_certificate_is_fetched_once_and_kept),
            cmocka_unit_test(an_expired_certificate_and_a_redirect_give_no_key),
            cmocka_unit_test(a_private_address_is_not_spoken_to),
            cmocka_unit_test(many_unknown_names_leave_a_good_certificate_where_it_is),
            cmocka_unit_test(a_visit_is_one_get),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}

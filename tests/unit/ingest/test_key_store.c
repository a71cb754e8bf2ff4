/* Keys over HTTP, from a peer that says exactly what a test wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/key_ring.h"
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

static struct key_store *open_set(const struct http_peer *peer)
{
    static char url[128]; /* lives as long as the store */
    const struct key_store_config config = {.jwks_url = url};
    struct key_store *store = NULL;
    struct mu_error err;

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/keys", peer->port);
    if (key_store_open(&config, &store, &err) != MU_OK)
        fail_msg("%s", err.message);
    return store;
}

static struct key_store *open_certificates(bool private_network)
{
    struct key_store_config config = {.private_network = private_network};
    struct key_store *store = NULL;
    struct mu_error err;

    assert_int_equal(key_store_open(&config, &store, &err), MU_OK);
    return store;
}

/* ---- sets ---- */

static void a_set_is_fetched_in_the_background(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf set;
    struct http_peer peer = {.replies = {{.then = PEER_CLOSE}}};
    struct key_store *store;

    (void)state;
    mu_buf_init(&set, TEST_TEXT_MAX);
    say_set(&set, key, "one");
    peer.replies[0].bytes = set.data;
    http_peer_start(&peer);
    store = open_set(&peer);
    KEY_WAIT(key_ask(store, key, "one") == KEY_RIGHT);
    assert_int_equal(key_ask(store, other, "one"), KEY_WRONG);
    key_store_close(store);
    http_peer_stop(&peer);
    assert_int_equal(peer.request_count, 1);
    assert_int_equal(strncmp(peer.requests[0], "GET /keys HTTP/1.1\r\n", 20), 0);
}

static void an_unknown_key_makes_it_fetched_again_but_not_at_once_once_more(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf first;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf second;
    struct http_peer peer = {.replies = {{.then = PEER_CLOSE}, {.then = PEER_CLOSE}}};
    struct key_store *store;

    (void)state;
    mu_buf_init(&first, TEST_TEXT_MAX);
    mu_buf_init(&second, TEST_TEXT_MAX);
    say_set(&first, key, "one");
    say_set(&second, other, "two");
    peer.replies[0].bytes = first.data;
    peer.replies[1].bytes = second.data;
    http_peer_start(&peer);
    store = open_set(&peer);
    KEY_WAIT(key_ask(store, key, "one") == KEY_RIGHT);
    assert_int_equal(key_ask(store, other, "two"), KEY_LATER);
    KEY_WAIT(key_ask(store, other, "two") == KEY_RIGHT);
    for (int i = 0; i < 100; i++)
        assert_int_equal(key_ask(store, key, "made up"), KEY_UNKNOWN);
    key_store_close(store);
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
        struct key_store *store;

        mu_buf_init(&set, TEST_TEXT_MAX);
        say_set(&set, key, "one");
        peer.replies[0].bytes = set.data;
        http_peer_start(&peer);
        store = open_set(&peer);
        KEY_WAIT(key_ask(store, key, "one") == KEY_RIGHT);
        assert_int_equal(key_ask(store, key, "new"), KEY_LATER);
        KEY_WAIT(key_ask(store, key, "new") == KEY_UNKNOWN);
        assert_int_equal(key_ask(store, key, "one"), KEY_RIGHT);
        key_store_close(store);
        http_peer_stop(&peer);
        assert_int_equal(peer.request_count, 2);
    }
}

static void a_set_that_was_never_there_is_worth_waiting_for(void **state)
{
    struct http_peer peer = {
            .replies = {{"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", PEER_CLOSE}}};
    struct key_store *store;

    (void)state;
    http_peer_start(&peer);
    store = open_set(&peer);
    for (int i = 0; i < 50; i++)
        assert_int_equal(key_ask(store, key, "one"), KEY_LATER);
    key_store_close(store);
    http_peer_stop(&peer);
}

static void a_file_of_keys_that_is_none_stops_the_start(void **state)
{
    char path[64];
    struct key_store_config config = {.jwks_file = path};
    struct key_store *store = NULL;
    struct mu_error err;

    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/test_key_store.%d", (int)getpid());
    assert_int_equal(key_store_open(&config, &store, &err), MU_E_NOT_FOUND);
    key_file_write(path, "{\"keys\":[]}", 11);
    assert_int_equal(key_store_open(&config, &store, &err), MU_E_INVALID);
    assert_null(store);
    (void)unlink(path);
}

/* ---- certificates ---- */

static void a_certificate_is_fetched_once_and_kept(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf certificate;
    struct http_peer peer = {.replies = {{.then = PEER_CLOSE}}};
    struct key_store *store = open_certificates(true);
    char url[128];

    (void)state;
    mu_buf_init(&certificate, TEST_TEXT_MAX);
    say_certificate(&certificate, key, 3600);
    peer.replies[0].bytes = certificate.data;
    http_peer_start(&peer);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/a.pem", peer.port);
    assert_int_equal(key_ask(store, key, url), KEY_LATER);
    KEY_WAIT(key_ask(store, key, url) == KEY_RIGHT);
    assert_int_equal(key_ask(store, other, url), KEY_WRONG);
    key_store_close(store);
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
    struct key_store *store = open_certificates(true);
    char url[2][128];

    (void)state;
    mu_buf_init(&expired, TEST_TEXT_MAX);
    say_certificate(&expired, key, -3600);
    peer.replies[0].bytes = expired.data;
    http_peer_start(&peer);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(url[i], sizeof(url[i]), "http://127.0.0.1:%d/%d.pem", peer.port, i);
        assert_int_equal(key_ask(store, key, url[i]), KEY_LATER);
        KEY_WAIT(key_ask(store, key, url[i]) == KEY_UNKNOWN);
    }
    key_store_close(store);
    http_peer_stop(&peer);
    assert_int_equal(peer.request_count, 2);
}

/* However far a sender's URL got: an address of our own network is not spoken to. */
static void a_private_address_is_not_spoken_to(void **state)
{
    struct http_peer peer = {.replies = {{"HTTP/1.1 200 OK\r\n\r\n", PEER_CLOSE}}};
    struct key_store *store = open_certificates(false);
    char url[128];

    (void)state;
    http_peer_start(&peer);
    (void)snprintf(url, sizeof(url), "http://localhost:%d/a.pem", peer.port);
    key_store_visit(store, url);
    assert_int_equal(key_ask(store, key, url), KEY_LATER);
    KEY_WAIT(key_ask(store, key, url) == KEY_UNKNOWN);
    key_store_close(store);
    http_peer_stop(&peer);
    assert_int_equal(peer.connections, 0);
}

/* Whoever names certificates that do not exist drives out none that does. */
static void many_unknown_names_leave_a_good_certificate_where_it_is(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf certificate;
    struct http_peer peer = {.replies = {{.then = PEER_CLOSE}}};
    struct key_store *store = open_certificates(true);
    char url[128], bad[128];

    (void)state;
    mu_buf_init(&certificate, TEST_TEXT_MAX);
    say_certificate(&certificate, key, 3600);
    peer.replies[0].bytes = certificate.data;
    http_peer_start(&peer);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/a.pem", peer.port);
    KEY_WAIT(key_ask(store, key, url) == KEY_RIGHT);
    for (int i = 0; i < 2 * KEY_STORE_MAX_KEYS; i++) {
        (void)snprintf(bad, sizeof(bad), "http://127.0.0.1:1/%d.pem", i);
        KEY_WAIT(key_ask(store, key, bad) == KEY_UNKNOWN);
    }
    assert_int_equal(key_ask(store, key, url), KEY_RIGHT);
    key_store_close(store);
    http_peer_stop(&peer);
}

static void a_visit_is_one_get(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf certificate;
    struct http_peer peer = {
            .replies = {{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", PEER_CLOSE},
                        {.then = PEER_CLOSE}}};
    struct key_store *store = open_certificates(true);
    char url[128], certificate_url[128];

    (void)state;
    mu_buf_init(&certificate, TEST_TEXT_MAX);
    say_certificate(&certificate, key, 3600);
    peer.replies[1].bytes = certificate.data;
    http_peer_start(&peer);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/?Action=Confirm&Token=t", peer.port);
    (void)snprintf(certificate_url, sizeof(certificate_url), "http://127.0.0.1:%d/a.pem",
                   peer.port);
    key_store_visit(store, url);
    KEY_WAIT(key_ask(store, key, certificate_url) == KEY_RIGHT); /* asked for behind it */
    key_store_close(store);
    http_peer_stop(&peer);
    assert_int_equal(peer.request_count, 2);
    assert_non_null(strstr(peer.requests[0], "GET /?Action=Confirm&Token=t HTTP/1.1\r\n"));
}

/* ---- the ring ---- */

static void sources_with_one_place_of_keys_share_a_store(void **state)
{
    char path[64], second_path[64];
    struct auth_rule rules[] = {{.kind = SOURCE_AUTH_JWT}, {.kind = SOURCE_AUTH_BEARER},
                                {.kind = SOURCE_AUTH_JWT}, {.kind = SOURCE_AUTH_SNS},
                                {.kind = SOURCE_AUTH_SNS}, {.kind = SOURCE_AUTH_JWT}};
    struct source_config sources[] = {{.name = "a", .rules = rules, .rule_count = 3},
                                      {.name = "b", .rules = rules + 3, .rule_count = 3}};
    struct key_ring *ring = NULL;
    struct mu_error err;

    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/test_key_ring.%d", (int)getpid());
    (void)snprintf(second_path, sizeof(second_path), "/tmp/test_key_ring.%d.b", (int)getpid());
    key_set_write(path, key, "one");
    key_set_write(second_path, key, "one");
    rules[0].key_config.jwks_file = rules[2].key_config.jwks_file = path;
    rules[5].key_config.jwks_file = second_path;
    rules[4].key_config.private_network = true;
    assert_int_equal(key_ring_open(sources, 2, NULL, &ring, &err), MU_OK);
    assert_non_null(rules[0].keys);
    assert_null(rules[1].keys);
    assert_ptr_equal(rules[0].keys, rules[2].keys);
    assert_ptr_not_equal(rules[3].keys, rules[4].keys);
    assert_ptr_not_equal(rules[0].keys, rules[5].keys);
    key_ring_close(ring);
    (void)unlink(second_path);
    ring = NULL;
    assert_int_equal(key_ring_open(sources, 2, NULL, &ring, &err), MU_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "source 'b'"));
    assert_null(ring);
    (void)unlink(path);
}

static void a_ring_that_follows_shares_what_was_fetched_and_reads_files_again(void **state)
{
    char path[64];
    struct auth_rule before_rules[] = {{.kind = SOURCE_AUTH_SNS}, {.kind = SOURCE_AUTH_JWT}};
    struct auth_rule after_rules[] = {{.kind = SOURCE_AUTH_SNS}, {.kind = SOURCE_AUTH_JWT}};
    struct source_config before = {.name = "a", .rules = before_rules, .rule_count = 2};
    struct source_config after = {.name = "a", .rules = after_rules, .rule_count = 2};
    struct key_ring *first = NULL, *second = NULL;
    struct mu_error err;

    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/test_key_ring.%d.c", (int)getpid());
    key_set_write(path, key, "one");
    before_rules[1].key_config.jwks_file = after_rules[1].key_config.jwks_file = path;
    assert_int_equal(key_ring_open(&before, 1, NULL, &first, &err), MU_OK);
    assert_int_equal(key_ring_open(&after, 1, first, &second, &err), MU_OK);
    assert_ptr_equal(before_rules[0].keys, after_rules[0].keys);
    assert_ptr_not_equal(before_rules[1].keys, after_rules[1].keys);
    key_ring_close(first);
    assert_int_equal(key_ask(after_rules[1].keys, key, "one"), KEY_RIGHT);
    key_ring_close(second);
    (void)unlink(path);
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
            cmocka_unit_test(sources_with_one_place_of_keys_share_a_store),
            cmocka_unit_test(a_ring_that_follows_shares_what_was_fetched_and_reads_files_again),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}

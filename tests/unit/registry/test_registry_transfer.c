#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "blob_in_one_go.h"
#include "http_peer.h"
#include "registry/registry_transfer.h"
#include "registry_peer.h"

enum { BLOB_BYTES = 400000 };

struct fixture {
    struct registry_peer peer;
    struct mu_registry_access access;
    struct mu_registry_client *client;
    struct peer_route *route;
    char *blob;
    struct mu_buf bytes;
    char digest[MU_DIGEST_TEXT_SIZE];
    struct mu_error err;
    size_t takes_at_most;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    registry_peer_listen(&f->peer);
    mu_buf_init(&f->bytes, 1 << 20);
    f->blob = malloc(BLOB_BYTES);
    for (size_t i = 0; i < BLOB_BYTES; i++)
        f->blob[i] = (char)(i * 7 + i / 251);
    f->route = registry_peer_add(&f->peer, "blobs", f->blob, BLOB_BYTES, f->digest);
    f->route->ranges = true;
    f->takes_at_most = SIZE_MAX;
    (void)snprintf(f->access.url, sizeof(f->access.url), "http://127.0.0.1:%d", f->peer.port);
    assert_int_equal(mu_registry_client_new(&f->access, "team/app", 20000, &f->client, &f->err),
                     MU_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    mu_registry_client_free(f->client);
    registry_peer_clear(&f->peer);
    mu_buf_done(&f->bytes);
    free(f->blob);
    free(f);
    return 0;
}

static enum mu_status take(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct fixture *f = opaque;

    if (f->bytes.len + len > f->takes_at_most)
        return mu_fail(err, MU_E_UNAVAILABLE, "enough");
    mu_buf_append(&f->bytes, bytes, len);
    return MU_OK;
}

static enum mu_status fetch(struct fixture *f)
{
    const struct mu_registry_blob blob = {.digest = f->digest, .size_bytes = BLOB_BYTES};
    enum mu_status st;

    registry_peer_start(&f->peer);
    st = blob_in_one_go(f->client, &blob, take, f, &f->err);
    registry_peer_stop(&f->peer);
    return st;
}

static void expect_whole(const struct fixture *f)
{
    assert_int_equal(f->bytes.len, BLOB_BYTES);
    assert_memory_equal(f->bytes.data, f->blob, BLOB_BYTES);
}

static void expect_says(const struct fixture *f, const char *word)
{
    if (!strstr(f->err.message, word))
        fail_msg("'%s' does not say '%s'", f->err.message, word);
}

static void a_blob_that_is_cut_off_goes_on_where_it_ended(void **state)
{
    struct fixture *f = *state;

    f->route->cut = 100000;
    f->route->cut_times = 1;
    assert_int_equal(fetch(f), MU_OK);
    expect_whole(f);
    assert_int_equal(f->route->hits, 2);
    assert_int_equal(f->route->ranged, 1);
}

static void a_blob_may_be_cut_off_more_than_once(void **state)
{
    struct fixture *f = *state;

    f->route->cut = 100000;
    f->route->cut_times = 3;
    assert_int_equal(fetch(f), MU_OK);
    expect_whole(f);
    assert_int_equal(f->route->ranged, 3);
}

static void a_registry_without_ranges_sends_it_again_and_the_beginning_is_passed_over(void **state)
{
    struct fixture *f = *state;

    f->route->ranges = false;
    f->route->cut = 1;
    f->route->cut_times = 1;
    assert_int_equal(fetch(f), MU_OK);
    expect_whole(f);
    assert_int_equal(f->route->hits, 2);
}

static void a_range_from_another_place_is_refused(void **state)
{
    struct fixture *f = *state;

    f->route->cut = 100000;
    f->route->range_lie = 1;
    assert_int_equal(fetch(f), MU_E_CONFLICT);
    expect_says(f, "from 299999 on, not from the 300000");
}

static void a_part_that_nobody_asked_for_is_refused(void **state)
{
    struct fixture *f = *state;

    f->route->status = 206;
    assert_int_equal(fetch(f), MU_E_CONFLICT);
    assert_int_equal(f->bytes.len, 0);
}

static void wrong_bytes_after_the_cut_do_not_pass(void **state)
{
    struct fixture *f = *state;

    f->route->body[BLOB_BYTES - 1] ^= 1;
    f->route->cut = 100000;
    f->route->cut_times = 1;
    assert_int_equal(fetch(f), MU_E_CONFLICT);
    expect_says(f, "hashes to");
}

static void a_registry_that_does_not_get_on_is_given_up(void **state)
{
    struct fixture *f = *state;

    f->route->ranges = false; /* every time from the beginning, never further */
    f->route->cut = 100000;
    assert_int_equal(fetch(f), MU_E_UNAVAILABLE);
    expect_says(f, "cut off after 300000 of 400000 bytes and continued 3 times");
    assert_int_equal(f->route->hits, 4);
}

static void what_nobody_wants_any_more_is_not_asked_for_again(void **state)
{
    struct fixture *f = *state;

    f->takes_at_most = 100;
    assert_int_equal(fetch(f), MU_E_UNAVAILABLE);
    expect_says(f, "enough");
    assert_int_equal(f->route->hits, 1);
}

/* Some bytes, then silence, then an answer to the next request that is the same. */
static void a_registry_that_trickles_is_unavailable_and_named(void **state)
{
    static const char drop[] = "HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\nabc";
    struct fixture *f = *state;
    struct http_peer peer = {.replies = {{drop, PEER_HOLD}}};
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    const struct mu_registry_blob blob = {.digest = f->digest, .size_bytes = BLOB_BYTES};

    http_peer_start(&peer);
    (void)snprintf(f->access.url, sizeof(f->access.url), "http://127.0.0.1:%d", peer.port);
    f->access.stall_timeout_ms = 1000;
    assert_int_equal(mu_registry_client_new(&f->access, "team/app", 20000, &client, &f->err),
                     MU_OK);
    assert_int_equal(blob_in_one_go(client, &blob, take, f, &f->err), MU_E_UNAVAILABLE);
    http_peer_stop(&peer);
    expect_says(f, "cut off after 3 of 400000 bytes");
    expect_says(f, "slow");
    registry_peer_start(&f->peer);
    registry_peer_stop(&f->peer);
}

static void another_registry_takes_over_where_the_first_ended(void **state)
{
    struct fixture *f = *state;
    MU_AUTO_DONE(mu_registry_transfer_done) struct mu_registry_transfer transfer;
    const struct mu_registry_blob blob = {.digest = f->digest, .size_bytes = BLOB_BYTES};
    struct http_peer first = {
            .replies = {{"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n", PEER_CLOSE},
                        {"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n", PEER_CLOSE}}};
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;

    http_peer_start(&first);
    (void)snprintf(f->access.url, sizeof(f->access.url), "http://127.0.0.1:%d", first.port);
    assert_int_equal(mu_registry_client_new(&f->access, "team/app", 20000, &client, &f->err),
                     MU_OK);
    mu_registry_transfer_init(&transfer, &blob, take, f);
    assert_int_equal(mu_registry_transfer_run(&transfer, client, &f->err), MU_E_UNAVAILABLE);
    http_peer_stop(&first);
    registry_peer_start(&f->peer);
    assert_int_equal(mu_registry_transfer_run(&transfer, f->client, &f->err), MU_OK);
    registry_peer_stop(&f->peer);
    expect_whole(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_blob_that_is_cut_off_goes_on_where_it_ended),
            TEST(a_blob_may_be_cut_off_more_than_once),
            TEST(a_registry_without_ranges_sends_it_again_and_the_beginning_is_passed_over),
            TEST(a_range_from_another_place_is_refused),
            TEST(a_part_that_nobody_asked_for_is_refused),
            TEST(wrong_bytes_after_the_cut_do_not_pass),
            TEST(a_registry_that_does_not_get_on_is_given_up),
            TEST(what_nobody_wants_any_more_is_not_asked_for_again),
            TEST(a_registry_that_trickles_is_unavailable_and_named),
            TEST(another_registry_takes_over_where_the_first_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "image/image_scan.h"
#include "image_build.h"
#include "image_limits.h"
#include "source/referrer_kind.h"

struct fixture {
    struct registry_peer origin, mirror;
    struct registry_book *book;
    struct mu_arena *arena;
    struct image_analysis image;
    struct mu_error err;
    char digest[MU_DIGEST_TEXT_SIZE];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char json[512];

    registry_peer_listen(&f->origin);
    registry_peer_listen(&f->mirror);
    (void)snprintf(json, sizeof(json),
                   "{\"registries\":[{\"host\":\"reg.example\",\"url\":\"http://127.0.0.1:%d\","
                   "\"mirrors\":[\"http://127.0.0.1:%d/\"]}]}",
                   f->origin.port, f->mirror.port);
    assert_int_equal(registry_book_parse(json, strlen(json), &f->book, &f->err), MU_OK);
    f->arena = mu_arena_new(IMAGE_ARENA_MAX_BYTES);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    registry_book_free(f->book);
    registry_peer_clear(&f->origin);
    registry_peer_clear(&f->mirror);
    mu_arena_free(f->arena);
    free(f);
    return 0;
}

static void analyze(struct fixture *f)
{
    MU_AUTO(layer_engine) struct layer_engine *engine = image_limits_engine();

    registry_peer_start(&f->origin);
    registry_peer_start(&f->mirror);
    assert_int_equal(image_analyze(f->book, IMAGE_BUILD_REPOSITORY, f->digest,
                                   &image_limits_default, engine, f->arena, &f->image, &f->err),
                     MU_OK);
    registry_peer_stop(&f->origin);
    registry_peer_stop(&f->mirror);
}

static void expect_complete(struct fixture *f)
{
    analyze(f);
    if (f->image.failure_count > 0)
        fail_msg("%s", f->image.failures[0].message);
    assert_int_equal(f->image.package_count, 1);
}

static unsigned hits_of(const struct registry_peer *peer)
{
    unsigned hits = 0;

    for (size_t i = 0; i < peer->route_count; i++)
        hits += peer->routes[i].hits;
    return hits;
}

static void build(struct fixture *f, struct registry_peer *peer)
{
    (void)image_build_simple(peer, image_build_debian, image_build_status, f->digest);
}

static void what_the_mirror_has_the_registry_is_not_asked_for(void **state)
{
    struct fixture *f = *state;

    build(f, &f->mirror);
    build(f, &f->origin);
    expect_complete(f);
    assert_true(hits_of(&f->mirror) >= 3);
    assert_int_equal(hits_of(&f->origin), 0);
}

static void what_the_mirror_lacks_the_registry_gives(void **state)
{
    struct fixture *f = *state;

    build(f, &f->origin);
    build(f, &f->mirror);
    f->mirror.routes[0].off = true; /* the layer */
    expect_complete(f);
    assert_int_equal(f->origin.routes[0].hits, 1);
}

static void a_mirror_that_fails_is_passed_over(void **state)
{
    struct fixture *f = *state;

    build(f, &f->origin);
    build(f, &f->mirror);
    for (size_t i = 0; i < f->mirror.route_count; i++)
        f->mirror.routes[i].status = 500;
    expect_complete(f);
}

static void a_mirror_that_lies_about_a_manifest_is_passed_over(void **state)
{
    struct fixture *f = *state;

    build(f, &f->origin);
    build(f, &f->mirror);
    f->mirror.routes[2].body[1] = 'X';
    expect_complete(f);
}

/* Bytes that were handed on cannot be taken back. */
static void a_mirror_that_lies_about_a_blob_is_found_out(void **state)
{
    struct fixture *f = *state;

    build(f, &f->mirror);
    build(f, &f->origin);
    f->mirror.routes[0].body[600] ^= 1;
    analyze(f);
    assert_int_equal(f->image.failure_count, 1);
    assert_string_equal(f->image.failures[0].code, "digest_mismatch");
}

static void a_mirror_that_is_cut_off_for_good_is_taken_over_in_the_middle(void **state)
{
    struct fixture *f = *state;

    build(f, &f->mirror);
    build(f, &f->origin);
    f->mirror.routes[0].cut = 1000;
    f->origin.routes[0].ranges = true;
    expect_complete(f);
    assert_int_equal(f->origin.routes[0].ranged, 1);
}

static void the_registrys_own_error_is_told(void **state)
{
    struct fixture *f = *state;

    mu_sha256_text("x", 1, f->digest);
    analyze(f);
    assert_string_equal(f->image.failures[0].code, "manifest_missing");
}

static enum mu_status resolve(struct fixture *f, char ret_digest[MU_DIGEST_TEXT_SIZE])
{
    MU_AUTO(image_source) struct image_source *source = NULL;
    enum mu_status st;

    assert_int_equal(
            image_source_open_registry(f->book, IMAGE_BUILD_REPOSITORY, 20000, &source, &f->err),
            MU_OK);
    registry_peer_start(&f->origin);
    registry_peer_start(&f->mirror);
    st = image_source_resolve(source, "1", ret_digest, &f->err);
    registry_peer_stop(&f->origin);
    registry_peer_stop(&f->mirror);
    return st;
}

static void a_tag_is_the_registrys_to_say(void **state)
{
    struct fixture *f = *state;
    char digest[MU_DIGEST_TEXT_SIZE], expected[MU_DIGEST_TEXT_SIZE];

    (void)registry_peer_route(&f->origin, "/v2/team/app/manifests/1", "new", 3);
    (void)registry_peer_route(&f->mirror, "/v2/team/app/manifests/1", "old", 3);
    mu_sha256_text("new", 3, expected);
    assert_int_equal(resolve(f, digest), MU_OK);
    assert_string_equal(digest, expected);
}

static void a_tag_comes_from_the_mirror_when_the_registry_is_down(void **state)
{
    struct fixture *f = *state;
    char digest[MU_DIGEST_TEXT_SIZE], expected[MU_DIGEST_TEXT_SIZE];

    registry_peer_route(&f->origin, "/v2/team/app/manifests/1", "new", 3)->status = 502;
    (void)registry_peer_route(&f->mirror, "/v2/team/app/manifests/1", "old", 3);
    mu_sha256_text("old", 3, expected);
    assert_int_equal(resolve(f, digest), MU_OK);
    assert_string_equal(digest, expected);
}

static void a_tag_nobody_knows_is_not_found(void **state)
{
    struct fixture *f = *state;
    char digest[MU_DIGEST_TEXT_SIZE] = "untouched";

    assert_int_equal(resolve(f, digest), MU_E_NOT_FOUND);
    assert_string_equal(digest, "untouched");
}

/* ---- referrers ---- */

static void with_referrers(struct fixture *f, const char *json)
{
    struct peer_route *route;
    char path[256];

    (void)snprintf(path, sizeof(path), "/v2/team/app/referrers/%s", f->digest);
    route = registry_peer_route(&f->origin, path, json, strlen(json));
    (void)snprintf(route->headers, sizeof(route->headers),
                   "Content-Type: " IMAGE_BUILD_INDEX "\r\n");
}

#define DIGEST_1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static void what_refers_to_an_image_is_recorded_once(void **state)
{
    struct fixture *f = *state;
    struct peer_route *route;
    char path[256];

    build(f, &f->origin);
    with_referrers(f, "{\"manifests\":[{\"digest\":\"" DIGEST_1
                      "\",\"size\":1,\"artifactType\":\"application/vnd.cyclonedx+json\"},"
                      "{\"digest\":\"" DIGEST_1 "\",\"size\":1}]}");
    (void)snprintf(path, sizeof(path), "/v2/team/app/manifests/sha256-%s.sig", f->digest + 7);
    route = registry_peer_route(&f->origin, path, "sig", 3);
    (void)snprintf(route->headers, sizeof(route->headers), "Docker-Content-Digest: %s\r\n",
                   f->digest);
    expect_complete(f);
    assert_null(f->image.referrers_error);
    assert_int_equal(f->image.referrer_count, 2);
    assert_string_equal(f->image.referrers[0].digest, DIGEST_1);
    assert_string_equal(f->image.referrers[0].artifact_type, "application/vnd.cyclonedx+json");
    assert_string_equal(f->image.referrers[0].how, "api");
    assert_string_equal(f->image.referrers[1].how, "cosign");
    assert_string_equal(referrer_kind(f->image.referrers[1].artifact_type), "signature");
}

static void a_list_that_makes_no_sense_leaves_the_scan_complete(void **state)
{
    struct fixture *f = *state;

    build(f, &f->origin);
    with_referrers(f, "{\"manifests\":7}");
    expect_complete(f);
    assert_int_equal(f->image.referrer_count, 0);
    assert_non_null(strstr(f->image.referrers_error, "list of referrers"));
}

static void artifacts_are_told_apart_by_their_type(void **state)
{
    static const char *const cases[][2] = {
            {"application/spdx+json", "sbom"},
            {"application/vnd.cyclonedx+json", "sbom"},
            {"application/vnd.dev.cosign.artifact.sbom.v1+json", "sbom"},
            {"application/vnd.cncf.notary.signature", "signature"},
            {"application/vnd.dev.cosign.artifact.sig.v1+json", "signature"},
            {"application/vnd.dev.sigstore.bundle.v0.3+json", "signature"},
            {"application/vnd.in-toto+json", "attestation"},
            {"application/vnd.dev.cosign.artifact.att.v1+json", "attestation"},
            {"application/vnd.example.scan", "other"},
            {"", "other"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(referrer_kind(cases[i][0]), cases[i][1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(what_the_mirror_has_the_registry_is_not_asked_for),
            TEST(what_the_mirror_lacks_the_registry_gives),
            TEST(a_mirror_that_fails_is_passed_over),
            TEST(a_mirror_that_lies_about_a_manifest_is_passed_over),
            TEST(a_mirror_that_lies_about_a_blob_is_found_out),
            TEST(a_mirror_that_is_cut_off_for_good_is_taken_over_in_the_middle),
            TEST(the_registrys_own_error_is_told),
            TEST(a_tag_is_the_registrys_to_say),
            TEST(a_tag_comes_from_the_mirror_when_the_registry_is_down),
            TEST(a_tag_nobody_knows_is_not_found),
            TEST(what_refers_to_an_image_is_recorded_once),
            TEST(a_list_that_makes_no_sense_leaves_the_scan_complete),
            cmocka_unit_test(artifacts_are_told_apart_by_their_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image_stage.h"

/* ---- manifests ---- */

static void a_manifest_of_100_mb_is_refused_in_little_memory(void **state)
{
    struct fixture *f = *state;
    size_t len = 100 * 1000 * 1000;
    char *json = malloc(len);

    memset(json, ' ', len);
    memcpy(json, "{\"schemaVersion\":2", 18);
    json[len - 1] = '}';
    (void)image_build_manifest_bytes(&f->peer, json, len, IMAGE_BUILD_MANIFEST, f->digest);
    free(json);
    analyze(f);
    expect_failure(f, "limit", "manifest");
    expect_memory_below(f, 24);
}

static void a_deeply_nested_manifest_is_refused(void **state)
{
    enum { DEPTH = 1000000 };
    struct fixture *f = *state;
    char *json = malloc(DEPTH);

    memset(json, '[', DEPTH);
    (void)image_build_manifest_bytes(&f->peer, json, DEPTH, IMAGE_BUILD_MANIFEST, f->digest);
    free(json);
    analyze(f);
    expect_failure(f, "limit", "manifest");
    expect_memory_below(f, 16);
}

static void manifests_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *json, *media_type, *code, *word;
    } rows[] = {
            {"", IMAGE_BUILD_MANIFEST, "unsupported", "manifest"},
            {"{\"schemaVersion\":2,", IMAGE_BUILD_MANIFEST, "unsupported", "manifest"},
            {"\xff\xfe{}", IMAGE_BUILD_MANIFEST, "unsupported", "manifest"},
            {"[]", IMAGE_BUILD_MANIFEST, "unsupported", "manifest"},
            {"{\"schemaVersion\":1}", IMAGE_BUILD_MANIFEST, "unsupported", "schema 1"},
            {"{\"schemaVersion\":2}", "text/html", "unsupported", "text/html"},
            {"{\"schemaVersion\":2,\"mediaType\":\"application/x-odd\"}", IMAGE_BUILD_MANIFEST,
             "unsupported", "application/x-odd"},
            {"{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_BUILD_INDEX "\",\"manifests\":[]}",
             IMAGE_BUILD_MANIFEST, "unsupported", "says it is"},
            {"{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", IMAGE_BUILD_INDEX,
             "unsupported", "members of a manifest"},
            {"{\"schemaVersion\":2,\"layers\":[]}", IMAGE_BUILD_MANIFEST, "unsupported",
             "without config"},
            {"{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:x\",\"size\":1}}",
             IMAGE_BUILD_MANIFEST, "unsupported", "digest"},
            {"{\"schemaVersion\":2,\"config\":{\"size\":-1,\"digest\":\"sha256:"
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}",
             IMAGE_BUILD_MANIFEST, "unsupported", "size"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture *f;
        void *own = NULL;

        (void)set_up(&own);
        f = own;
        push_manifest(f, rows[i].json, rows[i].media_type);
        analyze(f);
        expect_failure(f, rows[i].code, rows[i].word);
        assert_false(f->image.failures[0].retryable);
        (void)tear_down(&own);
    }
}

static void push_many_layers(struct fixture *f, size_t count)
{
    layer_build_end(&f->tar);
    for (size_t i = 0; i < count; i++) {
        const char *comma = i > 0 ? "," : "";

        mu_buf_printf(&f->build.layers,
                      "%s{\"mediaType\":\"" IMAGE_BUILD_TAR
                      "\",\"digest\":\"sha256:%064zu\",\"size\":1024}",
                      comma, i);
        mu_buf_printf(&f->build.diff_ids, "%s\"sha256:%064zu\"", comma, i);
    }
    (void)image_build_finish(&f->build, f->digest);
}

static void more_layers_than_allowed_are_refused_before_any_is_fetched(void **state)
{
    struct fixture *f = *state;

    push_many_layers(f, 513);
    analyze(f);
    expect_failure(f, "limit", "513 layers, more than 512");
    assert_int_equal(f->image.failure_count, 1);
    assert_int_equal(f->image.layer_count, 513);
}

static void thousands_of_layers_are_refused(void **state)
{
    struct fixture *f = *state;

    push_many_layers(f, 5000);
    analyze(f);
    expect_failure(f, "limit", "layers");
    expect_memory_below(f, 16);
}

static void a_config_too_large_is_refused_unseen(void **state)
{
    struct fixture *f = *state;
    char json[1024];

    (void)snprintf(json, sizeof(json),
                   "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" IMAGE_BUILD_CONFIG
                   "\",\"digest\":\"sha256:%064d\",\"size\":9000000},\"layers\":[]}",
                   7);
    push_manifest(f, json, IMAGE_BUILD_MANIFEST);
    analyze(f);
    expect_failure(f, "limit", "a config of 9000000 bytes");
}

static void a_layer_kept_elsewhere_is_not_fetched(void **state)
{
    struct fixture *f = *state;

    mu_buf_printf(&f->build.layers,
                  "{\"mediaType\":\"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip\","
                  "\"digest\":\"sha256:%064d\",\"size\":1,\"urls\":[\"https://elsewhere/x\"]}",
                  7);
    mu_buf_puts(&f->build.diff_ids, "\"sha256:x\"");
    (void)image_build_finish(&f->build, f->digest);
    analyze(f);
    expect_failure(f, "unsupported", "kept elsewhere");
}

/* ---- indexes and artifacts ---- */

static void an_index_of_indexes_is_told_and_not_followed(void **state)
{
    struct fixture *f = *state;
    char json[2048], inner[MU_DIGEST_TEXT_SIZE];
    struct peer_route *route =
            image_build_manifest_bytes(&f->peer, "{}", 2, IMAGE_BUILD_INDEX, inner);

    (void)snprintf(json, sizeof(json),
                   "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_BUILD_INDEX
                   "\",\"manifests\":[{\"mediaType\":\"" IMAGE_BUILD_INDEX
                   "\",\"digest\":\"%s\",\"size\":2},{\"mediaType\":\"" IMAGE_BUILD_INDEX
                   "\",\"digest\":\"%s\",\"size\":2},{\"mediaType\":\"application/x-odd\","
                   "\"digest\":\"sha256:%064d\",\"size\":1},{\"mediaType\":\"" IMAGE_BUILD_MANIFEST
                   "\",\"digest\":\"sha256:%064d\",\"size\":1,\"platform\":{\"os\":\"unknown\","
                   "\"architecture\":\"unknown\"}}]}",
                   inner, inner, 1, 2);
    push_manifest(f, json, IMAGE_BUILD_INDEX);
    analyze(f);
    expect_complete(f, 0);
    assert_int_equal(f->image.kind, MU_DIGEST_KIND_INDEX);
    assert_int_equal(f->image.child_count, 4);
    assert_int_equal(f->image.children[0].kind, MU_DIGEST_KIND_INDEX);
    assert_int_equal(f->image.children[2].kind, MU_DIGEST_KIND_UNKNOWN);
    assert_int_equal(f->image.children[3].kind, MU_DIGEST_KIND_ATTESTATION);
    assert_int_equal(route->hits, 0);
}

static void an_index_of_too_many_manifests_is_refused(void **state)
{
    struct fixture *f = *state;

    mu_buf_puts(&f->packed, "{\"schemaVersion\":2,\"manifests\":[");
    for (int i = 0; i < 257; i++)
        mu_buf_printf(&f->packed,
                      "%s{\"mediaType\":\"" IMAGE_BUILD_MANIFEST
                      "\",\"digest\":\"sha256:%064d\",\"size\":1}",
                      i > 0 ? "," : "", i);
    mu_buf_puts(&f->packed, "]}");
    push_manifest(f, f->packed.data, IMAGE_BUILD_INDEX);
    analyze(f);
    expect_failure(f, "limit", "manifests");
}

static void an_artifact_is_no_image(void **state)
{
    struct fixture *f = *state;

    f->build.config_type = "application/vnd.cncf.helm.config.v1+json";
    (void)image_build_finish(&f->build, f->digest);
    analyze(f);
    expect_complete(f, 0);
    assert_int_equal(f->image.kind, MU_DIGEST_KIND_ATTESTATION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_manifest_of_100_mb_is_refused_in_little_memory),
            TEST(a_deeply_nested_manifest_is_refused),
            cmocka_unit_test(manifests_that_are_none_are_refused),
            TEST(more_layers_than_allowed_are_refused_before_any_is_fetched),
            TEST(thousands_of_layers_are_refused),
            TEST(a_config_too_large_is_refused_unseen),
            TEST(a_layer_kept_elsewhere_is_not_fetched),
            TEST(an_index_of_indexes_is_told_and_not_followed),
            TEST(an_index_of_too_many_manifests_is_refused),
            TEST(an_artifact_is_no_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive_build.h"
#include "base/text.h"
#include "image/image_scan.h"
#include "image_limits.h"
#include "source/local_source.h"

#include <sys/stat.h>

struct fixture {
    struct mu_buf tar;
    char folder[64], path[128];
    struct image_source *source;
    struct local_target target;
    struct mu_arena *arena;
    struct image_analysis image;
    char digest[MU_DIGEST_TEXT_SIZE], descriptor[1024];
    struct mu_error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    mu_buf_init(&f->tar, ARCHIVE_BUILD_MAX);
    f->arena = mu_arena_new(IMAGE_ARENA_MAX_BYTES);
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-local-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/My_App.tar", f->folder);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    image_source_free(f->source);
    (void)unlink(f->path);
    (void)rmdir(f->folder);
    mu_arena_free(f->arena);
    mu_buf_done(&f->tar);
    free(f);
    return 0;
}

static enum mu_status open_archive(struct fixture *f, const char *image)
{
    assert_int_equal(mu_file_write_atomic(f->path, f->tar.data, f->tar.len, &f->err), MU_OK);
    return local_source_open(f->path, image, &f->source, &f->target, &f->err);
}

static void expect_open(struct fixture *f, const char *image)
{
    if (open_archive(f, image) != MU_OK)
        fail_msg("%s", f->err.message);
}

static void expect_refused(struct fixture *f, const char *image, enum mu_status st,
                           const char *word)
{
    assert_int_equal(open_archive(f, image), st);
    assert_null(f->source);
    if (!strstr(f->err.message, word))
        fail_msg("'%s' does not say '%s'", f->err.message, word);
}

static void analyze(struct fixture *f)
{
    MU_AUTO(layer_engine) struct layer_engine *engine = image_limits_engine();

    assert_int_equal(image_analyze_from(f->source, f->target.reference.repository,
                                        f->target.reference.digest, &image_limits_default, engine,
                                        f->arena, &f->image, &f->err),
                     MU_OK);
}

static void expect_complete(struct fixture *f)
{
    analyze(f);
    if (f->image.failure_count > 0)
        fail_msg("%s", f->image.failures[0].message);
    assert_int_equal(f->image.kind, MU_DIGEST_KIND_MANIFEST);
    assert_int_equal(f->image.package_count, 1);
    assert_string_equal(f->image.packages[0].name, "libssl3");
    assert_string_equal(f->image.authentication, "local");
}

static void expect_failure(struct fixture *f, const char *code, const char *word)
{
    analyze(f);
    assert_int_equal(f->image.failure_count, 1);
    assert_string_equal(f->image.failures[0].code, code);
    if (!strstr(f->image.failures[0].message, word))
        fail_msg("'%s' does not say '%s'", f->image.failures[0].message, word);
}

/* index.json with one image; `more` goes into its descriptor. */
static void build_layout(struct fixture *f, const char *more)
{
    archive_build_image(&f->tar, "amd64", f->descriptor, sizeof(f->descriptor), f->digest);
    (void)snprintf(f->descriptor + strlen(f->descriptor),
                   sizeof(f->descriptor) - strlen(f->descriptor), "%s}", more);
    archive_build_layout(&f->tar, f->descriptor);
}

#define NAMED(name) ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" name "\"}"

static void an_oci_archive_is_read_where_it_lies(void **state)
{
    struct fixture *f = *state;

    build_layout(f, NAMED("1.0"));
    expect_open(f, NULL);
    assert_string_equal(f->target.form, "OCI image layout");
    assert_string_equal(f->target.reference.digest, f->digest);
    assert_string_equal(f->target.reference.repository, "localhost/my-app");
    assert_string_equal(f->target.reference.tag, "1.0");
    expect_complete(f);
}

static void a_whole_name_in_the_layout_is_the_images_name(void **state)
{
    struct fixture *f = *state;

    build_layout(f, NAMED("reg.example/team/app:2"));
    expect_open(f, NULL);
    assert_string_equal(f->target.reference.repository, "reg.example/team/app");
    assert_string_equal(f->target.reference.tag, "2");
}

static void an_archive_of_docker_save_is_read_by_its_links(void **state)
{
    struct fixture *f = *state;

    archive_build_saved(&f->tar, "team/app:1.0", "");
    expect_open(f, NULL);
    assert_string_equal(f->target.form, "docker save");
    assert_string_equal(f->target.reference.repository, "docker.io/team/app");
    assert_string_equal(f->target.reference.tag, "1.0");
    expect_complete(f);
    assert_string_equal(f->image.media_type,
                        "application/vnd.docker.distribution.manifest.v2+json");
}

static void the_same_archive_has_the_same_digest(void **state)
{
    struct fixture *f = *state;
    char digest[MU_OCI_DIGEST_SIZE];

    archive_build_saved(&f->tar, "team/app:1.0", "");
    expect_open(f, NULL);
    memcpy(digest, f->target.reference.digest, sizeof(digest));
    image_source_free(f->source);
    expect_open(f, "team/app:1.0");
    assert_string_equal(f->target.reference.digest, digest);
}

static void of_several_images_one_must_be_chosen(void **state)
{
    struct fixture *f = *state;

    archive_build_saved(&f->tar, "team/app:1.0",
                        ",{\"Config\":\"config.json\",\"RepoTags\":[\"team/app:2.0\"],\"Layers\":["
                        "\"l1/layer.tar\"]}");
    expect_refused(f, NULL, MU_E_INVALID, "--image=NAME: team/app:1.0, team/app:2.0");
    expect_refused(f, "team/app:3", MU_E_NOT_FOUND, "team/app:1.0, team/app:2.0");
    expect_open(f, "team/app:2.0");
    assert_string_equal(f->target.reference.tag, "2.0");
    expect_complete(f);
}

static void a_layer_that_the_archive_lacks_is_named(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "c.json", "{\"rootfs\":{\"diff_ids\":[\"sha256:x\"]}}");
    layer_build_file(&f->tar, "manifest.json",
                     "[{\"Config\":\"c.json\",\"Layers\":[\"gone/layer.tar\"]}]");
    layer_build_end(&f->tar);
    expect_refused(f, NULL, MU_E_NOT_FOUND, "gone/layer.tar");
}

static void a_listing_that_leads_out_of_the_archive_is_refused(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "manifest.json", "[{\"Config\":\"../../etc/passwd\",\"Layers\":[]}]");
    layer_build_end(&f->tar);
    expect_refused(f, NULL, MU_E_INVALID, "leads out");
}

static void layers_and_diff_ids_must_match_in_number(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "c.json", "{\"rootfs\":{\"diff_ids\":[]}}");
    layer_build_file(&f->tar, "manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[\"a\"]}]");
    layer_build_end(&f->tar);
    expect_refused(f, NULL, MU_E_INVALID, "1 layers, but 0 diff_ids");
}

static void a_layer_that_is_not_what_the_config_says_is_found_out(void **state)
{
    struct fixture *f = *state;
    char *at;

    archive_build_saved(&f->tar, "team/app:1.0", "");
    at = memmem(f->tar.data, f->tar.len, "libssl3", 7);
    assert_non_null(at);
    *at = 'X';
    expect_open(f, NULL);
    expect_failure(f, "digest_mismatch", "hashes to");
}

static void a_blob_of_the_wrong_bytes_is_found_out(void **state)
{
    struct fixture *f = *state;
    char *at;

    build_layout(f, NAMED("1"));
    at = memmem(f->tar.data, f->tar.len, "libssl3", 7);
    *at = 'X';
    expect_open(f, NULL);
    expect_failure(f, "digest_mismatch", "hashes to");
}

static void a_blob_that_the_layout_lacks_is_named(void **state)
{
    static const char missing[] =
            "{\"mediaType\":\"" IMAGE_BUILD_MANIFEST "\",\"digest\":\"sha256:"
            "0000000000000000000000000000000000000000000000000000000000000000\",\"size\":2}";
    struct fixture *f = *state;

    archive_build_layout(&f->tar, missing);
    expect_open(f, NULL);
    expect_failure(f, "manifest_missing", "is not in");
}

static void platforms_without_names_are_one_image(void **state)
{
    struct fixture *f = *state;
    char both[4096], digest[MU_DIGEST_TEXT_SIZE], descriptor[1024];

    archive_build_image(&f->tar, "amd64", f->descriptor, sizeof(f->descriptor), f->digest);
    archive_build_image(&f->tar, "arm64", descriptor, sizeof(descriptor), digest);
    (void)snprintf(both, sizeof(both), "%s},%s}", f->descriptor, descriptor);
    archive_build_layout(&f->tar, both);
    expect_open(f, NULL);
    analyze(f);
    assert_int_equal(f->image.kind, MU_DIGEST_KIND_INDEX);
    assert_int_equal(f->image.child_count, 2);
    assert_string_equal(f->image.children[1].digest, digest);
    image_source_free(f->source);
    expect_open(f, digest); /* or by its digest */
    assert_string_equal(f->target.reference.digest, digest);
}

static void what_refers_to_the_image_is_recorded_and_not_chosen(void **state)
{
    struct fixture *f = *state;
    char manifest[1024], list[4096], sbom[MU_DIGEST_TEXT_SIZE];
    size_t len;

    archive_build_image(&f->tar, "amd64", f->descriptor, sizeof(f->descriptor), f->digest);
    len = (size_t)snprintf(
            manifest, sizeof(manifest),
            "{\"schemaVersion\":2,\"artifactType\":\"application/spdx+json\",\"config\":{"
            "\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":\"%s\",\"size\":2},"
            "\"layers\":[],\"subject\":{\"mediaType\":\"" IMAGE_BUILD_MANIFEST
            "\",\"digest\":\"%s\",\"size\":9}}",
            f->digest, f->digest);
    archive_build_blob(&f->tar, manifest, len, sbom);
    (void)snprintf(list, sizeof(list),
                   "%s},{\"mediaType\":\"" IMAGE_BUILD_MANIFEST
                   "\",\"digest\":\"%s\",\"size\":%zu}",
                   f->descriptor, sbom, len);
    archive_build_layout(&f->tar, list);
    expect_open(f, NULL);
    assert_string_equal(f->target.reference.digest, f->digest);
    expect_complete(f);
    assert_int_equal(f->image.referrer_count, 1);
    assert_string_equal(f->image.referrers[0].digest, sbom);
    assert_string_equal(f->image.referrers[0].artifact_type, "application/spdx+json");
    assert_string_equal(f->image.referrers[0].how, "layout");
}

static void what_is_no_image_says_what_one_would_be(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "etc/passwd", "x");
    layer_build_end(&f->tar);
    expect_refused(f, NULL, MU_E_INVALID, "neither oci-layout and index.json");
}

static void an_archive_of_an_old_docker_says_what_to_do(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "repositories", "{}");
    layer_build_end(&f->tar);
    expect_refused(f, NULL, MU_E_INVALID, "load it and save it again");
}

static void a_compressed_archive_says_how_to_unpack_it(void **state)
{
    struct fixture *f = *state;

    layer_build_gzip("x", 1, &f->tar);
    expect_refused(f, NULL, MU_E_INVALID, "gunzip -k");
    mu_buf_reset(&f->tar);
    layer_build_zstd("x", 1, &f->tar);
    expect_refused(f, NULL, MU_E_INVALID, "zstd -d");
}

static void a_path_that_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(local_source_open("/no/such/image.tar", NULL, &f->source, &f->target, &f->err),
                     MU_E_NOT_FOUND);
    assert_int_equal(local_source_open("/dev/null", NULL, &f->source, &f->target, &f->err),
                     MU_E_INVALID);
}

/* The same bytes as a folder. */
static void a_folder_with_a_layout_is_read_too(void **state)
{
    struct fixture *f = *state;
    char command[512];
    FILE *tar;

    build_layout(f, NAMED("1.0"));
    (void)snprintf(command, sizeof(command), "tar -xf - -C %s", f->folder);
    tar = popen(command, "w");
    assert_non_null(tar);
    assert_int_equal(fwrite(f->tar.data, 1, f->tar.len, tar), f->tar.len);
    assert_int_equal(pclose(tar), 0);
    assert_int_equal(local_source_open(f->folder, NULL, &f->source, &f->target, &f->err), MU_OK);
    expect_complete(f);
    (void)snprintf(command, sizeof(command), "rm -rf %s/blobs %s/oci-layout %s/index.json",
                   f->folder, f->folder, f->folder);
    tar = popen(command, "w");
    assert_non_null(tar);
    assert_int_equal(pclose(tar), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(an_oci_archive_is_read_where_it_lies),
            TEST(a_whole_name_in_the_layout_is_the_images_name),
            TEST(an_archive_of_docker_save_is_read_by_its_links),
            TEST(the_same_archive_has_the_same_digest),
            TEST(of_several_images_one_must_be_chosen),
            TEST(a_layer_that_the_archive_lacks_is_named),
            TEST(a_listing_that_leads_out_of_the_archive_is_refused),
            TEST(layers_and_diff_ids_must_match_in_number),
            TEST(a_layer_that_is_not_what_the_config_says_is_found_out),
            TEST(a_blob_of_the_wrong_bytes_is_found_out),
            TEST(a_blob_that_the_layout_lacks_is_named),
            TEST(platforms_without_names_are_one_image),
            TEST(what_refers_to_the_image_is_recorded_and_not_chosen),
            TEST(what_is_no_image_says_what_one_would_be),
            TEST(an_archive_of_an_old_docker_says_what_to_do),
            TEST(a_compressed_archive_says_how_to_unpack_it),
            TEST(a_path_that_is_not_there_is_not_found),
            TEST(a_folder_with_a_layout_is_read_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

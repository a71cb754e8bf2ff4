#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image_stage.h"

#include <dirent.h>

/* ---- what is well ---- */

static void an_image_gives_its_packages_and_distribution(void **state)
{
    struct fixture *f = *state;

    evidence(f);
    (void)push_tar(f);
    analyze(f);
    expect_complete(f, 1);
    assert_string_equal(f->image.packages[0].name, "libssl3");
    assert_string_equal(f->image.packages[0].source_name, "openssl");
    assert_string_equal(f->image.os.version_id, "12");
    assert_string_equal(f->image.platform, "linux/amd64");
    assert_true(f->image.layers[0].scanned);
}

static void compression_is_told_by_the_bytes_not_by_the_label(void **state)
{
    struct fixture *f = *state;
    struct mu_buf packed;

    mu_buf_init(&packed, LAYER_BUILD_MAX);
    layer_build_file(&f->tar, "etc/os-release", image_build_debian);
    layer_build_end(&f->tar);
    layer_build_zstd(f->tar.data, f->tar.len, &packed);
    (void)image_build_layer(&f->build, &packed, &f->tar, IMAGE_BUILD_GZIP);
    mu_buf_reset(&f->tar);
    layer_build_file(&f->tar, "var/lib/dpkg/status", image_build_status);
    layer_build_end(&f->tar);
    layer_build_gzip(f->tar.data, f->tar.len, &f->packed);
    (void)image_build_layer(&f->build, &f->packed, &f->tar,
                            "application/vnd.oci.image.layer.v9.unheard-of");
    (void)image_build_finish(&f->build, f->digest);
    analyze(f);
    expect_complete(f, 1);
    mu_buf_done(&packed);
}

static void an_image_without_layers_is_complete(void **state)
{
    struct fixture *f = *state;

    (void)image_build_finish(&f->build, f->digest);
    analyze(f);
    expect_complete(f, 0);
}

/* Layers come by several ways at once; the answer is that of one after the other. */
static void many_layers_give_one_answer(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "etc/os-release", image_build_debian);
    for (int i = 0; i < 20; i++) {
        char path[64], text[64];

        (void)snprintf(path, sizeof(path), "var/lib/dpkg/status.d/p%02d", i / 2);
        (void)snprintf(text, sizeof(text), "Package: p%02d\nVersion: %d\n", i / 2, i);
        layer_build_file(&f->tar, path, text);
        layer_build_end(&f->tar);
        (void)image_build_layer(&f->build, &f->tar, &f->tar, IMAGE_BUILD_TAR);
        mu_buf_reset(&f->tar);
    }
    (void)image_build_finish(&f->build, f->digest);
    analyze(f);
    expect_complete(f, 10);
    for (uint32_t i = 0; i < 10; i++) {
        char version[16];

        (void)snprintf(version, sizeof(version), "%u", 2 * i + 1);
        assert_string_equal(f->image.packages[i].version, version);
        assert_int_equal(f->image.packages[i].layer_index, 2 * i + 1);
    }
}

static void engine_with_cache(struct fixture *f, const char *folder)
{
    const struct layer_engine_config config = {.isolation = LAYER_IN_PROCESS,
                                               .temp_dir = "/tmp",
                                               .cache_dir = folder,
                                               .cache_max_bytes = 1 << 30,
                                               .finders = finders,
                                               .finder_count = finder_count};

    layer_engine_free(f->engine);
    f->engine = NULL;
    assert_int_equal(layer_engine_new(&config, &f->engine, &f->err), MU_OK);
}

static void folder_remove(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL)
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    (void)closedir(folder);
    (void)rmdir(path);
}

static void a_layer_that_was_read_before_is_not_fetched(void **state)
{
    struct fixture *f = *state;
    char folder[] = "/tmp/test-image-cache-XXXXXX";
    struct peer_route *route;

    assert_non_null(mkdtemp(folder));
    engine_with_cache(f, folder);
    evidence(f);
    route = push_tar(f);
    analyze_times(f, 2);
    expect_complete(f, 1);
    assert_int_equal(route->hits, 1);
    assert_true(f->image.layers[0].scanned);
    folder_remove(folder);
}

/* The limits are those of this scan, not of the one that filled the cache. */
static void limits_hold_for_layers_from_the_cache(void **state)
{
    struct fixture *f = *state;
    char folder[] = "/tmp/test-image-cache-XXXXXX";

    assert_non_null(mkdtemp(folder));
    engine_with_cache(f, folder);
    evidence(f);
    (void)push_tar(f);
    f->later_max_entries = 1;
    analyze_times(f, 2);
    expect_failure(f, "limit", "more than 1 entries");
    folder_remove(folder);
}

/* ---- sizes ---- */

/* A gibibyte of zeros in a few kilobytes, many times over. */
static void a_gzip_bomb_ends_at_the_limit_in_little_memory(void **state)
{
    enum { MEMBER = 16 << 20, MEMBERS = 64 };
    struct fixture *f = *state;
    uint8_t header[512];
    void *zeros = calloc(1, MEMBER);
    struct mu_buf member;

    mu_buf_init(&member, MEMBER);
    layer_build_header(header, "bomb", '0', "", (uint64_t)MEMBER * MEMBERS);
    layer_build_gzip(header, sizeof(header), &f->packed);
    layer_build_gzip(zeros, MEMBER, &member);
    for (int i = 0; i < MEMBERS; i++)
        mu_buf_append(&f->packed, member.data, member.len);
    free(zeros);
    mu_buf_done(&member);
    (void)image_build_layer(&f->build, &f->packed, &f->tar, IMAGE_BUILD_GZIP);
    (void)image_build_finish(&f->build, f->digest);
    f->limits.max_layer_unpacked_bytes = (uint64_t)1 << 29;
    analyze(f);
    expect_failure(f, "limit", "layer sha256:");
    expect_failure(f, "limit", "unpacks to more than 536870912 bytes");
    assert_false(f->image.failures[0].retryable);
    expect_memory_below(f, 16);
}

static void all_layers_together_have_a_limit(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        char name[16];

        mu_buf_reset(&f->tar);
        (void)snprintf(name, sizeof(name), "file-%d", i);
        layer_build_file(&f->tar, name, "x");
        layer_build_end(&f->tar);
        (void)image_build_layer(&f->build, &f->tar, &f->tar, IMAGE_BUILD_TAR);
    }
    (void)image_build_finish(&f->build, f->digest);
    f->limits.max_image_unpacked_bytes = 2 * f->tar.len + 100;
    analyze(f);
    expect_failure(f, "limit", "unpacks to more than 100 bytes");
    assert_true(f->image.layers[1].scanned);
    assert_false(f->image.layers[2].scanned);
}

/* The header says 10 GB, the body has a few bytes: nothing is reserved for them. */
static void a_claimed_size_of_10_gb_reserves_nothing(void **state)
{
    struct fixture *f = *state;
    uint8_t header[512];

    layer_build_header(header, "etc/huge", '0', "", UINT64_C(10000000000) & 077777777777);
    header[124] = 0x80; /* base-256 */
    memset(header + 125, 0, 11);
    for (int i = 0; i < 8; i++)
        header[135 - i] = (uint8_t)(UINT64_C(10000000000) >> (8 * i));
    layer_build_checksum(header);
    mu_buf_append(&f->tar, header, sizeof(header));
    mu_buf_puts(&f->tar, "tiny");
    (void)image_build_layer(&f->build, &f->tar, &f->tar, IMAGE_BUILD_TAR);
    (void)image_build_finish(&f->build, f->digest);
    analyze(f);
    expect_failure(f, "unsupported", "tar is cut off after 1 entries");
    expect_memory_below(f, 16);
}

/* It is refused unread, by its size; then the layer ends inside of it. */
static void an_evidence_file_of_a_claimed_10_gb_reserves_nothing(void **state)
{
    struct fixture *f = *state;

    layer_build_pax(&f->tar, "size", "10000000000");
    layer_build_entry(&f->tar, "var/lib/dpkg/status", '0', "", "x", 1);
    (void)push_tar(f);
    analyze(f);
    expect_failure(f, "unsupported", "cut off");
    expect_memory_below(f, 16);
}

static void an_evidence_file_over_its_limit_is_refused_by_name(void **state)
{
    enum { SIZE = 80 << 20 };
    struct fixture *f = *state;
    char *zeros = calloc(1, SIZE);

    layer_build_entry(&f->tar, "var/lib/dpkg/status", '0', "", zeros, SIZE);
    free(zeros);
    layer_build_end(&f->tar);
    layer_build_gzip(f->tar.data, f->tar.len, &f->packed);
    (void)image_build_layer(&f->build, &f->packed, &f->tar, IMAGE_BUILD_GZIP);
    (void)image_build_finish(&f->build, f->digest);
    mu_buf_done(&f->tar);
    analyze(f);
    expect_failure(f, "limit", "var/lib/dpkg/status");
    expect_failure(f, "limit", "a file of 83886080 bytes, more than 67108864");
    expect_memory_below(f, 16);
}

static void size_fields_of_every_form_are_understood(void **state)
{
    static const char *const forms[] = {"00000000001 ", "          1\0", "1\0\0\0\0\0\0\0\0\0\0\0",
                                        "\x80\0\0\0\0\0\0\0\0\0\0\1"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        uint8_t header[512];

        layer_build_header(header, "some", '0', "", 1);
        memcpy(header + 124, forms[i], 12);
        layer_build_checksum(header);
        mu_buf_append(&f->tar, header, sizeof(header));
        layer_build_data(&f->tar, "x", 1);
    }
    evidence(f);
    (void)push_tar(f);
    analyze(f);
    expect_complete(f, 1);
}

static void size_fields_that_are_no_number_are_refused(void **state)
{
    static const char *const forms[] = {
            "0000000000x", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "-0000000001", "99999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct fixture *f;
        void *own = NULL;
        uint8_t header[512];

        (void)set_up(&own);
        f = own;
        layer_build_header(header, "odd", '0', "", 1);
        memcpy(header + 124, forms[i], 12);
        layer_build_checksum(header);
        mu_buf_append(&f->tar, header, sizeof(header));
        (void)push_tar(f);
        analyze(f);
        expect_failure(f, "unsupported", "its size is no number");
        (void)tear_down(&own);
    }
}

static void too_many_packages_are_refused(void **state)
{
    struct fixture *f = *state;

    evidence(f);
    layer_build_file(&f->tar, "var/lib/dpkg/status.d/a", "Package: a\nVersion: 1\n");
    (void)push_tar(f);
    f->limits.max_packages = 1;
    analyze(f);
    expect_failure(f, "limit", "more than 1 packages");
}

/* ---- names and links that lead out ---- */

static void names_that_climb_out_stay_inside(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "../../../etc/os-release", image_build_debian);
    layer_build_file(&f->tar, "/../var/lib/dpkg/status", image_build_status);
    (void)push_tar(f);
    analyze(f);
    expect_complete(f, 1);
}

/* The tests' own host is a Debian too: nothing of it may show up. */
static void links_that_lead_out_find_nothing_of_the_host(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "etc/os-release", image_build_debian);
    layer_build_entry(&f->tar, "var/lib/dpkg/status", '1', "../../../../../var/lib/dpkg/status", "",
                      0);
    layer_build_symlink(&f->tar, "var/lib/dpkg/status.d", "../../../../../../../../var/lib/dpkg");
    (void)push_tar(f);
    analyze(f);
    assert_int_equal(f->image.package_count, 0);
    expect_failure(f, "unsupported", "no package database");
}

static void a_symbolic_link_to_an_absolute_path_stays_inside(void **state)
{
    struct fixture *f = *state;

    layer_build_symlink(&f->tar, "etc/os-release", "/usr/lib/os-release");
    layer_build_file(&f->tar, "usr/lib/os-release", image_build_debian);
    layer_build_symlink(&f->tar, "var/lib/dpkg", "/../../opt/dpkg");
    layer_build_file(&f->tar, "opt/dpkg/status", image_build_status);
    (void)push_tar(f);
    analyze(f);
    expect_complete(f, 1);
    assert_string_equal(f->image.os.id, "debian");
}

/* The list names the file as it was before lib became a link: the owner is found all the same. */
static void a_language_package_has_the_owner_of_its_file(void **state)
{
    static const char metadata[] = "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n\n";
    struct fixture *f = *state;

    evidence(f);
    layer_build_symlink(&f->tar, "lib", "usr/lib");
    layer_build_file(&f->tar, "var/lib/dpkg/info/python3-six.list",
                     "/.\n/lib\n/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA\n");
    layer_build_file(&f->tar, "usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA",
                     metadata);
    layer_build_file(&f->tar, "opt/six-1.16.0.dist-info/METADATA", metadata);
    (void)push_tar(f);
    analyze(f);
    expect_complete(f, 3);
    assert_string_equal(f->image.packages[1].name, "six");
    assert_null(f->image.packages[1].owner);
    assert_string_equal(f->image.packages[2].owner_type, "deb");
    assert_string_equal(f->image.packages[2].owner, "python3-six");
}

/* The upper layer calls the database by a name that only the lower layer's link explains. */
static void a_database_written_through_a_lower_layers_link_is_found(void **state)
{
    struct fixture *f = *state;

    layer_build_symlink(&f->tar, "state", "var/lib");
    layer_build_file(&f->tar, "etc/os-release", image_build_debian);
    layer_build_end(&f->tar);
    (void)image_build_layer(&f->build, &f->tar, &f->tar, IMAGE_BUILD_TAR);
    mu_buf_reset(&f->tar);
    layer_build_file(&f->tar, "state/dpkg/status", image_build_status);
    (void)push_tar(f);
    analyze(f);
    expect_complete(f, 1);
    assert_string_equal(f->image.packages[0].path, "var/lib/dpkg/status");
    assert_int_equal(f->image.packages[0].layer_index, 1);
}

static void a_hard_link_in_place_of_the_database_is_read(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "backup", image_build_status);
    layer_build_entry(&f->tar, "var/lib/dpkg/status", '1', "backup", "", 0);
    layer_build_file(&f->tar, "etc/os-release", image_build_debian);
    (void)push_tar(f);
    analyze(f);
    expect_complete(f, 1);
    assert_string_equal(f->image.packages[0].path, "var/lib/dpkg/status");
}

static void symbolic_links_in_a_circle_end(void **state)
{
    struct fixture *f = *state;

    layer_build_symlink(&f->tar, "etc", "etd");
    layer_build_symlink(&f->tar, "etd", "etc");
    layer_build_symlink(&f->tar, "usr", "usr/usr/usr");
    layer_build_symlink(&f->tar, "var/lib/dpkg/status", "status");
    layer_build_file(&f->tar, "etc/os-release", image_build_debian);
    (void)push_tar(f);
    analyze(f);
    assert_int_equal(f->image.package_count, 0);
    assert_false(f->image.os.found);
}

static void a_chain_of_links_too_long_to_follow_leads_nowhere(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "etc/os-release", image_build_debian);
    layer_build_file(&f->tar, "l45", image_build_status);
    layer_build_symlink(&f->tar, "var/lib/dpkg/status", "/l0");
    for (int i = 0; i < 45; i++) {
        char from[16], to[16];

        (void)snprintf(from, sizeof(from), "l%d", i);
        (void)snprintf(to, sizeof(to), "/l%d", i + 1);
        layer_build_symlink(&f->tar, from, to);
    }
    (void)push_tar(f);
    analyze(f);
    assert_int_equal(f->image.package_count, 0);
    expect_failure(f, "unsupported", "no package database");
}

/* ---- the registry's bytes ---- */

static void a_missing_layer_is_named_and_final(void **state)
{
    struct fixture *f = *state;

    evidence(f);
    push_tar(f)->path[0] = '\0';
    analyze(f);
    expect_failure(f, "layer_missing", "layer sha256:");
    assert_false(f->image.failures[0].retryable);
    assert_int_equal(f->image.failure_count, 1);
}

static void a_missing_config_is_named(void **state)
{
    struct fixture *f = *state;

    evidence(f);
    (void)push_tar(f);
    f->peer.routes[1].path[0] = '\0';
    analyze(f);
    expect_failure(f, "layer_missing", "config");
}

static void a_missing_manifest_is_named(void **state)
{
    struct fixture *f = *state;

    mu_sha256_text("nobody", 6, f->digest);
    analyze(f);
    expect_failure(f, "manifest_missing", "manifest");
    assert_int_equal(f->image.kind, MU_DIGEST_KIND_NONE);
}

static void a_layer_with_wrong_bytes_is_not_counted(void **state)
{
    struct fixture *f = *state;
    struct peer_route *route;

    evidence(f);
    route = push_tar(f);
    memcpy(memmem(route->body, route->len, "3.0.11", 6), "3.0.99", 6);
    analyze(f);
    expect_failure(f, "digest_mismatch", "the blob hashes to");
    assert_int_equal(f->image.package_count, 0);
    assert_false(f->image.layers[0].scanned);
}

static void a_torn_layer_is_worth_another_try(void **state)
{
    struct fixture *f = *state;

    evidence(f);
    push_tar(f)->cut = 700;
    analyze(f);
    expect_failure(f, "registry_unavailable", "layer sha256:");
    assert_true(f->image.failures[0].retryable);
}

static void a_layer_shorter_than_its_manifest_says_is_a_mismatch(void **state)
{
    struct fixture *f = *state;

    evidence(f);
    push_tar(f)->len -= 600;
    analyze(f);
    expect_failure(f, "digest_mismatch", "its manifest says");
}

static void a_layer_that_is_not_the_configs_is_a_mismatch(void **state)
{
    struct fixture *f = *state;
    struct mu_buf other;

    mu_buf_init(&other, 64);
    evidence(f);
    layer_build_end(&f->tar);
    (void)image_build_layer(&f->build, &f->tar, &other, IMAGE_BUILD_TAR);
    (void)image_build_finish(&f->build, f->digest);
    analyze(f);
    expect_failure(f, "digest_mismatch", "diff_id");
    assert_int_equal(f->image.package_count, 0);
}

static void the_number_of_diff_ids_must_be_that_of_the_layers(void **state)
{
    struct fixture *f = *state;

    evidence(f);
    mu_buf_puts(&f->build.diff_ids, "\"sha256:x\",");
    (void)push_tar(f);
    analyze(f);
    expect_failure(f, "unsupported", "2 diff_ids for 1 layers");
}

/* An outage after the first layer: the packages are in the second. */
static void an_outage_in_the_middle_stays_retryable(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "etc/os-release", image_build_debian);
    layer_build_end(&f->tar);
    (void)image_build_layer(&f->build, &f->tar, &f->tar, IMAGE_BUILD_TAR);
    mu_buf_reset(&f->tar);
    layer_build_file(&f->tar, "var/lib/dpkg/status", image_build_status);
    push_tar(f)->status = 503;
    analyze(f);
    expect_failure(f, "registry_unavailable", "503");
    for (size_t i = 0; i < f->image.failure_count; i++)
        if (!f->image.failures[i].retryable)
            fail_msg("lasting: %s", f->image.failures[i].message);
}

static void after_the_deadline_no_layer_is_fetched(void **state)
{
    struct fixture *f = *state;
    struct peer_route *route;

    evidence(f);
    route = push_tar(f);
    f->limits.deadline_ms = -1; /* over before it begins */
    analyze(f);
    expect_failure(f, "limit", "takes longer");
    assert_int_equal(route->hits, 0);
}

static void a_foreign_package_database_is_not_taken_for_none(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "lib/apk/db/installed", "P:musl\n");
    (void)push_tar(f);
    analyze(f);
    expect_failure(f, "unsupported", "lib/apk/db/installed");
}

static void a_name_that_is_none_is_an_error_not_a_failure(void **state)
{
    struct fixture *f = *state;
    struct image_analysis untouched = {.package_count = 77};
    MU_AUTO(registry_book) struct registry_book *book = NULL;

    mu_sha256_text("x", 1, f->digest);
    assert_int_equal(registry_book_load(NULL, &book, &f->err), MU_OK);
    assert_int_equal(image_analyze(book, "No Such Name", f->digest, &f->limits, f->engine, f->arena,
                                   &untouched, &f->err),
                     MU_E_INVALID);
    assert_int_equal(image_analyze(book, IMAGE_BUILD_REPOSITORY, "sha256:short", &f->limits,
                                   f->engine, f->arena, &untouched, &f->err),
                     MU_E_INVALID);
    assert_int_equal(untouched.package_count, 77);
    registry_peer_start(&f->peer);
    registry_peer_stop(&f->peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(an_image_gives_its_packages_and_distribution),
            TEST(compression_is_told_by_the_bytes_not_by_the_label),
            TEST(an_image_without_layers_is_complete),
            TEST(many_layers_give_one_answer),
            TEST(a_layer_that_was_read_before_is_not_fetched),
            TEST(limits_hold_for_layers_from_the_cache),
            TEST(a_gzip_bomb_ends_at_the_limit_in_little_memory),
            TEST(all_layers_together_have_a_limit),
            TEST(a_claimed_size_of_10_gb_reserves_nothing),
            TEST(an_evidence_file_of_a_claimed_10_gb_reserves_nothing),
            TEST(an_evidence_file_over_its_limit_is_refused_by_name),
            TEST(size_fields_of_every_form_are_understood),
            cmocka_unit_test(size_fields_that_are_no_number_are_refused),
            TEST(too_many_packages_are_refused),
            TEST(names_that_climb_out_stay_inside),
            TEST(links_that_lead_out_find_nothing_of_the_host),
            TEST(a_symbolic_link_to_an_absolute_path_stays_inside),
            TEST(a_language_package_has_the_owner_of_its_file),
            TEST(a_database_written_through_a_lower_layers_link_is_found),
            TEST(a_hard_link_in_place_of_the_database_is_read),
            TEST(symbolic_links_in_a_circle_end),
            TEST(a_chain_of_links_too_long_to_follow_leads_nowhere),
            TEST(a_missing_layer_is_named_and_final),
            TEST(a_missing_config_is_named),
            TEST(a_missing_manifest_is_named),
            TEST(a_layer_with_wrong_bytes_is_not_counted),
            TEST(a_torn_layer_is_worth_another_try),
            TEST(a_layer_shorter_than_its_manifest_says_is_a_mismatch),
            TEST(a_layer_that_is_not_the_configs_is_a_mismatch),
            TEST(the_number_of_diff_ids_must_be_that_of_the_layers),
            TEST(an_outage_in_the_middle_stays_retryable),
            TEST(after_the_deadline_no_layer_is_fetched),
            TEST(a_foreign_package_database_is_not_taken_for_none),
            TEST(a_name_that_is_none_is_an_error_not_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

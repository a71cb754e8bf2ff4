#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "result/sbom.h"
#include "json/json_doc.h"

#include <string.h>
#include <unistd.h>

static const char digest_a[] =
        "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char digest_b[] =
        "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static const struct image_layer layers[] = {
        {.digest = digest_a, .media_type = "", .diff_id = digest_b, .scanned = true},
        {.digest = digest_b, .media_type = "", .scanned = true},
};

static const struct image_package packages[] = {
        {.type = "deb",
         .name = "libssl3",
         .version = "3.0.11-1~deb12u1",
         .source_name = "openssl",
         .source_version = "3.0.11-1~deb12u1",
         .architecture = "amd64",
         .vendor = "Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>",
         .path = "var/lib/dpkg/status"},
        {.type = "golang",
         .name = "github.com/gorilla/mux",
         .version = "v1.8.0",
         .layer_index = 1,
         .path = "usr/bin/tool",
         .owner_type = "deb",
         .owner = "tool"},
        {.type = "maven",
         .name = "org.slf4j:slf4j-api",
         .version = "2.0.9",
         .layer_index = 1,
         .license = "MIT License \"as is\"",
         .path = "app/app.jar",
         .inner_path = "BOOT-INF/lib/slf4j-api-2.0.9.jar"},
        {.type = "npm", .name = "@scope/a", .version = "1.0.0", .layer_index = 9},
};

struct fixture {
    struct image_analysis image;
    struct sbom sbom;
    struct raw_file file;
    struct mu_buf bytes;
    struct mu_error err;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){.file = {.fd = -1}};
    f.image = (struct image_analysis){
            .kind = MU_DIGEST_KIND_MANIFEST,
            .media_type = "application/vnd.oci.image.manifest.v1+json",
            .config_digest = digest_b,
            .platform = "linux/amd64",
            .created_at_us = 1767225600000000,
            .os = {.found = true, .id = "debian", .version_id = "12", .pretty_name = "Debian 12"},
            .layers = layers,
            .layer_count = 2,
            .packages = packages,
            .package_count = sizeof(packages) / sizeof(packages[0])};
    f.sbom = (struct sbom){.image = &f.image,
                           .repository = "registry.example/team/app",
                           .digest = digest_a,
                           .scanner_version = "0.1.0",
                           .at_us = 1769860800000000};
    mu_buf_init(&f.bytes, 1 << 20);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->file.fd >= 0)
        (void)close(f->file.fd);
    mu_buf_done(&f->bytes);
    return 0;
}

typedef enum mu_status write_fn(const struct sbom *sbom, const char *folder,
                                struct raw_file *ret_file, struct mu_error *err);

static json_t *written(struct fixture *f, write_fn *write_sbom)
{
    static const struct mu_json_limits limits = {1 << 20, 16};
    json_t *root = NULL;
    char piece[4096];
    ssize_t len;

    if (f->file.fd >= 0)
        (void)close(f->file.fd);
    mu_buf_reset(&f->bytes);
    if (write_sbom(&f->sbom, "/tmp", &f->file, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
    while ((len = read(f->file.fd, piece, sizeof(piece))) > 0)
        mu_buf_append(&f->bytes, piece, (size_t)len);
    if (mu_json_parse(f->bytes.data, f->bytes.len, &limits, &root, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
    return root;
}

/* The files are held against the official schemas by tests/schemas. */
static void same_as_the_file(struct fixture *f, write_fn *write_sbom, const char *path)
{
    struct mu_buf expected;

    mu_buf_init(&expected, 1 << 20);
    json_decref(written(f, write_sbom));
    if (mu_file_read(path, &expected, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
    assert_string_equal(f->bytes.data, expected.data);
    mu_buf_done(&expected);
}

static void cyclonedx_is_byte_for_byte_the_example(void **state)
{
    same_as_the_file(*state, cyclonedx_write, MU_TEST_DATA "/sbom/image.cyclonedx.json");
}

static void spdx_is_byte_for_byte_the_example(void **state)
{
    same_as_the_file(*state, spdx_write, MU_TEST_DATA "/sbom/image.spdx.json");
}

static void the_time_is_the_given_one_or_the_images(void **state)
{
    struct fixture *f = *state;
    json_t *root = written(f, cyclonedx_write);

    assert_string_equal(mu_json_text_at(root, "metadata.timestamp"), "2026-01-31T12:00:00.000000Z");
    json_decref(root);
    f->sbom.at_us = MU_TIME_NONE;
    root = written(f, spdx_write);
    assert_string_equal(mu_json_text_at(root, "creationInfo.created"), "2026-01-01T00:00:00Z");
    json_decref(root);
    f->image.created_at_us = MU_TIME_NONE;
    root = written(f, spdx_write);
    assert_string_equal(mu_json_text_at(root, "creationInfo.created"), "1970-01-01T00:00:00Z");
    json_decref(root);
    root = written(f, cyclonedx_write);
    assert_null(mu_json_at(root, "metadata.timestamp"));
    json_decref(root);
}

static void the_serial_number_follows_the_image_and_the_scanner(void **state)
{
    struct fixture *f = *state;
    json_t *first = written(f, cyclonedx_write), *second;

    f->sbom.at_us++;
    second = written(f, cyclonedx_write);
    assert_string_equal(mu_json_text_at(first, "serialNumber"),
                        mu_json_text_at(second, "serialNumber"));
    json_decref(second);
    f->sbom.scanner_version = "0.2.0";
    second = written(f, cyclonedx_write);
    assert_string_not_equal(mu_json_text_at(first, "serialNumber"),
                            mu_json_text_at(second, "serialNumber"));
    json_decref(second);
    json_decref(first);
}

static void an_image_not_read_whole_is_said_to_be_incomplete(void **state)
{
    static const struct image_failure failure = {"layer_missing", "layer x", "gone", false};
    struct fixture *f = *state;
    json_t *root;

    f->image.failures = &failure;
    f->image.failure_count = 1;
    root = written(f, cyclonedx_write);
    assert_string_equal(mu_json_text_at(root, "compositions.0.aggregate"), "incomplete");
    json_decref(root);
    root = written(f, spdx_write);
    assert_non_null(mu_json_text_at(root, "creationInfo.comment"));
    json_decref(root);
}

static void an_image_without_anything_is_still_a_document(void **state)
{
    struct fixture *f = *state;
    json_t *root;

    f->image = (struct image_analysis){.created_at_us = MU_TIME_NONE};
    f->sbom.digest = "sha512:00";
    root = written(f, cyclonedx_write);
    assert_int_equal(json_array_size(mu_json_at(root, "components")), 0);
    assert_null(mu_json_at(root, "metadata.component.hashes"));
    json_decref(root);
    root = written(f, spdx_write);
    assert_int_equal(json_array_size(mu_json_at(root, "packages")), 1);
    json_decref(root);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cyclonedx_write(&f->sbom, "/no/such/folder", &f->file, &f->err),
                     MU_E_UNAVAILABLE);
    assert_non_null(strstr(f->err.message, "/no/such/folder"));
    assert_int_equal(spdx_write(&f->sbom, "/no/such/folder", &f->file, &f->err), MU_E_UNAVAILABLE);
    assert_int_equal(f->file.fd, -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(cyclonedx_is_byte_for_byte_the_example),
            TEST(spdx_is_byte_for_byte_the_example),
            TEST(the_time_is_the_given_one_or_the_images),
            TEST(the_serial_number_follows_the_image_and_the_scanner),
            TEST(an_image_not_read_whole_is_said_to_be_incomplete),
            TEST(an_image_without_anything_is_still_a_document),
            TEST(a_folder_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

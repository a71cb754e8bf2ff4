#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "result/raw_scan.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char digest_a[] =
        "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char digest_b[] =
        "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
static const char digest_c[] =
        "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";

struct fixture {
    const char *uais[2];
    const char *references[1];
    struct mu_scan_request request;
    struct image_layer layers[2];
    struct image_package packages[3];
    struct image_failure failures[1];
    struct image_issue issues[2];
    struct image_note notes[1];
    struct finding findings[2], suppressed[1];
    struct match_gap gaps[1];
    struct vex_statement vex;
    struct image_analysis image;
    struct match_result match;
    struct database_facts database;
    struct raw_scan scan;
    struct raw_file file;
    struct mu_buf bytes;
    struct mu_error err;
};

static void fill_image(struct fixture *f)
{
    f->layers[0] = (struct image_layer){.digest = digest_a,
                                        .media_type = "application/vnd.oci.image.layer.v1.tar+gzip",
                                        .size_bytes = 4096,
                                        .diff_id = digest_b,
                                        .scanned = true};
    f->layers[1] = (struct image_layer){.digest = digest_c, .media_type = "", .size_bytes = 1};
    f->packages[0] = (struct image_package){.type = "deb",
                                            .name = "libssl3",
                                            .version = "3.0.11-1~deb12u1",
                                            .source_name = "openssl",
                                            .source_version = "3.0.11-1~deb12u1",
                                            .architecture = "amd64",
                                            .vendor = "Debian OpenSSL Team",
                                            .path = "var/lib/dpkg/status"};
    f->packages[1] = (struct image_package){.type = "deb",
                                            .name = "odd",
                                            .version = "1",
                                            .source_name = "odd",
                                            .source_version = "1",
                                            .layer_index = 1,
                                            .path = "var/lib/dpkg/status"};
    f->packages[2] = (struct image_package){.type = "maven",
                                            .name = "org.example:thing",
                                            .version = "1.2.3",
                                            .source_name = "org.example:thing",
                                            .source_version = "1.2.3",
                                            .license = "Apache-2.0",
                                            .layer_index = 1,
                                            .path = "usr/share/app/app.war",
                                            .inner_path = "WEB-INF/lib/all.jar!/lib/thing.jar",
                                            .owner_type = "deb",
                                            .owner = "app"};
    f->issues[0] = (struct image_issue){.check = "MUSTER-IMG-0001", .evidence = "no USER"};
    f->issues[1] = (struct image_issue){
            .check = "MUSTER-IMG-0003", .path = "usr/bin/su", .layer_index = 1, .line = 7};
    f->notes[0] = (struct image_note){"app/a.jar", "no ZIP archive"};
    f->image = (struct image_analysis){
            .kind = MU_DIGEST_KIND_MANIFEST,
            .media_type = "application/vnd.oci.image.manifest.v1+json",
            .authentication = "bearer",
            .config_digest = digest_b,
            .platform = "linux/amd64",
            .title = "web \"one\"",
            .os = {.found = true, .id = "debian", .version_id = "12", .pretty_name = "Debian\t12"},
            .layers = f->layers,
            .layer_count = 2,
            .packages = f->packages,
            .package_count = 3,
            .issues = f->issues,
            .issue_count = 2,
            .notes = f->notes,
            .note_count = 1};
}

static struct cve_facts nothing(void)
{
    return (struct cve_facts){.kev_added = "",
                              .kev_due = "",
                              .exploitation = "",
                              .automatable = "",
                              .technical_impact = "",
                              .nvd_v3 = "",
                              .cna_v3 = "",
                              .adp_v3 = "",
                              .nvd_v2 = "",
                              .any_v4 = ""};
}

static struct cve_facts known(void)
{
    struct cve_facts facts = nothing();

    facts.kev_added = "2025-01-23";
    facts.kev_due = "2025-02-13";
    facts.exploitation = "active";
    facts.automatable = "yes";
    facts.technical_impact = "total";
    facts.has_epss = true;
    facts.epss_millionths = 49190;
    facts.percentile_millionths = 1000000;
    return facts;
}

static struct severity_verdict rated(void)
{
    return (struct severity_verdict){
            .severity = SEVERITY_HIGH,
            .source = "cvss_v3",
            .rated = SEVERITY_MODERATE,
            .rated_by = "debian",
            .scores = {{"CVSS_V3", "advisory", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 75},
                       {"CVSS_V4", "cna", "CVSS:4.0/AV:N", -1}},
            .score_count = 2};
}

static struct finding_reason reason(const char *name, const char *version, const char *fixed)
{
    return (struct finding_reason){.ecosystem = "Debian:12",
                                   .name = name,
                                   .version = version,
                                   .introduced = "0",
                                   .fixed = fixed,
                                   .comparator = "dpkg"};
}

static void fill_match(struct fixture *f)
{
    f->references[0] = "DSA-5532-1";
    f->findings[0] =
            (struct finding){.id = "CVE-2023-5363",
                             .advisory = "DEBIAN-CVE-2023-5363",
                             .package = &f->packages[0],
                             .package_count = 2,
                             .fixed_version = "3.0.11-1~deb12u2",
                             .fix_state = "",
                             .summary = "key and IV lengths \xe2\x80\x93 a bug\nin two lines",
                             .severity = rated(),
                             .facts = known(),
                             .reason = reason("openssl", "3.0.11-1~deb12u1", "3.0.11-1~deb12u2"),
                             .references = f->references,
                             .reference_count = 1};
    f->findings[1] = (struct finding){.id = "CVE-2026-1",
                                      .advisory = "DEBIAN-CVE-2026-1",
                                      .package = &f->packages[1],
                                      .package_count = 1,
                                      .fix_state = "will_not_fix",
                                      .summary = "",
                                      .severity = {.source = "none"},
                                      .facts = nothing(),
                                      .disputed = true,
                                      .reason = reason("odd", "1", NULL)};
    f->vex = (struct vex_statement){.status = VEX_NOT_AFFECTED,
                                    .justification = "vulnerable_code_not_present",
                                    .author = "security@registry.example",
                                    .source = "web.openvex.json",
                                    .at_us = 1764000000000000};
    f->suppressed[0] = f->findings[1];
    f->suppressed[0].id = "CVE-2026-2";
    f->suppressed[0].package = &f->packages[2];
    f->suppressed[0].vex = &f->vex;
    f->suppressed[0].suppressed = "vex";
    f->gaps[0] = (struct match_gap){"Hex", 4, false};
    f->match = (struct match_result){
            .ecosystem = "Debian:12",
            .findings = f->findings,
            .finding_count = 2,
            .suppressed = f->suppressed,
            .suppressed_count = 1,
            .gaps = f->gaps,
            .gap_count = 1,
            .counts = {.packages = 3, .findings = 2, .high = 1, .unknown = 1}};
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->uais[0] = "registry.example/apps/web:1.0";
    f->uais[1] = "registry.example/apps/web:1";
    f->request = (struct mu_scan_request){
            .repository = "registry.example/apps/web", .digest = digest_c, .uais = {f->uais, 2}};
    fill_image(f);
    fill_match(f);
    f->database = (struct database_facts){.version = digest_a,
                                          .built_at_us = 1764000000000000,
                                          .newest_record_at_us = 1763900000000000,
                                          .records = 120};
    f->scan = (struct raw_scan){.request = &f->request,
                                .image = &f->image,
                                .match = &f->match,
                                .database = &f->database,
                                .scanner_name = "muster-scanner",
                                .scanner_version = "1.0.0",
                                .configuration_checksum = digest_b,
                                .started_at_us = 1764000000000001,
                                .finished_at_us = 1764000001000000};
    f->file.fd = -1;
    mu_buf_init(&f->bytes, 1 << 20);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->file.fd >= 0)
        (void)close(f->file.fd);
    mu_buf_done(&f->bytes);
    free(f);
    return 0;
}

static void write_scan(struct fixture *f)
{
    char piece[4096];
    ssize_t len;

    if (raw_scan_write(&f->scan, "/tmp", &f->file, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
    while ((len = read(f->file.fd, piece, sizeof(piece))) > 0)
        mu_buf_append(&f->bytes, piece, (size_t)len);
}

/* The example is held against the schema by the schemas' own tests. */
static void the_bytes_are_those_of_the_schemas_example(void **state)
{
    static const char path[] = MU_SCHEMAS "/examples/raw-scan.v1/valid/as_written.json";
    struct fixture *f = *state;
    struct mu_buf expected;

    mu_buf_init(&expected, 1 << 20);
    write_scan(f);
    if (mu_file_read(path, &expected, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
    assert_string_equal(f->bytes.data, expected.data);
    assert_int_equal(f->bytes.len, expected.len);
    mu_buf_done(&expected);
}

static void digest_and_size_are_those_of_the_bytes(void **state)
{
    struct fixture *f = *state;
    char digest[MU_DIGEST_TEXT_SIZE];

    write_scan(f);
    mu_sha256_text(f->bytes.data, f->bytes.len, digest);
    assert_string_equal(f->file.digest, digest);
    assert_int_equal(f->file.size_bytes, f->bytes.len);
}

static void the_file_has_no_name(void **state)
{
    struct fixture *f = *state;
    struct stat status;

    write_scan(f);
    assert_int_equal(fstat(f->file.fd, &status), 0);
    assert_int_equal(status.st_nlink, 0);
}

static json_t *written(struct fixture *f)
{
    static const struct mu_json_limits limits = {1 << 20, 16};
    json_t *root = NULL;

    write_scan(f);
    if (mu_json_parse(f->bytes.data, f->bytes.len, &limits, &root, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
    return root;
}

static void a_failed_scan_says_so_and_names_what_failed(void **state)
{
    struct fixture *f = *state;
    json_t *root;

    f->failures[0] = (struct image_failure){"layer_missing", "layer x", "layer x: gone", false};
    f->image.failures = f->failures;
    f->image.failure_count = 1;
    root = written(f);
    assert_string_equal(mu_json_text_at(root, "status"), "failed");
    assert_string_equal(mu_json_text_at(root, "failures.0.code"), "layer_missing");
    assert_string_equal(mu_json_text_at(root, "failures.0.message"), "layer x: gone");
    json_decref(root);
}

/* A registry that let nothing be read did not authorize anything. */
static void who_could_not_read_the_manifest_was_not_authorized(void **state)
{
    struct fixture *f = *state;
    json_t *root;

    f->image = (struct image_analysis){.authentication = "anonymous"};
    root = written(f);
    assert_true(json_is_false(mu_json_at(root, "authentication.authorized")));
    json_decref(root);
}

static void bytes_that_are_no_text_become_question_marks(void **state)
{
    struct fixture *f = *state;
    json_t *root;

    f->image.title = "a\xff\xfe"
                     "b\x01";
    root = written(f);
    assert_string_equal(mu_json_text_at(root, "image.labels.title"), "a??b\x01");
    json_decref(root);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    struct fixture *f = *state;
    const struct raw_file before = f->file;

    assert_int_equal(raw_scan_write(&f->scan, "/no/such/folder", &f->file, &f->err),
                     MU_E_UNAVAILABLE);
    assert_non_null(strstr(f->err.message, "/no/such/folder"));
    assert_memory_equal(&f->file, &before, sizeof(before));
    assert_int_equal(raw_scan_check_folder("/no/such/folder", &f->err), MU_E_UNAVAILABLE);
    assert_int_equal(raw_scan_check_folder("/tmp", &f->err), MU_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(the_bytes_are_those_of_the_schemas_example),
            TEST(digest_and_size_are_those_of_the_bytes),
            TEST(the_file_has_no_name),
            TEST(a_failed_scan_says_so_and_names_what_failed),
            TEST(who_could_not_read_the_manifest_was_not_authorized),
            TEST(bytes_that_are_no_text_become_question_marks),
            TEST(a_folder_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

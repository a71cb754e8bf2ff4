#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "import/import.h"
#include "import/import_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_A "sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define DIGEST_B "sha256:b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"

struct fixture {
    struct mu_arena *arena;
    struct imported_scan scan;
    struct mu_error err;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){.arena = mu_arena_new(IMPORT_ARENA_MAX_BYTES)};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    mu_arena_free(f->arena);
    return 0;
}

static enum mu_status read_text(struct fixture *f, const char *json, enum import_kind kind,
                                const char *digest)
{
    const struct import_options options = {.kind = kind, .digest = digest};

    return import_read(json, strlen(json), &options, f->arena, &f->scan, &f->err);
}

static void expect_read(struct fixture *f, const char *json)
{
    if (read_text(f, json, IMPORT_ANY, NULL) != MU_OK)
        fail_msg("%s", f->err.message);
}

static void expect_refused(struct fixture *f, const char *json, const char *digest,
                           const char *reason)
{
    const struct imported_scan before = f->scan;

    assert_int_equal(read_text(f, json, IMPORT_ANY, digest), MU_E_INVALID);
    if (!strstr(f->err.message, reason))
        fail_msg("'%s' does not say '%s'", f->err.message, reason);
    assert_memory_equal(&f->scan, &before, sizeof(before));
}

/* ---- whole reports against the schema's examples ---- */

static void read_file(const char *folder, const char *name, struct mu_buf *out)
{
    struct mu_error err;
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s.json", folder, name);
    mu_buf_init(out, 1 << 20);
    if (mu_file_read(path, out, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void written(const struct imported_scan *scan, char **ret_text)
{
    struct mu_sha256 *hash = mu_sha256_new();
    struct json_stream out;
    struct mu_error err;
    size_t len;
    FILE *file = open_memstream(ret_text, &len);

    json_stream_init(&out, file, hash);
    imported_scan_put(&out, scan);
    assert_int_equal(json_stream_finish(&out, &err), MU_OK);
    (void)fclose(file);
    mu_sha256_free(hash);
}

static void reports_come_out_as_the_schemas_examples(void **state)
{
    static const char *const names[] = {"trivy",           "grype",       "cyclonedx_trivy",
                                        "cyclonedx_grype", "sarif_trivy", "sarif_grype"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct mu_buf report, expected;
        char *text = NULL;

        read_file(MU_TEST_DATA "/import", names[i], &report);
        read_file(MU_SCHEMAS "/examples/imported-scan.v1/valid", names[i], &expected);
        if (read_text(f, report.data, IMPORT_ANY, DIGEST_A) != MU_OK)
            fail_msg("%s: %s", names[i], f->err.message);
        written(&f->scan, &text);
        assert_string_equal(text, expected.data);
        free(text);
        mu_buf_done(&report);
        mu_buf_done(&expected);
    }
}

static void the_original_is_named_by_its_hash(void **state)
{
    struct fixture *f = *state;
    struct mu_buf report;
    char digest[MU_DIGEST_TEXT_SIZE];

    read_file(MU_TEST_DATA "/import", "trivy", &report);
    expect_read(f, report.data);
    mu_sha256_text(report.data, report.len, digest);
    assert_string_equal(f->scan.original_digest, digest);
    assert_int_equal(f->scan.original_size_bytes, report.len);
    mu_buf_done(&report);
}

/* ---- kinds ---- */

static void a_report_of_another_kind_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_text(f, "{\"bomFormat\":\"CycloneDX\"}", IMPORT_TRIVY, DIGEST_A),
                     MU_E_INVALID);
    assert_non_null(strstr(f->err.message, "trivy"));
    expect_refused(f, "{}", DIGEST_A, "no report of Trivy or Grype");
    expect_refused(f, "[]", DIGEST_A, "no report");
    expect_refused(f, "{", DIGEST_A, "report");
    assert_int_equal(import_kind_of("grype"), IMPORT_GRYPE);
    assert_int_equal(import_kind_of("snyk"), IMPORT_ANY);
}

static void what_is_no_scan_of_an_image_is_refused(void **state)
{
    struct fixture *f = *state;

    expect_refused(f, "{\"bomFormat\":\"CycloneDX\",\"components\":[]}", DIGEST_A,
                   "bill of materials");
    expect_refused(f,
                   "{\"SchemaVersion\":2,\"ArtifactName\":\".\",\"ArtifactType\":\"filesystem\"}",
                   DIGEST_A, "filesystem");
    expect_refused(f, "{\"matches\":[],\"descriptor\":{},\"source\":{\"type\":\"directory\"}}",
                   DIGEST_A, "directory");
    expect_refused(f, "{\"version\":\"2.1.0\",\"runs\":[]}", DIGEST_A, "0 runs");
    expect_refused(f, "{\"version\":\"1.0.0\",\"runs\":[{}]}", DIGEST_A, "2.1.0");
}

/* ---- digests ---- */

#define TRIVY(digests, rows)                                                              \
    "{\"SchemaVersion\":2,\"ArtifactName\":\"a\",\"Metadata\":{\"RepoDigests\":[" digests \
    "]},\"Results\":[{\"Type\":\"debian\",\"Vulnerabilities\":[" rows "]}]}"

static void the_image_is_the_one_the_report_names(void **state)
{
    struct fixture *f = *state;

    expect_read(f, TRIVY("\"r/a@" DIGEST_A "\",\"s/a@" DIGEST_A "\"", ""));
    assert_string_equal(f->scan.digest, DIGEST_A);
    assert_false(f->scan.digest_given);
    expect_refused(f, TRIVY("\"r/a@" DIGEST_A "\"", ""), DIGEST_B, "not about " DIGEST_B);
    expect_refused(f, TRIVY("", ""), NULL, "names no digest");
    expect_refused(f, TRIVY("\"r/a@sha256:short\"", ""), NULL, "names no digest");
    expect_refused(f, TRIVY("\"r/a@" DIGEST_A "\",\"s/a@" DIGEST_B "\"", ""), NULL, "2 digests");
    expect_refused(f, TRIVY("", ""), "latest", "is no digest");
}

static void a_given_digest_settles_what_the_report_leaves_open(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_text(f, TRIVY("", ""), IMPORT_ANY, DIGEST_B), MU_OK);
    assert_string_equal(f->scan.digest, DIGEST_B);
    assert_true(f->scan.digest_given);
    assert_int_equal(read_text(f, TRIVY("\"r/a@" DIGEST_A "\",\"s/a@" DIGEST_B "\"", ""),
                               IMPORT_ANY, DIGEST_B),
                     MU_OK);
    assert_false(f->scan.digest_given);
}

/* Made up by the tool when the image came from an engine: said so. */
static void the_digest_of_grypes_manifest_is_noted(void **state)
{
    struct fixture *f = *state;

    expect_read(f, "{\"matches\":[],\"descriptor\":{},\"source\":{\"target\":{\"manifestDigest\":"
                   "\"" DIGEST_B "\"}}}");
    assert_string_equal(f->scan.digest, DIGEST_B);
    assert_int_equal(f->scan.note_count, 1);
}

/* ---- findings ---- */

#define ROW(members) "{\"VulnerabilityID\":\"CVE-1\"," members "}"
#define NAMED        "\"PkgName\":\"p\",\"InstalledVersion\":\"1\""
#define REPORT(row)  TRIVY("\"r/a@" DIGEST_A "\"", row)

static void a_finding_without_package_or_version_spoils_the_report(void **state)
{
    struct fixture *f = *state;

    expect_refused(f, REPORT(ROW("\"PkgName\":\"p\"")), NULL, "names no version");
    expect_refused(f, REPORT(ROW("\"InstalledVersion\":\"1\"")), NULL, "names no package");
    expect_refused(f, REPORT("{" NAMED "}"), NULL, "names no vulnerability");
    expect_refused(f, REPORT("1"), NULL, "names no vulnerability");
    expect_refused(f,
                   "{\"bomFormat\":\"CycloneDX\",\"vulnerabilities\":[{\"id\":\"CVE-1\","
                   "\"affects\":[{\"ref\":\"gone\"}]}]}",
                   DIGEST_A, "names no package");
    expect_refused(f, "{\"bomFormat\":\"CycloneDX\",\"vulnerabilities\":[{\"id\":\"CVE-1\"}]}",
                   DIGEST_A, "affects nothing");
    expect_refused(f,
                   "{\"version\":\"2.1.0\",\"runs\":[{\"results\":[{\"ruleId\":\"CVE-1\","
                   "\"message\":{\"text\":\"a vulnerability\"}}]}]}",
                   DIGEST_A, "names no package");
}

struct severity_case {
    const char *members;
    enum severity severity;
    const char *source;
};

#define HIGH3 "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"
#define LOW3  "CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"
#define MID2  "AV:N/AC:M/Au:N/C:P/I:P/A:P"

static void severity_is_nvds_v3_then_v2_then_the_scanners(void **state)
{
    static const struct severity_case cases[] = {
            {"\"Severity\":\"LOW\",\"CVSS\":{\"ghsa\":{\"V3Vector\":\"" LOW3
             "\"},\"nvd\":{\"V3Vector\":\"" HIGH3 "\"}}",
             SEVERITY_HIGH, "cvss_v3"},
            {"\"Severity\":\"LOW\",\"CVSS\":{\"nvd\":{\"V3Vector\":\"" HIGH3
             "\"},\"redhat\":{\"V3Vector\":\"" LOW3 "\"}}",
             SEVERITY_HIGH, "cvss_v3"},
            {"\"CVSS\":{\"ghsa\":{\"V3Vector\":\"" LOW3 "\",\"V2Vector\":\"" MID2 "\"}}",
             SEVERITY_LOW, "cvss_v3"},
            {"\"CVSS\":{\"nvd\":{\"V2Vector\":\"" MID2 "\"}}", SEVERITY_MODERATE, "cvss_v2"},
            {"\"CVSS\":{\"nvd\":{\"V3Vector\":\"CVSS:3.1/AV:N\"}},\"Severity\":\"CRITICAL\"",
             SEVERITY_CRITICAL, "scanner"},
            {"\"Severity\":\"Important\"", SEVERITY_HIGH, "scanner"},
            {"\"Severity\":\"odd\"", SEVERITY_UNKNOWN, "none"},
            {"\"Severity\":7", SEVERITY_UNKNOWN, "none"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char json[2048];

        (void)snprintf(json, sizeof(json), REPORT(ROW(NAMED ",%s")), cases[i].members);
        expect_read(f, json);
        assert_int_equal(f->scan.finding_count, 1);
        if (f->scan.findings[0].severity != cases[i].severity)
            fail_msg("%s: %s", cases[i].members, severity_word(f->scan.findings[0].severity));
        assert_string_equal(f->scan.findings[0].severity_source, cases[i].source);
    }
}

static void findings_are_in_order_whatever_the_reports(void **state)
{
    struct fixture *f = *state;

    expect_read(f,
                REPORT("{\"VulnerabilityID\":\"CVE-2\"," NAMED "},{\"VulnerabilityID\":\"CVE-1\","
                       "\"PkgName\":\"q\",\"InstalledVersion\":\"1\"},"
                       "{\"VulnerabilityID\":\"CVE-1\"," NAMED "}"));
    assert_int_equal(f->scan.finding_count, 3);
    assert_string_equal(f->scan.findings[0].id, "CVE-1");
    assert_string_equal(f->scan.findings[1].id, "CVE-2");
    assert_string_equal(f->scan.findings[2].package, "q");
}

static void a_report_without_findings_is_a_clean_scan(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;

    expect_read(f, "{\"SchemaVersion\":2,\"ArtifactName\":\"r/a@" DIGEST_A
                   "\",\"Metadata\":{\"RepoDigests\":[\"r/a@" DIGEST_A "\"]}}");
    assert_int_equal(f->scan.finding_count, 0);
    assert_int_equal(f->scan.scanned_at_us, MU_TIME_NONE);
    assert_int_equal(f->scan.note_count, 1);
    written(&f->scan, &text);
    assert_non_null(strstr(text, "\"findings\":[]"));
    free(text);
}

static void long_texts_are_cut_at_a_character(void **state)
{
    struct fixture *f = *state;
    struct mu_buf json;

    mu_buf_init(&json, 1 << 16);
    mu_buf_puts(&json, "{\"SchemaVersion\":2,\"ArtifactName\":\"");
    for (int i = 0; i < 800; i++)
        mu_buf_puts(&json, "\xe2\x82\xac");
    mu_buf_puts(&json, "\",\"Metadata\":{\"RepoDigests\":[\"r@" DIGEST_A "\"]}}");
    expect_read(f, json.data);
    assert_int_equal(strlen(f->scan.reference), IMPORT_TEXT_MAX_BYTES / 3 * 3);
    mu_buf_done(&json);
}

/* ---- limits ---- */

static void too_large_a_report_is_refused_unread(void **state)
{
    struct fixture *f = *state;
    const struct import_options options = {.kind = IMPORT_ANY};

    assert_int_equal(
            import_read("{}", (size_t)IMPORT_MAX_BYTES + 1, &options, f->arena, &f->scan, &f->err),
            MU_E_LIMIT);
}

static void too_many_findings_are_refused(void **state)
{
    struct fixture *f = *state;
    struct mu_buf json;

    mu_buf_init(&json, IMPORT_MAX_BYTES);
    mu_buf_puts(&json, "{\"SchemaVersion\":2,\"ArtifactName\":\"a\",\"Results\":[{\"Vulnerabilities"
                       "\":[");
    for (int i = 0; i <= IMPORT_FINDINGS_MAX; i++)
        mu_buf_printf(&json, "%s" ROW(NAMED), i ? "," : "");
    mu_buf_puts(&json, "]}]}");
    assert_int_equal(read_text(f, json.data, IMPORT_ANY, DIGEST_A), MU_E_LIMIT);
    mu_buf_done(&json);
}

static void an_arena_too_small_is_told(void **state)
{
    struct fixture *f = *state;
    struct mu_arena *small = mu_arena_new(64);
    const struct import_options options = {.kind = IMPORT_ANY};
    const char *json = REPORT(ROW(NAMED));

    assert_int_equal(import_read(json, strlen(json), &options, small, &f->scan, &f->err),
                     MU_E_NOMEM);
    mu_arena_free(small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#define DIGEST_C "sha256:c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"

/* The example of Grype names DIGEST_A, and the config DIGEST_B. */
static enum mu_status read_grype(struct fixture *f, const struct import_options *options)
{
    struct mu_buf report;
    enum mu_status st;

    read_file(MU_TEST_DATA "/import", "grype", &report);
    st = import_read(report.data, report.len, options, f->arena, &f->scan, &f->err);
    mu_buf_done(&report);
    return st;
}

static void a_report_that_names_the_index_is_about_its_image(void **state)
{
    struct fixture *f = *state;
    const char *indexes[] = {DIGEST_B, DIGEST_A};
    const struct import_options options = {.digest = DIGEST_C, .indexes = {indexes, 2}};
    const struct import_options others = {.digest = DIGEST_C, .indexes = {indexes, 1}};

    assert_int_equal(read_grype(f, &others), MU_E_INVALID);
    assert_int_equal(read_grype(f, &options), MU_OK);
    assert_string_equal(f->scan.digest, DIGEST_C);
    assert_true(f->scan.digest_given);
}

static void a_report_of_another_config_is_of_another_image(void **state)
{
    struct fixture *f = *state;
    const struct import_options same = {.digest = DIGEST_A, .config_digest = DIGEST_B};
    const struct import_options other = {.digest = DIGEST_A, .config_digest = DIGEST_C};

    assert_int_equal(read_grype(f, &same), MU_OK);
    assert_int_equal(read_grype(f, &other), MU_E_INVALID);
    assert_non_null(strstr(f->err.message, "has the config"));
}

static void a_record_tells_scanner_database_and_counts(void **state)
{
    struct fixture *f = *state;
    const char *uai = "registry.example/app:1";
    const struct import_target target = {.repository = "registry.example/app",
                                         .uais = {&uai, 1},
                                         .configuration_checksum = DIGEST_C,
                                         .started_at_us = 1,
                                         .finished_at_us = 2};
    struct mu_scan_result result = {0};

    assert_int_equal(read_grype(f, &(struct import_options){.digest = DIGEST_A}), MU_OK);
    f->scan.target = &target;
    assert_int_equal(import_record_tell(&f->scan, f->arena, &result, &f->err), MU_OK);
    assert_int_equal(result.outcome, MU_SCAN_COMPLETE);
    assert_string_equal(result.digest, DIGEST_A);
    assert_string_equal(result.scanner_name, "grype");
    assert_string_equal(result.scanner_version, "0.100.0");
    assert_string_equal(result.os_name, "debian 12");
    assert_int_equal(result.finished_at_us, 2);
    assert_true(result.has_counts);
    assert_int_equal(result.counts.findings, 3);
    assert_int_equal(result.counts.high, 2);
    assert_int_equal(result.counts.low, 1);      /* the negligible one */
    assert_int_equal(result.counts.packages, 4); /* also that of the suppressed one */
}

static void the_checksum_follows_scanner_settings_and_way(void **state)
{
    struct fixture *f = *state;
    char first[MU_DIGEST_TEXT_SIZE], again[MU_DIGEST_TEXT_SIZE], other[MU_DIGEST_TEXT_SIZE];

    assert_int_equal(read_grype(f, &(struct import_options){.digest = DIGEST_A}), MU_OK);
    import_record_checksum(&f->scan, NULL, first);
    import_record_checksum(&f->scan, NULL, again);
    assert_string_equal(first, again);
    import_record_checksum(&f->scan, "grype {ref}", other);
    assert_string_not_equal(first, other);
    f->scan.tool_version = "0.101.0";
    import_record_checksum(&f->scan, NULL, other);
    assert_string_not_equal(first, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(reports_come_out_as_the_schemas_examples),
            TEST(the_original_is_named_by_its_hash),
            TEST(a_report_of_another_kind_is_refused),
            TEST(what_is_no_scan_of_an_image_is_refused),
            TEST(the_image_is_the_one_the_report_names),
            TEST(a_given_digest_settles_what_the_report_leaves_open),
            TEST(the_digest_of_grypes_manifest_is_noted),
            TEST(a_finding_without_package_or_version_spoils_the_report),
            TEST(severity_is_nvds_v3_then_v2_then_the_scanners),
            TEST(findings_are_in_order_whatever_the_reports),
            TEST(a_report_without_findings_is_a_clean_scan),
            TEST(long_texts_are_cut_at_a_character),
            TEST(too_large_a_report_is_refused_unread),
            TEST(too_many_findings_are_refused),
            TEST(an_arena_too_small_is_told),
            TEST(a_report_that_names_the_index_is_about_its_image),
            TEST(a_report_of_another_config_is_of_another_image),
            TEST(a_record_tells_scanner_database_and_counts),
            TEST(the_checksum_follows_scanner_settings_and_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

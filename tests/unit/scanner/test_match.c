#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "database_build.h"
#include "match/match.h"

enum { PACKAGES_MAX = 16 };

struct fixture {
    struct builder *builder;
    struct mu_buf bytes;
    struct database *database;
    struct match_rules rules;
    struct image_analysis image;
    struct image_package packages[PACKAGES_MAX];
    struct mu_arena *arena;
    struct match_result result;
    struct mu_error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->builder = builder_new();
    f->arena = mu_arena_new(IMAGE_ARENA_MAX_BYTES);
    f->image.os = (struct image_os){.found = true, .id = "debian", .version_id = "12"};
    f->image.packages = f->packages;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    database_close(f->database);
    builder_free(f->builder);
    mu_buf_done(&f->bytes);
    mu_arena_free(f->arena);
    free(f);
    return 0;
}

/* A binary package of a source. */
static void has(struct fixture *f, const char *name, const char *source, const char *version)
{
    f->packages[f->image.package_count++] = (struct image_package){.type = "deb",
                                                                   .name = name,
                                                                   .version = version,
                                                                   .source_name = source,
                                                                   .source_version = version};
}

static void match(struct fixture *f)
{
    f->database = database_build_open(f->builder, &f->bytes);
    f->builder = NULL;
    f->rules.database = f->database;
    if (match_image(&f->rules, &f->image, f->arena, &f->result, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
}

static const struct finding *only_finding(const struct fixture *f)
{
    assert_int_equal(f->result.finding_count, 1);
    return &f->result.findings[0];
}

static void known(struct fixture *f, const char *id, const char *more)
{
    database_build_record(f->builder, id, "src", "{\"introduced\":\"0\"},{\"fixed\":\"2\"}", more);
}

static void a_real_record_is_found_through_the_source_package(void **state)
{
    struct fixture *f = *state;
    const struct finding *finding;

    database_build_file(f->builder, "DEBIAN-CVE-2023-5363");
    has(f, "libssl3", "openssl", "3.0.11-1~deb12u1");
    match(f);
    finding = only_finding(f);
    assert_string_equal(f->result.ecosystem, "Debian:12");
    assert_string_equal(finding->id, "CVE-2023-5363");
    assert_string_equal(finding->advisory, "DEBIAN-CVE-2023-5363");
    assert_string_equal(finding->package->name, "libssl3");
    assert_string_equal(finding->fixed_version, "3.0.11-1~deb12u2");
    assert_int_equal(finding->severity.severity, SEVERITY_HIGH);
    assert_string_equal(finding->severity.source, "cvss_v3");
    assert_int_equal(severity_first(&finding->severity, "CVSS_V3")->tenths, 75);
    assert_int_equal(f->result.counts.high, 1);
    assert_int_equal(f->result.counts.packages, 1);
}

static void the_fixed_version_is_no_finding(void **state)
{
    struct fixture *f = *state;

    database_build_file(f->builder, "DEBIAN-CVE-2023-5363");
    has(f, "libssl3", "openssl", "3.0.11-1~deb12u2");
    match(f);
    assert_int_equal(f->result.finding_count, 0);
}

static void the_source_version_decides_where_it_differs(void **state)
{
    struct fixture *f = *state;

    known(f, "DEBIAN-CVE-2026-1", "");
    has(f, "bin", "src", "1");
    f->packages[0].version = "9:9"; /* of the binary */
    match(f);
    only_finding(f);
}

static void a_binary_name_alone_matches_nothing(void **state)
{
    struct fixture *f = *state;

    known(f, "DEBIAN-CVE-2026-1", "");
    has(f, "src", "other", "1");
    match(f);
    assert_int_equal(f->result.finding_count, 0);
}

static void binary_packages_of_one_source_are_one_finding(void **state)
{
    struct fixture *f = *state;

    known(f, "DEBIAN-CVE-2026-1", "");
    has(f, "zz", "src", "1");
    has(f, "aa", "src", "1");
    has(f, "mm", "src", "1");
    match(f);
    assert_int_equal(only_finding(f)->package_count, 3);
    assert_string_equal(only_finding(f)->package->name, "aa");
    assert_int_equal(f->result.counts.findings, 1);
}

static void each_version_of_a_source_is_judged(void **state)
{
    struct fixture *f = *state;

    known(f, "DEBIAN-CVE-2026-1", "");
    has(f, "old", "src", "1.0");
    has(f, "older", "src", "0.9");
    has(f, "new", "src", "2");
    match(f);
    assert_int_equal(f->result.finding_count, 2);
}

static void the_trackers_record_goes_before_advisories(void **state)
{
    struct fixture *f = *state;

    database_build_file(f->builder, "DSA-5532-1");
    database_build_file(f->builder, "DEBIAN-CVE-2023-5363");
    has(f, "openssl", "openssl", "3.0.9-1");
    match(f);
    assert_string_equal(only_finding(f)->advisory, "DEBIAN-CVE-2023-5363");
    assert_int_equal(only_finding(f)->reference_count, 1);
    assert_string_equal(only_finding(f)->references[0], "DSA-5532-1");
}

static void the_trackers_not_affected_silences_an_advisory(void **state)
{
    struct fixture *f = *state;

    database_build_record(f->builder, "DEBIAN-CVE-2026-1", "src",
                          "{\"introduced\":\"0\"},{\"fixed\":\"0\"}", "");
    known(f, "DSA-1-1", ",\"upstream\":[\"CVE-2026-1\"]");
    has(f, "bin", "src", "1");
    match(f);
    assert_int_equal(f->result.finding_count, 0);
}

/* openssl 1.1.1n-0+deb11u6 of DLA-3942-1 had not fixed all; DLA-3942-2 did. */
static void a_second_advisory_holds_what_the_first_left_open(void **state)
{
    struct fixture *f = *state;

    database_build_file(f->builder, "DLA-3942-1");
    database_build_file(f->builder, "DLA-3942-2");
    f->image.os.version_id = "11";
    has(f, "openssl", "openssl", "1.1.1n-0+deb11u6");
    has(f, "older", "openssl", "1.1.1n-0+deb11u5");
    match(f);
    assert_int_equal(f->result.finding_count, 12); /* six CVEs for each */
    for (size_t i = 0; i < 12; i++) {
        assert_string_equal(f->result.findings[i].fixed_version, "1.1.1w-0+deb11u2");
        assert_string_equal(f->result.findings[i].advisory, "DLA-3942-2");
    }
}

static void an_advisory_without_cve_is_its_own_finding(void **state)
{
    struct fixture *f = *state;

    database_build_file(f->builder, "DSA-5460-1");
    has(f, "curl", "curl", "7.88.1-10");
    match(f);
    assert_string_equal(only_finding(f)->id, "DSA-5460-1");
    assert_string_equal(only_finding(f)->severity.source, "none");
    assert_int_equal(f->result.counts.unknown, 1);
}

static void several_entries_of_one_record_are_all_looked_at(void **state)
{
    struct fixture *f = *state;

    database_build_add(
            f->builder,
            "{\"id\":\"DEBIAN-CVE-2026-1\",\"affected\":[{\"package\":{\"ecosystem\":\"Debian:12\","
            "\"name\":\"src\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[{\"introduced\":"
            "\"0\"},{\"fixed\":\"1\"}]}]},{\"package\":{\"ecosystem\":\"Debian:12\",\"name\":"
            "\"src\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[{\"introduced\":\"3\"},{"
            "\"fixed\":\"4\"}]}]}]}");
    has(f, "bin", "src", "3.5");
    match(f);
    assert_string_equal(only_finding(f)->fixed_version, "4");
    assert_int_equal(only_finding(f)->reference_count, 0);
}

static void unimportant_is_counted_apart(void **state)
{
    struct fixture *f = *state;

    database_build_file(f->builder, "DEBIAN-CVE-2024-35200");
    f->image.os.version_id = "13";
    has(f, "nginx", "nginx", "1.25.0-1");
    match(f);
    assert_int_equal(f->result.finding_count, 0);
    assert_int_equal(f->result.suppressed_count, 1);
    assert_string_equal(f->result.suppressed[0].suppressed, "unimportant");
    assert_int_equal(f->result.counts.findings, 0);
}

static void urgent(struct fixture *f, const char *id, const char *urgency, const char *severity)
{
    char json[1024];

    (void)snprintf(json, sizeof(json),
                   "{\"id\":\"%s\",\"severity\":%s,\"affected\":[{\"package\":{\"ecosystem\":"
                   "\"Debian:12\",\"name\":\"src\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":"
                   "[{\"introduced\":\"0\"}]}],\"ecosystem_specific\":{\"urgency\":\"%s\"}}]}",
                   id, severity, urgency);
    database_build_add(f->builder, json);
}

static void end_of_life_is_a_finding_without_fix(void **state)
{
    struct fixture *f = *state;

    urgent(f, "DEBIAN-CVE-2026-1", "end-of-life", "[]");
    has(f, "bin", "src", "1");
    match(f);
    assert_null(only_finding(f)->fixed_version);
    assert_int_equal(only_finding(f)->severity.severity, SEVERITY_UNKNOWN);
}

/* FedRAMP: CVSS v3 base, else v2, else the scanner's own. */
static void severity_is_cvss_3_then_2_then_the_trackers(void **state)
{
    struct fixture *f = *state;
    static const char v2[] = "{\"type\":\"CVSS_V2\",\"score\":\"AV:N/AC:L/Au:N/C:P/I:N/A:N\"}";
    static const char v3[] = "{\"type\":\"CVSS_V3\",\"score\":"
                             "\"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\"}";
    static const struct {
        const char *source;
        enum severity severity;
    } rows[] = {{"cvss_v3", SEVERITY_CRITICAL},
                {"cvss_v2", SEVERITY_MODERATE},
                {"debian", SEVERITY_LOW},
                {"none", SEVERITY_UNKNOWN}};
    char both[512], second[512];

    (void)snprintf(both, sizeof(both), "[%s,%s]", v2, v3);
    (void)snprintf(second, sizeof(second), "[%s]", v2);
    urgent(f, "DEBIAN-CVE-2026-1", "low", both);
    urgent(f, "DEBIAN-CVE-2026-2", "low", second);
    urgent(f, "DEBIAN-CVE-2026-3", "low", "[]");
    urgent(f, "DEBIAN-CVE-2026-4", "not yet assigned", "[]");
    has(f, "bin", "src", "1");
    match(f);
    assert_int_equal(f->result.finding_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(f->result.findings[i].severity.source, rows[i].source);
        assert_int_equal(f->result.findings[i].severity.severity, rows[i].severity);
    }
    assert_int_equal(f->result.counts.critical, 1);
    assert_int_equal(f->result.counts.moderate, 1);
    assert_int_equal(f->result.counts.low, 1);
    assert_int_equal(f->result.counts.unknown, 1);
}

static void a_broken_vector_has_no_score(void **state)
{
    struct fixture *f = *state;

    urgent(f, "DEBIAN-CVE-2026-1", "high", "[{\"type\":\"CVSS_V3\",\"score\":\"CVSS:3.1/AV:N\"}]");
    has(f, "bin", "src", "1");
    match(f);
    assert_null(severity_first(&only_finding(f)->severity, "CVSS_V3"));
    assert_string_equal(only_finding(f)->severity.source, "debian");
}

static void findings_come_by_source_then_id(void **state)
{
    struct fixture *f = *state;

    known(f, "DEBIAN-CVE-2026-2", "");
    known(f, "DEBIAN-CVE-2026-1", "");
    database_build_record(f->builder, "DEBIAN-CVE-2026-3", "abc", "{\"introduced\":\"0\"}", "");
    has(f, "bin", "src", "1");
    has(f, "abc", "abc", "1");
    match(f);
    assert_int_equal(f->result.finding_count, 3);
    assert_string_equal(f->result.findings[0].id, "CVE-2026-3");
    assert_string_equal(f->result.findings[1].id, "CVE-2026-1");
    assert_string_equal(f->result.findings[2].id, "CVE-2026-2");
}

static void the_release_decides_the_ecosystem(void **state)
{
    static const struct {
        struct image_os os;
        const char *ecosystem;
    } rows[] = {
            {{.found = true, .id = "debian", .version_id = "12"}, "Debian:12"},
            {{.found = true, .id = "debian", .version_id = "12.5"}, "Debian:12"},
            {{.found = true, .id = "debian", .version_codename = "trixie"}, "Debian:13"},
            {{.found = true, .id = "debian", .version_codename = "sid"}, "Debian:sid"},
            {{.found = true, .id = "debian", .version_codename = "woody"}, NULL},
            {{.found = true, .id = "debian"}, NULL},
            {{.found = true, .id = "ubuntu", .version_id = "22.04"}, "Ubuntu:22.04:LTS"},
            {{.found = true, .version_id = "12"}, NULL},
            {{.found = false, .id = "debian", .version_id = "12"}, NULL},
    };
    struct fixture *f = *state;

    known(f, "DEBIAN-CVE-2026-1", "");
    f->database = database_build_open(f->builder, &f->bytes);
    f->builder = NULL;
    f->rules.database = f->database;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        f->image.os = rows[i].os;
        assert_int_equal(match_image(&f->rules, &f->image, f->arena, &f->result, &f->err), MU_OK);
        if (!rows[i].ecosystem)
            assert_null(f->result.ecosystem);
        else
            assert_string_equal(f->result.ecosystem, rows[i].ecosystem);
    }
}

static void an_arena_too_small_is_no_memory_and_leaves_the_result(void **state)
{
    struct fixture *f = *state;
    struct match_result result = {.finding_count = 77};
    struct mu_arena *small = mu_arena_new(64);

    known(f, "DEBIAN-CVE-2026-1", "");
    has(f, "bin", "src", "1");
    f->database = database_build_open(f->builder, &f->bytes);
    f->builder = NULL;
    f->rules.database = f->database;
    assert_int_equal(match_image(&f->rules, &f->image, small, &result, &f->err), MU_E_NOMEM);
    assert_int_equal(result.finding_count, 77);
    mu_arena_free(small);
}

/* One source in very many versions: its records are collected once, not for each. */
static void many_versions_of_a_source_take_little_memory(void **state)
{
    enum { VERSIONS = 20000, RECORDS = 200 };
    struct fixture *f = *state;
    struct image_package *packages = calloc(VERSIONS, sizeof(*packages));
    struct mu_arena *small = mu_arena_new(1024 * 1024);

    for (int i = 0; i < RECORDS; i++) {
        char id[64];

        (void)snprintf(id, sizeof(id), "DEBIAN-CVE-2026-%d", i);
        known(f, id, "");
    }
    for (int i = 0; i < VERSIONS; i++)
        packages[i] = (struct image_package){.type = "deb",
                                             .name = "bin",
                                             .version = "3",
                                             .source_name = "src",
                                             .source_version = i % 2 ? "3" : "4"};
    f->image.packages = packages;
    f->image.package_count = VERSIONS;
    f->database = database_build_open(f->builder, &f->bytes);
    f->builder = NULL;
    f->rules.database = f->database;
    assert_int_equal(match_image(&f->rules, &f->image, small, &f->result, &f->err), MU_OK);
    mu_arena_free(small);
    free(packages);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_real_record_is_found_through_the_source_package),
            TEST(the_fixed_version_is_no_finding),
            TEST(the_source_version_decides_where_it_differs),
            TEST(a_binary_name_alone_matches_nothing),
            TEST(binary_packages_of_one_source_are_one_finding),
            TEST(each_version_of_a_source_is_judged),
            TEST(the_trackers_record_goes_before_advisories),
            TEST(the_trackers_not_affected_silences_an_advisory),
            TEST(a_second_advisory_holds_what_the_first_left_open),
            TEST(an_advisory_without_cve_is_its_own_finding),
            TEST(several_entries_of_one_record_are_all_looked_at),
            TEST(unimportant_is_counted_apart),
            TEST(end_of_life_is_a_finding_without_fix),
            TEST(severity_is_cvss_3_then_2_then_the_trackers),
            TEST(a_broken_vector_has_no_score),
            TEST(findings_come_by_source_then_id),
            TEST(the_release_decides_the_ecosystem),
            TEST(an_arena_too_small_is_no_memory_and_leaves_the_result),
            TEST(many_versions_of_a_source_take_little_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

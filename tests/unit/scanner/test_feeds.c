#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "match_stage.h"

#define V31_98 "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
#define V31_53 "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"

/* ---- Alpine secdb ---- */

static struct image_package *apk(struct match_stage *f, const char *name, const char *origin,
                                 const char *version)
{
    struct image_package *package = match_stage_has(f, "apk", name, version);

    package->source_name = origin;
    package->source_version = version;
    return package;
}

static const char secdb_json[] =
        "{\"distroversion\":\"v3.20\",\"reponame\":\"main\",\"packages\":[{\"pkg\":{\"name\":"
        "\"openssl\",\"secfixes\":{\"1.1.1d-r0\":[\"CVE-2019-1547 XSA-1\"],\"0\":[\"CVE-2019-9\"],"
        "\"1.0\":null}}}]}";

static void secdb_is_matched_by_origin(void **state)
{
    struct match_stage *f = *state;

    match_stage_add(f, NULL, secdb_json);
    assert_int_equal(f->tally.records, 3);
    match_stage_os(f, "alpine", "3.20.3");
    (void)apk(f, "libssl1.1", "openssl", "1.1.1c-r0");
    (void)apk(f, "libcrypto1.1", "openssl", "1.1.1c-r0");
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 2); /* several ids in one text */
    assert_string_equal(match_stage_finding(f, "CVE-2019-1547")->fixed_version, "1.1.1d-r0");
    assert_int_equal(match_stage_finding(f, "XSA-1")->package_count, 2);
}

/* "0": what OSV derives from an older state of it does not bring it back. */
static void secdbs_never_affected_silences_other_records(void **state)
{
    struct match_stage *f = *state;

    match_stage_add(f, NULL, secdb_json);
    match_stage_osv(f, "ALPINE-CVE-2019-9", "Alpine:v3.20", "openssl",
                    "{\"introduced\":\"0\"},{\"fixed\":\"9-r0\"}", "");
    match_stage_os(f, "alpine", "3.20.3");
    (void)apk(f, "libssl1.1", "openssl", "1.1.1d-r0");
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 0);
}

static void secdb_as_yaml_says_the_same(void **state)
{
    static const char yaml[] = "---\ndistroversion: v3.20\nreponame: main\nurlprefix: ~\n"
                               "packages:\n  - pkg:\n      name: openssl\n      secfixes:\n"
                               "        1.1.1d-r0:\n          - CVE-2019-1547\n        '0':\n"
                               "          - CVE-2019-9\n        1.0: ~\n";
    struct match_stage *f = *state;

    match_stage_add(f, NULL, yaml);
    assert_string_equal(document_kind_name(f->tally.kind), "secdb");
    match_stage_os(f, "alpine", "3.20.3");
    (void)apk(f, "libssl1.1", "openssl", "1.1.1c-r0");
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->id, "CVE-2019-1547");
}

static void an_empty_secdb_repository_is_read(void **state)
{
    struct match_stage *f = *state;

    match_stage_add(f, NULL, "{\"distroversion\":\"v3.20\",\"packages\":null}");
    assert_int_equal(f->tally.records, 0);
}

static void wolfis_secdb_has_no_release(void **state)
{
    struct match_stage *f = *state;

    match_stage_add(f, NULL,
                    "{\"apkurl\":\"{{urlprefix}}/{{pkg.name}}\",\"urlprefix\":"
                    "\"https://packages.wolfi.dev\",\"packages\":[{\"pkg\":{\"name\":\"curl\","
                    "\"secfixes\":{\"8.1-r0\":[\"CVE-2026-1\"]}}}]}");
    match_stage_os(f, "wolfi", "20230201");
    (void)apk(f, "libcurl", "curl", "8.0-r9");
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->reason.ecosystem, "Wolfi");
}

static void yaml_with_aliases_or_too_deep_is_refused(void **state)
{
    struct match_stage *f = *state;
    char deep[256] = "distroversion: ";

    memset(deep + strlen(deep), '[', 100);
    assert_int_equal(match_stage_read(f, "secdb", deep), MU_OK);
    assert_int_equal(f->tally.rejected, 1);
    assert_int_equal(match_stage_read(f, "secdb", "distroversion: &a v3.20\npackages: [*a]\n"),
                     MU_OK);
    assert_int_equal(f->tally.rejected, 1);
}

/* ---- Debian's tracker ---- */

static const char tracker[] =
        "{\"openssl\":{\"CVE-2024-1\":{\"description\":\"text\",\"releases\":{\"bookworm\":{"
        "\"status\":\"resolved\",\"fixed_version\":\"3.0.13-1\",\"urgency\":\"low\"},\"bullseye\":{"
        "\"status\":\"resolved\",\"fixed_version\":\"0\",\"urgency\":\"not yet assigned\"}}},"
        "\"CVE-2024-2\":{\"releases\":{\"bookworm\":{\"status\":\"open\",\"urgency\":\"high\","
        "\"nodsa\":\"Minor issue\",\"nodsa_reason\":\"ignored\"}}},\"CVE-2024-3\":{\"releases\":{"
        "\"bookworm\":{\"status\":\"undetermined\",\"urgency\":\"low\"}}},\"CVE-2024-4\":{"
        "\"releases\":{\"bookworm\":{\"status\":\"open\",\"urgency\":\"unimportant\"}}},"
        "\"TEMP-0290435-0B57B5\":{\"releases\":{\"bookworm\":{\"status\":\"open\"}}}},"
        "\"zlib\":{\"CVE-2024-1\":{\"releases\":{\"sid\":{\"status\":\"open\",\"urgency\":"
        "\"end-of-life\"}}}}}";

static void track(struct match_stage *f, const char *release)
{
    struct image_package *package;

    match_stage_add(f, NULL, tracker);
    assert_string_equal(document_kind_name(f->tally.kind), "debian-tracker");
    match_stage_os(f, "debian", release);
    package = match_stage_has(f, "deb", "libssl3", "3.0.11-1");
    package->source_name = "openssl";
    package->source_version = "3.0.11-1";
    match_stage_run(f);
}

static void the_tracker_is_matched_by_source(void **state)
{
    struct match_stage *f = *state;

    track(f, "12");
    assert_int_equal(f->result.finding_count, 2);
    assert_string_equal(match_stage_finding(f, "CVE-2024-1")->fixed_version, "3.0.13-1");
    assert_string_equal(match_stage_finding(f, "CVE-2024-1")->severity.source, "debian");
    assert_null(match_stage_finding(f, "CVE-2024-2")->fixed_version);
    assert_string_equal(match_stage_finding(f, "CVE-2024-2")->fix_state, "will_not_fix");
    assert_int_equal(f->result.suppressed_count, 1);
    assert_string_equal(f->result.suppressed[0].id, "CVE-2024-4");
}

static void the_trackers_version_0_is_not_affected(void **state)
{
    struct match_stage *f = *state;

    track(f, "11");
    assert_int_equal(f->result.finding_count, 0);
}

static void one_cve_of_two_sources_stays_two_records(void **state)
{
    struct match_stage *f = *state;
    size_t count;

    match_stage_add(f, NULL, tracker);
    match_stage_open(f);
    (void)database_find(f->database, "Debian:12", "openssl", &count);
    assert_int_equal(count, 3);
    (void)database_find(f->database, "Debian:sid", "zlib", &count);
    assert_int_equal(count, 1);
}

static void a_tracker_cut_off_is_an_error(void **state)
{
    struct match_stage *f = *state;
    char cut[sizeof(tracker)];

    memcpy(cut, tracker, sizeof(cut));
    cut[sizeof(tracker) - 2] = '\0';
    assert_int_equal(match_stage_read(f, NULL, cut), MU_E_INVALID);
}

/* ---- Red Hat ---- */

#define CSAF_HEAD                                                                                  \
    "{\"document\":{\"aggregate_severity\":{\"text\":\"Low\"},\"csaf_version\":\"2.0\",\"title\":" \
    "\"t\",\"tracking\":{\"id\":\"CVE-2024-1\",\"current_release_date\":\"2025-01-01T00:00:00Z\"}" \
    "},\"product_tree\":{\"branches\":[{\"branches\":[{\"product\":{\"product_id\":\"B9\","        \
    "\"product_identification_helper\":{\"cpe\":\"cpe:/o:redhat:enterprise_linux:9::baseos\"}}},"  \
    "{\"product\":{\"product_id\":\"R9\",\"product_identification_helper\":{\"cpe\":"              \
    "\"cpe:/o:redhat:enterprise_linux:9\"}}},{\"product\":{\"product_id\":\"E9\","                 \
    "\"product_identification_helper\":{\"cpe\":\"cpe:/o:redhat:rhel_eus:9.2::baseos\"}}},"

static const char csaf[] = CSAF_HEAD
        "{\"product\":{\"product_id\":\"c-x\",\"product_identification_helper\":{\"purl\":"
        "\"pkg:rpm/redhat/c@3-1.el9?arch=x86_64&epoch=1\"}}},{\"product\":{\"product_id\":\"c-s\","
        "\"product_identification_helper\":{\"purl\":\"pkg:rpm/redhat/c@3-1.el9?arch=src\"}}},"
        "{\"product\":{\"product_id\":\"n-x\",\"product_identification_helper\":{\"purl\":"
        "\"pkg:rpm/redhat/n@16.2-1.module+el9?arch=x86_64&rpmmod=nodejs:16:90:y\"}}}]}],"
        "\"relationships\":[{\"full_product_name\":{\"product_id\":\"B9:c-x\"},"
        "\"product_reference\":\"c-x\",\"relates_to_product_reference\":\"B9\"},"
        "{\"full_product_name\":{\"product_id\":\"E9:c-x\"},"
        "\"product_reference\":\"c-x\",\"relates_to_product_reference\":\"E9\"},"
        "{\"full_product_name\":{\"product_id\":\"B9:c-s\"},\"product_reference\":\"c-s\","
        "\"relates_to_product_reference\":\"B9\"},{\"full_product_name\":{\"product_id\":\"B9:n-"
        "x\"}"
        ",\"product_reference\":\"n-x\",\"relates_to_product_reference\":\"B9\"},"
        "{\"full_product_name\":{\"product_id\":\"R9:d-1:2-3.el9.noarch\"},\"product_reference\":"
        "\"d-1:2-3.el9.noarch\",\"relates_to_product_reference\":\"R9\"}]},"
        "\"vulnerabilities\":[{\"cve\":\"CVE-2024-1\",\"product_status\":{\"fixed\":[\"B9:c-x\","
        "\"B9:c-s\",\"B9:n-x\"],\"known_affected\":[\"R9:d-1:2-3.el9.noarch\"],"
        "\"known_not_affected\":[\"E9:c-x\"],\"under_investigation\":[\"B9:q\"]},\"remediations\":["
        "{\"details\":\"Out of support scope\",\"product_ids\":[\"R9:d-1:2-3.el9.noarch\"]}],"
        "\"scores\":[{\"cvss_v3\":{\"vectorString\":\"" V31_53 "\"}}],\"threats\":[{\"category\":"
        "\"impact\",\"details\":\"Important\"}]}]}";

static struct image_package *rpm(struct match_stage *f, const char *name, const char *version)
{
    struct image_package *package = match_stage_has(f, "rpm", name, version);

    package->architecture = "x86_64";
    return package;
}

static void red_hats_statuses_are_honoured(void **state)
{
    struct match_stage *f = *state;

    match_stage_add(f, NULL, csaf);
    assert_string_equal(document_kind_name(f->tally.kind), "csaf");
    match_stage_os(f, "rhel", "9.2");
    (void)rpm(f, "c", "1:2-9.el9");
    (void)rpm(f, "c", "1:3-1.el9");
    (void)rpm(f, "d", "1:9-9.el9");
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 2);
    assert_string_equal(f->result.findings[0].package->version, "1:2-9.el9");
    assert_string_equal(f->result.findings[0].fixed_version, "1:3-1.el9");
    assert_string_equal(f->result.findings[0].severity.source, "cvss_v3");
    assert_int_equal(f->result.findings[0].severity.rated, SEVERITY_HIGH);
    assert_string_equal(f->result.findings[0].severity.rated_by, "redhat");
    assert_string_equal(f->result.findings[1].package->name, "d");
    assert_string_equal(f->result.findings[1].fix_state, "out_of_support");
}

static void red_hats_not_affected_holds_for_its_product(void **state)
{
    struct match_stage *f = *state;

    match_stage_add(f, NULL, csaf);
    match_stage_os(f, "rhel", "9.2");
    f->image.os.cpe_name = "cpe:/o:redhat:rhel_eus:9.2";
    (void)rpm(f, "c", "1:2-9.el9");
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 0);
    assert_int_equal(f->result.gap_count, 0);
}

static void red_hats_module_streams_are_told_apart(void **state)
{
    struct match_stage *f = *state;

    match_stage_add(f, NULL, csaf);
    match_stage_os(f, "rhel", "9.2");
    rpm(f, "n", "16.1-1.module+el9")->module = "nodejs:16:1:z";
    rpm(f, "n", "14.1-1.module+el9")->module = "nodejs:14:1:z";
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->package->version, "16.1-1.module+el9");
}

static void another_architecture_is_not_affected(void **state)
{
    struct match_stage *f = *state;

    match_stage_add(f, NULL, csaf);
    match_stage_os(f, "rhel", "9.2");
    rpm(f, "c", "1:2-9.el9")->architecture = "aarch64";
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 0);
}

/* ---- CVEs ---- */

static const struct finding *with_facts(struct match_stage *f, const char *severity)
{
    char more[256];

    (void)snprintf(more, sizeof(more), ",\"aliases\":[\"CVE-2024-1\"]%s", severity);
    match_stage_osv(f, "GHSA-1", "npm", "p", "{\"introduced\":\"0\"}", more);
    (void)match_stage_has(f, "npm", "p", "1");
    match_stage_run(f);
    return match_stage_only(f);
}

static void a_known_exploited_vulnerability_says_since_when(void **state)
{
    struct match_stage *f = *state;
    const struct finding *finding;

    match_stage_add(f, NULL,
                    "{\"title\":\"t\",\"catalogVersion\":\"2026.01.27\",\"vulnerabilities\":[{"
                    "\"cveID\":\"CVE-2024-1\",\"dateAdded\":\"2024-01-02\",\"dueDate\":"
                    "\"2024-02-02\",\"knownRansomwareCampaignUse\":\"Known\"}]}");
    assert_string_equal(document_kind_name(f->tally.kind), "kev");
    assert_int_equal(f->tally.newest_at_us, 1704153600000000);
    finding = with_facts(f, "");
    assert_string_equal(finding->facts.kev_added, "2024-01-02");
    assert_string_equal(finding->facts.kev_due, "2024-02-02");
    assert_true(finding->facts.ransomware);
    assert_int_equal(finding->severity.severity, SEVERITY_UNKNOWN); /* it changes no severity */
}

static void epss_stands_beside_the_severity(void **state)
{
    struct match_stage *f = *state;
    const struct finding *finding;

    match_stage_add(f, NULL,
                    "#model_version:v1,score_date:2026-08-22T00:00:00+0000\r\n"
                    "cve,epss,percentile\r\nCVE-2024-1,0.04919,0.91446\r\n");
    assert_string_equal(document_kind_name(f->tally.kind), "epss");
    assert_int_equal(f->tally.records, 1);
    assert_int_equal(f->tally.newest_at_us, 1787356800000000);
    finding = with_facts(f, "");
    assert_true(finding->facts.has_epss);
    assert_int_equal(finding->facts.epss_millionths, 49190);
    assert_int_equal(finding->facts.percentile_millionths, 914460);
}

static void a_line_of_epss_that_is_none_is_left_out(void **state)
{
    struct match_stage *f = *state;

    assert_int_equal(match_stage_read(f, NULL,
                                      "cve,epss,percentile\nCVE-2024-1,2,0\nCVE-2024-2,x,0\n"
                                      "CVE-2024-3\nfoo,0,0\nCVE-2024-4,0.1,0.2"),
                     MU_OK);
    assert_int_equal(f->tally.rejected, 4);
    assert_int_equal(f->tally.records, 1);
}

static void nvds_score_goes_before_the_advisorys(void **state)
{
    struct match_stage *f = *state;
    const struct finding *finding;

    match_stage_add(f, NULL,
                    "{\"format\":\"NVD_CVE\",\"vulnerabilities\":[{\"cve\":{\"id\":\"CVE-2024-1\","
                    "\"metrics\":{\"cvssMetricV31\":[{\"source\":\"nvd@nist.gov\",\"cvssData\":{"
                    "\"vectorString\":\"" V31_98 "\"}}]}}}]}");
    assert_string_equal(document_kind_name(f->tally.kind), "nvd");
    finding = with_facts(f, ",\"severity\":[{\"type\":\"CVSS_V3\",\"score\":\"" V31_53 "\"}]");
    assert_int_equal(finding->severity.severity, SEVERITY_CRITICAL);
    assert_int_equal(finding->severity.score_count, 2);
    assert_string_equal(finding->severity.scores[0].giver, "nvd");
    assert_int_equal(finding->severity.scores[1].tenths, 53);
}

static void the_advisorys_vector_goes_before_others(void **state)
{
    struct match_stage *f = *state;
    const struct finding *finding;

    match_stage_add(f, NULL,
                    "{\"id\":\"CVE-2024-1\",\"metrics\":[{\"src\":\"CISA-ADP\",\"type\":"
                    "\"cvssV3_1\",\"vector\":\"" V31_98 "\"}],\"ssvc\":{\"Exploitation\":\"poc\","
                    "\"Automatable\":\"no\",\"Technical Impact\":\"total\"}}\n");
    assert_string_equal(document_kind_name(f->tally.kind), "cvss");
    finding = with_facts(f, ",\"severity\":[{\"type\":\"CVSS_V3\",\"score\":\"" V31_53 "\"}]");
    assert_int_equal(finding->severity.severity, SEVERITY_MODERATE);
    assert_string_equal(finding->severity.scores[1].giver, "cisa-adp");
    assert_string_equal(finding->facts.exploitation, "poc");
    assert_string_equal(finding->facts.automatable, "no");
    assert_string_equal(finding->facts.technical_impact, "total");
}

static void a_score_without_vector_counts_as_nvds(void **state)
{
    struct match_stage *f = *state;

    match_stage_add(f, NULL, "cve,cvss3_base\nCVE-2024-1,7.8\nCVE-2024-2,\n");
    assert_string_equal(document_kind_name(f->tally.kind), "cvss-csv");
    assert_int_equal(with_facts(f, "")->severity.scores[0].tenths, 78);
    assert_int_equal(f->result.findings[0].severity.severity, SEVERITY_HIGH);
}

static void a_cve_record_tells_that_it_is_disputed(void **state)
{
    struct match_stage *f = *state;
    const struct finding *finding;

    match_stage_add(
            f, NULL,
            "{\"dataType\":\"CVE_RECORD\",\"cveMetadata\":{\"cveId\":\"CVE-2024-1\"},"
            "\"containers\":{\"cna\":{\"tags\":[\"disputed\"],\"metrics\":[{\"cvssV3_1\":{"
            "\"vectorString\":\"" V31_53 "\"}}]},\"adp\":[{\"metrics\":[{\"other\":{"
            "\"content\":{\"options\":[{\"Exploitation\":\"active\"},{\"Automatable\":\"yes\"},"
            "{\"Technical Impact\":\"partial\"}]}}}]}]}}");
    assert_string_equal(document_kind_name(f->tally.kind), "cve");
    finding = with_facts(f, "");
    assert_true(finding->disputed);
    assert_string_equal(finding->severity.scores[0].giver, "cna");
    assert_string_equal(finding->facts.exploitation, "active");
    assert_string_equal(finding->facts.automatable, "yes");
    assert_string_equal(finding->facts.technical_impact, "partial");
}

/* A published temporal score says 5.9 of a vector whose base score is 7.5. */
static void the_base_score_is_computed_from_the_vector(void **state)
{
    struct match_stage *f = *state;
    const struct finding *finding =
            with_facts(f, ",\"severity\":[{\"type\":\"CVSS_V3\",\"score\":\"CVSS:3.1/AV:N/AC:L/"
                          "PR:N/UI:N/S:U/C:N/I:N/A:H/E:U/RL:O/RC:C\"}]");

    assert_int_equal(finding->severity.scores[0].tenths, 75);
}

static void a_v2_vector_has_no_prefix(void **state)
{
    struct match_stage *f = *state;
    const struct finding *finding =
            with_facts(f, ",\"severity\":[{\"type\":\"CVSS_V2\",\"score\":"
                          "\"AV:N/AC:L/Au:N/C:P/I:N/A:N\"},{\"type\":\"CVSS_V4\",\"score\":"
                          "\"CVSS:4.0/AV:N\"}]");

    assert_string_equal(finding->severity.source, "cvss_v2");
    assert_int_equal(finding->severity.scores[0].tenths, 50);
    assert_string_equal(finding->severity.scores[1].type, "CVSS_V4");
}

/* ---- documents ---- */

static void what_is_of_no_kind_is_refused(void **state)
{
    struct match_stage *f = *state;

    assert_int_equal(match_stage_read(f, NULL, "hello"), MU_E_INVALID);
    assert_non_null(strstr(f->err.message, "KIND:PATH"));
    assert_int_equal(match_stage_read(f, NULL, ""), MU_E_INVALID);
}

static void a_record_nobody_can_read_is_counted(void **state)
{
    struct match_stage *f = *state;

    assert_int_equal(match_stage_read(f, NULL, "{\"affected\":[]}"), MU_OK);
    assert_int_equal(f->tally.rejected, 1);
    assert_int_equal(f->tally.records, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            MATCH_STAGE_TEST(secdb_is_matched_by_origin),
            MATCH_STAGE_TEST(secdbs_never_affected_silences_other_records),
            MATCH_STAGE_TEST(secdb_as_yaml_says_the_same),
            MATCH_STAGE_TEST(an_empty_secdb_repository_is_read),
            MATCH_STAGE_TEST(wolfis_secdb_has_no_release),
            MATCH_STAGE_TEST(yaml_with_aliases_or_too_deep_is_refused),
            MATCH_STAGE_TEST(the_tracker_is_matched_by_source),
            MATCH_STAGE_TEST(the_trackers_version_0_is_not_affected),
            MATCH_STAGE_TEST(one_cve_of_two_sources_stays_two_records),
            MATCH_STAGE_TEST(a_tracker_cut_off_is_an_error),
            MATCH_STAGE_TEST(red_hats_statuses_are_honoured),
            MATCH_STAGE_TEST(red_hats_not_affected_holds_for_its_product),
            MATCH_STAGE_TEST(red_hats_module_streams_are_told_apart),
            MATCH_STAGE_TEST(another_architecture_is_not_affected),
            MATCH_STAGE_TEST(a_known_exploited_vulnerability_says_since_when),
            MATCH_STAGE_TEST(epss_stands_beside_the_severity),
            MATCH_STAGE_TEST(a_line_of_epss_that_is_none_is_left_out),
            MATCH_STAGE_TEST(nvds_score_goes_before_the_advisorys),
            MATCH_STAGE_TEST(the_advisorys_vector_goes_before_others),
            MATCH_STAGE_TEST(a_score_without_vector_counts_as_nvds),
            MATCH_STAGE_TEST(a_cve_record_tells_that_it_is_disputed),
            MATCH_STAGE_TEST(the_base_score_is_computed_from_the_vector),
            MATCH_STAGE_TEST(a_v2_vector_has_no_prefix),
            MATCH_STAGE_TEST(what_is_of_no_kind_is_refused),
            MATCH_STAGE_TEST(a_record_nobody_can_read_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

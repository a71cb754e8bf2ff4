#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "match_stage.h"

#define FIXED_2 "{\"introduced\":\"0\"},{\"fixed\":\"2\"}"

/* ---- which ecosystem ---- */

static void each_distribution_has_its_ecosystem(void **state)
{
    static const struct {
        struct image_os os;
        const char *ecosystem;
    } rows[] = {
            {{.id = "debian", .version_id = "12"}, "Debian:12"},
            {{.id = "debian", .version_codename = "trixie"}, "Debian:13"},
            {{.id = "debian", .version_codename = "sid"}, "Debian:sid"},
            {{.id = "debian", .version_codename = "woody"}, NULL},
            {{.id = "ubuntu", .version_id = "24.10"}, "Ubuntu:24.10"},
            {{.id = "ubuntu", .version_id = "24.04"}, "Ubuntu:24.04:LTS"},
            {{.id = "ubuntu", .version_id = "23.04"}, "Ubuntu:23.04"},
            {{.id = "alpine", .version_id = "3.20.3"}, "Alpine:v3.20"},
            {{.id = "alpine", .version_id = "3.21.0_alpha20240807"}, "Alpine:edge"},
            {{.id = "alpine"}, NULL},
            {{.id = "wolfi", .version_id = "20230201"}, "Wolfi"},
            {{.id = "chainguard"}, "Chainguard"},
            {{.id = "alpaquita", .version_id = "23"}, "Alpaquita:23"},
            {{.id = "almalinux", .version_id = "9.3"}, "AlmaLinux:9"},
            {{.id = "rocky", .version_id = "8.9"}, "Rocky Linux:8"},
            {{.id = "rhel", .version_id = "9.2"}, "Red Hat:enterprise_linux:9"},
            {{.id = "rhel",
              .version_id = "9.2",
              .cpe_name = "cpe:/o:redhat:enterprise_linux:9::baseos"},
             "Red Hat:enterprise_linux:9"},
            {{.id = "rhel", .cpe_name = "cpe:/o:redhat:rhel_eus:9.2"}, "Red Hat:rhel_eus:9.2"},
            {{.id = "sles", .pretty_name = "SUSE Linux Enterprise Server 15 SP5"},
             "SUSE:Linux Enterprise Server 15 SP5"},
            {{.id = "opensuse-leap", .pretty_name = "openSUSE Leap 15.5"}, "openSUSE:Leap 15.5"},
            {{.id = "azurelinux", .version_id = "3.0"}, "Azure Linux:3"},
            {{.id = "photon", .version_id = "5.0"}, "Photon OS:5.0"},
            {{.id = "openeuler", .version_id = "22.03", .pretty_name = "openEuler 22.03 (LTS-SP3)"},
             "openEuler:22.03-LTS-SP3"},
            {{.id = "mageia", .version_id = "9"}, "Mageia:9"},
            {{.id = "fedora", .version_id = "40"}, NULL},
    };
    struct match_stage *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct image_os os = rows[i].os;
        struct package_distribution distribution;

        os.found = true;
        assert_int_equal(package_distribution_of(&os, f->arena, &distribution, &f->err), MU_OK);
        if (!rows[i].ecosystem)
            assert_null(distribution.ecosystem);
        else
            assert_string_equal(distribution.ecosystem, rows[i].ecosystem);
    }
}

static void each_language_is_found_by_its_folded_name(void **state)
{
    static const struct {
        const char *type, *ecosystem, *filed, *name;
    } rows[] = {
            {"pypi", "PyPI", "Zope.Interface", "zope__interface"},
            {"npm", "npm", "@scope/name", "@scope/name"},
            {"golang", "Go", "example.org/m", "example.org/m"},
            {"maven", "Maven", "g.h:a", "g.h:a"},
            {"maven", "Maven:https://repo.example/maven", "g:b", "g:b"},
            {"cargo", "crates.io", "serde", "serde"},
            {"gem", "RubyGems", "rack", "rack"},
            {"composer", "Packagist", "Symfony/HTTP", "symfony/http"},
            {"nuget", "NuGet", "Newtonsoft.Json", "newtonsoft.json"},
            {"hex", "Hex", "plug", "plug"},
            {"pub", "Pub", "http", "http"},
    };
    struct match_stage *f = *state;
    enum { COUNT = sizeof(rows) / sizeof(rows[0]) };

    for (size_t i = 0; i < COUNT; i++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "X-%zu", i);
        match_stage_osv(f, id, rows[i].ecosystem, rows[i].filed, FIXED_2, "");
        (void)match_stage_has(f, rows[i].type, rows[i].name, "1");
    }
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, COUNT);
}

static void npm_names_are_exact(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "X-1", "npm", "JSONStream", FIXED_2, "");
    (void)match_stage_has(f, "npm", "jsonstream", "1");
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 0);
}

static void versions_that_are_none_are_counted_not_matched(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "X-1", "Go", "m", "{\"introduced\":\"0\"}", "");
    match_stage_osv(f, "X-2", "Packagist", "p", "{\"introduced\":\"0\"}", "");
    (void)match_stage_has(f, "composer", "p", "dev-main");
    (void)match_stage_has(f, "golang", "m", "(devel)");
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 0);
    assert_int_equal(f->result.unversioned, 2);
}

/* A program built at (devel): every advisory that was ever fixed would be told of it. */
static void a_version_made_up_of_a_revision_is_not_matched(void **state)
{
    static const char version[] = "v0.0.0-20240131235958-0123456789ab";
    struct match_stage *f = *state;

    match_stage_osv(f, "X-1", "Go", "m", "{\"introduced\":\"0\"},{\"fixed\":\"1.2.3\"}", "");
    match_stage_has(f, "golang", "m", version)->source_version = "(devel)";
    (void)match_stage_has(f, "golang", "m", version); /* a dependency that was never tagged */
    match_stage_run(f);
    assert_int_equal(f->result.unversioned, 1);
    assert_null(match_stage_only(f)->package->source_version);
}

static void a_gems_platform_is_no_part_of_its_version(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "X-1", "RubyGems", "g", "{\"introduced\":\"0\"},{\"fixed\":\"1.2.3\"}", "");
    (void)match_stage_has(f, "gem", "g", "1.2.3-x86_64-linux");
    (void)match_stage_has(f, "gem", "g", "1.2.2-x86_64-linux");
    (void)match_stage_has(f, "gem", "g", "1.2.3-rc.1"); /* a pre-release, no platform */
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 2);
    assert_string_equal(f->result.findings[0].package->version, "1.2.2-x86_64-linux");
    assert_string_equal(f->result.findings[1].package->version, "1.2.3-rc.1");
}

static void gos_standard_library_is_judged_by_its_own_versions(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "GO-1", "Go", "stdlib", "{\"introduced\":\"0\"},{\"fixed\":\"1.22.2\"}", "");
    (void)match_stage_has(f, "golang", "stdlib", "go1.22.1");
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->reason.comparator, "go");
}

static void what_the_database_has_no_advisories_for_is_said(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "X-1", "npm", "p", FIXED_2, "");
    match_stage_os(f, "alpine", "3.20.1");
    (void)match_stage_has(f, "apk", "musl", "1");
    (void)match_stage_has(f, "generic", "x", "1");
    (void)match_stage_has(f, "hex", "x", "1");
    (void)match_stage_has(f, "hex", "y", "1");
    match_stage_run(f);
    assert_int_equal(f->result.gap_count, 3);
    assert_string_equal(f->result.gaps[0].ecosystem, "Alpine:v3.20");
    assert_true(f->result.gaps[0].os);
    assert_string_equal(f->result.gaps[2].ecosystem, "Hex");
    assert_int_equal(f->result.gaps[2].packages, 2);
    assert_false(f->result.gaps[2].os);
}

/* ---- identity ---- */

static void aliases_of_one_package_are_one_finding(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "PYSEC-1", "PyPI", "p", FIXED_2, ",\"aliases\":[\"CVE-2026-1\"]");
    match_stage_osv(f, "GHSA-1", "PyPI", "p", FIXED_2,
                    ",\"aliases\":[\"CVE-2026-1\"],\"database_specific\":{\"severity\":\"HIGH\"}");
    (void)match_stage_has(f, "pypi", "p", "1");
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->id, "CVE-2026-1");
    assert_int_equal(match_stage_only(f)->reference_count, 1);
    assert_int_equal(f->result.counts.findings, 1);
}

/* A GHSA without CVE, whose alias has one. */
static void aliases_are_transitive(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "PYSEC-1", "PyPI", "p", FIXED_2, ",\"aliases\":[\"GHSA-1\"]");
    match_stage_osv(f, "GHSA-1", "PyPI", "other", FIXED_2, ",\"aliases\":[\"CVE-2026-1\"]");
    (void)match_stage_has(f, "pypi", "p", "1");
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->id, "CVE-2026-1");
}

static void without_a_cve_the_ghsa_is_the_name(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "MAL-1", "npm", "p", FIXED_2, ",\"aliases\":[\"GHSA-1\"]");
    (void)match_stage_has(f, "npm", "p", "1");
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->id, "GHSA-1");
    assert_string_equal(match_stage_only(f)->advisory, "MAL-1");
}

static void two_cves_of_one_record_are_two_findings(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "X-1", "npm", "p", FIXED_2, ",\"aliases\":[\"CVE-2026-1\",\"CVE-2026-2\"]");
    (void)match_stage_has(f, "npm", "p", "1");
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 2);
}

static void what_is_only_related_is_another_vulnerability(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "GHSA-1", "npm", "p", FIXED_2, ",\"related\":[\"CVE-2026-1\"]");
    (void)match_stage_has(f, "npm", "p", "1");
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->id, "GHSA-1");
}

/* One GHSA record may name several ecosystems, and lies in the zip of each. */
static void a_record_of_several_ecosystems_read_twice_counts_once(void **state)
{
    static const char record[] =
            "{\"id\":\"GHSA-1\",\"affected\":[{\"package\":{\"ecosystem\":\"npm\",\"name\":\"p\"},"
            "\"versions\":[\"1\"]},{\"package\":{\"ecosystem\":\"Maven\",\"name\":\"g:p\"},"
            "\"versions\":[\"1\"]}]}";
    struct match_stage *f = *state;
    struct database_facts facts;

    match_stage_add(f, "osv", record);
    match_stage_add(f, "osv", record);
    (void)match_stage_has(f, "maven", "g:p", "1");
    (void)match_stage_has(f, "npm", "p", "1");
    match_stage_run(f);
    database_facts(f->database, &facts);
    assert_int_equal(facts.records, 1);
    assert_int_equal(facts.rows, 2);
    assert_int_equal(f->result.finding_count, 2);
}

/* ---- what records say ---- */

/* Malware: every version, or listed ones without a range. */
static void malware_is_found_without_end_and_without_range(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "MAL-1", "npm", "all", "{\"introduced\":\"0\"}", "");
    match_stage_add(f, "osv",
                    "{\"id\":\"MAL-2\",\"affected\":[{\"package\":{\"ecosystem\":\"npm\",\"name\":"
                    "\"some\"},\"versions\":[\"1.0.1\",\"1.0.2\"]}]}");
    (void)match_stage_has(f, "npm", "all", "99.0.0");
    (void)match_stage_has(f, "npm", "some", "1.0.0");
    (void)match_stage_has(f, "npm", "some", "1.0.2");
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 2);
    assert_false(match_stage_finding(f, "MAL-1")->reason.listed);
    assert_true(match_stage_finding(f, "MAL-2")->reason.listed);
    assert_null(match_stage_finding(f, "MAL-2")->fixed_version);
}

static void the_reason_names_range_and_comparator(void **state)
{
    struct match_stage *f = *state;
    const struct finding_reason *reason;

    match_stage_osv(f, "X-1", "npm", "p",
                    "{\"introduced\":\"1.0.0\"},{\"fixed\":\"1.2.0\"},{\"introduced\":\"2.0.0\"},"
                    "{\"last_affected\":\"2.5.0\"}",
                    "");
    (void)match_stage_has(f, "npm", "p", "1.1.0");
    (void)match_stage_has(f, "npm", "p", "1.5.0");
    (void)match_stage_has(f, "npm", "p", "2.5.0");
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 2);
    reason = &f->result.findings[0].reason;
    assert_string_equal(reason->introduced, "1.0.0");
    assert_string_equal(reason->fixed, "1.2.0");
    assert_string_equal(reason->comparator, "semver");
    reason = &f->result.findings[1].reason;
    assert_string_equal(reason->introduced, "2.0.0");
    assert_null(reason->fixed);
    assert_string_equal(reason->last_affected, "2.5.0");
}

static void a_limit_ends_a_range(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "X-1", "npm", "p", "{\"introduced\":\"0\"},{\"limit\":\"2.0.0\"}", "");
    (void)match_stage_has(f, "npm", "p", "1.9.0");
    (void)match_stage_has(f, "npm", "p", "2.0.0");
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->package->version, "1.9.0");
}

/* ---- RPM ---- */

static struct image_package *rpm(struct match_stage *f, const char *name, const char *version)
{
    return match_stage_has(f, "rpm", name, version);
}

static void almalinux_names_binary_packages_and_cves_as_related(void **state)
{
    struct match_stage *f = *state;

    match_stage_add(f, "osv",
                    "{\"id\":\"ALSA-2026:1\",\"summary\":\"Important: curl security update\","
                    "\"related\":[\"CVE-2026-1\",\"CVE-2026-2\"],\"affected\":[{\"package\":{"
                    "\"ecosystem\":\"AlmaLinux:9\",\"name\":\"libcurl\"},\"ranges\":[{\"type\":"
                    "\"ECOSYSTEM\",\"events\":[{\"introduced\":\"0\"},{\"fixed\":\"7.76.1-19.el9\"}"
                    "]}]},{\"package\":{\"ecosystem\":\"AlmaLinux:8\",\"name\":\"libcurl\"},"
                    "\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[{\"introduced\":\"0\"},{"
                    "\"fixed\":\"7.61.1-9.el8\"}]}]}]}");
    match_stage_os(f, "almalinux", "9.0");
    rpm(f, "libcurl", "7.76.1-14.el9")->source_name = "curl";
    rpm(f, "other", "1-1.el9")->source_name = "libcurl";
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 2);
    assert_string_equal(f->result.findings[0].id, "CVE-2026-1");
    assert_string_equal(f->result.findings[0].fixed_version, "7.76.1-19.el9");
    assert_int_equal(f->result.findings[0].severity.severity, SEVERITY_HIGH);
    assert_string_equal(f->result.findings[0].severity.source, "almalinux");
}

static void a_missing_epoch_is_zero(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "ALSA-1", "AlmaLinux:9", "p", "{\"introduced\":\"0\"},{\"fixed\":\"1:1-1\"}",
                    "");
    match_stage_os(f, "almalinux", "9");
    (void)rpm(f, "p", "9-9");
    (void)rpm(f, "p", "1:1-1");
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->package->version, "9-9");
}

static void the_latest_fix_of_a_cve_holds(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "ALSA-1", "AlmaLinux:9", "p", "{\"introduced\":\"0\"},{\"fixed\":\"1-3\"}",
                    ",\"related\":[\"CVE-2026-1\"]");
    match_stage_osv(f, "ALSA-2", "AlmaLinux:9", "p", "{\"introduced\":\"0\"},{\"fixed\":\"1-9\"}",
                    ",\"related\":[\"CVE-2026-1\"]");
    match_stage_os(f, "almalinux", "9");
    (void)rpm(f, "p", "1-2");
    (void)rpm(f, "p", "1-5");
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 2);
    assert_string_equal(f->result.findings[0].fixed_version, "1-9");
    assert_string_equal(f->result.findings[0].references[0], "ALSA-1");
    assert_string_equal(f->result.findings[1].fixed_version, "1-9");
}

#define MODULAR "{\"introduced\":\"0\"},{\"fixed\":\"1:18.1-1.module_el9.1.0+16+91bc168f\"}"

static void a_modular_fix_is_for_modular_packages_and_the_other_way_round(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "ALSA-1", "AlmaLinux:9", "nodejs", MODULAR, "");
    match_stage_osv(f, "ALSA-2", "AlmaLinux:9", "nodejs",
                    "{\"introduced\":\"0\"},{\"fixed\":\"1:18.1-1.el9\"}", "");
    match_stage_os(f, "almalinux", "9");
    (void)rpm(f, "nodejs", "1:16.1-1.el9");
    rpm(f, "nodejs", "1:16.1-1.module_el9.0.0+1")->module = "nodejs:16:90:x";
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, 2);
    assert_string_equal(match_stage_finding(f, "ALSA-2")->package->version, "1:16.1-1.el9");
    assert_string_equal(match_stage_finding(f, "ALSA-1")->package->version,
                        "1:16.1-1.module_el9.0.0+1");
}

static void a_module_whose_stream_nobody_knows_is_set_apart(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "ALSA-1", "AlmaLinux:9", "nodejs", MODULAR, "");
    match_stage_os(f, "almalinux", "9");
    (void)rpm(f, "nodejs", "1:16.1-1.module_el9.0.0+1");
    match_stage_run(f);
    (void)match_stage_suppressed(f, "module_unknown");
}

/* A record as AlmaLinux writes it: module and stream are in the summary. */
static void modular(struct match_stage *f, const char *id, const char *stream, const char *fixed)
{
    char events[128], more[128];

    (void)snprintf(events, sizeof(events), "{\"introduced\":\"0\"},{\"fixed\":\"%s\"}", fixed);
    (void)snprintf(more, sizeof(more),
                   ",\"summary\":\"Important: %s security update\",\"related\":[\"CVE-2026-1\"]",
                   stream);
    match_stage_osv(f, id, "AlmaLinux:8", "nodejs", events, more);
}

static void the_records_of_a_packages_own_stream_decide(void **state)
{
    struct match_stage *f = *state;

    modular(f, "ALSA-2026:1", "nodejs:16", "1:16.20.1-1.module_el8.1.0+1");
    modular(f, "ALSA-2026:2", "nodejs:18", "1:18.17.1-1.module_el8.1.0+2");
    match_stage_os(f, "almalinux", "8.9");
    rpm(f, "nodejs", "1:16.20.2-1.module_el8.1.0+3")->module = "nodejs:16:80:x"; /* mended */
    rpm(f, "nodejs", "1:16.20.0-1.module_el8.1.0+3")->module = "nodejs:16:80:x";
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->package->version, "1:16.20.0-1.module_el8.1.0+3");
    assert_string_equal(match_stage_only(f)->fixed_version, "1:16.20.1-1.module_el8.1.0+1");
}

static void where_no_record_is_of_its_stream_others_speak(void **state)
{
    struct match_stage *f = *state;

    modular(f, "ALSA-2026:2", "nodejs:18", "1:18.17.1-1.module_el8.1.0+2");
    match_stage_os(f, "almalinux", "8.9");
    rpm(f, "nodejs", "1:16.20.2-1.module_el8.1.0+3")->module = "nodejs:16:80:x";
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->fixed_version, "1:18.17.1-1.module_el8.1.0+2");
}

/* Rocky's records name sources, whose rpm has no epoch in its name. */
static void rockys_sources_are_compared_without_epoch(void **state)
{
    struct match_stage *f = *state;
    struct image_package *package;

    match_stage_osv(f, "RLSA-1", "Rocky Linux:9", "openssl",
                    "{\"introduced\":\"0\"},{\"fixed\":\"1:3.0.7-27.el9\"}", "");
    match_stage_os(f, "rocky", "9.3");
    package = rpm(f, "openssl-libs", "1:3.0.7-26.el9");
    package->source_name = "openssl";
    package->source_version = "3.0.7-26.el9";
    package = rpm(f, "openssl-new", "1:3.0.7-27.el9");
    package->source_name = "openssl";
    package->source_version = "3.0.7-27.el9";
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->package->name, "openssl-libs");
    assert_string_equal(match_stage_only(f)->reason.name, "openssl");
}

/* ---- who built it, who owns it ---- */

static void another_vendors_package_is_not_judged_by_the_distributions_feed(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "ALSA-1", "AlmaLinux:9", "nodejs", FIXED_2, "");
    match_stage_os(f, "almalinux", "9");
    rpm(f, "nodejs", "1")->vendor = "Node Source";
    match_stage_run(f);
    assert_string_equal(match_stage_suppressed(f, "third_party")->suppressed_by, "Node Source");
}

static void the_distributions_own_vendor_is_judged(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "ALSA-1", "AlmaLinux:9", "p", FIXED_2, "");
    match_stage_os(f, "almalinux", "9");
    rpm(f, "p", "1")->vendor = "AlmaLinux";
    match_stage_run(f);
    (void)match_stage_only(f);
}

/* Images of a rebuild of Enterprise Linux hold packages of others, the same sources. */
static void a_package_of_another_enterprise_linux_is_judged(void **state)
{
    static const char *const vendors[] = {"Red Hat, Inc.", "CentOS", "AlmaLinux",
                                          "Rocky Enterprise Software Foundation"};
    struct match_stage *f = *state;

    match_stage_osv(f, "ALSA-1", "AlmaLinux:9", "p", FIXED_2, "");
    match_stage_os(f, "almalinux", "9");
    for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++)
        rpm(f, "p", "1")->vendor = vendors[i];
    match_stage_run(f);
    assert_int_equal(f->result.finding_count, sizeof(vendors) / sizeof(vendors[0]));
    assert_int_equal(f->result.suppressed_count, 0);
}

/* Fedora builds EPEL, for Enterprise Linux but not of it. */
static void a_package_of_epel_is_another_vendors(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "ALSA-1", "AlmaLinux:9", "p", FIXED_2, "");
    match_stage_os(f, "almalinux", "9");
    rpm(f, "p", "1")->vendor = "Fedora Project";
    match_stage_run(f);
    (void)match_stage_suppressed(f, "third_party");
}

static void a_known_publisher_of_debian_packages_is_another_vendor(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "DEBIAN-CVE-2026-1", "Debian:12", "docker-ce", FIXED_2, "");
    match_stage_os(f, "debian", "12");
    match_stage_has(f, "deb", "docker-ce", "1")->vendor = "Docker <support@docker.com>";
    match_stage_run(f);
    (void)match_stage_suppressed(f, "third_party");
}

/* python3-flask of Debian brings flask's files. */
static void own_a_flask(struct match_stage *f, const char *maintainer)
{
    struct image_package *flask;

    match_stage_osv(f, "PYSEC-1", "PyPI", "flask", FIXED_2, ",\"aliases\":[\"CVE-2026-1\"]");
    match_stage_osv(f, "DEBIAN-CVE-2026-9", "Debian:12", "other", FIXED_2, "");
    match_stage_os(f, "debian", "12");
    match_stage_has(f, "deb", "python3-flask", "1")->vendor = maintainer;
    flask = match_stage_has(f, "pypi", "Flask", "1");
    flask->owner_type = "deb";
    flask->owner = "python3-flask";
    match_stage_run(f);
}

static void a_language_package_of_an_os_package_is_judged_by_its_vendor(void **state)
{
    struct match_stage *f = *state;
    const struct finding *finding;

    own_a_flask(f, "Debian Python Team <team+python@tracker.debian.org>");
    finding = match_stage_suppressed(f, "owned_by");
    assert_string_equal(finding->suppressed_by, "python3-flask");
    assert_string_equal(finding->id, "CVE-2026-1");
    assert_int_equal(f->result.counts.findings, 0);
}

static void files_of_another_vendors_package_are_judged_by_themselves(void **state)
{
    struct match_stage *f = *state;

    own_a_flask(f, "Somebody <packages@nodesource.com>");
    (void)match_stage_only(f);
}

/* Without the vendor's data nobody would judge it at all. */
static void an_owner_without_advisories_suppresses_nothing(void **state)
{
    struct match_stage *f = *state;
    struct image_package *flask;

    match_stage_osv(f, "PYSEC-1", "PyPI", "flask", FIXED_2, "");
    match_stage_os(f, "debian", "12");
    (void)match_stage_has(f, "deb", "python3-flask", "1");
    flask = match_stage_has(f, "pypi", "Flask", "1");
    flask->owner_type = "deb";
    flask->owner = "python3-flask";
    match_stage_run(f);
    (void)match_stage_only(f);
}

/* ---- withdrawn, disputed, stated ---- */

static void what_only_withdrawn_records_say_is_set_apart(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "GHSA-1", "npm", "p", FIXED_2, ",\"withdrawn\":\"2026-01-01T00:00:00Z\"");
    (void)match_stage_has(f, "npm", "p", "1");
    match_stage_run(f);
    (void)match_stage_suppressed(f, "withdrawn");
}

static void a_withdrawn_record_does_not_speak_against_another(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "GHSA-1", "npm", "p", "{\"introduced\":\"0\"}",
                    ",\"aliases\":[\"CVE-2026-1\"],\"withdrawn\":\"2026-01-01T00:00:00Z\"");
    match_stage_osv(f, "GHSA-2", "npm", "p", FIXED_2, ",\"aliases\":[\"CVE-2026-1\"]");
    (void)match_stage_has(f, "npm", "p", "3");
    (void)match_stage_has(f, "npm", "p", "1");
    match_stage_run(f);
    assert_string_equal(match_stage_only(f)->package->version, "1");
    assert_int_equal(f->result.suppressed_count, 0);
}

static void a_disputed_record_is_marked(void **state)
{
    struct match_stage *f = *state;

    match_stage_osv(f, "X-1", "npm", "p", FIXED_2, ",\"details\":\"** DISPUTED ** not so\"");
    (void)match_stage_has(f, "npm", "p", "1");
    match_stage_run(f);
    assert_true(match_stage_only(f)->disputed);
}

static void state_vex(struct match_stage *f, const char *status)
{
    char json[1024];

    (void)snprintf(json, sizeof(json),
                   "{\"@context\":\"https://openvex.dev/ns/v0.2.0\",\"author\":\"us\","
                   "\"statements\":[{\"vulnerability\":{\"name\":\"CVE-2026-1\"},\"products\":[{"
                   "\"@id\":\"pkg:npm/p@1\"}],\"status\":\"%s\",\"justification\":"
                   "\"vulnerable_code_not_present\"}]}",
                   status);
    match_stage_osv(f, "GHSA-1", "npm", "p", FIXED_2, ",\"aliases\":[\"CVE-2026-1\"]");
    (void)match_stage_has(f, "npm", "p", "1");
    assert_int_equal(vex_set_read(f->vex, "v.json", json, strlen(json), &f->err), MU_OK);
    match_stage_run(f);
}

static void what_a_statement_denies_is_kept_with_its_justification(void **state)
{
    struct match_stage *f = *state;
    const struct finding *finding;

    state_vex(f, "not_affected");
    finding = match_stage_suppressed(f, "vex");
    assert_int_equal(finding->vex->status, VEX_NOT_AFFECTED);
    assert_string_equal(finding->vex->justification, "vulnerable_code_not_present");
    assert_string_equal(finding->vex->author, "us");
}

static void a_statement_under_investigation_leaves_the_finding(void **state)
{
    struct match_stage *f = *state;

    state_vex(f, "under_investigation");
    assert_int_equal(match_stage_only(f)->vex->status, VEX_UNDER_INVESTIGATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            MATCH_STAGE_TEST(each_distribution_has_its_ecosystem),
            MATCH_STAGE_TEST(each_language_is_found_by_its_folded_name),
            MATCH_STAGE_TEST(npm_names_are_exact),
            MATCH_STAGE_TEST(versions_that_are_none_are_counted_not_matched),
            MATCH_STAGE_TEST(a_version_made_up_of_a_revision_is_not_matched),
            MATCH_STAGE_TEST(a_gems_platform_is_no_part_of_its_version),
            MATCH_STAGE_TEST(gos_standard_library_is_judged_by_its_own_versions),
            MATCH_STAGE_TEST(what_the_database_has_no_advisories_for_is_said),
            MATCH_STAGE_TEST(aliases_of_one_package_are_one_finding),
            MATCH_STAGE_TEST(aliases_are_transitive),
            MATCH_STAGE_TEST(without_a_cve_the_ghsa_is_the_name),
            MATCH_STAGE_TEST(two_cves_of_one_record_are_two_findings),
            MATCH_STAGE_TEST(what_is_only_related_is_another_vulnerability),
            MATCH_STAGE_TEST(a_record_of_several_ecosystems_read_twice_counts_once),
            MATCH_STAGE_TEST(malware_is_found_without_end_and_without_range),
            MATCH_STAGE_TEST(the_reason_names_range_and_comparator),
            MATCH_STAGE_TEST(a_limit_ends_a_range),
            MATCH_STAGE_TEST(almalinux_names_binary_packages_and_cves_as_related),
            MATCH_STAGE_TEST(a_missing_epoch_is_zero),
            MATCH_STAGE_TEST(the_latest_fix_of_a_cve_holds),
            MATCH_STAGE_TEST(a_modular_fix_is_for_modular_packages_and_the_other_way_round),
            MATCH_STAGE_TEST(a_module_whose_stream_nobody_knows_is_set_apart),
            MATCH_STAGE_TEST(the_records_of_a_packages_own_stream_decide),
            MATCH_STAGE_TEST(where_no_record_is_of_its_stream_others_speak),
            MATCH_STAGE_TEST(rockys_sources_are_compared_without_epoch),
            MATCH_STAGE_TEST(another_vendors_package_is_not_judged_by_the_distributions_feed),
            MATCH_STAGE_TEST(the_distributions_own_vendor_is_judged),
            MATCH_STAGE_TEST(a_package_of_another_enterprise_linux_is_judged),
            MATCH_STAGE_TEST(a_package_of_epel_is_another_vendors),
            MATCH_STAGE_TEST(a_known_publisher_of_debian_packages_is_another_vendor),
            MATCH_STAGE_TEST(a_language_package_of_an_os_package_is_judged_by_its_vendor),
            MATCH_STAGE_TEST(files_of_another_vendors_package_are_judged_by_themselves),
            MATCH_STAGE_TEST(an_owner_without_advisories_suppresses_nothing),
            MATCH_STAGE_TEST(what_only_withdrawn_records_say_is_set_apart),
            MATCH_STAGE_TEST(a_withdrawn_record_does_not_speak_against_another),
            MATCH_STAGE_TEST(a_disputed_record_is_marked),
            MATCH_STAGE_TEST(what_a_statement_denies_is_kept_with_its_justification),
            MATCH_STAGE_TEST(a_statement_under_investigation_leaves_the_finding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"

#include "base/clock.h"

/* 2026-11-04T00:00:00Z */
#define NOV_4_US INT64_C(1793750400000000)

static int set_up(void **state)
{
    struct world *world = mu_xcalloc(1, sizeof(*world));

    world_init(world);
    world->system.deliverables = "cr26";
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    world_done(*state);
    free(*state);
    return 0;
}

static void write_ok(struct world *world)
{
    struct bundle_counts counts;
    struct mu_error err;

    if (world_write(world, 0, &counts, &err) != MU_OK)
        fail_msg("%s", err.message);
}

/* The entry of the list with that identifier; NULL: none. */
static const json_t *entry(const json_t *list, const char *id)
{
    const json_t *one;
    size_t i;

    json_array_foreach (list, i, one) {
        const json_t *inner = json_object_get(one, "vulnerabilityDetail");
        const char *found = mu_json_text_at(inner ? inner : one, "providerTrackingId");

        if (found && strcmp(found, id) == 0)
            return one;
    }
    return NULL;
}

static void assert_says(const json_t *value, const char *path, const char *expected)
{
    const char *text = mu_json_text_at(value, path);

    if (!text || !strstr(text, expected))
        fail_msg("%s: '%s' does not say '%s'", path, text ? text : "(none)", expected);
}

static void every_item_and_failure_is_in_one_report_only(void **state)
{
    static const char *const all[] = {"V-CVE-2026-0001",
                                      "V-CVE-2026-0002",
                                      "V-CVE-2026-0002-DR-2",
                                      "V-CVE-2026-0003-DR-1",
                                      "V-GHSA-none",
                                      "V-CVE-2025-9999",
                                      "00000000-0000-0000-0000-000000000001"};
    struct world *world = *state;
    json_t *vdt, *avi, *mrh;

    world->deviations[1].kind = "accepted";
    world->findings[2].status = "accepted";
    write_ok(world);
    vdt = world_json(world, BUNDLE_VDT);
    avi = world_json(world, BUNDLE_AVI);
    mrh = world_json(world, BUNDLE_MRH);
    assert_int_equal(json_array_size(json_object_get(vdt, "vulnerabilities")), 6);
    assert_int_equal(json_array_size(json_object_get(avi, "acceptedVulnerabilities")), 1);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        bool accepted = strcmp(all[i], "V-CVE-2026-0002-DR-2") == 0;

        assert_int_equal(entry(json_object_get(vdt, "vulnerabilities"), all[i]) != NULL, !accepted);
        assert_int_equal(entry(json_object_get(avi, "acceptedVulnerabilities"), all[i]) != NULL,
                         accepted);
        assert_int_equal(entry(json_object_get(mrh, "activeVulnerabilities"), all[i]) != NULL,
                         !accepted);
        assert_int_equal(entry(json_object_get(mrh, "acceptedVulnerabilities"), all[i]) != NULL,
                         accepted);
    }
    assert_says(entry(json_object_get(avi, "acceptedVulnerabilities"), "V-CVE-2026-0002-DR-2"),
                "acceptanceRationale",
                "the vendor has no fix (DR-2, ao@agency.example, 2026-10-05");
    json_decref(vdt);
    json_decref(avi);
    json_decref(mrh);
}

static void every_report_names_the_package_and_the_fedramp_id(void **state)
{
    static const char *const names[] = {BUNDLE_VDT, BUNDLE_AVI, BUNDLE_MRH};
    struct world *world = *state;

    write_ok(world);
    for (size_t i = 0; i < 3; i++) {
        json_t *report = world_json(world, names[i]);

        assert_says(report, "fedRampId", "FR0000000000");
        assert_says(report, "certificationPackageOverviewUri",
                    "https://trust.example/package.json");
        json_decref(report);
    }
}

static void an_entry_says_what_the_rules_ask_for(void **state)
{
    struct world *world = *state;
    const json_t *one;
    json_t *vdt;

    write_ok(world);
    vdt = world_json(world, BUNDLE_VDT);
    one = entry(json_object_get(vdt, "vulnerabilities"), "V-CVE-2026-0001");
    assert_non_null(one);
    assert_says(one, "detection.detectedAt", "2026-09-20T10:00:00.000000Z");
    assert_says(one, "detection.detectionSource", "muster-scanner: scan of container images");
    assert_says(one, "vulnerabilityDescription",
                "CVE-2026-0001 in openssl 3.0.1: A length is not checked");
    assert_int_equal(json_integer_value(json_object_get(one, "currentRating")), 5);
    assert_true(json_is_true(json_object_get(one, "isInternetReachable")));
    assert_true(json_is_true(mu_json_at(one, "overdueStatus.isOverdue")));
    assert_says(one, "overdueStatus.explanation", "KEV catalog");
    assert_says(one, "supplementaryRiskInformation", "Derived by rule, not stated by a person");
    assert_says(one, "affectedAssets.0", UAI_A);
    assert_null(json_object_get(one, "finalDisposition"));
    assert_null(json_object_get(one, "projectedNextReduction"));
    assert_null(json_object_get(one, "evaluationCompletedAt"));
    one = entry(json_object_get(vdt, "vulnerabilities"), "V-CVE-2026-0003-DR-1");
    assert_says(one, "finalDisposition", "False Positive");
    assert_true(json_is_false(mu_json_at(one, "overdueStatus.isOverdue")));
    json_decref(vdt);
}

static void what_a_person_stated_is_reported_with_its_history(void **state)
{
    static const struct statement rows[] = {{.item = "V-GHSA-none",
                                             .rating = 4,
                                             .by = "a@example.com",
                                             .target_at_us = MU_TIME_NONE,
                                             .at_us = NOV_4_US},
                                            {.item = "V-GHSA-none",
                                             .rating = 2,
                                             .likely_exploitable = ANSWER_NO,
                                             .internet_reachable = ANSWER_NO,
                                             .potential_agency_impact = "One report is late",
                                             .by = "b@example.com",
                                             .target_at_us = MU_TIME_NONE,
                                             .at_us = NOV_4_US + 1000000}};
    struct world *world = *state;
    const json_t *one;
    json_t *vdt;

    world->system.statements = (struct statements){rows, 2};
    write_ok(world);
    vdt = world_json(world, BUNDLE_VDT);
    one = entry(json_object_get(vdt, "vulnerabilities"), "V-GHSA-none");
    assert_int_equal(json_integer_value(json_object_get(one, "currentRating")), 2);
    assert_says(one, "evaluationCompletedAt", "2026-11-04T00:00:00.000000Z");
    assert_says(one, "potentialAgencyImpact", "One report is late");
    assert_int_equal(json_array_size(json_object_get(one, "ratingHistory")), 2);
    assert_int_equal(json_array_size(json_object_get(one, "completedReductions")), 1);
    assert_says(one, "completedReductions.0.reducedAt", "2026-11-04T00:00:01");
    assert_null(strstr(mu_json_text_at(one, "supplementaryRiskInformation"), "Derived"));
    assert_says(one, "projectedNextReduction.estimatedAt", "2027-05-15T00:00:00");
    json_decref(vdt);
}

static void what_is_remediated_says_so_and_is_not_called_mitigated(void **state)
{
    struct world *world = *state;
    const json_t *one;
    json_t *vdt;

    world->failures[0].closed_at = "2026-11-11T10:00:00.000000Z";
    write_ok(world);
    vdt = world_json(world, BUNDLE_VDT);
    one = entry(json_object_get(vdt, "vulnerabilities"), "V-CVE-2025-9999");
    assert_says(one, "remediatedAt", "2026-11-03T10:00:00.000000Z");
    assert_says(one, "supplementaryRiskInformation", "Remediated: no longer detected");
    assert_null(json_object_get(one, "finalDisposition"));
    assert_null(json_object_get(one, "overdueStatus"));
    assert_says(one, "affectedAssets.0", UAI_A);
    one = entry(json_object_get(vdt, "vulnerabilities"), "00000000-0000-0000-0000-000000000001");
    assert_says(one, "remediatedAt", "2026-11-11T10:00:00.000000Z");
    json_decref(vdt);
}

static void what_ended_before_the_month_is_history_only(void **state)
{
    struct world *world = *state;
    json_t *vdt, *mrh;

    world->closed[0].closed_at = world->closed[0].item_closed_at = "2026-10-31T23:59:59.000000Z";
    write_ok(world);
    vdt = world_json(world, BUNDLE_VDT);
    mrh = world_json(world, BUNDLE_MRH);
    assert_null(entry(json_object_get(vdt, "vulnerabilities"), "V-CVE-2025-9999"));
    assert_non_null(entry(json_object_get(mrh, "activeVulnerabilities"), "V-CVE-2025-9999"));
    json_decref(vdt);
    json_decref(mrh);
}

static void an_item_that_another_asset_still_has_is_not_remediated(void **state)
{
    struct world *world = *state;
    json_t *mrh;

    world->closed[0].item_closed_at = NULL;
    write_ok(world);
    mrh = world_json(world, BUNDLE_MRH);
    assert_null(entry(json_object_get(mrh, "activeVulnerabilities"), "V-CVE-2025-9999"));
    json_decref(mrh);
}

static void a_legacy_package_has_none_of_them(void **state)
{
    struct world *world = *state;

    world->system.deliverables = "legacy";
    write_ok(world);
    assert_int_equal(access(world_path(world, BUNDLE_VDT), F_OK), -1);
    assert_int_equal(access(world_path(world, BUNDLE_FINDINGS), F_OK), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
            TEST(every_item_and_failure_is_in_one_report_only),
            TEST(every_report_names_the_package_and_the_fedramp_id),
            TEST(an_entry_says_what_the_rules_ask_for),
            TEST(what_a_person_stated_is_reported_with_its_history),
            TEST(what_is_remediated_says_so_and_is_not_called_mitigated),
            TEST(what_ended_before_the_month_is_history_only),
            TEST(an_item_that_another_asset_still_has_is_not_remediated),
            TEST(a_legacy_package_has_none_of_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

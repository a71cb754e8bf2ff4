#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"

#include "completeness/completeness.h"

#define CHECKSUM DIGEST("c")

/* A month in which nothing is missing: the world's, mended. */
static int set_up(void **state)
{
    struct world *world = mu_xcalloc(1, sizeof(*world));

    world_init(world);
    for (size_t i = 0; i < 4; i++) {
        world->inventory[i].state = world->instances[i].state = "covered";
        world->inventory[i].scan_finished_at = "2026-11-29T01:00:00.000000Z";
        world->inventory[i].database_built_at = "2026-11-28T12:00:00.000000Z";
        world->inventory[i].configuration_checksum = CHECKSUM;
    }
    world->inventory[3].evidence_digest = world->digest[0];
    world->failures[0].state = "closed";
    world->system.configuration_checksum = CHECKSUM;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    world_done(*state);
    free(*state);
    return 0;
}

struct extra {
    enum snapshot_rows kind;
    const void *row;
};

static struct completeness *check(const struct world *world, const struct extra *extra)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    struct completeness *completeness = NULL;
    struct mu_error err;

    if (extra && snapshot_add(snapshot, extra->kind, extra->row, &err) != MU_OK)
        fail_msg("%s", err.message);
    if (completeness_check(snapshot, &world->system, &completeness, &err) != MU_OK)
        fail_msg("%s", err.message);
    return completeness;
}

/* Just this check found something, and says so. */
static void assert_only(const struct world *world, const struct extra *extra,
                        enum completeness_id expected, const char *subject, const char *says)
{
    MU_AUTO(completeness) struct completeness *completeness = check(world, extra);

    for (int id = 0; id < COMPLETENESS_CHECKS; id++) {
        const struct completeness_result *found =
                completeness_of(completeness, (enum completeness_id)id);

        if (id != (int)expected && found->count > 0)
            fail_msg("%s: %s: %s", completeness_checks[id].name, found->subjects[0].subject,
                     found->subjects[0].says);
        if (id != (int)expected)
            continue;
        assert_true(found->count > 0 && found->named > 0);
        assert_string_equal(found->subjects[0].subject, subject);
        if (!strstr(found->subjects[0].says, says))
            fail_msg("'%s' does not say '%s'", found->subjects[0].says, says);
    }
}

static void a_complete_month_has_no_finding(void **state)
{
    MU_AUTO(completeness) struct completeness *completeness = check(*state, NULL);

    for (int id = 0; id < COMPLETENESS_CHECKS; id++)
        if (completeness_of(completeness, (enum completeness_id)id)->count > 0)
            fail_msg("%s: %s", completeness_checks[id].name,
                     completeness_of(completeness, (enum completeness_id)id)->subjects[0].says);
    assert_int_equal(completeness_count(completeness, COMPLETENESS_REJECTS), 0);
    assert_int_equal(completeness_count(completeness, COMPLETENESS_WARNS), 0);
}

static void every_check_has_a_name_a_rule_and_a_fix(void **state)
{
    (void)state;
    for (int id = 0; id < COMPLETENESS_CHECKS; id++) {
        assert_true(*completeness_checks[id].name && *completeness_checks[id].rule &&
                    *completeness_checks[id].fix);
        for (int other = 0; other < id; other++)
            assert_string_not_equal(completeness_checks[id].name, completeness_checks[other].name);
    }
}

static void a_container_that_is_not_covered_is_named(void **state)
{
    struct world *world = *state;

    world->instances[2].state = "scan_failed";
    world->instances[2].reason = "a layer cannot be read";
    assert_only(world, NULL, CHECK_NOT_COVERED, "production/prod/pod-2/app",
                "scan_failed of " UAI_B ": a layer cannot be read");
    world->instances[2].state = "excluded";
    assert_only(world, NULL, CHECK_EXCLUDED, "production/prod/pod-2/app", "excluded of ");
}

static void a_container_of_several_manifests_is_one(void **state)
{
    struct world *world = *state;

    world->instances[0].state = world->instances[1].state = "never_scanned";
    world->instances[1].pod = world->instances[0].pod;
    MU_AUTO(completeness) struct completeness *completeness = check(world, NULL);

    assert_int_equal(completeness_of(completeness, CHECK_NOT_COVERED)->count, 1);
}

static void an_image_without_a_scan_in_thirty_days_is_named(void **state)
{
    struct world *world = *state;

    world->inventory[1].scan_finished_at = "2026-10-31T23:59:58.000000Z";
    world->inventory[1].database_built_at = "2026-10-31T12:00:00.000000Z";
    assert_only(world, NULL, CHECK_NO_SCAN, UAI_A, "last complete scan of 2026-10-31");
    world->inventory[1].scan_finished_at = "2026-11-01T00:00:00.000000Z";
    MU_AUTO(completeness) struct completeness *at_the_edge = check(world, NULL);

    assert_int_equal(completeness_of(at_the_edge, CHECK_NO_SCAN)->count, 0);
    world->inventory[1].evidence_digest = NULL;
    assert_only(world, NULL, CHECK_NO_SCAN, UAI_A, "has no complete scan");
}

static void a_digest_nobody_resolved_is_named(void **state)
{
    struct world *world = *state;

    world->inventory[2].manifest_digest = NULL;
    world->inventory[2].reported_digest = DIGEST("7");
    assert_only(world, NULL, CHECK_UNRESOLVED, UAI_B, "the runtime reported " DIGEST("7"));
}

static void a_database_older_than_a_day_is_named(void **state)
{
    struct world *world = *state;
    const struct scan_row scan = {.evidence_digest = world->digest[2],
                                  .started_at = "2026-11-29T00:30:00.000000Z"};
    const struct extra extra = {SNAPSHOT_SCANS, &scan};

    world->inventory[2].database_built_at = "2026-11-28T00:30:00.000000Z";
    assert_only(world, NULL, CHECK_DATABASE, UAI_B, "25 hours old"); /* counted from its end */
    MU_AUTO(completeness) struct completeness *from_its_start = check(world, &extra);

    assert_int_equal(completeness_of(from_its_start, CHECK_DATABASE)->count, 0);
    world->inventory[2].database_built_at = NULL;
    assert_only(world, NULL, CHECK_DATABASE, UAI_B, "the age of its database is not known");
}

static void another_configuration_than_the_validated_one_is_named(void **state)
{
    struct world *world = *state;

    world->inventory[2].configuration_checksum = DIGEST("d");
    assert_only(world, NULL, CHECK_CONFIGURATION, UAI_B, DIGEST("d"));
    world->system.configuration_checksum = "";
    assert_only(world, NULL, CHECK_CONFIGURATION_UNKNOWN, "Example Cloud", "compared with nothing");
}

static void scans_without_credentials_reject_from_a_tenth_on(void **state)
{
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    struct scan_row scan = {.evidence_digest = world->digest[0], .authorized = "no"};
    struct mu_error err;

    assert_int_equal(snapshot_add(snapshot, SNAPSHOT_SCANS, &scan, &err), MU_OK);
    scan.authorized = "yes";
    for (int others = 1; others <= 10; others++) {
        MU_AUTO(completeness) struct completeness *completeness = NULL;

        scan.evidence_digest = mu_arena_printf(world->arena, "sha256:%064d", others);
        assert_int_equal(snapshot_add(snapshot, SNAPSHOT_SCANS, &scan, &err), MU_OK);
        assert_int_equal(completeness_check(snapshot, &world->system, &completeness, &err), MU_OK);
        assert_int_equal(completeness_of(completeness, CHECK_UNAUTHENTICATED)->count,
                         others < 10 ? 1 : 0);
        assert_int_equal(completeness_of(completeness, CHECK_SOME_UNAUTHENTICATED)->count, 2);
    }
}

static void a_mandatory_column_that_would_be_blank_is_named(void **state)
{
    struct world *world = *state;

    world->inventory[2].os_name = NULL;
    world->system.unknown_os = " ";
    assert_only(world, NULL, CHECK_COLUMN, UAI_B, "'OS Name and Version' is blank");
    world->inventory[2].os_name = "Debian";
    world->system.impact_level = "High";
    assert_only(world, NULL, CHECK_COLUMN, UAI_A, "'System Administrator/ Owner' is blank");
}

static void an_identifier_that_is_not_its_own_is_named(void **state)
{
    struct world *world = *state;

    world->inventory[3].uai = "r.example/Apps/B:1";
    assert_only(world, NULL, CHECK_TWINS, UAI_B, "another asset has the same name");
    world->inventory[3].uai = UAI_C;
    world->inventory[1].repository = "r.example/mirror/a";
    assert_only(world, NULL, CHECK_TWINS, UAI_A, "another asset has the same name");
}

static void a_tag_that_floats_is_named(void **state)
{
    struct world *world = *state;

    world->inventory[2].floating = 1;
    assert_only(world, NULL, CHECK_FLOATING, UAI_B, "different images in time");
}

static void sources_events_and_failures_are_named(void **state)
{
    struct world *world = *state;
    const struct source_row silent = {.source = "cluster/p", .state = "silent", .since = "T"};
    const struct source_row speaks = {.source = "cluster/q", .state = "speaking", .since = "T"};
    const struct quarantine_row thrown = {
            .source = "registry", .reason_code = "invalid", .events = 3};
    const struct ledger_row lost = {"topic", 10, 8, 1, 0}, whole = {"topic", 10, 8, 1, 1};

    assert_only(world, &(struct extra){SNAPSHOT_SOURCES, &silent}, CHECK_SOURCE, "cluster/p",
                "silent since T, last event never");
    assert_only(world, &(struct extra){SNAPSHOT_QUARANTINE, &thrown}, CHECK_QUARANTINE, "registry",
                "3 of invalid");
    assert_only(world, &(struct extra){SNAPSHOT_LEDGER, &lost}, CHECK_LEDGER, "topic",
                "1 unexplained");
    MU_AUTO(completeness)
    struct completeness *speaking = check(world, &(struct extra){SNAPSHOT_SOURCES, &speaks});
    MU_AUTO(completeness)
    struct completeness *balanced = check(world, &(struct extra){SNAPSHOT_LEDGER, &whole});

    assert_int_equal(completeness_count(speaking, COMPLETENESS_REJECTS), 0);
    assert_int_equal(completeness_count(balanced, COMPLETENESS_REJECTS), 0);
    world->failures[0].state = "open";
    assert_only(world, NULL, CHECK_FAILURE, "r.example/apps/c", "registry_denied since 2026-11-10");
}

static void a_finding_without_a_rating_is_named(void **state)
{
    struct world *world = *state;

    world->findings[1].severity = "unknown";
    assert_only(world, NULL, CHECK_UNRATED, "V-CVE-2026-0002", "CVE-2026-0002 on " UAI_A);
}

static void deviations_that_do_not_hold_are_named(void **state)
{
    struct world *world = *state;

    world->deviations[0].state = "expired";
    world->deviations[0].expires_at = "2026-11-02T00:00:00.000000Z";
    assert_only(world, NULL, CHECK_DEVIATION_EXPIRED, "DR-1", "expired 2026-11-02");
    world->deviations[0].state = "pending";
    assert_only(world, NULL, CHECK_DEVIATION_PENDING, "DR-1", "by isso@example.com");
    world->deviations[0].state = "approved";
    world->deviations[0].rationale = "";
    assert_only(world, NULL, CHECK_RATIONALE, "DR-1", "says no reason");
    world->deviations[0].state = "withdrawn";
    MU_AUTO(completeness) struct completeness *withdrawn = check(world, NULL);

    assert_int_equal(completeness_count(withdrawn, COMPLETENESS_REJECTS), 0);
}

/* Stated before it was refused; other deviations need no end. */
static void an_acceptance_for_ever_is_named(void **state)
{
    struct world *world = *state;

    world->deviations[0].kind = "accepted";
    assert_only(world, NULL, CHECK_DEVIATION_ENDLESS, "DR-1", "CVE-2026-0003: accepted for ever");
    world->deviations[0].expires_at = "2027-11-02T00:00:00.000000Z";
    MU_AUTO(completeness) struct completeness *ends = check(world, NULL);

    assert_int_equal(completeness_of(ends, CHECK_DEVIATION_ENDLESS)->count, 0);
}

static void a_vendor_not_asked_for_thirty_days_is_named(void **state)
{
    struct world *world = *state;

    world->deviations[1].checked_in_at = "2026-10-31T23:59:58.000000Z";
    assert_only(world, NULL, CHECK_VENDOR, "DR-2", "last check-in 2026-10-31");
    world->deviations[1].released_at = "2026-11-15T00:00:00.000000Z";
    MU_AUTO(completeness) struct completeness *released = check(world, NULL);

    assert_int_equal(completeness_of(released, CHECK_VENDOR)->count, 0);
    world->deviations[1].released_at = world->deviations[1].checked_in_at = NULL;
    world->deviations[1].decided_at = NULL;
    assert_only(world, NULL, CHECK_VENDOR, "DR-2", "no check-in with the vendor");
}

/* Once, with the reason, and not as a blank cell too. */
static void a_baseline_that_holds_no_more_is_named(void **state)
{
    struct world *world = *state;

    world->inventory[2].hardening = "CIS Docker 1.6.0: expired, by ann";
    assert_only(world, NULL, CHECK_BASELINE, UAI_B, "CIS Docker 1.6.0: expired, by ann");
    world->inventory[2].baseline = "CIS Docker 1.7.0";
    MU_AUTO(completeness) struct completeness *another = check(world, NULL);

    assert_int_equal(completeness_count(another, COMPLETENESS_REJECTS), 0);
}

static void what_the_system_file_leaves_out_is_named(void **state)
{
    struct world *world = *state;

    world->system.point_of_contact = "";
    assert_only(world, NULL, CHECK_CONTACT, "Example Cloud", "contact");
    world->system.deliverables = "cr26"; /* no POA&M, so no contact */
    world->system.package_overview_uri = "";
    assert_only(world, NULL, CHECK_PACKAGE_URI, "Example Cloud", "VER");
    world->system.deliverables = "legacy";
    world->system.point_of_contact = "isso@example.com";
    world->system.unique_vulnerability_baseline = "";
    assert_only(world, NULL, CHECK_NO_BASELINE, "Example Cloud", "spike");
    world->system.unique_vulnerability_baseline = "1";
    world->system.fedramp_id = "";
    assert_only(world, NULL, CHECK_NO_FEDRAMP_ID, "Example Cloud", "carry");
}

static void a_month_without_containers_is_no_month(void **state)
{
    struct world *world = *state;

    world->instance_count = world->inventory_count = 0;
    assert_only(world, NULL, CHECK_NO_CONTAINERS, "Example Cloud", "empty");
}

static void all_are_counted_and_some_are_named(void **state)
{
    enum { MANY = COMPLETENESS_MAX_SUBJECTS + 500 };
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    MU_AUTO(completeness) struct completeness *completeness = NULL;
    struct instance_row row = world->instances[0];
    struct mu_error err;

    row.state = "never_scanned";
    for (int i = 0; i < MANY; i++) {
        row.pod = mu_arena_printf(world->arena, "many-%d", i);
        assert_int_equal(snapshot_add(snapshot, SNAPSHOT_INSTANCES, &row, &err), MU_OK);
    }
    assert_int_equal(completeness_check(snapshot, &world->system, &completeness, &err), MU_OK);
    assert_int_equal(completeness_of(completeness, CHECK_NOT_COVERED)->count, MANY);
    assert_int_equal(completeness_of(completeness, CHECK_NOT_COVERED)->named,
                     COMPLETENESS_MAX_SUBJECTS);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(a_complete_month_has_no_finding),
            WORLD_TEST(every_check_has_a_name_a_rule_and_a_fix),
            WORLD_TEST(a_container_that_is_not_covered_is_named),
            WORLD_TEST(a_container_of_several_manifests_is_one),
            WORLD_TEST(an_image_without_a_scan_in_thirty_days_is_named),
            WORLD_TEST(a_digest_nobody_resolved_is_named),
            WORLD_TEST(a_database_older_than_a_day_is_named),
            WORLD_TEST(another_configuration_than_the_validated_one_is_named),
            WORLD_TEST(scans_without_credentials_reject_from_a_tenth_on),
            WORLD_TEST(a_mandatory_column_that_would_be_blank_is_named),
            WORLD_TEST(an_identifier_that_is_not_its_own_is_named),
            WORLD_TEST(a_tag_that_floats_is_named),
            WORLD_TEST(sources_events_and_failures_are_named),
            WORLD_TEST(a_finding_without_a_rating_is_named),
            WORLD_TEST(deviations_that_do_not_hold_are_named),
            WORLD_TEST(an_acceptance_for_ever_is_named),
            WORLD_TEST(a_vendor_not_asked_for_thirty_days_is_named),
            WORLD_TEST(a_baseline_that_holds_no_more_is_named),
            WORLD_TEST(what_the_system_file_leaves_out_is_named),
            WORLD_TEST(a_month_without_containers_is_no_month),
            WORLD_TEST(all_are_counted_and_some_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

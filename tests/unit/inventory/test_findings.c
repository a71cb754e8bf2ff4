/* Which vulnerability is on which asset since when: aliases, rebuilds, re-tags, severity. */
#include "finding_world.h"
#include "one_world.h"

/* "vulnerability@minutes from T(0)" of what is open, one asset or all. */
static void assert_open(int64_t at, const char *expected)
{
    const char *sql = mu_arena_printf(
            w.arena,
            "SELECT string_agg(concat(CASE WHEN uai <> '" REPO
            ":1.0' THEN substr(uai, %zu) || ' ' END, "
            "vulnerability, '@', round(extract(epoch FROM first_detected_at - '%s') / 60), "
            "CASE WHEN episode > 1 THEN ' again ' || round(extract(epoch FROM detected_at - '%s') "
            "/ 60) END), "
            "' ' ORDER BY uai, vulnerability) FROM findings_known(NULL, '%s', 'infinity')",
            strlen(REPO) + 2, sql_time(&w, T(0)), sql_time(&w, T(0)), sql_time(&w, at));

    assert_sql(&w, sql, expected);
}

#define FOUND(column)                                                          \
    mu_arena_printf(w.arena,                                                   \
                    "SELECT " column " FROM findings_known('" REPO "', '%s', " \
                    "'infinity')",                                             \
                    sql_time(&w, T(100)))

static void a_finding_is_open_from_the_scan_that_found_it(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1000"},
         {.id = "CVE-2026-1001", .package = "other"});
    assert_open(T(9), "");
    assert_open(T(10), "CVE-2026-1000@10 CVE-2026-1001@10");
}

static void a_rebuild_keeps_the_first_detection(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1000"});
    push_at(&w, "1.0", 'b', T(20));
    assert_open(T(25), "CVE-2026-1000@10");
    SCAN(&w, digest_of('b'), T(30), {.id = "CVE-2026-1000"});
    assert_open(T(40), "CVE-2026-1000@10");
    assert_sql(&w, FOUND("manifests[1] || cardinality(manifests)"),
               mu_arena_printf(w.arena, "%s1", digest_of('b')));
}

static void a_later_scan_without_it_closes_and_it_may_come_back(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1000"});
    push_at(&w, "1.0", 'b', T(20));
    CLEAN_SCAN(&w, digest_of('b'), T(30));
    assert_open(T(29), "CVE-2026-1000@10");
    assert_open(T(30), "");
    SCAN(&w, digest_of('b'), T(40), {.id = "CVE-2026-1000"});
    assert_open(T(50), "CVE-2026-1000@40 again 40");
    assert_sql(&w,
               "SELECT string_agg(concat_ws(' ', episode, closed_by, closed_at IS NULL), ', ' "
               "ORDER BY episode) FROM finding_history_known('" REPO "', 'infinity')",
               "1 scan f, 2 t");
}

static void a_new_version_keeps_the_first_detection(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1000"});
    push_at(&w, "1.1", 'a', T(20));
    assert_open(T(20), "CVE-2026-1000@10 1.1 CVE-2026-1000@10");
    add_delete(&w, "d1", "1.0", digest_of('a'), T(30));
    add_delete(&w, "d2", "1.1", digest_of('a'), T(30));
    world_apply(&w);
    push_at(&w, "1.2", 'b', T(40));
    SCAN(&w, digest_of('b'), T(50), {.id = "CVE-2026-1000"});
    assert_open(T(60), "1.2 CVE-2026-1000@10");
}

static void what_was_gone_and_comes_back_unscanned_is_the_same_episode(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1000"});
    add_delete(&w, "d", "1.0", digest_of('a'), T(20));
    world_apply(&w);
    assert_open(T(25), "");
    push_at(&w, "1.0", 'a', T(30));
    assert_open(T(35), "CVE-2026-1000@10");
}

static void an_old_image_that_still_runs_keeps_its_findings_open(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1000"});
    add_pod(&w, "p",
            (struct pod){.uid = "p",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(11),
                         .at = T(11)});
    add_pod(&w, "q",
            (struct pod){.uid = "q",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(12),
                         .at = T(12)});
    world_apply(&w);
    push_at(&w, "1.0", 'b', T(20));
    CLEAN_SCAN(&w, digest_of('b'), T(30));
    assert_open(T(100), "CVE-2026-1000@10");
    assert_sql(&w, FOUND("instances"), "2");
    add_pod(&w, "r", (struct pod){.uid = "p", .removed = true, .at = T(40)});
    add_pod(&w, "s", (struct pod){.uid = "q", .removed = true, .at = T(50)});
    world_apply(&w);
    assert_open(T(45), "CVE-2026-1000@10");
    assert_open(T(50), "");
}

static void what_is_learned_late_changes_only_later_knowledge(void **state)
{
    char *before;

    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1000"});
    before = world_sql(&w, "SELECT known_at FROM ledger_clock");
    SCAN(&w, digest_of('a'), T(5), {.id = "CVE-2026-1000"});
    assert_open(T(20), "CVE-2026-1000@5");
    assert_sql(&w,
               mu_arena_printf(w.arena,
                               "SELECT first_detected_at = '%s' FROM findings_known('" REPO
                               "', '%s', '%s')",
                               sql_time(&w, T(10)), sql_time(&w, T(20)), before),
               "t");
    free(before);
}

/* ---- names ---- */

static void one_vulnerability_counts_once_whatever_its_names(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1000", .advisory = "GHSA-aaaa-bbbb-cccc"},
         {.id = "GHSA-aaaa-bbbb-cccc", .package = "same"});
    assert_open(T(20), "CVE-2026-1000@10");
    assert_sql(&w, FOUND("reported_as"), "{CVE-2026-1000,GHSA-aaaa-bbbb-cccc}");
}

static void a_name_learned_later_does_not_set_back_the_clock(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "GHSA-aaaa-bbbb-cccc"});
    assert_open(T(11), "GHSA-aaaa-bbbb-cccc@10");
    SCAN(&w, digest_of('a'), T(20), {.id = "CVE-2026-1000", .advisory = "GHSA-aaaa-bbbb-cccc"});
    assert_open(T(30), "CVE-2026-1000@10");
}

static void an_advisory_of_two_cves_is_two_vulnerabilities(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10),
         {.id = "DSA-5000-1", .extra = "\"aliases\":[\"CVE-2026-1\",\"CVE-2026-2\"]"});
    assert_open(T(20), "CVE-2026-1@10 CVE-2026-2@10");
}

static void two_cves_of_one_advisory_stay_two(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1", .advisory = "ALAS-1"},
         {.id = "CVE-2026-2", .advisory = "ALAS-1"},
         {.id = "GHSA-aaaa-bbbb-cccc",
          .extra = "\"aliases\":[\"CVE-2026-1\"]",
          .advisory = "ALAS-1"});
    assert_open(T(20), "CVE-2026-1@10 CVE-2026-2@10");
}

/* ---- severity, catalogs, counts ---- */

static void nvds_version_3_decides_then_2_then_the_scanner(void **state)
{
    static const char scores[] =
            "\"scores\":[{\"type\":\"CVSS_V3\",\"source\":\"%s\",\"score\":%s},"
            "{\"type\":\"CVSS_V2\",\"source\":\"%s\",\"score\":%s}]";

    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10),
         {.id = "CVE-2026-1",
          .severity = "low",
          .extra = mu_arena_printf(w.arena, scores, "nvd", "9.8", "nvd", "5")},
         {.id = "CVE-2026-2",
          .severity = "low",
          .extra = mu_arena_printf(w.arena, scores, "cna", "9.8", "nvd", "5")},
         {.id = "CVE-2026-3",
          .severity = "low",
          .extra = mu_arena_printf(w.arena, scores, "cna", "9.8", "advisory", "5")});
    assert_sql(&w,
               FOUND("string_agg(severity || ' ' || severity_source, ', ' ORDER BY vulnerability)"),
               "critical nvd_cvss3, moderate nvd_cvss2, low scanner");
}

static void kev_and_epss_are_those_of_the_newest_catalog(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10),
         {.id = "CVE-2026-1", .extra = "\"kev\":null,\"epss\":{\"score\":0.1,\"percentile\":0.5}"});
    assert_sql(&w, FOUND("concat_ws(' ', kev_due, epss)"), "0.100000");
    SCAN(&w, digest_of('a'), T(20),
         {.id = "CVE-2026-1",
          .extra = "\"kev\":{\"date_added\":\"2026-10-30\",\"due_date\":\"2026-11-20\"},"
                   "\"epss\":{\"score\":0.9,\"percentile\":0.99}"});
    assert_sql(&w, FOUND("concat_ws(' ', kev_due, epss)"), "2026-11-20 0.900000");
    /* Another scanner's result knows no catalogs: it takes nothing back. */
    SCAN(&w, digest_of('a'), T(30),
         {.id = "CVE-2026-1",
          .extra = "\"scores\":[{\"type\":\"CVSS_V3\",\"source\":\"nvd\",\"score\":7}]"});
    assert_sql(&w, FOUND("concat_ws(' ', kev_due, cvss)"), "2026-11-20 7.0");
}

static void counts_are_told_three_ways(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1"}, {.id = "CVE-2026-2", .severity = "low"});
    push_at(&w, "1.1", 'a', T(20));
    for (int i = 0; i < 3; i++)
        add_pod(&w, (const char *[]){"p0", "p1", "p2"}[i],
                (struct pod){.uid = (const char *[]){"p0", "p1", "p2"}[i],
                             .tag = "1.1",
                             .digest = digest_of('a'),
                             .started = T(30),
                             .at = T(30)});
    world_apply(&w);
    assert_sql(
            &w,
            mu_arena_printf(w.arena,
                            "SELECT string_agg(concat_ws('/', severity, distinct_vulnerabilities, "
                            "per_asset, per_instance), ' ') FROM finding_counts_known(NULL, '%s', "
                            "'infinity') WHERE per_asset > 0",
                            sql_time(&w, T(40))),
            "high/1/2/3 low/1/2/3");
}

static void members_that_are_no_values_are_left_out(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10),
         {.id = "CVE-2026-1",
          .extra = "\"kev\":{\"date_added\":\"2026-02-31\",\"due_date\":7},\"epss\":"
                   "{\"score\":5},\"scores\":[1,{\"type\":\"CVSS_V3\",\"source\":"
                   "\"nvd\",\"score\":99}],\"aliases\":[\"a b\",3]"});
    assert_sql(&w,
               "SELECT concat_ws(' ', kev_added, kev_due, epss, cvss3) FROM vulnerability_facts",
               "");
    assert_sql(&w, "SELECT count(*) FROM vulnerability_aliases", "0");
    assert_open(T(20), "CVE-2026-1@10");
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(a_finding_is_open_from_the_scan_that_found_it),
            CASE(a_rebuild_keeps_the_first_detection),
            CASE(a_later_scan_without_it_closes_and_it_may_come_back),
            CASE(a_new_version_keeps_the_first_detection),
            CASE(what_was_gone_and_comes_back_unscanned_is_the_same_episode),
            CASE(an_old_image_that_still_runs_keeps_its_findings_open),
            CASE(what_is_learned_late_changes_only_later_knowledge),
            CASE(one_vulnerability_counts_once_whatever_its_names),
            CASE(a_name_learned_later_does_not_set_back_the_clock),
            CASE(an_advisory_of_two_cves_is_two_vulnerabilities),
            CASE(two_cves_of_one_advisory_stay_two),
            CASE(nvds_version_3_decides_then_2_then_the_scanner),
            CASE(kev_and_epss_are_those_of_the_newest_catalog),
            CASE(counts_are_told_three_ways),
            CASE(members_that_are_no_values_are_left_out),
    };

    return pg_server_group(&world_server, tests);
}

/* What report_v1 says of findings: the items of a POA&M, their numbers and first detections. */
#include "finding_world.h"
#include "one_world.h"

static void assert_items(int64_t at, const char *expected)
{
    const char *sql = mu_arena_printf(
            w.arena,
            "SELECT string_agg(concat_ws(' ', item, substr(uai, %zu), round(extract(epoch FROM "
            "item_detected_at - '%s') / 60)), ', ' ORDER BY n) FROM (SELECT row_number() OVER () "
            "AS n, "
            "f.* FROM report_v1.findings('%s', 'infinity') f) f",
            strlen(REPO) + 2, sql_time(&w, T(0)), sql_time(&w, at));

    assert_sql(&w, sql, expected);
}

static void assert_closed(int64_t at, const char *expected)
{
    const char *sql = mu_arena_printf(
            w.arena,
            "SELECT string_agg(concat_ws(' ', item, substr(uai, %zu), episode, closed_by, "
            "round(extract(epoch FROM closed_at - '%s') / 60), CASE WHEN item_closed_at IS NULL "
            "THEN "
            "'elsewhere open' ELSE 'closed ' || round(extract(epoch FROM item_closed_at - '%s') / "
            "60) END), ', ') "
            "FROM report_v1.closed_findings('%s', 'infinity')",
            strlen(REPO) + 2, sql_time(&w, T(0)), sql_time(&w, T(0)), sql_time(&w, at));

    assert_sql(&w, sql, expected);
}

static void two_assets_with_one_vulnerability_are_one_item(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1"});
    push_at(&w, "1.1", 'a', T(20));
    assert_items(T(30), "V-CVE-2026-1 1.0 10, V-CVE-2026-1 1.1 10");
}

static void what_comes_back_is_another_item(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1"});
    CLEAN_SCAN(&w, digest_of('a'), T(20));
    assert_items(T(25), "");
    assert_closed(T(19), "");
    assert_closed(T(25), "V-CVE-2026-1 1.0 1 scan 20 closed 20");
    SCAN(&w, digest_of('a'), T(30), {.id = "CVE-2026-1"});
    assert_items(T(15), "V-CVE-2026-1 1.0 10");
    assert_items(T(35), "V-CVE-2026-1.2 1.0 30");
    assert_closed(T(35), "V-CVE-2026-1 1.0 1 scan 20 closed 20");
}

/* Of what is closed as asked at these instants: the severity of the only one. */
static void assert_closed_severity(int64_t as_of, const char *known_at, const char *expected)
{
    const char *sql = mu_arena_printf(
            w.arena, "SELECT string_agg(severity, ' ') FROM report_v1.closed_findings('%s', '%s')",
            sql_time(&w, as_of), known_at);

    assert_sql(&w, sql, expected);
}

/* A scan that finished later, and one that was told of later. */
static void what_is_closed_keeps_the_severity_it_had(void **state)
{
    char *known_at;

    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1", .severity = "low"});
    CLEAN_SCAN(&w, digest_of('a'), T(20));
    known_at = world_sql(&w, "SELECT known_at FROM ledger_clock");
    assert_closed_severity(T(30), known_at, "low");
    SCAN(&w, digest_of('b'), T(40), {.id = "CVE-2026-1", .severity = "moderate"});
    assert_closed_severity(T(30), "infinity", "low");
    assert_closed_severity(T(50), "infinity", "moderate");
    SCAN(&w, digest_of('c'), T(5), {.id = "CVE-2026-1", .severity = "critical"});
    assert_closed_severity(T(30), known_at, "low");
    assert_closed_severity(T(30), "infinity", "critical");
    free(known_at);
}

/* The asset that had it first has it no more: the item's date does not move. */
static void an_item_keeps_its_first_detection_while_any_asset_has_it(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1"});
    push_at(&w, "1.1", 'a', T(20));
    push_at(&w, "1.0", 'b', T(30));
    CLEAN_SCAN(&w, digest_of('b'), T(40));
    assert_items(T(50), "V-CVE-2026-1 1.1 10");
    assert_closed(T(50), "V-CVE-2026-1 1.0 1 scan 40 elsewhere open");
}

static void a_deviation_makes_an_item_of_its_own(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(10), {.id = "CVE-2026-1"});
    push_at(&w, "1.1", 'a', T(20));
    assert_sql(&w,
               mu_arena_printf(w.arena,
                               "SELECT record_deviation(ledger_tick(), "
                               "jsonb_populate_record(NULL::deviation_facts, "
                               "jsonb_build_object('fact_id', gen_random_uuid(), 'deviation', "
                               "'DR-1', 'record', "
                               "'request', 'at', '%s', 'by', 'ann', 'kind', 'false_positive', "
                               "'vulnerability', "
                               "'CVE-2026-1', 'asset', '" REPO ":1.1', 'rationale', 'why')))",
                               sql_time(&w, T(25))),
               "");
    assert_items(T(30), "V-CVE-2026-1 1.0 10, V-CVE-2026-1-DR-1 1.1 10");
    assert_sql(&w,
               mu_arena_printf(w.arena,
                               "SELECT concat_ws(' ', state, kind, vulnerability) FROM "
                               "report_v1.deviations('%s', 'infinity')",
                               sql_time(&w, T(30))),
               "pending false_positive CVE-2026-1");
}

static void what_was_stated_of_an_asset_is_told_and_of_others_nothing(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    push_at(&w, "1.1", 'b', T(0));
    assert_sql(&w,
               mu_arena_printf(w.arena,
                               "SELECT record_exposure(ledger_tick(), "
                               "jsonb_populate_record(NULL::exposure_facts, "
                               "jsonb_build_object('fact_id', gen_random_uuid(), 'asset', '" REPO
                               ":1.0', 'public', 'no', 'at', '%s', 'by', 'ann')))",
                               sql_time(&w, T(1))),
               "");
    assert_sql(
            &w,
            mu_arena_printf(
                    w.arena,
                    "SELECT string_agg(concat_ws(' ', substr(uai, %zu), baseline, public), ', ') "
                    "FROM report_v1.asset_statements('%s', 'infinity')",
                    strlen(REPO) + 2, sql_time(&w, T(2))),
            "1.0 no");
}

static void harden(const char *asset, const char *baseline, const char *record, const char *more)
{
    assert_sql(
            &w,
            mu_arena_printf(w.arena,
                            "SELECT record_hardening(ledger_tick(), jsonb_populate_record("
                            "NULL::hardening_facts, jsonb_build_object('fact_id', "
                            "gen_random_uuid(), 'asset', '%s', 'baseline', '%s', 'record', '%s', "
                            "'at', '%s', 'by', 'assessor') || '%s'))",
                            asset, baseline, record, sql_time(&w, T(1)), more),
            "");
}

/* Of an asset before its repository before all. */
static void a_baseline_is_told_with_state_validator_time_and_drift(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    push_at(&w, "1.1", 'b', T(0));
    harden("*", "CIS", "validate", "{\"drift\": \"none\", \"role\": \"3PAO\"}");
    harden(REPO, "STIG", "validate", "{}");
    harden(REPO ":1.1", "CIS", "validate",
           "{\"drift\": \"found\", \"expires_at\": \"2027-01-01T00:00:00Z\"}");
#define TOLD                                                                                     \
    mu_arena_printf(                                                                             \
            w.arena,                                                                             \
            "SELECT string_agg(concat_ws('|', substr(uai, %zu), replace(baseline, E'\n', '+'), " \
            "replace(hardening, E'\n', '|')), E'\n') FROM report_v1.asset_statements('%s', "     \
            "'infinity')",                                                                       \
            strlen(REPO) + 2, sql_time(&w, T(DAYS(1))))
#define AT "2026-11-01T00:01:00Z"
    assert_sql(&w, TOLD,
               "1.0|CIS+STIG|CIS: valid, by assessor (3PAO) at " AT ", drift none"
               "|STIG: valid, by assessor at " AT ", drift not looked for\n"
               "1.1|STIG|CIS: drifted, by assessor at " AT ", drift found, until "
               "2027-01-01T00:00:00Z|STIG: valid, by assessor at " AT ", drift not looked for");
    harden(REPO, "STIG", "withdraw", "{}");
    assert_sql(&w,
               mu_arena_printf(w.arena,
                               "SELECT string_agg(COALESCE(baseline, '-'), ' ') FROM "
                               "report_v1.asset_statements('%s', 'infinity')",
                               sql_time(&w, T(DAYS(1)))),
               "CIS -");
}

/* Received: two reports of a source, one of them twice, and what nobody understands. */
static void sources_quarantine_and_balance_are_told(void **state)
{
    struct mu_source_health health = {.source = "main",
                                      .source_kind = "distribution",
                                      .state = MU_SOURCE_SILENT,
                                      .observed_at_us = T(100),
                                      .last_event_at_us = T(0),
                                      .last_error = "credentials are wrong"};

    (void)state;
    add_message(&w, MU_TOPIC_REGISTRY_EVENTS, MU_MSG_SOURCE_HEALTH, "h1", &health);
    add_message(&w, MU_TOPIC_REGISTRY_EVENTS, MU_MSG_SOURCE_HEALTH, "h1", &health);
    health.state = MU_SOURCE_SPEAKING;
    health.observed_at_us = T(200);
    add_message(&w, MU_TOPIC_REGISTRY_EVENTS, MU_MSG_SOURCE_HEALTH, "h2", &health);
    (void)add_raw(&w, MU_TOPIC_REGISTRY_EVENTS, "muster.registry-event.v1", "poison", "{}");
    world_apply(&w);
    assert_sql(&w,
               mu_arena_printf(w.arena,
                               "SELECT string_agg(concat_ws(' ', source, kind, state, last_error), "
                               "', ') FROM report_v1.sources('%s', 'infinity')",
                               sql_time(&w, T(150))),
               "main distribution silent credentials are wrong");
    assert_sql(&w,
               mu_arena_printf(
                       w.arena,
                       "SELECT string_agg(state, ', ') FROM report_v1.sources('%s', 'infinity')",
                       sql_time(&w, T(250))),
               "speaking");
    assert_sql(
            &w,
            "SELECT string_agg(concat_ws(' ', reason_code, events, reason <> '', first_known_at = "
            "last_known_at), ', ') FROM report_v1.quarantine('-infinity', 'infinity', 'infinity')",
            "invalid 1 t t");
    assert_sql(&w, "SELECT count(*) FROM report_v1.quarantine('infinity', 'infinity', 'infinity')",
               "0");
    assert_sql(
            &w,
            "SELECT string_agg(concat_ws(' ', topic, received, applied, quarantined, duplicates), "
            "', ') FROM report_v1.ledger()",
            "muster.registry-events 4 2 1 1");
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(two_assets_with_one_vulnerability_are_one_item),
            CASE(what_comes_back_is_another_item),
            CASE(what_is_closed_keeps_the_severity_it_had),
            CASE(an_item_keeps_its_first_detection_while_any_asset_has_it),
            CASE(a_deviation_makes_an_item_of_its_own),
            CASE(what_was_stated_of_an_asset_is_told_and_of_others_nothing),
            CASE(a_baseline_is_told_with_state_validator_time_and_drift),
            CASE(sources_quarantine_and_balance_are_told),
    };

    return pg_server_group(&world_server, tests);
}

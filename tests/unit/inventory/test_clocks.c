/* Until when findings must be mended, what holds that off, and which event moved which clock. */
#include "finding_world.h"
#include "one_world.h"

#include "findings/findings_command.h"

/* "status due_by days" of each finding at an instant; days from T(0) to the due date. */
static void assert_clocks(int64_t at, const char *rules, const char *expected)
{
    assert_sql(&w,
               mu_arena_printf(
                       w.arena,
                       "SELECT string_agg(concat_ws(' ', status, due_by, round(extract(epoch FROM "
                       "due_at - '%s') / 86400, 1)), ', ' ORDER BY vulnerability) "
                       "FROM finding_clocks_known('" REPO "', '%s', 'infinity', '%s', '7 days')",
                       sql_time(&w, T(0)), sql_time(&w, at), rules),
               expected);
}

/* A record of a deviation of CVE-2026-1; `more` are further columns and their values. */
static void deviate(const char *name, const char *record, int64_t at, const char *by,
                    const char *columns, const char *values)
{
    char *problem = world_sql(
            &w, mu_arena_printf(
                        w.arena,
                        "SELECT record_deviation(ledger_tick(), jsonb_populate_record("
                        "NULL::deviation_facts, jsonb_build_object('fact_id', "
                        "gen_random_uuid(), 'deviation', '%s', 'record', '%s', 'at', '%s', 'by', "
                        "'%s') || jsonb_object(%s, %s)))",
                        name, record, sql_time(&w, at), by, columns, values));

    assert_string_equal(problem ? problem : "", "");
    free(problem);
}

static void request(const char *name, const char *kind, const char *columns, const char *values)
{
    deviate(name, "request", T(DAYS(1)), "ann",
            mu_arena_printf(w.arena, "'{kind,vulnerability,asset,rationale%s}'", columns),
            mu_arena_printf(w.arena, "'{%s,CVE-2026-1,*,why%s}'", kind, values));
}

/* The columns and values of a request that ends at a day. */
#define UNTIL(day) ",expires_at", mu_arena_printf(w.arena, ",%s", sql_time(&w, T(DAYS(day))))

static void decide(const char *name, const char *record, int64_t at)
{
    deviate(name, record, at, "bob", "'{evidence}'", "'{ticket}'");
}

static void find_one(const char *severity, const char *extra)
{
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(0), {.id = "CVE-2026-1", .severity = severity, .extra = extra});
}

#define ALIAS "GHSA-aaaa-bbbb-cccc"

static void state_ssvc(const char *vulnerability, const char *automatable, const char *impact,
                       int64_t at)
{
    free(world_sql(&w,
                   mu_arena_printf(w.arena,
                                   "INSERT INTO ssvc_facts VALUES (gen_random_uuid(), '%s', '%s', "
                                   "'%s', '%s', 'ann', NULL, NULL, 'memo 4', ledger_tick())",
                                   vulnerability, automatable, impact, sql_time(&w, at))));
}

/* ---- due dates ---- */

static void severity_gives_30_90_and_180_days(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(0), {.id = "CVE-1", .severity = "critical"},
         {.id = "CVE-2", .severity = "high"}, {.id = "CVE-3", .severity = "moderate"},
         {.id = "CVE-4", .severity = "low"}, {.id = "CVE-5", .severity = "negligible"},
         {.id = "CVE-6", .severity = "unknown"});
    assert_clocks(T(1), "rev5",
                  "open rev5 30.0, open rev5 30.0, open rev5 90.0, open rev5 180.0, no_due_date, "
                  "open rev5 30.0");
}

static void what_is_due_soon_is_at_risk_and_then_late(void **state)
{
    (void)state;
    find_one("high", NULL);
    assert_clocks(T(DAYS(22)), "rev5", "open rev5 30.0");
    assert_clocks(T(DAYS(23)), "rev5", "at_risk rev5 30.0");
    assert_clocks(T(DAYS(30)) - 1, "rev5", "at_risk rev5 30.0");
    assert_clocks(T(DAYS(30)), "rev5", "late rev5 30.0");
}

/* Due by the end of 2026-11-10; T(0) is the first day of November. */
#define KEV "\"kev\":{\"date_added\":\"2026-10-30\",\"due_date\":\"2026-11-10\"}"

static void a_due_date_of_kev_goes_first(void **state)
{
    (void)state;
    find_one("low", KEV);
    assert_clocks(T(1), "rev5", "open kev 10.0");
    assert_clocks(T(DAYS(10)), "rev5", "late kev 10.0");
}

static void a_later_due_date_of_kev_is_no_extension(void **state)
{
    (void)state;
    find_one("high", "\"kev\":{\"date_added\":\"2026-10-30\",\"due_date\":\"2027-03-01\"}");
    assert_clocks(T(1), "rev5", "open rev5 30.0");
}

/* The 16 rows as they were decided, one text: kev public automatable total = days forensic. */
static void the_table_of_bod_26_04_is_as_it_was_directed(void **state)
{
    (void)state;
    assert_sql(
            &w,
            "SELECT string_agg(concat(k::int, p::int, a::int, t::int, '=', COALESCE(b.days::text, "
            "'-'), CASE WHEN b.forensic THEN 'F' END), ' ' ORDER BY k, p, a, t) FROM "
            "(VALUES (false), (true)) x(k), (VALUES (false), (true)) y(p), (VALUES (false), "
            "(true)) z(a), (VALUES (false), (true)) v(t), LATERAL bod2604(k, p, a, t) b",
            "0000=- 0001=- 0010=60 0011=60 0100=60 0101=14 0110=14 0111=3 "
            "1000=14 1001=14 1010=14 1011=3F 1100=14 1101=3F 1110=3 1111=3F");
}

static void bod_26_04_asks_for_exposure_and_counts_the_worse_when_nobody_said(void **state)
{
    (void)state;
    find_one("low", "\"kev\":null,\"automatable\":false,\"technical_impact\":\"partial\"");
    assert_clocks(T(DAYS(2)), "bod26-04", "open bod26-04 60.0");
    assert_clocks(T(DAYS(2)), "strictest", "open bod26-04 60.0");
    free(world_sql(&w,
                   mu_arena_printf(w.arena,
                                   "INSERT INTO exposure_facts VALUES (gen_random_uuid(), '" REPO
                                   "', 'no', '%s', 'ann', NULL, NULL, NULL, ledger_tick())",
                                   sql_time(&w, T(0)))));
    assert_clocks(T(DAYS(2)), "bod26-04", "no_due_date");
}

/* Public since day 5, automatable and total: three days from then, not from the detection. */
static void becoming_public_starts_the_clock_of_bod_26_04(void **state)
{
    (void)state;
    find_one("low", "\"kev\":null,\"automatable\":true,\"technical_impact\":\"total\"");
    for (int day = 0; day < 7; day += 5)
        free(world_sql(
                &w, mu_arena_printf(w.arena,
                                    "INSERT INTO exposure_facts VALUES (gen_random_uuid(), '" REPO
                                    ":1.0', '%s', '%s', 'ann', NULL, NULL, NULL, ledger_tick())",
                                    day ? "yes" : "no", sql_time(&w, T(DAYS(day))))));
    assert_clocks(T(DAYS(4)), "bod26-04", "open bod26-04 60.0");
    assert_clocks(T(DAYS(6)), "bod26-04", "at_risk bod26-04 8.0");
}

static void what_people_state_of_ssvc_counts_before_the_database(void **state)
{
    (void)state;
    find_one("low", "\"kev\":null,\"automatable\":false,\"technical_impact\":\"partial\"");
    state_ssvc("CVE-2026-1", "yes", "total", T(0));
    assert_clocks(T(1), "bod26-04", "at_risk bod26-04 3.0");
}

/* Under an alias too. The 60 days of before stay the latest. */
static void a_word_on_ssvc_starts_the_clock_of_what_it_makes_worse(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(0),
         {.id = "CVE-2026-1",
          .advisory = ALIAS,
          .extra = "\"kev\":null,\"automatable\":false,\"technical_impact\":\"partial\""});
    state_ssvc(ALIAS, "yes", "partial", T(DAYS(30)));
    state_ssvc(ALIAS, "yes", "total", T(DAYS(40)));
    assert_clocks(T(DAYS(29)), "bod26-04", "open bod26-04 60.0");
    assert_clocks(T(DAYS(31)), "bod26-04", "open bod26-04 44.0");
    assert_clocks(T(DAYS(41)), "bod26-04", "at_risk bod26-04 43.0");
    state_ssvc("CVE-2026-1", "yes", "total", T(DAYS(42))); /* the same again */
    assert_clocks(T(DAYS(42)), "bod26-04", "at_risk bod26-04 43.0");
    state_ssvc("CVE-2026-1", "no", "partial", T(DAYS(43)));
    state_ssvc("CVE-2026-1", "yes", "total", T(DAYS(59)));
    assert_clocks(T(DAYS(59)), "bod26-04", "at_risk bod26-04 60.0");
}

/* What nobody had stated counted as the worse already. */
static void a_word_on_ssvc_puts_nothing_off(void **state)
{
    (void)state;
    find_one("low", "\"kev\":null");
    assert_clocks(T(DAYS(1)), "bod26-04", "at_risk bod26-04 3.0");
    state_ssvc("CVE-2026-1", "yes", "total", T(DAYS(2)));
    assert_clocks(T(DAYS(2)), "bod26-04", "at_risk bod26-04 3.0");
}

/* ---- deviations ---- */

static void a_false_positive_counts_only_once_approved(void **state)
{
    (void)state;
    find_one("high", KEV);
    request("FP-1", "false_positive", "", "");
    assert_clocks(T(DAYS(2)), "rev5", "open kev 10.0");
    decide("FP-1", "approve", T(DAYS(3)));
    assert_clocks(T(DAYS(2)), "rev5", "open kev 10.0");
    assert_clocks(T(DAYS(3)), "rev5", "false_positive");
    decide("FP-1", "withdraw", T(DAYS(20)));
    assert_clocks(T(DAYS(19)), "rev5", "false_positive");
    assert_clocks(T(DAYS(20)), "rev5", "late kev 10.0");
}

static void what_has_expired_falls_back_by_itself(void **state)
{
    (void)state;
    find_one("high", NULL);
    request("AC-1", "accepted", UNTIL(40));
    decide("AC-1", "approve", T(DAYS(2)));
    assert_clocks(T(DAYS(39)), "rev5", "accepted");
    assert_clocks(T(DAYS(40)), "rev5", "late rev5 30.0");
    assert_sql(&w,
               mu_arena_printf(w.arena, "SELECT state FROM deviations_known('%s', 'infinity')",
                               sql_time(&w, T(DAYS(40)))),
               "expired");
}

static void an_adjusted_risk_has_its_own_days(void **state)
{
    (void)state;
    find_one("high", NULL);
    request("RA-1", "risk_adjustment", ",adjusted_severity", ",moderate");
    decide("RA-1", "approve", T(DAYS(2)));
    assert_clocks(T(DAYS(3)), "rev5", "open rev5 90.0");
    assert_sql(&w,
               mu_arena_printf(w.arena,
                               "SELECT severity || ' ' || effective_severity FROM "
                               "finding_clocks_known('" REPO "', '%s', 'infinity', 'rev5', '0')",
                               sql_time(&w, T(DAYS(3)))),
               "high moderate");
}

static void an_operational_requirement_of_a_high_risk_needs_the_adjustment_first(void **state)
{
    char *problem;

    (void)state;
    find_one("high", NULL);
    request("OR-1", "operational_requirement", "", "");
    problem = world_sql(
            &w, mu_arena_printf(w.arena, "SELECT deviation_problem('OR-1', 'approve', '%s', 'bob')",
                                sql_time(&w, T(DAYS(2)))));
    assert_non_null(strstr(problem, "not approved for a high risk"));
    free(problem);
    request("RA-1", "risk_adjustment", ",adjusted_severity", ",low");
    decide("RA-1", "approve", T(DAYS(2)));
    decide("OR-1", "approve", T(DAYS(3)));
    assert_clocks(T(DAYS(300)), "rev5", "operational_requirement");
}

static void a_vendor_is_asked_every_30_days_and_its_release_starts_the_clock(void **state)
{
    (void)state;
    find_one("moderate", NULL);
    request("VD-1", "vendor_dependency", "", "");
    decide("VD-1", "approve", T(DAYS(10)));
    assert_clocks(T(DAYS(20)), "rev5", "vendor_dependency vendor_check_in 40.0");
    assert_clocks(T(DAYS(99)), "rev5", "late rev5 90.0");
    decide("VD-1", "check_in", T(DAYS(80)));
    assert_clocks(T(DAYS(99)), "rev5", "vendor_dependency vendor_check_in 110.0");
    decide("VD-1", "release", T(DAYS(100)));
    assert_clocks(T(DAYS(101)), "rev5", "open rev5 190.0");
}

static void acceptance_does_not_hold_off_kev(void **state)
{
    (void)state;
    find_one("moderate", KEV);
    request("AC-1", "accepted", UNTIL(40));
    decide("AC-1", "approve", T(DAYS(2)));
    assert_clocks(T(DAYS(3)), "rev5", "at_risk kev 10.0");
    assert_clocks(T(DAYS(10)), "rev5", "late kev 10.0");
}

static void a_deviation_holds_for_its_scope_alone(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    push_at(&w, "1.1", 'a', T(0));
    SCAN(&w, digest_of('a'), T(1), {.id = "CVE-2026-1", .severity = "high", .package = "b"});
    deviate("D1", "request", T(2), "ann", "'{kind,vulnerability,asset,rationale,package}'",
            "'{false_positive,CVE-2026-1," REPO ":1.0,why,b}'");
    deviate("D2", "request", T(2), "ann", "'{kind,vulnerability,asset,rationale,package}'",
            "'{false_positive,CVE-2026-1," REPO ",why,other}'");
    decide("D1", "approve", T(3));
    decide("D2", "approve", T(3));
    assert_sql(&w,
               mu_arena_printf(
                       w.arena,
                       "SELECT string_agg(concat(right(uai, 3), ' ', status), ', ' ORDER BY "
                       "uai) FROM finding_clocks_known('" REPO "', '%s', 'infinity', 'rev5', '0')",
                       sql_time(&w, T(10))),
               "1.0 false_positive, 1.1 open");
}

/* ---- the window of a scan, and explanations ---- */

static void an_image_shows_when_its_scan_expires_and_how_old_the_database_was(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    CLEAN_SCAN(&w, digest_of('a'), T(10));
    add_pod(&w, "p",
            (struct pod){.uid = "p",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(11),
                         .at = T(11)});
    world_apply(&w);
    free(world_sql(&w, mu_arena_printf(w.arena, "UPDATE scans SET database_built_at = started_at - "
                                                "interval '24 hours'")));
#define CLOCK                                                                      \
    mu_arena_printf(w.arena,                                                       \
                    "SELECT concat_ws(' ', state, containers, expires_at = '%s', " \
                    "database_stale) FROM image_clocks_known('%s', 'infinity')",   \
                    sql_time(&w, T(10 + DAYS(30))), sql_time(&w, T(20)))
    assert_sql(&w, CLOCK, "covered 1 t f");
    free(world_sql(&w, "UPDATE scans SET database_built_at = database_built_at - interval '1 s'"));
    assert_sql(&w, CLOCK, "covered 1 t t");
}

/* Of the asset 1.0, of a vulnerability or NULL: each event as `what`, those that `filter` takes. */
static void assert_events(const char *vulnerability, const char *what, const char *filter,
                          const char *expected)
{
    assert_sql(&w,
               mu_arena_printf(
                       w.arena,
                       "SELECT string_agg(%s, ', ' ORDER BY n) FROM clock_events_known('" REPO
                       ":1.0', '" REPO "', NULLIF('%s', ''), '%s', 'infinity') WITH "
                       "ORDINALITY AS e (at, clock, subject, event, detail, source, n) "
                       "WHERE %s",
                       what, vulnerability ? vulnerability : "", sql_time(&w, T(DAYS(60))), filter),
               expected);
}

static void every_event_that_moved_a_clock_is_told(void **state)
{
    (void)state;
    find_one("high", KEV);
    request("FP-1", "false_positive", "", "");
    decide("FP-1", "reject", T(DAYS(2)));
    CLEAN_SCAN(&w, digest_of('a'), T(DAYS(3)));
    SCAN(&w, digest_of('a'), T(DAYS(4)), {.id = "CVE-2026-1"});
    free(world_sql(&w, "UPDATE scans SET database_built_at = started_at - interval '24 hours'"));
    assert_events("CVE-2026-1", "concat(clock, ' ', event)", "true",
                  "kev listed, database_freshness met, remediation started, scan_window "
                  "restarted, deviation request, deviation reject, database_freshness met, "
                  "remediation stopped, scan_window restarted, database_freshness met, "
                  "remediation reopened, scan_window restarted");
    assert_sql(&w,
               mu_arena_printf(
                       w.arena,
                       "SELECT count(*) FROM clock_events_known('" REPO ":1.0', '" REPO
                       "', NULL, '%s', 'infinity') e JOIN scans s ON s.scan_id::text = e.source "
                       "WHERE e.clock = 'remediation'",
                       sql_time(&w, T(DAYS(9)))),
               "3");
}

static void what_was_stated_of_an_alias_is_told(void **state)
{
    static const char *const names[] = {NULL, "CVE-2026-1", ALIAS};

    (void)state;
    push_at(&w, "1.0", 'a', T(0));
    SCAN(&w, digest_of('a'), T(0), {.id = "CVE-2026-1", .advisory = ALIAS}, {.id = "CVE-2026-2"});
    deviate("AC-1", "request", T(DAYS(1)), "ann",
            "'{kind,vulnerability,asset,rationale,expires_at}'",
            mu_arena_printf(w.arena, "'{accepted," ALIAS ",*,why,%s}'", sql_time(&w, T(DAYS(9)))));
    decide("AC-1", "approve", T(DAYS(2)));
    state_ssvc(ALIAS, "no", "total", T(DAYS(3)));
    state_ssvc("CVE-2026-3", "no", "total", T(DAYS(3))); /* is not on it */
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_events(names[i], "concat_ws(' ', clock, event, detail)",
                      "clock IN ('deviation', 'ssvc')",
                      "deviation request accepted of " ALIAS " by ann, "
                      "deviation approve accepted of " ALIAS " by bob, "
                      "ssvc stated not automatable, total by ann, stated of " ALIAS ", "
                      "deviation expired accepted of " ALIAS);
    assert_events("CVE-2026-2", "event", "clock IN ('deviation', 'ssvc')", "");
}

static void a_change_of_rating_is_told(void **state)
{
#define NVD(score) "\"scores\":[{\"type\":\"CVSS_V3\",\"source\":\"nvd\",\"score\":" score "}]"
    (void)state;
    find_one("low", NULL); /* by the scanner alone */
    for (int day = 1; day <= 4; day++)
        SCAN(&w, digest_of('a'), T(DAYS(day)),
             {.id = "CVE-2026-1",
              .severity = "low",
              .extra = (const char *[]){NVD("9.8"), NVD("9.1"), NVD("5"), NVD("5.1")}[day - 1]});
    assert_events("CVE-2026-1", "detail", "clock = 'rating'",
                  "critical; CVSS of NVD 9.8, moderate, before critical; CVSS of NVD 5.0");
}

static void exposure_old_databases_and_what_went_are_told(void **state)
{
    (void)state;
    find_one("high", NULL);
    free(world_sql(&w, "UPDATE scans SET database_built_at = started_at - interval '25 h'"));
    free(world_sql(&w,
                   mu_arena_printf(w.arena,
                                   "INSERT INTO exposure_facts VALUES (gen_random_uuid(), '" REPO
                                   "', 'yes', '%s', 'ann', NULL, NULL, NULL, ledger_tick())",
                                   sql_time(&w, T(DAYS(1))))));
    add_delete(&w, "gone", "1.0", digest_of('a'), T(DAYS(2)));
    world_apply(&w);
    assert_events("CVE-2026-1", "CASE event WHEN 'stopped' THEN detail ELSE event END", "true",
                  "missed, started, restarted, public, the asset was gone");
}

/* ---- the commands ---- */

#define HOW_TO_WRITE \
    "nothing is known of 'nothing': write an asset as 'muster-inventory assets' lists it\n"

static void clocks_are_of_an_asset_that_is_known(void **state)
{
    struct clocks_config asked = {.postgres = w.conninfo, .format = "text"};

    (void)state;
    find_one("high", NULL);
    push_at(&w, "0.9", 'a', T(1));
    assert_refuses(clocks_command, &asked, REPO ":1.0", 0, "");
    assert_refuses(clocks_command, &asked, "nothing", 1, HOW_TO_WRITE);
    assert_refuses(clocks_command, &asked, REPO, 2,
                   "'" REPO "' is a repository, and clocks are an asset's: give one of its assets, "
                   "e.g. " REPO ":0.9\n");
}

static int findings_of(const char *uai, const char *valid_at, const char *expected)
{
    struct findings_config asked = {.postgres = w.conninfo,
                                    .format = "text",
                                    .rules = "rev5",
                                    .uai = uai,
                                    .valid_at = valid_at,
                                    .due_within_ms = -1,
                                    .all = true};
    int code = -1;
    char *text = captured(findings_command, &asked, 0, NULL, &code);

    if (!strstr(text, expected))
        fail_msg("exit %d, '%s' is not in: %s", code, expected, text);
    free(text);
    return code;
}

static void findings_are_of_an_asset_or_a_repository_that_is_known(void **state)
{
    struct findings_config asked = {
            .postgres = w.conninfo, .format = "text", .rules = "rev5", .uai = "nothing"};
    const char *day_40 = sql_time(&w, T(DAYS(40)));

    (void)state;
    find_one("high", NULL);
    assert_int_equal(findings_of(REPO, sql_time(&w, T(1)), REPO ":1.0"), 0);
    assert_int_equal(findings_of(REPO ":1.0", sql_time(&w, T(1)), "CVE-2026-1"), 0);
    assert_int_equal(findings_of(REPO ":1.0", day_40, "late"), 1);
    assert_refuses(findings_command, &asked, NULL, 1, HOW_TO_WRITE);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(severity_gives_30_90_and_180_days),
            CASE(what_is_due_soon_is_at_risk_and_then_late),
            CASE(a_due_date_of_kev_goes_first),
            CASE(a_later_due_date_of_kev_is_no_extension),
            CASE(the_table_of_bod_26_04_is_as_it_was_directed),
            CASE(bod_26_04_asks_for_exposure_and_counts_the_worse_when_nobody_said),
            CASE(becoming_public_starts_the_clock_of_bod_26_04),
            CASE(what_people_state_of_ssvc_counts_before_the_database),
            CASE(a_word_on_ssvc_starts_the_clock_of_what_it_makes_worse),
            CASE(a_word_on_ssvc_puts_nothing_off),
            CASE(a_false_positive_counts_only_once_approved),
            CASE(what_has_expired_falls_back_by_itself),
            CASE(an_adjusted_risk_has_its_own_days),
            CASE(an_operational_requirement_of_a_high_risk_needs_the_adjustment_first),
            CASE(a_vendor_is_asked_every_30_days_and_its_release_starts_the_clock),
            CASE(acceptance_does_not_hold_off_kev),
            CASE(a_deviation_holds_for_its_scope_alone),
            CASE(an_image_shows_when_its_scan_expires_and_how_old_the_database_was),
            CASE(every_event_that_moved_a_clock_is_told),
            CASE(what_was_stated_of_an_alias_is_told),
            CASE(a_change_of_rating_is_told),
            CASE(exposure_old_databases_and_what_went_are_told),
            CASE(clocks_are_of_an_asset_that_is_known),
            CASE(findings_are_of_an_asset_or_a_repository_that_is_known),
    };

    return pg_server_group(&world_server, tests);
}

/* Many registries take turns and keep their rates; what must be scanned again is spread over time.
 */
#include "finding_world.h"

#include "schedule/schedule.h"

static struct world w;
static struct schedule_config config;
static struct registry_rates rates;

static int open_world(void **state)
{
    (void)state;
    world_open(&w);
    rates = (struct registry_rates){0};
    config = (struct schedule_config){.conninfo = w.conninfo,
                                      .interval_ms = 10,
                                      .lease_ms = 60000,
                                      .retry_min_ms = 1000,
                                      .retry_max_ms = 3000,
                                      .max_attempts = 3,
                                      .max_in_flight = 10,
                                      .rescan_after_ms = INT64_C(25) * 24 * 3600 * 1000,
                                      .rates = &rates};
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static void run_round(void)
{
    struct mu_error err;
    bool busy = false;

    if (schedule_round(&config, w.pg, &busy, &err) != MU_OK)
        fail_msg("%s", err.message);
}

/* `count` jobs of a registry that wait, the first the longest. */
static void add_jobs(const char *registry, int count, int priority)
{
    free(world_sql(
            &w,
            mu_arena_printf(
                    w.arena,
                    "INSERT INTO scan_jobs (job_id, repository, digest, state, priority, reason, "
                    "next_try_at) SELECT md5('%s' || i)::uuid, '%s/app' || i, 'sha256:' || "
                    "encode(sha256(('%s' || i)::bytea), 'hex'), 'pending', %d, 'new_digest', now() "
                    "- "
                    "interval '1 day' + i * interval '1 ms' FROM generate_series(1, %d) i",
                    registry, registry, registry, priority, count)));
}

#define ISSUED                                                                                   \
    "SELECT string_agg(r || ' ' || n, ', ' ORDER BY r) FROM (SELECT registry_of(repository) r, " \
    "count(*) n FROM scan_jobs WHERE state = 'issued' GROUP BY 1) s"

static void registries_take_turns(void **state)
{
    (void)state;
    add_jobs("large.example", 20000, 2);
    free(world_sql(&w, "UPDATE scan_jobs SET next_try_at = next_try_at - interval '9 days'"));
    add_jobs("small.example", 3, 2);
    add_jobs("other.example", 100, 2);
    run_round();
    assert_sql(&w, ISSUED, "large.example 4, other.example 3, small.example 3");
}

static void a_round_ends_before_it_has_made_all_requests_and_the_next_follows(void **state)
{
    struct mu_error err;
    bool busy = false;

    (void)state;
    config.max_in_flight = 1000;
    add_jobs("large.example", 1200, 2);
    assert_int_equal(schedule_round(&config, w.pg, &busy, &err), MU_OK);
    assert_sql(&w, ISSUED, "large.example 500");
    assert_true(busy);
    run_round();
    assert_sql(&w, ISSUED, "large.example 1000");
    busy = false;
    assert_int_equal(schedule_round(&config, w.pg, &busy, &err), MU_OK);
    assert_sql(&w, ISSUED, "large.example 1000");
    assert_false(busy);
}

/* All places are taken by one; as they get free, who has fewest under way is next. */
static void who_comes_late_gets_the_next_places(void **state)
{
    (void)state;
    add_jobs("large.example", 1000, 2);
    run_round();
    assert_sql(&w, ISSUED, "large.example 10");
    add_jobs("small.example", 3, 2);
    free(world_sql(&w,
                   "UPDATE scan_jobs SET state = 'complete' WHERE job_id IN (SELECT job_id FROM "
                   "scan_jobs WHERE state = 'issued' LIMIT 4)"));
    run_round();
    assert_sql(&w, ISSUED, "large.example 7, small.example 3");
}

static void a_registry_keeps_its_rate(void **state)
{
    struct mu_error err;

    (void)state;
    assert_int_equal(registry_rates_parse("slow.example=4", 0, &rates, &err), MU_OK);
    add_jobs("slow.example", 50, 2);
    add_jobs("fast.example", 50, 2);
    run_round();
    assert_sql(&w, ISSUED, "fast.example 6, slow.example 4");
    free(world_sql(&w, "UPDATE scan_jobs SET state = 'complete' WHERE state = 'issued'"));
    run_round();
    assert_sql(&w, ISSUED, "fast.example 10");
    free(world_sql(&w, "UPDATE registry_budgets SET at = at - interval '31 s'"));
    free(world_sql(&w, "UPDATE scan_jobs SET state = 'complete' WHERE state = 'issued'"));
    run_round();
    assert_sql(&w, ISSUED, "fast.example 8, slow.example 2");
}

static void a_registry_has_no_more_than_allowed_under_way(void **state)
{
    (void)state;
    config.max_per_registry = 3;
    add_jobs("one.example", 50, 1);
    free(world_sql(&w, "UPDATE scan_jobs SET priority = 3 WHERE digest < 'sha256:8'"));
    run_round();
    run_round();
    assert_sql(&w, ISSUED, "one.example 3");
    assert_sql(&w, "SELECT count(*) FROM scan_jobs WHERE state = 'issued' AND priority = 1", "3");
}

static void rates_are_checked_when_they_are_read(void **state)
{
    static const char *const wrong[] = {"a", "a=", "=3", "a=-1", "a=x", "a=1,,b=2", "a=1,b"};
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(registry_rates_parse(wrong[i], 0, &rates, &err), MU_E_INVALID);
    assert_int_equal(registry_rates_parse("a.example=1,b.example:5000=20", 7, &rates, &err), MU_OK);
    assert_int_equal(rates.count, 2);
    assert_string_equal(rates.hosts[1], "b.example:5000");
    assert_int_equal(rates.per_minute[1], 20);
}

/* ---- again ---- */

#define STATES                                                                                    \
    "SELECT string_agg(s || ' ' || n, ', ' ORDER BY s) FROM (SELECT state || ' ' || reason || ' " \
    "' "                                                                                          \
    "|| priority s, count(*) n FROM scan_jobs GROUP BY 1) x"

/* 400 scanned images, completed `days` days ago, each with a complete scan by a database of that
 * time. */
static void add_scanned(int days)
{
    add_jobs("r.example", 400, 2);
    free(world_sql(
            &w, mu_arena_printf(w.arena,
                                "UPDATE scan_jobs SET state = 'complete', completed_at = now() - "
                                "interval '%d days'",
                                days)));
    free(world_sql(&w, "INSERT INTO digest_facts (fact_id, digest, kind, known_at) SELECT "
                       "gen_random_uuid(), digest, 'manifest', now() FROM scan_jobs"));
    free(world_sql(&w,
                   "INSERT INTO scans (scan_id, request_id, job_id, attempt, repository, digest, "
                   "outcome, scanner_name, scanner_version, database_built_at, "
                   "configuration_checksum, started_at, finished_at, known_at) SELECT "
                   "gen_random_uuid(), 'r', job_id, 1, repository, digest, 'complete', "
                   "'muster-scanner', '1', completed_at, 'c', completed_at, completed_at, now() "
                   "FROM scan_jobs"));
}

static void rescans_of_one_day_are_spread(void **state)
{
    char *half;

    (void)state;
    config.rescan_spread_ms = INT64_C(2) * 24 * 3600 * 1000;
    add_scanned(26);
    run_round();
    half = world_sql(&w, "SELECT count(*) FROM scan_jobs WHERE reason = 'rescan'");
    assert_in_range(strtol(half, NULL, 10), 150, 250); /* a day of two is over */
    free(half);
    free(world_sql(&w, "UPDATE scan_jobs SET completed_at = completed_at - interval '1 day'"));
    run_round();
    assert_sql(&w, "SELECT count(*) FROM scan_jobs WHERE reason = 'rescan'", "400");
}

static void a_rescan_that_gets_no_turn_hurries_before_the_window_ends(void **state)
{
    (void)state;
    config.max_in_flight = 1;
    add_scanned(28);
    run_round();
    assert_sql(&w, STATES, "issued rescan 3 1, pending rescan 3 399");
    free(world_sql(&w,
                   "UPDATE scan_jobs SET completed_at = completed_at - interval '30 hours' WHERE "
                   "digest < 'sha256:1' AND state = 'pending'"));
    run_round();
    assert_sql(&w,
               "SELECT count(*) > 0 AND bool_and(priority = 2) FROM scan_jobs WHERE completed_at < "
               "now() - "
               "interval '29 days'",
               "t");
}

static void a_new_database_is_applied_to_all_over_time(void **state)
{
    char *some;

    (void)state;
    config.rematch_spread_ms = INT64_C(6) * 3600 * 1000;
    add_scanned(2);
    run_round();
    assert_sql(&w, STATES, "complete new_digest 2 400");
    /* One image is scanned with a newer database. */
    free(world_sql(&w, "INSERT INTO scans SELECT (jsonb_populate_record(NULL::scans, to_jsonb(s) "
                       "|| jsonb_build_object('scan_id', "
                       "gen_random_uuid(), 'finished_at', now(), 'database_built_at', now()))).* "
                       "FROM (SELECT * FROM scans ORDER BY digest LIMIT 1) s"));
    run_round();
    run_round();
    assert_sql(&w, "SELECT count(*) FROM scan_jobs WHERE rematch_at IS NOT NULL", "399");
    free(world_sql(&w, "UPDATE scan_jobs SET rematch_at = rematch_at - interval '3 hours'"));
    config.max_in_flight = 5;
    run_round();
    some = world_sql(&w,
                     "SELECT count(*) FROM scan_jobs WHERE reason = 'rematch' AND priority = 3");
    assert_in_range(strtol(some, NULL, 10), 150, 250);
    free(some);
    assert_sql(&w,
               "SELECT string_agg(DISTINCT topic || ' ' || (payload::jsonb->>'reason'), ', ') FROM "
               "outbox",
               "muster.scan-requests.bulk rematch");
    assert_sql(&w, "SELECT count(*) FROM outbox", "5");
}

static void what_was_scanned_with_it_meanwhile_is_left_alone(void **state)
{
    (void)state;
    add_scanned(2);
    run_round();
    free(world_sql(&w,
                   "INSERT INTO scans SELECT (jsonb_populate_record(NULL::scans, to_jsonb(s) || "
                   "jsonb_build_object('scan_id', "
                   "gen_random_uuid(), 'finished_at', now(), 'database_built_at', now()))).* FROM "
                   "scans s"));
    free(world_sql(&w, "UPDATE scan_jobs SET rematch_at = now() - interval '1 s'"));
    run_round();
    assert_sql(&w, STATES, "complete new_digest 2 400");
    assert_sql(&w, "SELECT count(*) FROM scan_jobs WHERE rematch_at IS NOT NULL", "0");
}

/* `built` is an SQL expression: one image is scanned now, with a database of then. */
static void scan_one(const char *built)
{
    free(world_sql(
            &w,
            mu_arena_printf(w.arena,
                            "INSERT INTO scans SELECT (jsonb_populate_record(NULL::scans, "
                            "to_jsonb(s) || jsonb_build_object('scan_id', gen_random_uuid(), "
                            "'finished_at', now(), 'known_at', now(), 'database_built_at', %s))).* "
                            "FROM (SELECT * FROM scans ORDER BY digest, known_at LIMIT 1) s",
                            built)));
}

#define MARKED "SELECT count(*) FROM scan_jobs WHERE rematch_at IS NOT NULL"

static void a_database_of_the_future_holds_up_no_other(void **state)
{
    (void)state;
    config.rematch_spread_ms = INT64_C(6) * 3600 * 1000;
    add_scanned(2);
    run_round();
    scan_one("now() + interval '1 day'");
    run_round();
    assert_sql(&w, MARKED, "0");
    scan_one("now()");
    run_round();
    assert_sql(&w, MARKED, "399");
}

/* A job that a scanner finishes, as JOBS_CLOSED leaves it. */
static void what_was_scanned_with_an_old_one_is_matched_later(void **state)
{
    (void)state;
    config.rematch_spread_ms = INT64_C(6) * 3600 * 1000;
    add_scanned(2);
    run_round();
    free(world_sql(&w, "UPDATE rematch_state SET built_at = now()"));
    free(world_sql(&w,
                   "INSERT INTO scan_uais SELECT scan_id, repository || '@' || digest FROM scans"));
    free(world_sql(&w, "UPDATE scan_jobs SET recheck = true WHERE digest < 'sha256:8'"));
    run_round();
    assert_sql(&w, STATES, "complete new_digest 2 400");
    assert_sql(
            &w,
            "SELECT bool_and((rematch_at BETWEEN now() + interval '5 hours' AND now() + interval "
            "'6 hours') IS TRUE = (digest < 'sha256:8')) FROM scan_jobs",
            "t");
}

#define PROBED "SELECT string_agg(digest, ' ') FROM scan_jobs WHERE reason = 'rematch'"

static void be_quiet(int hours)
{
    free(world_sql(&w,
                   mu_arena_printf(w.arena,
                                   "UPDATE scans SET known_at = known_at - interval '%d hours'; "
                                   "UPDATE rematch_state SET looked_at = looked_at - interval "
                                   "'%d hours'",
                                   hours, hours)));
}

static void a_fleet_without_scans_is_probed_for_a_new_database(void **state)
{
    char *oldest;

    (void)state;
    config.probe_after_ms = INT64_C(6) * 3600 * 1000;
    add_scanned(2);
    free(world_sql(&w, "UPDATE scan_jobs SET completed_at = completed_at - interval '1 hour' WHERE "
                       "job_id = (SELECT job_id FROM scan_jobs ORDER BY digest DESC LIMIT 1)"));
    oldest = world_sql(&w, "SELECT digest FROM scan_jobs ORDER BY completed_at LIMIT 1");
    run_round();
    be_quiet(5);
    run_round();
    assert_sql(&w, PROBED, "");
    be_quiet(2);
    run_round();
    assert_sql(&w, PROBED, oldest);
    assert_sql(&w, "SELECT topic FROM outbox", "muster.scan-requests.bulk");
    run_round();
    assert_sql(&w, PROBED, oldest); /* once in that time */
    free(oldest);
}

static void a_fleet_that_is_scanned_is_not_probed(void **state)
{
    (void)state;
    config.probe_after_ms = INT64_C(6) * 3600 * 1000;
    add_scanned(2);
    run_round();
    be_quiet(7);
    scan_one("now() - interval '3 days'");
    run_round();
    assert_sql(&w, PROBED, "");
}

static void a_probe_is_of_what_runs(void **state)
{
    (void)state;
    config.probe_after_ms = INT64_C(6) * 3600 * 1000;
    add_scanned(2);
    push_at(&w, "1.0", 'a', mu_now_us() - INT64_C(3600000000));
    CLEAN_SCAN(&w, digest_of('a'), mu_now_us() - INT64_C(3600000000));
    add_pod(&w, "p",
            (struct pod){.uid = "p",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = mu_now_us() - INT64_C(1800000000),
                         .at = mu_now_us() - INT64_C(1800000000)});
    world_apply(&w);
    free(world_sql(&w, "SELECT derive_runs(1000)"));
    free(world_sql(&w, "SELECT derive_images()"));
    free(world_sql(&w, "UPDATE scans SET database_built_at = finished_at"));
    run_round();
    be_quiet(7);
    run_round();
    assert_sql(&w, PROBED, digest_of('a'));
}

static void what_failed_for_the_want_of_a_database_is_tried_with_a_new_one(void **state)
{
    (void)state;
    add_scanned(2);
    run_round();
    free(world_sql(&w,
                   "UPDATE scan_jobs SET state = 'failed_final', next_try_at = now() + interval "
                   "'1 day', failure_code = CASE WHEN digest < 'sha256:8' THEN 'stale_database' "
                   "ELSE 'registry_unavailable' END"));
    scan_one("now()");
    config.max_in_flight = 1000;
    run_round();
    assert_sql(
            &w,
            "SELECT bool_and((state = 'issued') = (failure_code IS NULL AND digest < 'sha256:8')) "
            "AND bool_or(state = 'issued') FROM scan_jobs",
            "t");
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(registries_take_turns),
            CASE(a_round_ends_before_it_has_made_all_requests_and_the_next_follows),
            CASE(who_comes_late_gets_the_next_places),
            CASE(a_registry_keeps_its_rate),
            CASE(a_registry_has_no_more_than_allowed_under_way),
            CASE(rates_are_checked_when_they_are_read),
            CASE(rescans_of_one_day_are_spread),
            CASE(a_rescan_that_gets_no_turn_hurries_before_the_window_ends),
            CASE(a_new_database_is_applied_to_all_over_time),
            CASE(what_was_scanned_with_it_meanwhile_is_left_alone),
            CASE(a_database_of_the_future_holds_up_no_other),
            CASE(what_was_scanned_with_an_old_one_is_matched_later),
            CASE(a_fleet_without_scans_is_probed_for_a_new_database),
            CASE(a_fleet_that_is_scanned_is_not_probed),
            CASE(a_probe_is_of_what_runs),
            CASE(what_failed_for_the_want_of_a_database_is_tried_with_a_new_one),
    };

    return pg_server_group(&world_server, tests);
}

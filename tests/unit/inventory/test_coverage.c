/* The seven states: every running container is in exactly one, and they add up. */
#include "one_world.h"

#include "coverage/coverage_command.h"
#include "coverage/keep_runs.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 600, TRY_NS = 50000000 };

static void add_run(const char *id, const char *uid, const char *tag, char digit)
{
    add_pod(&w, id,
            (struct pod){.uid = uid,
                         .tag = tag,
                         .digest = digit ? digest_of(digit) : NULL,
                         .started = T(1),
                         .at = T(1)});
}

static void add_complete(const char *id, char digit, const char *uai, int64_t at)
{
    add_scan(&w, id, (struct scan){.digest = digest_of(digit), .uai = uai, .at = at});
}

static void add_failed(const char *id, char digit, const char *uai, const char *why, int64_t at)
{
    add_scan(&w, id,
             (struct scan){.digest = digest_of(digit),
                           .uai = uai,
                           .outcome = MU_SCAN_FAILED,
                           .failure = why,
                           .at = at});
}

static void a_fresh_complete_scan_covers(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(2));
    world_apply(&w);
    assert_state(&w, "p1", T(3), "covered");
}

static void a_scan_covers_for_thirty_days_and_not_a_microsecond_more(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(2));
    world_apply(&w);
    assert_state(&w, "p1", T(2), "covered");
    assert_state(&w, "p1", T(2 + DAYS(30)), "covered");
    assert_state(&w, "p1", T(2 + DAYS(30)) + 1, "scan_expired");
}

static void a_scan_of_tomorrow_does_not_cover_today(void **state)
{
    (void)state;
    add_push(&w, "e0", "1.0", digest_of('a'), T(0));
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(20));
    world_apply(&w);
    assert_state(&w, "p1", T(19), "never_scanned");
    assert_state(&w, "p1", T(20), "covered");
}

static void an_old_complete_scan_is_expired_whatever_failed_since(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(2));
    add_failed("e3", 'a', REPO ":1.0", "limit", T(DAYS(40)));
    world_apply(&w);
    assert_state(&w, "p1", T(DAYS(41)), "scan_expired");
}

static void a_failure_does_not_take_back_a_fresh_scan(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(2));
    add_failed("e3", 'a', REPO ":1.0", "limit", T(5));
    world_apply(&w);
    assert_state(&w, "p1", T(6), "covered");
}

static void only_failures_are_scan_failed_with_the_reason(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_failed("e2", 'a', REPO ":1.0", "layer_missing", T(2));
    world_apply(&w);
    assert_state(&w, "p1", T(3), "scan_failed");
    assert_sql(&w, "SELECT reason FROM coverage_containers('2026-11-02', 'infinity')",
               "layer_missing: why");
}

static void a_known_image_without_a_scan_is_never_scanned(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_run("e2", "p1", "1.0", 'a');
    world_apply(&w);
    assert_state(&w, "p1", T(3), "never_scanned");
}

/* FedRAMP matches by name: a scan that carries another UAI is none of this asset's. */
static void a_scan_under_another_name_does_not_cover(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.1", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(2));
    world_apply(&w);
    assert_state(&w, "p1", T(3), "never_scanned");
}

static void no_digest_is_unresolved(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 0);
    world_apply(&w);
    assert_state(&w, "p1", T(3), "unresolved");
}

static void a_digest_nobody_explains_is_unresolved(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    world_apply(&w);
    assert_state(&w, "p1", T(3), "unresolved");
}

static void what_the_registry_deleted_unscanned_is_not_in_registry(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_run("e2", "p1", "1.0", 'a');
    add_delete(&w, "e3", NULL, digest_of('a'), T(10));
    world_apply(&w);
    assert_state(&w, "p1", T(9), "never_scanned");
    assert_state(&w, "p1", T(11), "not_in_registry");
}

static void what_the_registry_deleted_is_covered_while_its_scan_is_fresh(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_run("e2", "p1", "1.0", 'a');
    add_complete("e3", 'a', REPO ":1.0", T(2));
    add_delete(&w, "e4", NULL, digest_of('a'), T(10));
    world_apply(&w);
    assert_state(&w, "p1", T(2 + DAYS(30)), "covered");
    assert_state(&w, "p1", T(DAYS(31)), "not_in_registry");
    assert_sql(&w, "SELECT reason FROM coverage_containers('2026-12-02', 'infinity')",
               "the registry deleted it");
}

static void what_the_scanner_does_not_find_is_not_in_registry(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_failed("e2", 'a', REPO ":1.0", "manifest_missing", T(2));
    world_apply(&w);
    assert_state(&w, "p1", T(3), "not_in_registry");
}

static void an_image_pushed_again_is_in_the_registry_again(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_failed("e2", 'a', REPO ":1.0", "manifest_missing", T(2));
    add_push(&w, "e3", "1.0", digest_of('a'), T(5));
    world_apply(&w);
    assert_state(&w, "p1", T(6), "scan_failed");
}

static void an_exclusion_counts_within_its_time(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    world_apply(&w);
    free(world_sql(&w,
                   "INSERT INTO exclusions SELECT gen_random_uuid(), '" REPO ":1.0', "
                   "'2026-11-01T00:10:00Z', '2026-11-01T00:20:00Z', 'debug pod', 'ops', now()"));
    assert_state(&w, "p1", T(9), "unresolved");
    assert_state(&w, "p1", T(10), "excluded");
    assert_state(&w, "p1", T(19), "excluded");
    assert_state(&w, "p1", T(20), "unresolved");
}

/* ---- kept runs ---- */

static void assert_totals(const char *expected)
{
    assert_sql(&w,
               "SELECT string_agg(state || '=' || containers, ' ') FROM "
               "report_v1.totals('2026-11-02', 'infinity') WHERE containers > 0",
               expected);
}

static void derive(void)
{
    free(world_sql(&w, "SELECT derive_runs()"));
    free(world_sql(&w, "SELECT derive_images()"));
}

/* Pinned to one digest, called by the tag that pointed there when each began. */
static void starts_of_one_pinned_image_are_counted_under_their_own_names(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "1.0", digest_of('b'), T(10));
    add_push(&w, "e3", "1.1", digest_of('a'), T(20));
    add_complete("e4", 'a', REPO ":1.0", T(2));
    add_pod(&w, "e5", (struct pod){.uid = "p1", .digest = digest_of('a'), .started = T(5)});
    add_pod(&w, "e6", (struct pod){.uid = "p2", .digest = digest_of('a'), .started = T(25)});
    world_apply(&w);
    assert_totals("covered=1 never_scanned=1");
    derive();
    assert_totals("covered=1 never_scanned=1");
}

static void totals_are_the_same_before_and_after_runs_are_kept(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(2));
    world_apply(&w);
    derive();
    add_run("e3", "p2", "2.0", 'b');
    add_pod(&w, "e4", (struct pod){.uid = "p1", .removed = true, .at = T(9)});
    world_apply(&w);
    assert_totals("unresolved=1");
    derive();
    assert_totals("unresolved=1");
    free(world_sql(&w, "TRUNCATE run_spans, run_spans_clock"));
    assert_totals("unresolved=1");
    free(world_sql(&w,
                   "TRUNCATE image_targets, image_reads, cover_targets, cover_scans, cover_clock"));
    assert_totals("unresolved=1");
    derive();
    assert_totals("unresolved=1");
}

static void assert_unkept(const char *facts_and_images)
{
    assert_sql(&w, "SELECT facts || ' ' || images FROM kept_behind()", facts_and_images);
}

/* As after an upgrade that emptied what is kept. */
static void totals_are_the_same_while_runs_are_made_anew_step_by_step(void **state)
{
    (void)state;
    add_complete("e1", 'a', REPO ":1.0", T(2));
    add_run("e2", "p1", "1.0", 'a');
    world_apply(&w);
    add_run("e3", "p2", "2.0", 'b');
    world_apply(&w);
    assert_unkept("4 0"); /* a run and a pod each */
    assert_totals("covered=1 unresolved=1");
    free(world_sql(&w, "SELECT derive_runs(1)"));
    assert_unkept("2 1");
    assert_totals("covered=1 unresolved=1");
    free(world_sql(&w, "SELECT derive_images()"));
    assert_unkept("2 0");
    assert_totals("covered=1 unresolved=1");
    derive();
    assert_unkept("0 0");
    assert_totals("covered=1 unresolved=1");
}

static void whoever_keeps_runs_comes_to_the_end(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    world_apply(&w);
    pid_t keeper = fork();

    assert_true(keeper >= 0);
    if (keeper == 0) {
        keep_runs_run(w.conninfo);
        _exit(0);
    }
    for (int i = 0; i < TRIES; i++) {
        char *left = world_sql(&w, "SELECT facts + images FROM kept_behind()");
        bool done = strcmp(left, "0") == 0;

        free(left);
        if (done)
            break;
        (void)nanosleep(&(struct timespec){.tv_nsec = TRY_NS}, NULL);
    }
    (void)kill(keeper, SIGKILL);
    (void)waitpid(keeper, NULL, 0);
    assert_unkept("0 0");
    assert_sql(&w, "SELECT count(*) FROM run_spans", "1");
    assert_sql(&w, "SELECT count(*) FROM image_targets", "1");
}

static void keeping_runs_that_did_not_change_writes_nothing(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    world_apply(&w);
    assert_sql(&w, "SELECT derive_runs()", "1");
    assert_sql(&w, "SELECT derive_runs()", "0");
    add_push(&w, "e2", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    assert_sql(&w, "SELECT derive_runs()", "0");
}

static void a_scan_counts_before_and_after_it_is_kept(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_push(&w, "e2", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    derive();
    assert_totals("never_scanned=1");
    add_complete("e3", 'a', REPO ":1.0", T(2));
    world_apply(&w);
    assert_totals("covered=1");
    derive();
    assert_totals("covered=1");
}

static void keeping_images_that_did_not_change_resolves_none(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    world_apply(&w);
    free(world_sql(&w, "SELECT derive_runs()"));
    assert_sql(&w, "SELECT derive_images()", "1");
    assert_sql(&w, "SELECT derive_images()", "0");
    add_run("e2", "p2", "1.0", 'a');
    world_apply(&w);
    free(world_sql(&w, "SELECT derive_runs()"));
    assert_sql(&w, "SELECT derive_images()", "0");
    add_push(&w, "e3", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    assert_sql(&w, "SELECT derive_images()", "1");
}

static void images_are_kept_anew_when_nobody_knows_how_far_they_were(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    world_apply(&w);
    derive();
    free(world_sql(&w, "TRUNCATE cover_clock"));
    add_complete("e2", 'a', REPO ":1.0", T(2));
    world_apply(&w);
    assert_totals("covered=1");
    assert_sql(&w, "SELECT derive_images()", "1");
    assert_totals("covered=1");
}

static void totals_of_what_runs_are_by_cluster_namespace_node_and_owner(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_run("e2", "p2", "1.0", 'a');
    world_apply(&w);
    assert_sql(&w,
               "SELECT string_agg(concat_ws('/', b, t.cluster, t.name, t.containers), ' ' ORDER BY "
               "b) FROM "
               "unnest(ARRAY['cluster', 'namespace', 'node', 'owner']) b, "
               "running_totals('2026-11-02', 'infinity', b) t",
               "cluster/prod/prod/2 namespace/prod/default/2 node/prod/2 owner/prod/2");
}

/* ---- clocks ---- */

/* "state since expires" of the only container. */
static void assert_clock(const char *valid_at, const char *expected)
{
    char sql[512];

    (void)snprintf(sql, sizeof(sql),
                   "SELECT concat_ws(' ', state, to_char(since, 'MM-DD HH24:MI'), "
                   "to_char(expires_at, 'MM-DD HH24:MI')) FROM coverage_clocks('%s', 'infinity')",
                   valid_at);
    assert_sql(&w, sql, expected);
}

static void a_scan_in_time_keeps_cover_since_the_first_and_moves_its_end(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(2));
    add_complete("e3", 'a', REPO ":1.0", T(DAYS(20)));
    world_apply(&w);
    assert_clock("2026-11-10", "covered 11-01 00:02 12-01 00:02");
    assert_clock("2026-11-25", "covered 11-01 00:02 12-21 00:00");
    assert_clock("2026-12-25", "scan_expired 12-21 00:00 12-21 00:00");
}

static void a_scan_after_the_end_begins_cover_anew(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(2));
    add_complete("e3", 'a', REPO ":1.0", T(DAYS(40)));
    world_apply(&w);
    assert_clock("2026-12-12", "covered 12-11 00:00 01-10 00:00");
}

static void a_state_is_no_older_than_the_run_that_is_in_it(void **state)
{
    (void)state;
    add_complete("e1", 'a', REPO ":1.0", T(-60));
    add_run("e2", "p1", "1.0", 'a');
    world_apply(&w);
    assert_clock("2026-11-02", "covered 11-01 00:01 11-30 23:00");
}

static void the_event_that_reset_the_clock_is_named(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(2));
    add_complete("e3", 'a', REPO ":1.0", T(9));
    world_apply(&w);
    assert_sql(&w,
               "SELECT l.ce_id FROM coverage_clocks('2026-11-02', 'infinity') c "
               "JOIN ledger l ON l.event_id = c.cause_id",
               "e3");
    assert_sql(&w,
               "SELECT l.ce_id FROM coverage_clocks('2026-11-01T00:05:00Z', 'infinity') c "
               "JOIN ledger l ON l.event_id = c.cause_id",
               "e2");
}

static void what_the_registry_lost_names_when_and_by_which_event(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_run("e2", "p1", "1.0", 'a');
    add_delete(&w, "e3", NULL, digest_of('a'), T(10));
    add_delete(&w, "e4", NULL, digest_of('a'), T(20));
    world_apply(&w);
    assert_clock("2026-11-02", "not_in_registry 11-01 00:10");
    assert_sql(&w,
               "SELECT l.ce_id FROM coverage_clocks('2026-11-02', 'infinity') c "
               "JOIN ledger l ON l.event_id = c.cause_id",
               "e4");
}

/* Gone since its cover ended, or since the registry said so; expired since then, or since it came
 * back. */
static void what_was_scanned_and_is_gone_names_since_when(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_run("e2", "p1", "1.0", 'a');
    add_complete("e3", 'a', REPO ":1.0", T(2));
    add_delete(&w, "e4", NULL, digest_of('a'), T(10));
    add_push(&w, "e5", "1.0", digest_of('a'), T(DAYS(32)));
    add_delete(&w, "e6", NULL, digest_of('a'), T(DAYS(33)));
    world_apply(&w);
    for (int kept = 0; kept < 2; kept++) {
        assert_clock("2026-11-30", "covered 11-01 00:02 12-01 00:02");
        assert_clock("2026-12-02", "not_in_registry 12-01 00:02");
        assert_clock("2026-12-03T01:00:00Z", "scan_expired 12-03 00:00 12-01 00:02");
        assert_clock("2026-12-05", "not_in_registry 12-04 00:00");
        derive();
    }
    assert_sql(&w,
               "SELECT l.ce_id FROM coverage_clocks('2026-12-05', 'infinity') c "
               "JOIN ledger l ON l.event_id = c.cause_id",
               "e6");
    assert_sql(&w,
               "SELECT string_agg(state, ' ') FROM "
               "report_v1.totals('2026-12-05', 'infinity') WHERE containers > 0",
               "not_in_registry");
}

/* One container of each state. */
static void apply_all_states(void)
{
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(DAYS(39)));
    add_run("e3", "p2", "2.0", 'b');
    add_complete("e4", 'b', REPO ":2.0", T(2));
    add_run("e5", "p3", "3.0", 'c');
    add_failed("e6", 'c', REPO ":3.0", "limit", T(2));
    add_push(&w, "e7", "4.0", digest_of('d'), T(0));
    add_run("e8", "p4", "4.0", 'd');
    add_run("e9", "p5", "5.0", 0);
    add_run("e10", "p6", "6.0", 'e');
    add_failed("e11", 'e', REPO ":6.0", "manifest_missing", T(2));
    add_run("e12", "p7", "7.0", 'f');
    world_apply(&w);
    free(world_sql(&w, "INSERT INTO exclusions SELECT gen_random_uuid(), '" REPO ":7.0', "
                       "'2026-11-01', NULL, 'why', 'who', now()"));
}

static void the_states_add_up_to_the_running_containers(void **state)
{
    (void)state;
    apply_all_states();
    assert_sql(&w,
               "SELECT string_agg(state || '=' || containers, ' ') FROM "
               "report_v1.totals('2026-12-11', 'infinity')",
               "covered=1 scan_expired=1 scan_failed=1 never_scanned=1 unresolved=1 "
               "not_in_registry=1 excluded=1");
    assert_sql(&w,
               "SELECT (SELECT sum(containers) FROM report_v1.totals('2026-12-11', 'infinity')) = "
               "(SELECT count(*) FROM running_known('2026-12-11', 'infinity'))",
               "t");
}

static void before_anything_ran_every_state_counts_zero(void **state)
{
    (void)state;
    apply_all_states();
    assert_sql(&w, "SELECT sum(containers) FROM report_v1.totals('2026-10-01', 'infinity')", "0");
    assert_sql(&w, "SELECT count(*) FROM report_v1.totals('2026-10-01', 'infinity')", "7");
}

static void scanned_assets_that_do_not_run_are_listed_apart(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(2));
    add_complete("e3", 'b', REPO ":2.0", T(2));
    world_apply(&w);
    assert_sql(&w,
               "SELECT string_agg(uai, ' ') FROM report_v1.not_running('2026-11-02', 'infinity')",
               REPO ":2.0");
}

static void the_inventory_row_carries_scan_and_asset(void **state)
{
    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(2));
    world_apply(&w);
    assert_sql(&w,
               "SELECT concat_ws(' ', uai, state, running_containers, scanner_name, "
               "asset_id IS NOT NULL, evidence_digest LIKE 'sha256:%', floating) FROM "
               "report_v1.inventory('2026-11-02', 'infinity')",
               REPO ":1.0 covered 1 muster-scanner t t f");
}

/* Whoever tells it, and whatever date it has. */
static void the_horizon_is_the_clock_of_what_is_known(void **state)
{
    static const char is_clock[] =
            "SELECT report_v1.horizon('infinity') = known_at FROM ledger_clock";
    char *before;

    (void)state;
    assert_sql(&w, "SELECT report_v1.horizon('infinity')", "");
    add_push(&w, "e1", "1.0", digest_of('a'), T(DAYS(3650)));
    world_apply(&w);
    assert_sql(&w, is_clock, "t");
    before = world_sql(&w, "SELECT report_v1.horizon('infinity')");
    free(world_sql(&w, "SELECT ledger_tick()")); /* as a statement of a person does */
    assert_sql(&w, is_clock, "t");
    assert_sql(&w,
               mu_arena_printf(w.arena, "SELECT report_v1.horizon('%s') = '%s'", before, before),
               "t");
    assert_sql(&w, "SELECT report_v1.horizon('2020-01-01')", "");
    free(before);
}

/* ---- the command ---- */

static char *run_coverage(struct coverage_config config, int *ret_code)
{
    config.postgres = w.conninfo;
    if (!config.format)
        config.format = "text";
    return captured(coverage_command, &config, 0, NULL, ret_code);
}

static void the_command_names_what_is_not_covered_and_exits_1(void **state)
{
    char *text;
    int code = -1;

    (void)state;
    apply_all_states();
    text = run_coverage((struct coverage_config){.valid_at = "2026-12-11T00:00:00Z"}, &code);
    assert_int_equal(code, 1);
    assert_non_null(strstr(text, "p4"));
    assert_null(strstr(text, "p1 "));
    free(text);
    text = run_coverage(
            (struct coverage_config){.valid_at = "2026-12-11T00:00:00Z", .containers = true},
            &code);
    assert_non_null(strstr(text, "p1 "));
    free(text);
}

static void the_command_exits_0_when_all_are_covered(void **state)
{
    char *text;
    int code = -1;

    (void)state;
    add_run("e1", "p1", "1.0", 'a');
    add_complete("e2", 'a', REPO ":1.0", T(2));
    world_apply(&w);
    text = run_coverage((struct coverage_config){.valid_at = "2026-11-02T02:00:00+02:00"}, &code);
    assert_int_equal(code, 0);
    free(text);
}

static void the_command_answers_as_known_then(void **state)
{
    struct coverage_config config = {.valid_at = "2026-11-02T00:00:00Z", .containers = true};
    char *text;
    int code = -1;

    (void)state;
    add_push(&w, "e0", "1.0", digest_of('a'), T(0));
    add_run("e1", "p1", "1.0", 'a');
    world_apply(&w);
    config.known_at = world_sql(&w, "SELECT to_char(max(known_at) AT TIME ZONE 'UTC', "
                                    "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM ledger");
    add_complete("e2", 'a', REPO ":1.0", T(2));
    world_apply(&w);
    text = run_coverage(config, &code);
    assert_int_equal(code, 1);
    assert_non_null(strstr(text, "never_scanned"));
    free(text);
    free((char *)(uintptr_t)config.known_at);
    config.known_at = NULL;
    text = run_coverage(config, &code);
    assert_int_equal(code, 0);
    assert_non_null(strstr(text, "2026-12-01 00:02:00")); /* when the cover ends */
    free(text);
}

static void pods_of_one_name_are_listed_each(void **state)
{
    char *text, *first;
    int code = -1;

    (void)state;
    add_run("e1", "p1", "1.0", 0);
    add_run("e2", "p2", "1.0", 0);
    world_apply(&w);
    free(world_sql(&w, "UPDATE pod_facts SET pod = 'web-0'"));
    text = run_coverage((struct coverage_config){.valid_at = "2026-11-02T00:00:00Z"}, &code);
    first = strstr(text, "web-0");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "web-0"));
    free(text);
}

/* While coverage counts. */
static void *scan_meanwhile(void *unused)
{
    (void)unused;
    world_wait_held(&w);
    add_complete("e2", 'a', REPO ":1.0", T(2));
    world_apply(&w);
    free(world_sql(&w, "SELECT pg_advisory_unlock(7)"));
    return NULL;
}

static void the_list_has_what_the_totals_count(void **state)
{
    struct coverage_config config = {.valid_at = "2026-11-02T00:00:00Z"};
    pthread_t thread;
    char *text;
    int code = -1;

    (void)state;
    add_push(&w, "e0", "1.0", digest_of('a'), T(0));
    add_run("e1", "p1", "1.0", 'a');
    world_apply(&w);
    free(world_sql(&w, "ALTER FUNCTION coverage_totals(timestamptz, timestamptz) RENAME TO "
                       "coverage_totals_at_once;"
                       "CREATE FUNCTION coverage_totals(p_as_of timestamptz, p_known timestamptz) "
                       "RETURNS TABLE (state text, containers bigint) LANGUAGE plpgsql AS $$ BEGIN "
                       "PERFORM pg_advisory_xact_lock_shared(7); RETURN QUERY SELECT * FROM "
                       "coverage_totals_at_once(p_as_of, p_known); END $$;"
                       "SELECT pg_advisory_lock(7)"));
    assert_int_equal(pthread_create(&thread, NULL, scan_meanwhile, NULL), 0);
    text = run_coverage(config, &code);
    assert_int_equal(pthread_join(thread, NULL), 0);
    free(world_sql(&w, "DROP FUNCTION coverage_totals(timestamptz, timestamptz);"
                       "ALTER FUNCTION coverage_totals_at_once(timestamptz, timestamptz) RENAME "
                       "TO coverage_totals"));
    assert_int_equal(code, 1);
    assert_non_null(strstr(text, "p1 "));
    free(text);
    free(run_coverage(config, &code));
    assert_int_equal(code, 0);
}

static void a_wrong_instant_or_format_is_a_usage_error(void **state)
{
    char *text;
    int code = -1;

    (void)state;
    text = run_coverage((struct coverage_config){.valid_at = "yesterday"}, &code);
    assert_int_equal(code, 2);
    free(text);
    text = run_coverage((struct coverage_config){.format = "xml"}, &code);
    assert_int_equal(code, 2);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(a_fresh_complete_scan_covers),
            WORLD_TEST(a_scan_covers_for_thirty_days_and_not_a_microsecond_more),
            WORLD_TEST(a_scan_of_tomorrow_does_not_cover_today),
            WORLD_TEST(an_old_complete_scan_is_expired_whatever_failed_since),
            WORLD_TEST(a_failure_does_not_take_back_a_fresh_scan),
            WORLD_TEST(only_failures_are_scan_failed_with_the_reason),
            WORLD_TEST(a_known_image_without_a_scan_is_never_scanned),
            WORLD_TEST(a_scan_under_another_name_does_not_cover),
            WORLD_TEST(no_digest_is_unresolved),
            WORLD_TEST(a_digest_nobody_explains_is_unresolved),
            WORLD_TEST(what_the_registry_deleted_unscanned_is_not_in_registry),
            WORLD_TEST(what_the_registry_deleted_is_covered_while_its_scan_is_fresh),
            WORLD_TEST(what_the_scanner_does_not_find_is_not_in_registry),
            WORLD_TEST(an_image_pushed_again_is_in_the_registry_again),
            WORLD_TEST(an_exclusion_counts_within_its_time),
            WORLD_TEST(starts_of_one_pinned_image_are_counted_under_their_own_names),
            WORLD_TEST(totals_are_the_same_before_and_after_runs_are_kept),
            WORLD_TEST(totals_are_the_same_while_runs_are_made_anew_step_by_step),
            WORLD_TEST(whoever_keeps_runs_comes_to_the_end),
            WORLD_TEST(keeping_runs_that_did_not_change_writes_nothing),
            WORLD_TEST(a_scan_counts_before_and_after_it_is_kept),
            WORLD_TEST(keeping_images_that_did_not_change_resolves_none),
            WORLD_TEST(images_are_kept_anew_when_nobody_knows_how_far_they_were),
            WORLD_TEST(totals_of_what_runs_are_by_cluster_namespace_node_and_owner),
            WORLD_TEST(a_scan_in_time_keeps_cover_since_the_first_and_moves_its_end),
            WORLD_TEST(a_scan_after_the_end_begins_cover_anew),
            WORLD_TEST(a_state_is_no_older_than_the_run_that_is_in_it),
            WORLD_TEST(the_event_that_reset_the_clock_is_named),
            WORLD_TEST(what_was_scanned_and_is_gone_names_since_when),
            WORLD_TEST(what_the_registry_lost_names_when_and_by_which_event),
            WORLD_TEST(the_states_add_up_to_the_running_containers),
            WORLD_TEST(before_anything_ran_every_state_counts_zero),
            WORLD_TEST(scanned_assets_that_do_not_run_are_listed_apart),
            WORLD_TEST(the_inventory_row_carries_scan_and_asset),
            WORLD_TEST(the_horizon_is_the_clock_of_what_is_known),
            WORLD_TEST(the_command_names_what_is_not_covered_and_exits_1),
            WORLD_TEST(the_command_exits_0_when_all_are_covered),
            WORLD_TEST(the_command_answers_as_known_then),
            WORLD_TEST(pods_of_one_name_are_listed_each),
            WORLD_TEST(the_list_has_what_the_totals_count),
            WORLD_TEST(a_wrong_instant_or_format_is_a_usage_error),
    };

    return pg_server_group(&world_server, tests);
}

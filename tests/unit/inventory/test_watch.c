/* What people are told, each case once, and failures of detection that open and close by
 * themselves. */
#include "finding_world.h"

#include "identity/identity.h"
#include "notify/acknowledge_command.h"
#include "notify/watch.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <unistd.h>

static struct world w;
static struct watch_config config;
static int64_t now;

static int open_world(void **state)
{
    (void)state;
    world_open(&w);
    now = mu_now_us();
    config = (struct watch_config){.conninfo = w.conninfo,
                                   .interval_ms = 10,
                                   .warn_ms = INT64_C(2) * 24 * 3600 * 1000,
                                   .grace_ms = 60000};
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

    if (watch_round(&config, w.pg, &busy, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static int64_t days_ago(int64_t days)
{
    return now - days * 24 * 3600 * INT64_C(1000000);
}

static void run_pod(const char *uid, char digit, int64_t started)
{
    add_pod(&w, mu_arena_printf(w.arena, "pod %s", uid),
            (struct pod){.uid = uid,
                         .tag = "1.0",
                         .digest = digest_of(digit),
                         .started = started,
                         .at = started});
    world_apply(&w);
}

/* What was told beside `tag_moved` of the apply side. */
#define TOLD                                                                             \
    "SELECT string_agg(kind || ' ' || severity, ', ' ORDER BY kind) FROM notifications " \
    "WHERE kind <> 'tag_moved'"

static void assert_told(const char *expected)
{
    run_round();
    assert_sql(&w, TOLD, expected);
    run_round(); /* and only once */
    assert_sql(&w, TOLD, expected);
    assert_sql(&w,
               "SELECT (SELECT count(*) FROM outbox WHERE topic = 'muster.notifications') = "
               "(SELECT count(*) FROM notifications)",
               "t");
}

static void nothing_is_told_of_what_is_well(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', days_ago(1));
    SCAN(&w, digest_of('a'), days_ago(1), {.id = "CVE-2026-1", .extra = "\"kev\":null"});
    run_pod("p", 'a', days_ago(1));
    assert_told("");
}

static void a_scan_about_to_expire_is_told_and_then_its_end(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', days_ago(29));
    CLEAN_SCAN(&w, digest_of('a'), days_ago(29));
    run_pod("p", 'a', days_ago(29));
    assert_told("scan_expiring warning");
    free(world_sql(&w,
                   "UPDATE scans SET finished_at = finished_at - interval '2 days', started_at = "
                   "started_at - interval '2 days', database_built_at = NULL"));
    assert_told("scan_expired critical, scan_expiring warning");
}

static void what_runs_unscanned_is_told_after_its_grace(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', days_ago(1));
    run_pod("p", 'a', now - 30 * INT64_C(1000000));
    assert_told("");
    run_pod("q", 'a', days_ago(1));
    assert_told("never_scanned critical");
}

static void what_the_registry_lost_is_told(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', days_ago(2));
    run_pod("p", 'a', days_ago(1));
    add_delete(&w, "d", NULL, digest_of('a'), days_ago(1));
    world_apply(&w);
    run_round();
    assert_sql(&w,
               "SELECT count(*) FROM notifications WHERE kind = 'not_in_registry' AND severity = "
               "'critical'",
               "1");
}

static void what_the_registry_lost_is_told_while_its_scan_covers_it_and_once(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', days_ago(2));
    CLEAN_SCAN(&w, digest_of('a'), days_ago(2));
    run_pod("p", 'a', days_ago(1));
    assert_told("");
    add_delete(&w, "d", NULL, digest_of('a'), days_ago(1));
    world_apply(&w);
    assert_told("not_in_registry critical");
    free(world_sql(&w,
                   "UPDATE scans SET finished_at = finished_at - interval '31 days', started_at = "
                   "started_at - interval '31 days', database_built_at = NULL"));
    assert_told("not_in_registry critical");
    assert_sql(&w, "SELECT message FROM notifications",
               "1 containers run it and the registry deleted it: push it again, or stop them");
}

static void an_exploited_vulnerability_in_production_is_told(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', days_ago(1));
    SCAN(&w, digest_of('a'), days_ago(1),
         {.id = "CVE-2026-1",
          .extra = "\"kev\":{\"date_added\":\"2026-01-01\",\"due_date\":\"2026-01-22\"}"},
         {.id = "CVE-2026-2", .extra = "\"kev\":{\"date_added\":\"2999-01-01\"}"});
    assert_told("");
    run_pod("p", 'a', days_ago(1));
    assert_told("kev_in_production critical");
    assert_sql(
            &w, "SELECT message FROM notifications WHERE kind = 'kev_in_production'",
            "CVE-2026-1 is known to be exploited (mend it by 2026-01-22) and runs in production");
}

static void containers_behind_their_tag_are_told(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', days_ago(3));
    CLEAN_SCAN(&w, digest_of('a'), days_ago(2));
    run_pod("p", 'a', days_ago(3));
    assert_told("");
    push_at(&w, "1.0", 'b', days_ago(1));
    assert_told("running_drift warning");
}

static void a_scan_with_an_old_database_is_a_failure_until_a_good_one(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', days_ago(2));
    CLEAN_SCAN(&w, digest_of('a'), days_ago(2));
    run_pod("p", 'a', days_ago(2));
    free(world_sql(&w, "UPDATE scans SET database_built_at = started_at - interval '25 hours'"));
    assert_told("detection_failure critical");
    assert_sql(&w, "SELECT code || ' ' || (closed_at IS NULL) FROM detection_failures",
               "database_stale true");
    free(world_sql(&w, "UPDATE scan_jobs SET state = 'issued'"));
    {
        char job[MU_UUID_TEXT_SIZE];

        identity_job(REPO, digest_of('a'), job);
        CLEAN_SCAN(&w, digest_of('a'), days_ago(1));
        assert_sql(&w, "SELECT job_id FROM detection_failures", job);
    }
    free(world_sql(&w, mu_arena_printf(w.arena,
                                       "UPDATE scans SET database_built_at = started_at - interval "
                                       "'1 hour' WHERE finished_at = '%s'",
                                       sql_time(&w, days_ago(1)))));
    assert_sql(&w,
               mu_arena_printf(w.arena, "SELECT closed_at = '%s' FROM detection_failures",
                               sql_time(&w, days_ago(1))),
               "t");
    assert_told("detection_failure critical, detection_failure_closed info");
}

static void an_exploit_told_of_another_name_is_told(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', days_ago(3));
    SCAN(&w, digest_of('a'), days_ago(3),
         {.id = "GHSA-aaaa-bbbb-cccc", .extra = "\"aliases\":[\"CVE-2026-1\"]"});
    run_pod("p", 'a', days_ago(3));
    assert_told("");
    push_at(&w, "2.0", 'b', days_ago(2));
    SCAN(&w, digest_of('b'), days_ago(2),
         {.id = "CVE-2026-1", .extra = "\"kev\":{\"date_added\":\"2026-01-01\"}"});
    assert_told("kev_in_production critical");
    assert_sql(&w, "SELECT subject FROM notifications WHERE kind = 'kev_in_production'",
               REPO ":1.0");
}

/* It covers nothing yet, so it is scanned again, and closes nothing. */
static void a_scan_of_the_future_is_a_failure_until_a_good_one(void **state)
{
    static const char failures[] =
            "SELECT string_agg(code || ' ' || (closed_at IS NULL), ', ') FROM detection_failures";
    static const char again[] =
            "SELECT count(*) FROM scan_jobs_to_rescan(interval '25 days', interval '0', 10)";

    (void)state;
    push_at(&w, "1.0", 'a', days_ago(2));
    CLEAN_SCAN(&w, digest_of('a'), days_ago(-400));
    run_pod("p", 'a', days_ago(1));
    assert_told("detection_failure critical, never_scanned critical");
    assert_sql(&w, failures, "clock_skew true");
    assert_sql(&w, again, "0"); /* not at once: the clock is as wrong as before */
    free(world_sql(&w, "UPDATE scan_jobs SET next_try_at = now() - interval '61 minutes'"));
    assert_sql(&w, again, "1");
    CLEAN_SCAN(&w, digest_of('a'), days_ago(-500));
    assert_sql(&w, failures, "clock_skew true");
    CLEAN_SCAN(&w, digest_of('a'), mu_now_us() - 1000000);
    assert_sql(&w, failures, "clock_skew false");
    assert_sql(&w, again, "0");
    assert_told(
            "detection_failure critical, detection_failure_closed info, never_scanned critical");
    assert_sql(&w, "SELECT state FROM coverage_containers(now(), 'infinity')", "covered");
}

static void a_digest_with_two_contents_is_a_failure(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', days_ago(2));
    for (int i = 0; i < 2; i++) {
        add_scan(&w, i ? "one" : "two",
                 (struct scan){.digest = digest_of('a'),
                               .uai = REPO ":1.0",
                               .config = digest_of(i ? 'd' : 'e'),
                               .at = days_ago(1)});
        world_apply(&w);
        run_pod("p", 'a', days_ago(1));
        assert_told(i ? "detection_failure critical" : "");
    }
    assert_sql(&w, "SELECT code FROM detection_failures", "digest_conflict");
    assert_sql(&w, "SELECT message ~ 'configs sha256:d+, sha256:e+' FROM detection_failures", "t");
    CLEAN_SCAN(&w, digest_of('a'), mu_now_us() - 1000000); /* says nothing of it */
    assert_sql(&w, "SELECT count(*) FROM detection_failures WHERE closed_at IS NULL", "1");
}

static void keep_runs(void)
{
    free(world_sql(&w, "SELECT derive_runs(1000)"));
}

/* It was pushed and given up; then it was deleted. */
static void the_failure_of_what_is_gone_is_closed_when_nothing_runs_it(void **state)
{
    static const char open[] = "SELECT count(*) FROM detection_failures WHERE closed_at IS NULL";

    (void)state;
    push_at(&w, "1.0", 'a', days_ago(3));
    run_pod("p", 'a', days_ago(2));
    free(world_sql(
            &w, "INSERT INTO detection_failures (failure_id, job_id, repository, digest, code, "
                "message, attempts, opened_at, known_at) SELECT gen_random_uuid(), job_id, "
                "repository, digest, 'registry_unavailable', 'why', 5, now() - interval '1 day', "
                "now() FROM scan_jobs"));
    run_round();
    assert_sql(&w, open, "1");
    add_delete(&w, "d", NULL, digest_of('a'), days_ago(1));
    world_apply(&w);
    run_round();
    assert_sql(&w, open, "1"); /* it runs */
    keep_runs();
    run_round();
    assert_sql(&w, open, "1"); /* as its kept run says */
    add_pod(&w, "end", (struct pod){.uid = "p", .removed = true, .at = now});
    world_apply(&w);
    keep_runs();
    free(world_sql(&w, "SELECT pg_stat_force_next_flush()"));
    assert_sql(&w,
               "SELECT count(*) FROM failures_gone('1 second', 500); "
               "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = "
               "'pod_removals'",
               "0"); /* what ran is not computed again */
    run_round();
    assert_sql(&w, open, "0");
    run_round();
    assert_sql(&w, "SELECT count(*) FROM notifications WHERE kind = 'detection_failure_closed'",
               "1");
}

#define FAILURE(digit) "00000000-0000-0000-0000-00000000000" digit

/* Gives the exit code. */
static int acknowledge(const char *failure_id)
{
    struct acknowledge_config c = {
            .postgres = w.conninfo, .by = "Ann", .reason = "the disk of the gate was lost"};
    char id[64], *argv[] = {id};
    int code = -1;

    (void)snprintf(id, sizeof(id), "%s", failure_id);
    free(captured(acknowledge_command, &c, 1, argv, &code));
    return code;
}

static void assert_unknown(const char *failure_id)
{
    struct acknowledge_config c = {.postgres = w.conninfo, .by = "Ann", .reason = "why"};

    assert_refuses(acknowledge_command, &c, failure_id, 1,
                   "there is no such failure: 'muster-inventory failures --format=json' has the "
                   "ids\n");
}

static void a_person_answers_for_what_nothing_else_ends(void **state)
{
    (void)state;
    free(world_sql(&w,
                   "INSERT INTO detection_failures (failure_id, source, code, message, attempts, "
                   "opened_at, known_at) SELECT ('" FAILURE(
                           "") "' || i)::uuid, 'gate/1', "
                               "CASE i WHEN 1 THEN 'gate_decisions_missing' ELSE 'source_silent' "
                               "END, 'gone', 0, "
                               "now(), ledger_tick() FROM generate_series(1, 2) i"));
    assert_unknown(FAILURE("3"));
    assert_int_equal(acknowledge(FAILURE("3")), 1);
    assert_int_equal(acknowledge("nonsense"), 1);
    assert_int_equal(acknowledge(FAILURE("2")), 1);
    assert_int_equal(acknowledge(FAILURE("1")), 0);
    assert_int_equal(acknowledge(FAILURE("1")), 1);
    assert_sql(&w,
               "SELECT string_agg(concat_ws(' ', state, message), ', ' ORDER BY failure_id) FROM "
               "list_failures('infinity', 'infinity')",
               "closed gone (closed by Ann: the disk of the gate was lost), open gone");
    run_round();
    assert_sql(&w, "SELECT string_agg(kind, ' ') FROM notifications", "detection_failure_closed");
}

/* Told as both it is no manifest behind anything: only the runtime names it. */
static void a_digest_told_as_an_image_and_an_index_is_a_failure(void **state)
{
    struct mu_registry_event e =
            registry_event(MU_REGISTRY_PUSH, "1.0", digest_of('a'), days_ago(2));

    (void)state;
    e.digest_kind = MU_DIGEST_KIND_INDEX;
    add_registry(&w, "an index", &e);
    run_pod("p", 'a', days_ago(1));
    run_round();
    assert_sql(&w, "SELECT count(*) FROM detection_failures", "0");
    e.digest_kind = MU_DIGEST_KIND_MANIFEST;
    add_registry(&w, "an image", &e);
    world_apply(&w);
    run_round();
    assert_sql(&w, "SELECT code || ' ' || digest FROM detection_failures",
               "digest_conflict "
               "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_sql(&w, "SELECT message ~ 'an image, an index' FROM detection_failures", "t");
}

static void a_push_to_a_repository_that_moved_is_told_once(void **state)
{
    static const char told[] =
            "SELECT count(*) FROM notifications WHERE kind = 'moved_repository_pushed'";

    (void)state;
    push_at(&w, "1.0", 'a', days_ago(9));
    free(world_sql(&w, "INSERT INTO move_facts (fact_id, repository, moved_to, record, at, by, "
                       "rationale, known_at) VALUES "
                       "(gen_random_uuid(), '" REPO "', 'registry.example/new', 'move', now() - "
                       "interval '5 days', 'Ann', 'new team', now())"));
    push_at(&w, "1.1", 'a', days_ago(3)); /* what was there before has another tag */
    run_round();
    assert_sql(&w, told, "0");
    push_at(&w, "1.0", 'b', days_ago(2));
    push_at(&w, "2.0", 'c', days_ago(1));
    run_round();
    run_round();
    assert_sql(&w, told, "1");
    assert_sql(&w,
               "SELECT subject || ' ' || left(message, 48) FROM notifications WHERE kind = "
               "'moved_repository_pushed'",
               REPO " it moved to registry.example/new and its tag 1.0");
}

static void two_that_look_at_once_tell_once(void **state)
{
    MU_AUTO(pg) struct mu_pg *other = NULL;
    struct mu_error err;
    bool busy = false;

    (void)state;
    push_at(&w, "1.0", 'a', days_ago(1));
    run_pod("q", 'a', days_ago(1));
    assert_int_equal(inventory_pg_open(w.conninfo, "other", &other, &err), MU_OK);
    assert_int_equal(watch_round(&config, other, &busy, &err), MU_OK);
    assert_told("never_scanned critical");
}

/* ---- what is claimed at once ---- */

/* Three images that nobody scanned: three cases. */
static void run_three(void)
{
    static const char *const tags[] = {"1.0", "2.0", "3.0"};

    for (int i = 0; i < 3; i++) {
        const char *digest = digest_of((char)('a' + i));

        push_at(&w, tags[i], (char)('a' + i), days_ago(1));
        add_pod(&w, mu_arena_printf(w.arena, "pod %d", i),
                (struct pod){.uid = tags[i],
                             .tag = tags[i],
                             .digest = digest,
                             .started = days_ago(1),
                             .at = days_ago(1)});
    }
    world_apply(&w);
}

/* One round of a process of its own. */
struct watcher {
    pthread_t thread;
    enum mu_status st;
    struct mu_error err;
};

static void *look_once(void *opaque)
{
    struct watcher *watcher = opaque;
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    bool busy = false;

    watcher->st = inventory_pg_open(w.conninfo, "a watcher", &pg, &watcher->err);
    if (watcher->st == MU_OK)
        watcher->st = watch_round(&config, pg, &busy, &watcher->err);
    return NULL;
}

static void watcher_join(struct watcher *watcher)
{
    assert_int_equal(pthread_join(watcher->thread, NULL), 0);
    if (watcher->st != MU_OK)
        fail_msg("%s", watcher->err.message);
}

/* `count` have looked when they wait for the clock. */
static void wait_for_watchers(const char *count)
{
    char *waiting = NULL;

    do {
        free(waiting);
        (void)usleep(10000);
        waiting = world_sql(&w, "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted");
    } while (!mu_text_equal(waiting, count));
    free(waiting);
}

#define KEYS                                                                          \
    "SELECT string_agg(n.subject || ' ' || (o.payload::jsonb->>'subject') || ' ' || " \
    "(n.known_at = k.known_at), ', ' ORDER BY n.subject) FROM notifications n "       \
    "JOIN notification_keys k USING (kind, subject) JOIN outbox o ON o.ce_id = "      \
    "n.notification_id::text WHERE n.kind = 'never_scanned'"

static void who_looks_while_another_does_tells_nothing_again(void **state)
{
    struct watcher watchers[2];

    (void)state;
    run_three();
    free(world_sql(&w, "BEGIN; SELECT ledger_tick()"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&watchers[i].thread, NULL, look_once, &watchers[i]), 0);
        wait_for_watchers(i ? "2" : "1");
    }
    free(world_sql(&w, "COMMIT"));
    for (int i = 0; i < 2; i++)
        watcher_join(&watchers[i]);
    assert_sql(&w, KEYS,
               REPO ":1.0 " REPO ":1.0 true, " REPO ":2.0 " REPO ":2.0 true, " REPO ":3.0 " REPO
                    ":3.0 true");
    assert_told("never_scanned critical, never_scanned critical, never_scanned critical");
}

static void what_another_claimed_is_left_out_and_the_rest_is_told(void **state)
{
    struct watcher watcher;

    (void)state;
    run_three();
    free(world_sql(&w, "BEGIN; SELECT ledger_tick()"));
    assert_int_equal(pthread_create(&watcher.thread, NULL, look_once, &watcher), 0);
    wait_for_watchers("1");
    free(world_sql(&w, "INSERT INTO notification_keys (kind, subject, cause, known_at) SELECT "
                       "c.kind, c.subject, c.cause, now() FROM conditions_untold(now(), "
                       "'2 days', '1 minute', 500) c WHERE c.subject = '" REPO ":2.0'; COMMIT"));
    watcher_join(&watcher);
    assert_sql(&w, KEYS, REPO ":1.0 " REPO ":1.0 true, " REPO ":3.0 " REPO ":3.0 true");
    assert_told("never_scanned critical, never_scanned critical");
}

static void one_process_looks_at_a_time(void **state)
{
    PGconn *other = PQconnectdb(w.conninfo);

    (void)state;
    push_at(&w, "1.0", 'a', days_ago(1));
    run_pod("q", 'a', days_ago(1));
    PQclear(PQexec(other, "SELECT pg_advisory_lock(x'6d75737465727761'::bigint)"));
    run_round();
    assert_sql(&w, TOLD, "");
    PQclear(PQexec(other, "SELECT pg_advisory_unlock_all()"));
    PQfinish(other);
    assert_told("never_scanned critical");
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(nothing_is_told_of_what_is_well),
            CASE(a_scan_about_to_expire_is_told_and_then_its_end),
            CASE(what_runs_unscanned_is_told_after_its_grace),
            CASE(what_the_registry_lost_is_told),
            CASE(what_the_registry_lost_is_told_while_its_scan_covers_it_and_once),
            CASE(an_exploited_vulnerability_in_production_is_told),
            CASE(containers_behind_their_tag_are_told),
            CASE(a_scan_with_an_old_database_is_a_failure_until_a_good_one),
            CASE(an_exploit_told_of_another_name_is_told),
            CASE(a_scan_of_the_future_is_a_failure_until_a_good_one),
            CASE(a_digest_with_two_contents_is_a_failure),
            CASE(the_failure_of_what_is_gone_is_closed_when_nothing_runs_it),
            CASE(a_person_answers_for_what_nothing_else_ends),
            CASE(a_digest_told_as_an_image_and_an_index_is_a_failure),
            CASE(a_push_to_a_repository_that_moved_is_told_once),
            CASE(two_that_look_at_once_tell_once),
            CASE(who_looks_while_another_does_tells_nothing_again),
            CASE(what_another_claimed_is_left_out_and_the_rest_is_told),
            CASE(one_process_looks_at_a_time),
    };

    return pg_server_group(&world_server, tests);
}

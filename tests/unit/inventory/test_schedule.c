/* When which digest is scanned: leases, retries, giving up, opening again. */
#include "world.h"

#include "gate/gate_statements.h"
#include "schedule/schedule.h"
#include "schedule/urgent_jobs.h"

#include <pthread.h>

enum { DEADLINE_MS = 20000 };

static struct world w;
static struct schedule_config config;

static int open_world(void **state)
{
    (void)state;
    world_open(&w);
    config = (struct schedule_config){.conninfo = w.conninfo,
                                      .interval_ms = 10,
                                      .lease_ms = 60000,
                                      .retry_min_ms = 1000,
                                      .retry_max_ms = 3000,
                                      .max_attempts = 3,
                                      .reopen_min_ms = INT64_C(3600) * 1000,
                                      .reopen_max_ms = INT64_C(10000) * 1000,
                                      .max_in_flight = 100,
                                      .rescan_after_ms = INT64_C(25) * 24 * 3600 * 1000};
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

static void assert_job(const char *expected)
{
    assert_sql(&w, "SELECT concat_ws(' ', state, priority, reason, attempts) FROM scan_jobs",
               expected);
}

static void push_app(void)
{
    add_push(&w, "push", "1.0", digest_of('a'), T(0));
    world_apply(&w);
}

static void lose_lease(void)
{
    free(world_sql(&w, "UPDATE scan_jobs SET lease_until = now() - interval '1 second' "
                       "WHERE state = 'issued'"));
}

static void end_wait(void)
{
    free(world_sql(&w, "UPDATE scan_jobs SET next_try_at = now() - interval '1 second'"));
}

/* An answer to the request under way. */
static void answer(const char *id, struct scan scan)
{
    char *request = world_sql(&w, "SELECT request_id FROM scan_jobs WHERE state = 'issued'");

    if (!scan.request_id)
        scan.request_id = request;
    scan.digest = digest_of('a');
    scan.uai = REPO ":1.0";
    scan.at = mu_now_us();
    add_scan(&w, id, scan);
    world_apply(&w);
    free(request);
}

static void a_due_job_becomes_a_request_with_its_names(void **state)
{
    (void)state;
    push_app();
    run_round();
    assert_job("issued 2 new_digest 1");
    assert_sql(&w,
               "SELECT topic || ' ' || (payload::jsonb->>'repository') || ' ' || "
               "(payload::jsonb->>'uais') || ' ' || (payload::jsonb->>'attempt') FROM outbox",
               "muster.scan-requests.normal " REPO " [\"" REPO ":1.0\"] 1");
    assert_sql(&w, "SELECT ce_id = (payload::jsonb->>'request_id') FROM outbox", "t");
    assert_sql(&w, "SELECT lease_until > now() + interval '50 s' FROM scan_jobs", "t");
}

static void an_issued_job_is_not_issued_again(void **state)
{
    (void)state;
    push_app();
    run_round();
    run_round();
    assert_sql(&w, "SELECT count(*) FROM outbox", "1");
}

static void each_priority_has_its_topic(void **state)
{
    (void)state;
    add_push(&w, "e1", "1", digest_of('1'), T(0));
    add_push(&w, "e2", "2", digest_of('2'), T(0));
    add_push(&w, "e3", "3", digest_of('3'), T(0));
    world_apply(&w);
    free(world_sql(&w, "UPDATE scan_jobs SET priority = substr(digest, 8, 1)::int"));
    run_round();
    assert_sql(&w,
               "SELECT string_agg(topic || '=' || substr(key, 8, 1), ' ' ORDER BY id) FROM outbox",
               "muster.scan-requests.urgent=1 muster.scan-requests.normal=2 "
               "muster.scan-requests.bulk=3");
}

static void a_digest_without_a_tag_waits_for_its_name(void **state)
{
    struct batch_applier *patient = batch_applier_new(w.evidence, 3600000);
    struct batch_applier *usual = w.applier;

    (void)state;
    w.applier = patient;
    add_push(&w, "e1", NULL, digest_of('a'), T(0));
    world_apply(&w);
    run_round();
    assert_sql(&w, "SELECT count(*) FROM outbox", "0");
    add_push(&w, "e2", "1.0", digest_of('a'), T(1));
    world_apply(&w);
    run_round();
    assert_sql(&w, "SELECT payload::jsonb->>'uais' FROM outbox", "[\"" REPO ":1.0\"]");
    w.applier = usual;
    batch_applier_free(patient);
}

static void a_round_without_work_leaves_the_clock_alone(void **state)
{
    char *before, *after;

    (void)state;
    push_app();
    run_round();
    before = world_sql(&w, "SELECT known_at FROM ledger_clock");
    run_round();
    after = world_sql(&w, "SELECT known_at FROM ledger_clock");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void no_more_than_allowed_of_one_priority_are_under_way(void **state)
{
    (void)state;
    config.max_in_flight = 2;
    for (int i = 0; i < 4; i++)
        add_push(&w, (const char *[]){"e0", "e1", "e2", "e3"}[i], "1.0", digest_of((char)('0' + i)),
                 T(i));
    add_pod(&w, "p", (struct pod){.uid = "p", .digest = digest_of('a'), .at = T(1)});
    world_apply(&w);
    run_round();
    assert_sql(&w,
               "SELECT string_agg(priority::text, ' ' ORDER BY priority) FROM scan_jobs "
               "WHERE state = 'issued'",
               "1 2 2");
    free(world_sql(&w, "UPDATE scan_jobs SET state = 'complete' WHERE job_id = (SELECT job_id FROM "
                       "scan_jobs WHERE state = 'issued' AND priority = 2 LIMIT 1)"));
    run_round();
    assert_sql(&w, "SELECT count(*) FROM scan_jobs WHERE state = 'issued' AND priority = 2", "2");
    assert_sql(&w, "SELECT count(*) FROM scan_jobs WHERE state = 'pending'", "1");
}

/* ---- failures ---- */

#define DELAY                                                                             \
    "SELECT round(extract(epoch FROM next_try_at - (SELECT known_at FROM ledger_clock)))" \
    " FROM scan_jobs"

static void a_lost_request_is_tried_again_with_growing_delays(void **state)
{
    (void)state;
    config.max_attempts = 10;
    push_app();
    for (int i = 0; i < 4; i++) {
        run_round();
        lose_lease();
        run_round();
        assert_sql(&w, DELAY, ((const char *[]){"1", "2", "3", "3"})[i]);
        assert_sql(&w, "SELECT failure_code FROM scan_jobs", "lease_expired");
        end_wait();
    }
    assert_sql(&w, "SELECT count(DISTINCT ce_id) FROM outbox", "4");
}

static void a_failed_answer_ends_the_lease_at_once(void **state)
{
    (void)state;
    push_app();
    run_round();
    answer("f1", (struct scan){.outcome = MU_SCAN_FAILED, .failure = "registry_unavailable"});
    run_round();
    assert_job("pending 2 retry 1");
    assert_sql(&w, "SELECT failure_code FROM scan_jobs", "registry_unavailable");
}

static void the_failure_of_an_earlier_request_changes_nothing(void **state)
{
    (void)state;
    push_app();
    run_round();
    answer("f1", (struct scan){.outcome = MU_SCAN_FAILED, .failure = "limit", .request_id = "old"});
    run_round();
    assert_job("issued 2 new_digest 1");
}

static void the_last_attempt_becomes_a_detection_failure_people_see(void **state)
{
    (void)state;
    push_app();
    for (int i = 0; i < 3; i++) {
        run_round();
        lose_lease();
        run_round();
        if (i < 2)
            end_wait();
    }
    assert_sql(&w, "SELECT state || ' ' || attempts FROM scan_jobs", "failed_final 3");
    assert_sql(&w, "SELECT code || ' ' || attempts FROM detection_failures WHERE closed_at IS NULL",
               "lease_expired 3");
    assert_sql(&w, "SELECT kind || ' ' || severity FROM notifications",
               "detection_failure critical");
    assert_sql(&w, "SELECT count(*) FROM outbox WHERE topic = 'muster.notifications'", "1");
    run_round();
    assert_sql(&w, "SELECT count(*) FROM detection_failures", "1");
}

static void give_up(void)
{
    push_app();
    run_round();
    answer("f1", (struct scan){.outcome = MU_SCAN_FAILED, .failure = "unsupported", .final = true});
    run_round();
    assert_sql(&w, "SELECT state FROM scan_jobs", "failed_final");
}

static void what_cannot_succeed_is_given_up_at_once(void **state)
{
    (void)state;
    give_up();
    assert_sql(&w, "SELECT code || ' ' || attempts FROM detection_failures", "unsupported 1");
}

static void a_late_success_closes_the_failure(void **state)
{
    (void)state;
    give_up();
    answer("c1", (struct scan){.request_id = "late"});
    assert_sql(&w, "SELECT state FROM scan_jobs", "complete");
    assert_sql(&w, "SELECT count(*) FROM detection_failures WHERE closed_at IS NULL", "0");
}

static void a_push_opens_what_was_given_up(void **state)
{
    (void)state;
    give_up();
    add_push(&w, "e2", "1.0", digest_of('a'), T(9));
    world_apply(&w);
    run_round();
    assert_sql(&w, "SELECT state || ' ' || attempts FROM scan_jobs", "issued 1");
}

/* No request of the job that is due is answered, until it is given up. */
static void lose_all_attempts(void)
{
    for (int i = 0; i < 3; i++) {
        end_wait();
        run_round();
        lose_lease();
        run_round();
    }
    assert_sql(&w, "SELECT state || ' ' || attempts FROM scan_jobs", "failed_final 3");
}

#define OPEN_FAILURES "SELECT count(*) FROM detection_failures WHERE closed_at IS NULL"

static void what_was_given_up_is_tried_again_until_the_outage_ends(void **state)
{
    (void)state;
    push_app();
    for (int i = 0; i < 4; i++) {
        lose_all_attempts();
        assert_sql(&w, DELAY, ((const char *[]){"3600", "7200", "10000", "10000"})[i]);
        run_round();
        assert_sql(&w, "SELECT state FROM scan_jobs", "failed_final");
        end_wait();
        run_round();
        assert_job("issued 2 retry 1");
        free(world_sql(&w, "UPDATE scan_jobs SET state = 'pending', attempts = 0"));
    }
    assert_sql(&w, "SELECT count(*) FROM detection_failures", "1");
    assert_sql(&w, "SELECT count(*) FROM notifications", "1");
    assert_sql(&w, OPEN_FAILURES, "1");
    run_round();
    answer("c1", (struct scan){.platform = "linux/amd64"});
    assert_sql(&w, "SELECT concat_ws(' ', state, given_up) FROM scan_jobs", "complete 0");
    assert_sql(&w, OPEN_FAILURES, "0");
}

static void another_reason_is_another_failure(void **state)
{
    (void)state;
    push_app();
    lose_all_attempts();
    end_wait();
    run_round();
    answer("f1", (struct scan){.outcome = MU_SCAN_FAILED, .failure = "unsupported", .final = true});
    run_round();
    assert_sql(&w, "SELECT string_agg(code, ' ' ORDER BY code) FROM detection_failures",
               "lease_expired unsupported");
}

static void what_cannot_succeed_waits_for_its_rescan(void **state)
{
    (void)state;
    give_up();
    assert_sql(&w, DELAY, "2160000");
    assert_sql(&w, "SELECT message FROM notifications",
               "no scan of this image could be completed: see the reason, mend it and push again");
}

static void ask_urgently(void)
{
    MU_AUTO_DONE(urgent_jobs_done) struct urgent_jobs urgent;
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct mu_error err;

    urgent_jobs_init(&urgent, 4096);
    urgent_jobs_add(&urgent, REPO, digest_of('a'));
    assert_int_equal(gate_pg_open(w.conninfo, &pg, &err), MU_OK);
    assert_int_equal(urgent_jobs_ask(&urgent, pg, GATE_JOBS_URGENT, &err), MU_OK);
}

static void who_waits_opens_what_was_given_up_once_an_hour(void **state)
{
    (void)state;
    push_app();
    lose_all_attempts();
    ask_urgently();
    assert_sql(&w, "SELECT state FROM scan_jobs", "failed_final");
    free(world_sql(&w, "UPDATE scan_jobs SET given_up_at = given_up_at - interval '61 minutes'"));
    ask_urgently();
    run_round();
    assert_job("issued 1 gate 1");
    free(world_sql(&w, "UPDATE scan_jobs SET state = 'pending', attempts = 0"));
    lose_all_attempts();
    ask_urgently();
    assert_sql(&w, "SELECT state FROM scan_jobs", "failed_final");
}

/* Else the rescan of a crash-looping image would move into the future for ever. */
static void a_pod_of_what_was_given_up_does_not_postpone_its_rescan(void **state)
{
    (void)state;
    give_up();
    free(world_sql(&w, "UPDATE scan_jobs SET next_try_at = '2026-01-01'"));
    add_pod(&w, "p1",
            (struct pod){.uid = "p1", .tag = "1.0", .digest = digest_of('a'), .at = T(9)});
    world_apply(&w);
    assert_sql(&w, "SELECT state || ' ' || next_try_at FROM scan_jobs",
               "failed_final 2026-01-01 00:00:00+00");
    run_round();
    assert_job("issued 3 rescan 1");
}

static void a_rescan_after_a_final_failure_gets_its_attempts(void **state)
{
    (void)state;
    give_up();
    free(world_sql(&w, "UPDATE scan_jobs SET next_try_at = '2026-01-01'"));
    run_round();
    lose_lease();
    run_round();
    assert_job("pending 3 retry 1");
}

static void a_reported_config_that_was_given_up_is_no_failure_any_more(void **state)
{
    (void)state;
    add_pod(&w, "p1",
            (struct pod){.uid = "p1", .tag = "1.0", .digest = digest_of('c'), .at = T(0)});
    world_apply(&w);
    free(world_sql(&w, "UPDATE scan_jobs SET state = 'issued', attempts = 3, lease_until = "
                       "now() - interval '1 s', issued_total = 1"));
    run_round();
    assert_sql(&w, "SELECT count(*) FROM detection_failures WHERE closed_at IS NULL", "1");
    add_scan(&w, "s1",
             (struct scan){.digest = digest_of('a'), .config = digest_of('c'), .at = T(1)});
    world_apply(&w);
    run_round();
    assert_sql(&w, "SELECT count(*) FROM detection_failures WHERE closed_at IS NULL", "0");
    assert_sql(&w, "SELECT state FROM scan_jobs WHERE digest LIKE 'sha256:c%'", "not_scannable");
}

/* ---- again ---- */

static void scan_app(void)
{
    push_app();
    run_round();
    answer("c1", (struct scan){.platform = "linux/amd64"});
    run_round();
    assert_sql(&w, "SELECT state FROM scan_jobs", "complete");
}

static void age_scan(void)
{
    free(world_sql(&w, "UPDATE scan_jobs SET completed_at = now() - interval '26 days'"));
}

static void an_old_scan_is_repeated_in_bulk(void **state)
{
    (void)state;
    scan_app();
    run_round();
    assert_sql(&w, "SELECT state FROM scan_jobs", "complete");
    age_scan();
    run_round();
    assert_job("issued 3 rescan 1");
}

/* The registry is away when the scan is 25 days old, and comes back: it is covered before the 30
 * days end. */
static void a_rescan_that_meets_an_outage_is_tried_again(void **state)
{
    (void)state;
    scan_app();
    age_scan();
    run_round();
    assert_job("issued 3 rescan 1");
    free(world_sql(&w, "UPDATE scan_jobs SET state = 'pending', attempts = 0"));
    lose_all_attempts();
    assert_sql(&w, DELAY, "3600");
    end_wait();
    run_round();
    assert_job("issued 3 retry 1");
    answer("c2", (struct scan){.platform = "linux/amd64"});
    assert_sql(&w,
               "SELECT state || ' ' || (completed_at > now() - interval '1 hour') FROM scan_jobs",
               "complete true");
    assert_sql(&w, OPEN_FAILURES, "0");
}

static void what_the_registry_deleted_is_not_scanned_again(void **state)
{
    (void)state;
    scan_app();
    add_delete(&w, "d1", NULL, digest_of('a'), mu_now_us() + 1000000);
    world_apply(&w);
    age_scan();
    run_round();
    assert_sql(&w, "SELECT state FROM scan_jobs", "complete");
}

static void an_index_is_not_scanned_again(void **state)
{
    (void)state;
    push_app();
    run_round();
    answer("c1", (struct scan){.outcome = MU_SCAN_RESOLVED});
    age_scan();
    run_round();
    assert_sql(&w, "SELECT state FROM scan_jobs", "complete");
}

static void a_second_tag_is_scanned_for_its_name(void **state)
{
    (void)state;
    scan_app();
    add_push(&w, "e2", "1.1", digest_of('a'), T(9));
    world_apply(&w);
    run_round();
    assert_job("issued 2 new_asset 1");
    assert_sql(&w, "SELECT payload::jsonb->>'uais' FROM outbox ORDER BY id DESC LIMIT 1",
               "[\"" REPO ":1.0\", \"" REPO ":1.1\"]");
}

/* Scanned alone under its digest first; then an index with a tag turns out to hold it. */
static void an_image_found_in_an_index_is_scanned_for_the_tag_of_it(void **state)
{
    const struct mu_scan_child child = {digest_of('a'), MU_DIGEST_KIND_MANIFEST, "m", 10, NULL};
    char uai[256];

    (void)state;
    (void)snprintf(uai, sizeof(uai), REPO "@%.80s", digest_of('a'));
    add_push(&w, "e1", NULL, digest_of('a'), T(0));
    add_scan(&w, "s1", (struct scan){.digest = digest_of('a'), .uai = uai, .at = mu_now_us()});
    world_apply(&w);
    run_round();
    assert_sql(&w, "SELECT state FROM scan_jobs", "complete");
    add_push(&w, "e2", "1.0", digest_of('1'), T(1));
    world_apply(&w);
    add_scan(&w, "s2",
             (struct scan){.digest = digest_of('1'),
                           .outcome = MU_SCAN_RESOLVED,
                           .at = mu_now_us(),
                           .children = &child,
                           .child_count = 1});
    world_apply(&w);
    run_round();
    assert_sql(&w, "SELECT state || ' ' || reason FROM scan_jobs WHERE digest LIKE 'sha256:a%'",
               "issued new_asset");
}

/* The index was known first; a second tag of it names every image in it. */
static void a_second_tag_of_an_index_is_scanned_for_in_its_images(void **state)
{
    const struct mu_scan_child child = {digest_of('a'), MU_DIGEST_KIND_MANIFEST, "m", 10, NULL};

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('1'), T(0));
    add_scan(&w, "s1",
             (struct scan){.digest = digest_of('1'),
                           .outcome = MU_SCAN_RESOLVED,
                           .at = mu_now_us(),
                           .children = &child,
                           .child_count = 1});
    add_scan(&w, "s2",
             (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = mu_now_us()});
    world_apply(&w);
    run_round();
    assert_sql(&w, "SELECT count(*) FROM scan_jobs WHERE state = 'issued'", "0");
    add_push(&w, "e2", "1.1", digest_of('1'), T(1));
    world_apply(&w);
    run_round();
    assert_sql(&w,
               "SELECT substr(digest, 8, 1) || ' ' || reason FROM scan_jobs WHERE state = 'issued'",
               "a new_asset");
}

static void the_same_tag_again_needs_no_scan(void **state)
{
    (void)state;
    scan_app();
    add_push(&w, "e2", "1.0", digest_of('a'), T(9));
    world_apply(&w);
    run_round();
    assert_sql(&w, "SELECT state FROM scan_jobs", "complete");
}

static void what_turned_out_no_image_is_dropped(void **state)
{
    struct mu_registry_event e = registry_event(MU_REGISTRY_PUSH, NULL, digest_of('a'), T(1));

    (void)state;
    push_app();
    e.digest_kind = MU_DIGEST_KIND_ATTESTATION;
    add_registry(&w, "e2", &e);
    world_apply(&w);
    run_round();
    assert_sql(&w, "SELECT state FROM scan_jobs", "not_scannable");
    assert_sql(&w, "SELECT count(*) FROM outbox", "0");
}

/* ---- beside apply ---- */

static void *round_in_thread(void *opaque)
{
    struct mu_pg *pg = opaque;
    struct mu_error err;
    bool busy = false;

    return (void *)(intptr_t)schedule_round(&config, pg, &busy, &err);
}

/* Apply has the clock and comes to the job that the round wants: the round must wait, not both. */
static void a_round_beside_a_batch_does_not_deadlock(void **state)
{
    uint64_t deadline = mu_monotonic_ms() + DEADLINE_MS;
    MU_AUTO(pg) struct mu_pg *other = NULL;
    struct mu_error err;
    pthread_t thread;
    void *result = NULL;
    bool waits = false;

    (void)state;
    push_app();
    assert_int_equal(inventory_pg_open(w.conninfo, "round", &other, &err), MU_OK);
    free(world_sql(&w, "BEGIN"));
    free(world_sql(&w, "SELECT ledger_tick()"));
    assert_int_equal(pthread_create(&thread, NULL, round_in_thread, other), 0);
    while (!waits && mu_monotonic_ms() < deadline) {
        char *count = world_sql(&w, "SELECT count(*) FROM pg_locks WHERE NOT granted");

        waits = !mu_text_equal(count, "0");
        free(count);
    }
    assert_true(waits);
    free(world_sql(&w, "UPDATE scan_jobs SET recheck = true"));
    free(world_sql(&w, "COMMIT"));
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal((intptr_t)result, MU_OK);
    assert_sql(&w, "SELECT state FROM scan_jobs", "issued");
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(a_due_job_becomes_a_request_with_its_names),
            WORLD_TEST(an_issued_job_is_not_issued_again),
            WORLD_TEST(each_priority_has_its_topic),
            WORLD_TEST(a_digest_without_a_tag_waits_for_its_name),
            WORLD_TEST(a_round_without_work_leaves_the_clock_alone),
            WORLD_TEST(no_more_than_allowed_of_one_priority_are_under_way),
            WORLD_TEST(a_lost_request_is_tried_again_with_growing_delays),
            WORLD_TEST(a_failed_answer_ends_the_lease_at_once),
            WORLD_TEST(the_failure_of_an_earlier_request_changes_nothing),
            WORLD_TEST(the_last_attempt_becomes_a_detection_failure_people_see),
            WORLD_TEST(what_cannot_succeed_is_given_up_at_once),
            WORLD_TEST(a_late_success_closes_the_failure),
            WORLD_TEST(a_push_opens_what_was_given_up),
            WORLD_TEST(what_was_given_up_is_tried_again_until_the_outage_ends),
            WORLD_TEST(another_reason_is_another_failure),
            WORLD_TEST(what_cannot_succeed_waits_for_its_rescan),
            WORLD_TEST(who_waits_opens_what_was_given_up_once_an_hour),
            WORLD_TEST(a_pod_of_what_was_given_up_does_not_postpone_its_rescan),
            WORLD_TEST(a_rescan_after_a_final_failure_gets_its_attempts),
            WORLD_TEST(a_reported_config_that_was_given_up_is_no_failure_any_more),
            WORLD_TEST(an_old_scan_is_repeated_in_bulk),
            WORLD_TEST(a_rescan_that_meets_an_outage_is_tried_again),
            WORLD_TEST(what_the_registry_deleted_is_not_scanned_again),
            WORLD_TEST(an_index_is_not_scanned_again),
            WORLD_TEST(a_second_tag_is_scanned_for_its_name),
            WORLD_TEST(an_image_found_in_an_index_is_scanned_for_the_tag_of_it),
            WORLD_TEST(a_second_tag_of_an_index_is_scanned_for_in_its_images),
            WORLD_TEST(the_same_tag_again_needs_no_scan),
            WORLD_TEST(what_turned_out_no_image_is_dropped),
            WORLD_TEST(a_round_beside_a_batch_does_not_deadlock),
    };

    return pg_server_group(&world_server, tests);
}

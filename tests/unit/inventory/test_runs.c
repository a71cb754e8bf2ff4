/* Instances and runs: the same state whatever order the events come in. */
#include "one_world.h"

static struct pod run_of(const char *container_id, int64_t started, int64_t at)
{
    return (struct pod){.uid = "p1",
                        .tag = "1.0",
                        .digest = digest_of('a'),
                        .container_id = container_id,
                        .started = started,
                        .at = at};
}

static void assert_running(int64_t at, const char *expected)
{
    char as_of[MU_TIME_TEXT_SIZE], sql[320];

    mu_time_format(at, as_of);
    (void)snprintf(sql, sizeof(sql),
                   "SELECT string_agg(r.run_key, ' ' ORDER BY k.pod_uid, k.container) FROM "
                   "running_known('%s', 'infinity') k JOIN runs r ON r.instance_id = k.instance_id "
                   "AND r.started_at = k.started_at AND r.ended_at IS NOT DISTINCT FROM k.ended_at",
                   as_of);
    assert_sql(&w, sql, expected);
}

static void a_container_runs_from_its_start(void **state)
{
    (void)state;
    add_pod(&w, "e1", run_of("c1", T(10), T(30)));
    world_apply(&w);
    assert_running(T(9), "");
    assert_running(T(10), "c1");
    assert_running(T(1000), "c1");
}

static void a_restart_ends_the_run_before(void **state)
{
    (void)state;
    add_pod(&w, "e1", run_of("c1", T(10), T(10)));
    add_pod(&w, "e2", run_of("c2", T(20), T(20)));
    world_apply(&w);
    assert_running(T(19), "c1");
    assert_running(T(20), "c2");
    assert_sql(&w, "SELECT ended_at FROM runs WHERE run_key = 'c1'", "2026-11-01 00:20:00+00");
}

static void a_late_event_of_an_earlier_run_changes_nothing_about_now(void **state)
{
    (void)state;
    add_pod(&w, "e2", run_of("c2", T(20), T(20)));
    world_apply(&w);
    add_pod(&w, "e1", run_of("c1", T(10), T(10)));
    world_apply(&w);
    assert_running(T(25), "c2");
    assert_running(T(15), "c1");
}

static void a_finished_container_runs_no_more(void **state)
{
    struct pod pod = run_of("c1", T(10), T(30));

    (void)state;
    pod.finished = T(25);
    add_pod(&w, "e1", pod);
    world_apply(&w);
    assert_running(T(24), "c1");
    assert_running(T(25), "");
}

static void a_late_running_event_does_not_revive_what_finished(void **state)
{
    struct pod pod = run_of("c1", T(10), T(30));

    (void)state;
    pod.finished = T(25);
    add_pod(&w, "e1", pod);
    world_apply(&w);
    add_pod(&w, "e2", run_of("c1", T(10), T(12)));
    world_apply(&w);
    assert_running(T(40), "");
}

static void a_removed_pod_ends_all_its_runs(void **state)
{
    struct pod sidecar = run_of("c2", T(10), T(11)), gone = run_of("c1", T(10), T(30));

    (void)state;
    sidecar.container = "proxy";
    sidecar.kind = MU_CONTAINER_SIDECAR;
    gone.removed = true;
    add_pod(&w, "e1", run_of("c1", T(10), T(10)));
    add_pod(&w, "e2", sidecar);
    world_apply(&w);
    assert_running(T(20), "c1 c2");
    add_pod(&w, "e3", gone);
    world_apply(&w);
    assert_running(T(29), "c1 c2");
    assert_running(T(30), "");
}

static void a_removal_before_the_first_sight_is_final(void **state)
{
    struct pod gone = run_of("c1", T(10), T(30));

    (void)state;
    gone.removed = true;
    add_pod(&w, "e1", gone);
    world_apply(&w);
    add_pod(&w, "e2", run_of("c1", T(10), T(10)));
    world_apply(&w);
    assert_running(T(20), "c1");
    assert_running(T(40), "");
}

static void init_sidecar_and_ephemeral_containers_are_instances(void **state)
{
    static const struct {
        const char *id, *name;
        int kind;
    } rows[] = {{"e1", "i", MU_CONTAINER_INIT},
                {"e2", "s", MU_CONTAINER_SIDECAR},
                {"e3", "x", MU_CONTAINER_EPHEMERAL}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct pod pod = run_of(rows[i].name, T(1), T(2));

        pod.container = rows[i].name;
        pod.kind = rows[i].kind;
        add_pod(&w, rows[i].id, pod);
    }
    world_apply(&w);
    assert_sql(&w, "SELECT string_agg(kind, ' ' ORDER BY container) FROM instances",
               "init sidecar ephemeral");
    assert_running(T(5), "i s x");
}

static void a_run_whose_start_nobody_knows_is_seen_from_its_first_sight(void **state)
{
    (void)state;
    add_pod(&w, "e1", run_of(NULL, 0, T(20)));
    add_pod(&w, "e2", run_of(NULL, 0, T(10)));
    world_apply(&w);
    assert_running(T(9), "");
    assert_running(T(10), "unknown");
}

static void node_and_owner_learned_later_are_kept(void **state)
{
    struct pod pod = run_of("c1", T(10), T(20));

    (void)state;
    pod.platform = "linux/arm64";
    add_pod(&w, "e1", pod);
    add_pod(&w, "e2", run_of("c1", T(10), T(30)));
    world_apply(&w);
    assert_sql(&w, "SELECT platform FROM pods", "linux/arm64");
}

static void a_run_never_ends_before_it_starts(void **state)
{
    struct pod skewed = run_of("c1", T(10), T(30)), gone = run_of("c2", T(20), T(5));

    (void)state;
    skewed.finished = T(9);
    add_pod(&w, "e1", skewed);
    gone.uid = "p2";
    gone.removed = true;
    add_pod(&w, "e2", gone);
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM runs WHERE ended_at = started_at", "2");
    assert_running(T(15), "");
}

static void the_runtimes_start_counts_more_than_an_early_sight(void **state)
{
    (void)state;
    add_pod(&w, "e1", run_of("c1", 0, T(5)));
    add_pod(&w, "e2", run_of("c1", T(10), T(20)));
    world_apply(&w);
    assert_running(T(7), "");
    assert_running(T(10), "c1");
}

static void another_kind_for_a_container_changes_only_later_knowledge(void **state)
{
    struct pod pod = run_of("c1", T(10), T(20));
    char *known, sql[256];

    (void)state;
    add_pod(&w, "e1", pod);
    world_apply(&w);
    known = world_sql(&w, "SELECT max(known_at) FROM ledger");
    pod.kind = MU_CONTAINER_SIDECAR;
    add_pod(&w, "e2", pod);
    world_apply(&w);
    (void)snprintf(sql, sizeof(sql), "SELECT container_kind FROM running_known('2026-11-02', '%s')",
                   known);
    assert_sql(&w, sql, "regular");
    assert_sql(&w, "SELECT container_kind FROM running_known('2026-11-02', 'infinity')", "sidecar");
    free(known);
}

/* ---- any order ---- */

static void add_history(void)
{
    const struct mu_scan_child children[] = {
            {digest_of('a'), MU_DIGEST_KIND_MANIFEST, "m", 10, "linux/amd64"},
            {digest_of('b'), MU_DIGEST_KIND_MANIFEST, "m", 10, "linux/arm64"},
            {digest_of('e'), MU_DIGEST_KIND_ATTESTATION, "m", 10, NULL}};
    struct mu_registry_event attestation =
            registry_event(MU_REGISTRY_PUSH, NULL, digest_of('e'), T(1));
    struct pod pod;

    add_push(&w, "r1", "1.0", digest_of('1'), T(0));
    add_push(&w, "r2", NULL, digest_of('a'), T(0));
    add_push(&w, "r3", "1.0", digest_of('2'), T(50));
    add_push(&w, "r4", "latest", digest_of('1'), T(5));
    add_push(&w, "r5", "latest", digest_of('2'), T(50));
    add_push(&w, "r6", "0.9", digest_of('3'), T(2));
    add_delete(&w, "r7", "0.9", NULL, T(60));
    add_delete(&w, "r8", NULL, digest_of('3'), T(61));
    attestation.digest_kind = MU_DIGEST_KIND_ATTESTATION;
    add_registry(&w, "r9", &attestation);
    add_scan(&w, "s1",
             (struct scan){.digest = digest_of('1'),
                           .outcome = MU_SCAN_RESOLVED,
                           .at = T(3),
                           .children = children,
                           .child_count = 3});
    add_scan(&w, "s2",
             (struct scan){.digest = digest_of('a'),
                           .uai = REPO ":1.0",
                           .config = digest_of('c'),
                           .platform = "linux/amd64",
                           .at = T(4)});
    add_scan(&w, "s3",
             (struct scan){.digest = digest_of('b'),
                           .uai = REPO ":1.0",
                           .outcome = MU_SCAN_FAILED,
                           .failure = "limit",
                           .at = T(4)});
    add_scan(&w, "s4",
             (struct scan){.digest = digest_of('e'), .outcome = MU_SCAN_NOT_SCANNABLE, .at = T(4)});
    add_scan(&w, "s5",
             (struct scan){.digest = digest_of('3'),
                           .uai = REPO ":0.9",
                           .outcome = MU_SCAN_FAILED,
                           .failure = "manifest_missing",
                           .at = T(70)});
    add_pod(&w, "p1", run_of("c1", T(10), T(10)));
    add_pod(&w, "p2", run_of("c2", T(20), T(21)));
    pod = run_of("c2", T(20), T(30));
    pod.finished = T(29);
    add_pod(&w, "p3", pod);
    add_pod(&w, "p4", run_of("c3", T(31), T(32)));
    pod = run_of("k1", T(12), T(40));
    pod.uid = "p2";
    pod.tag = NULL;
    pod.digest = digest_of('c');
    add_pod(&w, "p5", pod);
    pod.removed = true;
    pod.at = T(90);
    add_pod(&w, "p6", pod);
    pod = run_of(NULL, 0, T(33));
    pod.uid = "p3";
    pod.digest = digest_of('1');
    add_pod(&w, "p7", pod);
    pod.platform = "linux/arm64";
    pod.at = T(34);
    add_pod(&w, "p8", pod);
    pod = (struct pod){.uid = "p4", .tag = "0.9", .digest = digest_of('3'), .started = T(3)};
    pod.at = T(6);
    add_pod(&w, "p9", pod);
    (void)add_raw(&w, MU_TOPIC_WORKLOAD_EVENTS, "muster.workload-event.v1", "bad", "[]");
}

/* Knuth's linear congruence: the same shuffles on every run. */
static size_t draw(uint64_t *seed, size_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((*seed >> 33) % below);
}

/* Everything once or twice, in random order, cut into random batches. */
static void apply_shuffled(const struct mu_incoming *events, size_t count, uint64_t *seed)
{
    struct mu_incoming order[2 * WORLD_EVENTS];
    struct mu_error err;
    size_t total = 0, done = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t copies = 1 + draw(seed, 2); copies > 0; copies--)
            order[total++] = events[i];
    for (size_t i = total - 1; i > 0; i--) {
        size_t other = draw(seed, i + 1);
        struct mu_incoming kept = order[i];

        order[i] = order[other];
        order[other] = kept;
    }
    while (done < total) {
        size_t batch = 1 + draw(seed, total - done < 12 ? total - done : 12);

        if (batch_apply(w.applier, w.pg, order + done, batch, &err) != MU_OK)
            fail_msg("%s", err.message);
        done += batch;
    }
}

static void any_order_and_repetition_gives_the_same_dump(void **state)
{
    struct mu_incoming events[WORLD_EVENTS];
    uint64_t seed = 20261101;
    char *expected;
    size_t count;

    (void)state;
    add_history();
    count = w.count;
    memcpy(events, w.events, sizeof(events));
    world_apply(&w);
    expected = world_dump(&w);
    assert_non_null(strstr(expected, "\nrun prod"));
    assert_non_null(strstr(expected, "covered"));
    for (int round = 0; round < 30; round++) {
        char *found;

        world_empty(&w);
        apply_shuffled(events, count, &seed);
        found = world_dump(&w);
        assert_string_equal(found, expected);
        free(found);
    }
    assert_sql(&w,
               "SELECT (SELECT sum(received) FROM positions) = (SELECT count(*) FROM ledger) + "
               "(SELECT sum(duplicates) FROM positions)",
               "t");
    free(expected);
}

/* Coverage turns nested loops off, and many removals are there. */
static void runs_find_the_removal_of_their_pod_without_reading_all(void **state)
{
    char uids[20][16], events[20][16];

    (void)state;
    for (int n = 0; n < 20; n++) {
        (void)snprintf(uids[n], sizeof(uids[n]), "pod-%d", n);
        (void)snprintf(events[n], sizeof(events[n]), "e-%d", n);
        add_pod(&w, events[n],
                (struct pod){.uid = uids[n], .tag = "1.0", .started = T(1), .at = T(1)});
    }
    world_apply(&w);
    free(world_sql(&w,
                   "INSERT INTO pod_removals (event_id, cluster, pod_uid, removed_at, known_at) "
                   "SELECT gen_random_uuid(), 'production', 'gone-' || n, now(), ledger_tick() "
                   "FROM generate_series(1, 20000) n"));
    free(world_sql(&w, "ANALYZE"));
    assert_sql(
            &w,
            "SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off; "
            "SELECT count(*) FROM runs_of(ARRAY(SELECT instance_id FROM instances), 'infinity'); "
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables "
            "WHERE relname = 'pod_removals'",
            "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(a_container_runs_from_its_start),
            WORLD_TEST(a_restart_ends_the_run_before),
            WORLD_TEST(a_late_event_of_an_earlier_run_changes_nothing_about_now),
            WORLD_TEST(a_finished_container_runs_no_more),
            WORLD_TEST(a_late_running_event_does_not_revive_what_finished),
            WORLD_TEST(a_removed_pod_ends_all_its_runs),
            WORLD_TEST(a_removal_before_the_first_sight_is_final),
            WORLD_TEST(init_sidecar_and_ephemeral_containers_are_instances),
            WORLD_TEST(a_run_whose_start_nobody_knows_is_seen_from_its_first_sight),
            WORLD_TEST(node_and_owner_learned_later_are_kept),
            WORLD_TEST(a_run_never_ends_before_it_starts),
            WORLD_TEST(the_runtimes_start_counts_more_than_an_early_sight),
            WORLD_TEST(another_kind_for_a_container_changes_only_later_knowledge),
            WORLD_TEST(runs_find_the_removal_of_their_pod_without_reading_all),
            WORLD_TEST(any_order_and_repetition_gives_the_same_dump),
    };

    return pg_server_group(&world_server, tests);
}

/* More than anybody has, and what cannot be: the numbers stay right, and one image stays one. */
#include "one_world.h"

#include "apply/event.h"

#include "base/clock.h"

#include <stdlib.h>

enum { POD_CONTAINERS = 500, MOVES = 1000, FLEET = 100000 };

/* A part of a pod: containers from `first` on, as ingest tells a large one. */
static void add_part(const char *uid, int first, int count, int64_t at)
{
    struct mu_workload_container containers[MU_WORKLOAD_MAX_CONTAINERS];
    struct mu_workload_event event = {.source = "cluster",
                                      .source_kind = "kubernetes",
                                      .source_event_id = "x",
                                      .action = MU_WORKLOAD_OBSERVED,
                                      .occurred_at_us = at,
                                      .received_at_us = at,
                                      .cluster = "nobody-told-of-it",
                                      .namespace_name = "default",
                                      .pod = uid,
                                      .pod_uid = uid,
                                      .containers = {containers, (size_t)count}};

    for (int i = 0; i < count; i++)
        containers[i] = (struct mu_workload_container){
                .name = mu_arena_printf(w.arena, "c%d", first + i),
                .kind = MU_CONTAINER_REGULAR,
                .state = MU_CONTAINER_RUNNING,
                .image = REPO ":1.0",
                .image_id = digest_of('a'),
                .repository = REPO,
                .tag = "1.0",
                .digest = digest_of('a'),
                .container_id = mu_arena_printf(w.arena, "%s-%d", uid, first + i),
                .started_at_us = at,
                .finished_at_us = MU_TIME_NONE};
    add_message(&w, MU_TOPIC_WORKLOAD_EVENTS, MU_MSG_WORKLOAD_EVENT,
                mu_arena_printf(w.arena, "%s %d %lld", uid, first, (long long)at), &event);
}

static void apply_if_full(void)
{
    if (w.count == WORLD_EVENTS) {
        world_apply(&w);
        mu_arena_reset(w.arena);
    }
}

#define TOTALS(at)                                                                  \
    "SELECT string_agg(state || ' ' || containers, ', ') FROM coverage_totals('" at \
    "', 'infinity') WHERE containers > 0"

/* ---- containers ---- */

static void a_pod_of_500_containers_is_500_whatever_part_comes_first(void **state)
{
    char *first = NULL;

    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        world_empty(&w);
        for (int i = 0; i < POD_CONTAINERS; i += MU_WORKLOAD_MAX_CONTAINERS) {
            int at = turn ? (POD_CONTAINERS - 1 - i) / MU_WORKLOAD_MAX_CONTAINERS *
                                     MU_WORKLOAD_MAX_CONTAINERS
                          : i;
            int left = POD_CONTAINERS - at;

            add_part("p", at, left < MU_WORKLOAD_MAX_CONTAINERS ? left : MU_WORKLOAD_MAX_CONTAINERS,
                     T(0));
        }
        world_apply(&w);
        assert_sql(&w, TOTALS("2026-11-02"), "unresolved 500");
        assert_sql(&w, "SELECT count(*) FROM pods_known('infinity')", "1");
        assert_sql(&w, "SELECT count(*) FROM scan_jobs", "1");
        if (turn == 0) {
            first = world_dump(&w);
        } else {
            char *second = world_dump(&w);

            assert_string_equal(first, second);
            free(second);
        }
    }
    free(first);
    add_pod(&w, "gone", (struct pod){.uid = "p", .removed = true, .at = T(10)});
    world_apply(&w); /* of another cluster: another pod */
    assert_sql(&w, TOTALS("2026-11-02"), "unresolved 500");
}

static void a_cluster_that_nobody_told_of_counts_as_any(void **state)
{
    (void)state;
    add_part("p", 0, 3, T(0));
    world_apply(&w);
    assert_sql(&w,
               "SELECT string_agg(t::text, ' ') FROM running_totals('2026-11-02', 'infinity', "
               "'cluster') t",
               "(nobody-told-of-it,nobody-told-of-it,3)");
}

static void a_hundred_thousand_containers_of_one_image_are_one_image(void **state)
{
    int64_t begun;

    (void)state;
    add_push(&w, "push", "1.0", digest_of('a'), T(0));
    for (int i = 0; i < FLEET; i += MU_WORKLOAD_MAX_CONTAINERS) {
        add_part(mu_arena_printf(w.arena, "p%d", i), 0, MU_WORKLOAD_MAX_CONTAINERS, T(1));
        apply_if_full();
    }
    world_apply(&w);
    free(world_sql(&w, "SELECT derive_runs()"));
    free(world_sql(&w, "SELECT derive_images()"));
    assert_sql(&w, "SELECT count(*) FROM scan_jobs", "1");
    assert_sql(&w, "SELECT count(*) FROM assets", "1");
    begun = mu_now_us();
    assert_sql(&w, TOTALS("2026-11-02"), "never_scanned 100000");
    assert_sql(&w,
               "SELECT string_agg(message, '|') FROM conditions_untold('2026-11-02', interval '2 "
               "days', interval '1 minute', 500)",
               "100000 containers run it and it was never scanned under this name: see whether a "
               "scanner can pull it");
    add_scan(&w, "scan", (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(60)});
    world_apply(&w);
    assert_sql(&w, TOTALS("2026-11-02"), "covered 100000");
    assert_sql(&w, TOTALS("2026-11-01 00:30"), "never_scanned 100000");
    assert_true(mu_now_us() - begun < INT64_C(60) * 1000000);
}

/* ---- tags ---- */

static void digest_number(int number, char ret_digest[MU_DIGEST_TEXT_SIZE])
{
    (void)snprintf(ret_digest, MU_DIGEST_TEXT_SIZE, "sha256:%064d", number);
}

static void add_move(int number)
{
    char digest[MU_DIGEST_TEXT_SIZE];

    digest_number(number, digest);
    add_push(&w, mu_arena_printf(w.arena, "move %d", number), "1.0",
             mu_arena_strdup(w.arena, digest), T(number));
    apply_if_full();
}

static void a_tag_that_moves_a_thousand_times_pointed_at_each_in_its_time(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        world_empty(&w);
        for (int i = 0; i < MOVES; i++) /* 7 has no divisor with 1000: another order */
            add_move(turn ? i * 7 % MOVES : i);
        world_apply(&w);
        assert_sql(
                &w,
                "SELECT concat_ws(' ', count(*), count(DISTINCT digest), bool_and(valid_to IS "
                "NOT DISTINCT FROM next), count(*) FILTER (WHERE valid_to IS NULL)) FROM (SELECT "
                "*, lead(valid_from) OVER (ORDER BY valid_from) AS next FROM "
                "tag_history_known('infinity')) h",
                "1000 1000 t 1");
        assert_sql(&w,
                   "SELECT right(digest, 3) FROM policy_name('" REPO
                   "', '1.0', NULL, '2026-11-01 08:20:30', 'infinity')",
                   "500");
        assert_sql(&w, "SELECT count(*) FROM assets", "1");
    }
    add_pod(&w, "p",
            (struct pod){.uid = "p",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(500),
                         .at = T(500)});
    world_apply(&w);
    assert_sql(&w, TOTALS("2026-11-02"), "unresolved 1");
}

/* ---- wrong clocks ---- */

enum { FAR = DAYS(400000) };

static void add_ahead(const char *id, int action, const char *tag, const char *digest,
                      int64_t received)
{
    struct mu_registry_event event = registry_event(action, tag, digest, T(FAR));

    event.received_at_us = received;
    add_registry(&w, id, &event);
}

static void add_ahead_of_all_kinds(void)
{
    add_push(&w, "push", "1.0", digest_of('a'), T(0));
    add_pod(&w, "now",
            (struct pod){.uid = "now",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(0),
                         .at = T(0)});
    add_pod(&w, "later",
            (struct pod){.uid = "later",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(FAR),
                         .at = T(FAR),
                         .received = T(10)});
    add_pod(&w, "gone",
            (struct pod){.uid = "now", .removed = true, .at = T(FAR), .received = T(20)});
    add_ahead("moved", MU_REGISTRY_PUSH, "1.0", digest_of('b'), T(30));
    add_ahead("deleted", MU_REGISTRY_DELETE, NULL, digest_of('a'), T(40));
    world_apply(&w);
}

static void what_is_dated_ahead_was_when_it_was_received(void **state)
{
    (void)state;
    add_ahead_of_all_kinds();
    assert_sql(&w,
               "SELECT string_agg(concat_ws(' ', pod_uid, started_at), ', ') FROM "
               "running_known('2026-11-02', 'infinity')",
               "later 2026-11-01 00:10:00+00");
    assert_sql(&w, TOTALS("2026-11-02"), "not_in_registry 1");
    assert_sql(&w,
               "SELECT left(digest, 9) FROM policy_name('" REPO
               "', '1.0', NULL, '2026-11-02', 'infinity')",
               "sha256:bb");
    assert_sql(&w, "SELECT count(*) FROM ledger WHERE state = 'applied'", "6");
    assert_sql(&w, "SELECT max(known_at) < now() + interval '1 minute' FROM ledger", "t");
}

/* Each source once a day, and it is over with the day. */
static void a_source_whose_clock_is_ahead_is_a_detection_failure(void **state)
{
    static const char failures[] =
            "SELECT string_agg(concat_ws(' ', source, state), ', ' ORDER BY source, state) FROM "
            "list_failures('%s', 'infinity') WHERE code = 'clock_skew'";

    (void)state;
    add_ahead_of_all_kinds();
    add_ahead("moved again", MU_REGISTRY_PUSH, "1.0", digest_of('c'), T(50));
    world_apply(&w);
    assert_sql(&w, mu_arena_printf(w.arena, failures, "2026-11-01T12:00:00Z"),
               "cluster open, reg open");
    assert_sql(&w, mu_arena_printf(w.arena, failures, "2026-11-02"), "cluster closed, reg closed");
    assert_sql(&w,
               "SELECT string_agg(subject, ' ' ORDER BY subject) FROM notifications WHERE kind = "
               "'detection_failure'",
               "cluster reg");
    add_ahead("next day", MU_REGISTRY_PUSH, "1.0", digest_of('d'), T(DAYS(1)));
    world_apply(&w);
    assert_sql(&w, mu_arena_printf(w.arena, failures, "2026-11-02T12:00:00Z"),
               "cluster closed, reg closed, reg open");
}

/* Told again when that time has come it is the same run. */
static void a_clock_may_be_ahead_as_far_as_the_tolerance(void **state)
{
    static const int ahead[] = {5, 6}, received[] = {0, 30};
    char expected[32];

    (void)state;
    (void)snprintf(expected, sizeof(expected), "%d", CLOCK_TOLERANCE_US);
    assert_sql(&w, "SELECT round(extract(epoch FROM clock_tolerance()) * 1000000)", expected);
    for (int i = 0; i < 4; i++) {
        const char *uid = mu_arena_printf(w.arena, "ahead-%d", ahead[i % 2]);

        add_pod(&w, mu_arena_printf(w.arena, "e%d", i),
                (struct pod){.uid = uid,
                             .tag = "1.0",
                             .started = T(ahead[i % 2]),
                             .at = T(0),
                             .received = T(received[i / 2])});
    }
    world_apply(&w);
    assert_sql(&w,
               "SELECT string_agg(i.pod_uid || ' ' || r.started_at, ', ' ORDER BY i.pod_uid) FROM "
               "runs_known('infinity') r JOIN instances i USING (instance_id)",
               "ahead-5 2026-11-01 00:05:00+00, ahead-6 2026-11-01 00:00:00+00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(a_pod_of_500_containers_is_500_whatever_part_comes_first),
            WORLD_TEST(a_cluster_that_nobody_told_of_counts_as_any),
            WORLD_TEST(a_hundred_thousand_containers_of_one_image_are_one_image),
            WORLD_TEST(a_tag_that_moves_a_thousand_times_pointed_at_each_in_its_time),
            WORLD_TEST(what_is_dated_ahead_was_when_it_was_received),
            WORLD_TEST(a_source_whose_clock_is_ahead_is_a_detection_failure),
            WORLD_TEST(a_clock_may_be_ahead_as_far_as_the_tolerance),
    };

    return pg_server_group(&world_server, tests);
}

/* Intervals of one key that overlap are refused by the database, whoever writes them. */
#include "one_world.h"

/* The constraint that refuses it, or "taken". */
static void assert_outcome(const char *statement, const char *expected)
{
    free(world_sql(&w, "CREATE OR REPLACE FUNCTION pg_temp.outcome(p_statement text) RETURNS text "
                       "LANGUAGE plpgsql AS $$ DECLARE refused_by text; BEGIN EXECUTE p_statement; "
                       "SET CONSTRAINTS ALL IMMEDIATE; RETURN 'taken'; EXCEPTION WHEN "
                       "exclusion_violation OR check_violation THEN GET STACKED DIAGNOSTICS "
                       "refused_by = CONSTRAINT_NAME; RETURN refused_by; END $$"));
    assert_sql(&w, mu_arena_printf(w.arena, "SELECT pg_temp.outcome($q$%s$q$)", statement),
               expected);
}

#define RUN(key, started, ended, from, until)                                                 \
    "INSERT INTO run_spans (instance_id, run_key, image_no, place_no, started_at, ended_at, " \
    "known_from, known_until) VALUES (md5('c')::uuid, '" key "', 1, 1, '2026-11-" started     \
    "', '2026-11-" ended "', '2026-12-" from "', '2026-12-" until "')"

static void two_runs_of_a_container_at_one_instant_are_refused(void **state)
{
    (void)state;
    assert_outcome(RUN("a", "03", "05", "01", "09"), "taken");
    assert_outcome(RUN("b", "04", "06", "02", "03"), "run_spans_apart");
    assert_outcome(RUN("b", "05", "06", "02", "03"), "taken"); /* after it */
    assert_outcome(RUN("d", "03", "05", "09", "10"), "taken"); /* known when a was not any more */
    assert_outcome("UPDATE run_spans SET known_until = '2026-12-11' WHERE run_key = 'a'",
                   "run_spans_apart");
}

static void a_run_is_known_in_one_way_at_a_time(void **state)
{
    (void)state;
    assert_outcome(RUN("a", "03", "05", "01", "09"), "taken");
    assert_outcome(RUN("a", "07", "08", "02", "10"), "run_spans_apart");
    assert_outcome(RUN("a", "07", "08", "09", "10"), "taken");
}

static void a_run_that_ends_before_it_starts_is_refused(void **state)
{
    (void)state;
    assert_outcome(RUN("a", "05", "03", "01", "09"), "run_spans_ordered");
    assert_outcome(RUN("a", "03", "05", "09", "09"), "run_spans_ordered");
}

#define TARGET(target, from, to)                                                              \
    "INSERT INTO image_targets VALUES (1, " target ", '2026-11-" from "', '2026-11-" to "', " \
    "'2026-11-01')"

static void an_image_is_judged_as_one_thing_once_at_a_time(void **state)
{
    (void)state;
    assert_outcome(TARGET("1", "03", "05"), "taken");
    assert_outcome(TARGET("1", "04", "06"), "image_targets_apart");
    assert_outcome(TARGET("1", "05", "06"), "taken");
    assert_outcome(TARGET("2", "04", "06"), "taken"); /* an index has several manifests */
    assert_outcome(TARGET("3", "04", "04"), "image_targets_ordered");
}

/* As record_exclusion writes it, without its questions. */
#define EXCLUDE(id, from, to)                                                                 \
    "INSERT INTO exclusion_facts (fact_id, asset, record, at, by, rationale, expires_at, "    \
    "known_at) VALUES (md5('" id "')::uuid, 'x', 'exclude', '2026-11-" from "', 'ann', 'r', " \
    "'2026-11-" to "', '2026-11-01'); INSERT INTO exclusions VALUES (md5('" id                \
    "')::uuid, 'x', '2026-11-" from "', '2026-11-" to "', 'r', 'ann', '2026-11-01')"
#define WITHDRAW(at)                                                                 \
    "INSERT INTO exclusion_facts (fact_id, asset, record, at, by, known_at) VALUES " \
    "(md5('w" at "')::uuid, 'x', 'withdraw', '2026-11-" at "', 'ann', '2026-11-01')"

static void an_asset_is_excluded_once_at_a_time(void **state)
{
    (void)state;
    assert_outcome(EXCLUDE("1", "03", "09"), "taken");
    assert_outcome(EXCLUDE("2", "08", "12"), "exclusion_facts_apart");
    assert_outcome(EXCLUDE("3", "09", "12"), "taken");
    assert_outcome(WITHDRAW("05"), "taken");
    assert_outcome(EXCLUDE("4", "06", "08"), "taken"); /* the first was taken back */
    assert_outcome(EXCLUDE("5", "04", "06"), "exclusion_facts_apart");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(two_runs_of_a_container_at_one_instant_are_refused),
            WORLD_TEST(a_run_is_known_in_one_way_at_a_time),
            WORLD_TEST(a_run_that_ends_before_it_starts_is_refused),
            WORLD_TEST(an_image_is_judged_as_one_thing_once_at_a_time),
            WORLD_TEST(an_asset_is_excluded_once_at_a_time),
    };

    return pg_server_group(&world_server, tests);
}

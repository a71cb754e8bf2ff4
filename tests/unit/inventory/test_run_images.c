/* What is said of the image of a run: stored once, found by digest and name, in both forms. */
#include "one_world.h"

enum { ANSWERS_SQL_BYTES = 4096 };

static void say(const char *id, const char *uid, const char *tag, const char *digest, int64_t start)
{
    add_pod(&w, id,
            (struct pod){.uid = uid,
                         .tag = tag,
                         .digest = digest,
                         .container_id = uid,
                         .started = start,
                         .at = start});
}

/* Digests that are told beside others: before, after and with them; and names without one. */
static void tell_all(void)
{
    say("1", "p1", "1.0", digest_of('a'), T(1));
    say("2", "p2", NULL, digest_of('c'), T(2));
    say("3", "p3", "0.9", NULL, T(3));
    world_apply(&w);
    say("4", "p1", "1.0", digest_of('b'), T(1));
    say("5", "p3", "0.9", digest_of('d'), T(3));
    say("6", "p4", "2.0", digest_of('e'), T(4));
    say("7", "p4", "2.0", digest_of('f'), T(4));
    world_apply(&w);
    say("8", "p1", "1.0", digest_of('0'), T(2));
    say("9", "p5", "3.0", NULL, T(5));
    say("10", "p5", "3.0", digest_of('1'), T(5));
    say("11", "p6", "4.0", digest_of('2'), T(6));
    say("12", "p6", NULL, digest_of('2'), T(0));
    world_apply(&w);
}

/* Rows as they were before images had ids; `which`: of which runs. */
static void make_old(const char *which)
{
    char sql[512];

    (void)snprintf(sql, sizeof(sql),
                   "UPDATE run_facts f SET image = m.image, image_id = m.image_id, repository = "
                   "m.repository, tag = m.tag, digest = m.digest, image_fact_id = NULL FROM "
                   "run_image_facts m WHERE m.image_fact_id = f.image_fact_id AND %s; "
                   "DELETE FROM run_image_facts m WHERE NOT EXISTS (SELECT FROM run_facts f WHERE "
                   "f.image_fact_id = m.image_fact_id)",
                   which);
    free(world_sql(&w, sql));
}

/* All that is told of runs and by them, as known at each moment; free it. */
static char *answers(void)
{
    return world_sql(
            &w,
            "WITH k AS MATERIALIZED (SELECT known_at AS at FROM ledger_transactions UNION ALL "
            "SELECT 'infinity'), v (at) AS (VALUES ('2026-11-01 00:01'::timestamptz), "
            "('2026-11-01 00:03'), ('2026-11-02')), s AS MATERIALIZED (SELECT uai FROM assets "
            "UNION SELECT digest FROM asset_digests UNION SELECT digest FROM run_facts_told WHERE "
            "digest IS NOT NULL UNION SELECT pod FROM pod_facts) "
            "SELECT string_agg(line, E'\\n' ORDER BY line) FROM ("
            "SELECT concat_ws(' ', 'run', k.at, r) AS line FROM k, runs_known(k.at) r UNION ALL "
            "SELECT concat_ws(' ', 'of', k.at, r) FROM k, runs_of(ARRAY(SELECT instance_id FROM "
            "instances), k.at) r UNION ALL "
            "SELECT concat_ws(' ', 'instance', k.at, s.uai, i) FROM k, s, "
            "subject_instances(s.uai, k.at) i UNION ALL "
            "SELECT concat_ws(' ', 'digest', k.at, s.uai, d) FROM k, s, "
            "subject_digests(s.uai, k.at) d UNION ALL "
            "SELECT concat_ws(' ', 'live', k.at, a.uai) FROM k, live_assets_known(k.at) a "
            "UNION ALL SELECT concat_ws(' ', 'listed', k.at, v.at, a) FROM k, v, "
            "list_assets(v.at, k.at) a UNION ALL "
            "SELECT concat_ws(' ', 'started', p) FROM policy_started('2026-11-01', '2026-11-02') p "
            "UNION ALL SELECT concat_ws(' ', 'runs', k.at, c.instance_id, c.image, c.tag, "
            "c.digest) "
            "FROM k, running_known('2026-11-02', k.at) c) told");
}

static void assert_answers(const char *expected, const char *when)
{
    char *found = answers();

    if (strcmp(found, expected) != 0)
        fail_msg("%s: %s\n\nwanted: %s", when, found, expected);
    free(found);
}

static void derive_all(void)
{
    free(world_sql(&w, "SELECT derive_runs()"));
}

/* With nothing kept, a part, all, and nothing again. */
static void assert_the_same_kept_or_not(const char *expected)
{
    assert_answers(expected, "nothing is kept");
    free(world_sql(&w, "SELECT derive_runs(1)"));
    assert_sql(&w,
               "SELECT run_spans_known() < c.known_at AND run_spans_known() > '-infinity' FROM "
               "ledger_clock c",
               "t");
    assert_answers(expected, "some is kept");
    derive_all();
    assert_sql(&w, "SELECT run_spans_known() = c.known_at FROM ledger_clock c", "t");
    assert_answers(expected, "all is kept");
    free(world_sql(&w, "TRUNCATE run_spans, run_images, run_images_overruled, run_places, "
                       "run_spans_clock"));
}

static void old_and_new_rows_of_runs_give_the_same_answers(void **state)
{
    static const char *const forms[] = {"false", "f.event_id::text < '8'", "true"};
    char *expected;

    (void)state;
    tell_all();
    expected = answers();
    assert_non_null(expected);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        make_old(forms[i]);
        assert_the_same_kept_or_not(expected);
    }
    assert_sql(&w, "SELECT count(*) FROM run_image_facts", "0");
    free(expected);
}

static void a_digest_finds_its_runs_as_known_then(void **state)
{
    static const char of_a[] =
            "SELECT string_agg((SELECT count(*) FROM subject_instances('sha256:' || repeat(d, 64), "
            "t.known_at))::text, ' ' ORDER BY t.known_at) FROM ledger_transactions t, "
            "unnest(ARRAY['%c']) d";
    static const struct {
        char digit;
        const char *found; /* after each transaction */
    } cases[] = {{'a', "1 1 1"}, {'b', "0 1 1"}, {'0', "0 0 1"}, {'e', "0 1 1"}, {'9', "0 0 0"}};

    (void)state;
    tell_all();
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            char sql[ANSWERS_SQL_BYTES];

            (void)snprintf(sql, sizeof(sql), of_a, cases[i].digit);
            assert_sql(&w, sql, cases[i].found);
        }
        derive_all();
    }
    assert_sql(&w,
               "SELECT string_agg(left(digest, 8), ' ' ORDER BY digest) FROM run_images_overruled",
               "sha256:0 sha256:e");
    assert_sql(&w, "SELECT string_agg(tag, ' ') FROM run_images_overruled WHERE digest IS NULL",
               "3.0");
}

static void what_is_said_of_an_image_is_stored_once(void **state)
{
    (void)state;
    say("1", "p1", "1.0", digest_of('a'), T(1));
    say("2", "p2", "1.0", digest_of('a'), T(2));
    world_apply(&w);
    say("3", "p3", "1.0", digest_of('a'), T(3));
    say("4", "p4", NULL, digest_of('a'), T(3));
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM run_image_facts", "2");
    assert_sql(&w,
               "SELECT n.ce_id || ' ' || (m.known_at = n.known_at) FROM run_image_facts m JOIN "
               "ledger n USING (event_id) WHERE m.tag = '1.0'",
               "1 true");
    assert_sql(&w,
               "SELECT count(*) FROM run_facts f JOIN run_image_facts m USING (image_fact_id) "
               "WHERE COALESCE(f.image, f.image_id, f.repository, f.tag, f.digest) IS NULL AND "
               "m.known_at <= f.known_at",
               "4");
}

/* A process that just started remembers nothing of it. */
static void a_row_of_before_told_again_adds_nothing(void **state)
{
    char *before, *after;

    (void)state;
    say("1", "p1", "1.0", digest_of('a'), T(1));
    world_apply(&w);
    make_old("true");
    before = world_sql(&w, "SELECT string_agg(f::text, ' ') FROM run_facts f");
    batch_applier_free(w.applier);
    w.applier = batch_applier_new(w.evidence, 0);
    say("again", "p1", "1.0", digest_of('a'), T(1));
    world_apply(&w);
    after = world_sql(&w, "SELECT string_agg(f::text, ' ') FROM run_facts f");
    assert_string_equal(before, after);
    assert_sql(&w, "SELECT count(*) FROM runs", "1");
    free(before), free(after);
}

static void a_row_has_the_words_or_their_id(void **state)
{
    static const char *const rows[] = {"NULL, NULL, NULL", "'app', NULL, gen_random_uuid()",
                                       "NULL, 'sha256:a', gen_random_uuid()"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char sql[512];

        (void)snprintf(sql, sizeof(sql),
                       "DO $$ BEGIN INSERT INTO run_facts (fact_id, instance_id, run_key, "
                       "started_at, known_at, image, digest, image_fact_id) SELECT "
                       "gen_random_uuid(), gen_random_uuid(), 'k', now(), now(), %s; RAISE "
                       "EXCEPTION 'taken'; EXCEPTION WHEN check_violation THEN NULL; END $$",
                       rows[i]);
        free(world_sql(&w, sql));
    }
    assert_sql(&w, "SELECT count(*) FROM run_facts", "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(old_and_new_rows_of_runs_give_the_same_answers),
            WORLD_TEST(a_digest_finds_its_runs_as_known_then),
            WORLD_TEST(what_is_said_of_an_image_is_stored_once),
            WORLD_TEST(a_row_of_before_told_again_adds_nothing),
            WORLD_TEST(a_row_has_the_words_or_their_id),
    };

    return pg_server_group(&world_server, tests);
}

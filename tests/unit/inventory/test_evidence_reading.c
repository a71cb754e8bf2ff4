/* Facts for policies are read of each raw result once, whatever becomes of the others. */
#include "world.h"

#include "ledger/rebuild.h"
#include "policy/evidence_facts.h"
#include "policy/evidence_reading.h"

#include "base/log.h"

static const char *const statements[] = {
#define STATEMENT(name, parameters, sql) [POLICY_##name] = (sql),
#include "policy/policy_statements.def"
#undef STATEMENT
};

static struct world w;
static struct mu_pg *pg;
static struct evidence_reading reading;

static int open_world(void **state)
{
    struct mu_error err;

    (void)state;
    world_open(&w);
    reading = (struct evidence_reading){
            .store = w.evidence, .most = 3, .write_bytes = EVIDENCE_FACTS_MAX_BYTES};
    if (policy_pg_open(w.conninfo, &pg, &err) != MU_OK)
        fail_msg("%s", err.message);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    mu_pg_close(pg);
    free(world_sql(&w, "DROP TRIGGER IF EXISTS refuse ON evidence_issues; "
                       "DELETE FROM ledger_rebuild"));
    world_close(&w);
    return 0;
}

/* As a batch does that has these alone. */
static void load(const char *digest)
{
    free(world_sql(&w, mu_arena_printf(w.arena,
                                       "INSERT INTO evidence_loads VALUES ('%s', 1, 0, NULL, "
                                       "ledger_tick())",
                                       digest)));
}

static const char *raw_result(const char *title)
{
    return add_raw_result(
            &w,
            mu_arena_printf(w.arena, "{\"issues\":[{\"check\":\"c\",\"title\":\"%s\"}]}", title));
}

static bool round_is_busy(void)
{
    struct mu_error err;
    bool busy = false;

    if (evidence_reading_round(pg, &reading, &busy, &err) != MU_OK)
        fail_msg("%s", err.message);
    return busy;
}

static void read_all(void)
{
    for (int rounds = 0; round_is_busy(); rounds++)
        assert_true(rounds < 100);
}

static void loads_of_one_instant_are_all_read(void **state)
{
    (void)state;
    for (const char *digit = "12345678"; *digit; digit++)
        load(raw_result((const char[]){*digit, '\0'}));
    free(world_sql(&w, "UPDATE evidence_loads SET known_at = '2026-11-01T00:00:00Z'"));
    read_all();
    assert_sql(&w, "SELECT string_agg(title, '' ORDER BY title) FROM evidence_issues", "12345678");
    assert_sql(&w,
               "SELECT count(*) FROM evidence_judged JOIN evidence_layers USING (evidence_digest)",
               "8");
    load(raw_result("9"));
    read_all();
    assert_sql(&w, "SELECT count(*) FROM evidence_layers", "9");
}

/* Of tables and indexes, by this session since its numbers were last given away. */
#define ENTRIES_READ                                                                        \
    "SELECT sum(pg_stat_get_xact_tuples_returned(oid)) AS n FROM pg_class WHERE relname ~ " \
    "'^evidence_(loads|layers)'"

/* What was read is not gone through to see that nothing is left. */
static void nothing_to_do_is_found_without_looking_at_what_was_done(void **state)
{
    (void)state;
    free(world_sql(&w,
                   "INSERT INTO evidence_loads SELECT 'd' || n, 1, 0, NULL, now() - n * interval "
                   "'1 s' FROM generate_series(1, 20000) n; INSERT INTO evidence_layers SELECT "
                   "evidence_digest, '{}', NULL, now() FROM evidence_loads"));
    free(world_sql(&w, "ANALYZE evidence_loads, evidence_layers"));
    read_all();
    assert_sql(&w,
               mu_arena_printf(w.arena,
                               "PREPARE next AS %s; CREATE TEMP TABLE before AS " ENTRIES_READ
                               "; %s; EXECUTE next (3); DEALLOCATE next; SELECT n - (SELECT n FROM "
                               "before) FROM (" ENTRIES_READ ") now",
                               statements[POLICY_EVIDENCE_NEXT],
                               statements[POLICY_EVIDENCE_ADVANCE]),
               "0");
    free(world_sql(&w, "DROP TABLE before"));
}

/* ---- files that are not there ---- */

/* How many lines the log has of `words` while `run` is run. */
static int count_logged(void (*run)(void), const char *words)
{
    FILE *file = tmpfile();
    int saved = dup(2), count = 0;
    char line[2048];

    assert_true(dup2(fileno(file), 2) == 2);
    run();
    assert_true(dup2(saved, 2) == 2);
    (void)close(saved);
    rewind(file);
    while (fgets(line, sizeof(line), file))
        count += strstr(line, words) != NULL;
    (void)fclose(file);
    return count;
}

static void missing_files_hold_up_nobody_and_are_tried_again_later(void **state)
{
    static const char back[] = "{\"issues\":[{\"check\":\"c\",\"title\":\"back\"}]}";
    char digest[MU_DIGEST_TEXT_SIZE];

    (void)state;
    mu_sha256_text(back, strlen(back), digest);
    load(digest);
    for (const char *digit = "1234567"; *digit; digit++)
        load(digest_of(*digit));
    load(raw_result("there"));
    assert_int_equal(count_logged(read_all, "trying again later"), 1);
    assert_sql(&w, "SELECT title FROM evidence_issues", "there");
    assert_sql(&w,
               "SELECT count(*) || ' ' || min(tries) || ' ' || bool_and(again_at > now()) FROM "
               "evidence_waiting",
               "8 1 true");
    assert_false(round_is_busy());

    assert_string_equal(add_raw_result(&w, back), digest);
    free(world_sql(&w, "UPDATE evidence_waiting SET again_at = now()"));
    assert_int_equal(count_logged(read_all, "trying again later"), 0);
    assert_sql(&w, "SELECT string_agg(title, ' ' ORDER BY title) FROM evidence_issues",
               "back there");
    assert_sql(
            &w,
            "SELECT count(*) || ' ' || max(tries) || ' ' || bool_and(again_at > now() + interval "
            "'15 s') FROM evidence_waiting",
            "7 2 true");
}

/* ---- writing ---- */

static void a_round_is_written_at_once(void **state)
{
    (void)state;
    load(raw_result("1"));
    load(add_raw_result(&w, "no JSON"));
    load(raw_result("3"));
    (void)round_is_busy();
    assert_sql(&w, "SELECT count(*) || ' ' || count(DISTINCT known_at) FROM evidence_judged",
               "3 1");
    assert_sql(&w, "SELECT count(DISTINCT known_at) FROM evidence_layers", "1");
    assert_sql(&w, "SELECT string_agg(title, '' ORDER BY title) FROM evidence_issues", "13");
}

static void what_is_much_is_written_in_parts(void **state)
{
    (void)state;
    reading.write_bytes = 1;
    load(raw_result("1"));
    load(raw_result("2"));
    load(raw_result("3"));
    (void)round_is_busy();
    assert_sql(&w, "SELECT count(*) || ' ' || count(DISTINCT known_at) FROM evidence_judged",
               "3 3");
}

/* The database refuses what says so. */
static void refuse(const char *sqlstate)
{
    free(world_sql(&w,
                   mu_arena_printf(w.arena,
                                   "CREATE OR REPLACE FUNCTION pg_temp.refuse() RETURNS trigger "
                                   "LANGUAGE plpgsql AS $$ BEGIN IF NEW.title = 'poison' THEN "
                                   "RAISE EXCEPTION 'poison' USING ERRCODE = '%s'; END IF; "
                                   "RETURN NEW; END $$",
                                   sqlstate)));
    free(world_sql(&w, "CREATE TRIGGER refuse BEFORE INSERT ON evidence_issues FOR EACH ROW "
                       "EXECUTE FUNCTION pg_temp.refuse()"));
}

static void what_the_database_refuses_holds_up_no_other(void **state)
{
    (void)state;
    refuse("22000");
    load(raw_result("1"));
    load(raw_result("poison"));
    load(raw_result("3"));
    read_all();
    assert_sql(&w, "SELECT string_agg(title, '' ORDER BY title) FROM evidence_issues", "13");
    assert_sql(&w, "SELECT count(*) FROM evidence_judged", "3");
    assert_sql(&w, "SELECT count(*) FROM evidence_waiting", "0");
}

static void what_is_much_and_takes_too_long_waits(void **state)
{
    (void)state;
    reading.write_bytes = 1;
    refuse("57014");
    load(raw_result("1"));
    load(raw_result("poison"));
    load(raw_result("3"));
    read_all();
    assert_sql(&w, "SELECT string_agg(title, '' ORDER BY title) FROM evidence_issues", "13");
    assert_sql(&w, "SELECT count(*) FROM evidence_judged", "2");
    assert_sql(&w, "SELECT count(*) FROM evidence_waiting", "1");
}

static void too_many_values_say_nothing(void **state)
{
    size_t count = EVIDENCE_MAX_VALUES;
    char *text = calloc(1, 2 * count + 3);

    (void)state;
    text[0] = '[';
    for (size_t i = 0; i < count; i++)
        memcpy(text + 1 + 2 * i, "0,", 2);
    memcpy(text + 2 * count, "]", 2);
    load(add_raw_result(&w, text));
    free(text);
    assert_int_equal(count_logged(read_all, "JSON of more than 4000000 values"), 1);
    assert_sql(&w, "SELECT chain::text || ' ' || (top IS NULL) FROM evidence_layers", "{} true");
}

/* ---- rebuilds ---- */

static void while_tables_are_rebuilt_nothing_is_passed_over(void **state)
{
    const char *digest = raw_result("1");

    (void)state;
    load(raw_result("0"));
    read_all();
    free(world_sql(&w, "INSERT INTO ledger_rebuild (known_from, known_to, done_to) VALUES "
                       "('-infinity', now(), '-infinity'); DELETE FROM evidence_loads; "
                       "DELETE FROM evidence_clock"));
    read_all();
    free(world_sql(&w, mu_arena_printf(w.arena,
                                       "INSERT INTO evidence_loads VALUES ('%s', 1, 0, NULL, "
                                       "'2026-11-01T00:00:00Z')",
                                       digest)));
    assert_false(round_is_busy());
    assert_sql(&w, "SELECT known_at FROM evidence_clock", "-infinity");
    free(world_sql(&w, "DELETE FROM ledger_rebuild"));
    read_all();
    assert_sql(&w, "SELECT string_agg(title, '' ORDER BY title) FROM evidence_issues", "01");
}

static void a_rebuild_has_all_looked_at_again(void **state)
{
    MU_AUTO(rebuild) struct rebuild *rebuild = rebuild_new(w.evidence);
    struct mu_error err;
    enum mu_status st;

    (void)state;
    add_scan(&w, "e1", (struct scan){.digest = digest_of('a'), .uai = REPO ":1", .at = T(0)});
    world_apply(&w);
    read_all();
    free(world_sql(&w, "DELETE FROM evidence_layers"));
    read_all();
    assert_sql(&w, "SELECT count(*) FROM evidence_layers", "0");
    st = rebuild_begin(rebuild, w.pg, true, &err);
    while (st == MU_OK)
        st = rebuild_step(rebuild, w.pg, &err);
    assert_int_equal(st, MU_END);
    read_all();
    assert_sql(&w, "SELECT count(*) FROM evidence_layers", "1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(loads_of_one_instant_are_all_read),
            CASE(nothing_to_do_is_found_without_looking_at_what_was_done),
            CASE(missing_files_hold_up_nobody_and_are_tried_again_later),
            CASE(a_round_is_written_at_once),
            CASE(what_is_much_is_written_in_parts),
            CASE(what_the_database_refuses_holds_up_no_other),
            CASE(what_is_much_and_takes_too_long_waits),
            CASE(too_many_values_say_nothing),
            CASE(while_tables_are_rebuilt_nothing_is_passed_over),
            CASE(a_rebuild_has_all_looked_at_again),
    };

    mu_log_init("test", MU_LOG_WARN);
    return pg_server_group(&world_server, tests);
}

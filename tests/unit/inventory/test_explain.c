/* The whole trail of one thing, by whatever name it is asked for. */
#include "one_world.h"

#include "app/commands.h"
#include "query/instants.h"

#include <jansson.h>
#include <pthread.h>

static char *explain(const char *subject, const char *format, int *ret_code)
{
    struct explain_config config = {.postgres = w.conninfo, .format = format};
    char *argv[] = {(char *)(uintptr_t)subject, NULL};

    return captured(explain_command, &config, subject ? 1 : 0, argv, ret_code);
}

/* Of these instants, NULL: all. Free it. */
static json_t *section_at(const char *name, const char *subject, const char *valid_at,
                          const char *known_at)
{
    struct explain_config config = {
            .postgres = w.conninfo, .format = "json", .valid_at = valid_at, .known_at = known_at};
    char *argv[] = {(char *)(uintptr_t)subject, NULL}, *text;
    json_auto_t *root = NULL;
    json_t *section;
    int code = -1;

    text = captured(explain_command, &config, 1, argv, &code);
    root = json_loads(text, 0, NULL);
    section = json_object_get(root, name);
    if (!section)
        fail_msg("no section '%s': %s", name, text);
    free(text);
    return json_incref(section);
}

static const char *cell(const json_t *rows, size_t row, const char *name)
{
    const char *text = json_string_value(json_object_get(json_array_get(rows, row), name));

    return text ? text : "";
}

/* Index 1 as 1.0 with the image a, scanned, and a pod of it; all just now. */
static void apply_story(void)
{
    const struct mu_scan_child child = {digest_of('a'), MU_DIGEST_KIND_MANIFEST, "m", 10,
                                        "linux/amd64"};
    int64_t now = mu_now_us();

    add_push(&w, "e1", "1.0", digest_of('1'), now - 3000000);
    add_scan(&w, "s1",
             (struct scan){.digest = digest_of('1'),
                           .outcome = MU_SCAN_RESOLVED,
                           .at = now - 2000000,
                           .children = &child,
                           .child_count = 1});
    add_scan(&w, "s2",
             (struct scan){.digest = digest_of('a'),
                           .uai = REPO ":1.0",
                           .platform = "linux/amd64",
                           .evidence = add_evidence(&w, digest_of('a'),
                                                    "[{\"id\":\"CVE-2026-7\",\"package\":\"zlib\","
                                                    "\"package_version\":\"1\"}]"),
                           .at = now - 1500000});
    add_pod(&w, "e2",
            (struct pod){.uid = "web-0",
                         .tag = "1.0",
                         .digest = digest_of('1'),
                         .platform = "linux/amd64",
                         .started = now - 1000000,
                         .at = now - 1000000});
    world_apply(&w);
}

/* D1, of all assets. */
static void state_deviation(void)
{
    free(world_sql(&w,
                   "INSERT INTO deviation_facts (fact_id, deviation, record, at, by, kind, "
                   "vulnerability, asset, rationale, known_at) VALUES (gen_random_uuid(), 'D1', "
                   "'request', '2026-11-01', 'ann', 'accepted', 'CVE-1', '*', 'r', "
                   "'2026-11-01')"));
}

static void every_name_of_a_thing_leads_to_the_same_trail(void **state)
{
    static const char uai[] = REPO ":1.0";
    const char *subjects[] = {uai, digest_of('1'), digest_of('a'), "web-0"};
    static const char *const facts[] = {uai,     "Tags over time", "pushed",    "complete",
                                        "web-0", "covered",        "CVE-2026-7"};

    (void)state;
    apply_story();
    for (size_t s = 0; s < 4; s++) {
        int code = -1;
        char *text = explain(subjects[s], "text", &code);

        assert_int_equal(code, 0);
        for (size_t f = 0; f < sizeof(facts) / sizeof(facts[0]); f++)
            if (!strstr(text, facts[f]))
                fail_msg("'%s' does not tell '%s': %s", subjects[s], facts[f], text);
        free(text);
    }
}

static void what_a_newer_scan_no_longer_finds_is_not_told(void **state)
{
    int code = -1;
    char *text;

    (void)state;
    apply_story();
    add_scan(&w, "s3",
             (struct scan){.digest = digest_of('a'),
                           .uai = REPO ":1.0",
                           .platform = "linux/amd64",
                           .evidence = add_evidence(&w, digest_of('a'),
                                                    "[{\"id\":\"CVE-2026-8\",\"package\":\"zlib\","
                                                    "\"package_version\":\"1\"}]"),
                           .at = mu_now_us() - 500000});
    world_apply(&w);
    text = explain(REPO ":1.0", "text", &code);
    assert_non_null(strstr(text, "CVE-2026-8"));
    assert_null(strstr(text, "CVE-2026-7"));
    free(text);
}

static void a_fresh_scan_is_covered_now_and_not_expired(void **state)
{
    int code = -1;
    char *text;

    (void)state;
    apply_story();
    text = explain("web-0", "text", &code);
    assert_non_null(strstr(text, "covered"));
    assert_null(strstr(text, "scan_expired"));
    free(text);
}

/* Image a as 1.0, known when it happened. */
static void push_known_at_once(void)
{
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    free(world_sql(&w, "UPDATE assets SET known_at = '2026-11-01'; "
                       "UPDATE asset_digests SET known_at = '2026-11-01'"));
}

/* Of image a, from 1:00 until 3:00; each is known an hour later. */
static void open_and_close_failure(void)
{
    free(world_sql(&w,
                   "INSERT INTO detection_failures (failure_id, job_id, repository, digest, code, "
                   "message, attempts, opened_at, known_at, closed_at, closed_known_at) VALUES "
                   "(gen_random_uuid(), gen_random_uuid(), 'registry.example/app', 'sha256:' || "
                   "repeat('a', 64), 'layer_unreadable', 'broken', 3, '2026-11-02 01:00', "
                   "'2026-11-02 02:00', '2026-11-02 03:00', '2026-11-02 04:00')"));
}

/* All is known at noon; of the things told of only 1.0, its repository and image a are asked for.
 */
static void let_people_speak(void)
{
    static const char *const said[] = {
            "INSERT INTO image_approvals (repository, digest, named, decision, person, role, "
            "reason, valid_from, valid_to, known_at) SELECT 'registry.example/app', 'sha256:' || "
            "repeat(d, 64), 'n', 'approve', 'ann', 'officer', 'not reachable', "
            "'2026-11-02 01:00', '2026-12-01', '2026-11-02 12:00' FROM unnest('{a,b}'::text[]) d",
            "INSERT INTO hardening_facts (fact_id, asset, baseline, record, at, by, drift, "
            "known_at) SELECT gen_random_uuid(), asset, 'CIS', 'validate', '2026-11-02 02:00', "
            "'bob', 'none', '2026-11-02 12:00' FROM unnest('{registry.example/app:1.0,"
            "registry.example/app:1.1,registry.example/other}'::text[]) asset",
            "INSERT INTO exposure_facts (fact_id, asset, public, at, by, known_at) SELECT "
            "gen_random_uuid(), asset, public, '2026-11-02 03:00', 'cyd', '2026-11-02 12:00' "
            "FROM (VALUES ('registry.example/app', 'no'), ('*', 'yes'), "
            "('registry.example/other', 'no')) v (asset, public)",
            "INSERT INTO exclusions (exclusion_id, uai, valid_from, valid_to, reason, author, "
            "known_at) SELECT gen_random_uuid(), uai, '2026-11-02 05:00', '2026-12-01', "
            "'test bed', 'dan', '2026-11-02 12:00' FROM unnest('{registry.example/app:1.0,"
            "registry.example/app:1.1}'::text[]) uai",
            "INSERT INTO exclusion_facts (fact_id, asset, record, at, by, known_at) VALUES "
            "(gen_random_uuid(), 'registry.example/app:1.0', 'withdraw', '2026-11-02 06:00', "
            "'eve', '2026-11-02 12:00')",
            "INSERT INTO move_facts (fact_id, repository, moved_to, record, at, by, rationale, "
            "known_at) SELECT gen_random_uuid(), f, t, 'move', '2026-11-02 07:00', 'fay', "
            "'renamed', '2026-11-02 12:00' FROM (VALUES ('registry.example/app', "
            "'registry.example/new'), ('registry.example/old', 'registry.example/app'), "
            "('registry.example/other', 'registry.example/new')) v (f, t)"};

    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
        free(world_sql(&w, said[i]));
}

static void json_has_every_section_as_an_array(void **state)
{
    static const char *const sections[] = {
            "assets", "tags",     "digests", "registry", "scans",      "failures", "jobs",
            "runs",   "coverage", "clocks",  "findings", "deviations", "people",   "events"};
    json_auto_t *root = NULL;
    int code = -1;
    char *text;

    (void)state;
    apply_story();
    state_deviation();
    open_and_close_failure();
    let_people_speak();
    text = explain(REPO ":1.0", "json", &code);
    root = json_loads(text, 0, NULL);
    assert_non_null(root);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
        if (json_array_size(json_object_get(root, sections[i])) == 0)
            fail_msg("'%s' is empty", sections[i]);
    assert_int_equal(json_object_size(root), sizeof(sections) / sizeof(sections[0]));
    free(text);
}

static void a_scan_tells_who_scanned_and_with_what_database(void **state)
{
    json_t *scans;

    (void)state;
    apply_story();
    free(world_sql(&w, "UPDATE scans SET scanner_version = '1.2', database_version = 'db-7', "
                       "database_built_at = '2026-10-31' WHERE outcome = 'complete'"));
    scans = section_at("scans", REPO ":1.0", NULL, NULL);
    assert_int_equal(json_array_size(scans), 2);
    assert_string_equal(cell(scans, 1, "outcome"), "complete");
    assert_string_equal(cell(scans, 1, "scanner"), "muster-scanner 1.2");
    assert_string_equal(cell(scans, 1, "database"), "db-7");
    assert_non_null(strstr(cell(scans, 1, "database_built"), "2026-10-31"));
    json_decref(scans);
}

static void assert_failure(const char *valid_at, const char *known_at, size_t count, bool is_closed)
{
    json_t *failures = section_at("failures", REPO ":1.0", valid_at, known_at);

    assert_int_equal(json_array_size(failures), count);
    assert_int_equal(is_closed, *cell(failures, 0, "closed") != 0);
    json_decref(failures);
}

static void a_failure_is_told_from_when_it_opened_and_open_until_it_closed(void **state)
{
    json_t *failures;

    (void)state;
    push_known_at_once();
    open_and_close_failure();
    failures = section_at("failures", REPO ":1.0", NULL, NULL);
    assert_string_equal(cell(failures, 0, "code"), "layer_unreadable");
    assert_string_equal(cell(failures, 0, "digest"), digest_of('a'));
    assert_string_equal(cell(failures, 0, "repository"), REPO);
    assert_string_equal(cell(failures, 0, "message"), "broken");
    json_decref(failures);
    assert_failure(NULL, NULL, 1, true);
    assert_failure("2026-11-02T00:30:00Z", NULL, 0, false);
    assert_failure("2026-11-02T02:30:00Z", NULL, 1, false);
    assert_failure(NULL, "2026-11-02T01:30:00Z", 0, false);
    assert_failure(NULL, "2026-11-02T03:30:00Z", 1, false);
    assert_failure(NULL, "2026-11-02T04:30:00Z", 1, true);
}

static void what_people_said_of_a_thing_is_told(void **state)
{
    static const struct {
        const char *what, *by, *subject;
    } said[] = {{"image_approved", "ann", REPO "@sha256:aaa"},
                {"hardening_validated", "bob", REPO ":1.0"},
                {"exposed", "cyd", "*"},
                {"not_exposed", "cyd", REPO},
                {"excluded", "dan", REPO ":1.0"},
                {"exclusion_withdrawn", "eve", REPO ":1.0"},
                {"moved", "fay", REPO " to registry.example/new"},
                {"moved", "fay", "registry.example/old to " REPO}};
    enum { COUNT = sizeof(said) / sizeof(said[0]) };
    json_t *people;

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    let_people_speak();
    people = section_at("people", REPO ":1.0", NULL, NULL);
    assert_int_equal(json_array_size(people), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_string_equal(cell(people, i, "what"), said[i].what);
        assert_string_equal(cell(people, i, "by"), said[i].by);
        assert_int_equal(
                strncmp(cell(people, i, "subject"), said[i].subject, strlen(said[i].subject)), 0);
    }
    assert_string_equal(cell(people, 0, "detail"), "not reachable");
    assert_non_null(strstr(cell(people, 0, "until"), "2026-12-01"));
    assert_string_equal(cell(people, 1, "detail"), "CIS, drift none");
    json_decref(people);
}

static void what_people_said_later_is_left_out(void **state)
{
    json_t *people;

    (void)state;
    push_known_at_once();
    let_people_speak();
    people = section_at("people", REPO ":1.0", "2026-11-02T02:30:00Z", NULL);
    assert_int_equal(json_array_size(people), 2);
    json_decref(people);
    people = section_at("people", REPO ":1.0", NULL, "2026-11-02T11:59:00Z");
    assert_int_equal(json_array_size(people), 0);
    json_decref(people);
}

static void an_exclusion_of_an_image_without_a_uai_is_told(void **state)
{
    json_t *people;

    (void)state;
    add_pod(&w, "e1",
            (struct pod){.uid = "p1", .tag = "1.0", .digest = digest_of('a'), .started = T(1)});
    world_apply(&w);
    free(world_sql(&w, "UPDATE run_image_facts SET image = 'loaded', repository = NULL, "
                       "tag = NULL, digest = NULL; DELETE FROM assets"));
    free(world_sql(&w, "INSERT INTO exclusions (exclusion_id, uai, valid_from, valid_to, reason, "
                       "author, known_at) VALUES (gen_random_uuid(), 'loaded', '2026-11-02', "
                       "'2026-12-01', 'test bed', 'dan', '2026-11-02')"));
    people = section_at("people", "p1", NULL, NULL);
    assert_int_equal(json_array_size(people), 1);
    assert_string_equal(cell(people, 0, "subject"), "loaded");
    json_decref(people);
}

static void assert_events(const char *subject, const char *valid_at, const char *known_at,
                          size_t count)
{
    json_t *events = section_at("events", subject, valid_at, known_at);

    if (json_array_size(events) != count)
        fail_msg("%s: %zu events, not %zu", subject, json_array_size(events), count);
    json_decref(events);
}

static void the_deletion_of_a_tag_is_behind_what_it_held(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_delete(&w, "e2", "1.0", NULL, T(1));
    add_delete(&w, "e3", "1.0", NULL, T(2)); /* told again */
    add_push(&w, "e4", "1.0", digest_of('b'), T(3));
    add_delete(&w, "e5", "1.0", NULL, T(4));
    add_delete(&w, "e6", "1.1", NULL, T(5));
    world_apply(&w);
    free(world_sql(&w, "UPDATE ledger l SET occurred_at = o.valid_from FROM tag_observations o "
                       "WHERE o.event_id = l.event_id"));
    assert_events(digest_of('a'), NULL, NULL, 3);
    assert_events(digest_of('a'), "2026-11-01T00:01:30Z", NULL, 2);
    assert_events(digest_of('b'), NULL, NULL, 2);
    assert_events(REPO ":1.0", NULL, NULL, 5);
}

static void the_removal_of_its_pod_is_behind_the_end_of_a_run(void **state)
{
    struct pod pod = {.uid = "p1", .tag = "1.0", .digest = digest_of('a'), .started = T(1)};
    char *known_at;

    (void)state;
    add_pod(&w, "e1", pod);
    add_pod(&w, "e2",
            (struct pod){.uid = "p2", .tag = "2.0", .digest = digest_of('b'), .started = T(1)});
    world_apply(&w); /* the removal says the same of the run: it is told of once */
    known_at = world_sql(&w, "SELECT to_char(max(known_at) AT TIME ZONE 'UTC', "
                             "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM ledger");
    pod.removed = true;
    pod.at = T(9);
    add_pod(&w, "e3", pod);
    world_apply(&w);
    assert_events("p1", NULL, NULL, 2);
    assert_events("p1", NULL, known_at, 1);
    assert_events("p1", "2026-11-01T00:08:00Z", NULL, 1);
    assert_events("p2", NULL, NULL, 1);
    free(known_at);
}

static void the_unknown_exits_1_and_is_told_how_to_write(void **state)
{
    struct explain_config config = {.postgres = w.conninfo, .format = "text"};

    (void)state;
    apply_story();
    assert_refuses(explain_command, &config, "registry.example/none:1", 1,
                   "nothing is known of 'registry.example/none:1': write an asset as "
                   "'muster-inventory assets' lists it, or give a digest, a pod's name or uid\n");
}

static void wrong_use_exits_2(void **state)
{
    int code = -1;

    (void)state;
    free(explain(NULL, "text", &code));
    assert_int_equal(code, 2);
    free(explain("x", "yaml", &code));
    assert_int_equal(code, 2);
}

static void sql_in_the_name_is_only_text(void **state)
{
    int code = -1;

    (void)state;
    apply_story();
    free(explain("' OR '1'='1", "text", &code));
    assert_int_equal(code, 1);
}

static void a_database_that_is_away_exits_3(void **state)
{
    struct explain_config config = {.postgres = "host=127.0.0.1 port=1 dbname=x", .format = "text"};
    char subject[] = "x", *argv[] = {subject, NULL};
    int code = -1;

    (void)state;
    free(captured(explain_command, &config, 1, argv, &code));
    assert_int_equal(code, 3);
    free(captured(dump_command, &config, 0, NULL, &code));
    assert_int_equal(code, 3);
}

static void the_dump_names_facts_and_no_time_of_learning(void **state)
{
    char *text, *known;

    (void)state;
    apply_story();
    text = world_dump(&w);
    assert_non_null(strstr(text, "asset " REPO ":1.0 "));
    assert_non_null(strstr(text, "coverage prod web-0 main " REPO ":1.0 "));
    known = world_sql(&w, "SELECT known_at FROM ledger LIMIT 1");
    assert_null(strstr(text, known));
    free(known);
    free(text);
}

static void migrate_says_what_it_did(void **state)
{
    struct migrate_config config = {.postgres = w.conninfo};
    int code = -1;
    char *text;

    (void)state;
    text = captured(migrate_command, &config, 0, NULL, &code);
    assert_int_equal(code, 0);
    assert_int_equal(strncmp(text, "0 migrations applied", 20), 0);
    free(text);
}

/* Before the scan came, as it was known then: the same answer after it came. */
static void what_was_known_then_is_explained_as_it_was(void **state)
{
    struct explain_config config = {.postgres = w.conninfo, .format = "json"};
    char *argv[] = {(char *)(uintptr_t) "p1", NULL}, *text;
    int code = -1;

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_pod(&w, "e2",
            (struct pod){.uid = "p1", .tag = "1.0", .digest = digest_of('a'), .started = T(1)});
    world_apply(&w);
    config.known_at = world_sql(&w, "SELECT to_char(max(known_at) AT TIME ZONE 'UTC', "
                                    "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM ledger");
    add_scan(&w, "e3", (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(2)});
    world_apply(&w);
    config.valid_at = "2026-11-02T00:00:00Z";
    text = captured(explain_command, &config, 1, argv, &code);
    assert_non_null(strstr(text, "never_scanned"));
    assert_null(strstr(text, "complete"));
    free(text);
    free((char *)(uintptr_t)config.known_at);
    config.known_at = NULL;
    text = captured(explain_command, &config, 1, argv, &code);
    assert_non_null(strstr(text, "\"covered\""));
    free(text);
}

static void what_came_later_is_left_out(void **state)
{
    struct explain_config config = {
            .postgres = w.conninfo, .format = "json", .valid_at = "2026-11-01T00:00:30Z"};
    char *argv[] = {(char *)(uintptr_t)REPO ":1.0", NULL}, *text;
    int code = -1;

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "1.0", digest_of('b'), T(1));
    world_apply(&w);
    text = captured(explain_command, &config, 1, argv, &code);
    assert_non_null(strstr(text, "\"to\":null"));
    assert_null(strstr(text, "2026-11-01 00:01"));
    free(text);
}

static void the_clock_is_told_with_the_event_that_set_it(void **state)
{
    char *text;
    int code = -1;

    (void)state;
    apply_story();
    text = explain("web-0", "text", &code);
    assert_non_null(strstr(text, "Clocks and the events that set them"));
    assert_non_null(strstr(text, "s2"));
    free(text);
}

/* States a deviation when explain stands in its digests, and lets it go on. */
static void *state_meanwhile(void *unused)
{
    (void)unused;
    world_wait_held(&w);
    state_deviation();
    free(world_sql(&w, "SELECT pg_advisory_unlock(7)"));
    return NULL;
}

static void no_section_knows_what_another_does_not(void **state)
{
    pthread_t thread;
    int code = -1;
    char *text;

    (void)state;
    apply_story();
    free(world_sql(&w, "ALTER FUNCTION kind_of_rank(integer) RENAME TO kind_of_rank_at_once;"
                       "CREATE FUNCTION kind_of_rank(p_rank integer) RETURNS text "
                       "LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); "
                       "RETURN kind_of_rank_at_once(p_rank); END $$;"
                       "SELECT pg_advisory_lock(7)"));
    assert_int_equal(pthread_create(&thread, NULL, state_meanwhile, NULL), 0);
    text = explain(REPO ":1.0", "text", &code);
    assert_int_equal(pthread_join(thread, NULL), 0);
    free(world_sql(&w, "DROP FUNCTION kind_of_rank(integer);"
                       "ALTER FUNCTION kind_of_rank_at_once(integer) RENAME TO kind_of_rank"));
    assert_int_equal(code, 0);
    assert_null(strstr(text, "D1"));
    free(text);
    text = explain(REPO ":1.0", "text", &code);
    assert_non_null(strstr(text, "D1"));
    free(text);
}

static void text_has_the_last_rows_of_a_section_and_says_how_many_there_are(void **state)
{
    struct explain_config config = {.postgres = w.conninfo, .format = "text", .limit = 2};
    char *argv[] = {(char *)(uintptr_t)REPO ":1.0", NULL}, *text, *runs;
    int code = -1;

    (void)state;
    for (int i = 0; i < 5; i++)
        add_pod(&w, mu_arena_printf(w.arena, "e%d", i),
                (struct pod){.uid = mu_arena_printf(w.arena, "web-%d", i),
                             .tag = "1.0",
                             .digest = digest_of('a'),
                             .started = T(i),
                             .at = T(i)});
    world_apply(&w);
    text = captured(explain_command, &config, 1, argv, &code);
    runs = strstr(text, "Where it ran (the last 2 of 5; --limit=0 prints all)\n");
    assert_non_null(runs);
    assert_null(strstr(text, "web-2"));
    assert_true(strstr(runs, "web-3") < strstr(runs, "web-4"));
    assert_non_null(strstr(text, "Assets\n"));
    free(text);
    config.limit = 0;
    text = captured(explain_command, &config, 1, argv, &code);
    assert_non_null(strstr(text, "Where it ran\n"));
    assert_non_null(strstr(text, "web-0"));
    free(text);
    config = (struct explain_config){.postgres = w.conninfo, .format = "json", .limit = 2};
    text = captured(explain_command, &config, 1, argv, &code);
    assert_non_null(strstr(text, "web-0"));
    free(text);
}

static void a_wrong_instant_names_its_option(void **state)
{
    struct explain_config config = {.postgres = w.conninfo, .format = "text", .known_at = "soon"};
    char *argv[] = {(char *)(uintptr_t) "p1", NULL};
    char instant[QUERY_TIME_SIZE] = "kept";
    struct mu_error err;
    int code = -1;

    (void)state;
    free(captured(explain_command, &config, 1, argv, &code));
    assert_int_equal(code, 2);
    assert_int_equal(instants_option("known-at", "soon", "infinity", instant, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "--known-at"));
    assert_string_equal(instant, "kept");
    assert_int_equal(instants_option("known-at", NULL, "infinity", instant, &err), MU_OK);
    assert_string_equal(instant, "infinity");
}

static void no_instant_is_now_and_another_zone_is_the_same_instant(void **state)
{
    struct instants instants;
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(inventory_query_open(w.conninfo, "test", &pg, &err), MU_OK);
    assert_int_equal(instants_ask(pg, "2026-11-01T02:00:00+02:00", "", &instants, &err), MU_OK);
    assert_string_equal(instants.valid_at, "2026-11-01T00:00:00.000000Z");
    assert_int_equal(strncmp(instants.known_at, "20", 2), 0);
    assert_int_equal(instants_ask(pg, "yesterday", NULL, &instants, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "valid_at"));
    assert_int_equal(instants_ask(pg, NULL, "tomorrow", &instants, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "known_at"));
}

static void knowledge_ends_at_the_ledgers_clock_or_now(void **state)
{
    struct instants instants;
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct mu_error err;

    (void)state;
    free(world_sql(&w, "UPDATE ledger_clock SET known_at = '2099-01-01T00:00:00Z'"));
    assert_int_equal(inventory_query_open(w.conninfo, "test", &pg, &err), MU_OK);
    assert_int_equal(instants_ask(pg, NULL, NULL, &instants, &err), MU_OK);
    free(world_sql(&w, "UPDATE ledger_clock SET known_at = '1970-01-01T00:00:00Z'"));
    assert_string_equal(instants.known_at, "2099-01-01T00:00:00.000000Z");
    assert_int_equal(instants_ask(pg, NULL, NULL, &instants, &err), MU_OK);
    assert_true(strcmp(instants.known_at, "2099") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(every_name_of_a_thing_leads_to_the_same_trail),
            WORLD_TEST(what_a_newer_scan_no_longer_finds_is_not_told),
            WORLD_TEST(a_fresh_scan_is_covered_now_and_not_expired),
            WORLD_TEST(json_has_every_section_as_an_array),
            WORLD_TEST(a_scan_tells_who_scanned_and_with_what_database),
            WORLD_TEST(a_failure_is_told_from_when_it_opened_and_open_until_it_closed),
            WORLD_TEST(what_people_said_of_a_thing_is_told),
            WORLD_TEST(what_people_said_later_is_left_out),
            WORLD_TEST(an_exclusion_of_an_image_without_a_uai_is_told),
            WORLD_TEST(the_deletion_of_a_tag_is_behind_what_it_held),
            WORLD_TEST(the_removal_of_its_pod_is_behind_the_end_of_a_run),
            WORLD_TEST(the_unknown_exits_1_and_is_told_how_to_write),
            WORLD_TEST(wrong_use_exits_2),
            WORLD_TEST(sql_in_the_name_is_only_text),
            WORLD_TEST(a_database_that_is_away_exits_3),
            WORLD_TEST(the_dump_names_facts_and_no_time_of_learning),
            WORLD_TEST(migrate_says_what_it_did),
            WORLD_TEST(what_was_known_then_is_explained_as_it_was),
            WORLD_TEST(what_came_later_is_left_out),
            WORLD_TEST(the_clock_is_told_with_the_event_that_set_it),
            WORLD_TEST(no_section_knows_what_another_does_not),
            WORLD_TEST(text_has_the_last_rows_of_a_section_and_says_how_many_there_are),
            WORLD_TEST(a_wrong_instant_names_its_option),
            WORLD_TEST(no_instant_is_now_and_another_zone_is_the_same_instant),
            WORLD_TEST(knowledge_ends_at_the_ledgers_clock_or_now),
    };

    return pg_server_group(&world_server, tests);
}

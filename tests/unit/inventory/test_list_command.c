/* The commands that print lists, and what diff and sample say. */
#include "one_world.h"

#include "lists/list_command.h"

#include <jansson.h>

typedef int command_fn(void *, int, char **);

/* What it prints; free it. */
static char *run(command_fn *command, struct list_command_config config, const char *word,
                 int *ret_code)
{
    char copy[200];
    char *words[] = {copy, NULL};

    (void)snprintf(copy, sizeof(copy), "%s", word ? word : "");
    config.postgres = w.conninfo;
    if (!config.format)
        config.format = "text";
    return captured(command, &config, word ? 1 : 0, words, ret_code);
}

static void assert_prints(command_fn *command, struct list_command_config config, const char *word,
                          int expected_code, const char *expected)
{
    int code = -1;
    char *text = run(command, config, word, &code);

    if (code != expected_code || !strstr(text, expected))
        fail_msg("exit %d, '%s' is not in: %s", code, expected, text);
    free(text);
}

/* Rows as JSON; give them back with json_decref. */
static json_t *rows_of(command_fn *command, struct list_command_config config, const char *word)
{
    int code = -1;
    char *text;
    json_t *rows;

    config.format = "json";
    text = run(command, config, word, &code);
    rows = json_loads(text, 0, NULL);
    if (!json_is_array(rows))
        fail_msg("exit %d, no array: %s", code, text);
    free(text);
    return rows;
}

static const char *cell(const json_t *rows, size_t row, const char *name)
{
    const char *text = json_string_value(json_object_get(json_array_get(rows, row), name));

    return text ? text : "";
}

/* The row with this subject (of diff), or a failure. */
static size_t row_of(const json_t *rows, const char *change, const char *subject)
{
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (strcmp(cell(rows, i, "change"), change) == 0 &&
            strcmp(cell(rows, i, "subject"), subject) == 0)
            return i;
    fail_msg("no %s of %s", change, subject);
    return 0;
}

/* A fleet with one of every kind of change between T(10) and T(60). */
static void build_history(void)
{
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "2.0", digest_of('b'), T(0));
    add_push(&w, "e3", "latest", digest_of('a'), T(0));
    add_scan(&w, "s1", (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(1)});
    add_pod(&w, "e4",
            (struct pod){.uid = "stays",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(2),
                         .at = T(2)});
    add_pod(&w, "e5",
            (struct pod){.uid = "goes",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(2),
                         .at = T(2)});
    add_pod(&w, "e6",
            (struct pod){.uid = "scanned",
                         .tag = "2.0",
                         .digest = digest_of('b'),
                         .started = T(2),
                         .at = T(2)});
    add_pod(&w, "e7",
            (struct pod){.uid = "comes",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(20),
                         .at = T(20)});
    add_pod(&w, "e8", (struct pod){.uid = "goes", .removed = true, .at = T(30)});
    add_push(&w, "e9", "latest", digest_of('b'), T(40));
    add_push(&w, "e10", "3.0", digest_of('c'), T(41));
    add_scan(&w, "s2", (struct scan){.digest = digest_of('b'), .uai = REPO ":2.0", .at = T(50)});
    world_apply(&w);
}

#define AT_10 "2026-11-01T00:10:00Z"
#define AT_60 "2026-11-01T01:00:00Z"

/* ---- the commands ---- */

static void assets_are_listed_with_their_digests(void **state)
{
    (void)state;
    build_history();
    assert_prints(assets_command, (struct list_command_config){.valid_at = AT_10}, NULL, 0,
                  REPO ":1.0");
    assert_prints(assets_command,
                  (struct list_command_config){.valid_at = AT_10, .filters = {REPO ":latest"}},
                  NULL, 0, "sha256:aaaa");
    assert_prints(assets_command,
                  (struct list_command_config){.valid_at = AT_60, .filters = {REPO ":latest"}},
                  NULL, 0, "sha256:bbbb");
    assert_prints(assets_command,
                  (struct list_command_config){.valid_at = AT_60, .filters = {NULL, "none"}}, NULL,
                  0, "UAI");
}

static size_t assets_in(const char *state)
{
    json_t *rows = rows_of(
            assets_command,
            (struct list_command_config){.valid_at = AT_60, .filters = {[4] = state}}, NULL);
    size_t count = json_array_size(rows);

    for (size_t i = 0; state && i < count; i++)
        assert_string_equal(cell(rows, i, "state"), state);
    json_decref(rows);
    return count;
}

static void every_asset_runs_or_does_not(void **state)
{
    json_t *rows;

    (void)state;
    build_history();
    for (int kept = 0; kept < 2; kept++) {
        assert_int_equal(assets_in("running"), 2);
        assert_int_equal(assets_in("not_running"), 2);
        assert_int_equal(assets_in(NULL), 4);
        rows = rows_of(assets_command,
                       (struct list_command_config){.valid_at = AT_60, .filters = {REPO ":1.0"}},
                       NULL);
        assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "containers")),
                         2);
        json_decref(rows);
        free(world_sql(&w, "SELECT derive_runs(), derive_images()"));
    }
    assert_prints(assets_command, (struct list_command_config){.filters = {[4] = "idle"}}, NULL, 2,
                  "");
}

static void instances_are_listed_by_place_and_state(void **state)
{
    json_t *rows;

    (void)state;
    build_history();
    for (int kept = 0; kept < 2; kept++) {
        assert_prints(instances_command,
                      (struct list_command_config){.valid_at = AT_60, .filters = {[4] = "comes"}},
                      NULL, 0, "covered");
        rows = rows_of(
                instances_command,
                (struct list_command_config){.valid_at = AT_10, .filters = {[6] = "never_scanned"}},
                NULL);
        assert_int_equal(json_array_size(rows), 1);
        assert_string_equal(cell(rows, 0, "uai"), REPO ":2.0");
        json_decref(rows);
        assert_prints(
                instances_command,
                (struct list_command_config){.valid_at = AT_60, .filters = {[2] = "elsewhere"}},
                NULL, 0, "CLUSTER");
        free(world_sql(&w, "SELECT derive_runs(), derive_images()"));
    }
    assert_prints(instances_command, (struct list_command_config){.filters = {[6] = "idle"}}, NULL,
                  2, "");
}

static void history_and_whowas_find_a_pod_at_an_instant(void **state)
{
    (void)state;
    build_history();
    assert_prints(history_command, (struct list_command_config){0}, "goes", 0, "run_ended");
    assert_prints(whowas_command, (struct list_command_config){.valid_at = AT_10}, "goes", 0,
                  "sha256:aaaa");
    assert_prints(whowas_command, (struct list_command_config){.valid_at = AT_60}, "goes", 1, "");
    assert_prints(history_command, (struct list_command_config){0}, "nobody", 1, "");
}

static void sources_and_failures_raise_the_exit_code(void **state)
{
    (void)state;
    assert_prints(sources_command, (struct list_command_config){0}, NULL, 0, "SOURCE");
    assert_prints(failures_command, (struct list_command_config){0}, NULL, 0, "CODE");
    free(world_sql(&w, "INSERT INTO source_reports (event_id, source, source_kind, state, "
                       "observed_at, known_at) VALUES (gen_random_uuid(), 'main', 'harbor', "
                       "'silent', now(), ledger_tick())"));
    free(world_sql(&w, "INSERT INTO detection_failures (failure_id, code, message, attempts, "
                       "opened_at, known_at, source) VALUES (gen_random_uuid(), 'source_silent', "
                       "'m', 1, now(), ledger_tick(), 'main')"));
    assert_prints(sources_command, (struct list_command_config){0}, NULL, 1, "silent");
    assert_prints(failures_command, (struct list_command_config){0}, NULL, 1, "source_silent");
    assert_prints(failures_command, (struct list_command_config){.filters = {"closed"}}, NULL, 0,
                  "CODE");
}

static void json_has_all_columns_with_their_types(void **state)
{
    json_t *rows;

    (void)state;
    build_history();
    rows = rows_of(assets_command, (struct list_command_config){.filters = {REPO ":1.0"}}, NULL);
    assert_int_equal(json_array_size(rows), 1);
    assert_true(json_is_false(json_object_get(json_array_get(rows, 0), "floating")));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "digests")), 1);
    assert_string_equal(cell(rows, 0, "tag"), "1.0");
    json_decref(rows);
    rows = rows_of(history_command, (struct list_command_config){0}, "nobody");
    assert_int_equal(json_array_size(rows), 0);
    json_decref(rows);
}

static void a_limit_ends_a_list_and_none_does_not(void **state)
{
    json_t *rows;

    (void)state;
    add_push(&w, "e1", "0", digest_of('a'), T(0));
    world_apply(&w);
    free(world_sql(&w, "INSERT INTO detection_failures (failure_id, code, message, attempts, "
                       "opened_at, known_at, source) SELECT gen_random_uuid(), 'c', 'm', 1, now(), "
                       "(SELECT ledger_tick()), n::text FROM generate_series(1, 2500) n"));
    rows = rows_of(failures_command, (struct list_command_config){.limit = 0}, NULL);
    assert_int_equal(json_array_size(rows), 2500);
    json_decref(rows);
    rows = rows_of(failures_command, (struct list_command_config){.limit = 1200}, NULL);
    assert_int_equal(json_array_size(rows), 1200);
    json_decref(rows);
}

/* Failures 1 to 1001, a second apart, closed but for the newest; and sources of the same names. */
static void fill_beyond_the_limit(void)
{
    free(world_sql(&w, "INSERT INTO detection_failures (failure_id, code, message, attempts, "
                       "opened_at, closed_at, known_at, closed_known_at, source) SELECT "
                       "gen_random_uuid(), CASE n WHEN 1001 THEN 'new' ELSE 'old' END, 'm', 1, at, "
                       "CASE WHEN n < 1001 THEN at END, k, CASE WHEN n < 1001 THEN k END, n::text "
                       "FROM (SELECT ledger_tick() AS k) t, generate_series(1, 1001) n, "
                       "LATERAL (SELECT '2026-11-01'::timestamptz + n * interval '1 s' AS at) a"));
    free(world_sql(
            &w,
            "INSERT INTO source_reports (event_id, source, source_kind, state, observed_at, "
            "known_at) SELECT gen_random_uuid(), to_char(n, 'FM0000'), 'harbor', CASE n "
            "WHEN 1001 THEN 'silent' ELSE 'speaking' END, now(), k FROM (SELECT ledger_tick() AS "
            "k) t, generate_series(1, 1001) n"));
}

static void an_alarm_that_the_limit_leaves_out_raises_the_exit_code(void **state)
{
    struct list_command_config asked = {.postgres = w.conninfo, .format = "text", .limit = 1000};
    static const char left_out[] = "there are more rows: --limit=0 prints all of them\nsome of "
                                   "them are ";

    (void)state;
    fill_beyond_the_limit();
    assert_refuses(failures_command, &asked, NULL, 1, left_out);
    assert_refuses(sources_command, &asked, NULL, 1, left_out);
    asked.format = "json";
    assert_refuses(failures_command, &asked, NULL, 1, "--state=open");
    assert_refuses(sources_command, &asked, NULL, 1, "--state=silent");
    asked.limit = 5;
    asked.filters[1] = "old"; /* of these none is open */
    assert_refuses(failures_command, &asked, NULL, 0, "there are more rows");
    asked = (struct list_command_config){.format = "text", .limit = 5, .filters = {"closed"}};
    asked.postgres = w.conninfo;
    assert_refuses(failures_command, &asked, NULL, 0, "there are more rows");
    asked = (struct list_command_config){.format = "text", .limit = 5};
    asked.postgres = w.conninfo;
    asked.valid_at = "2026-11-01T00:10:00Z"; /* the open one came later */
    assert_refuses(failures_command, &asked, NULL, 0, "there are more rows");
}

static void what_is_not_known_is_told_how_to_write(void **state)
{
    struct list_command_config asked = {.postgres = w.conninfo, .format = "text"};

    (void)state;
    assert_refuses(history_command, &asked, "nobody", 1,
                   "nothing is known of 'nobody' at that instant: write an asset as "
                   "'muster-inventory assets' lists it, or give a digest, a pod's name or uid\n");
    assert_refuses(whowas_command, &asked, "nobody", 1, "name or uid, a node or an owner\n");
}

static void wrong_use_is_exit_2_and_no_database_exit_3(void **state)
{
    int code = -1;
    struct list_command_config away = {.postgres = "host=/nonexistent", .format = "text"};

    (void)state;
    assert_prints(history_command, (struct list_command_config){0}, NULL, 2, "");
    assert_prints(assets_command, (struct list_command_config){0}, "word", 2, "");
    assert_prints(assets_command, (struct list_command_config){.format = "xml"}, NULL, 2, "");
    assert_prints(assets_command, (struct list_command_config){.valid_at = "now"}, NULL, 2, "");
    assert_prints(diff_command, (struct list_command_config){.filters = {"then"}}, NULL, 2, "");
    assert_prints(sample_command, (struct list_command_config){.filters = {"s", "0"}}, NULL, 2, "");
    assert_prints(failures_command, (struct list_command_config){.filters = {"ajar"}}, NULL, 2, "");
    free(captured(assets_command, &away, 0, NULL, &code));
    assert_int_equal(code, 3);
}

static void a_container_has_since_when_until_when_and_why(void **state)
{
    json_t *rows;

    (void)state;
    build_history();
    rows = rows_of(instances_command,
                   (struct list_command_config){.valid_at = AT_60, .filters = {[4] = "scanned"}},
                   NULL);
    assert_int_equal(json_array_size(rows), 1);
    assert_string_equal(cell(rows, 0, "since"), "2026-11-01T00:50:00.000000Z");
    assert_string_equal(cell(rows, 0, "expires_at"), "2026-12-01T00:50:00.000000Z");
    assert_sql(&w,
               mu_arena_printf(w.arena,
                               "SELECT count(*) FROM scans WHERE scan_id = '%s' AND finished_at = "
                               "'2026-11-01T00:50Z'",
                               cell(rows, 0, "cause_id")),
               "1");
    json_decref(rows);
}

/* ---- diff ---- */

static void every_difference_has_its_one_cause(void **state)
{
    static const struct {
        const char *change, *subject, *cause, *cause_at;
    } expected[] = {
            {"container_started", "prod/default/comes/main", "started",
             "2026-11-01T00:20:00.000000Z"},
            {"container_stopped", "prod/default/goes/main", "pod_removed",
             "2026-11-01T00:30:00.000000Z"},
            {"state_changed", "prod/default/scanned/main", "scan_completed",
             "2026-11-01T00:50:00.000000Z"},
            {"tag_created", REPO ":3.0", "pushed", "2026-11-01T00:41:00.000000Z"},
            {"tag_moved", REPO ":latest", "pushed", "2026-11-01T00:40:00.000000Z"},
    };
    enum { COUNT = sizeof(expected) / sizeof(expected[0]) };
    json_t *rows;

    (void)state;
    build_history();
    rows = rows_of(diff_command,
                   (struct list_command_config){.filters = {AT_10}, .valid_at = AT_60}, NULL);
    assert_int_equal(json_array_size(rows), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        size_t row = row_of(rows, expected[i].change, expected[i].subject);

        assert_string_equal(cell(rows, row, "cause"), expected[i].cause);
        assert_string_equal(cell(rows, row, "cause_at"), expected[i].cause_at);
    }
    json_decref(rows);
    assert_prints(diff_command, (struct list_command_config){.filters = {AT_10}, .valid_at = AT_60},
                  NULL, 1, "scan_completed");
    assert_prints(diff_command, (struct list_command_config){.filters = {AT_60}, .valid_at = AT_60},
                  NULL, 0, "CHANGE");
}

static void what_time_alone_changes_has_its_cause_too(void **state)
{
    json_t *rows;

    (void)state;
    build_history();
    rows = rows_of(
            diff_command,
            (struct list_command_config){.filters = {AT_60}, .valid_at = "2027-01-01T00:00:00Z"},
            NULL);
    assert_int_equal(json_array_size(rows), 3); /* stays, comes, scanned */
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(cell(rows, i, "to_state"), "scan_expired");
        assert_string_equal(cell(rows, i, "cause"), "scan_expired");
        assert_true(strncmp(cell(rows, i, "cause_at"), "2026-12-01T0", 12) == 0);
    }
    json_decref(rows);
}

static void other_causes_are_told_apart(void **state)
{
    json_t *rows;
    size_t row;

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "2.0", digest_of('b'), T(0));
    add_pod(&w, "e3",
            (struct pod){.uid = "deleted",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(1),
                         .at = T(1)});
    add_pod(&w, "e4",
            (struct pod){.uid = "excluded",
                         .tag = "2.0",
                         .digest = digest_of('b'),
                         .started = T(1),
                         .at = T(1)});
    add_pod(&w, "e5",
            (struct pod){.uid = "restarts",
                         .container_id = "c1",
                         .tag = "2.0",
                         .digest = digest_of('b'),
                         .started = T(1),
                         .at = T(1)});
    add_pod(&w, "e6",
            (struct pod){.uid = "restarts",
                         .container_id = "c2",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(30),
                         .at = T(30)});
    add_pod(&w, "e7",
            (struct pod){.uid = "finishes",
                         .container_id = "c3",
                         .tag = "2.0",
                         .digest = digest_of('b'),
                         .started = T(1),
                         .at = T(1)});
    add_pod(&w, "e8",
            (struct pod){.uid = "finishes",
                         .container_id = "c3",
                         .tag = "2.0",
                         .digest = digest_of('b'),
                         .started = T(1),
                         .finished = T(31),
                         .at = T(31)});
    add_delete(&w, "e9", NULL, digest_of('a'), T(40));
    world_apply(&w);
    free(world_sql(&w, "INSERT INTO exclusions SELECT gen_random_uuid(), '" REPO ":2.0', "
                       "'2026-11-01T00:45:00Z', NULL, 'why', 'ann', ledger_tick()"));
    rows = rows_of(diff_command,
                   (struct list_command_config){.filters = {AT_10}, .valid_at = AT_60}, NULL);
    row = row_of(rows, "state_changed", "prod/default/deleted/main");
    assert_string_equal(cell(rows, row, "cause"), "registry_deleted");
    row = row_of(rows, "state_changed", "prod/default/excluded/main");
    assert_string_equal(cell(rows, row, "cause"), "exclusion_began");
    row = row_of(rows, "image_changed", "prod/default/restarts/main");
    assert_string_equal(cell(rows, row, "cause"), "restarted");
    assert_string_equal(cell(rows, row, "from_image"), REPO ":2.0");
    assert_string_equal(cell(rows, row, "to_image"), REPO ":1.0");
    row = row_of(rows, "container_stopped", "prod/default/finishes/main");
    assert_string_equal(cell(rows, row, "cause"), "finished");
    row = row_of(rows, "tag_deleted", REPO ":1.0");
    assert_string_equal(cell(rows, row, "cause"), "deleted");
    assert_string_equal(cell(rows, row, "cause_at"), "2026-11-01T00:40:00.000000Z");
    assert_int_equal(json_array_size(rows), 5);
    json_decref(rows);
}

/* Between these instants the one row of diff, "from_state > to_state cause cause_at". */
static void assert_change(const char *from, const char *to, const char *wanted)
{
    json_t *rows = rows_of(diff_command,
                           (struct list_command_config){.filters = {from}, .valid_at = to}, NULL);
    size_t row = row_of(rows, "state_changed", "prod/default/p1/main");
    MU_AUTO_FREE char *found = NULL;

    assert_true(asprintf(&found, "%s > %s %s %s", cell(rows, row, "from_state"),
                         cell(rows, row, "to_state"), cell(rows, row, "cause"),
                         cell(rows, row, "cause_at")) > 0);
    assert_string_equal(found, wanted);
    json_decref(rows);
}

/* What came before the time asked for is no cause of what changed in it. */
static void the_cause_is_the_last_that_it_took(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_scan(&w, "s1", (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(1)});
    add_pod(&w, "e2",
            (struct pod){.uid = "p1",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(2),
                         .at = T(2)});
    add_delete(&w, "e3", NULL, digest_of('a'), T(5));
    add_push(&w, "e4", "1.0", digest_of('a'), T(40 * 24 * 60));
    world_apply(&w);
    free(world_sql(&w, "INSERT INTO exclusions SELECT gen_random_uuid(), '" REPO ":1.0', "
                       "'2026-12-21', '2026-12-25', 'why', 'ann', ledger_tick()"));
    assert_change(AT_10, "2026-12-02T00:00:00Z",
                  "covered > not_in_registry scan_expired 2026-12-01T00:01:00.000000Z");
    assert_change("2026-12-02T00:00:00Z", "2026-12-20T00:00:00Z",
                  "not_in_registry > scan_expired registry_pushed 2026-12-11T00:00:00.000000Z");
    assert_change("2026-12-20T00:00:00Z", "2026-12-22T00:00:00Z",
                  "scan_expired > excluded exclusion_began 2026-12-21T00:00:00.000000Z");
    assert_change("2026-12-22T00:00:00Z", "2026-12-26T00:00:00Z",
                  "excluded > scan_expired exclusion_ended 2026-12-25T00:00:00.000000Z");
}

/* ---- sample ---- */

static void run_many(void)
{
    char *uid, *id;

    for (int i = 0; i < 40; i++) {
        uid = mu_arena_printf(w.arena, "p%d", i);
        id = mu_arena_printf(w.arena, "e%d", i);
        add_pod(&w, id,
                (struct pod){.uid = uid,
                             .tag = i < 37    ? "big"
                                    : i == 37 ? "b"
                                    : i == 38 ? "c"
                                              : "d",
                             .digest = digest_of('a'),
                             .started = T(1),
                             .at = T(1)});
    }
    world_apply(&w);
}

static json_t *draw(const char *seed, const char *n)
{
    return rows_of(sample_command,
                   (struct list_command_config){.filters = {seed, n}, .valid_at = AT_60}, NULL);
}

static void a_sample_has_one_of_each_asset_first(void **state)
{
    json_t *rows;

    (void)state;
    run_many();
    rows = draw("1", "6");
    assert_int_equal(json_array_size(rows), 6);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(cell(rows, i, "uai"), cell(rows, j, "uai"));
    assert_string_equal(cell(rows, 4, "uai"), REPO ":big");
    assert_string_equal(cell(rows, 5, "uai"), REPO ":big");
    assert_string_not_equal(cell(rows, 4, "pod"), cell(rows, 5, "pod"));
    json_decref(rows);
}

/* Another scan of the same digest is not told of. */
static void a_sample_tells_who_scanned_and_with_what_database(void **state)
{
    json_t *rows;

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_pod(&w, "e2",
            (struct pod){.uid = "p1", .tag = "1.0", .digest = digest_of('a'), .started = T(1)});
    add_pod(&w, "e3",
            (struct pod){.uid = "p2", .tag = "2.0", .digest = digest_of('b'), .started = T(1)});
    add_scan(&w, "s1", (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(2)});
    add_scan(&w, "s2", (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(3)});
    world_apply(&w);
    free(world_sql(&w, "UPDATE scans SET scanner_version = to_char(finished_at, 'MI'), "
                       "database_version = 'db-7', database_built_at = '2026-10-31'"));
    rows = draw("1", "2");
    assert_int_equal(json_array_size(rows), 2);
    for (size_t i = 0; i < 2; i++) {
        bool is_scanned = strcmp(cell(rows, i, "uai"), REPO ":1.0") == 0;

        assert_string_equal(cell(rows, i, "scanner_name"), is_scanned ? "muster-scanner" : "");
        assert_string_equal(cell(rows, i, "scanner_version"), is_scanned ? "03" : "");
        assert_string_equal(cell(rows, i, "database_version"), is_scanned ? "db-7" : "");
        assert_int_equal(strncmp(cell(rows, i, "database_built_at"), "2026-10-31", 10) == 0,
                         is_scanned);
    }
    json_decref(rows);
}

static void the_same_seed_draws_the_same_and_another_does_not(void **state)
{
    json_t *first, *second, *other;

    (void)state;
    run_many();
    first = draw("1", "20");
    second = draw("1", "20");
    other = draw("2", "20");
    assert_true(json_equal(first, second));
    assert_false(json_equal(first, other));
    json_decref(first);
    json_decref(second);
    json_decref(other);
    assert_prints(
            sample_command,
            (struct list_command_config){.filters = {"1", "1"}, .valid_at = "2026-10-01T00:00:00Z"},
            NULL, 1, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(assets_are_listed_with_their_digests),
            WORLD_TEST(every_asset_runs_or_does_not),
            WORLD_TEST(instances_are_listed_by_place_and_state),
            WORLD_TEST(history_and_whowas_find_a_pod_at_an_instant),
            WORLD_TEST(sources_and_failures_raise_the_exit_code),
            WORLD_TEST(json_has_all_columns_with_their_types),
            WORLD_TEST(a_limit_ends_a_list_and_none_does_not),
            WORLD_TEST(an_alarm_that_the_limit_leaves_out_raises_the_exit_code),
            WORLD_TEST(what_is_not_known_is_told_how_to_write),
            WORLD_TEST(wrong_use_is_exit_2_and_no_database_exit_3),
            WORLD_TEST(a_container_has_since_when_until_when_and_why),
            WORLD_TEST(every_difference_has_its_one_cause),
            WORLD_TEST(what_time_alone_changes_has_its_cause_too),
            WORLD_TEST(other_causes_are_told_apart),
            WORLD_TEST(the_cause_is_the_last_that_it_took),
            WORLD_TEST(a_sample_has_one_of_each_asset_first),
            WORLD_TEST(a_sample_tells_who_scanned_and_with_what_database),
            WORLD_TEST(the_same_seed_draws_the_same_and_another_does_not),
    };

    return pg_server_group(&world_server, tests);
}

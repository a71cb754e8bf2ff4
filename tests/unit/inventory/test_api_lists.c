/* Lists over HTTP: pages, forms, filters, tags, and the two instants of every question. */
#include "api_world.h"

static int get_after(const char *target, const char *cursor)
{
    char next[8192];

    (void)snprintf(next, sizeof(next), "%s&cursor=%s", target, cursor);
    return get(next);
}

/* ---- pages ---- */

static void pages_go_on_until_the_last(void **state)
{
    char cursor[4096];

    (void)state;
    push_three();
    assert_int_equal(get("/v1/assets?limit=2"), 200);
    assert_says(REPO ":1.0");
    assert_says(REPO ":1.1");
    assert_int_equal(occurrences("\"uai\""), 2);
    assert_true(snprintf(cursor, sizeof(cursor), "%s", member_of("next_cursor")) <
                (int)sizeof(cursor));
    assert_string_equal(header_of("Muster-Next-Cursor"), cursor);
    assert_int_equal(get_after("/v1/assets?limit=2", cursor), 200);
    assert_says(REPO ":1.2");
    assert_int_equal(occurrences("\"uai\""), 1);
    assert_says("\"next_cursor\":null");
    assert_int_equal(get("/v1/assets?limit=3"), 200);
    assert_says("\"next_cursor\":null");
}

static void pages_are_of_the_state_of_the_first(void **state)
{
    char cursor[4096];

    (void)state;
    push_three();
    assert_int_equal(get("/v1/assets?limit=1"), 200);
    assert_true(snprintf(cursor, sizeof(cursor), "%s", member_of("next_cursor")) <
                (int)sizeof(cursor));
    add_push(&w, "e4", "1.05", digest_of('d'), T(3)); /* between the first and the second */
    world_apply(&w);
    assert_int_equal(get_after("/v1/assets?limit=9", cursor), 200);
    assert_int_equal(occurrences("\"uai\""), 2);
    assert_null(strstr(body(), ":1.05"));
    assert_int_equal(get("/v1/assets"), 200);
    assert_says(":1.05");
}

static void a_cursor_goes_with_its_question_alone(void **state)
{
    char cursor[4096];

    (void)state;
    push_three();
    assert_int_equal(get("/v1/assets?limit=1&repository=" REPO), 200);
    assert_true(snprintf(cursor, sizeof(cursor), "%s", member_of("next_cursor")) <
                (int)sizeof(cursor));
    assert_int_equal(get_after("/v1/assets?limit=1&repository=" REPO, cursor), 200);
    assert_int_equal(get_after("/v1/assets?limit=1", cursor), 400);
    assert_says("another question");
    assert_int_equal(get_after("/v1/instances?limit=1", cursor), 400);
    assert_int_equal(get_after("/v1/assets?valid_at=2026-11-01T00:00:00Z&repository=" REPO, cursor),
                     400);
    assert_says("another instant");
}

static void a_cursor_that_is_none_is_400(void **state)
{
    static const char *const cursors[] = {"", "x", "AAAA", "MQ", "%00", "MQoxCjEKMQo", "%ff"};

    (void)state;
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++)
        assert_int_equal(get_after("/v1/assets?limit=1", cursors[i]), 400);
}

static void every_row_of_a_container_has_its_place_in_the_pages(void **state)
{
    char cursor[4096] = "";
    size_t a = 0, b = 0;

    (void)state;
    run_two();
    for (int page = 0; page < 4; page++) {
        assert_int_equal(page ? get_after("/v1/instances?limit=1", cursor)
                              : get("/v1/instances?limit=1"),
                         200);
        assert_int_equal(occurrences("\"instance_id\""), 1);
        a += occurrences("\"digest\":\"sha256:a");
        b += occurrences("\"digest\":\"sha256:b");
        assert_true(snprintf(cursor, sizeof(cursor), "%s", member_of("next_cursor")) <
                    (int)sizeof(cursor));
    }
    assert_int_equal(a, 2);
    assert_int_equal(b, 2);
    assert_string_equal(cursor, "");
}

/* ---- parameters ---- */

static void parameters_that_are_wrong_are_400(void **state)
{
    static const char *const targets[] = {
            "/v1/assets?limit=0",
            "/v1/assets?limit=1001",
            "/v1/assets?limit=-1",
            "/v1/assets?limit=x",
            "/v1/assets?limit=",
            "/v1/assets?limit=1.5",
            "/v1/assets?limit=99999999999999999999",
            "/v1/assets?limit=1%20",
            "/v1/assets?limit=1%00",
            "/v1/assets?limit=1&limit=1",
            "/v1/assets?limit",
            "/v1/assets?nothing=1",
            "/v1/assets?uai=",
            "/v1/assets?uai=%ff%fe",
            "/v1/assets?floating=maybe",
            "/v1/assets?valid_at=",
            "/v1/coverage?valid_at=now",
            "/v1/coverage?valid_at=2026-13-01T00:00:00Z",
            "/v1/coverage?known_at=2026-11-01",
            "/v1/instances?valid_at=infinity",
            "/v1/instances?known_at=2026-11-01T00:00:00",
            "/v1/instances?state=fine",
            "/v1/totals",
            "/v1/totals?by=colour",
            "/v1/history",
            "/v1/sample?seed=1",
            "/v1/sample?seed=1&n=0",
            "/v1/sample?seed=1&n=1001",
            "/v1/diff",
            "/v1/diff?from=yesterday",
            "/v1/diff?from=2026-11-01T00:00:00Z&valid_at=2026-11-01T00:00:00Z",
            "/v1/ledger?valid_at=2026-11-01T00:00:00Z",
            "/v1/audit?since=yesterday",
            "/v1/digests/x?limit=1",
            "/v1/evidence/x?a=b",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        if (get(targets[i]) != 400)
            fail_msg("%s: %.200s", targets[i], reply);
        assert_string_equal(header_of("Content-Type"), "application/problem+json");
        assert_says("\"status\":400");
    }
}

static void a_value_is_as_long_as_its_limit_at_most(void **state)
{
    char target[1200];
    size_t len;

    (void)state;
    len = (size_t)snprintf(target, sizeof(target), "/v1/assets?uai=");
    memset(target + len, 'a', LIST_TEXT_MAX_CHARACTERS + 1);
    target[len + LIST_TEXT_MAX_CHARACTERS] = '\0';
    assert_int_equal(get(target), 200);
    target[len + LIST_TEXT_MAX_CHARACTERS] = 'a';
    target[len + LIST_TEXT_MAX_CHARACTERS + 1] = '\0';
    assert_int_equal(get(target), 400);
}

static void filters_narrow_a_list(void **state)
{
    static const struct {
        const char *target;
        size_t rows;
    } cases[] = {
            {"/v1/instances", 4},
            {"/v1/instances?uai=registry.example/app:1.0", 4},
            {"/v1/instances?uai=registry.example/app:2.0", 0},
            {"/v1/instances?cluster=prod&namespace=default", 4},
            {"/v1/instances?cluster=test", 0},
            {"/v1/instances?pod=p1", 2},
            {"/v1/instances?state=never_scanned", 4},
            {"/v1/instances?state=covered", 0},
            {"/v1/instances?node=n", 0},
            {"/v1/instances?valid_at=2026-11-01T00:00:59Z", 0},
            {"/v1/instances?valid_at=2026-11-01T02:01:00%2B02:00", 4},
            {"/v1/instances?valid_at=2026-11-01T23:01:00%2B23:00", 4},
            {"/v1/instances?known_at=2026-11-01T00:00:59Z", 0},
            {"/v1/assets?floating=true", 0},
            {"/v1/assets?floating=false", 1},
            {"/v1/whowas?subject=p2", 1},
            {"/v1/whowas?subject=default/p2", 1},
            {"/v1/whowas?subject=registry.example/app:1.0", 2},
    };

    (void)state;
    run_two();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(get(cases[i].target), 200);
        if (occurrences("\n{") != cases[i].rows)
            fail_msg("%s: %.400s", cases[i].target, body());
    }
}

static void an_index_is_found_by_what_is_within(void **state)
{
    char target[200];

    (void)state;
    run_two();
    (void)snprintf(target, sizeof(target), "/v1/whowas?subject=%.80s", digest_of('a'));
    assert_int_equal(get(target), 200);
    assert_int_equal(occurrences("\n{"), 2);
    (void)snprintf(target, sizeof(target), "/v1/instances?digest=%.80s", digest_of('a'));
    assert_int_equal(get(target), 200);
    assert_int_equal(occurrences("\n{"), 2);
}

static void totals_are_by_what_is_asked(void **state)
{
    (void)state;
    run_two();
    assert_int_equal(get("/v1/totals?by=namespace"), 200);
    assert_says("{\"name\":\"prod/default\",\"state\":\"never_scanned\",\"containers\":2}");
    assert_int_equal(get("/v1/totals?by=asset"), 200);
    assert_says("{\"name\":\"" REPO ":1.0\",\"state\":\"never_scanned\",\"containers\":2}");
    assert_int_equal(get("/v1/totals?by=node"), 200);
    assert_says("{\"name\":\"\",");
}

/* ---- instants ---- */

/* What is said of an instant as known then stays said, whatever is learned later. */
static void a_late_event_changes_later_knowledge_alone(void **state)
{
    static const char *const targets[] = {"/v1/assets?",
                                          "/v1/instances?",
                                          "/v1/coverage?",
                                          "/v1/totals?by=asset&",
                                          "/v1/history?subject=registry.example/app:1.0&",
                                          "/v1/whowas?subject=p1&",
                                          "/v1/sources?",
                                          "/v1/failures?",
                                          "/v1/findings?",
                                          "/v1/vulnerabilities?repository=registry.example/app&",
                                          "/v1/vulnerability-counts?",
                                          "/v1/sample?seed=s&n=9&",
                                          "/v1/assets/registry.example/app:1.0?"};
    enum { COUNT = sizeof(targets) / sizeof(targets[0]) };
    char target[512], *before[COUNT];
    char *known;

    (void)state;
    run_two();
    add_push(&w, "e8", "1.0", digest_of('1'), T(0));
    world_apply(&w);
    known = world_sql(&w, "SELECT to_char(known_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') "
                          "FROM ledger_clock");
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(target, sizeof(target), "%svalid_at=2026-11-20T00:00:00Z&known_at=%s",
                       targets[i], known);
        assert_int_equal(get(target), 200);
        before[i] = strdup(body());
    }
    add_push(&w, "e9", "1.0", digest_of('e'), T(5)); /* all of it was so long ago */
    add_pod(&w, "e10", (struct pod){.uid = "p1", .removed = true, .at = T(6)});
    add_scan(&w, "s9", (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(7)});
    world_apply(&w);
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(target, sizeof(target), "%svalid_at=2026-11-20T00:00:00Z&known_at=%s",
                       targets[i], known);
        assert_int_equal(get(target), 200);
        assert_string_equal(body(), before[i]);
        free(before[i]);
    }
    free(known);
    assert_int_equal(get("/v1/instances?valid_at=2026-11-20T00:00:00Z"), 200);
    assert_int_equal(occurrences("\n{"), 2);
}

static void an_answer_tells_its_instants(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/coverage?valid_at=2026-11-20T02:00:00%2B02:00"
                         "&known_at=2026-11-21T00:00:00Z"),
                     200);
    assert_string_equal(member_of("valid_at"), "2026-11-20T00:00:00.000000Z");
    assert_string_equal(member_of("known_at"), "2026-11-21T00:00:00.000000Z");
    assert_int_equal(get("/v1/ledger"), 200);
    assert_null(strstr(body(), "valid_at"));
}

/* ---- forms ---- */

static void csv_has_the_rows_of_json(void **state)
{
    (void)state;
    push_three();
    assert_int_equal(ask("GET", "/v1/assets?limit=2", "Accept: text/csv\r\n", NULL), 200);
    assert_non_null(strstr(header_of("Content-Type"), "text/csv"));
    assert_true(strncmp(body(), "uai,digest,digests,floating,known_since,", 40) == 0);
    assert_says("\r\n" REPO ":1.0,sha256:aaaaaaa");
    assert_int_equal(occurrences("\r\n"), 3);
    assert_true(strlen(header_of("Muster-Next-Cursor")) > 20);
}

static void csv_quotes_and_defuses_formulas(void **state)
{
    (void)state;
    free(world_sql(&w,
                   "INSERT INTO detection_failures (failure_id, code, message, attempts, "
                   "opened_at, known_at, source) VALUES (gen_random_uuid(), '=1+1', 'a \"b\", c', "
                   "1, now(), ledger_tick(), '-s')"));
    assert_int_equal(ask("GET", "/v1/failures", "Accept: text/csv\r\n", NULL), 200);
    assert_says("open,\"'=1+1\",\"'-s\",");
    assert_says("\"a \"\"b\"\", c\"");
}

static void the_form_is_what_the_client_wants_most(void **state)
{
    static const struct {
        const char *accept, *type; /* NULL: 406 */
    } cases[] = {{"*/*", "application/json"},
                 {"text/*", "text/csv; charset=utf-8; header=present"},
                 {"text/csv;q=0.5, application/json", "application/json"},
                 {"text/csv, application/json;q=0.9", "text/csv; charset=utf-8; header=present"},
                 {"application/xml", NULL},
                 {"text/csv;q=0, application/json;q=0", NULL}};
    char header[200];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(header, sizeof(header), "Accept: %s\r\n", cases[i].accept);
        assert_int_equal(ask("GET", "/v1/coverage", header, NULL), cases[i].type ? 200 : 406);
        assert_string_equal(header_of("Content-Type"),
                            cases[i].type ? cases[i].type : "application/problem+json");
    }
    assert_int_equal(ask("GET", "/v1/assets/x", "Accept: text/csv\r\n", NULL), 406);
    assert_int_equal(ask("GET", "/v1/digests/x", "Accept: text/csv\r\n", NULL), 406);
    assert_int_equal(ask("GET", "/v1/evidence/x", "Accept: text/csv\r\n", NULL), 406);
}

/* ---- tags ---- */

static void what_has_not_changed_is_304(void **state)
{
    static const char *const targets[] = {"/v1/assets", "/v1/assets/registry.example/app:1.0",
                                          "/v1/coverage"};
    char header[200];

    (void)state;
    push_three();
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        assert_int_equal(get(targets[i]), 200);
        assert_true(snprintf(header, sizeof(header), "If-None-Match: \"x\", %s\r\n",
                             header_of("ETag")) < (int)sizeof(header));
        assert_int_equal(ask("GET", targets[i], header, NULL), 304);
        assert_string_equal(body(), "");
        assert_int_equal(ask("GET", targets[i], "If-None-Match: *\r\n", NULL), 304);
        assert_int_equal(ask("GET", targets[i], "If-None-Match: \"x\"\r\n", NULL), 200);
    }
}

static void what_has_changed_has_another_tag(void **state)
{
    char header[200];

    (void)state;
    push_three();
    assert_int_equal(get("/v1/assets"), 200);
    assert_true(snprintf(header, sizeof(header), "If-None-Match: %s\r\n", header_of("ETag")) <
                (int)sizeof(header));
    assert_int_equal(ask("GET", "/v1/assets", header, NULL), 304);
    (void)strncat(header, "Accept: text/csv\r\n", sizeof(header) - strlen(header) - 1);
    assert_int_equal(ask("GET", "/v1/assets", header, NULL), 200);
    add_push(&w, "e4", "1.3", digest_of('d'), T(3));
    world_apply(&w);
    assert_int_equal(ask("GET", "/v1/assets", header, NULL), 200);
}

/* ---- what the lists say ---- */

static void history_tells_everything_in_order(void **state)
{
    static const char *const kinds[] = {"tag_set",       "image_pushed", "run_started",
                                        "scan_complete", "run_ended",    "image_deleted"};
    const char *at;

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_pod(&w, "e2",
            (struct pod){.uid = "p1",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(1),
                         .at = T(1)});
    add_scan(&w, "s1", (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(2)});
    add_pod(&w, "e3", (struct pod){.uid = "p1", .removed = true, .at = T(3)});
    add_delete(&w, "e4", NULL, digest_of('a'), T(4));
    world_apply(&w);
    assert_int_equal(get("/v1/history?subject=registry.example/app:1.0"), 200);
    for (size_t i = 2; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        at = strstr(body(), kinds[i]);
        if (!at || at < strstr(body(), kinds[i - 1]))
            fail_msg("%s: %s", kinds[i], body());
    }
    assert_says("\"subject\":\"prod/default/p1/main\"");
}

/* Each by itself, so that the instants of knowledge differ. */
static void apply_pod(const char *id, struct pod pod)
{
    pod.uid = "p1";
    pod.tag = "1.0";
    pod.digest = digest_of('a');
    add_pod(&w, id, pod);
    world_apply(&w);
}

static void history_names_the_event_of_each_start_and_end(void **state)
{
    (void)state;
    apply_pod("first", (struct pod){.container_id = "r1", .started = T(1), .at = T(1)});
    apply_pod("again", (struct pod){.container_id = "r1", .started = T(1), .at = T(2)});
    apply_pod("second", (struct pod){.container_id = "r2", .started = T(3), .at = T(3)});
    apply_pod("finish",
              (struct pod){.container_id = "r2", .started = T(3), .finished = T(4), .at = T(4)});
    apply_pod("sight", (struct pod){.container_id = "r3", .at = T(5)});
    apply_pod("removal", (struct pod){.removed = true, .waiting = true, .at = T(6)});
    assert_sql(&w,
               "SELECT string_agg(h.kind || ' ' || l.ce_id, ', ' ORDER BY h.at, h.kind) FROM "
               "list_history('infinity', 'infinity', 'p1') h JOIN ledger l ON l.event_id = "
               "h.event_id AND l.known_at = h.known_at",
               "run_started first, run_ended second, run_started second, run_ended finish, "
               "run_started sight, run_ended removal");
}

static void the_ledger_balances(void **state)
{
    (void)state;
    push_three();
    assert_int_equal(get("/v1/ledger"), 200);
    assert_int_equal(occurrences("\"difference\":0}"), 1);
    assert_says("\"received\":3,\"applied\":3,\"quarantined\":0,\"duplicates\":0");
}

/* The first of them is called by an alias in one of two packages. */
static void vulnerabilities_are_counted_once_an_asset_with_their_clocks(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_scan(&w, "s1",
             (struct scan){.digest = digest_of('a'),
                           .uai = REPO ":1.0",
                           .at = T(1),
                           .evidence = add_evidence(
                                   &w, digest_of('a'),
                                   "[{\"id\":\"CVE-2026-1\",\"severity\":\"high\",\"package\":"
                                   "\"zlib\",\"package_version\":\"1\"},"
                                   "{\"id\":\"GHSA-1\",\"aliases\":[\"CVE-2026-1\"],\"severity\":"
                                   "\"high\",\"package\":\"zlib2\",\"package_version\":\"1\"},"
                                   "{\"id\":\"CVE-2026-2\",\"severity\":\"low\",\"package\":"
                                   "\"zlib\",\"package_version\":\"1\"}]")});
    world_apply(&w);
    assert_int_equal(get("/v1/vulnerabilities?repository=" REPO), 200);
    assert_int_equal(occurrences("\n{"), 2);
    assert_says("\"vulnerability\":\"CVE-2026-1\",\"severity\":\"high\",");
    assert_says("\"reported_as\":[\"CVE-2026-1\",\"GHSA-1\"]");
    assert_says("\"due_by\":\"rev5\",\"instances\":0,");
    assert_int_equal(get("/v1/vulnerabilities?repository=" REPO "&vulnerability=GHSA-1"), 200);
    assert_int_equal(occurrences("\n{"), 1);
    assert_int_equal(get("/v1/vulnerabilities?repository=" REPO "&status=late"
                         "&valid_at=2027-11-01T00:00:00Z&rules=strictest"),
                     200);
    assert_int_equal(occurrences("\n{"), 2);
    assert_int_equal(get("/v1/vulnerabilities"), 400);
    assert_int_equal(get("/v1/vulnerabilities?repository=other"), 200);
    assert_int_equal(occurrences("\n{"), 0);
    assert_int_equal(get("/v1/vulnerability-counts"), 200);
    assert_says("{\"severity\":\"high\",\"distinct_vulnerabilities\":1,\"per_asset\":1,"
                "\"per_instance\":0}");
}

static void findings_are_of_the_newest_complete_scan(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_scan(&w, "s1",
             (struct scan){.digest = digest_of('a'),
                           .uai = REPO ":1.0",
                           .at = T(1),
                           .evidence = add_evidence(
                                   &w, digest_of('a'),
                                   "[{\"id\":\"CVE-2026-1\",\"severity\":\"high\",\"package\":"
                                   "\"zlib\",\"version\":\"1\"},"
                                   "{\"id\":\"CVE-2026-3\",\"severity\":\"negligible\","
                                   "\"package\":\"zlib\",\"version\":\"1\"}]")});
    world_apply(&w);
    assert_int_equal(get("/v1/findings?uai=registry.example/app:1.0"), 200);
    assert_int_equal(occurrences("\n{"), 2);
    assert_int_equal(get("/v1/findings?uai=registry.example/app:1.0&severity=high"), 200);
    assert_says("CVE-2026-1");
    assert_int_equal(get("/v1/findings?vulnerability=CVE-2026-2"), 200);
    assert_int_equal(occurrences("\n{"), 0);
    assert_int_equal(get("/v1/findings?severity=negligible"), 200);
    assert_int_equal(occurrences("\n{"), 1);
    assert_says("CVE-2026-3");
    assert_int_equal(get("/v1/findings?valid_at=2026-11-01T00:00:30Z"), 200);
    assert_int_equal(occurrences("\n{"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            API_TEST(pages_go_on_until_the_last),
            API_TEST(pages_are_of_the_state_of_the_first),
            API_TEST(a_cursor_goes_with_its_question_alone),
            API_TEST(a_cursor_that_is_none_is_400),
            API_TEST(every_row_of_a_container_has_its_place_in_the_pages),
            API_TEST(parameters_that_are_wrong_are_400),
            API_TEST(a_value_is_as_long_as_its_limit_at_most),
            API_TEST(filters_narrow_a_list),
            API_TEST(an_index_is_found_by_what_is_within),
            API_TEST(totals_are_by_what_is_asked),
            API_TEST(a_late_event_changes_later_knowledge_alone),
            API_TEST(an_answer_tells_its_instants),
            API_TEST(csv_has_the_rows_of_json),
            API_TEST(csv_quotes_and_defuses_formulas),
            API_TEST(the_form_is_what_the_client_wants_most),
            API_TEST(what_has_not_changed_is_304),
            API_TEST(what_has_changed_has_another_tag),
            API_TEST(history_tells_everything_in_order),
            API_TEST(history_names_the_event_of_each_start_and_end),
            API_TEST(the_ledger_balances),
            API_TEST(findings_are_of_the_newest_complete_scan),
            API_TEST(vulnerabilities_are_counted_once_an_asset_with_their_clocks),
    };

    return pg_server_group(&world_server, tests);
}

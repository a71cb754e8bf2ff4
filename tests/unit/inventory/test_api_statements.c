/* What people state over HTTP: the same records, checks and rules as the commands have; who states
 * it is whose credentials they are; lists of it at any instant. */
#include "api_world.h"

#include "deviation/statement_document.h"
#include "key_fixture.h"

#define UAI   REPO ":1.0"
#define NEW   "registry.example/new"
#define ALICE "Authorization: Bearer operator-token-01\r\n"
#define BOB   "Authorization: Bearer operator-token-02\r\n"
#define ANN   "Authorization: Bearer viewer-token-0001\r\n"
#define JSON  "Content-Type: application/json\r\n"
#define SAID  "\"at\":\"2026-11-10T00:00:00Z\""
#define EXCLUDE                                                                             \
    "{\"asset\":\"" UAI "\",\"record\":\"exclude\",\"rationale\":\"leaves with ticket 9\"," \
    "\"expires_at\":\"2099-01-01T00:00:00Z\""
#define MOVE                                                                     \
    "{\"repository\":\"" REPO "\",\"moved_to\":\"" NEW "\",\"record\":\"move\"," \
    "\"rationale\":\"renamed\""
#define REQUEST                                                                             \
    "{\"deviation\":\"D1\",\"record\":\"request\",\"kind\":\"accepted\",\"vulnerability\":" \
    "\"CVE-2026-1\",\"asset\":\"*\",\"rationale\":\"not reachable\"," SAID "}"

static char access_path[64];

static int open_statements(void **state)
{
    static const char text[] = "token ann viewer viewer-token-0001\n"
                               "token alice operator,as:AO operator-token-01\n"
                               "token bob operator,as:AO operator-token-02\n";
    const struct access_config access = {.mode = "required", .access_file = access_path};
    struct mu_registry_event push =
            registry_event(MU_REGISTRY_PUSH, "1.0", digest_of('b'), T(DAYS(10)));

    (void)open_api(state);
    (void)snprintf(access_path, sizeof(access_path), "/tmp/test_api_statements.%d", (int)getpid());
    key_file_write(access_path, text, strlen(text));
    stop();
    start_with(w.conninfo, &access, 0);
    add_push(&w, "push", "1.0", digest_of('a'), T(0));
    push.repository = NEW;
    add_registry(&w, "new", &push);
    world_apply(&w);
    return 0;
}

static int close_statements(void **state)
{
    (void)unlink(access_path);
    return close_api(state);
}

static int state_as(const char *whose, const char *kind, const char *text)
{
    char headers[256], target[64];

    (void)snprintf(headers, sizeof(headers), "%s%s", whose, JSON);
    (void)snprintf(target, sizeof(target), "/v1/%s", kind);
    return ask("POST", target, headers, text);
}

static int list_as(const char *target)
{
    return ask("GET", target, ANN, NULL);
}

/* ---- exclusions ---- */

static void an_exclusion_is_stated_listed_and_withdrawn(void **state)
{
    char target[128], *before;

    (void)state;
    assert_int_equal(state_as(ALICE, "exclusions", EXCLUDE "," SAID "}"), 201);
    assert_says("\"by\":\"alice\"");
    assert_says("\"at\":\"2026-11-10T00:00:00.000000Z\"");
    assert_says("\"evidence\":null");
    assert_int_equal(strlen(member_of("fact_id")), 36);
    assert_int_equal(list_as("/v1/exclusions?state=holds"), 200);
    assert_says("\"asset\":\"" UAI "\",\"state\":\"holds\",\"rationale\":\"leaves with ticket 9\","
                "\"by\":\"alice\"");
    before = world_sql(&w, "SELECT to_char(known_at AT TIME ZONE 'UTC', "
                           "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM ledger_clock");
    assert_int_equal(state_as(BOB, "exclusions",
                              "{\"asset\":\"" UAI "\",\"record\":\"withdraw\",\"at\":"
                              "\"2026-11-12T00:00:00Z\"}"),
                     201);
    assert_int_equal(list_as("/v1/exclusions"), 200);
    assert_says("\"state\":\"withdrawn\"");
    assert_says("\"withdrawn_by\":\"bob\"");
    assert_int_equal(list_as("/v1/exclusions?valid_at=2026-11-11T00:00:00Z&by=alice"), 200);
    assert_says("\"state\":\"holds\"");
    (void)snprintf(target, sizeof(target), "/v1/exclusions?known_at=%s", before);
    assert_int_equal(list_as(target), 200); /* it was not known so before */
    assert_says("\"state\":\"holds\"");
    free(before);
    assert_int_equal(list_as("/v1/exclusions?asset=registry.example/other:1"), 200);
    assert_int_equal(occurrences("\"asset\""), 0);
}

static void the_rules_are_those_of_the_command(void **state)
{
    (void)state;
    assert_int_equal(state_as(ALICE, "exclusions",
                              "{\"asset\":\"registry.example/other:1\",\"record\":\"exclude\","
                              "\"rationale\":\"r\",\"expires_at\":\"2099-01-01T00:00:00Z\"}"),
                     409);
    assert_says("asset: nothing is known of it");
    assert_int_equal(
            state_as(ALICE, "exclusions", "{\"asset\":\"" UAI "\",\"record\":\"withdraw\"}"), 409);
    assert_says("asset: it is not excluded then");
    assert_int_equal(state_as(ALICE, "exclusions", EXCLUDE "}"), 201);
    assert_int_equal(state_as(BOB, "exclusions", EXCLUDE "}"), 409);
    assert_says("alice has excluded it until 2099-01-01");
    assert_int_equal(
            state_as(ALICE, "exclusions", "{\"asset\":\"" UAI "\",\"record\":\"exclude\"}"), 400);
    assert_says("rationale: is missing, as the record is exclude");
    assert_sql(&w, "SELECT count(*) FROM exclusion_facts", "1");
}

static void the_same_statement_again_is_the_one_that_is_there(void **state)
{
    char first[64];

    (void)state;
    assert_int_equal(state_as(ALICE, "exclusions", EXCLUDE "," SAID "}"), 201);
    (void)snprintf(first, sizeof(first), "%.63s", member_of("fact_id"));
    assert_int_equal(state_as(ALICE, "exclusions", EXCLUDE "," SAID "}"), 200);
    assert_string_equal(member_of("fact_id"), first);
    assert_int_equal(state_as(BOB, "exclusions", EXCLUDE "," SAID "}"), 409); /* not his */
    assert_sql(&w, "SELECT count(*) FROM exclusion_facts", "1");
    assert_sql(&w, "SELECT count(*) FROM exclusions", "1");
}

/* ---- moves ---- */

static void a_move_is_stated_listed_and_withdrawn(void **state)
{
    (void)state;
    assert_int_equal(state_as(ALICE, "moves", MOVE "," SAID "}"), 201);
    assert_int_equal(state_as(ALICE, "moves", MOVE "}"), 409);
    assert_says("repository: it moved to " NEW);
    assert_int_equal(list_as("/v1/moves?moved_to=" NEW), 200);
    assert_says("\"repository\":\"" REPO "\",\"moved_to\":\"" NEW "\"");
    assert_says("\"by\":\"alice\",\"rationale\":\"renamed\"");
    assert_int_equal(list_as("/v1/moves?valid_at=2026-11-09T00:00:00Z"), 200);
    assert_int_equal(occurrences("\"repository\""), 0);
    assert_int_equal(list_as("/v1/history?subject=" NEW ":1.0"), 200);
    assert_says("\"kind\":\"moved\"");
    assert_int_equal(state_as(BOB, "moves",
                              "{\"repository\":\"" REPO "\",\"moved_to\":\"" NEW
                              "\",\"record\":\"withdraw\"}"),
                     201);
    assert_int_equal(list_as("/v1/moves"), 200);
    assert_int_equal(occurrences("\"repository\""), 0);
    assert_int_equal(list_as("/v1/history?subject=" REPO ":1.0"), 200);
    assert_says("\"kind\":\"move_withdrawn\"");
}

/* ---- the others ---- */

static void who_requests_a_deviation_may_not_approve_it(void **state)
{
#define DECIDE(more)                                                                           \
    "{\"deviation\":\"D1\",\"record\":\"approve\",\"role\":\"AO\",\"evidence\":\"letter 17\"," \
    "\"at\":\"2026-11-11T00:00:00Z\"" more "}"
#define UNTIL ",\"expires_at\":\"2027-11-11T00:00:00Z\""
    (void)state;
    assert_int_equal(state_as(ALICE, "deviations", REQUEST), 201);
    assert_int_equal(state_as(ALICE, "deviations", DECIDE(UNTIL)), 409);
    assert_int_equal(list_as("/v1/deviations?state=pending"), 200);
    assert_says("\"requested_by\":\"alice\"");
    assert_int_equal(state_as(BOB, "deviations", DECIDE("")), 409);
    assert_says("expires_at: a vulnerability is accepted until a time; say until when");
    assert_int_equal(state_as(BOB, "deviations", DECIDE(UNTIL)), 201);
    assert_int_equal(list_as("/v1/deviations?kind=accepted&vulnerability=CVE-2026-1&asset=*"), 200);
    assert_says("\"deviation\":\"D1\",\"state\":\"approved\"");
    assert_says("\"decided_by\":\"bob\"");
    assert_int_equal(list_as("/v1/deviations?valid_at=2026-11-10T12:00:00Z"), 200);
    assert_says("\"state\":\"pending\"");
}

static void hardening_exposure_and_ssvc_are_stated_and_listed(void **state)
{
    static const struct {
        const char *kind, *text, *says;
    } cases[] = {
            {"hardening",
             "{\"asset\":\"" UAI "\",\"baseline\":\"CIS 1\",\"record\":\"validate\","
             "\"evidence\":\"report 3\",\"drift\":\"none\"}",
             "\"state\":\"valid\",\"baseline\":\"CIS 1\",\"validated_by\":\"alice\""},
            {"exposures", "{\"asset\":\"" REPO "\",\"public\":\"yes\"}",
             "\"asset\":\"" REPO "\",\"public\":\"yes\""},
            {"ssvc",
             "{\"vulnerability\":\"CVE-2026-1\",\"automatable\":\"no\",\"technical_impact\":"
             "\"total\"}",
             "\"vulnerability\":\"CVE-2026-1\",\"automatable\":\"no\",\"technical_impact\":"
             "\"total\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char target[64];

        (void)snprintf(target, sizeof(target), "/v1/%s", cases[i].kind);
        assert_int_equal(state_as(ALICE, cases[i].kind, cases[i].text), 201);
        assert_int_equal(list_as(target), 200);
        assert_says(cases[i].says);
    }
}

/* ---- what is refused ---- */

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
            {"", "the body: is empty"},
            {"[]", "the body: is no object"},
            {"{", "the body: "},
            {EXCLUDE ",\"by\":\"bob\"}", "by: has no place here"},
            {EXCLUDE ",\"by\":\"\"}", "by: is empty"},
            {EXCLUDE ",\"who\":\"bob\"}", "the body: exclusions has no field 'who'"},
            {EXCLUDE ",\"role\":7}", "the body: role: is no text"},
            {EXCLUDE ",\"role\":\"\"}", "role: is empty"},
            {EXCLUDE ",\"role\":\"=1\"}", "role: begins with '='"},
            {EXCLUDE ",\"at\":\"today\"}", "at: 'today' is no time"},
            {EXCLUDE ",\"at\":\"2099-02-01T00:00:00Z\"}", "expires_at: must be later than at"},
            {"{\"asset\":\"" UAI "\"}", "record: is missing"},
            {"{\"asset\":\"" UAI "\",\"record\":\"keep\"}", "record: 'keep' is none of"},
            {"{\"asset\":\"" UAI "\",\"record\":\"withdraw\",\"expires_at\":"
             "\"2099-01-01T00:00:00Z\"}",
             "expires_at: has no place in a record of withdraw"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = state_as(ALICE, "exclusions", cases[i].text);

        if (status != 400 && status != 409)
            fail_msg("%s: %d", cases[i].text, status);
        assert_says(cases[i].says);
    }
    assert_int_equal(ask("POST", "/v1/exclusions", ALICE, EXCLUDE "}"), 415);
    assert_int_equal(ask("POST", "/v1/exclusions", ALICE JSON "Accept: text/csv\r\n", EXCLUDE "}"),
                     406);
    assert_int_equal(ask("POST", "/v1/exclusions?asset=x", ALICE JSON, EXCLUDE "}"), 400);
    assert_int_equal(state_as(ANN, "exclusions", EXCLUDE "}"), 403);
    assert_int_equal(list_as("/v1/exclusions?state=gone"), 400);
    assert_sql(&w, "SELECT count(*) FROM exclusion_facts", "0");
}

/* ---- lists, and the record ---- */

static void a_list_goes_on_with_its_cursor_and_comes_as_csv(void **state)
{
    char target[4096];

    (void)state;
    assert_int_equal(state_as(ALICE, "exposures", "{\"asset\":\"*\",\"public\":\"no\"}"), 201);
    assert_int_equal(state_as(ALICE, "exposures", "{\"asset\":\"" REPO "\",\"public\":\"yes\"}"),
                     201);
    assert_int_equal(list_as("/v1/exposures?limit=1"), 200);
    assert_says("\"asset\":\"*\"");
    (void)snprintf(target, sizeof(target), "/v1/exposures?limit=1&cursor=%.2000s",
                   member_of("next_cursor"));
    assert_int_equal(list_as(target), 200);
    assert_says("\"asset\":\"" REPO "\"");
    assert_says("\"next_cursor\":null");
    assert_int_equal(ask("GET", "/v1/exposures", ANN "Accept: text/csv\r\n", NULL), 200);
    assert_says("asset,public,at,by,role,rationale,evidence,known_at,fact_id\r\n*,no,");
}

/* Two that begin at one instant, as an import of old may have left them, are on two pages. */
static void two_exclusions_of_one_instant_are_both_listed(void **state)
{
    char target[4096];

    (void)state;
    free(world_sql(&w, "INSERT INTO exclusions (exclusion_id, uai, valid_from, valid_to, reason, "
                       "author, known_at) SELECT gen_random_uuid(), '" UAI "', '2026-11-02', "
                       "'2026-11-03', 'r', 'a', '2026-11-02' FROM generate_series(1, 2)"));
    assert_int_equal(list_as("/v1/exclusions?limit=1"), 200);
    (void)snprintf(target, sizeof(target), "/v1/exclusions?limit=1&cursor=%.2000s",
                   member_of("next_cursor"));
    assert_int_equal(list_as(target), 200);
    assert_int_equal(occurrences("\"asset\""), 1);
    assert_says("\"next_cursor\":null");
}

static void the_audit_log_keeps_what_was_stated_and_what_was_refused(void **state)
{
    uint64_t deadline = mu_monotonic_ms() + DEADLINE_MS;
    char *count = NULL;

    (void)state;
    assert_int_equal(state_as(ALICE, "moves", MOVE "," SAID "}"), 201);
    assert_int_equal(state_as(BOB, "moves", MOVE "," SAID "}"), 409);
    assert_int_equal(state_as(ANN, "moves", MOVE "," SAID "}"), 403);
    do {
        free(count);
        count = world_sql(&w, "SELECT count(*) FROM audit_log");
        (void)poll(NULL, 0, 5);
    } while (strcmp(count, "3") != 0 && mu_monotonic_ms() < deadline);
    free(count);
#define NOTED                                                                           \
    "{\"repository\":\"" REPO "\",\"moved_to\":\"" NEW "\",\"record\":\"move\",\"at\":" \
    "\"2026-11-10T00:00:00.000000Z\",\"rationale\":\"renamed\"}"
    assert_sql(&w,
               "SELECT string_agg(concat_ws(' ', principal, method, path, status, parameters), "
               "', ' ORDER BY at) FROM audit_log",
               "alice POST /v1/moves 201 " NOTED ", bob POST /v1/moves 409 " NOTED
               ", ann POST /v1/moves 403 {}");
}

static void a_restarted_database_costs_no_statement_and_doubles_none(void **state)
{
    (void)state;
    assert_int_equal(state_as(ALICE, "exclusions", EXCLUDE "," SAID "}"), 201);
    free(world_sql(&w, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE application_name = 'muster-statements'"));
    assert_int_equal(state_as(ALICE, "exclusions", EXCLUDE "," SAID "}"), 200);
    assert_sql(&w, "SELECT count(*) FROM exclusion_facts", "1");
}

static void a_document_that_is_too_large_is_refused_and_leaves_the_output(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(RECORD_ARENA_MAX_BYTES);
    MU_AUTO_FREE char *text = mu_xcalloc(1, STATEMENT_DOCUMENT_MAX_BYTES + 1);
    struct record record = {.values = {"untouched"}};
    struct mu_error err;

    (void)state;
    memset(text, ' ', STATEMENT_DOCUMENT_MAX_BYTES + 1);
    assert_int_equal(statement_document_parse(STATEMENT_MOVE, text,
                                              STATEMENT_DOCUMENT_MAX_BYTES + 1, "a", 0, arena,
                                              &record, &err),
                     MU_E_LIMIT);
    assert_int_equal(
            statement_document_parse(STATEMENT_MOVE, "{}", 2, "a", 0, arena, &record, &err),
            MU_E_INVALID);
    assert_string_equal(record.values[0], "untouched");
}

#define STATEMENTS_TEST(name) \
    cmocka_unit_test_setup_teardown(name, open_statements, close_statements)

int main(void)
{
    const struct CMUnitTest tests[] = {
            STATEMENTS_TEST(an_exclusion_is_stated_listed_and_withdrawn),
            STATEMENTS_TEST(the_rules_are_those_of_the_command),
            STATEMENTS_TEST(the_same_statement_again_is_the_one_that_is_there),
            STATEMENTS_TEST(a_move_is_stated_listed_and_withdrawn),
            STATEMENTS_TEST(who_requests_a_deviation_may_not_approve_it),
            STATEMENTS_TEST(hardening_exposure_and_ssvc_are_stated_and_listed),
            STATEMENTS_TEST(what_is_wrong_is_named),
            STATEMENTS_TEST(a_list_goes_on_with_its_cursor_and_comes_as_csv),
            STATEMENTS_TEST(two_exclusions_of_one_instant_are_both_listed),
            STATEMENTS_TEST(the_audit_log_keeps_what_was_stated_and_what_was_refused),
            STATEMENTS_TEST(a_restarted_database_costs_no_statement_and_doubles_none),
            cmocka_unit_test(a_document_that_is_too_large_is_refused_and_leaves_the_output),
    };

    return pg_server_group(&world_server, tests);
}

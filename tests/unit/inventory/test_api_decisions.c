/* Verdicts for pipelines, and what people decide, over HTTP: who asks, what is recorded, what is
 * refused. */
#include "api_world.h"

#include "key_fixture.h"
#include "store/metrics.h"

#define UAI                 REPO ":1.0"
#define CI                  "Authorization: Bearer pipeline-token-01\r\n"
#define ALICE               "Authorization: Bearer operator-token-01\r\n"
#define BOB                 "Authorization: Bearer operator-token-02\r\n"
#define JSON                "Content-Type: application/json\r\n"
#define MEMBER(name, value) "\"" name "\":\"" value "\""
#define APPROVE                                                            \
    "{" MEMBER("image", UAI) "," MEMBER("decision", "approve") "," MEMBER( \
            "role", "iso") "," MEMBER("reason",                            \
                                      "not reachable") "," MEMBER("until", \
                                                                  "2099-01-01T00:00:00Z") "}"
#define REVOKE                                                            \
    "{" MEMBER("image", UAI) "," MEMBER("decision", "revoke") "," MEMBER( \
            "role", "iso") "," MEMBER("reason", "stolen key") "}"

static char access_path[64];

static int open_decisions(void **state)
{
    static const char text[] = "token ci pipeline pipeline-token-01\n"
                               "token alice operator,as:iso operator-token-01\n"
                               "token bob operator,as:ciso,as:iso operator-token-02\n";
    const struct access_config access = {.mode = "required", .access_file = access_path};

    (void)open_api(state);
    (void)snprintf(access_path, sizeof(access_path), "/tmp/test_api_decisions.%d", (int)getpid());
    key_file_write(access_path, text, strlen(text));
    stop();
    start_with(w.conninfo, &access, 0);
    return 0;
}

static int close_decisions(void **state)
{
    (void)unlink(access_path);
    return close_api(state);
}

static void push_image(void)
{
    add_push(&w, "push", "1.0", digest_of('a'), mu_now_us() - INT64_C(3600000000));
    world_apply(&w);
}

static void scan_image(const char *findings)
{
    add_scan(&w, "scan",
             (struct scan){.digest = digest_of('a'),
                           .uai = UAI,
                           .evidence = add_evidence(&w, digest_of('a'), findings),
                           .at = mu_now_us() - INT64_C(60000000)});
    world_apply(&w);
    free(world_sql(&w, "INSERT INTO evidence_judged SELECT evidence_digest, known_at FROM scans"));
}

static int verdict(const char *method, const char *query, const char *headers)
{
    char target[1024];

    (void)snprintf(target, sizeof(target), "/v1/verdicts/%s%s", UAI, query);
    return ask(method, target, headers, NULL);
}

static int decide(const char *whose, const char *text)
{
    char headers[512];

    (void)snprintf(headers, sizeof(headers), "%s%s", whose, JSON);
    return ask("POST", "/v1/approvals", headers, text);
}

static void assert_verdict(const char *expected)
{
    const char *found = header_of("Muster-Verdict");

    assert_non_null(found);
    assert_string_equal(found, expected);
}

/* ---- verdicts ---- */

static void a_verdict_is_told_and_recorded_with_who_asked(void **state)
{
    char id[64], sql[256];

    (void)state;
    push_image();
    scan_image("[]");
    assert_int_equal(verdict("POST", "?by=job%207", CI), 200);
    assert_verdict("approved");
    assert_null(header_of("Retry-After"));
    assert_says("\"reason\":\"policy_passed\"");
    (void)snprintf(id, sizeof(id), "%.63s", member_of("decision_id"));
    (void)snprintf(sql, sizeof(sql),
                   "SELECT concat_ws('|', asked_by, image, digest, verdict) FROM policy_decisions "
                   "WHERE decision_id = '%s'",
                   id);
    assert_sql(&w, sql,
               "ci (job 7)|" UAI "|sha256:"
               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|approved");
    assert_sql(&w, "SELECT count(*) FROM policy_decisions", "1");
}

static void a_look_leaves_no_record_and_asks_for_no_scan(void **state)
{
    int64_t before = metric_verdict_waiting.value;

    (void)state;
    push_image();
    free(world_sql(&w, "UPDATE scan_jobs SET priority = 3"));
    assert_int_equal(verdict("GET", "", CI), 200);
    assert_verdict("waiting");
    assert_says("\"decision_id\":null");
    assert_int_equal(verdict("HEAD", "", CI), 200);
    assert_verdict("waiting");
    assert_sql(&w, "SELECT count(*) FROM policy_decisions", "0");
    assert_sql(&w, "SELECT count(*) FROM scan_jobs WHERE priority = 1", "0");
    assert_int_equal(metric_verdict_waiting.value, before);
    assert_int_equal(verdict("POST", "", CI), 200);
    assert_int_equal(metric_verdict_waiting.value, before + 1);
}

static void who_waits_has_no_decision_until_he_asks_for_the_last_time(void **state)
{
    (void)state;
    push_image();
    assert_int_equal(verdict("POST", "?wait=true", CI), 200);
    assert_verdict("waiting");
    assert_string_equal(header_of("Retry-After"), "2");
    assert_sql(&w, "SELECT count(*) FROM policy_decisions", "0");
    assert_sql(&w, "SELECT count(*) FROM scan_jobs WHERE priority = 1 AND reason = 'pipeline'",
               "1");
    assert_int_equal(verdict("POST", "?wait=false", CI), 200);
    assert_verdict("waiting");
    assert_sql(&w, "SELECT concat_ws('|', asked_by, verdict, reason) FROM policy_decisions",
               "ci|waiting|never_scanned");
    scan_image("[{\"vulnerability_id\":\"CVE-2026-1\",\"package_name\":\"zlib\","
               "\"package_version\":\"1\",\"severity\":\"critical\"}]");
    assert_int_equal(verdict("POST", "?wait=true", CI), 200);
    assert_verdict("rejected");
    assert_sql(&w, "SELECT count(*) FROM policy_decisions", "2");
}

static void a_verdict_comes_in_the_form_that_is_asked_for(void **state)
{
    static const struct {
        const char *accept, *type, *says;
    } forms[] = {{"", "application/json", "\"verdict\":\"waiting\""},
                 {"Accept: application/sarif+json\r\n", "application/sarif+json", "\"2.1.0\""},
                 {"Accept: application/xml\r\n", "application/xml", "<testsuites>"},
                 {"Accept: text/plain\r\n", "text/plain", "waiting  " UAI}};

    (void)state;
    push_image();
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char headers[256];

        (void)snprintf(headers, sizeof(headers), "%s%s", CI, forms[i].accept);
        assert_int_equal(verdict("POST", "", headers), 200);
        assert_string_equal(header_of("Content-Type"), forms[i].type);
        assert_says(forms[i].says);
    }
    assert_int_equal(verdict("POST", "", CI "Accept: image/png\r\n"), 406);
}

static void what_is_unknown_is_waiting_and_what_is_wrong_is_named(void **state)
{
    (void)state;
    assert_int_equal(verdict("POST", "", CI), 200);
    assert_says("unknown_image");
    assert_int_equal(ask("POST", "/v1/verdicts/Not%20An%20Image", CI, NULL), 400);
    assert_int_equal(ask("POST", "/v1/verdicts/", CI, NULL), 400);
    assert_int_equal(verdict("POST", "?wait=perhaps", CI), 400);
    assert_says("wait: must be true or false");
    assert_int_equal(verdict("POST", "?by=", CI), 400);
    assert_int_equal(verdict("POST", "?by=a&by=b", CI), 400);
    assert_int_equal(verdict("GET", "?wait=true", CI), 400);
    assert_int_equal(ask("POST", "/v1/verdicts/" UAI, CI, "body"), 413);
    assert_sql(&w, "SELECT count(*) FROM policy_decisions", "1");
}

#define KEY "Idempotency-Key: 0123456789abcdef\r\n"

static void a_question_asked_again_by_its_key_is_recorded_once(void **state)
{
    char first[64];

    (void)state;
    push_image();
    scan_image("[]");
    assert_int_equal(verdict("POST", "", CI KEY), 200);
    (void)snprintf(first, sizeof(first), "%.63s", member_of("decision_id"));
    assert_int_equal(verdict("POST", "?by=again", CI KEY), 200);
    assert_string_equal(member_of("decision_id"), first);
    assert_sql(&w, "SELECT count(*) || max(asked_by) FROM policy_decisions", "1ci");
    assert_int_equal(verdict("POST", "", ALICE KEY), 200); /* her own key */
    assert_int_equal(verdict("POST", "", CI "Idempotency-Key: another\r\n"), 200);
    assert_int_equal(ask("POST", "/v1/verdicts/" REPO ":9.9", CI KEY, NULL), 200);
    assert_sql(&w, "SELECT count(*) FROM policy_decisions", "4");
}

static void another_outcome_of_a_question_is_another_decision(void **state)
{
    (void)state;
    push_image();
    assert_int_equal(verdict("POST", "", CI KEY), 200);
    scan_image("[]");
    assert_int_equal(verdict("POST", "", CI KEY), 200);
    assert_sql(&w, "SELECT string_agg(verdict, ' ' ORDER BY decided_at) FROM policy_decisions",
               "waiting approved");
}

static void a_decision_sent_again_by_its_key_is_made_once(void **state)
{
    char first[64];

    (void)state;
    push_image();
    assert_int_equal(decide(ALICE KEY, APPROVE), 201);
    (void)snprintf(first, sizeof(first), "%.63s", member_of("approval_id"));
    assert_int_equal(decide(BOB, REVOKE), 201);
    assert_int_equal(decide(ALICE KEY, APPROVE), 200); /* and does not undo what BOB said since */
    assert_string_equal(member_of("approval_id"), first);
    assert_string_equal(member_of("uai"), UAI);
    assert_sql(&w, "SELECT count(*) FROM image_approvals", "2");
    assert_int_equal(decide(ALICE KEY, REVOKE), 409);
    assert_says("Idempotency-Key: you have made another decision by it");
    assert_int_equal(decide(BOB KEY, REVOKE), 200); /* his key, and his last word */
    assert_int_equal(decide(ALICE "Idempotency-Key: another\r\n", APPROVE), 201);
    assert_sql(&w, "SELECT count(*) FROM image_approvals", "3");
}

static void a_key_that_is_none_is_refused(void **state)
{
    char header[512];

    (void)state;
    push_image();
    (void)snprintf(header, sizeof(header), "%sIdempotency-Key: %0129d\r\n", CI, 0);
    assert_int_equal(verdict("POST", "", header), 400);
    assert_says("Idempotency-Key must have 1 to 128 characters");
    assert_int_equal(verdict("POST", "", CI "Idempotency-Key: \r\n"), 400);
    assert_int_equal(verdict("POST", "", CI "Idempotency-Key: \xc3\xbc\r\n"), 400);
    assert_int_equal(decide(ALICE "Idempotency-Key: \xc3\xbc\r\n", APPROVE), 400);
    assert_sql(&w, "SELECT count(*) FROM policy_decisions", "0");
}

static void a_restarted_database_costs_no_verdict(void **state)
{
    (void)state;
    push_image();
    assert_int_equal(verdict("POST", "", CI), 200);
    free(world_sql(&w, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE application_name = 'muster-policy'"));
    assert_int_equal(verdict("POST", "", CI), 200);
    assert_sql(&w, "SELECT count(*) FROM policy_decisions", "2");
}

static void a_role_without_a_say_is_told_which_would_have_one(void **state)
{
    (void)state;
    assert_int_equal(decide(CI, APPROVE), 403);
    assert_says("it takes one of operator, and 'ci' has pipeline");
    assert_int_equal(ask("GET", "/v1/assets", CI, NULL), 403);
    assert_says("it takes one of viewer,assessor,operator");
}

/* ---- what people decide ---- */

static void who_decides_is_whose_credentials_they_are(void **state)
{
    (void)state;
    push_image();
    assert_int_equal(decide(ALICE, APPROVE), 201);
    assert_says("\"person\":\"alice\"");
    assert_says("\"until\":\"2099-01-01T00:00:00.000000Z\"");
    assert_sql(&w,
               "SELECT concat_ws('|', repository, named, decision, person, role, reason, valid_to) "
               "FROM image_approvals",
               REPO "|" UAI "|approve|alice|iso|not reachable|2099-01-01 00:00:00+00");
    assert_int_equal(verdict("POST", "", CI), 200);
    assert_verdict("approved");
    assert_says("by alice (iso): not reachable");
}

static void who_decides_speaks_as_what_the_access_file_lets_them(void **state)
{
#define AS(role_)                                                         \
    "{" MEMBER("image", UAI) "," MEMBER("decision", "revoke") "," MEMBER( \
            "role", role_) "," MEMBER("reason", "found in use") "}"
    (void)state;
    push_image();
    assert_int_equal(decide(ALICE, AS("ciso")), 403);
    assert_says("'alice' may not speak as 'ciso': it takes as:ciso");
    assert_int_equal(decide(ALICE, AS("is")), 403);
    assert_sql(&w, "SELECT count(*) FROM image_approvals", "0");
    assert_int_equal(decide(BOB, AS("ciso")), 201);
    assert_int_equal(decide(BOB, AS("iso")), 201);
#undef AS
}

static void the_same_decision_again_is_the_one_that_is_there(void **state)
{
    char first[64];

    (void)state;
    push_image();
    assert_int_equal(decide(ALICE, APPROVE), 201);
    (void)snprintf(first, sizeof(first), "%.63s", member_of("approval_id"));
    assert_int_equal(decide(ALICE, APPROVE), 200);
    assert_string_equal(member_of("approval_id"), first);
    assert_int_equal(decide(BOB, APPROVE), 201); /* his own word */
    assert_int_equal(decide(BOB, REVOKE), 201);
    assert_int_equal(decide(BOB, REVOKE), 200);
    assert_int_equal(decide(ALICE, APPROVE), 201); /* somebody has said otherwise since */
    assert_string_not_equal(member_of("approval_id"), first);
    assert_sql(&w, "SELECT count(*) FROM image_approvals", "4");
}

static void only_what_holds_can_be_taken_back(void **state)
{
#define WITHDRAW                                                            \
    "{" MEMBER("image", UAI) "," MEMBER("decision", "withdraw") "," MEMBER( \
            "role", "iso") "," MEMBER("reason", "mistaken") "}"
    (void)state;
    push_image();
    assert_int_equal(decide(ALICE, WITHDRAW), 409);
    assert_says("nothing to take back");
    assert_int_equal(decide(BOB, REVOKE), 201);
    assert_int_equal(decide(ALICE, WITHDRAW), 201);
    assert_int_equal(decide(ALICE, WITHDRAW), 200);
    assert_int_equal(decide(BOB, WITHDRAW), 409);
    assert_sql(&w, "SELECT count(*) FROM image_approvals", "2");
#undef WITHDRAW
}

static void decisions_are_listed_with_what_became_of_them(void **state)
{
    (void)state;
    push_image();
    assert_int_equal(decide(ALICE, APPROVE), 201);
    assert_int_equal(decide(BOB, REVOKE), 201);
    assert_int_equal(ask("GET", "/v1/approvals?state=in_force", ALICE, NULL), 200);
    assert_int_equal(occurrences("\"approval_id\""), 1);
    assert_says("\"person\":\"bob\"");
    assert_int_equal(ask("GET", "/v1/approvals?limit=1", ALICE, NULL), 200);
    assert_says("\"state\":\"in_force\"");
    {
        char target[1024];

        (void)snprintf(target, sizeof(target), "/v1/approvals?limit=1&cursor=%.500s",
                       member_of("next_cursor"));
        assert_int_equal(ask("GET", target, ALICE, NULL), 200);
    }
    assert_says("\"state\":\"replaced\"");
    assert_says("\"next_cursor\":null");
    assert_int_equal(
            ask("GET", "/v1/approvals?valid_at=2098-01-01T00:00:00Z&person=alice", ALICE, NULL),
            200);
    assert_int_equal(occurrences("\"approval_id\""), 1);
    assert_int_equal(ask("GET", "/v1/approvals?valid_at=2020-01-01T00:00:00Z", ALICE, NULL), 200);
    assert_int_equal(occurrences("\"approval_id\""), 0);
}

#define GATE_ROW                                                                               \
    "INSERT INTO gate_decisions (instance, sequence, decided_at, source, cluster, namespace, " \
    "kind, object, asked_by, image, scope, allowed, would_deny, verdict, reason, "             \
    "cache_generation, lost_before, chain, known_at) SELECT '%s', s, '2026-11-01T00:00:00Z', " \
    "'admission', 'prod', 'default', 'Pod', 'web-' || s, 'ann', '" UAI "', '%s', %s, %s, "     \
    "'none', '%s', 0, s - 1, 'c', '2026-11-01T00:00:00Z' FROM generate_series(%d, %d) s"

static void add_gate_decisions(const char *instance, const char *scope, const char *allowed,
                               const char *would_deny, const char *reason, int first, int last)
{
    free(world_sql(&w, mu_arena_printf(w.arena, GATE_ROW, instance, scope, allowed, would_deny,
                                       reason, first, last)));
}

static void assert_gate_decisions(const char *filter, size_t count)
{
    char target[256];

    (void)snprintf(target, sizeof(target), "/v1/gate-decisions?%s", filter);
    assert_int_equal(ask("GET", target, ALICE, NULL), 200);
    if (occurrences("\"gate_decision\"") != count)
        fail_msg("%s: %zu rows", filter, (size_t)occurrences("\"gate_decision\""));
}

static void what_came_in_without_a_verdict_is_listed(void **state)
{
    (void)state;
    add_gate_decisions("a/1", "open", "true", "false", "cache_away", 9, 11);
    add_gate_decisions("b/1", "trial", "true", "true", "rule_broken", 9, 10);
    add_gate_decisions("a/1", "all", "false", "false", "never_scanned", 12, 12);
    assert_gate_decisions("scope=open", 3);
    assert_says("\"object\":\"Pod/web-10\"");
    assert_says("\"asked_by\":\"ann\"");
    assert_says("\"lost_before\":8");
    assert_gate_decisions("reason=cache_away&allowed=true", 3);
    assert_gate_decisions("would_deny=true", 2);
    assert_gate_decisions("allowed=false", 1);
    assert_says("\"gate_decision\":\"a/1/12\"");
    assert_gate_decisions("cluster=prod&namespace=default&image=" UAI, 6);
    assert_gate_decisions("cluster=test", 0);
    assert_gate_decisions("since=2026-11-01T00:00:00Z", 6);
    assert_gate_decisions("since=2026-11-01T00:00:01Z", 0);
    assert_gate_decisions("valid_at=2026-10-31T00:00:00Z", 0);
}

/* All of one instant, of two gates. */
static void pages_of_gates_decisions_neither_miss_nor_repeat_a_row(void **state)
{
    static const char *const order[] = {"a/1/11", "b/1/10", "a/1/10", "b/1/9", "a/1/9"};
    char target[1024] = "/v1/gate-decisions?limit=1", expected[64];

    (void)state;
    add_gate_decisions("a/1", "open", "true", "false", "cache_away", 9, 11);
    add_gate_decisions("b/1", "open", "true", "false", "cache_away", 9, 10);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(ask("GET", target, ALICE, NULL), 200);
        (void)snprintf(expected, sizeof(expected), "\"gate_decision\":\"%s\"", order[i]);
        assert_says(expected);
        if (i < 4)
            (void)snprintf(target, sizeof(target), "/v1/gate-decisions?limit=1&cursor=%.500s",
                           member_of("next_cursor"));
    }
    assert_says("\"next_cursor\":null");
}

static void an_approval_ends_by_itself(void **state)
{
    (void)state;
    push_image();
    assert_int_equal(decide(ALICE, APPROVE), 201);
    assert_int_equal(
            ask("GET", "/v1/approvals?valid_at=2099-01-01T00:00:00Z&state=ended", ALICE, NULL),
            200);
    assert_int_equal(occurrences("\"approval_id\""), 1);
}

static void what_is_no_decision_is_refused_by_its_member(void **state)
{
#define WITH(more) "{" MEMBER("image", UAI) "," MEMBER("role", "iso") "," more "}"
    static const struct {
        const char *body, *says;
        int status;
    } cases[] = {
            {"", "it is empty; it has image, decision", 400},
            {"{", "the body", 400},
            {"[]", "the body", 400},
            {WITH("\"reason\":\"r\""), "decision", 400},
            {WITH("\"reason\":\"r\",\"decision\":\"bless\""), "decision", 400},
            {WITH("\"reason\":7,\"decision\":\"revoke\""), "reason", 400},
            {WITH("\"reason\":\" \\t\",\"decision\":\"revoke\""), "reason is missing", 400},
            {WITH("\"reason\":\"r\",\"decision\":\"approve\""), "until is missing", 400},
            {WITH("\"reason\":\"r\",\"decision\":\"approve\",\"until\":\"2020-01-01T00:00:00Z\""),
             "until is in the past", 400},
            {WITH("\"reason\":\"r\",\"decision\":\"revoke\",\"untill\":\"x\""),
             "has no member 'untill'", 400},
            {WITH("\"reason\":\"r\",\"decision\":\"revoke\",\"person\":\"carol\""),
             "has no member 'person'", 400},
            {WITH("\"reason\":\"r\",\"reason\":\"s\",\"decision\":\"revoke\""), "the body", 400},
            {"{\"image\":\"Not An "
             "Image\",\"role\":\"iso\",\"reason\":\"r\",\"decision\":\"revoke\"}",
             "Not An Image", 400},
            {"{\"image\":\"a\",\"reason\":\"r\",\"decision\":\"revoke\",\"role\":\""
             "01234567890123456789012345678901234567890123456789012345678901234\"}",
             "role: more than 64 characters", 400},
            {REVOKE, "nothing is known of '" UAI "'", 404}, /* not pushed */
    };
#undef WITH

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = decide(ALICE, cases[i].body);

        if (status != cases[i].status)
            fail_msg("%s: %d %s", cases[i].body, status, body());
        assert_string_equal(header_of("Content-Type"), "application/problem+json");
        assert_says(cases[i].says);
    }
    assert_sql(&w, "SELECT count(*) FROM image_approvals", "0");
}

static void a_body_of_another_kind_or_size_is_not_looked_at(void **state)
{

    (void)state;
    assert_int_equal(ask("POST", "/v1/approvals", ALICE "Content-Type: text/plain\r\n", APPROVE),
                     415);
    assert_int_equal(ask("POST", "/v1/approvals", ALICE, APPROVE), 415);
    assert_int_equal(ask("POST", "/v1/approvals",
                         ALICE "content-type: Application/JSON; charset=utf-8\r\n", "{"),
                     400);
    assert_int_equal(ask("POST", "/v1/approvals", ALICE JSON "Accept: text/csv\r\n", APPROVE), 406);
    assert_int_equal(ask("POST", "/v1/approvals?x=1", ALICE JSON, APPROVE), 400);
    assert_int_equal(
            exchange(
                    "POST /v1/approvals HTTP/1.1\r\nHost: x\r\nContent-Length: 16385\r\n" JSON ALICE
                    "\r\n"),
            413);
}

static void the_policy_says_which_role_has_a_say(void **state)
{
    (void)state;
    push_image();
    free(world_sql(
            &w,
            "INSERT INTO policies VALUES ('sha256:p', 'strict', 'name: strict\nrules: "
            "[]\napprovers: "
            "[officer]\n', 'x', now()); INSERT INTO policy_activations (policy, valid_from, "
            "author, "
            "reason, known_at) VALUES ('sha256:p', now() - interval '1 hour', 'x', 'x', now())"));
    assert_int_equal(decide(ALICE, APPROVE), 403);
    assert_says("the policy 'strict' gives the role 'iso' no say: see its approvers");
    assert_sql(&w, "SELECT count(*) FROM image_approvals", "0");
    free(world_sql(&w, "DELETE FROM policy_activations; DELETE FROM policies"));
}

/* ---- the record ---- */

static void await_record(const char *sql, const char *expected)
{
    uint64_t deadline = mu_monotonic_ms() + DEADLINE_MS;
    char *found = NULL;

    do {
        free(found);
        found = world_sql(&w, sql);
        (void)poll(NULL, 0, 5);
    } while ((!found || strcmp(found, expected) != 0) && mu_monotonic_ms() < deadline);
    assert_string_equal(found ? found : "", expected);
    free(found);
}

static void the_audit_log_says_what_was_decided_and_what_was_refused(void **state)
{
    (void)state;
    assert_int_equal(decide(ALICE, REVOKE), 404);
    push_image();
    assert_int_equal(decide(BOB, REVOKE), 201);
    assert_int_equal(decide(CI, REVOKE), 403); /* nothing of it was read */
    await_record(
            "SELECT string_agg(concat_ws(' ', principal, method, path, status, parameters), '; ' "
            "ORDER BY at) FROM audit_log",
            "alice POST /v1/approvals 404 {\"image\":\"" UAI
            "\",\"decision\":\"revoke\",\"role\":\"iso\",\"reason\":\"stolen key\"}; "
            "bob POST /v1/approvals 201 {\"image\":\"" UAI
            "\",\"decision\":\"revoke\",\"role\":\"iso\",\"reason\":\"stolen key\"}; "
            "ci POST /v1/approvals 403 {}");
}

static void without_a_database_it_is_said_when_to_come_again(void **state)
{
    const struct access_config access = {.mode = "required", .access_file = access_path};

    (void)state;
    stop();
    start_with("host=/nonexistent port=1 dbname=x connect_timeout=1", &access, 0);
    assert_int_equal(verdict("POST", "", CI), 503);
    assert_non_null(header_of("Retry-After"));
    assert_int_equal(decide(ALICE, APPROVE), 503);
}

#define DECISION_TEST(name) cmocka_unit_test_setup_teardown(name, open_decisions, close_decisions)

int main(void)
{
    const struct CMUnitTest tests[] = {
            DECISION_TEST(a_verdict_is_told_and_recorded_with_who_asked),
            DECISION_TEST(a_look_leaves_no_record_and_asks_for_no_scan),
            DECISION_TEST(who_waits_has_no_decision_until_he_asks_for_the_last_time),
            DECISION_TEST(a_verdict_comes_in_the_form_that_is_asked_for),
            DECISION_TEST(what_is_unknown_is_waiting_and_what_is_wrong_is_named),
            DECISION_TEST(a_question_asked_again_by_its_key_is_recorded_once),
            DECISION_TEST(another_outcome_of_a_question_is_another_decision),
            DECISION_TEST(a_decision_sent_again_by_its_key_is_made_once),
            DECISION_TEST(a_key_that_is_none_is_refused),
            DECISION_TEST(a_restarted_database_costs_no_verdict),
            DECISION_TEST(a_role_without_a_say_is_told_which_would_have_one),
            DECISION_TEST(who_decides_is_whose_credentials_they_are),
            DECISION_TEST(who_decides_speaks_as_what_the_access_file_lets_them),
            DECISION_TEST(the_same_decision_again_is_the_one_that_is_there),
            DECISION_TEST(only_what_holds_can_be_taken_back),
            DECISION_TEST(decisions_are_listed_with_what_became_of_them),
            DECISION_TEST(what_came_in_without_a_verdict_is_listed),
            DECISION_TEST(pages_of_gates_decisions_neither_miss_nor_repeat_a_row),
            DECISION_TEST(an_approval_ends_by_itself),
            DECISION_TEST(what_is_no_decision_is_refused_by_its_member),
            DECISION_TEST(a_body_of_another_kind_or_size_is_not_looked_at),
            DECISION_TEST(the_policy_says_which_role_has_a_say),
            DECISION_TEST(the_audit_log_says_what_was_decided_and_what_was_refused),
            DECISION_TEST(without_a_database_it_is_said_when_to_come_again),
    };

    return pg_server_group(&world_server, tests);
}

/* Every cell of role and endpoint, without and with wrong credentials, limits, and the record. */
#include "api_world.h"

#include "api/endpoints.h"
#include "key_fixture.h"
#include "store/metrics.h"

enum { ROLES = 6 };

static const struct {
    const char *role, *token;
    unsigned bit;
} callers[ROLES] = {{"viewer", "viewer-token-0001", ROLE_VIEWER},
                    {"assessor", "assessor-token-01", ROLE_ASSESSOR},
                    {"operator", "operator-token-01", ROLE_OPERATOR},
                    {"scanner", "scanner-token-001", ROLE_SCANNER},
                    {"ingest", "ingest-token-0001", ROLE_INGEST},
                    {"pipeline", "pipeline-token-01", ROLE_PIPELINE}};

/* What is expected, said once more: "vaosip" for those that may; "*": everybody, even strangers. */
static const struct cell {
    const char *method, *path, *target, *who;
} table[] = {
        {"GET", "/healthz", "/healthz", "*"},
        {"GET", "/readyz", "/readyz", "*"},
        {"GET", "/metrics", "/metrics", "*"},
        {"GET", "/v1/assets", "/v1/assets", "vao"},
        {"GET", "/v1/assets/*", "/v1/assets/x", "vao"},
        {"GET", "/v1/digests/*", "/v1/digests/x", "vao"},
        {"GET", "/v1/instances", "/v1/instances", "vao"},
        {"GET", "/v1/coverage", "/v1/coverage", "vao"},
        {"GET", "/v1/totals", "/v1/totals?by=node", "vao"},
        {"GET", "/v1/history", "/v1/history?subject=x", "vao"},
        {"GET", "/v1/whowas", "/v1/whowas?subject=x", "vao"},
        {"GET", "/v1/diff", "/v1/diff?from=2026-11-01T00:00:00Z", "vao"},
        {"GET", "/v1/sources", "/v1/sources", "vaoi"},
        {"GET", "/v1/failures", "/v1/failures", "vao"},
        {"GET", "/v1/findings", "/v1/findings", "vao"},
        {"GET", "/v1/vulnerabilities", "/v1/vulnerabilities?repository=x", "vao"},
        {"GET", "/v1/vulnerability-counts", "/v1/vulnerability-counts", "vao"},
        {"GET", "/v1/sample", "/v1/sample?seed=1&n=1", "ao"},
        {"GET", "/v1/ledger", "/v1/ledger", "ao"},
        {"GET", "/v1/audit", "/v1/audit", "ao"},
        {"GET", "/v1/verdicts/*", "/v1/verdicts/registry.example/app:1.0", "vaop"},
        {"POST", "/v1/verdicts/*", "/v1/verdicts/registry.example/app:1.0", "op"},
        {"GET", "/v1/decisions", "/v1/decisions", "vao"},
        {"GET", "/v1/gate-decisions", "/v1/gate-decisions", "vao"},
        {"GET", "/v1/approvals", "/v1/approvals", "vao"},
        {"POST", "/v1/approvals", "/v1/approvals", "o"},
        {"GET", "/v1/deviations", "/v1/deviations", "vao"},
        {"POST", "/v1/deviations", "/v1/deviations", "o"},
        {"GET", "/v1/hardening", "/v1/hardening", "vao"},
        {"POST", "/v1/hardening", "/v1/hardening", "o"},
        {"GET", "/v1/exposures", "/v1/exposures", "vao"},
        {"POST", "/v1/exposures", "/v1/exposures", "o"},
        {"GET", "/v1/ssvc", "/v1/ssvc", "vao"},
        {"POST", "/v1/ssvc", "/v1/ssvc", "o"},
        {"GET", "/v1/exclusions", "/v1/exclusions", "vao"},
        {"POST", "/v1/exclusions", "/v1/exclusions", "o"},
        {"GET", "/v1/moves", "/v1/moves", "vao"},
        {"POST", "/v1/moves", "/v1/moves", "o"},
        {"GET", "/v1/evidence/*", "/v1/evidence/x", "aos"},
        {"PUT", "/v1/evidence/*", "/v1/evidence/x", "s"},
};
enum { CELLS = sizeof(table) / sizeof(table[0]) };

static char access_path[64];
static EVP_PKEY *key;
static char keys_path[64];

static void write_access_file(void)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    mu_buf_init(&text, 4096);
    mu_buf_puts(&text, "# who may use the API\n\n");
    for (size_t i = 0; i < ROLES; i++)
        mu_buf_printf(&text, "token %s %s %s\n", callers[i].role, callers[i].role,
                      callers[i].token);
    mu_buf_puts(&text, "claim viewer engineers\nclaim assessor,operator three pao\n");
    (void)snprintf(access_path, sizeof(access_path), "/tmp/test_api_roles.%d", (int)getpid());
    key_file_write(access_path, text.data, text.len);
}

static void restart(const struct access_config *access, int64_t rate_limit)
{
    stop();
    start_with(w.conninfo, access, rate_limit);
}

static struct access_config with_all(const char *mode)
{
    return (struct access_config){.mode = mode,
                                  .access_file = access_path,
                                  .oidc_issuer = "https://issuer.example",
                                  .oidc_audience = "muster",
                                  .oidc_jwks_file = keys_path};
}

static int open_roles(void **state)
{
    struct access_config access;

    write_access_file();
    (void)snprintf(keys_path, sizeof(keys_path), "/tmp/test_api_roles.%d.json", (int)getpid());
    key = test_rsa_key(2048);
    key_set_write(keys_path, key, "k");
    (void)open_api(state);
    access = with_all("required");
    restart(&access, 0);
    return 0;
}

static int close_roles(void **state)
{
    EVP_PKEY_free(key);
    (void)unlink(access_path);
    (void)unlink(keys_path);
    return close_api(state);
}

/* The status of the cell's request by a bearer token; NULL: none. */
static int ask_as(const struct cell *cell, const char *token)
{
    char header[4096] = "";

    if (token)
        (void)snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", token);
    return ask(cell->method, cell->target, header, strcmp(cell->method, "PUT") == 0 ? "x" : NULL);
}

static bool is_refusal(int status)
{
    return status == 401 || status == 403;
}

static void the_table_of_this_test_has_every_endpoint(void **state)
{
    (void)state;
    assert_int_equal(api_endpoints.count, CELLS);
    for (size_t i = 0; i < CELLS; i++) {
        assert_string_equal(api_endpoints.endpoints[i].method, table[i].method);
        assert_string_equal(api_endpoints.endpoints[i].path, table[i].path);
    }
}

static void every_role_may_what_the_table_says_and_no_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < CELLS; i++)
        for (size_t role = 0; role < ROLES; role++) {
            bool may = table[i].who[0] == '*' || strchr(table[i].who, callers[role].role[0]);
            int status = ask_as(&table[i], callers[role].token);

            if (may ? is_refusal(status) : status != 403)
                fail_msg("%s %s as %s: %d", table[i].method, table[i].target, callers[role].role,
                         status);
        }
}

static void without_credentials_only_health_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < CELLS; i++) {
        int status = ask_as(&table[i], NULL);

        if (table[i].who[0] == '*') {
            assert_int_equal(status, 200);
        } else if (status != 429) { /* strangers have their measure */
            assert_int_equal(status, 401);
            assert_string_equal(header_of("WWW-Authenticate"), "Bearer realm=\"muster\"");
        }
    }
}

static void wrong_credentials_are_refused_everywhere(void **state)
{
    static const char *const headers[] = {
            "Authorization: Bearer viewer-token-0002\r\n",
            "Authorization: Bearer viewer-token-000\r\n",
            "Authorization: Bearer viewer-token-00011\r\n",
            "Authorization: Bearer \r\n",
            "Authorization: viewer-token-0001\r\n",
            "Authorization: Basic dmlld2VyLXRva2VuLTAwMDE=\r\n",
            "Authorization: Bearer a.b.c\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        int status = ask("GET", "/v1/assets", headers[i], NULL);

        assert_true(status == 401 || status == 429);
    }
    assert_int_equal(ask("GET", "/healthz", headers[0], NULL), 200);
}

static void a_refused_writer_sends_no_body(void **state)
{
    (void)state;
    /* announced, and never sent: the answer comes all the same */
    assert_int_equal(exchange("PUT /v1/evidence/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
                              "Authorization: Bearer viewer-token-0001\r\n\r\n"),
                     403);
    assert_int_equal(exchange("PUT /v1/evidence/x HTTP/1.1\r\nHost: x\r\n"
                              "Content-Length: 1000\r\n\r\n"),
                     401);
}

/* ---- tokens of an issuer ---- */

#define CLAIMS(sub, roles)                                                        \
    "{\"iss\":\"https://issuer.example\",\"aud\":\"muster\",\"sub\":\"" sub "\"," \
    "\"exp\":4102444800,\"roles\":" roles "}"

static int ask_with_claims(const char *target, const char *claims)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf token;
    struct cell cell = {"GET", NULL, target, NULL};

    mu_buf_init(&token, TEST_TEXT_MAX);
    test_token(key, "{\"alg\":\"RS256\",\"kid\":\"k\"}", claims, &token);
    return ask_as(&cell, token.data);
}

static void the_role_claim_of_a_token_is_mapped(void **state)
{
    (void)state;
    assert_int_equal(ask_with_claims("/v1/assets", CLAIMS("ann", "[\"engineers\"]")), 200);
    assert_int_equal(ask_with_claims("/v1/assets", CLAIMS("ann", "\"x engineers\"")), 200);
    assert_int_equal(ask_with_claims("/v1/audit", CLAIMS("ann", "[\"engineers\"]")), 403);
    assert_int_equal(ask_with_claims("/v1/audit", CLAIMS("bob", "[\"x\",\"three pao\"]")), 200);
    assert_int_equal(ask_with_claims("/v1/assets", CLAIMS("bob", "[\"viewer\"]")), 403);
    assert_int_equal(ask_with_claims("/v1/assets", CLAIMS("bob", "7")), 403);
}

static void a_token_for_others_is_refused(void **state)
{
    (void)state;
    assert_int_equal(ask_with_claims("/v1/assets",
                                     "{\"iss\":\"https://issuer.example\",\"aud\":\"other\","
                                     "\"sub\":\"a\",\"exp\":4102444800,\"roles\":\"engineers\"}"),
                     401);
    assert_int_equal(ask_with_claims("/v1/assets",
                                     "{\"iss\":\"https://issuer.example\",\"aud\":\"muster\","
                                     "\"sub\":\"a\",\"exp\":1,\"roles\":\"engineers\"}"),
                     401);
    assert_int_equal(ask_with_claims("/v1/assets",
                                     "{\"iss\":\"https://issuer.example\",\"aud\":\"muster\","
                                     "\"exp\":4102444800,\"roles\":\"engineers\"}"),
                     401);
}

/* ---- open ---- */

static void in_the_open_everybody_reads_and_nobody_else_writes(void **state)
{
    struct access_config access = with_all("none");

    (void)state;
    access.evidence_token = "evidence";
    restart(&access, 0);
    for (size_t i = 0; i < CELLS; i++) {
        bool writes = strcmp(table[i].method, "GET") != 0;

        if (ask_as(&table[i], NULL) == 401 ? !writes : writes)
            fail_msg("%s %s: %s", table[i].method, table[i].target, reply);
    }
    assert_int_equal(ask("PUT", "/v1/evidence/x", "Authorization: Bearer evidence\r\n", "x"), 400);
    assert_int_equal(ask("GET", "/v1/assets", "Authorization: Bearer wrong\r\n", NULL), 401);
}

/* ---- limits ---- */

static void who_asks_too_often_is_told_to_wait(void **state)
{
    struct access_config access = with_all("required");
    int limited = 0;

    (void)state;
    restart(&access, 1);
    for (int i = 0; i < 10; i++) {
        if (ask_as(&table[3], callers[0].token) != 429)
            continue;
        limited++;
        assert_string_equal(header_of("Retry-After"), "1");
        assert_string_equal(header_of("Content-Type"), "application/problem+json");
    }
    assert_in_range(limited, 1, 8);
    assert_int_equal(ask_as(&table[3], callers[1].token), 200); /* another has his own measure */
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask_as(&table[CELLS - 1], callers[3].token), 400); /* scanners have none */
}

static void guessing_is_slow(void **state)
{
    struct access_config access = with_all("required");
    int limited = 0;

    (void)state;
    restart(&access, 1000);
    for (int i = 0; i < 60; i++)
        limited += ask_as(&table[3], "guess") == 429;
    assert_true(limited > 0);
    assert_int_equal(ask_as(&table[3], callers[0].token), 200);
}

/* ---- the record ---- */

/* Waits until so many are there. */
static void await_records(const char *count)
{
    uint64_t deadline = mu_monotonic_ms() + DEADLINE_MS;
    char *found = NULL;

    do {
        free(found);
        found = world_sql(&w, "SELECT count(*) FROM audit_log");
        (void)poll(NULL, 0, 5);
    } while (strcmp(found, count) != 0 && mu_monotonic_ms() < deadline);
    assert_string_equal(found, count);
    free(found);
}

static void what_people_ask_is_recorded(void **state)
{
    (void)state;
    assert_int_equal(
            ask_as(&(struct cell){"GET", NULL, "/v1/history?subject=a%20%22b&limit=7", NULL},
                   callers[0].token),
            200);
    assert_int_equal(ask_as(&(struct cell){"GET", NULL, "/v1/assets/none", NULL}, callers[2].token),
                     404);
    assert_int_equal(ask_as(&(struct cell){"GET", NULL, "/v1/audit", NULL}, callers[0].token), 403);
    assert_int_equal(ask_with_claims("/v1/assets", CLAIMS("ann", "[\"engineers\"]")), 200);
    await_records("4");
    assert_sql(&w,
               "SELECT concat_ws('|', principal, authentication, roles, method, path, parameters, "
               "status) FROM audit_log WHERE path = '/v1/history'",
               "viewer|token|viewer|GET|/v1/history|{\"subject\":\"a \\\"b\",\"limit\":\"7\"}|200");
    assert_sql(&w,
               "SELECT string_agg(concat_ws(' ', principal, path, status), ', ' ORDER BY at) FROM "
               "audit_log WHERE path <> '/v1/history'",
               "operator /v1/assets/none 404, viewer /v1/audit 403, ann /v1/assets 200");
}

static void strangers_are_recorded_and_machines_and_health_are_not(void **state)
{
    (void)state;
    assert_int_equal(ask_as(&table[0], NULL), 200);
    assert_int_equal(ask_as(&table[CELLS - 1], callers[3].token), 400);
    assert_int_equal(ask_as(&table[3], callers[3].token), 403);
    assert_int_equal(ask_as(&table[3], NULL), 401);
    assert_int_equal(ask_as(&table[3], "wrong"), 401);
    await_records("3");
    assert_sql(
            &w,
            "SELECT string_agg(concat_ws(' ', principal, status), ',' ORDER BY at) FROM audit_log",
            "scanner 403, 401, 401");
}

/* Makes the table answer with this SQLSTATE until make_well. */
static void make_ill(const char *sqlstate)
{
    char sql[400];

    (void)snprintf(sql, sizeof(sql),
                   "CREATE FUNCTION ill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE "
                   "EXCEPTION USING ERRCODE = '%s'; END $$; CREATE TRIGGER ill BEFORE INSERT ON "
                   "audit_log EXECUTE FUNCTION ill()",
                   sqlstate);
    free(world_sql(&w, sql));
}

static void make_well(void)
{
    free(world_sql(&w, "DROP TRIGGER ill ON audit_log; DROP FUNCTION ill()"));
}

static void records_outlive_a_database_that_was_full(void **state)
{
    (void)state;
    make_ill("53100");
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask_as(&table[3], callers[0].token), 200);
    (void)poll(NULL, 0, 300); /* at least one try fails */
    make_well();
    await_records("5");
    assert_sql(&w, "SELECT count(DISTINCT record_id) FROM audit_log", "5");
}

static void what_the_database_refuses_is_logged_and_counted(void **state)
{
    uint64_t deadline = mu_monotonic_ms() + DEADLINE_MS;
    int64_t before = metric_audit_logged.value;

    (void)state;
    make_ill("23514");
    assert_int_equal(ask_as(&table[3], callers[0].token), 200);
    while (metric_audit_logged.value == before && mu_monotonic_ms() < deadline)
        (void)poll(NULL, 0, 5);
    make_well();
    assert_int_equal(metric_audit_logged.value, before + 1);
    assert_int_equal(ask_as(&table[3], callers[0].token), 200);
    await_records("1");
}

static void the_record_can_be_read_by_assessors(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_as(&table[3], callers[0].token), 200);
    assert_int_equal(ask_as(&table[4], callers[2].token), 404);
    await_records("4");
    assert_int_equal(ask_as(&(struct cell){"GET", NULL, "/v1/audit?principal=viewer&limit=2", NULL},
                            callers[1].token),
                     200);
    assert_int_equal(occurrences("\"principal\":\"viewer\""), 2);
    assert_says("\"parameters\":{}");
    assert_true(strlen(member_of("next_cursor")) > 20);
    assert_int_equal(
            ask_as(&(struct cell){"GET", NULL, "/v1/audit?until=2026-01-01T00:00:00Z", NULL},
                   callers[1].token),
            200);
    assert_int_equal(occurrences("\"principal\""), 0);
}

#define ROLES_TEST(name) cmocka_unit_test_setup_teardown(name, open_roles, close_roles)

int main(void)
{
    const struct CMUnitTest tests[] = {
            ROLES_TEST(the_table_of_this_test_has_every_endpoint),
            ROLES_TEST(every_role_may_what_the_table_says_and_no_more),
            ROLES_TEST(without_credentials_only_health_is_told),
            ROLES_TEST(wrong_credentials_are_refused_everywhere),
            ROLES_TEST(a_refused_writer_sends_no_body),
            ROLES_TEST(the_role_claim_of_a_token_is_mapped),
            ROLES_TEST(a_token_for_others_is_refused),
            ROLES_TEST(in_the_open_everybody_reads_and_nobody_else_writes),
            ROLES_TEST(who_asks_too_often_is_told_to_wait),
            ROLES_TEST(guessing_is_slow),
            ROLES_TEST(what_people_ask_is_recorded),
            ROLES_TEST(strangers_are_recorded_and_machines_and_health_are_not),
            ROLES_TEST(records_outlive_a_database_that_was_full),
            ROLES_TEST(what_the_database_refuses_is_logged_and_counted),
            ROLES_TEST(the_record_can_be_read_by_assessors),
    };

    return pg_server_group(&world_server, tests);
}

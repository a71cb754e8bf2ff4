/* The logs in months: nothing is refused or doubled, months are made, and what may go. */
#include "one_world.h"

#include "gate/gate_statements.h"
#include "ledger/retention_command.h"
#include "ledger/upkeep.h"

#define DAYS_MS(n) ((n)*INT64_C(24) * 3600 * 1000)

static void upkeep(void)
{
    struct mu_error err;

    if (upkeep_round(w.pg, &err) != MU_OK)
        fail_msg("%s", err.message);
}

/* ---- rows ---- */

static void audit(const char *id, const char *at, const char *written_at)
{
    free(world_sql(&w, mu_arena_printf(w.arena,
                                       "INSERT INTO audit_log (record_id, at, principal, "
                                       "authentication, roles, method, path, parameters, status, "
                                       "written_at) VALUES (md5('%s')::uuid, '%s', 'ann', 'token', "
                                       "'viewer', 'GET', '/v1/assets', '{}', 200, %s)",
                                       id, at, written_at)));
}

/* One decision through the gate's own function, as known at. */
static void ship(int sequence, const char *at, const char *known_at)
{
    free(world_sql(
            &w,
            mu_arena_printf(
                    w.arena,
                    "SELECT gate_ship('%s', 'g', ARRAY[%d], ARRAY['c'], "
                    "ARRAY['{\"at\":\"%s\",\"source\":\"api\",\"repository\":\"" REPO
                    "\",\"tag\":\"1.0\",\"allowed\":true,\"would_deny\":false,\"verdict\":"
                    "\"none\",\"reason\":\"unknown_image\",\"generation\":1,\"lost_before\":0}'])",
                    known_at, sequence, at)));
}

/* Partitions with rows, but those of these days. */
static void assert_lie(const char *parent, const char *expected)
{
    char *found = world_sql(
            &w,
            mu_arena_printf(w.arena,
                            "SELECT string_agg(p || ' ' || n, ', ' ORDER BY p) FROM (SELECT "
                            "tableoid::regclass::text AS p, count(*) AS n FROM %s GROUP BY 1) s",
                            parent));

    assert_string_equal(found ? found : "", expected);
    free(found);
}

/* ---- no insert fails ---- */

static void a_clock_that_is_wrong_costs_no_row(void **state)
{
    (void)state;
    audit("past", "1990-05-01Z", "now()");
    audit("future", "2150-05-01Z", "now()");
    ship(1, "1990-05-01T00:00:00Z", "2026-11-01Z");
    ship(2, "2150-05-01T00:00:00Z", "2026-11-01Z");
    assert_lie("audit_log", "audit_log_default 2");
    assert_lie("gate_decisions", "gate_decisions_default 2");
    upkeep();
    assert_lie("audit_log", "audit_log_1990_05 1, audit_log_default 1");
    assert_lie("gate_decisions", "gate_decisions_1990_05 1, gate_decisions_default 1");
    audit("past again", "1990-05-02Z", "now()");
    assert_lie("audit_log", "audit_log_1990_05 2, audit_log_default 1");
}

/* Nobody made months for a while; the ledger's is the same. */
static void what_came_before_its_month_was_made_moves_into_it(void **state)
{
    (void)state;
    free(world_sql(&w, "DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['ledger', "
                       "'audit_log'] LOOP EXECUTE format('DROP TABLE %s_%s', t, "
                       "to_char(now(), 'YYYY_MM')); END LOOP; END $$"));
    audit("now", "now", "now()");
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    assert_lie("ledger", "ledger_default 1");
    assert_lie("audit_log", "audit_log_default 1");
    upkeep();
    assert_sql(&w, "SELECT count(*) FROM ledger_default", "0");
    assert_sql(&w, "SELECT count(*) FROM audit_log_default", "0");
    assert_sql(&w, "SELECT (SELECT count(*) FROM ledger) || ' ' || count(*) FROM audit_log", "1 1");
    assert_sql(&w, "SELECT ledger_make_partitions(now() + interval '3 months')", "0");
}

static void months_of_each_log_are_made_ahead(void **state)
{
    (void)state;
    assert_sql(&w,
               "SELECT string_agg(t.parent, ' ') FROM month_tables() t, generate_series(0, 3) n "
               "WHERE NOT EXISTS (SELECT FROM months_of(t.parent) m WHERE m.time_from <= now() + n "
               "* interval '1 month' AND m.time_to > now() + n * interval '1 month')",
               "");
}

/* ---- once ---- */

static void a_decision_shipped_twice_is_one_row_in_any_month(void **state)
{
    static const char *const times[] = {"2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z",
                                        "1990-01-01T00:00:00Z", "2150-01-01T00:00:00Z"};

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            ship(i + 1, times[i], "2026-11-01Z");
        assert_sql(&w, "SELECT count(*) || ' ' || count(DISTINCT sequence) FROM gate_decisions",
                   "4 4");
        upkeep();
        if (round == 1) /* the number alone is not trusted */
            free(world_sql(&w, "UPDATE gate_instances SET next_sequence = 1"));
    }
    ship(2, "2026-12-01T00:00:00Z", "2026-11-01Z"); /* a number is taken once, whatever its time */
    assert_sql(&w, "SELECT count(*) FROM gate_decisions", "4");
    assert_sql(&w, "SELECT count(*) FROM gate_gaps", "0");
}

static void a_number_twice_in_one_batch_is_one_row(void **state)
{
    (void)state;
    free(world_sql(&w,
                   "SELECT gate_ship('2026-11-01Z', 'g', ARRAY[1, 1], ARRAY['a', 'b'], (SELECT "
                   "array_agg('{\"at\":\"2026-1' || n || '-01T00:00:00Z\",\"source\":\"api\","
                   "\"allowed\":true,\"would_deny\":false,\"verdict\":\"none\",\"reason\":\"r\","
                   "\"generation\":1,\"lost_before\":0}') FROM generate_series(0, 1) n))"));
    assert_sql(&w, "SELECT count(*) FROM gate_decisions", "1");
}

static void an_audit_record_written_twice_is_one_row(void **state)
{
    static const char *const values[] = {"{11111111-1111-1111-1111-111111111111}",
                                         "{2026-11-01T00:00:00Z}",
                                         "{ann}",
                                         "{token}",
                                         "{viewer}",
                                         "{GET}",
                                         "{/v1/assets}",
                                         "{\"{}\"}",
                                         "{200}"};
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(inventory_query_open(w.conninfo, "test", &pg, &err), MU_OK);
    for (int i = 0; i < 2; i++)
        if (mu_pg_execute(pg, QUERY_AUDIT_INSERT, values, NULL, &err) != MU_OK)
            fail_msg("%s", err.message);
    assert_sql(&w, "SELECT count(*) FROM audit_log", "1");
}

static void a_case_told_in_another_month_is_told_once(void **state)
{
    const char *values[] = {"2026-11-30T23:59:59Z",
                            "{11111111-1111-1111-1111-111111111111}",
                            "{tag_moved}",
                            "{warning}",
                            "{a:1}",
                            "{why}",
                            "{2026-11-01T00:00:00Z}"};
    struct mu_error err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        if (mu_pg_execute(w.pg, WRITE_NOTIFICATIONS, values, NULL, &err) != MU_OK)
            fail_msg("%s", err.message);
        values[0] = "2026-12-01T00:00:00Z";
    }
    assert_sql(&w, "SELECT count(*) FROM notifications", "1");
}

/* ---- retention ---- */

static char *retain(struct retention_config config)
{
    int64_t *const ages[] = {&config.payloads_ms, &config.ledger_ms, &config.audit_ms,
                             &config.gate_ms,     &config.policy_ms, &config.notifications_ms};
    int code = -1;
    char *text;

    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
        *ages[i] = *ages[i] ? *ages[i] : DAYS_MS(36500);
    config.postgres = w.conninfo;
    config.format = "json";
    text = captured(retention_command, &config, 0, NULL, &code);
    assert_int_equal(code, 0);
    return text;
}

/* Whether the line of `month` says `fate`; frees the text. */
static void assert_fate(char *text, const char *month, const char *fate)
{
    char *line = strstr(text, month), *end = line ? strchr(line, '}') : NULL;

    if (end)
        *end = '\0';
    if (!line || !strstr(line, fate))
        fail_msg("%s", text);
    free(text);
}

static void only_months_older_than_their_own_age_go(void **state)
{
    (void)state;
    audit("old", "2023-02-03Z", "'2023-02-03Z'");
    audit("older", "2023-01-03Z", "NULL");
    ship(1, "2023-01-03T00:00:00Z", "2023-01-03Z");
    audit("new", "now", "now()");
    upkeep();
    assert_fate(retain((struct retention_config){.audit_ms = DAYS_MS(500)}), "audit_log_2023_01",
                "would go");
    assert_sql(&w, "SELECT count(*) FROM audit_log", "3");
    assert_fate(retain((struct retention_config){.audit_ms = DAYS_MS(500), .apply = true}),
                "audit_log_2023_02", "gone");
    assert_sql(&w, "SELECT (SELECT count(*) FROM audit_log) || ' ' || count(*) FROM gate_decisions",
               "1 1");
    assert_sql(&w,
               "SELECT string_agg(concat_ws(' ', name, parent, rows, time_to::date, dropped_by = "
               "session_user), ', ' ORDER BY name) FROM retention_drops",
               "audit_log_2023_01 audit_log 1 2023-02-01 t, "
               "audit_log_2023_02 audit_log 1 2023-03-01 t");
    audit("late", "2023-01-09Z", "now()"); /* and its month comes again */
    upkeep();
    assert_fate(retain((struct retention_config){.audit_ms = DAYS_MS(500), .apply = true}),
                "audit_log_2023_01", "stays: some of it came lately");
}

static void what_an_assessment_looks_at_stays_whatever_age_is_given(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf at;
    char *month = world_sql(&w, "SELECT to_char(now() - interval '5 months', 'YYYY_MM')");

    (void)state;
    mu_buf_init(&at, 64);
    mu_buf_printf(&at, "%.4s-%.2s-15Z", month, month + 5);
    audit("old", at.data, "NULL");
    upkeep();
    assert_fate(retain((struct retention_config){.audit_ms = DAYS_MS(1), .apply = true}),
                mu_arena_printf(w.arena, "audit_log_%s", month), "stays: of the last 13 months");
    assert_sql(&w, "SELECT count(*) FROM audit_log", "1");
    free(month);
}

static void rows_of_times_to_come_are_named(void **state)
{
    (void)state;
    audit("future", "2150-05-01Z", "NULL");
    assert_fate(retain((struct retention_config){.audit_ms = DAYS_MS(500), .apply = true}),
                "audit_log_default", "stays: of times to come");
    assert_sql(&w, "SELECT count(*) FROM audit_log", "1");
}

/* Who reads for long is waited for a second at a time; who writes goes on. */
static void a_month_that_is_read_stays_until_nobody_reads(void **state)
{
    PGconn *reader = PQconnectdb(w.conninfo);
    const char *month = "audit_log_2023_01";
    struct mu_error err;

    (void)state;
    audit("old", "2023-01-03Z", "NULL");
    upkeep();
    PQclear(PQexec(reader, "BEGIN; SELECT count(*) FROM audit_log"));
    assert_int_equal(mu_pg_execute(w.pg, READ_MONTH_DROP, &month, NULL, &err), MU_E_UNAVAILABLE);
    assert_sql(&w, "SELECT count(*) FROM audit_log", "1");
    assert_sql(&w, "SELECT count(*) FROM retention_drops", "0");
    PQfinish(reader);
    assert_int_equal(mu_pg_execute(w.pg, READ_MONTH_DROP, &month, NULL, &err), MU_OK);
    assert_sql(&w, "SELECT count(*) FROM audit_log", "0");
}

static void decisions_stay_while_a_gap_of_theirs_is_open(void **state)
{
    const struct retention_config policy = {.gate_ms = DAYS_MS(500), .apply = true};

    (void)state;
    ship(2, "2023-01-03T00:00:00Z", "2023-01-03Z");
    upkeep();
    assert_fate(retain(policy), "gate_decisions_2023_01", "stays: an open detection failure");
    free(world_sql(&w, "UPDATE detection_failures SET closed_at = now(), closed_known_at = now()"));
    assert_fate(retain(policy), "gate_decisions_2023_01", "gone");
    assert_sql(&w, "SELECT count(*) FROM gate_decisions", "0");
    ship(2, "2023-01-03T00:00:00Z", "2026-11-01Z"); /* shipped again: it was had */
    assert_sql(&w, "SELECT count(*) FROM gate_decisions", "0");
}

static void ship_chained(int sequence, const char *at, const char *chain)
{
    ship(sequence, at, "2023-01-03Z");
    free(world_sql(&w, mu_arena_printf(w.arena,
                                       "UPDATE gate_decisions SET chain = '%s' WHERE sequence = %d",
                                       chain, sequence)));
}

static void assert_chain(const char *expected)
{
    assert_sql(&w,
               "SELECT string_agg(concat_ws(' ', from_sequence, to_sequence, decisions, state, "
               "month, first_chain, last_chain, follows), ', ') FROM gate_chain('g')",
               expected);
}

static void the_chain_is_told_over_a_month_that_went(void **state)
{
    (void)state;
    ship_chained(1, "2023-01-03T00:00:00Z", "c1");
    ship_chained(2, "2023-01-04T00:00:00Z", "c2");
    ship_chained(3, "2023-01-05T00:00:00Z", "c3");
    ship_chained(4, "2023-02-05T00:00:00Z", "c4");
    ship_chained(6, "now", "c6"); /* and 5 is missing */
    free(world_sql(&w, "UPDATE detection_failures SET closed_at = now(), closed_known_at = now()"));
    upkeep();
    assert_chain("1 4 4 kept c1 c4 t, 5 5 1 missing t, 6 6 1 kept c6 c6 t");
    assert_fate(retain((struct retention_config){.gate_ms = DAYS_MS(500), .apply = true}),
                "gate_decisions_2023_02", "gone");
    assert_chain("1 3 3 dropped gate_decisions_2023_01 c1 c3 t, "
                 "4 4 1 dropped gate_decisions_2023_02 c4 c4 t, "
                 "5 5 1 missing t, 6 6 1 kept c6 c6 t");
    free(world_sql(&w, "DELETE FROM retention_chains WHERE from_sequence = 4"));
    assert_chain("1 3 3 dropped gate_decisions_2023_01 c1 c3 t, 5 5 1 missing f, "
                 "6 6 1 kept c6 c6 t");
}

static void notifications_stay_until_webhooks_were_told(void **state)
{
    const struct retention_config policy = {.notifications_ms = DAYS_MS(120), .apply = true};

    (void)state;
    free(world_sql(&w, "INSERT INTO notifications VALUES ('11111111-1111-1111-1111-111111111111', "
                       "'tag_moved', 'warning', 'a:1', 'why', '2023-01-03Z', '2023-01-03Z'); "
                       "INSERT INTO webhook_targets VALUES ('t', '2023-01-01Z'); "
                       "UPDATE ledger_clock SET known_at = GREATEST(known_at, now())"));
    assert_sql(&w, "SELECT webhook_enqueue('t', NULL, 'info', 10)", "1");
    upkeep();
    assert_lie("webhook_deliveries", "webhook_deliveries_2023_01 1");
    assert_sql(&w, "SELECT webhook_enqueue('t', NULL, 'info', 10)", "0");
    assert_fate(retain(policy), "\"notifications_2023_01", "stays: a webhook is still to be told");
    assert_sql(&w, "SELECT delivery_id IS NOT NULL FROM webhook_take('t', '1 min')", "t");
    free(world_sql(&w, "UPDATE webhook_deliveries SET state = 'delivered'"));
    assert_fate(retain(policy), "webhook_deliveries_2023_01", "gone");
    assert_sql(&w, "SELECT count(*) FROM notifications", "0");
}

static void nothing_but_a_month_is_dropped(void **state)
{
    static const char *const names[] = {"audit_log", "audit_log_default", "assets", "nothing"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct mu_error err;

        assert_int_not_equal(mu_pg_execute(w.pg, READ_MONTH_DROP, &names[i], NULL, &err), MU_OK);
        assert_non_null(strstr(err.message, "no month of a log"));
    }
}

/* ---- pruning ---- */

static const char *const queries[] = {
#define QUERY(name, parameters, sql) [QUERY_##name] = (sql),
#include "query/queries.def"
#undef QUERY
};
static const char *const gate_statements[] = {
#define STATEMENT(name, parameters, sql) [GATE_##name] = (sql),
#include "gate/gate_statements.def"
#undef STATEMENT
};

/* The plan of a statement for whatever values; it must not look into the month of 2023. */
static void assert_pruned(const char *sql, const char *types, const char *values)
{
    PGconn *connection = PQconnectdb(w.conninfo);
    PGresult *result;
    bool looked_into = false;

    PQclear(PQexec(connection, "SET plan_cache_mode = force_generic_plan; SET jit = off"));
    result = PQexec(connection, mu_arena_printf(w.arena, "PREPARE asked (%s) AS %s", types, sql));
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s", PQerrorMessage(connection));
    PQclear(result);
    result = PQexec(
            connection,
            mu_arena_printf(w.arena, "EXPLAIN (ANALYZE, COSTS OFF) EXECUTE asked (%s)", values));
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(connection));
    for (int i = 0; i < PQntuples(result); i++)
        looked_into |= strstr(PQgetvalue(result, i, 0), "_2023_01") &&
                       !strstr(PQgetvalue(result, i, 0), "never executed");
    if (looked_into)
        for (int i = 0; i < PQntuples(result); i++)
            (void)fprintf(stderr, "%s\n", PQgetvalue(result, i, 0));
    assert_false(looked_into);
    PQclear(result);
    PQfinish(connection);
}

static void questions_look_into_the_months_they_ask_of(void **state)
{
    const char *list = queries[QUERY_LIST_AUDIT];
    const char *types = "text, text, text, bigint, text, timestamptz, timestamptz";

    (void)state;
    audit("old", "2023-01-03Z", "NULL");
    ship(1, "2023-01-03T00:00:00Z", "2023-01-03Z");
    ship(2, "2026-11-01T00:00:00Z", "2026-11-01Z");
    free(world_sql(&w,
                   "INSERT INTO policy_decisions (decided_at, asked_by, image, digest, verdict, "
                   "reason, policy, facts, known_at) VALUES ('2023-01-03Z', 'ann', 'a:1', 'd', "
                   "'approved', 'r', 'p', '{}', '2023-01-03Z')"));
    upkeep();
    assert_pruned(list, types, "NULL, NULL, NULL, 100, NULL, '2026-11-01Z', NULL");
    assert_pruned(list, types, "NULL, NULL, NULL, 100, NULL, NULL, '2022-12-01Z'");
    assert_pruned(list, types,
                  "NULL, NULL, '2022-11-01T00:00:00.00000011111111-1111-1111-1111-111111111111', "
                  "100, NULL, NULL, NULL");
    assert_pruned("SELECT * FROM policy_asked($1, $2)", "timestamptz, timestamptz",
                  "'2026-10-01Z', '2026-11-30Z'");
    assert_pruned(gate_statements[GATE_WANTED], "text, bigint, bigint, timestamptz, timestamptz",
                  "'g', 1, 2, '2026-11-01Z', '2026-11-02Z'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_months)

/* Tests share a database: months that one made are none of another's. */
static int close_months(void **state)
{
    free(world_sql(&w, "DO $$ DECLARE m record; BEGIN FOR m IN SELECT o.name FROM month_tables() "
                       "t, months_of(t.parent) o WHERE o.time_to <= date_trunc('month', now()) "
                       "LOOP EXECUTE format('DROP TABLE %I', m.name); END LOOP; END $$"));
    upkeep();
    return close_world(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_clock_that_is_wrong_costs_no_row),
            TEST(what_came_before_its_month_was_made_moves_into_it),
            TEST(months_of_each_log_are_made_ahead),
            TEST(a_decision_shipped_twice_is_one_row_in_any_month),
            TEST(a_number_twice_in_one_batch_is_one_row),
            TEST(an_audit_record_written_twice_is_one_row),
            TEST(a_case_told_in_another_month_is_told_once),
            TEST(only_months_older_than_their_own_age_go),
            TEST(what_an_assessment_looks_at_stays_whatever_age_is_given),
            TEST(rows_of_times_to_come_are_named),
            TEST(a_month_that_is_read_stays_until_nobody_reads),
            TEST(decisions_stay_while_a_gap_of_theirs_is_open),
            TEST(the_chain_is_told_over_a_month_that_went),
            TEST(notifications_stay_until_webhooks_were_told),
            TEST(nothing_but_a_month_is_dropped),
            TEST(questions_look_into_the_months_they_ask_of),
    };

    return pg_server_group(&world_server, tests);
}

/* Each role can do its work, and nothing else. */
#include "world.h"

#include "ledger/upkeep.h"

static struct world w;

static int open_world(void **state)
{
    (void)state;
    world_open(&w);
    free(world_sql(&w,
                   "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN "
                   "CREATE ROLE app LOGIN IN ROLE muster_inventory; "
                   "CREATE ROLE viewer LOGIN IN ROLE muster_read; "
                   "CREATE ROLE reporter LOGIN IN ROLE muster_report; END IF; END $$"));
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static void conninfo_of(const char *user, char ret_conninfo[PG_SERVER_CONNINFO_SIZE])
{
    (void)snprintf(ret_conninfo, PG_SERVER_CONNINFO_SIZE, "host=%s port=5432 user=%s dbname=%s",
                   world_server.folder, user, w.database);
}

/* SQLSTATE of a statement as that user; "" when it is done. It is undone. */
static const char *outcome(const char *user, const char *sql)
{
    static char sqlstate[8];
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    PGconn *connection;
    PGresult *result;
    const char *code;

    conninfo_of(user, conninfo);
    connection = PQconnectdb(conninfo);
    PQclear(PQexec(connection, "BEGIN"));
    result = PQexec(connection, sql);
    code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    (void)snprintf(sqlstate, sizeof(sqlstate), "%s", code ? code : "");
    PQclear(result);
    PQfinish(connection);
    return sqlstate;
}

struct attempt {
    const char *user, *sql;
    bool allowed;
};

static const struct attempt attempts[] = {
        {"reporter", "SELECT * FROM report_v1.totals(now(), now())", true},
        {"reporter", "SELECT report_v1.horizon(now())", true},
        {"reporter", "SELECT * FROM ledger", false},
        {"reporter", "SELECT * FROM assets", false},
        {"reporter", "SELECT ledger_tick()", false},
        {"reporter", "INSERT INTO exclusions DEFAULT VALUES", false},
        {"reporter", "SELECT ledger_make_partitions(now())", false},
        {"viewer", "SELECT * FROM assets", true},
        {"viewer", "SELECT * FROM ledger", true},
        {"viewer", "SELECT * FROM coverage_images(now(), now())", true},
        {"viewer", "SELECT * FROM report_v1.totals(now(), now())", true},
        {"viewer", "SELECT * FROM run_facts_told", true},
        {"viewer", "SELECT * FROM subject_instances('x', now())", true},
        {"viewer", "SELECT * FROM list_assets(now(), now())", true},
        {"viewer", "UPDATE assets SET uai = 'x'", false},
        {"viewer", "DELETE FROM ledger", false},
        {"viewer", "SELECT ledger_tick()", false},
        {"viewer", "CREATE TABLE t (i int)", false},
        {"app", "SELECT ledger_tick()", true},
        {"app", "SELECT ledger_make_partitions(now())", true},
        {"app", "UPDATE positions SET owner = 'x'", true},
        {"app", "DELETE FROM outbox", true},
        {"app", "UPDATE instances SET kind = 'init'", true},
        {"app", "UPDATE assets SET uai = 'x'", false},
        {"app", "DELETE FROM run_facts", false},
        {"app", "UPDATE run_image_facts SET digest = 'x'", false},
        {"app", "DELETE FROM run_image_facts", false},
        {"app", "DELETE FROM run_images_overruled", true},
        {"app", "UPDATE scans SET outcome = 'complete'", false},
        {"app", "DELETE FROM finding_kinds", false},
        {"app", "DELETE FROM image_approvals", false},
        {"app", "UPDATE policy_decisions SET verdict = 'approved'", false},
        {"app", "DELETE FROM ledger", false},
        {"app", "UPDATE ledger_payloads SET payload = ''", false},
        {"app", "DELETE FROM ledger_transactions", false},
        {"app", "DELETE FROM exclusions", false},
        {"app",
         "SELECT ledger_tick(), record_ssvc(now(), (gen_random_uuid(), 'CVE-1', 'no', 'total', "
         "now(), 'ann', NULL, NULL, NULL, NULL)::ssvc_facts)",
         true},
        {"app", "DELETE FROM exclusion_facts", false},
        {"app", "DELETE FROM evidence_layers", false},
        {"app", "UPDATE move_facts SET \"by\" = 'bob'", false},
        {"app", "TRUNCATE assets", false},
        {"app", "SELECT ledger_drop('ledger_default')", false},
        {"app", "INSERT INTO ledger_rebuild DEFAULT VALUES", false},
        {"app", "UPDATE muster_schema_migrations SET checksum = ''", false},
        {"app", "CREATE TABLE t (i int)", false},
        {"app",
         "INSERT INTO audit_log (record_id, at, principal, authentication, roles, method, "
         "path, "
         "parameters, status) SELECT gen_random_uuid(), t, 'a', 'token', 'r', 'GET', '/', "
         "'{}', "
         "200 FROM unnest(ARRAY['now', '1990-01-01', '2150-01-01']::timestamptz[]) t",
         true},
        {"app",
         "SELECT gate_ship(now(), 'g', '{1}', '{c}', ARRAY['{\"at\":\"1990-01-01T00:00:00Z\","
         "\"source\":\"api\",\"allowed\":true,\"would_deny\":false,\"verdict\":\"none\","
         "\"reason\":\"r\",\"generation\":1,\"lost_before\":0}'])",
         true},
        {"app", "SELECT count(*) FROM gate_decisions, audit_log, policy_decisions", true},
        {"app", "UPDATE gate_instances SET next_sequence = 2", true},
        {"app", "UPDATE webhook_deliveries SET state = 'delivered'", true},
        {"app", "UPDATE audit_log SET principal = 'b'", false},
        {"app", "DELETE FROM audit_log", false},
        {"app", "UPDATE gate_decisions SET allowed = true", false},
        {"app", "DELETE FROM gate_decisions", false},
        {"app", "DELETE FROM gate_gaps", false},
        {"app", "UPDATE policy_decisions SET verdict = 'approved'", false},
        {"app", "DELETE FROM policy_decisions", false},
        {"app", "DELETE FROM notifications", false},
        {"app", "DELETE FROM webhook_deliveries", false},
        {"app", "DELETE FROM audit_log_default", false},
        {"app", "DELETE FROM ledger_default", false},
        {"app", "DELETE FROM ledger_ids_0", false},
        {"app", "TRUNCATE audit_log", false},
        {"app", "SELECT month_make('audit_log', '2020-01-01Z')", false},
        {"app", "SELECT month_drop('audit_log_default')", false},
        {"app", "SELECT muster_lock_tables('audit_log')", false},
        {"app", "SELECT muster_grant_roles()", false},
        {"app", "INSERT INTO retention_drops DEFAULT VALUES", false},
        {"app", "DELETE FROM retention_drops", false},
        {"app", "INSERT INTO retention_chains DEFAULT VALUES", false},
        {"viewer", "SELECT * FROM audit_log", true},
        {"viewer", "SELECT * FROM retention_drops", true},
        {"viewer", "SELECT * FROM log_retention('1 d', '1 d', '1 d', '1 d')", true},
        {"viewer", "INSERT INTO audit_log SELECT * FROM audit_log", false},
        {"viewer", "DELETE FROM gate_decisions", false},
        {"reporter", "SELECT * FROM audit_log", false},
        {"reporter", "SELECT * FROM gate_decisions", false},
};

static void each_role_may_do_its_work_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        const struct attempt *a = &attempts[i];
        const char *sqlstate = outcome(a->user, a->sql);

        if (!mu_text_equal(sqlstate, a->allowed ? "" : "42501"))
            fail_msg("%s: %s: %s", a->user, a->sql, sqlstate);
    }
}

static void the_running_program_needs_no_more_than_its_role(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct mu_error err;
    int applied = -1;

    (void)state;
    conninfo_of("app", conninfo);
    if (mu_pg_migrate(conninfo, inventory_migrations, inventory_migration_count, &applied, &err) !=
                MU_OK ||
        inventory_pg_open(conninfo, "test", &pg, &err) != MU_OK || upkeep_round(pg, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_int_equal(applied, 0);
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_pod(&w, "e2", (struct pod){.uid = "p1", .digest = digest_of('a'), .at = T(1)});
    add_scan(&w, "e3", (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(2)});
    (void)add_raw(&w, MU_TOPIC_REGISTRY_EVENTS, "muster.registry-event.v1", "bad", "{");
    if (batch_apply(w.applier, pg, w.events, w.count, &err) != MU_OK)
        fail_msg("%s", err.message);
    w.count = 0;
    add_push(&w, "bad", "1.1", digest_of('b'), T(3));
    add_pod(&w, "e4",
            (struct pod){.uid = "p1",
                         .kind = MU_CONTAINER_SIDECAR,
                         .digest = digest_of('a'),
                         .at = T(4)});
    if (batch_apply(w.applier, pg, w.events, w.count, &err) != MU_OK)
        fail_msg("%s", err.message);
    w.count = 0;
    assert_sql(&w, "SELECT ledger_balance()::text", "(6,5,0,1,0)");
}

/* By whatever name a partition goes, also one made just now. */
static void a_partition_gives_no_right_that_its_table_does_not(void **state)
{
    static const char partitions_with_rights[] =
            "SELECT string_agg(c.relname || ' ' || p, ', ') FROM pg_inherits i JOIN pg_class c ON "
            "c.oid = i.inhrelid AND c.relkind = 'r', unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', "
            "'TRUNCATE']) p WHERE has_table_privilege('app', c.oid, p)";

    (void)state;
    assert_sql(&w, partitions_with_rights, "");
    assert_sql(&w, "SELECT ledger_make_partitions(now() + interval '4 months') > 0", "t");
    assert_sql(&w, partitions_with_rights, "");
    free(world_sql(&w, "SELECT muster_grant_roles()"));
    assert_sql(&w, partitions_with_rights, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(each_role_may_do_its_work_and_nothing_else),
            TEST(a_partition_gives_no_right_that_its_table_does_not),
            TEST(the_running_program_needs_no_more_than_its_role),
    };

    return pg_server_group(&world_server, tests);
}

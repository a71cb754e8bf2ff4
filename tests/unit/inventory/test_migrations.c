#include "world.h"

#include "app/commands.h"

static enum mu_status migrate(const char *conninfo, const struct mu_pg_migration *migrations,
                              size_t count, int *ret_applied, struct mu_error *err)
{
    return mu_pg_migrate(conninfo, migrations, count, ret_applied, err);
}

static void an_empty_database_gets_every_migration(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    struct mu_error err;
    int applied = -1;

    (void)state;
    pg_server_database(&world_server, conninfo);
    assert_int_equal(
            migrate(conninfo, inventory_migrations, inventory_migration_count, &applied, &err),
            MU_OK);
    assert_int_equal(applied, inventory_migration_count);
}

static void a_second_run_changes_nothing(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    struct mu_error err;
    int applied = -1;

    (void)state;
    pg_server_database(&world_server, conninfo);
    assert_int_equal(
            migrate(conninfo, inventory_migrations, inventory_migration_count, &applied, &err),
            MU_OK);
    assert_int_equal(
            migrate(conninfo, inventory_migrations, inventory_migration_count, &applied, &err),
            MU_OK);
    assert_int_equal(applied, 0);
}

static void a_database_of_an_older_program_is_brought_up(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    struct mu_error err;
    int applied = -1;

    (void)state;
    pg_server_database(&world_server, conninfo);
    assert_int_equal(
            migrate(conninfo, inventory_migrations, inventory_migration_count - 1, &applied, &err),
            MU_OK);
    assert_int_equal(
            migrate(conninfo, inventory_migrations, inventory_migration_count, &applied, &err),
            MU_OK);
    assert_int_equal(applied, 1);
}

/* What runs said of their image stood in their own rows, under an index of its own. */
static void runs_of_before_are_found_as_ever(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE], name[32];
    char *oid, *after;
    struct mu_error err;
    int applied = -1;

    (void)state;
    pg_server_database(&world_server, conninfo);
    (void)snprintf(name, sizeof(name), "test_%u", world_server.database_count);
    assert_int_equal(migrate(conninfo, inventory_migrations, 56, &applied, &err), MU_OK);
    free(pg_server_sql(
            &world_server, name,
            "INSERT INTO instances SELECT gen_random_uuid(), 'c', 'p' || n, 'main', 'regular', "
            "NULL, '2026-11-01' FROM generate_series(1, 3) n; INSERT INTO run_facts (fact_id, "
            "instance_id, run_key, image, image_id, repository, tag, digest, started_at, known_at) "
            "SELECT gen_random_uuid(), instance_id, 'k', 'app', 'x', 'r', '1.0', 'sha256:' || "
            "right(pod_uid, 1), '2026-11-01', '2026-11-01' FROM instances"));
    oid = pg_server_sql(&world_server, name, "SELECT pg_relation_filenode('run_facts')");
    if (migrate(conninfo, inventory_migrations, inventory_migration_count, &applied, &err) != MU_OK)
        fail_msg("%s", err.message);
    after = pg_server_sql(&world_server, name,
                          "SELECT pg_relation_filenode('run_facts') || ' ' || (SELECT "
                          "string_agg(concat_ws(' ', i.pod_uid, r.image, r.tag, r.digest), ', ') "
                          "FROM subject_instances('sha256:2', 'infinity') s JOIN instances i USING "
                          "(instance_id) JOIN runs r USING (instance_id))");
    assert_string_equal(strchr(after, ' ') + 1, "p2 app 1.0 sha256:2");
    assert_int_equal(strtol(after, NULL, 10), strtol(oid, NULL, 10)); /* not rewritten */
    free(oid), free(after);
}

/* A ledger that is full: its rows stay where they lie, and everything is found again. */
static void an_old_ledger_becomes_the_first_partition(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE], name[32];
    char *oid, *moved;
    struct mu_error err;
    int applied = -1;

    (void)state;
    pg_server_database(&world_server, conninfo);
    (void)snprintf(name, sizeof(name), "test_%u", world_server.database_count);
    assert_int_equal(migrate(conninfo, inventory_migrations, 9, &applied, &err), MU_OK);
    free(pg_server_sql(
            &world_server, name,
            "INSERT INTO ledger SELECT gen_random_uuid(), '/s', 'e' || n, 't', CASE n % 2 "
            "WHEN 0 THEN 'applied' ELSE 'quarantined' END, CASE n % 2 WHEN 1 THEN 'invalid' "
            "END, CASE n % 2 WHEN 1 THEN 'why' END, now(), now(), now(), "
            "'muster.registry-events', 0, n, NULL FROM generate_series(1, 11) n; "
            "INSERT INTO positions VALUES ('muster.registry-events', 0, 12, 11, 0)"));
    oid = pg_server_sql(&world_server, name, "SELECT 'ledger'::regclass::oid");
    if (migrate(conninfo, inventory_migrations, inventory_migration_count, &applied, &err) != MU_OK)
        fail_msg("%s", err.message);
    moved = pg_server_sql(&world_server, name, "SELECT DISTINCT tableoid FROM ledger");
    assert_string_equal(moved, oid);
    free(moved);
    moved = pg_server_sql(
            &world_server, name,
            "SELECT (SELECT ledger_balance()::text) || (SELECT count(*) FROM ledger_ids) "
            "|| (SELECT count(*) FROM ledger_transactions)");
    assert_string_equal(moved, "(11,5,6,0,0)111");
    free(moved);
    free(oid);
}

static void a_dry_run_lists_what_is_missing_and_does_nothing(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    struct migrate_config config = {.postgres = conninfo, .dry_run = true};
    struct mu_error err;
    int applied = -1, code = -1;
    char *text;

    (void)state;
    pg_server_database(&world_server, conninfo);
    text = captured(migrate_command, &config, 0, NULL, &code);
    assert_int_equal(code, 0);
    assert_non_null(strstr(text, "0001_ledger\n"));
    free(text);
    assert_int_equal(migrate(conninfo, inventory_migrations, 9, &applied, &err), MU_OK);
    assert_int_equal(applied, 9);
    text = captured(migrate_command, &config, 0, NULL, &code);
    assert_null(strstr(text, "0009"));
    assert_non_null(strstr(text, "0010"));
    free(text);
}

static void a_migration_edited_after_it_ran_is_refused_by_name(void **state)
{
    struct mu_pg_migration edited[128];
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    struct mu_error err;
    int applied = 99;

    (void)state;
    assert_true(inventory_migration_count <= 128);
    pg_server_database(&world_server, conninfo);
    assert_int_equal(
            migrate(conninfo, inventory_migrations, inventory_migration_count, &applied, &err),
            MU_OK);
    memcpy(edited, inventory_migrations, inventory_migration_count * sizeof(edited[0]));
    edited[1].sql = "SELECT 1";
    applied = 99;
    assert_int_equal(migrate(conninfo, edited, inventory_migration_count, &applied, &err),
                     MU_E_CONFLICT);
    assert_non_null(strstr(err.message, "0002_identity"));
    assert_int_equal(applied, 99);
}

static void a_database_of_a_newer_program_is_refused(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    struct mu_error err;
    int applied = 99;

    (void)state;
    pg_server_database(&world_server, conninfo);
    assert_int_equal(
            migrate(conninfo, inventory_migrations, inventory_migration_count, &applied, &err),
            MU_OK);
    assert_int_equal(
            migrate(conninfo, inventory_migrations, inventory_migration_count - 1, &applied, &err),
            MU_E_CONFLICT);
    assert_non_null(strstr(err.message, "newer program"));
}

/* No waiting helps: the process says so and ends, where a database that is away would be waited
 * for. */
static void no_process_runs_on_a_database_of_another_program(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE], folder[] = "/tmp/muster-evidence-XXXXXX";
    struct run_config config = {.kafka_brokers = "127.0.0.1:1",
                                .kafka_properties = "",
                                .postgres = conninfo,
                                .listen = "127.0.0.1:0",
                                .evidence_dir = folder,
                                .auth = "none",
                                .log_level = "error"};
    char sql[128];
    struct mu_error err;
    int applied = 0;

    (void)state;
    assert_non_null(mkdtemp(folder));
    pg_server_database(&world_server, conninfo);
    assert_int_equal(
            migrate(conninfo, inventory_migrations, inventory_migration_count, &applied, &err),
            MU_OK);
    (void)snprintf(sql, sizeof(sql), "test_%u", world_server.database_count);
    free(pg_server_sql(&world_server, sql,
                       "UPDATE muster_schema_migrations SET checksum = 'x' WHERE version = 1"));
    assert_int_equal(run_command(&config, 0, NULL), 3);
    (void)nftw(folder, pg_server_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* mu_pg_open prepares all of them: tables, columns, types and functions must fit. */
static void every_statement_of_the_writing_side_prepares(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    world_connect(&w);
    world_close(&w);
}

static void every_query_of_the_reading_side_prepares(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct mu_error err;
    struct world w;

    (void)state;
    world_open(&w);
    if (inventory_query_open(w.conninfo, "test", &pg, &err) != MU_OK)
        fail_msg("%s", err.message);
    world_close(&w);
}

/* The columns a write set has are the arrays its statement reads. */
static void every_statement_declares_as_many_parameters_as_it_uses(void **state)
{
    (void)state;
    for (size_t i = 0; i < INVENTORY_STATEMENT_COUNT; i++) {
        const struct mu_pg_statement *s = &inventory_statements[i];
        int highest = 0;

        for (const char *at = strchr(s->sql, '$'); at; at = strchr(at + 1, '$')) {
            int number = (int)strtol(at + 1, NULL, 10);

            highest = number > highest ? number : highest;
        }
        if (highest != s->parameter_count)
            fail_msg("%s uses $%d, declares %d", s->name, highest, s->parameter_count);
    }
}

static void report_may_execute_its_functions_and_read_no_table(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    assert_sql(&w,
               "SELECT bool_and(has_function_privilege('muster_report', p.oid, 'EXECUTE')) "
               "FROM pg_proc p WHERE p.pronamespace = 'report_v1'::regnamespace",
               "t");
    assert_sql(&w,
               "SELECT count(*) FROM pg_class c WHERE c.relkind IN ('r', 'v') "
               "AND c.relnamespace = 'public'::regnamespace "
               "AND has_table_privilege('muster_report', c.oid, 'SELECT')",
               "0");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_empty_database_gets_every_migration),
            cmocka_unit_test(a_second_run_changes_nothing),
            cmocka_unit_test(a_database_of_an_older_program_is_brought_up),
            cmocka_unit_test(runs_of_before_are_found_as_ever),
            cmocka_unit_test(an_old_ledger_becomes_the_first_partition),
            cmocka_unit_test(a_dry_run_lists_what_is_missing_and_does_nothing),
            cmocka_unit_test(a_migration_edited_after_it_ran_is_refused_by_name),
            cmocka_unit_test(a_database_of_a_newer_program_is_refused),
            cmocka_unit_test(no_process_runs_on_a_database_of_another_program),
            cmocka_unit_test(every_statement_of_the_writing_side_prepares),
            cmocka_unit_test(every_query_of_the_reading_side_prepares),
            cmocka_unit_test(every_statement_declares_as_many_parameters_as_it_uses),
            cmocka_unit_test(report_may_execute_its_functions_and_read_no_table),
    };

    return pg_server_group(&world_server, tests);
}

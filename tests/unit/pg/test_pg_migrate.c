/* migrate: each migration once and whole, by however many programs at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "pg/pg.h"

#include "pg_server.h"

#include <pthread.h>

enum { PROGRAMS = 4 };

static struct pg_server server;

static const struct mu_pg_migration migrations[] = {
        {1, "0001_a", "CREATE TABLE a (id int); INSERT INTO a VALUES (1);"},
        {2, "0002_b", "CREATE TABLE b AS SELECT id FROM a; INSERT INTO a VALUES (2);"},
        {3, "0003_c", "-- nothing but a comment\n"},
};

static void sql_gives(const char *conninfo, const char *sql, const char *wanted)
{
    char *cell = pg_server_sql(&server, strstr(conninfo, "dbname=") + 7, sql);
    bool equal = strcmp(cell ? cell : "NULL", wanted) == 0;

    if (!equal)
        print_error("%s gave '%s'\n", sql, cell ? cell : "NULL");
    free(cell);
    assert_true(equal);
}

static int applies(const char *conninfo, const struct mu_pg_migration *list, size_t count)
{
    struct mu_error err;
    int applied = -7;

    if (mu_pg_migrate(conninfo, list, count, &applied, &err) != MU_OK)
        fail_msg("%s", err.message);
    return applied;
}

static void refused(const char *conninfo, const struct mu_pg_migration *list, size_t count,
                    enum mu_status status, const char *part)
{
    struct mu_error err;
    int applied = -7;

    if (mu_pg_migrate(conninfo, list, count, &applied, &err) != status ||
        !strstr(err.message, part))
        fail_msg("%s: %s", mu_status_name(err.status), err.message);
    assert_int_equal(applied, -7);
}

static void an_empty_database_gets_all_in_order_and_once(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];

    (void)state;
    pg_server_fresh(&server, conninfo);
    assert_int_equal(applies(conninfo, migrations, 3), 3);
    assert_int_equal(applies(conninfo, migrations, 3), 0);
    sql_gives(conninfo, "SELECT count(*) FROM a", "2");
    sql_gives(conninfo, "SELECT count(*) FROM b", "1");
    sql_gives(conninfo,
              "SELECT string_agg(version || name, ' ' ORDER BY version) FROM "
              "muster_schema_migrations",
              "10001_a 20002_b 30003_c");
}

static void a_newer_program_applies_what_is_missing(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];

    (void)state;
    pg_server_fresh(&server, conninfo);
    assert_int_equal(applies(conninfo, migrations, 1), 1);
    assert_int_equal(applies(conninfo, migrations, 3), 2);
}

static void an_older_program_is_refused(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];

    (void)state;
    pg_server_fresh(&server, conninfo);
    assert_int_equal(applies(conninfo, migrations, 3), 3);
    refused(conninfo, migrations, 2, MU_E_CONFLICT, "newer program");
}

static void a_migration_that_was_edited_is_refused_by_name(void **state)
{
    struct mu_pg_migration edited[] = {migrations[0], migrations[1]};
    char conninfo[PG_SERVER_CONNINFO_SIZE];

    (void)state;
    pg_server_fresh(&server, conninfo);
    assert_int_equal(applies(conninfo, edited, 1), 1);
    edited[0].sql = "CREATE TABLE a (id bigint)";
    refused(conninfo, edited, 2, MU_E_CONFLICT, "0001_a");
    sql_gives(conninfo, "SELECT to_regclass('b')", "NULL");
}

static void a_migration_that_fails_is_undone_whole_and_says_why(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE], sql[3000];
    struct mu_pg_migration broken[] = {
            migrations[0], {2, "0002_broken", sql}, {3, "0003_c", "SELECT 1"}};

    (void)state;
    (void)snprintf(sql, sizeof(sql),
                   "CREATE TABLE half (id int); /* %02000d */ INSERT INTO half VALUES (1 / 0);", 0);
    pg_server_fresh(&server, conninfo);
    refused(conninfo, broken, 3, MU_E_INVALID, "0002_broken");
    refused(conninfo, broken, 3, MU_E_INVALID, "22012: division by zero");
    sql_gives(conninfo, "SELECT to_regclass('half')", "NULL");
    sql_gives(conninfo, "SELECT max(version) FROM muster_schema_migrations", "1");
}

static void what_is_recorded_is_told_and_nothing_written(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    struct mu_error err;
    size_t recorded = 77;

    (void)state;
    pg_server_fresh(&server, conninfo);
    assert_int_equal(mu_pg_migrations_recorded(conninfo, migrations, 3, &recorded, &err), MU_OK);
    assert_int_equal(recorded, 0);
    sql_gives(conninfo, "SELECT to_regclass('muster_schema_migrations')", "NULL");
    assert_int_equal(applies(conninfo, migrations, 2), 2);
    assert_int_equal(mu_pg_migrations_recorded(conninfo, migrations, 3, &recorded, &err), MU_OK);
    assert_int_equal(recorded, 2);
    assert_int_equal(mu_pg_migrations_recorded(conninfo, migrations, 1, &recorded, &err),
                     MU_E_CONFLICT);
}

static void a_gap_in_the_versions_is_our_bug(void **state)
{
    const struct mu_pg_migration gap[] = {migrations[0], {3, "0003_c", "SELECT 1"}};
    char conninfo[PG_SERVER_CONNINFO_SIZE];

    (void)state;
    pg_server_fresh(&server, conninfo);
    refused(conninfo, gap, 2, MU_E_INTERNAL, "0003_c");
}

static void no_server_is_unavailable(void **state)
{
    (void)state;
    refused("host=/nonexistent dbname=x", migrations, 3, MU_E_UNAVAILABLE, "/nonexistent");
}

struct program {
    pthread_t thread;
    const char *conninfo;
    enum mu_status status;
    int applied;
};

static void *run_program(void *opaque)
{
    struct program *program = opaque;
    struct mu_error err;

    program->status = mu_pg_migrate(program->conninfo, migrations, 3, &program->applied, &err);
    return NULL;
}

static void programs_that_start_together_apply_each_migration_once(void **state)
{
    struct program programs[PROGRAMS] = {0};
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    int applied = 0;

    (void)state;
    pg_server_fresh(&server, conninfo);
    for (int i = 0; i < PROGRAMS; i++) {
        programs[i].conninfo = conninfo;
        assert_int_equal(pthread_create(&programs[i].thread, NULL, run_program, &programs[i]), 0);
    }
    for (int i = 0; i < PROGRAMS; i++) {
        (void)pthread_join(programs[i].thread, NULL);
        assert_int_equal(programs[i].status, MU_OK);
        applied += programs[i].applied;
    }
    assert_int_equal(applied, 3);
    sql_gives(conninfo, "SELECT count(*) FROM a", "2");
}

static void a_migration_may_take_longer_than_a_statement_may(void **state)
{
    static const struct mu_pg_migration slow[] = {
            {1, "0001_timeout",
             "CREATE TABLE seen AS SELECT current_setting('statement_timeout') AS t"}};
    char conninfo[PG_SERVER_CONNINFO_SIZE];

    (void)state;
    pg_server_fresh(&server, conninfo);
    assert_int_equal(applies(conninfo, slow, 1), 1);
    sql_gives(conninfo, "SELECT t FROM seen", "1h");
}

/* What waits behind a waiting migration: a reader of the same table, timed. */
struct reader {
    pthread_t thread;
    const char *conninfo;
    uint64_t took_ms;
};

static void *read_behind(void *opaque)
{
    struct reader *reader = opaque;
    uint64_t began_ms;

    sql_gives(reader->conninfo, /* polls until the migration waits for its lock */
              "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = "
              "'a'::regclass) LOOP PERFORM pg_sleep(0.005); END LOOP; END $$",
              "NULL");
    began_ms = mu_monotonic_ms();
    sql_gives(reader->conninfo, "SELECT count(*) FROM a", "2");
    reader->took_ms = mu_monotonic_ms() - began_ms;
    return NULL;
}

static void a_migration_gives_way_to_readers_and_names_who_holds_it_up(void **state)
{
    const struct mu_pg_migration more[] = {migrations[0],
                                           migrations[1],
                                           migrations[2],
                                           {4, "0004_d", "ALTER TABLE a ADD COLUMN d int"}};
    char conninfo[PG_SERVER_CONNINFO_SIZE], pid[32];
    struct reader reader = {.conninfo = conninfo};
    PGconn *holder;

    (void)state;
    pg_server_fresh(&server, conninfo);
    assert_int_equal(applies(conninfo, more, 3), 3);
    holder = PQconnectdb(conninfo);
    PQclear(PQexec(holder, "SET idle_in_transaction_session_timeout = '20s'"));
    PQclear(PQexec(holder, "BEGIN"));
    PQclear(PQexec(holder, "SELECT * FROM a"));
    (void)snprintf(pid, sizeof(pid), "pid %d (", PQbackendPID(holder));
    assert_int_equal(pthread_create(&reader.thread, NULL, read_behind, &reader), 0);
    refused(conninfo, more, 4, MU_E_UNAVAILABLE, pid);
    (void)pthread_join(reader.thread, NULL);
    assert_in_range(reader.took_ms, 0, 6000);
    sql_gives(conninfo, "SELECT max(version) FROM muster_schema_migrations", "3");
    PQclear(PQexec(holder, "COMMIT"));
    assert_int_equal(applies(conninfo, more, 4), 1);
    PQfinish(holder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_empty_database_gets_all_in_order_and_once),
            cmocka_unit_test(a_newer_program_applies_what_is_missing),
            cmocka_unit_test(an_older_program_is_refused),
            cmocka_unit_test(a_migration_that_was_edited_is_refused_by_name),
            cmocka_unit_test(a_migration_that_fails_is_undone_whole_and_says_why),
            cmocka_unit_test(what_is_recorded_is_told_and_nothing_written),
            cmocka_unit_test(a_gap_in_the_versions_is_our_bug),
            cmocka_unit_test(no_server_is_unavailable),
            cmocka_unit_test(programs_that_start_together_apply_each_migration_once),
            cmocka_unit_test(a_migration_may_take_longer_than_a_statement_may),
            cmocka_unit_test(a_migration_gives_way_to_readers_and_names_who_holds_it_up),
    };

    return pg_server_group(&server, tests);
}

/* pipeline: many statements in one round trip; the first failure counts, a lost server loses
 * nothing silently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "pg/pg.h"

#include "pg_server.h"

static struct pg_server server;

enum { INSERT, COUNT_ROWS, WIDE, KILL_SELF, RAISE };
static const struct mu_pg_statement statements[] = {
        [INSERT] = {"insert", "INSERT INTO t VALUES ($1, $2)", 2},
        [COUNT_ROWS] = {"count_rows", "SELECT count(*) FROM t", 0},
        [WIDE] = {"wide", "SELECT repeat('x', 100000), $1::text", 1},
        [KILL_SELF] = {"kill_self", "SELECT pg_terminate_backend(pg_backend_pid())", 0},
        [RAISE] = {"raise", "SELECT 1 / (length($1) - 1)", 1},
};

static struct mu_pg *open_pg(char ret_conninfo[PG_SERVER_CONNINFO_SIZE])
{
    struct mu_pg *pg = NULL;
    struct mu_error err;

    pg_server_fresh(&server, ret_conninfo);
    free(pg_server_sql(&server, strstr(ret_conninfo, "dbname=") + 7,
                       "CREATE TABLE t (id int PRIMARY KEY, v text)"));
    if (mu_pg_open(ret_conninfo, "test", statements, sizeof(statements) / sizeof(statements[0]),
                   &pg, &err) != MU_OK)
        fail_msg("%s", err.message);
    return pg;
}

static void queues(struct mu_pg *pg, int statement, const char *a, const char *b)
{
    struct mu_error err;

    if (mu_pg_queue(pg, statement, (const char *const[]){a, b}, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void queue_rows(struct mu_pg *pg, int first, int count)
{
    char id[16];

    for (int i = first; i < first + count; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        queues(pg, INSERT, id, "v");
    }
}

static int64_t rows_of(struct mu_pg *pg)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    struct mu_error err;

    if (mu_pg_execute(pg, COUNT_ROWS, NULL, &result, &err) != MU_OK)
        fail_msg("%s", err.message);
    return mu_pg_int(result, 0, 0);
}

static void everything_queued_is_done_by_the_sync(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    struct mu_error err;

    (void)state;
    queue_rows(pg, 0, 5000);
    assert_int_equal(mu_pg_sync(pg, &err), MU_OK);
    assert_int_equal(rows_of(pg), 5000);
}

static void a_sync_of_nothing_is_fine(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_sync(pg, &err), MU_OK);
    assert_int_equal(mu_pg_sync(pg, &err), MU_OK);
}

/* Much more than both sockets hold, in both directions. */
static void large_statements_and_results_do_not_block_each_other(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    MU_AUTO_FREE char *large = mu_xcalloc(1, 100001);
    struct mu_error err;

    (void)state;
    memset(large, 'y', 100000);
    for (int i = 0; i < 100; i++)
        queues(pg, WIDE, large, NULL);
    assert_int_equal(mu_pg_sync(pg, &err), MU_OK);
    assert_int_equal(rows_of(pg), 0);
}

static void the_first_failure_is_reported_and_aborts_the_rest(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    struct mu_error err;

    (void)state;
    queue_rows(pg, 0, 10);
    queues(pg, RAISE, "x", NULL);
    queues(pg, INSERT, "0", "twice");
    queue_rows(pg, 100, 10);
    assert_int_equal(mu_pg_sync(pg, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "'raise'"));
    assert_non_null(strstr(err.message, "22012"));
    assert_true(mu_pg_alive(pg));
    assert_int_equal(rows_of(pg), 0); /* one implicit transaction */
    queue_rows(pg, 0, 10);
    assert_int_equal(mu_pg_sync(pg, &err), MU_OK);
    assert_int_equal(rows_of(pg), 10);
}

static void a_failure_is_found_also_when_it_was_read_before_the_sync(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    MU_AUTO_FREE char *large = mu_xcalloc(1, 100001);
    struct mu_error err;

    (void)state;
    memset(large, 'y', 100000);
    queues(pg, RAISE, "x", NULL);
    for (int i = 0; i < 100; i++)
        queues(pg, WIDE, large, NULL);
    assert_int_equal(mu_pg_sync(pg, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "'raise'"));
}

static void a_single_statement_syncs_what_was_queued_before_it(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    struct mu_error err;

    (void)state;
    queue_rows(pg, 0, 3);
    assert_int_equal(rows_of(pg), 3);
    queues(pg, INSERT, "0", "twice");
    assert_int_equal(mu_pg_execute(pg, COUNT_ROWS, NULL, NULL, &err), MU_E_CONFLICT);
    assert_int_equal(rows_of(pg), 3);
}

static void a_commit_includes_what_was_queued(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_begin(pg, MU_PG_READ_COMMITTED, &err), MU_OK);
    queue_rows(pg, 0, 3);
    assert_int_equal(mu_pg_commit(pg, &err), MU_OK);
    assert_int_equal(mu_pg_begin(pg, MU_PG_READ_COMMITTED, &err), MU_OK);
    queue_rows(pg, 3, 3);
    mu_pg_rollback(pg);
    assert_int_equal(rows_of(pg), 3);
}

static void a_commit_of_a_queued_failure_fails_and_undoes_all(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_begin(pg, MU_PG_READ_COMMITTED, &err), MU_OK);
    queue_rows(pg, 0, 3);
    queues(pg, INSERT, "0", "twice");
    assert_int_equal(mu_pg_commit(pg, &err), MU_E_CONFLICT);
    mu_pg_rollback(pg);
    assert_int_equal(rows_of(pg), 0);
}

static void a_transaction_may_begin_behind_what_was_queued(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    struct mu_error err;

    (void)state;
    queue_rows(pg, 0, 2);
    assert_int_equal(mu_pg_begin(pg, MU_PG_READ_COMMITTED, &err), MU_OK);
    mu_pg_rollback(pg);
    assert_int_equal(rows_of(pg), 2);
}

/* ---- a lost connection ---- */

static void is_dead(struct mu_pg *pg)
{
    struct mu_error err;

    assert_false(mu_pg_alive(pg));
    assert_int_equal(mu_pg_execute(pg, COUNT_ROWS, NULL, NULL, &err), MU_E_UNAVAILABLE);
    assert_int_equal(mu_pg_queue(pg, COUNT_ROWS, NULL, &err), MU_E_UNAVAILABLE);
    assert_int_equal(mu_pg_begin(pg, MU_PG_READ_COMMITTED, &err), MU_E_UNAVAILABLE);
    assert_int_equal(mu_pg_commit(pg, &err), MU_E_UNAVAILABLE);
    mu_pg_rollback(pg);
}

static void a_connection_that_is_ended_is_unavailable_and_dead(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_execute(pg, KILL_SELF, NULL, NULL, &err), MU_E_UNAVAILABLE);
    is_dead(pg);
}

static void a_connection_lost_in_the_middle_of_a_pipeline_is_unavailable(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    MU_AUTO(pg) struct mu_pg *again = NULL;
    struct mu_error err;
    enum mu_status st;

    (void)state;
    assert_int_equal(mu_pg_begin(pg, MU_PG_READ_COMMITTED, &err), MU_OK);
    queue_rows(pg, 0, 10);
    queues(pg, KILL_SELF, NULL, NULL);
    /* Whether queueing notices it already, or the sync: it is unavailable. */
    st = mu_pg_queue(pg, INSERT, (const char *const[]){"10", "v"}, &err);
    if (st == MU_OK)
        st = mu_pg_sync(pg, &err);
    assert_int_equal(st, MU_E_UNAVAILABLE);
    is_dead(pg);
    assert_int_equal(mu_pg_open(conninfo, "test", statements, 5, &again, &err), MU_OK);
    assert_int_equal(rows_of(again), 0);
}

static void a_server_killed_between_statements_is_unavailable_and_comes_back(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    MU_AUTO(pg) struct mu_pg *again = NULL;
    struct mu_error err;

    (void)state;
    queue_rows(pg, 0, 10);
    assert_int_equal(mu_pg_sync(pg, &err), MU_OK);
    pg_server_end(&server, SIGINT);
    assert_int_equal(mu_pg_execute(pg, COUNT_ROWS, NULL, NULL, &err), MU_E_UNAVAILABLE);
    is_dead(pg);
    assert_int_equal(mu_pg_open(conninfo, "test", statements, 5, &again, &err), MU_E_UNAVAILABLE);
    pg_server_run(&server);
    assert_int_equal(mu_pg_open(conninfo, "test", statements, 5, &again, &err), MU_OK);
    assert_int_equal(rows_of(again), 10);
}

static void a_server_lost_under_an_open_transaction_undoes_it(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    MU_AUTO(pg) struct mu_pg *again = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_begin(pg, MU_PG_READ_COMMITTED, &err), MU_OK);
    queue_rows(pg, 0, 10);
    assert_int_equal(mu_pg_sync(pg, &err), MU_OK);
    pg_server_end(&server, SIGQUIT);
    pg_server_run(&server);
    assert_int_equal(mu_pg_commit(pg, &err), MU_E_UNAVAILABLE);
    assert_int_equal(mu_pg_open(conninfo, "test", statements, 5, &again, &err), MU_OK);
    assert_int_equal(rows_of(again), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(everything_queued_is_done_by_the_sync),
            cmocka_unit_test(a_sync_of_nothing_is_fine),
            cmocka_unit_test(large_statements_and_results_do_not_block_each_other),
            cmocka_unit_test(the_first_failure_is_reported_and_aborts_the_rest),
            cmocka_unit_test(a_failure_is_found_also_when_it_was_read_before_the_sync),
            cmocka_unit_test(a_single_statement_syncs_what_was_queued_before_it),
            cmocka_unit_test(a_commit_includes_what_was_queued),
            cmocka_unit_test(a_commit_of_a_queued_failure_fails_and_undoes_all),
            cmocka_unit_test(a_transaction_may_begin_behind_what_was_queued),
            cmocka_unit_test(a_connection_that_is_ended_is_unavailable_and_dead),
            cmocka_unit_test(a_connection_lost_in_the_middle_of_a_pipeline_is_unavailable),
            cmocka_unit_test(a_server_killed_between_statements_is_unavailable_and_comes_back),
            cmocka_unit_test(a_server_lost_under_an_open_transaction_undoes_it),
    };

    return pg_server_group(&server, tests);
}

/* copy: many rows into one table; what is wrong with one is told at the end, and the connection
 * goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "pg/pg.h"

#include "pg_server.h"

#include <stdlib.h>
#include <string.h>

static struct pg_server server;

static const struct mu_pg_statement statements[] = {
        {"sum", "SELECT count(*) || ' ' || sum(id) FROM t", 0},
};
static const struct mu_pg_copy copy = {"copy_t", "COPY t (id, v) FROM STDIN (FORMAT binary)"};

static struct mu_pg *open_pg(void)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    struct mu_pg *pg = NULL;
    struct mu_error err;

    pg_server_fresh(&server, conninfo);
    free(pg_server_sql(&server, strstr(conninfo, "dbname=") + 7,
                       "CREATE TABLE t (id int PRIMARY KEY, v text)"));
    if (mu_pg_open(conninfo, "test", statements, 1, &pg, &err) != MU_OK)
        fail_msg("%s", err.message);
    return pg;
}

/* Two columns: the number in four bytes, and its text of three. */
static void add_row(struct mu_buf *rows, int id)
{
    const char row[] = {0,        2, 0, 0, 0, 4,   0,   0,  (char)(id >> 8),
                        (char)id, 0, 0, 0, 3, 'a', 'b', 'c'};

    mu_buf_append(rows, row, sizeof(row));
}

static enum mu_status send(struct mu_pg *pg, int first, int count, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf rows;

    mu_buf_init(&rows, 1 << 20);
    for (int i = first; i < first + count; i++)
        add_row(&rows, i);
    if (mu_pg_copy_begin(pg, &copy, err) != MU_OK)
        return err->status;
    assert_int_equal(mu_pg_copy_put(pg, &copy, rows.data, rows.len, err), MU_OK);
    return mu_pg_copy_end(pg, &copy, err);
}

static void assert_sum(struct mu_pg *pg, const char *expected)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    struct mu_error err;

    if (mu_pg_execute(pg, 0, NULL, &result, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_string_equal(mu_pg_text(result, 0, 0), expected);
}

static void rows_of_a_copy_are_there(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg();
    struct mu_error err;

    (void)state;
    assert_int_equal(send(pg, 0, 20000, &err), MU_OK);
    assert_sum(pg, "20000 199990000");
}

static void a_row_that_is_there_refuses_them_all_and_the_connection_goes_on(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg();
    struct mu_error err;

    (void)state;
    assert_int_equal(send(pg, 0, 10, &err), MU_OK);
    assert_int_equal(send(pg, 5, 20000, &err), MU_E_CONFLICT);
    assert_non_null(strstr(err.message, "copy_t"));
    assert_true(mu_pg_alive(pg));
    assert_sum(pg, "10 45");
    assert_int_equal(send(pg, 10, 10, &err), MU_OK);
    assert_sum(pg, "20 190");
}

static void a_table_that_is_missing_is_told_at_the_beginning(void **state)
{
    static const struct mu_pg_copy missing = {"copy_x", "COPY x (id) FROM STDIN (FORMAT binary)"};
    MU_AUTO(pg) struct mu_pg *pg = open_pg();
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_copy_begin(pg, &missing, &err), MU_E_INTERNAL);
    assert_int_equal(send(pg, 0, 2, &err), MU_OK);
    assert_sum(pg, "2 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(rows_of_a_copy_are_there),
            cmocka_unit_test(a_row_that_is_there_refuses_them_all_and_the_connection_goes_on),
            cmocka_unit_test(a_table_that_is_missing_is_told_at_the_beginning),
    };

    return pg_server_group(&server, tests);
}

/* pg: statements, transactions and streams against a real PostgreSQL, and what each failure means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"
#include "pg/pg.h"

#include "pg_server.h"

static struct pg_server server;

enum {
    NUMBERS,
    ECHO,
    KINDS,
    INSERT,
    COUNT_ROWS,
    RAISE,
    BY_ARRAY,
    KILL_SELF,
    LOCKED,
    MY_NAME,
    ISOLATION,
    SETTINGS
};
static const struct mu_pg_statement statements[] = {
        [NUMBERS] = {"numbers", "SELECT generate_series(1, $1::int)", 1},
        [ECHO] = {"echo", "SELECT $1::text, $2::text", 2},
        [KINDS] = {"kinds",
                   "SELECT -5::bigint, true, false, NULL::bigint, NULL::boolean, "
                   "NULL::timestamptz, timestamptz '2026-11-24 14:00:00.000001+02', "
                   "timestamptz 'infinity'",
                   0},
        [INSERT] = {"insert", "INSERT INTO t (id, v) VALUES ($1, $2)", 2},
        [COUNT_ROWS] = {"count_rows", "SELECT count(*) FROM t", 0},
        [RAISE] = {"raise", "SELECT raise($1, $2)", 2},
        [BY_ARRAY] = {"by_array",
                      "SELECT coalesce(e, 'null') FROM unnest($1::text[]) WITH ORDINALITY AS u(e, "
                      "n) ORDER BY n",
                      1},
        [KILL_SELF] = {"kill_self", "SELECT pg_terminate_backend(pg_backend_pid())", 0},
        [LOCKED] = {"locked", "SELECT 1 FROM t FOR UPDATE NOWAIT", 0},
        [MY_NAME] = {"my_name", "SELECT current_setting('application_name')", 0},
        [ISOLATION] = {"isolation",
                       "SELECT current_setting('transaction_isolation') || ' ' || "
                       "current_setting('transaction_read_only')",
                       0},
        [SETTINGS] = {"settings",
                      "SELECT current_setting('TimeZone') || ' ' || "
                      "current_setting('statement_timeout')",
                      0},
};
enum { STATEMENT_COUNT = sizeof(statements) / sizeof(statements[0]) };

static const char schema_sql[] =
        "CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL CHECK (v <> 'bad'));"
        "CREATE FUNCTION raise(code text, says text) RETURNS int LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = says; END$$;";

/* A connection to a database of its own; `ret_conninfo` may be NULL. */
static struct mu_pg *open_pg(char ret_conninfo[PG_SERVER_CONNINFO_SIZE])
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    struct mu_pg *pg = NULL;
    struct mu_error err;
    const char *name;

    pg_server_fresh(&server, conninfo);
    name = strstr(conninfo, "dbname=") + strlen("dbname=");
    free(pg_server_sql(&server, name, schema_sql));
    if (mu_pg_open(conninfo, "test", statements, STATEMENT_COUNT, &pg, &err) != MU_OK)
        fail_msg("%s", err.message);
    if (ret_conninfo)
        memcpy(ret_conninfo, conninfo, sizeof(conninfo));
    return pg;
}

static void executes(struct mu_pg *pg, int statement, const char *const *values,
                     struct mu_pg_result **ret)
{
    struct mu_error err;

    if (mu_pg_execute(pg, statement, values, ret, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void inserts(struct mu_pg *pg, const char *id, const char *v)
{
    executes(pg, INSERT, (const char *const[]){id, v}, NULL);
}

static int64_t rows_of(struct mu_pg *pg)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;

    executes(pg, COUNT_ROWS, NULL, &result);
    return mu_pg_int(result, 0, 0);
}

/* ---- one statement ---- */

static void values_travel_as_parameters_and_null_stays_null(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;

    (void)state;
    executes(pg, ECHO, (const char *const[]){"'; DROP TABLE t; --\xc3\xa9", NULL}, &result);
    assert_int_equal(mu_pg_rows(result), 1);
    assert_string_equal(mu_pg_text(result, 0, 0), "'; DROP TABLE t; --\xc3\xa9");
    assert_null(mu_pg_text(result, 0, 1));
    assert_true(mu_pg_null(result, 0, 1) && !mu_pg_null(result, 0, 0));
}

static void each_kind_of_value_is_read_and_null_has_its_own(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    MU_AUTO(pg_result) struct mu_pg_result *r = NULL;

    (void)state;
    executes(pg, KINDS, NULL, &r);
    assert_int_equal(mu_pg_int(r, 0, 0), -5);
    assert_true(mu_pg_bool(r, 0, 1));
    assert_false(mu_pg_bool(r, 0, 2));
    assert_int_equal(mu_pg_int(r, 0, 3), 0);
    assert_false(mu_pg_bool(r, 0, 4));
    assert_true(mu_pg_time_us(r, 0, 5) == MU_TIME_NONE);
    assert_true(mu_pg_time_us(r, 0, 6) == 1795521600000001);
    assert_true(mu_pg_time_us(r, 0, 7) == MU_TIME_NONE);
}

static void many_rows_come_in_order(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;

    (void)state;
    executes(pg, NUMBERS, (const char *const[]){"50000"}, &result);
    assert_int_equal(mu_pg_rows(result), 50000);
    assert_int_equal(mu_pg_int(result, 49999, 0), 50000);
}

static void a_list_of_texts_is_one_parameter(void **state)
{
    static const char *const texts[] = {"plain",       "",     "a,b",      "{x}",       "quo\"te",
                                        "back\\slash", "NULL", " spaces ", "\xc3\xa9\n"};
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf array;

    (void)state;
    mu_buf_init(&array, 4096);
    mu_pg_array_begin(&array);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        mu_pg_array_add(&array, texts[i]);
    mu_pg_array_add(&array, NULL);
    mu_pg_array_end(&array);
    executes(pg, BY_ARRAY, (const char *const[]){array.data}, &result);
    assert_int_equal(mu_pg_rows(result), 10);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_string_equal(mu_pg_text(result, i, 0), texts[i]);
    assert_string_equal(mu_pg_text(result, 9, 0), "null");
}

static void an_empty_list_is_an_empty_array(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;

    (void)state;
    executes(pg, BY_ARRAY, (const char *const[]){"{}"}, &result);
    assert_int_equal(mu_pg_rows(result), 0);
}

static void the_session_is_set_up_as_the_header_says(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    MU_AUTO(pg_result) struct mu_pg_result *name = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *settings = NULL;

    (void)state;
    executes(pg, MY_NAME, NULL, &name);
    assert_string_equal(mu_pg_text(name, 0, 0), "test");
    executes(pg, SETTINGS, NULL, &settings);
    assert_string_equal(mu_pg_text(settings, 0, 0), "UTC 1min");
}

static void what_the_operator_says_of_the_session_wins(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE], longer[2 * PG_SERVER_CONNINFO_SIZE];
    struct mu_pg *first = open_pg(conninfo);
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *name = NULL;
    struct mu_error err;

    (void)state;
    mu_pg_close(first);
    (void)snprintf(longer, sizeof(longer), "%s application_name=theirs", conninfo);
    assert_int_equal(mu_pg_open(longer, "test", statements, STATEMENT_COUNT, &pg, &err), MU_OK);
    executes(pg, MY_NAME, NULL, &name);
    assert_string_equal(mu_pg_text(name, 0, 0), "theirs");
}

/* ---- errors ---- */

/* PostgreSQL documentation, appendix A. */
static void the_environment_does_not_change_how_times_are_written(void **state)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    struct mu_pg *pg;

    (void)state;
    assert_int_equal(setenv("PGTZ", "Asia/Tokyo", 1), 0);
    assert_int_equal(setenv("PGDATESTYLE", "German", 1), 0);
    pg = open_pg(NULL);
    (void)unsetenv("PGTZ");
    (void)unsetenv("PGDATESTYLE");
    executes(pg, KINDS, NULL, &result);
    assert_int_equal(mu_pg_time_us(result, 0, 6), 1795521600000001);
    mu_pg_close(pg);
}

static void every_class_of_sqlstate_gives_its_status(void **state)
{
    static const struct {
        const char *sqlstate;
        enum mu_status status;
    } rows[] = {
            {"08006", MU_E_UNAVAILABLE}, {"53100", MU_E_UNAVAILABLE}, {"53300", MU_E_UNAVAILABLE},
            {"57014", MU_E_UNAVAILABLE}, {"57P01", MU_E_UNAVAILABLE}, {"40001", MU_E_UNAVAILABLE},
            {"40P01", MU_E_UNAVAILABLE}, {"55P03", MU_E_UNAVAILABLE}, {"23505", MU_E_CONFLICT},
            {"23503", MU_E_CONFLICT},    {"23514", MU_E_CONFLICT},    {"22001", MU_E_INVALID},
            {"22P02", MU_E_INVALID},     {"28000", MU_E_DENIED},      {"42501", MU_E_DENIED},
            {"42P01", MU_E_INTERNAL},    {"42601", MU_E_INTERNAL},    {"XX000", MU_E_INTERNAL},
            {"P0001", MU_E_INTERNAL},    {"25006", MU_E_UNAVAILABLE},
    };
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mu_pg_result *result = (struct mu_pg_result *)1;

        if (mu_pg_execute(pg, RAISE, (const char *const[]){rows[i].sqlstate, "the reason"}, &result,
                          &err) != rows[i].status)
            fail_msg("%s gives %s", rows[i].sqlstate, err.message);
        assert_non_null(strstr(err.message, "statement 'raise'"));
        assert_non_null(strstr(err.message, rows[i].sqlstate));
        assert_non_null(strstr(err.message, "the reason"));
        assert_string_equal(mu_pg_sqlstate(pg), rows[i].sqlstate);
        assert_ptr_equal(result, (struct mu_pg_result *)1);
        assert_true(mu_pg_alive(pg));
    }
}

static void a_broken_rule_of_the_schema_is_a_conflict_that_says_which(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    struct mu_error err;

    (void)state;
    inserts(pg, "1", "x");
    assert_int_equal(mu_pg_execute(pg, INSERT, (const char *const[]){"1", "y"}, NULL, &err),
                     MU_E_CONFLICT);
    assert_non_null(strstr(err.message, "(id)=(1)"));
    assert_int_equal(mu_pg_execute(pg, INSERT, (const char *const[]){"2", "bad"}, NULL, &err),
                     MU_E_CONFLICT);
    assert_int_equal(mu_pg_execute(pg, INSERT, (const char *const[]){"2", NULL}, NULL, &err),
                     MU_E_CONFLICT);
}

static void values_that_are_no_data_are_invalid(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_execute(pg, INSERT, (const char *const[]){"one", "x"}, NULL, &err),
                     MU_E_INVALID);
    assert_int_equal(mu_pg_execute(pg, INSERT, (const char *const[]){"1", "\xff"}, NULL, &err),
                     MU_E_INVALID);
    assert_int_equal(rows_of(pg), 0);
}

static void a_row_somebody_holds_is_unavailable(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    MU_AUTO(pg) struct mu_pg *other = NULL;
    struct mu_error err;

    (void)state;
    inserts(pg, "1", "x");
    assert_int_equal(mu_pg_begin(pg, MU_PG_READ_COMMITTED, &err), MU_OK);
    executes(pg, LOCKED, NULL, NULL);
    assert_int_equal(mu_pg_open(conninfo, "test", statements, STATEMENT_COUNT, &other, &err),
                     MU_OK);
    assert_int_equal(mu_pg_execute(other, LOCKED, NULL, NULL, &err), MU_E_UNAVAILABLE);
    mu_pg_rollback(pg);
}

/* ---- opening ---- */

static void not_opened(const char *conninfo, enum mu_status status, const char *part)
{
    uint64_t begin_ms = mu_monotonic_ms();
    struct mu_pg *pg = (struct mu_pg *)1;
    struct mu_error err;

    if (mu_pg_open(conninfo, "test", statements, 1, &pg, &err) != status ||
        !strstr(err.message, part))
        fail_msg("%s gives %s: %s", conninfo, mu_status_name(err.status), err.message);
    assert_ptr_equal(pg, (struct mu_pg *)1);
    assert_true(mu_monotonic_ms() < begin_ms + 5000);
}

static void a_server_that_is_not_there_is_unavailable_at_once_with_the_reason(void **state)
{
    (void)state;
    not_opened("host=/nonexistent dbname=x", MU_E_UNAVAILABLE, "/nonexistent");
    not_opened("host=127.0.0.1 port=1 dbname=x", MU_E_UNAVAILABLE, "refused");
    not_opened("host=name.invalid dbname=x", MU_E_UNAVAILABLE, "name.invalid");
}

/* The first does not lead, so the second is asked: a failover is followed. */
static void of_several_servers_the_one_that_leads_is_taken(void **state)
{
    char conninfo[2 * PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct mu_error err;

    (void)state;
    (void)snprintf(conninfo, sizeof(conninfo),
                   "host=127.0.0.1,%s port=1,5432 user=%s dbname=postgres "
                   "target_session_attrs=read-write",
                   server.folder, server.owner->pw_name);
    if (mu_pg_open(conninfo, "test", statements, 1, &pg, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_false(mu_pg_pooled(pg));
    not_opened("host=127.0.0.1,127.0.0.1 port=1,2 dbname=x", MU_E_UNAVAILABLE, "refused");
}

static void the_operators_own_options_are_no_poolers_doing(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE], longer[2 * PG_SERVER_CONNINFO_SIZE];
    struct mu_pg *first = open_pg(conninfo);
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *settings = NULL;
    struct mu_error err;

    (void)state;
    mu_pg_close(first);
    (void)snprintf(longer, sizeof(longer), "%s options='-c muster.session='", conninfo);
    assert_int_equal(mu_pg_open(longer, "test", statements, STATEMENT_COUNT, &pg, &err), MU_OK);
    assert_false(mu_pg_pooled(pg));
    executes(pg, SETTINGS, NULL, &settings);
    assert_string_equal(mu_pg_text(settings, 0, 0), "UTC 0");
}

static void a_database_that_is_not_there_is_unavailable_by_name(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];

    (void)state;
    pg_server_conninfo(&server, "not_made_yet", conninfo);
    not_opened(conninfo, MU_E_UNAVAILABLE, "\"not_made_yet\" does not exist");
}

static void a_connection_string_that_is_none_is_invalid(void **state)
{
    (void)state;
    not_opened("host", MU_E_INVALID, "connection string");
    not_opened("no_such_option=1", MU_E_INVALID, "no_such_option");
}

/* The server reads its rules again some time after it was told to. */
static void wait_until_refused(const char *conninfo)
{
    uint64_t deadline_ms = mu_monotonic_ms() + 20000;
    enum mu_status st = MU_OK;

    while (st == MU_OK && mu_monotonic_ms() < deadline_ms) {
        MU_AUTO(pg) struct mu_pg *pg = NULL;
        struct mu_error err;

        st = mu_pg_open(conninfo, "test", statements, 1, &pg, &err);
    }
    assert_int_not_equal(st, MU_OK);
}

static void a_name_or_password_that_is_refused_is_denied(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE], path[128];
    FILE *rules;

    (void)state;
    free(pg_server_sql(&server, "postgres",
                       "CREATE ROLE guarded LOGIN PASSWORD 'right'; CREATE ROLE stranger LOGIN"));
    (void)snprintf(path, sizeof(path), "%s/data/pg_hba.conf", server.folder);
    rules = fopen(path, "we");
    assert_non_null(rules);
    (void)fputs("local all guarded scram-sha-256\nlocal all stranger reject\nlocal all all trust\n",
                rules);
    (void)fclose(rules);
    free(pg_server_sql(&server, "postgres", "SELECT pg_reload_conf()"));
    (void)snprintf(conninfo, sizeof(conninfo), "host=%s port=5432 dbname=postgres user=stranger",
                   server.folder);
    wait_until_refused(conninfo);
    not_opened(conninfo, MU_E_DENIED, "stranger");
    (void)snprintf(conninfo, sizeof(conninfo), "host=%s port=5432 dbname=postgres user=guarded",
                   server.folder);
    not_opened(conninfo, MU_E_DENIED, "password");
    (void)snprintf(conninfo, sizeof(conninfo),
                   "host=%s port=5432 dbname=postgres user=guarded password=wrong", server.folder);
    not_opened(conninfo, MU_E_DENIED, "password authentication failed");
}

static void a_statement_that_cannot_be_prepared_is_our_bug_by_name(void **state)
{
    static const struct mu_pg_statement broken[] = {{"sound", "SELECT 1", 0},
                                                    {"broken", "SELECT * FROM no_such_table", 0},
                                                    {"also_broken", "SELEC", 0}};
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    struct mu_pg *other = open_pg(conninfo);
    struct mu_pg *pg = NULL;
    struct mu_error err;

    (void)state;
    mu_pg_close(other);
    assert_int_equal(mu_pg_open(conninfo, "test", broken, 3, &pg, &err), MU_E_INTERNAL);
    assert_non_null(strstr(err.message, "'broken'"));
    assert_null(pg);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    mu_pg_close(NULL);
    mu_pg_result_free(NULL);
    mu_pg_rollback(NULL);
}

/* ---- transactions ---- */

static void what_is_committed_stays(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_begin(pg, MU_PG_READ_COMMITTED, &err), MU_OK);
    inserts(pg, "1", "x");
    assert_int_equal(mu_pg_commit(pg, &err), MU_OK);
    mu_pg_rollback(pg); /* nothing open: nothing happens */
    assert_int_equal(rows_of(pg), 1);
}

static void a_scope_left_without_commit_undoes(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    struct mu_error err;

    (void)state;
    {
        MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;

        (void)transaction;
        assert_int_equal(mu_pg_begin(pg, MU_PG_READ_COMMITTED, &err), MU_OK);
        inserts(pg, "1", "x");
    }
    assert_int_equal(rows_of(pg), 0);
}

static void a_commit_of_a_failed_transaction_is_no_success(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_begin(pg, MU_PG_READ_COMMITTED, &err), MU_OK);
    inserts(pg, "1", "x");
    assert_int_equal(mu_pg_execute(pg, INSERT, (const char *const[]){"1", "y"}, NULL, &err),
                     MU_E_CONFLICT);
    assert_int_equal(mu_pg_commit(pg, &err), MU_E_CONFLICT);
    assert_int_equal(rows_of(pg), 0);
}

static void a_snapshot_is_repeatable_and_read_only(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    MU_AUTO(pg) struct mu_pg *other = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *isolation = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_open(conninfo, "test", statements, STATEMENT_COUNT, &other, &err),
                     MU_OK);
    assert_int_equal(mu_pg_begin(pg, MU_PG_REPEATABLE_READ_READ_ONLY, &err), MU_OK);
    executes(pg, ISOLATION, NULL, &isolation);
    assert_string_equal(mu_pg_text(isolation, 0, 0), "repeatable read on");
    assert_int_equal(rows_of(pg), 0);
    inserts(other, "1", "x");
    assert_int_equal(rows_of(pg), 0);
    mu_pg_rollback(pg);
    assert_int_equal(rows_of(pg), 1);
}

static void a_long_read_may_take_half_an_hour_and_what_follows_it_may_not(void **state)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    MU_AUTO(pg) struct mu_pg *pg = open_pg(conninfo);
    MU_AUTO(pg_result) struct mu_pg_result *isolation = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *inside = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *behind = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_begin(pg, MU_PG_LONG_READ, &err), MU_OK);
    executes(pg, ISOLATION, NULL, &isolation);
    assert_string_equal(mu_pg_text(isolation, 0, 0), "repeatable read on");
    executes(pg, SETTINGS, NULL, &inside);
    assert_string_equal(mu_pg_text(inside, 0, 0), "UTC 30min");
    mu_pg_rollback(pg);
    executes(pg, SETTINGS, NULL, &behind);
    assert_string_equal(mu_pg_text(behind, 0, 0), "UTC 1min");
}

/* ---- streams ---- */

struct seen {
    int64_t rows, sum, stop_at;
};

static enum mu_status see(void *opaque, const struct mu_pg_result *row, struct mu_error *err)
{
    struct seen *seen = opaque;

    seen->rows++;
    seen->sum += mu_pg_int(row, 0, 0);
    return seen->rows == seen->stop_at ? mu_fail(err, MU_E_LIMIT, "enough") : MU_OK;
}

static void a_stream_gives_every_row_once(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    struct seen seen = {0};
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_stream(pg, NUMBERS, (const char *const[]){"20000"}, see, &seen, &err),
                     MU_OK);
    assert_int_equal(seen.rows, 20000);
    assert_int_equal(seen.sum, 200010000);
}

static void a_stream_ends_where_its_reader_fails_and_the_connection_goes_on(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    struct seen seen = {.stop_at = 3};
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_stream(pg, NUMBERS, (const char *const[]){"20000"}, see, &seen, &err),
                     MU_E_LIMIT);
    assert_string_equal(err.message, "enough");
    assert_int_equal(seen.rows, 3);
    assert_int_equal(rows_of(pg), 0);
}

static void a_stream_that_fails_says_so_and_the_connection_goes_on(void **state)
{
    MU_AUTO(pg) struct mu_pg *pg = open_pg(NULL);
    struct seen seen = {0};
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_pg_stream(pg, NUMBERS, (const char *const[]){"x"}, see, &seen, &err),
                     MU_E_INVALID);
    assert_int_equal(seen.rows, 0);
    assert_int_equal(rows_of(pg), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(values_travel_as_parameters_and_null_stays_null),
            cmocka_unit_test(each_kind_of_value_is_read_and_null_has_its_own),
            cmocka_unit_test(many_rows_come_in_order),
            cmocka_unit_test(a_list_of_texts_is_one_parameter),
            cmocka_unit_test(an_empty_list_is_an_empty_array),
            cmocka_unit_test(the_session_is_set_up_as_the_header_says),
            cmocka_unit_test(what_the_operator_says_of_the_session_wins),
            cmocka_unit_test(the_environment_does_not_change_how_times_are_written),
            cmocka_unit_test(every_class_of_sqlstate_gives_its_status),
            cmocka_unit_test(a_broken_rule_of_the_schema_is_a_conflict_that_says_which),
            cmocka_unit_test(values_that_are_no_data_are_invalid),
            cmocka_unit_test(a_row_somebody_holds_is_unavailable),
            cmocka_unit_test(a_server_that_is_not_there_is_unavailable_at_once_with_the_reason),
            cmocka_unit_test(of_several_servers_the_one_that_leads_is_taken),
            cmocka_unit_test(the_operators_own_options_are_no_poolers_doing),
            cmocka_unit_test(a_database_that_is_not_there_is_unavailable_by_name),
            cmocka_unit_test(a_connection_string_that_is_none_is_invalid),
            cmocka_unit_test(a_name_or_password_that_is_refused_is_denied),
            cmocka_unit_test(a_statement_that_cannot_be_prepared_is_our_bug_by_name),
            cmocka_unit_test(closing_nothing_is_fine),
            cmocka_unit_test(what_is_committed_stays),
            cmocka_unit_test(a_scope_left_without_commit_undoes),
            cmocka_unit_test(a_commit_of_a_failed_transaction_is_no_success),
            cmocka_unit_test(a_snapshot_is_repeatable_and_read_only),
            cmocka_unit_test(a_long_read_may_take_half_an_hour_and_what_follows_it_may_not),
            cmocka_unit_test(a_stream_gives_every_row_once),
            cmocka_unit_test(a_stream_ends_where_its_reader_fails_and_the_connection_goes_on),
            cmocka_unit_test(a_stream_that_fails_says_so_and_the_connection_goes_on),
    };

    return pg_server_group(&server, tests);
}

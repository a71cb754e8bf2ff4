#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "package/os/rpm_database.h"
#include "package/os/rpm_header.h"

#include <sqlite3.h>
#include <string.h>

/* What was handed over: the blobs' bytes one after another, a '|' after each. */
struct got {
    char text[256];
    size_t len, blobs;
};

static enum mu_status on_blob(void *opaque, const uint8_t *bytes, size_t len, struct mu_error *err)
{
    struct got *got = opaque;

    (void)err;
    got->blobs++;
    for (size_t i = 0; i < len && got->len + 2 < sizeof(got->text); i++)
        got->text[got->len++] = (char)bytes[i];
    if (got->len + 2 < sizeof(got->text))
        got->text[got->len++] = '|';
    return MU_OK;
}

/* A database made by these statements, then spoilt by `spoil` when there is one. */
static enum mu_status walk(const char *sql, void (*spoil)(uint8_t *bytes, size_t len),
                           struct got *ret_got)
{
    sqlite3 *database = NULL;
    sqlite3_int64 len = 0;
    uint8_t *bytes;
    struct mu_error err;
    enum mu_status status;

    assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(database));
    bytes = sqlite3_serialize(database, "main", &len, 0);
    assert_non_null(bytes);
    if (spoil)
        spoil(bytes, (size_t)len);
    memset(ret_got, 0, sizeof(*ret_got));
    status = rpm_sqlite_walk(bytes, (size_t)len, on_blob, ret_got, &err);
    sqlite3_free(bytes);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    return status;
}

static void expect_refused(const char *sql)
{
    struct got got;
    enum mu_status status = walk(sql, NULL, &got);

    if (status != MU_E_INVALID)
        fail_msg("%s: %d", sql, status);
    assert_int_equal(got.blobs, 0);
}

static void blobs_come_in_the_order_of_their_numbers(void **state)
{
    struct got got;

    (void)state;
    assert_int_equal(walk("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, "
                          "blob BLOB NOT NULL); CREATE TABLE 'Name' (key TEXT, hnum INTEGER, idx "
                          "INTEGER, FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum));"
                          "CREATE INDEX Name_key_idx ON Name(key);"
                          "INSERT INTO Packages VALUES (7, x'62'), (2, x'61');",
                          NULL, &got),
                     MU_OK);
    assert_string_equal(got.text, "a|b|");
}

static void mark_as_write_ahead(uint8_t *bytes, size_t len)
{
    (void)len;
    bytes[18] = bytes[19] = 2;
}

static void a_database_in_write_ahead_mode_is_read_without_its_log(void **state)
{
    struct got got;

    (void)state;
    assert_int_equal(walk("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB);"
                          "INSERT INTO Packages VALUES (1, x'61');",
                          mark_as_write_ahead, &got),
                     MU_OK);
    assert_string_equal(got.text, "a|");
}

static void no_packages_are_no_packages(void **state)
{
    struct got got;

    (void)state;
    assert_int_equal(
            walk("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)", NULL, &got), MU_OK);
    assert_int_equal(got.blobs, 0);
    expect_refused("CREATE TABLE Other (x)");
}

static void only_blobs_are_headers(void **state)
{
    (void)state;
    expect_refused("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob);"
                   "INSERT INTO Packages VALUES (1, 'text')");
    expect_refused("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob);"
                   "INSERT INTO Packages VALUES (1, NULL)");
    expect_refused("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob);"
                   "INSERT INTO Packages VALUES (1, x'')");
}

/* What a schema could put in the table's place to have something run. */
static void nothing_but_a_plain_table_is_read(void **state)
{
    (void)state;
    expect_refused("CREATE TABLE t (blob); INSERT INTO t VALUES (x'61');"
                   "CREATE VIEW Packages AS SELECT blob FROM t");
    expect_refused("CREATE VIEW Packages AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 "
                   "FROM c) SELECT x AS blob FROM c");
    expect_refused("CREATE VIRTUAL TABLE Packages USING fts5(blob)");
    expect_refused("CREATE VIRTUAL TABLE Packages USING rtree(blob, a, b)");
    expect_refused("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob AS (zeroblob(9)));"
                   "INSERT INTO Packages VALUES (1)");
    expect_refused("CREATE TABLE Packages (a, blob AS (a||a||a||a||a||a||a||a));"
                   "INSERT INTO Packages VALUES ('x')");
}

/* A page of the tree in it twice: without a check its rows would come twice, or, through more
 * levels, without end. */
static void share_pages(uint8_t *bytes, size_t len)
{
    (void)len;
    for (size_t page = 4096; page + 4096 <= len; page += 4096) {
        size_t first;

        if (bytes[page] != 5) /* an inner page of a table */
            continue;
        first = (size_t)bytes[page + 12] << 8 | bytes[page + 13];
        for (size_t i = 1; i < ((size_t)bytes[page + 3] << 8 | bytes[page + 4]); i++) {
            size_t cell = (size_t)bytes[page + 12 + 2 * i] << 8 | bytes[page + 13 + 2 * i];

            memcpy(bytes + page + cell, bytes + page + first, 4);
        }
    }
}

static void rows_that_are_more_than_the_file_are_refused(void **state)
{
    struct got got;

    (void)state;
    /* The first leaf has many rows, the others one each, so sharing it makes more of them. */
    assert_int_equal(
            walk("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB);"
                 "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c WHERE x<300) "
                 "INSERT INTO Packages SELECT x, zeroblob(12000) FROM c;",
                 NULL, &got),
            MU_OK);
    assert_int_equal(got.blobs, 300);
    assert_int_equal(
            walk("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB);"
                 "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c WHERE x<30) "
                 "INSERT INTO Packages SELECT x, zeroblob(120000) FROM c;"
                 "WITH RECURSIVE c(x) AS (VALUES(31) UNION ALL SELECT x+1 FROM c WHERE x<2000) "
                 "INSERT INTO Packages SELECT x, zeroblob(500) FROM c;",
                 share_pages, &got),
            MU_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(blobs_come_in_the_order_of_their_numbers),
            cmocka_unit_test(a_database_in_write_ahead_mode_is_read_without_its_log),
            cmocka_unit_test(no_packages_are_no_packages),
            cmocka_unit_test(only_blobs_are_headers),
            cmocka_unit_test(nothing_but_a_plain_table_is_read),
            cmocka_unit_test(rows_that_are_more_than_the_file_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

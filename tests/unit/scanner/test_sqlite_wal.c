/* sqlite_wal, rpm-wal: a database and the log beside it, both made by SQLite, are read as one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "os_record.h"
#include "package/os/os_finders.h"
#include "package/os/rpm_database.h"
#include "rpm_build.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

static const char wal_path[] = "usr/lib/sysimage/rpm/rpmdb.sqlite-wal";

struct fixture {
    struct mu_buf database, wal; /* the files as they lie on disk */
    struct mu_buf told;          /* blobs, a '|' after each */
    struct mu_error err;
    char folder[64], path[96], wal_path[104];
    sqlite3 *handle;
};

static void run(struct fixture *f, const char *sql)
{
    if (sqlite3_exec(f->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(f->handle));
}

static void file_read(const char *path, struct mu_buf *out)
{
    struct mu_error err;

    mu_buf_reset(out);
    if (mu_file_read(path, out, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void files_take(struct fixture *f)
{
    file_read(f->path, &f->database);
    file_read(f->wal_path, &f->wal);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    mu_buf_init(&f->database, 1 << 24);
    mu_buf_init(&f->wal, 1 << 24);
    mu_buf_init(&f->told, 1 << 20);
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-wal-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/rpmdb.sqlite", f->folder);
    (void)snprintf(f->wal_path, sizeof(f->wal_path), "%s-wal", f->path);
    assert_int_equal(sqlite3_open(f->path, &f->handle), SQLITE_OK);
    run(f, "PRAGMA page_size=512; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
           "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL);"
           "INSERT INTO Packages VALUES (1, x'61'); PRAGMA wal_checkpoint(TRUNCATE)");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    (void)sqlite3_close(f->handle);
    (void)unlink(f->path);
    (void)unlink(f->wal_path);
    (void)rmdir(f->folder);
    mu_buf_done(&f->database);
    mu_buf_done(&f->wal);
    mu_buf_done(&f->told);
    free(f);
    return 0;
}

static enum mu_status on_blob(void *opaque, const uint8_t *bytes, size_t len, struct mu_error *err)
{
    (void)err;
    mu_buf_append(opaque, bytes, len);
    mu_buf_puts(opaque, "|");
    return MU_OK;
}

/* The blobs of both files together. */
static enum mu_status walk(struct fixture *f)
{
    struct sqlite_wal wal;
    enum mu_status st;

    mu_buf_reset(&f->told);
    assert_int_equal(sqlite_wal_open((const uint8_t *)f->wal.data, f->wal.len, &wal, &f->err),
                     MU_OK);
    st = rpm_sqlite_walk_wal((const uint8_t *)f->database.data, f->database.len,
                             wal.pages ? &wal : NULL, on_blob, &f->told, &f->err);
    sqlite_wal_done(&wal);
    return st;
}

static void expect_blobs(struct fixture *f, const char *blobs)
{
    if (walk(f) != MU_OK)
        fail_msg("%s", f->err.message);
    assert_string_equal(f->told.data, blobs);
}

static void what_the_log_holds_counts(void **state)
{
    struct fixture *f = *state;

    run(f, "INSERT INTO Packages VALUES (2, x'62')");
    run(f, "UPDATE Packages SET blob = x'63' WHERE hnum = 1");
    files_take(f);
    expect_blobs(f, "c|b|");
    mu_buf_reset(&f->wal);
    expect_blobs(f, "a|");
}

static void a_database_may_grow_and_shrink_in_its_log(void **state)
{
    struct fixture *f = *state;

    run(f, "WITH RECURSIVE n(x) AS (SELECT 2 UNION ALL SELECT x + 1 FROM n WHERE x < 400)"
           "INSERT INTO Packages SELECT x, zeroblob(300) FROM n");
    files_take(f);
    assert_int_equal(walk(f), MU_OK);
    assert_int_equal(f->told.len, 2 + 399 * 301);
    run(f, "DELETE FROM Packages WHERE hnum > 1; VACUUM");
    files_take(f);
    expect_blobs(f, "a|");
}

/* SQLite's own rule: what follows a frame that is not right was never written. */
static void the_log_ends_before_what_is_not_right(void **state)
{
    struct fixture *f = *state;
    size_t first;

    run(f, "INSERT INTO Packages VALUES (2, x'62')");
    files_take(f);
    first = f->wal.len;
    run(f, "INSERT INTO Packages VALUES (3, x'63')");
    files_take(f);
    expect_blobs(f, "a|b|c|");
    f->wal.data[first + 100] ^= 1;
    expect_blobs(f, "a|b|");
    f->wal.data[first + 100] ^= 1;
    f->wal.len--; /* cut */
    expect_blobs(f, "a|b|");
    f->wal.data[40] ^= 1; /* the salt of the first frame */
    expect_blobs(f, "a|");
    f->wal.data[40] ^= 1;
    f->wal.data[9] ^= 1; /* the head */
    expect_blobs(f, "a|");
}

static void a_transaction_that_was_not_finished_is_not_there(void **state)
{
    struct fixture *f = *state;

    run(f, "PRAGMA cache_size=2; PRAGMA cache_spill=2; BEGIN;"
           "WITH RECURSIVE n(x) AS (SELECT 2 UNION ALL SELECT x + 1 FROM n WHERE x < 400)"
           "INSERT INTO Packages SELECT x, zeroblob(300) FROM n");
    files_take(f);
    assert_true(f->wal.len > 32); /* its pages are in the log */
    expect_blobs(f, "a|");
    run(f, "ROLLBACK");
}

static void a_log_of_other_pages_is_refused(void **state)
{
    struct fixture *f = *state;

    run(f, "INSERT INTO Packages VALUES (2, x'62')");
    files_take(f);
    f->database.data[16] = 4; /* of 1024 bytes */
    assert_int_equal(walk(f), MU_E_INVALID);
}

static void blob_insert(struct fixture *f, const char *name)
{
    struct rpm_build build;
    sqlite3_stmt *statement = NULL;

    rpm_build_init(&build);
    rpm_build_package(&build, name);
    rpm_build_end(&build);
    assert_int_equal(sqlite3_prepare_v2(f->handle, "INSERT INTO Packages (blob) VALUES (?)", -1,
                                        &statement, NULL),
                     SQLITE_OK);
    (void)sqlite3_bind_blob(statement, 1, build.whole.data, (int)build.whole.len, SQLITE_TRANSIENT);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    (void)sqlite3_finalize(statement);
    rpm_build_done(&build);
}

static void the_finder_tells_both_in_place_of_the_database(void **state)
{
    struct fixture *f = *state;
    struct os_record record;

    run(f, "DELETE FROM Packages; PRAGMA wal_checkpoint(TRUNCATE)");
    blob_insert(f, "alpha");
    blob_insert(f, "beta");
    files_take(f);
    assert_true(os_record_wants(&finder_rpm_wal, wal_path));
    os_record_beside(&record, &finder_rpm_wal, wal_path, &f->wal, &f->database);
    assert_int_equal(record.status, MU_OK);
    assert_non_null(strstr(record.text.data, "fact " FINDER_IN_PLACE_FACT "="));
    assert_non_null(strstr(record.text.data, "rpm alpha "));
    assert_non_null(strstr(record.text.data, "rpm beta "));
    mu_buf_done(&record.text);
}

static void a_log_without_its_database_is_a_failure_unless_it_is_empty(void **state)
{
    struct fixture *f = *state;
    struct os_record record;

    run(f, "INSERT INTO Packages VALUES (2, x'62')");
    files_take(f);
    os_record_read(&record, &finder_rpm_wal, wal_path, f->wal.data, f->wal.len);
    assert_int_equal(record.status, MU_E_INVALID);
    assert_non_null(strstr(record.err.message, "same layer"));
    mu_buf_done(&record.text);
    os_record_read(&record, &finder_rpm_wal, wal_path, "", 0);
    assert_int_equal(record.status, MU_OK);
    assert_string_equal(record.text.data, "");
    mu_buf_done(&record.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(what_the_log_holds_counts),
            TEST(a_database_may_grow_and_shrink_in_its_log),
            TEST(the_log_ends_before_what_is_not_right),
            TEST(a_transaction_that_was_not_finished_is_not_there),
            TEST(a_log_of_other_pages_is_refused),
            TEST(the_finder_tells_both_in_place_of_the_database),
            TEST(a_log_without_its_database_is_a_failure_unless_it_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

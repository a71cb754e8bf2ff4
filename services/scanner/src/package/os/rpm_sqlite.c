#include "package/os/rpm_database.h"
#include "package/os/rpm_header.h"
#include "package/os/sqlite_bytes.h"

#include <stdbool.h>
#include <string.h>

enum {
    FILE_HEAD_BYTES = 100,
    PAGE_SIZE_AT = 16,   /* two bytes, big-endian; 1 means 65536 */
    CELL_MIN_BYTES = 4,  /* what a row takes of the file besides its blob, at least */
    STEPS_A_CALL = 1000, /* of SQLite's machine between two questions whether to go on */
    CALLS_MAX = 20000,
    SCHEMA_TEXT_MAX_BYTES = 1 << 16,
};

static const char select_blobs[] = "SELECT blob FROM Packages";

/* Ceilings for what a hostile schema could ask for (sqlite.org/security.html). rpm's own has no
 * expression; one in place of the column could do much in few steps. */
static const struct {
    int what, most;
} limits[] = {
        {SQLITE_LIMIT_LENGTH, RPM_HEADER_MAX_BYTES + 4096},
        {SQLITE_LIMIT_SQL_LENGTH, SCHEMA_TEXT_MAX_BYTES},
        {SQLITE_LIMIT_COLUMN, 16},
        {SQLITE_LIMIT_EXPR_DEPTH, 3},
        {SQLITE_LIMIT_COMPOUND_SELECT, 3},
        {SQLITE_LIMIT_VDBE_OP, 25000},
        {SQLITE_LIMIT_FUNCTION_ARG, 0},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 10},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
};

static const struct {
    int what, on;
} switches[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
};

static void statement_close(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement);
}

static int steps_count(void *opaque)
{
    int *calls = opaque;

    return ++*calls > CALLS_MAX;
}

static enum mu_status sqlite_failed(sqlite3 *database, struct mu_error *err)
{
    int code = sqlite3_errcode(database);

    if (code == SQLITE_NOMEM)
        return mu_fail(err, MU_E_NOMEM, "no memory for an SQLite database");
    if (code == SQLITE_TOOBIG)
        return mu_fail(err, MU_E_LIMIT, "a header of more than %d bytes", RPM_HEADER_MAX_BYTES);
    return mu_fail(err, MU_E_INVALID, "SQLite: %s", sqlite3_errmsg(database));
}

/* Only reading the one column of the one table, and what SQLite reads to know it. */
static int action_allow(void *opaque, int action, const char *table, const char *column,
                        const char *schema, const char *inner)
{
    (void)opaque;
    (void)column;
    (void)schema;
    (void)inner;
    if (action == SQLITE_SELECT)
        return SQLITE_OK;
    return action == SQLITE_READ && strcmp(table, "Packages") == 0 ? SQLITE_OK : SQLITE_DENY;
}

static enum mu_status database_harden(sqlite3 *database, struct mu_error *err)
{
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        (void)sqlite3_limit(database, limits[i].what, limits[i].most);
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        if (sqlite3_db_config(database, switches[i].what, switches[i].on, NULL) != SQLITE_OK)
            return sqlite_failed(database, err);
    }
    (void)sqlite3_drop_modules(database, NULL); /* no virtual table in place of the real one */
    return MU_OK;
}

static enum mu_status rows_walk(sqlite3 *database, sqlite3_stmt *statement, size_t file_len,
                                rpm_blob_fn *blob, void *opaque, struct mu_error *err)
{
    size_t left = file_len; /* rows do not overlap, unless pages are in the tree twice */
    int code;

    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const uint8_t *bytes = sqlite3_column_blob(statement, 0);
        size_t len = (size_t)sqlite3_column_bytes(statement, 0);

        if (len + CELL_MIN_BYTES > left)
            return mu_fail(err, MU_E_INVALID, "headers are larger than the file");
        left -= len + CELL_MIN_BYTES;
        if (sqlite3_column_type(statement, 0) != SQLITE_BLOB || !bytes)
            return mu_fail(err, MU_E_INVALID, "a header that is no blob");
        if (blob(opaque, bytes, len, err) != MU_OK)
            return err->status;
    }
    return code == SQLITE_DONE ? MU_OK : sqlite_failed(database, err);
}

static size_t page_size(const uint8_t *bytes)
{
    size_t page_bytes = (size_t)bytes[PAGE_SIZE_AT] << 8 | bytes[PAGE_SIZE_AT + 1];

    return page_bytes == 1 ? 65536 : page_bytes ? page_bytes : 1;
}

static enum mu_status database_walk(sqlite3 *database, size_t file_len, rpm_blob_fn *blob,
                                    void *opaque, struct mu_error *err)
{
    __attribute__((cleanup(statement_close))) sqlite3_stmt *statement = NULL;
    int calls = 0;

    if (database_harden(database, err) != MU_OK)
        return err->status;
    sqlite3_progress_handler(database, STEPS_A_CALL, steps_count, &calls);
    (void)sqlite3_set_authorizer(database, action_allow, NULL);
    if (sqlite3_prepare_v2(database, select_blobs, -1, &statement, NULL) != SQLITE_OK)
        return sqlite_failed(database, err);
    return rows_walk(database, statement, file_len, blob, opaque, err);
}

enum mu_status rpm_sqlite_walk_wal(const uint8_t *bytes, size_t len, const struct sqlite_wal *wal,
                                   rpm_blob_fn *blob, void *opaque, struct mu_error *err)
{
    size_t whole = wal ? (size_t)wal->pages * wal->page_bytes : len;
    struct sqlite_bytes file;
    sqlite3 *database = NULL;
    enum mu_status st;

    if (len < FILE_HEAD_BYTES || memcmp(bytes, "SQLite format 3", 16) != 0)
        return mu_fail(err, MU_E_INVALID, "no SQLite database");
    /* SQLite reads a last page that is cut as if zeros followed. */
    if (len % page_size(bytes) != 0)
        return mu_fail(err, MU_E_INVALID, "an SQLite database that is cut");
    if (wal && wal->page_bytes != page_size(bytes))
        return mu_fail(err, MU_E_INVALID, "a write-ahead log of another SQLite database");
    if (sqlite_bytes_init(&file, bytes, len, wal, err) != MU_OK)
        return err->status;
    if (sqlite_bytes_open(&file, &database) == SQLITE_OK)
        st = database_walk(database, whole, blob, opaque, err);
    else
        st = mu_fail(err, MU_E_NOMEM, "no memory for an SQLite database");
    (void)sqlite3_close(database);
    sqlite_bytes_done(&file);
    return st;
}

enum mu_status rpm_sqlite_walk(const uint8_t *bytes, size_t len, rpm_blob_fn *blob, void *opaque,
                               struct mu_error *err)
{
    return rpm_sqlite_walk_wal(bytes, len, NULL, blob, opaque, err);
}

#include "snapshot/snapshot.h"

#include "snapshot/columns.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { STATEMENT_MAX_BYTES = 4096 };

struct snapshot {
    struct snapshot_instants instants;
    sqlite3 *db;
    sqlite3_stmt *insert[SNAPSHOT_ROWS_COUNT];
};

struct snapshot_cursor {
    sqlite3_stmt *statement;
    const struct row_kind *kind;
    bool ended; /* one more step would begin again */
};

static enum mu_status failed(sqlite3 *db, const char *what, struct mu_error *err)
{
    return mu_fail(err, MU_E_UNAVAILABLE, "snapshot: %s: %s", what, sqlite3_errmsg(db));
}

static enum mu_status run(struct snapshot *snapshot, const char *sql, struct mu_error *err)
{
    return sqlite3_exec(snapshot->db, sql, NULL, NULL, NULL) == SQLITE_OK
                   ? MU_OK
                   : failed(snapshot->db, sql, err);
}

/* ---- making it ---- */

static enum mu_status make_table(struct snapshot *snapshot, enum snapshot_rows kind,
                                 struct mu_error *err)
{
    const struct row_kind *rows = &row_kinds[kind];
    MU_AUTO_DONE(mu_buf_done) struct mu_buf create;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf insert;
    enum mu_status st;

    mu_buf_init(&create, STATEMENT_MAX_BYTES);
    mu_buf_init(&insert, STATEMENT_MAX_BYTES);
    mu_buf_printf(&create, "CREATE TABLE %s (", rows->table);
    mu_buf_printf(&insert, "INSERT OR IGNORE INTO %s VALUES (", rows->table);
    for (size_t i = 0; i < rows->column_count; i++) {
        mu_buf_printf(&create, "%s\"%s\" %s", i > 0 ? ", " : "", rows->columns[i].name,
                      rows->columns[i].type == VALUE_NUMBER ? "INTEGER" : "TEXT");
        mu_buf_puts(&insert, i > 0 ? ", ?" : "?");
    }
    mu_buf_puts(&create, ")");
    mu_buf_puts(&insert, ")");
    st = mu_buf_status(&create, rows->table, err);
    if (st == MU_OK)
        st = mu_buf_status(&insert, rows->table, err);
    if (st == MU_OK)
        st = run(snapshot, create.data, err);
    if (st == MU_OK && sqlite3_prepare_v2(snapshot->db, insert.data, -1, &snapshot->insert[kind],
                                          NULL) != SQLITE_OK)
        st = failed(snapshot->db, insert.data, err);
    return st;
}

enum mu_status snapshot_new(const struct snapshot_instants *instants,
                            struct snapshot **ret_snapshot, struct mu_error *err)
{
    /* One transaction that is never committed: what it holds goes with it. */
    static const char settings[] =
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192; "
            "PRAGMA temp_store = FILE; BEGIN";
    static const char indexes[] =
            "CREATE INDEX evidence ON inventory (evidence_digest, uai) "
            "WHERE evidence_digest IS NOT NULL; CREATE INDEX of_uai ON instances (uai); "
            "CREATE INDEX inventory_of_uai ON inventory (uai); "
            "CREATE INDEX of_evidence ON originals (evidence_digest); "
            "CREATE INDEX findings_of_item ON findings (item, uai); "
            "CREATE INDEX findings_of_uai ON findings (uai, item); "
            "CREATE INDEX findings_by_asset ON findings (uai, vulnerability); "
            "CREATE INDEX closed_of ON closed (vulnerability); "
            "CREATE INDEX not_running_of_uai ON not_running (uai); "
            "CREATE INDEX deviation ON deviations (deviation); "
            "CREATE INDEX findings_of ON findings (vulnerability); "
            "CREATE UNIQUE INDEX description ON descriptions (vulnerability); "
            "CREATE INDEX issues_of ON issues (evidence_digest); "
            "CREATE UNIQUE INDEX scan ON scans (evidence_digest); "
            "CREATE INDEX issues_of_check ON issues (\"check\"); "
            "CREATE INDEX closed_of_item ON closed (item, uai)";
    MU_AUTO(snapshot) struct snapshot *snapshot = mu_xcalloc(1, sizeof(*snapshot));
    enum mu_status st = MU_OK;

    snapshot->instants = *instants;
    if (sqlite3_open("", &snapshot->db) != SQLITE_OK) /* "": a file without a name */
        st = failed(snapshot->db, "open", err);
    if (st == MU_OK)
        st = run(snapshot, settings, err);
    for (int kind = 0; st == MU_OK && kind < SNAPSHOT_ROWS_COUNT; kind++)
        st = make_table(snapshot, (enum snapshot_rows)kind, err);
    if (st == MU_OK)
        st = run(snapshot, indexes, err);
    if (st != MU_OK)
        return st;
    *ret_snapshot = snapshot;
    snapshot = NULL;
    return MU_OK;
}

void snapshot_free(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    for (int kind = 0; kind < SNAPSHOT_ROWS_COUNT; kind++)
        (void)sqlite3_finalize(snapshot->insert[kind]);
    (void)sqlite3_close(snapshot->db);
    free(snapshot);
}

const struct snapshot_instants *snapshot_instants(const struct snapshot *snapshot)
{
    return &snapshot->instants;
}

static int bind(sqlite3_stmt *statement, int place, const struct column *column, const char *slot)
{
    const char *text;

    if (column->type == VALUE_NUMBER)
        return sqlite3_bind_int64(statement, place, *(const int64_t *)(const void *)slot);
    text = *(const char *const *)(const void *)slot;
    return sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

enum mu_status snapshot_add(struct snapshot *snapshot, enum snapshot_rows kind, const void *row,
                            struct mu_error *err)
{
    const struct row_kind *rows = &row_kinds[kind];
    sqlite3_stmt *insert = snapshot->insert[kind];
    int code = SQLITE_OK;

    for (size_t i = 0; code == SQLITE_OK && i < rows->column_count; i++)
        code = bind(insert, (int)i + 1, &rows->columns[i],
                    (const char *)row + rows->columns[i].offset);
    if (code == SQLITE_OK)
        code = sqlite3_step(insert);
    if (code != SQLITE_DONE)
        return failed(snapshot->db, rows->table, err);
    (void)sqlite3_reset(insert);
    return MU_OK;
}

/* ---- reading ---- */

static const struct {
    enum snapshot_rows kind;
    const char *sql;
} lists[] = {
        [SNAPSHOT_LIST_INVENTORY] = {SNAPSHOT_INVENTORY, "SELECT * FROM inventory ORDER BY rowid"},
        [SNAPSHOT_LIST_INSTANCES] = {SNAPSHOT_INSTANCES, "SELECT * FROM instances ORDER BY rowid"},
        [SNAPSHOT_LIST_NOT_RUNNING] = {SNAPSHOT_NOT_RUNNING,
                                       "SELECT * FROM not_running ORDER BY rowid"},
        [SNAPSHOT_LIST_TOTALS] = {SNAPSHOT_TOTALS, "SELECT * FROM totals ORDER BY rowid"},
        [SNAPSHOT_LIST_EVIDENCE] = {SNAPSHOT_INVENTORY,
                                    "SELECT * FROM inventory WHERE evidence_digest IS NOT NULL "
                                    "ORDER BY evidence_digest, uai, rowid"},
        [SNAPSHOT_LIST_INSTANCES_OF_UAI] = {SNAPSHOT_INSTANCES,
                                            "SELECT * FROM instances WHERE uai = ? ORDER BY rowid"},
        [SNAPSHOT_LIST_ORIGINAL_OF] = {SNAPSHOT_ORIGINALS,
                                       "SELECT * FROM originals WHERE evidence_digest = ?"},
        [SNAPSHOT_LIST_INVENTORY_OF_UAI] = {SNAPSHOT_INVENTORY,
                                            "SELECT * FROM inventory WHERE uai = ? ORDER BY rowid"},
        [SNAPSHOT_LIST_FINDINGS] = {SNAPSHOT_FINDINGS, "SELECT * FROM findings ORDER BY rowid"},
        [SNAPSHOT_LIST_FINDINGS_OF_ITEM] = {SNAPSHOT_FINDINGS,
                                            "SELECT * FROM findings WHERE item = ? ORDER BY uai"},
        [SNAPSHOT_LIST_FINDINGS_OF_UAI] = {SNAPSHOT_FINDINGS,
                                           "SELECT * FROM findings WHERE uai = ? ORDER BY item"},
        [SNAPSHOT_LIST_FINDINGS_BY_ASSET] = {SNAPSHOT_FINDINGS,
                                             "SELECT * FROM findings ORDER BY uai, vulnerability"},
        [SNAPSHOT_LIST_FINDINGS_OF_VULNERABILITY] =
                {SNAPSHOT_FINDINGS, "SELECT * FROM findings WHERE vulnerability = ? ORDER BY uai"},
        [SNAPSHOT_LIST_CLOSED_OF_VULNERABILITY] =
                {SNAPSHOT_CLOSED, "SELECT * FROM closed WHERE vulnerability = ? ORDER BY rowid"},
        [SNAPSHOT_LIST_NOT_RUNNING_OF_UAI] =
                {SNAPSHOT_NOT_RUNNING, "SELECT * FROM not_running WHERE uai = ? ORDER BY rowid"},
        [SNAPSHOT_LIST_INSTANCES_BY_UAI] = {SNAPSHOT_INSTANCES,
                                            "SELECT * FROM instances ORDER BY uai, rowid"},
        [SNAPSHOT_LIST_FINDINGS_OF_VULNERABILITIES] =
                {SNAPSHOT_FINDINGS, "SELECT * FROM findings ORDER BY vulnerability, item, uai"},
        [SNAPSHOT_LIST_FINDINGS_BY_DUE] = {SNAPSHOT_FINDINGS,
                                           "SELECT f.* FROM (SELECT item, min(due_at) AS due "
                                           "FROM findings GROUP BY item) d "
                                           "JOIN findings f ON f.item = d.item "
                                           "ORDER BY d.due IS NULL, d.due, f.item, f.uai"},
        [SNAPSHOT_LIST_CLOSED] = {SNAPSHOT_CLOSED, "SELECT * FROM closed ORDER BY rowid"},
        [SNAPSHOT_LIST_CLOSED_OF_ITEM] = {SNAPSHOT_CLOSED, "SELECT * FROM closed WHERE item = ? "
                                                           "ORDER BY uai, episode"},
        [SNAPSHOT_LIST_DEVIATIONS] = {SNAPSHOT_DEVIATIONS,
                                      "SELECT * FROM deviations ORDER BY rowid"},
        [SNAPSHOT_LIST_DEVIATION] = {SNAPSHOT_DEVIATIONS,
                                     "SELECT * FROM deviations WHERE deviation = ?"},
        [SNAPSHOT_LIST_FAILURES] = {SNAPSHOT_FAILURES, "SELECT * FROM failures ORDER BY rowid"},
        [SNAPSHOT_LIST_DESCRIPTION_OF] = {SNAPSHOT_DESCRIPTIONS,
                                          "SELECT d.* FROM (SELECT ?1 AS name, 0 AS place "
                                          "UNION ALL SELECT substr(reported_as, 1, "
                                          "instr(reported_as || char(10), char(10)) - 1), 1 "
                                          "FROM findings WHERE vulnerability = ?1) n "
                                          "JOIN descriptions d ON d.vulnerability = n.name "
                                          "ORDER BY n.place, d.vulnerability LIMIT 1"},
        [SNAPSHOT_LIST_ISSUES] = {SNAPSHOT_ISSUES,
                                  "SELECT * FROM issues ORDER BY evidence_digest, rowid"},
        [SNAPSHOT_LIST_ISSUES_OF] = {SNAPSHOT_ISSUES,
                                     "SELECT * FROM issues WHERE evidence_digest = ? "
                                     "ORDER BY rowid"},
        [SNAPSHOT_LIST_SOURCES] = {SNAPSHOT_SOURCES, "SELECT * FROM sources ORDER BY rowid"},
        [SNAPSHOT_LIST_QUARANTINE] = {SNAPSHOT_QUARANTINE,
                                      "SELECT * FROM quarantine ORDER BY rowid"},
        [SNAPSHOT_LIST_LEDGER] = {SNAPSHOT_LEDGER, "SELECT * FROM ledger ORDER BY rowid"},
        [SNAPSHOT_LIST_SCANS] = {SNAPSHOT_SCANS, "SELECT * FROM scans ORDER BY rowid"},
        [SNAPSHOT_LIST_ORIGINALS] = {SNAPSHOT_ORIGINALS, "SELECT * FROM originals ORDER BY rowid"},
        [SNAPSHOT_LIST_SCAN_OF] = {SNAPSHOT_SCANS, "SELECT * FROM scans WHERE evidence_digest = ?"},
        [SNAPSHOT_LIST_EVIDENCE_FILES] = {SNAPSHOT_ORIGINALS,
                                          "SELECT evidence_digest AS file, NULL FROM inventory "
                                          "WHERE evidence_digest IS NOT NULL UNION "
                                          "SELECT original_digest, NULL FROM originals "
                                          "WHERE evidence_digest IN "
                                          "(SELECT evidence_digest FROM inventory) "
                                          "AND original_digest IS NOT NULL ORDER BY file"},
        [SNAPSHOT_LIST_TWINS] = {SNAPSHOT_INVENTORY,
                                 "SELECT i.* FROM inventory i JOIN (SELECT lower(uai) AS name "
                                 "FROM inventory GROUP BY 1 HAVING count(DISTINCT uai) > 1 "
                                 "OR count(DISTINCT repository) > 1) t ON t.name = lower(i.uai) "
                                 "ORDER BY t.name, i.rowid"},
        [SNAPSHOT_LIST_DESCRIPTIONS] = {SNAPSHOT_DESCRIPTIONS,
                                        "SELECT * FROM descriptions ORDER BY rowid"},
        [SNAPSHOT_LIST_CHECKS] = {SNAPSHOT_ISSUES,
                                  "SELECT * FROM issues WHERE rowid IN "
                                  "(SELECT min(rowid) FROM issues GROUP BY \"check\") "
                                  "ORDER BY \"check\""},
        [SNAPSHOT_LIST_INVENTORY_OF_CHECK] = {SNAPSHOT_INVENTORY,
                                              "SELECT * FROM inventory WHERE evidence_digest IN "
                                              "(SELECT evidence_digest FROM issues "
                                              "WHERE \"check\" = ?) ORDER BY uai, rowid"},
        [SNAPSHOT_LIST_INVENTORY_OF_ISSUES] = {SNAPSHOT_INVENTORY,
                                               "SELECT * FROM inventory WHERE evidence_digest IN "
                                               "(SELECT evidence_digest FROM issues) "
                                               "ORDER BY uai, rowid"},
};

enum mu_status snapshot_list(const struct snapshot *snapshot, enum snapshot_list list,
                             const char *key, struct snapshot_cursor **ret_cursor,
                             struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = mu_xcalloc(1, sizeof(*cursor));

    cursor->kind = &row_kinds[lists[list].kind];
    if (sqlite3_prepare_v2(snapshot->db, lists[list].sql, -1, &cursor->statement, NULL) !=
                SQLITE_OK ||
        (key && sqlite3_bind_text(cursor->statement, 1, key, -1, SQLITE_TRANSIENT) != SQLITE_OK))
        return failed(snapshot->db, lists[list].sql, err);
    *ret_cursor = cursor;
    cursor = NULL;
    return MU_OK;
}

void snapshot_cursor_free(struct snapshot_cursor *cursor)
{
    if (!cursor)
        return;
    (void)sqlite3_finalize(cursor->statement);
    free(cursor);
}

enum mu_status snapshot_next(struct snapshot_cursor *cursor, void *ret_row, bool *ret_found,
                             struct mu_error *err)
{
    int code = cursor->ended ? SQLITE_DONE : sqlite3_step(cursor->statement);

    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return failed(sqlite3_db_handle(cursor->statement), cursor->kind->table, err);
    *ret_found = code == SQLITE_ROW;
    cursor->ended = code == SQLITE_DONE;
    for (size_t i = 0; *ret_found && i < cursor->kind->column_count; i++) {
        const struct column *column = &cursor->kind->columns[i];
        void *slot = (char *)ret_row + column->offset;

        if (column->type == VALUE_NUMBER)
            *(int64_t *)slot = sqlite3_column_int64(cursor->statement, (int)i);
        else
            *(const char **)slot = (const char *)sqlite3_column_text(cursor->statement, (int)i);
    }
    return MU_OK;
}

enum mu_status snapshot_count_evidence(const struct snapshot *snapshot, size_t *ret_count,
                                       struct mu_error *err)
{
    static const char sql[] = "SELECT count(DISTINCT evidence_digest) FROM inventory";
    sqlite3_stmt *statement = NULL;
    enum mu_status st = MU_OK;

    if (sqlite3_prepare_v2(snapshot->db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        st = failed(snapshot->db, sql, err);
    else
        *ret_count = (size_t)sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return st;
}

enum mu_status snapshot_time(const char *text, int64_t *ret_at_us, struct mu_error *err)
{
    *ret_at_us = MU_TIME_NONE;
    return text ? mu_time_parse(text, strlen(text), ret_at_us, err) : MU_OK;
}

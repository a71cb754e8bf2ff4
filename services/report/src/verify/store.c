#include "verify/store.h"

#include "base/memory.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct verify_store {
    sqlite3 *db;
    sqlite3_stmt *put[VERIFY_TABLE_COUNT];
    struct mu_error err; /* MU_OK as long as all went well */
};

/* What each table is made by, and filled by. */
static const struct {
    const char *create, *insert;
    size_t columns;
} tables[VERIFY_TABLE_COUNT] = {
        [VERIFY_FILES] = {"CREATE TABLE files (name TEXT PRIMARY KEY, sha256 TEXT, "
                          "size_bytes INTEGER) WITHOUT ROWID",
                          "INSERT OR IGNORE INTO files VALUES (?, ?, ?)", 3},
        [VERIFY_ROWS] = {"CREATE TABLE rows (uai TEXT PRIMARY KEY, in_scan INTEGER, place TEXT) "
                         "WITHOUT ROWID",
                         "INSERT OR IGNORE INTO rows VALUES (?, ?, ?)", 3},
        [VERIFY_DIGESTS] = {"CREATE TABLE digests (uai TEXT, digest TEXT, PRIMARY KEY (uai, "
                            "digest)) WITHOUT ROWID",
                            "INSERT OR IGNORE INTO digests VALUES (?, ?)", 2},
        [VERIFY_TARGETS] = {"CREATE TABLE targets (uai TEXT, digest TEXT, file TEXT, complete "
                            "INTEGER, finished_at TEXT, PRIMARY KEY (uai, digest, file)) WITHOUT "
                            "ROWID",
                            "INSERT OR IGNORE INTO targets VALUES (?, ?, ?, ?, ?)", 5},
        [VERIFY_GAPS] = {"CREATE TABLE gaps (uai TEXT PRIMARY KEY) WITHOUT ROWID",
                         "INSERT OR IGNORE INTO gaps VALUES (?)", 1},
        [VERIFY_GAP_IMAGES] = {"CREATE TABLE gap_images (uai TEXT, digest TEXT, covered INTEGER, "
                               "PRIMARY KEY (uai, digest, covered)) WITHOUT ROWID",
                               "INSERT OR IGNORE INTO gap_images VALUES (?, ?, ?)", 3},
        [VERIFY_NOT_RUNNING] = {"CREATE TABLE not_running (uai TEXT, digest TEXT, PRIMARY KEY "
                                "(uai, digest)) WITHOUT ROWID",
                                "INSERT OR IGNORE INTO not_running VALUES (?, ?)", 2},
        [VERIFY_REPORTS] = {"CREATE TABLE reports (name TEXT PRIMARY KEY) WITHOUT ROWID",
                            "INSERT OR IGNORE INTO reports VALUES (?)", 1},
        [VERIFY_CONTAINERS] = {"CREATE TABLE containers (uai TEXT, digest TEXT, pod TEXT, state "
                               "TEXT); CREATE INDEX running ON containers (uai, digest)",
                               "INSERT INTO containers VALUES (?, ?, ?, ?)", 4},
        [VERIFY_FOUND] = {"CREATE TABLE found (file TEXT, vulnerability TEXT, PRIMARY KEY (file, "
                          "vulnerability)) WITHOUT ROWID",
                          "INSERT OR IGNORE INTO found VALUES (?, ?)", 2},
        [VERIFY_FINDINGS] = {"CREATE TABLE findings (item TEXT, uai TEXT, vulnerability TEXT, "
                             "PRIMARY KEY (uai, vulnerability, item)) WITHOUT ROWID",
                             "INSERT OR IGNORE INTO findings VALUES (?, ?, ?)", 3},
        [VERIFY_ITEMS] = {"CREATE TABLE items (file TEXT, kind TEXT, name TEXT, PRIMARY KEY (kind, "
                          "name, file)) WITHOUT ROWID",
                          "INSERT OR IGNORE INTO items VALUES (?, ?, ?)", 3},
        [VERIFY_SCANS] = {"CREATE TABLE scans (file TEXT PRIMARY KEY, tool TEXT, finished_at TEXT, "
                          "digest TEXT) WITHOUT ROWID",
                          "INSERT OR IGNORE INTO scans VALUES (?, ?, ?, ?)", 4},
        [VERIFY_NAMES] = {"CREATE TABLE names (kind TEXT, name TEXT, file TEXT, PRIMARY KEY (name, "
                          "kind, file)) WITHOUT ROWID; CREATE INDEX names_of ON names (file)",
                          "INSERT OR IGNORE INTO names (file, kind, name) VALUES (?, ?, ?)", 3},
        [VERIFY_ROW_NAMES] =
                {"CREATE TABLE row_names (uai TEXT, name TEXT, PRIMARY KEY (uai, name)) WITHOUT "
                 "ROWID; CREATE INDEX row_names_of ON row_names (name); "
                 "CREATE VIEW by_digest AS SELECT d.uai, d.digest, n.file FROM digests d JOIN "
                 "names "
                 "n ON n.name = d.digest WHERE n.kind IN ('digest', 'config'); "
                 "CREATE VIEW by_name AS SELECT r.uai, n.file FROM row_names r JOIN names n USING "
                 "(name) WHERE n.kind = 'name'",
                 "INSERT OR IGNORE INTO row_names VALUES (?, ?)", 2},
        [VERIFY_OTHERS] = {"CREATE TABLE others (uai TEXT PRIMARY KEY) WITHOUT ROWID",
                           "INSERT OR IGNORE INTO others VALUES (?)", 1},
        [VERIFY_LIMITS] = {"CREATE TABLE limits (oldest TEXT)", "INSERT INTO limits VALUES (?)", 1},
};

/* "host/path:" of "host/path:tag" and "host/path@sha256:hex" */
#define COLONS(uai)           "replace(" uai ", '@sha256:', ':')"
#define REPOSITORY_OF(uai)    "rtrim(" COLONS(uai) ", replace(" COLONS(uai) ", ':', ''))"
#define REPOSITORY_OF_UAI     REPOSITORY_OF("uai")
#define REPOSITORY_OF_TARGET  REPOSITORY_OF("t.uai")
#define REPOSITORY_OF_FINDING REPOSITORY_OF("f.uai")

static const char views[] =
        /* Every scan of an asset's images, under whichever name. */
        "CREATE INDEX targets_of ON targets (digest);"
        "CREATE VIEW scanned AS SELECT d.uai, t.file FROM digests d JOIN targets t USING (digest) "
        "UNION ALL SELECT o.uai, t.file FROM targets o JOIN targets t USING (digest);"
        /* Further tags of what was scanned: nothing runs from them, and no scan names them yet. */
        "CREATE INDEX targets_in ON targets (" REPOSITORY_OF_UAI ");"
        "CREATE VIEW further_tags AS SELECT DISTINCT f.uai FROM findings f JOIN targets t JOIN "
        "found d ON d.file = t.file AND d.vulnerability = f.vulnerability WHERE f.uai NOT IN "
        "(SELECT uai FROM rows) AND f.uai NOT IN (SELECT uai FROM targets) "
        "AND " REPOSITORY_OF_TARGET " = " REPOSITORY_OF_FINDING;

static void failed(struct verify_store *store)
{
    if (store->err.status == MU_OK)
        (void)mu_fail(&store->err, MU_E_UNAVAILABLE,
                      "what was read could not be kept under SQLITE_TMPDIR, TMPDIR or /var/tmp: %s",
                      sqlite3_errmsg(store->db));
}

static void run(struct verify_store *store, const char *sql)
{
    if (store->err.status == MU_OK && sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        failed(store);
}

enum mu_status verify_store_new(struct verify_store **ret_store, struct mu_error *err)
{
    /* One transaction that is never committed: what it holds goes with it. */
    static const char settings[] =
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192; "
            "PRAGMA temp_store = FILE; BEGIN";
    MU_AUTO(verify_store) struct verify_store *store = mu_xcalloc(1, sizeof(*store));

    if (sqlite3_open("", &store->db) != SQLITE_OK) /* "": a file without a name */
        failed(store);
    run(store, settings);
    for (int table = 0; table < VERIFY_TABLE_COUNT && store->err.status == MU_OK; table++) {
        run(store, tables[table].create);
        if (store->err.status == MU_OK && sqlite3_prepare_v2(store->db, tables[table].insert, -1,
                                                             &store->put[table], NULL) != SQLITE_OK)
            failed(store);
    }
    run(store, views);
    if (verify_store_status(store, err) != MU_OK)
        return err->status;
    *ret_store = store;
    store = NULL;
    return MU_OK;
}

void verify_store_free(struct verify_store *store)
{
    if (!store)
        return;
    for (int table = 0; table < VERIFY_TABLE_COUNT; table++)
        (void)sqlite3_finalize(store->put[table]);
    (void)sqlite3_close(store->db);
    free(store);
}

enum mu_status verify_store_status(const struct verify_store *store, struct mu_error *err)
{
    if (store->err.status != MU_OK)
        *err = store->err;
    return store->err.status;
}

static void bind(sqlite3_stmt *statement, size_t place, const char *text)
{
    (void)sqlite3_bind_text(statement, (int)place, text, -1, SQLITE_STATIC);
}

bool verify_put(struct verify_store *store, enum verify_table table, const char *const *values)
{
    sqlite3_stmt *put = store->put[table];

    if (store->err.status != MU_OK)
        return false;
    for (size_t i = 0; i < tables[table].columns; i++)
        bind(put, i + 1, values[i]);
    if (sqlite3_step(put) != SQLITE_DONE)
        failed(store);
    (void)sqlite3_reset(put);
    return sqlite3_changes(store->db) > 0;
}

void verify_ask(struct verify_store *store, const char *sql, const char *const *texts,
                size_t columns, verify_answer_fn *answer, void *opaque)
{
    const char *found[VERIFY_COLUMNS_MAX];
    sqlite3_stmt *statement = NULL;
    int code = SQLITE_ROW;

    if (store->err.status != MU_OK)
        return;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK) {
        failed(store);
        return;
    }
    for (size_t i = 0; texts && texts[i]; i++)
        bind(statement, i + 1, texts[i]);
    while (code == SQLITE_ROW && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        for (size_t i = 0; i < columns; i++)
            found[i] = (const char *)sqlite3_column_text(statement, (int)i);
        if (!answer(opaque, found))
            code = SQLITE_DONE;
    }
    if (code != SQLITE_DONE)
        failed(store);
    (void)sqlite3_finalize(statement);
}

static bool take_number(void *opaque, const char *const *columns)
{
    *(int64_t *)opaque = columns[0] ? strtoll(columns[0], NULL, 10) : 0;
    return false;
}

int64_t verify_ask_number(struct verify_store *store, const char *sql, const char *const *texts)
{
    int64_t number = 0;

    verify_ask(store, sql, texts, 1, take_number, &number);
    return number;
}

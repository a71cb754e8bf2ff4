#include "pg/pg_internal.h"

#include "base/sha256.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Any number will do, as long as nobody else takes it: "muster" in ASCII. */
#define MIGRATION_LOCK "120369116669298"

/* Rewriting a large table takes its time. Whoever wants a table that a migration waits for waits
 * behind it: so a lock is not waited for long, but asked for again later. */
#define MIGRATION_TIMEOUT "SET LOCAL statement_timeout = '1h'; SET LOCAL lock_timeout = '2s'"
#define LOCK_REFUSED      "55P03"
enum { MIGRATION_DEADLINE_MS = 3700 * 1000 };

enum { LOCK, EXISTS, MAKE_TABLE };
#define LOCK_STATEMENT                                                \
    {                                                                 \
        "lock", "SELECT pg_advisory_xact_lock(" MIGRATION_LOCK ")", 0 \
    }

static const struct mu_pg_statement statements[] = {
        [LOCK] = LOCK_STATEMENT,
        [EXISTS] = {"exists", "SELECT to_regclass('muster_schema_migrations') IS NOT NULL", 0},
        [MAKE_TABLE] = {"make_table",
                        "CREATE TABLE IF NOT EXISTS muster_schema_migrations ("
                        " version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
                        " applied_at timestamptz NOT NULL DEFAULT now())",
                        0},
};

/* On a connection of their own: they can be prepared only once the table is there. */
static const struct mu_pg_statement record_statements[] = {
        LOCK_STATEMENT,
        {"list", "SELECT version, name, checksum FROM muster_schema_migrations ORDER BY version",
         0},
        {"record",
         "INSERT INTO muster_schema_migrations (version, name, checksum) VALUES ($1, $2, $3)", 3},
        {"holders",
         "SELECT string_agg(format('pid %s (%s, %s, since %s)', h.pid, h.usename, h.name, "
         "COALESCE(h.since, '?')), ', ') FROM (SELECT a.pid, a.usename, COALESCE(NULLIF("
         "a.application_name, ''), a.backend_type, '?') AS name, to_char(a.xact_start AT TIME ZONE "
         "'UTC', 'HH24:MI:SS') AS since FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() "
         "AND a.pid IN (SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
         "WHERE d.datname = current_database() AND l.locktype = 'relation' AND l.granted AND "
         "l.relation >= 16384) ORDER BY a.xact_start LIMIT 3) h", /* 16384: FirstNormalObjectId */
         0},
};
enum { RECORD_LOCK, RECORD_LIST, RECORD_INSERT, RECORD_HOLDERS };

/* What the database has must be the beginning of what the program has. */
static enum mu_status check_recorded(const struct mu_pg_result *recorded,
                                     const struct mu_pg_migration *migrations, size_t count,
                                     struct mu_error *err)
{
    char checksum[MU_DIGEST_TEXT_SIZE];

    if (mu_pg_rows(recorded) > count)
        return mu_fail(err, MU_E_CONFLICT,
                       "the database has %zu migrations, this program knows %zu: use a newer "
                       "program",
                       mu_pg_rows(recorded), count);
    for (size_t i = 0; i < mu_pg_rows(recorded); i++) {
        mu_sha256_text(migrations[i].sql, strlen(migrations[i].sql), checksum);
        if (!mu_text_equal(mu_pg_text(recorded, i, 2), checksum))
            return mu_fail(err, MU_E_CONFLICT,
                           "migration %s in the database differs from this program's %s",
                           mu_pg_text(recorded, i, 1), migrations[i].name);
    }
    return MU_OK;
}

static enum mu_status count_recorded(struct mu_pg *pg, const struct mu_pg_migration *migrations,
                                     size_t count, size_t *ret_recorded, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *recorded = NULL;
    enum mu_status st = mu_pg_execute(pg, RECORD_LIST, NULL, &recorded, err);

    if (st == MU_OK)
        st = check_recorded(recorded, migrations, count, err);
    if (st == MU_OK)
        *ret_recorded = mu_pg_rows(recorded);
    return st;
}

static enum mu_status apply(struct mu_pg *pg, const struct mu_pg_migration *migration,
                            struct mu_error *err)
{
    char version[16], checksum[MU_DIGEST_TEXT_SIZE];
    const char *values[] = {version, migration->name, checksum};
    enum mu_status st = pg_run(pg, "timeout", MIGRATION_TIMEOUT, err);

    (void)snprintf(version, sizeof(version), "%d", migration->version);
    mu_sha256_text(migration->sql, strlen(migration->sql), checksum);
    if (st == MU_OK)
        st = pg_run(pg, migration->name, migration->sql, err);
    if (st == MU_OK)
        st = mu_pg_execute(pg, RECORD_INSERT, values, NULL, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "migration");
}

/* The lock lasts as long as the transaction: also behind a pooler, and never longer. MU_END: there
 * is none to apply. */
static enum mu_status apply_next(struct mu_pg *pg, const struct mu_pg_migration *migrations,
                                 size_t count, struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    size_t recorded = 0;
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = mu_pg_execute(pg, RECORD_LOCK, NULL, NULL, err);
    if (st == MU_OK)
        st = count_recorded(pg, migrations, count, &recorded, err);
    if (st == MU_OK && recorded == count)
        return MU_END;
    if (st == MU_OK)
        st = apply(pg, &migrations[recorded], err);
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}

/* Adds to the error of a refused lock who has held locks for longest. */
static enum mu_status tell_holders(struct mu_pg *pg, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *holders = NULL;
    struct mu_error why = *err;
    enum mu_status st = mu_pg_execute(pg, RECORD_HOLDERS, NULL, &holders, err);

    if (st != MU_OK || mu_pg_null(holders, 0, 0)) {
        *err = why;
        return why.status;
    }
    return mu_fail(err, why.status,
                   "%.160s; others hold locks, the oldest: %.240s: let them end, or "
                   "SELECT pg_terminate_backend(PID)",
                   why.message, mu_pg_text(holders, 0, 0));
}

static enum mu_status make_table(struct mu_pg *pg, struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = mu_pg_execute(pg, LOCK, NULL, NULL, err);
    if (st == MU_OK)
        st = mu_pg_execute(pg, MAKE_TABLE, NULL, NULL, err);
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}

/* Opens the connection with record_statements; NULL when the database has no migrations yet. */
static enum mu_status open_recorded(const char *conninfo, bool make, struct mu_pg **ret_pg,
                                    struct mu_error *err)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = mu_pg_open(conninfo, "muster-migrate", statements,
                                   sizeof(statements) / sizeof(statements[0]), &pg, err);

    if (st == MU_OK)
        st = mu_pg_execute(pg, EXISTS, NULL, &result, err);
    if (st != MU_OK)
        return st;
    if (!mu_pg_bool(result, 0, 0)) {
        if (!make)
            return MU_OK;
        st = make_table(pg, err);
    }
    if (st == MU_OK)
        st = mu_pg_open(conninfo, "muster-migrate", record_statements,
                        sizeof(record_statements) / sizeof(record_statements[0]), ret_pg, err);
    return st;
}

enum mu_status mu_pg_migrations_recorded(const char *conninfo,
                                         const struct mu_pg_migration *migrations,
                                         size_t migration_count, size_t *ret_recorded,
                                         struct mu_error *err)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    size_t recorded = 0;
    enum mu_status st = open_recorded(conninfo, false, &pg, err);

    if (st == MU_OK && pg)
        st = count_recorded(pg, migrations, migration_count, &recorded, err);
    if (st == MU_OK)
        *ret_recorded = recorded;
    return st;
}

enum mu_status mu_pg_migrate(const char *conninfo, const struct mu_pg_migration *migrations,
                             size_t migration_count, int *ret_applied, struct mu_error *err)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    size_t recorded = 0;
    int applied = 0;
    enum mu_status st = open_recorded(conninfo, true, &pg, err);

    for (size_t i = 0; st == MU_OK && i < migration_count; i++)
        if (migrations[i].version != (int)i + 1)
            st = mu_fail(err, MU_E_INTERNAL, "migration %s is out of order", migrations[i].name);
    if (st == MU_OK) { /* who may not write may run when there is nothing to write */
        pg->deadline_ms = MIGRATION_DEADLINE_MS;
        st = count_recorded(pg, migrations, migration_count, &recorded, err);
    }
    while (st == MU_OK && recorded < migration_count) {
        st = apply_next(pg, migrations, migration_count, err);
        applied += st == MU_OK;
    }
    if (st == MU_E_UNAVAILABLE && pg && mu_text_equal(mu_pg_sqlstate(pg), LOCK_REFUSED))
        return tell_holders(pg, err);
    if (st != MU_OK && st != MU_END)
        return st;
    *ret_applied = applied;
    return MU_OK;
}

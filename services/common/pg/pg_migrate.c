#include "pg/pg_internal.h"

#include "base/sha256.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Any number will do, as long as nobody else takes it: "muster" in ASCII. */
#define MIGRATION_LOCK "120369116669298"

/* Rewriting a large table takes its time. */
#define MIGRATION_TIMEOUT "SET LOCAL statement_timeout = '1h'"
enum { MIGRATION_DEADLINE_MS = 3700 * 1000 };

enum statement { LOCK, UNLOCK, MAKE_TABLE };

static const struct mu_pg_statement statements[] = {
        [LOCK] = {"lock", "SELECT pg_advisory_lock(" MIGRATION_LOCK ")", 0},
        [UNLOCK] = {"unlock", "SELECT pg_advisory_unlock(" MIGRATION_LOCK ")", 0},
        [MAKE_TABLE] = {"make_table",
                        "CREATE TABLE IF NOT EXISTS muster_schema_migrations ("
                        " version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
                        " applied_at timestamptz NOT NULL DEFAULT now())",
                        0},
};

/* On a connection of their own: they can be prepared only once the table is there. */
static const struct mu_pg_statement record_statements[] = {
        {"list", "SELECT version, name, checksum FROM muster_schema_migrations ORDER BY version",
         0},
        {"record",
         "INSERT INTO muster_schema_migrations (version, name, checksum) VALUES ($1, $2, $3)", 3},
};
enum { RECORD_LIST, RECORD_INSERT };

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

static enum mu_status apply(struct mu_pg *pg, const struct mu_pg_migration *migration,
                            struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    char version[16], checksum[MU_DIGEST_TEXT_SIZE];
    const char *values[] = {version, migration->name, checksum};
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    (void)snprintf(version, sizeof(version), "%d", migration->version);
    mu_sha256_text(migration->sql, strlen(migration->sql), checksum);
    if (st == MU_OK)
        st = pg_run(pg, "timeout", MIGRATION_TIMEOUT, err);
    if (st == MU_OK)
        st = pg_run(pg, migration->name, migration->sql, err);
    if (st == MU_OK)
        st = mu_pg_execute(pg, RECORD_INSERT, values, NULL, err);
    if (st == MU_OK)
        st = mu_pg_commit(pg, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "migration");
}

static enum mu_status apply_missing(const char *conninfo, const struct mu_pg_migration *migrations,
                                    size_t count, int *ret_applied, struct mu_error *err)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *recorded = NULL;
    enum mu_status st = mu_pg_open(conninfo, "muster-migrate", record_statements, 2, &pg, err);

    if (st == MU_OK)
        pg->deadline_ms = MIGRATION_DEADLINE_MS;
    if (st == MU_OK)
        st = mu_pg_execute(pg, RECORD_LIST, NULL, &recorded, err);
    if (st == MU_OK)
        st = check_recorded(recorded, migrations, count, err);
    if (st != MU_OK)
        return st;
    *ret_applied = 0;
    for (size_t i = mu_pg_rows(recorded); st == MU_OK && i < count; i++) {
        st = apply(pg, &migrations[i], err);
        *ret_applied += st == MU_OK;
    }
    return st;
}

enum mu_status mu_pg_migrate(const char *conninfo, const struct mu_pg_migration *migrations,
                             size_t migration_count, int *ret_applied, struct mu_error *err)
{
    MU_AUTO(pg) struct mu_pg *lock = NULL; /* holds the advisory lock until it is closed */
    int applied = 0;
    enum mu_status st = mu_pg_open(conninfo, "muster-migrate", statements,
                                   sizeof(statements) / sizeof(statements[0]), &lock, err);

    if (st == MU_OK)
        st = mu_pg_execute(lock, LOCK, NULL, NULL, err);
    if (st == MU_OK)
        st = mu_pg_execute(lock, MAKE_TABLE, NULL, NULL, err);
    for (size_t i = 0; st == MU_OK && i < migration_count; i++)
        if (migrations[i].version != (int)i + 1)
            st = mu_fail(err, MU_E_INTERNAL, "migration %s is out of order", migrations[i].name);
    if (st == MU_OK)
        st = apply_missing(conninfo, migrations, migration_count, &applied, err);
    if (st == MU_OK)
        st = mu_pg_execute(lock, UNLOCK, NULL, NULL, err);
    if (st == MU_OK)
        *ret_applied = applied;
    return st;
}

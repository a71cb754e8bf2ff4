#include "app/commands.h"

#include "store/migrations.h"
#include "store/statements.h"

#include "base/clock.h"
#include "base/stop.h"

#include <stdio.h>

enum { WAIT_MAX_MS = 24 * 3600 * 1000 };

const struct mu_option migrate_options[MIGRATE_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, offsetof(struct migrate_config, postgres), NULL, 0, 0,
         MU_OPTION_REQUIRED, "connection string of the database, with the right to make tables"},
        {"wait", MU_OPTION_DURATION_MS, offsetof(struct migrate_config, wait_ms), "5m", 0,
         WAIT_MAX_MS, 0,
         "how long to try while the database is away or others hold the locks it needs"},
        {"dry-run", MU_OPTION_BOOL, offsetof(struct migrate_config, dry_run), "false", 0, 0, 0,
         "only list what would be applied"},
};

/* What `migrate` would do, a line each. */
static enum mu_status list_pending(const char *conninfo, struct mu_error *err)
{
    size_t recorded = 0;
    enum mu_status st = mu_pg_migrations_recorded(conninfo, inventory_migrations,
                                                  inventory_migration_count, &recorded, err);

    for (size_t i = recorded; st == MU_OK && i < inventory_migration_count; i++)
        (void)puts(inventory_migrations[i].name);
    if (st == MU_OK)
        (void)printf("%zu migrations to apply, %zu in all\n", inventory_migration_count - recorded,
                     inventory_migration_count);
    return st;
}

/* The roles' rights, also of roles that came after the tables. Who is not the owner grants none. */
static enum mu_status grant_roles(const char *conninfo, struct mu_error *err)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *roles = NULL;
    enum mu_status st = inventory_pg_open(conninfo, "muster-inventory migrate", &pg, err);

    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_ROLES, NULL, &roles, err);
    if (st != MU_OK || !mu_pg_bool(roles, 0, 2))
        return st;
    if (mu_pg_null(roles, 0, 3))
        return mu_pg_execute(pg, READ_GRANT_ROLES, NULL, NULL, err);
    (void)fprintf(stderr,
                  "muster-inventory: nobody can log in with fewer rights than the owner, since "
                  "roles are missing: %s. Create them (NOLOGIN) and migrate again.\n",
                  mu_pg_text(roles, 0, 3));
    return MU_OK;
}

/* Again and again for --wait: what holds up a migration passes mostly. */
static enum mu_status apply(const struct migrate_config *config, int *ret_applied,
                            struct mu_error *err)
{
    struct mu_backoff backoff = {500, 10000, 0};
    uint64_t end_ms = mu_monotonic_ms() + (uint64_t)config->wait_ms;

    for (;;) {
        enum mu_status st = mu_pg_migrate(config->postgres, inventory_migrations,
                                          inventory_migration_count, ret_applied, err);

        if (st != MU_E_UNAVAILABLE || mu_monotonic_ms() >= end_ms)
            return st;
        (void)fprintf(stderr, "muster-inventory: trying again: %s\n", err->message);
        (void)mu_backoff_wait(&backoff);
    }
}

int migrate_command(void *config_struct, int argc, char **argv)
{
    const struct migrate_config *config = config_struct;
    enum mu_status st;
    struct mu_error err;
    int applied = 0;

    (void)argc, (void)argv;
    if (config->dry_run)
        st = list_pending(config->postgres, &err);
    else
        st = apply(config, &applied, &err);
    if (st == MU_OK && !config->dry_run)
        st = grant_roles(config->postgres, &err);
    if (st != MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
        return MU_EXIT_FAILURE;
    }
    if (!config->dry_run)
        (void)printf("%d migrations applied, %zu in all\n", applied, inventory_migration_count);
    return MU_EXIT_OK;
}

#include "ledger/retention_command.h"

#include "store/statements.h"

#include "base/table.h"

#include <inttypes.h>
#include <stdio.h>

#define FOREVER      (INT64_C(36500) * 24 * 3600 * 1000) /* a hundred years */
#define FOREVER_TEXT "36500d"

#define OPTION(member)    offsetof(struct retention_config, member)
#define AGE(name, member) name, MU_OPTION_DURATION_MS, OPTION(member), FOREVER_TEXT, 0, FOREVER, 0

const struct mu_option retention_options[RETENTION_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), NULL, 0, 0, MU_OPTION_REQUIRED,
         "connection string of the database, as the owner of its tables"},
        {AGE("payloads", payloads_ms),
         "age at which a month of payloads goes (default: never); a rebuild begins behind it"},
        {AGE("ledger", ledger_ms), "age at which a month of ledger rows goes (default: never)"},
        {AGE("audit", audit_ms), "age at which a month of the audit log goes (default: never)"},
        {AGE("gate-decisions", gate_ms),
         "age at which a month of the gates' decisions goes (default: never)"},
        {AGE("policy-decisions", policy_ms),
         "age at which a month of the pipelines' decisions goes (default: never)"},
        {AGE("notifications", notifications_ms),
         "age at which a month of notifications and of what webhooks were told goes (default: "
         "never)"},
        {"apply", MU_OPTION_BOOL, OPTION(apply), "false", 0, 0, 0, "let them go"},
        {"dry-run", MU_OPTION_BOOL, OPTION(dry_run), "false", 0, 0, 0,
         "only say what would go (what it does without --apply)"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
};

static int failure(const struct mu_error *err, int code)
{
    (void)fprintf(stderr, "muster-inventory: %s\n", err->message);
    return code;
}

/* What asks for months and what drops one; the ages it asks with. */
enum { AGE_MAX = 4, AGE_SIZE = 24 };
struct kind {
    enum inventory_statement ask, drop;
    size_t ages[AGE_MAX]; /* places in struct retention_config */
    size_t age_count;
};

static const struct kind kinds[] = {
        {READ_LEDGER_RETENTION, READ_LEDGER_DROP, {OPTION(payloads_ms), OPTION(ledger_ms)}, 2},
        {READ_LOG_RETENTION,
         READ_MONTH_DROP,
         {OPTION(audit_ms), OPTION(gate_ms), OPTION(policy_ms), OPTION(notifications_ms)},
         4},
};

static const char *const month_columns[] = {"month", "until", "bytes", "fate"};
enum { MONTH_COLUMNS = 4 };

/* Each month in a transaction of its own: locks last an instant. */
static enum mu_status drop(struct mu_pg *pg, enum inventory_statement statement, const char *name,
                           struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = mu_pg_execute(pg, (int)statement, &name, NULL, err);
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}

static enum mu_status ask(struct mu_pg *pg, const struct kind *kind,
                          const struct retention_config *config, struct mu_pg_result **ret_months,
                          struct mu_error *err)
{
    char ages[AGE_MAX][AGE_SIZE];
    const char *values[AGE_MAX];

    for (size_t i = 0; i < kind->age_count; i++) {
        const int64_t *age_ms = (const void *)((const char *)config + kind->ages[i]);

        (void)snprintf(ages[i], AGE_SIZE, "%" PRId64, *age_ms);
        values[i] = ages[i];
    }
    return mu_pg_execute(pg, (int)kind->ask, values, ret_months, err);
}

static enum mu_status let_go(struct mu_pg *pg, const struct kind *kind,
                             const struct retention_config *config, struct mu_table *table,
                             struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *months = NULL;
    char fate[160];
    enum mu_status st = ask(pg, kind, config, &months, err);

    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(months); i++) {
        const char *why = mu_pg_text(months, i, 3), *name = mu_pg_text(months, i, 0);

        if (!why && config->apply)
            st = drop(pg, kind->drop, name, err);
        (void)snprintf(fate, sizeof(fate), "%s%s",
                       why             ? "stays: "
                       : config->apply ? "gone"
                                       : "would go",
                       why ? why : "");
        if (st == MU_OK)
            mu_table_row(table, (const char *const[]){name, mu_pg_text(months, i, 1),
                                                      mu_pg_text(months, i, 2), fate});
    }
    return st;
}

int retention_command(void *config_struct, int argc, char **argv)
{
    const struct retention_config *config = config_struct;
    MU_AUTO(table) struct mu_table *table = mu_table_new(month_columns, MONTH_COLUMNS);
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    enum mu_format format;
    struct mu_error err;
    enum mu_status st;

    (void)argc, (void)argv;
    if (config->apply && config->dry_run) {
        (void)fprintf(stderr, "muster-inventory: --apply and --dry-run exclude each other\n");
        return MU_EXIT_USAGE;
    }
    if (mu_format_parse(config->format, &format, &err) != MU_OK)
        return failure(&err, MU_EXIT_USAGE);
    st = inventory_pg_open(config->postgres, "muster-inventory retention", &pg, &err);
    for (size_t i = 0; st == MU_OK && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        st = let_go(pg, &kinds[i], config, table, &err);
    mu_table_print(table, format, 0, stdout); /* also what went before a failure */
    return st == MU_OK ? MU_EXIT_OK : failure(&err, MU_EXIT_FAILURE);
}

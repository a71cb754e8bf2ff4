#include "ledger/ledger_commands.h"

#include "store/statements.h"

#include "base/table.h"

#include <inttypes.h>
#include <stdio.h>

#define FOREVER (INT64_C(36500) * 24 * 3600 * 1000) /* a hundred years */

static int failure(const struct mu_error *err, int code)
{
    (void)fprintf(stderr, "muster-inventory: %s\n", err->message);
    return code;
}

/* ---- ledger ---- */

#define OPTION(member) offsetof(struct ledger_config, member)

const struct mu_option ledger_options[LEDGER_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), NULL, 0, 0, MU_OPTION_REQUIRED,
         "connection string of the database"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
        {"exact", MU_OPTION_BOOL, OPTION(exact), "false", 0, 0, 0,
         "count the rows of the ledger too, which reads all of it"},
};

static const char *const balance_columns[] = {"received", "applied", "quarantined", "duplicates",
                                              "unexplained"};
enum { BALANCE_COLUMNS = 5 };

/* Rows, and rows that retention took away, against what was counted with each batch. */
static enum mu_status compare_rows(struct mu_pg *pg, const struct mu_pg_result *balance,
                                   bool *ret_equal, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    enum mu_status st = mu_pg_execute(pg, READ_LEDGER_COUNT, NULL, &rows, err);

    if (st != MU_OK)
        return st;
    *ret_equal = mu_pg_int(rows, 0, 0) == mu_pg_int(balance, 0, 1) &&
                 mu_pg_int(rows, 0, 1) == mu_pg_int(balance, 0, 2) &&
                 mu_pg_int(rows, 0, 3) == mu_pg_int(rows, 0, 0) + mu_pg_int(rows, 0, 1);
    if (!*ret_equal)
        (void)fprintf(stderr,
                      "the ledger has %" PRId64 " applied and %" PRId64 " quarantined rows and "
                      "%" PRId64 " ids\n",
                      mu_pg_int(rows, 0, 0), mu_pg_int(rows, 0, 1), mu_pg_int(rows, 0, 3));
    return MU_OK;
}

static enum mu_status print_balance(struct mu_pg *pg, const struct ledger_config *config,
                                    enum mu_format format, bool *ret_holds, struct mu_error *err)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(balance_columns, BALANCE_COLUMNS);
    MU_AUTO(pg_result) struct mu_pg_result *balance = NULL;
    const char *cells[BALANCE_COLUMNS];
    bool equal = true;
    enum mu_status st = mu_pg_begin(pg, MU_PG_REPEATABLE_READ_READ_ONLY, err);

    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_LEDGER_BALANCE, NULL, &balance, err);
    if (st == MU_OK && config->exact)
        st = compare_rows(pg, balance, &equal, err);
    if (st != MU_OK)
        return st;
    for (int i = 0; i < BALANCE_COLUMNS; i++)
        cells[i] = mu_pg_text(balance, 0, i);
    mu_table_row(table, cells);
    mu_table_print(table, format, 0, stdout);
    *ret_holds = equal && mu_pg_int(balance, 0, BALANCE_COLUMNS - 1) == 0;
    return MU_OK;
}

int ledger_command(void *config_struct, int argc, char **argv)
{
    const struct ledger_config *config = config_struct;
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    enum mu_format format;
    bool holds = false;
    struct mu_error err;

    (void)argc, (void)argv;
    if (mu_format_parse(config->format, &format, &err) != MU_OK)
        return failure(&err, MU_EXIT_USAGE);
    if (inventory_pg_open(config->postgres, "muster-inventory ledger", &pg, &err) != MU_OK ||
        print_balance(pg, config, format, &holds, &err) != MU_OK)
        return failure(&err, MU_EXIT_FAILURE);
    return holds ? MU_EXIT_OK : MU_EXIT_DIFFERENCE;
}

/* ---- retention ---- */

#undef OPTION
#define OPTION(member) offsetof(struct retention_config, member)

const struct mu_option retention_options[RETENTION_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), NULL, 0, 0, MU_OPTION_REQUIRED,
         "connection string of the database, as the owner of its tables"},
        {"payloads", MU_OPTION_DURATION_MS, OPTION(payloads_ms), "36500d", 0, FOREVER, 0,
         "age at which a month of payloads goes (default: never); a rebuild begins behind it"},
        {"ledger", MU_OPTION_DURATION_MS, OPTION(ledger_ms), "36500d", 0, FOREVER, 0,
         "age at which a month of ledger rows goes (default: never)"},
        {"apply", MU_OPTION_BOOL, OPTION(apply), "false", 0, 0, 0, "let them go"},
        {"dry-run", MU_OPTION_BOOL, OPTION(dry_run), "false", 0, 0, 0,
         "only say what would go (what it does without --apply)"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
};

static const char *const month_columns[] = {"month", "known until", "bytes", "fate"};
enum { MONTH_COLUMNS = 4 };

/* Each month in a transaction of its own: locks last an instant. */
static enum mu_status drop(struct mu_pg *pg, const char *name, struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_LEDGER_DROP, &name, NULL, err);
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}

static enum mu_status let_go(struct mu_pg *pg, const struct retention_config *config,
                             struct mu_table *table, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *months = NULL;
    char payloads[24], ledger[24], fate[160];
    const char *values[] = {payloads, ledger};
    enum mu_status st;

    (void)snprintf(payloads, sizeof(payloads), "%" PRId64, config->payloads_ms);
    (void)snprintf(ledger, sizeof(ledger), "%" PRId64, config->ledger_ms);
    st = mu_pg_execute(pg, READ_LEDGER_RETENTION, values, &months, err);
    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(months); i++) {
        const char *why = mu_pg_text(months, i, 3), *name = mu_pg_text(months, i, 0);

        if (!why && config->apply)
            st = drop(pg, name, err);
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
    if (st == MU_OK)
        st = let_go(pg, config, table, &err);
    mu_table_print(table, format, 0, stdout); /* also what went before a failure */
    return st == MU_OK ? MU_EXIT_OK : failure(&err, MU_EXIT_FAILURE);
}

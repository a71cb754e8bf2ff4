#include "ledger/ledger_command.h"

#include "store/statements.h"

#include "base/table.h"

#include <inttypes.h>
#include <stdio.h>

static int failure(const struct mu_error *err, int code)
{
    (void)fprintf(stderr, "muster-inventory: %s\n", err->message);
    return code;
}

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
enum { QUARANTINED = 2, BALANCE_COLUMNS = 5 };

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

/* What Kafka lost was never received: no equation misses it. */
static enum mu_status name_lost(struct mu_pg *pg, bool *ret_none, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *lost = NULL;

    if (mu_pg_execute(pg, READ_LEDGER_LOST, NULL, &lost, err) != MU_OK)
        return err->status;
    for (size_t i = 0; i < mu_pg_rows(lost); i++)
        (void)fprintf(stderr, "%s: %s\n", mu_pg_text(lost, i, 0), mu_pg_text(lost, i, 1));
    *ret_none = mu_pg_rows(lost) == 0;
    return MU_OK;
}

static enum mu_status print_balance(struct mu_pg *pg, const struct ledger_config *config,
                                    enum mu_format format, bool *ret_holds, struct mu_error *err)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(balance_columns, BALANCE_COLUMNS);
    MU_AUTO(pg_result) struct mu_pg_result *balance = NULL;
    const char *cells[BALANCE_COLUMNS];
    bool equal = true, none_lost = false;
    enum mu_status st = mu_pg_begin(pg, MU_PG_REPEATABLE_READ_READ_ONLY, err);

    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_LEDGER_BALANCE, NULL, &balance, err);
    if (st == MU_OK && config->exact)
        st = compare_rows(pg, balance, &equal, err);
    if (st == MU_OK)
        st = name_lost(pg, &none_lost, err);
    if (st != MU_OK)
        return st;
    for (int i = 0; i < BALANCE_COLUMNS; i++)
        cells[i] = mu_pg_text(balance, 0, i);
    mu_table_row(table, cells);
    mu_table_print(table, format, 0, stdout);
    if (format == MU_FORMAT_TEXT && mu_pg_int(balance, 0, QUARANTINED) > 0)
        (void)puts("what was quarantined, and why: muster-ingest quarantine list "
                   "--kafka-brokers=...");
    *ret_holds = equal && none_lost && mu_pg_int(balance, 0, BALANCE_COLUMNS - 1) == 0;
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

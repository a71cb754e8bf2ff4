#include "coverage/coverage_command.h"

#include "query/instants.h"
#include "query/queries.h"
#include "query/table_rows.h"

#include "base/table.h"
#include "base/text.h"

#include <stdio.h>

const struct mu_option coverage_options[COVERAGE_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, offsetof(struct coverage_config, postgres), NULL, 0, 0,
         MU_OPTION_REQUIRED, "connection string of the database"},
        {"valid-at", MU_OPTION_TEXT, offsetof(struct coverage_config, valid_at), NULL, 0, 0, 0,
         "instant to look at, RFC 3339 (default: now)"},
        {"known-at", MU_OPTION_TEXT, offsetof(struct coverage_config, known_at), NULL, 0, 0, 0,
         "what had been learned by then, RFC 3339 (default: all)"},
        {"format", MU_OPTION_TEXT, offsetof(struct coverage_config, format), "text", 0, 0, 0,
         "text or json"},
        {"containers", MU_OPTION_BOOL, offsetof(struct coverage_config, containers), "false", 0, 0,
         0, "list every running container, not only those that are not covered"},
};

static const char *const total_columns[] = {"state", "containers"};
static const char *const container_columns[] = {"state",     "cluster", "namespace", "pod",
                                                "container", "asset",   "digest",    "since",
                                                "expires",   "reason"};
enum { TOTAL_COLUMNS = 2, CONTAINER_COLUMNS = 10 };

struct question {
    struct mu_pg *pg;
    const char *times[2]; /* the instant, as known at */
    enum mu_format format;
    bool all;
};

/* Counts what is neither covered nor excluded. */
static enum mu_status count_uncovered(const struct question *question, struct mu_table *totals,
                                      int64_t *ret_uncovered, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    int64_t uncovered = 0;
    enum mu_status st =
            mu_pg_execute(question->pg, QUERY_COVERAGE_TOTALS, question->times, &result, err);

    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(result); i++) {
        const char *state = mu_pg_text(result, i, 0);

        mu_table_row(totals, (const char *const[]){state, mu_pg_text(result, i, 1)});
        if (!mu_text_equal(state, "covered") && !mu_text_equal(state, "excluded"))
            uncovered += mu_pg_int(result, i, 1);
    }
    if (st == MU_OK)
        *ret_uncovered = uncovered;
    return st;
}

static enum mu_status list_container(void *opaque, const struct mu_pg_result *row,
                                     struct mu_error *err)
{
    (void)err;
    table_rows_add(opaque, CONTAINER_COLUMNS, row, 0, 0);
    return MU_OK;
}

static enum mu_status print_containers(const struct question *question, struct mu_error *err)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(container_columns, CONTAINER_COLUMNS);
    int query = question->all ? QUERY_COVERAGE_CONTAINERS : QUERY_COVERAGE_GAPS;
    enum mu_status st;

    mu_table_begin(table, question->format, 0, stdout);
    st = mu_pg_stream(question->pg, query, question->times, list_container, table, err);
    if (st == MU_OK && (mu_table_row_count(table) > 0 || question->format == MU_FORMAT_JSON))
        mu_table_end(table);
    return st;
}

/* One snapshot: the list has what the totals count. */
static enum mu_status answer(const struct question *question, int64_t *ret_uncovered,
                             struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = question->pg;
    MU_AUTO(table) struct mu_table *totals = mu_table_new(total_columns, TOTAL_COLUMNS);
    enum mu_status st = mu_pg_begin(transaction, MU_PG_LONG_READ, err);

    if (st == MU_OK)
        st = count_uncovered(question, totals, ret_uncovered, err);
    if (st != MU_OK)
        return st;
    if (question->format == MU_FORMAT_JSON && question->all)
        return print_containers(question, err);
    mu_table_print(totals, question->format, 0, stdout);
    if (question->format == MU_FORMAT_JSON)
        return MU_OK;
    (void)putchar('\n');
    return print_containers(question, err);
}

int coverage_command(void *config_struct, int argc, char **argv)
{
    const struct coverage_config *config = config_struct;
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    char valid_at[QUERY_TIME_SIZE], known_at[QUERY_TIME_SIZE];
    struct question question = {.times = {valid_at, known_at}, .all = config->containers};
    int64_t uncovered = 0;
    struct mu_error err;

    (void)argv;
    if (argc > 0) {
        (void)fprintf(stderr, "muster-inventory: coverage takes options only\n");
        return MU_EXIT_USAGE;
    }
    if (instants_option("valid-at", config->valid_at, NULL, valid_at, &err) != MU_OK ||
        instants_option("known-at", config->known_at, "infinity", known_at, &err) != MU_OK ||
        mu_format_parse(config->format, &question.format, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    if (inventory_query_open(config->postgres, "muster-coverage", &pg, &err) == MU_OK) {
        question.pg = pg;
        if (answer(&question, &uncovered, &err) == MU_OK)
            return uncovered > 0 ? MU_EXIT_DIFFERENCE : MU_EXIT_OK;
    }
    (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
    return MU_EXIT_FAILURE;
}

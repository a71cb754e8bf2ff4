#include "app/months_command.h"

#include "store/chain.h"

#include "base/clock.h"
#include "base/table.h"
#include "base/text.h"

#include <stdio.h>

const struct mu_option months_options[MONTHS_OPTION_COUNT] = {
        {"store", MU_OPTION_TEXT, offsetof(struct months_config, store), NULL, 0, 0,
         MU_OPTION_REQUIRED, "folder of the closed months"},
        {"format", MU_OPTION_TEXT, offsetof(struct months_config, format), "text", 0, 0, 0,
         "text, or json: the closes as an array of objects"},
        {"head", MU_OPTION_TEXT, offsetof(struct months_config, head), NULL, 0, 0, 0,
         "the last close.json must have this SHA-256, as close printed it: sha256:HEX"},
        {"evidence", MU_OPTION_BOOL, offsetof(struct months_config, evidence), "false", 0, 0, 0,
         "also read every raw scan and compare it with its hash"},
};

static const char *const columns[] = {"number",   "month", "revision", "closed_at", "closed_by",
                                      "evidence", "state", "sha256",   "says"};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static bool close_holds(const struct month_store *store, size_t index,
                        const struct months_config *config, char ret_problem[CHAIN_PROBLEM_SIZE])
{
    const struct month_close *close = month_store_at(store, index);

    if (!chain_links_hold(store, close, ret_problem) ||
        !chain_files_hold(store, close, config->evidence, ret_problem))
        return false;
    return true;
}

static bool head_holds(const struct month_store *store, const char *head)
{
    const size_t count = month_store_count(store);

    return count > 0 && mu_text_equal(month_store_at(store, count - 1)->sha256, head);
}

/* What a person should know of a close that is whole. */
static void tell(const struct close_record *record, char ret_says[CHAIN_PROBLEM_SIZE])
{
    if (record->has_replaces)
        (void)snprintf(ret_says, CHAIN_PROBLEM_SIZE, "amends revision %lld: %.400s",
                       (long long)record->replaces.revision, record->reason);
    else if (record->accepted_reason)
        (void)snprintf(ret_says, CHAIN_PROBLEM_SIZE, "incomplete, accepted: %.400s",
                       record->accepted_reason);
}

static bool add_row(struct mu_table *table, const struct month_store *store, size_t index,
                    const struct months_config *config)
{
    const struct month_close *close = month_store_at(store, index);
    const struct close_record *record = &close->record;
    char serial[MU_NUMBER_TEXT_SIZE], revision[MU_NUMBER_TEXT_SIZE], files[MU_NUMBER_TEXT_SIZE];
    char closed_at[MU_TIME_TEXT_SIZE], says[CHAIN_PROBLEM_SIZE] = "";
    const bool whole = close_holds(store, index, config, says);

    (void)mu_text_of_number(record->serial, serial);
    (void)mu_text_of_number(record->revision, revision);
    (void)mu_text_of_number(record->evidence_files, files);
    mu_time_format(record->closed_at_us, closed_at);
    if (whole)
        tell(record, says);
    mu_table_row(table, (const char *const[]){serial, record->month, revision, closed_at,
                                              record->closed_by, files, whole ? "whole" : "broken",
                                              close->sha256, *says ? says : NULL});
    return whole;
}

static void print_sum(const struct month_store *store, size_t broken)
{
    const size_t count = month_store_count(store);

    (void)printf("\n%zu close%s, %zu broken\n", count, count == 1 ? "" : "s", broken);
    if (count > 0)
        (void)printf("last close.json: %s\n", month_store_at(store, count - 1)->sha256);
}

int months_command(void *config_struct, int argc, char **argv)
{
    const struct months_config *config = config_struct;
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, COLUMNS);
    MU_AUTO(month_store) struct month_store *store = NULL;
    enum mu_format format;
    struct mu_error err;
    size_t broken = 0;
    enum mu_status st = mu_format_parse(config->format, &format, &err);

    (void)argv;
    if (st != MU_OK || argc > 0) {
        (void)fprintf(stderr, "muster-report: %s\n",
                      argc > 0 ? "months takes options only" : err.message);
        return MU_EXIT_USAGE;
    }
    st = month_store_open(config->store, &store, &err);
    if (st != MU_OK) {
        (void)fprintf(stderr, "muster-report: %s\n", err.message);
        return st == MU_E_NOT_FOUND ? MU_EXIT_USAGE
               : st == MU_E_INVALID ? MU_EXIT_DIFFERENCE
                                    : MU_EXIT_FAILURE;
    }
    for (size_t i = 0; i < month_store_count(store); i++)
        broken += add_row(table, store, i, config) ? 0 : 1;
    if (config->head && !head_holds(store, config->head)) {
        (void)fprintf(stderr, "muster-report: --head: the last close has another hash: closes were "
                              "taken off, or added\n");
        broken++;
    }
    mu_table_print(table, format, 0, stdout);
    if (format == MU_FORMAT_TEXT)
        print_sum(store, broken);
    return broken > 0 ? MU_EXIT_DIFFERENCE : MU_EXIT_OK;
}

#include "findings/finding_queries.h"
#include "findings/findings_command.h"
#include "query/instants.h"
#include "query/json_rows.h"
#include "query/table_rows.h"

#include "base/table.h"
#include "base/text.h"

#include <stdio.h>

#define OPTION(member) offsetof(struct clocks_config, member)

const struct mu_option clocks_options[CLOCKS_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), NULL, 0, 0, MU_OPTION_REQUIRED,
         "connection string of the database"},
        {"valid-at", MU_OPTION_TEXT, OPTION(valid_at), NULL, 0, 0, 0,
         "instant to look at, RFC 3339 (default: now)"},
        {"known-at", MU_OPTION_TEXT, OPTION(known_at), NULL, 0, 0, 0,
         "as it was known then, RFC 3339 (default: all that is known)"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
};

static const char *const image_columns[] = {"state",   "asset",   "digest",   "containers",
                                            "scanned", "expires", "database", "freshness"};
static const char *const event_columns[] = {"at", "clock", "event", "subject", "detail", "source"};
enum { IMAGE_COLUMNS = 8, IMAGE_WRONG = 8, EVENT_COLUMNS = 6 };
static const struct table_rows image_rows = {image_columns, IMAGE_COLUMNS, 0, IMAGE_WRONG};
static const struct table_rows event_rows = {event_columns, EVENT_COLUMNS, 0, 0};

struct question {
    struct mu_pg *pg;
    char valid[QUERY_TIME_SIZE], known[QUERY_TIME_SIZE];
    enum mu_format format;
};

static enum mu_status print_images(const struct question *question, size_t *ret_wrong,
                                   struct mu_error *err)
{
    const char *values[] = {question->valid, question->known};

    return question->format == MU_FORMAT_JSON
                   ? json_rows_print(question->pg, FINDING_IMAGE_CLOCKS_JSON, values, stdout,
                                     ret_wrong, err)
                   : table_rows_print(question->pg, FINDING_IMAGE_CLOCKS_TEXT, values, &image_rows,
                                      stdout, ret_wrong, err);
}

static enum mu_status print_events(const struct question *question, const char *uai,
                                   const char *vulnerability, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *found = NULL;
    size_t none = 0;
    enum mu_status st = finding_repository_of(question->pg, uai, &found, err);
    const char *values[] = {uai, st == MU_OK ? mu_pg_text(found, 0, 0) : NULL, vulnerability,
                            question->valid, question->known};

    if (st != MU_OK)
        return st;
    if (mu_text_equal(uai, values[1]))
        return mu_fail(err, MU_E_INVALID,
                       "'%.200s' is a repository, and clocks are an asset's: give one of its "
                       "assets, e.g. %.200s",
                       uai, mu_pg_text(found, 0, 1));
    if (question->format == MU_FORMAT_JSON)
        return json_rows_print(question->pg, FINDING_CLOCK_EVENTS_JSON, values, stdout, &none, err);
    return table_rows_print(question->pg, FINDING_CLOCK_EVENTS_TEXT, values, &event_rows, stdout,
                            NULL, err);
}

static enum mu_status check(const struct clocks_config *config, struct question *question,
                            struct mu_error *err)
{
    enum mu_status st = instants_option("valid-at", config->valid_at, NULL, question->valid, err);

    if (st == MU_OK)
        st = instants_option("known-at", config->known_at, "infinity", question->known, err);
    return st == MU_OK ? mu_format_parse(config->format, &question->format, err) : st;
}

static int exit_code(enum mu_status st)
{
    if (st == MU_E_NOT_FOUND)
        return MU_EXIT_DIFFERENCE;
    return st == MU_E_INVALID ? MU_EXIT_USAGE : MU_EXIT_FAILURE;
}

int clocks_command(void *config_struct, int argc, char **argv)
{
    const struct clocks_config *config = config_struct;
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct question question = {0};
    size_t wrong = 0;
    struct mu_error err;
    enum mu_status st;

    if (check(config, &question, &err) != MU_OK || argc > 2) {
        (void)fprintf(stderr, "muster-inventory: %s\n",
                      argc > 2 ? "clocks takes an asset and a vulnerability" : err.message);
        return MU_EXIT_USAGE;
    }
    st = finding_queries_open(config->postgres, &pg, &err);
    question.pg = pg;
    if (st == MU_OK && argc == 0)
        st = print_images(&question, &wrong, &err);
    else if (st == MU_OK)
        st = print_events(&question, argv[0], argc > 1 ? argv[1] : NULL, &err);
    if (st == MU_OK)
        return wrong > 0 ? MU_EXIT_DIFFERENCE : MU_EXIT_OK;
    (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
    return exit_code(st);
}

#include "findings/findings_command.h"

#include "findings/finding_queries.h"
#include "query/instants.h"
#include "query/json_rows.h"
#include "query/table_rows.h"

#include "base/table.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

#define OPTION(member) offsetof(struct findings_config, member)
#define FOREVER        (INT64_C(3650) * 24 * 3600 * 1000) /* ten years */

const struct mu_option findings_options[FINDINGS_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), NULL, 0, 0, MU_OPTION_REQUIRED,
         "connection string of the database"},
        {"uai", MU_OPTION_TEXT, OPTION(uai), NULL, 0, 0, 0, "only of this asset, or repository"},
        {"cve", MU_OPTION_TEXT, OPTION(cve), NULL, 0, 0, 0,
         "only this vulnerability, by any of its names"},
        {"late", MU_OPTION_BOOL, OPTION(late), "false", 0, 0, 0, "only what is past its due date"},
        {"due-within", MU_OPTION_DURATION_MS, OPTION(due_within_ms), "-1", -1, FOREVER, 0,
         "only what is due within this time, as 7d (default: whenever it is due)"},
        {"at-risk", MU_OPTION_DURATION_MS, OPTION(at_risk_ms), "7d", 0, FOREVER, 0,
         "what is due within this time is at risk"},
        {"rules", MU_OPTION_TEXT, OPTION(rules), "rev5", 0, 0, 0,
         "due dates by rev5 (30/90/180 days and KEV), bod26-04 or strictest of both"},
        {"all", MU_OPTION_BOOL, OPTION(all), "false", 0, 0, 0, "also of assets that do not run"},
        {"valid-at", MU_OPTION_TEXT, OPTION(valid_at), NULL, 0, 0, 0,
         "instant to look at, RFC 3339 (default: now)"},
        {"known-at", MU_OPTION_TEXT, OPTION(known_at), NULL, 0, 0, 0,
         "as it was known then, RFC 3339 (default: all that is known)"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
};

static const char *const finding_columns[] = {"status", "due",      "due_by",  "severity",
                                              "id",     "asset",    "running", "detected",
                                              "kev",    "packages", "fixed_in"};
static const char *const count_columns[] = {"severity", "distinct", "per_asset",
                                            "per_running_container"};
enum { FINDING_COLUMNS = 11, FINDING_LATE = 11, COUNT_COLUMNS = 4, MS_SIZE = 24 };
static const struct table_rows finding_rows = {finding_columns, FINDING_COLUMNS, 0, FINDING_LATE};

struct question {
    const struct findings_config *config;
    struct mu_pg *pg;
    const char *repository, *uai;
    char valid[QUERY_TIME_SIZE], known[QUERY_TIME_SIZE];
    enum mu_format format;
};

static enum mu_status check(struct question *question, struct mu_error *err)
{
    const struct findings_config *config = question->config;
    enum mu_status st = instants_option("valid-at", config->valid_at, NULL, question->valid, err);

    if (st == MU_OK)
        st = instants_option("known-at", config->known_at, "infinity", question->known, err);
    if (st == MU_OK)
        st = mu_format_parse(config->format, &question->format, err);
    if (st == MU_OK && !mu_text_equal(config->rules, "rev5") &&
        !mu_text_equal(config->rules, "bod26-04") && !mu_text_equal(config->rules, "strictest"))
        st = mu_fail(err, MU_E_INVALID, "--rules=%s: expected rev5, bod26-04 or strictest",
                     config->rules);
    return st;
}

static const char *bool_word(bool value)
{
    return value ? "true" : "false";
}

static enum mu_status print_counts(const struct question *question, struct mu_error *err)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(count_columns, COUNT_COLUMNS);
    const char *values[] = {question->repository, question->valid, question->known};
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    enum mu_status st = mu_pg_execute(question->pg, FINDING_FINDING_COUNTS, values, &rows, err);

    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(rows); i++)
        table_rows_add(table, COUNT_COLUMNS, rows, i, 0);
    if (st == MU_OK) {
        mu_table_print(table, MU_FORMAT_TEXT, 0, stdout);
        (void)putchar('\n');
    }
    return st;
}

static enum mu_status print_findings(const struct question *question, size_t *ret_late,
                                     struct mu_error *err)
{
    const struct findings_config *config = question->config;
    char risk[MS_SIZE], within[MS_SIZE];
    const char *values[] = {question->repository,
                            question->valid,
                            question->known,
                            config->rules,
                            risk,
                            question->uai,
                            config->cve,
                            bool_word(config->late),
                            config->due_within_ms < 0 ? NULL : within,
                            bool_word(config->all)};

    (void)snprintf(risk, sizeof(risk), "%" PRId64, config->at_risk_ms);
    (void)snprintf(within, sizeof(within), "%" PRId64, config->due_within_ms);
    if (question->format == MU_FORMAT_JSON)
        return json_rows_print(question->pg, FINDING_FINDINGS_JSON, values, stdout, ret_late, err);
    return table_rows_print(question->pg, FINDING_FINDINGS_TEXT, values, &finding_rows, stdout,
                            ret_late, err);
}

/* One snapshot: the counts and the list agree. */
static enum mu_status answer(struct question *question, size_t *ret_late, struct mu_error *err)
{
    const char *uai = question->config->uai;
    MU_AUTO(pg_result) struct mu_pg_result *found = NULL;
    MU_AUTO(pg_transaction) struct mu_pg *transaction = question->pg;
    enum mu_status st = mu_pg_begin(question->pg, MU_PG_REPEATABLE_READ_READ_ONLY, err);

    (void)transaction;
    if (st == MU_OK && uai)
        st = finding_repository_of(question->pg, uai, &found, err);
    if (st == MU_OK && uai) {
        question->repository = mu_pg_text(found, 0, 0);
        question->uai = mu_text_equal(uai, question->repository) ? NULL : uai;
    }
    if (st == MU_OK && question->format == MU_FORMAT_TEXT && !question->config->cve)
        st = print_counts(question, err);
    return st == MU_OK ? print_findings(question, ret_late, err) : st;
}

int findings_command(void *config_struct, int argc, char **argv)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct question question = {.config = config_struct};
    size_t late = 0;
    struct mu_error err;
    enum mu_status st;

    (void)argv;
    if (argc > 0) {
        (void)fprintf(stderr, "muster-inventory: findings takes options only, see --help\n");
        return MU_EXIT_USAGE;
    }
    if (check(&question, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    st = finding_queries_open(question.config->postgres, &pg, &err);
    question.pg = pg;
    if (st == MU_OK)
        st = answer(&question, &late, &err);
    if (st == MU_OK)
        return late > 0 ? MU_EXIT_DIFFERENCE : MU_EXIT_OK;
    (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
    return st == MU_E_NOT_FOUND ? MU_EXIT_DIFFERENCE : MU_EXIT_FAILURE;
}

#include "policy/policy_command.h"

#include "document/yaml_document.h"
#include "policy/dry_run.h"
#include "query/table_rows.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define OPTION(member) offsetof(struct policy_command_config, member)

#define MONTH_US (INT64_C(30) * 24 * 3600 * 1000000)

const struct mu_option policy_command_options[POLICY_COMMAND_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), "", 0, 0, 0,
         "connection string of the database; check needs none"},
        {"by", MU_OPTION_TEXT, OPTION(by), "", 0, 0, 0, "store: who puts it in force"},
        {"reason", MU_OPTION_TEXT, OPTION(reason), "", 0, 0, 0, "store: why"},
        {"from", MU_OPTION_TEXT, OPTION(from), "", 0, 0, 0,
         "dry-run: beginning of the time to try it on, RFC 3339 (default: 30 days ago)"},
        {"to", MU_OPTION_TEXT, OPTION(to), "", 0, 0, 0,
         "dry-run: its end, RFC 3339 (default: now)"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
};

struct doing {
    const struct policy_command_config *config;
    enum mu_format format;
    const char *argument; /* file or digest; NULL: none */
    struct mu_buf text;
    struct policy *policy;
    struct mu_pg *pg;
};

static int fail_with(enum mu_status st)
{
    return st == MU_E_INVALID || st == MU_E_LIMIT || st == MU_E_NOT_FOUND ? MU_EXIT_USAGE
                                                                          : MU_EXIT_FAILURE;
}

static enum mu_status read_file(struct doing *doing, struct mu_error *err)
{
    enum mu_status st = mu_file_read(doing->argument, &doing->text, err);

    return st == MU_OK ? policy_parse(doing->argument, doing->text.data, doing->text.len,
                                      &doing->policy, err)
                       : st;
}

static enum mu_status connect_there(struct doing *doing, struct mu_error *err)
{
    if (!*doing->config->postgres)
        return mu_fail(err, MU_E_INVALID, "this needs --postgres");
    return policy_pg_open(doing->config->postgres, &doing->pg, err);
}

/* ---- the verbs ---- */

static int check(struct doing *doing, struct mu_error *err)
{
    enum mu_status st = read_file(doing, err);

    if (st != MU_OK)
        return fail_with(st);
    (void)printf("%s: %zu rules, %zu exceptions, %s\n", doing->policy->name,
                 doing->policy->rules.count, doing->policy->exceptions.count,
                 doing->policy->digest);
    return MU_EXIT_OK;
}

static enum mu_status put(struct doing *doing, struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = doing->pg;
    const struct policy_command_config *config = doing->config;
    char known_at[POLICY_TIME_SIZE];
    enum mu_status st = mu_pg_begin(doing->pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = policy_tick(doing->pg, known_at, err);
    if (st == MU_OK)
        st = mu_pg_execute(doing->pg, POLICY_STORE,
                           (const char *const[]){known_at, doing->policy->digest,
                                                 doing->policy->name, doing->text.data, config->by},
                           NULL, err);
    if (st == MU_OK)
        st = mu_pg_execute(
                doing->pg, POLICY_ACTIVATE,
                (const char *const[]){known_at, doing->policy->digest, config->by, config->reason},
                NULL, err);
    return st == MU_OK ? mu_pg_commit(doing->pg, err) : st;
}

static int store(struct doing *doing, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    if (!*doing->config->by || !*doing->config->reason)
        st = mu_fail(err, MU_E_INVALID, "policy store needs --by and --reason");
    if (st == MU_OK)
        st = read_file(doing, err);
    if (st == MU_OK)
        st = connect_there(doing, err);
    if (st == MU_OK)
        st = put(doing, err);
    if (st != MU_OK)
        return fail_with(st);
    (void)printf("in force: %s %s\n", doing->policy->name, doing->policy->digest);
    return MU_EXIT_OK;
}

static const char *const list_columns[] = {"in_force_from", "policy", "name", "by", "reason"};
enum { LIST_COLUMNS = 5 };

static int list(struct doing *doing, struct mu_error *err)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(list_columns, LIST_COLUMNS);
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    enum mu_status st = connect_there(doing, err);

    if (st == MU_OK)
        st = mu_pg_execute(doing->pg, POLICY_LIST, NULL, &rows, err);
    if (st != MU_OK)
        return fail_with(st);
    for (size_t i = 0; i < mu_pg_rows(rows); i++)
        table_rows_add(table, LIST_COLUMNS, rows, i, 0);
    mu_table_print(table, doing->format, 0, stdout);
    return MU_EXIT_OK;
}

static int show(struct doing *doing, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    enum mu_status st = connect_there(doing, err);

    if (st == MU_OK)
        st = mu_pg_execute(doing->pg, POLICY_CONTENT, &doing->argument, &rows, err);
    if (st != MU_OK)
        return fail_with(st);
    if (mu_pg_rows(rows) == 0) {
        (void)mu_fail(err, MU_E_NOT_FOUND, "no policy '%.100s' was stored", doing->argument);
        return MU_EXIT_DIFFERENCE;
    }
    (void)fputs(mu_pg_text(rows, 0, 0), stdout);
    return MU_EXIT_OK;
}

static enum mu_status read_span(const struct policy_command_config *config,
                                char ret_from[MU_TIME_TEXT_SIZE], char ret_to[MU_TIME_TEXT_SIZE],
                                struct mu_error *err)
{
    int64_t to_us = mu_now_us(), from_us = 0;
    enum mu_status st = MU_OK;

    if (*config->to)
        st = mu_time_parse(config->to, strlen(config->to), &to_us, err);
    from_us = to_us - MONTH_US;
    if (st == MU_OK && *config->from)
        st = mu_time_parse(config->from, strlen(config->from), &from_us, err);
    if (st == MU_OK && from_us >= to_us)
        st = mu_fail(err, MU_E_INVALID, "--from must be before --to");
    if (st != MU_OK)
        return st;
    mu_time_format(from_us, ret_from);
    mu_time_format(to_us, ret_to);
    return MU_OK;
}

static int try_it(struct doing *doing, struct mu_error *err)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(dry_run_columns, DRY_RUN_COLUMNS);
    char from[MU_TIME_TEXT_SIZE], to[MU_TIME_TEXT_SIZE];
    struct dry_run_totals totals;
    enum mu_status st = read_span(doing->config, from, to, err);

    mu_table_begin(table, doing->format, 0, stdout);
    if (st == MU_OK)
        st = read_file(doing, err);
    if (st == MU_OK)
        st = connect_there(doing, err);
    if (st == MU_OK)
        st = dry_run(&(struct dry_run){doing->pg, doing->policy, from, to}, table, &totals, err);
    if (st != MU_OK)
        return fail_with(st);
    if (totals.different > 0 || doing->format == MU_FORMAT_JSON)
        mu_table_end(table);
    (void)fprintf(doing->format == MU_FORMAT_JSON ? stderr : stdout,
                  "%zu of %zu would be decided differently: %zu rejected, %zu approved\n",
                  totals.different, totals.images, totals.newly_rejected, totals.newly_approved);
    return totals.different > 0 ? MU_EXIT_DIFFERENCE : MU_EXIT_OK;
}

static const struct {
    const char *name;
    int arguments;
    int (*run)(struct doing *doing, struct mu_error *err);
} verbs[] = {{"check", 1, check},
             {"store", 1, store},
             {"list", 0, list},
             {"show", 1, show},
             {"dry-run", 1, try_it}};

int policy_command(void *config_struct, int argc, char **argv)
{
    struct doing doing = {.config = config_struct, .argument = argc > 1 ? argv[1] : NULL};
    struct mu_error err;
    int code = MU_EXIT_USAGE;

    (void)mu_fail(&err, MU_E_INVALID,
                  "say what to do: policy check FILE, store FILE, list, show DIGEST or dry-run "
                  "FILE");
    mu_buf_init(&doing.text, YAML_DOCUMENT_MAX_BYTES);
    for (size_t i = 0; argc > 0 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (mu_text_equal(argv[0], verbs[i].name) && argc == 1 + verbs[i].arguments)
            code = mu_format_parse(doing.config->format, &doing.format, &err) == MU_OK
                           ? verbs[i].run(&doing, &err)
                           : MU_EXIT_USAGE;
    if (code == MU_EXIT_USAGE || code == MU_EXIT_FAILURE ||
        (code == MU_EXIT_DIFFERENCE && err.status == MU_E_NOT_FOUND))
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
    mu_buf_done(&doing.text);
    mu_pg_close(doing.pg);
    policy_free(doing.policy);
    return code;
}

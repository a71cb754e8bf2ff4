#include "policy/approval_command.h"

#include "policy/approval.h"

#include "base/table.h"

#include <stdio.h>

#define OPTION(member) offsetof(struct approval_config, member)

const struct mu_option approval_options[APPROVAL_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), NULL, 0, 0, MU_OPTION_REQUIRED,
         "connection string of the database"},
        {"by", MU_OPTION_TEXT, OPTION(by), NULL, 0, 0, MU_OPTION_REQUIRED, "who decides this"},
        {"role", MU_OPTION_TEXT, OPTION(role), NULL, 0, 0, MU_OPTION_REQUIRED,
         "as what; the policy says which roles may (approvers)"},
        {"reason", MU_OPTION_TEXT, OPTION(reason), NULL, 0, 0, MU_OPTION_REQUIRED, "why"},
        {"until", MU_OPTION_TEXT, OPTION(until), "", 0, 0, 0,
         "when it ends, RFC 3339; an approval must have an end"},
};

const struct mu_option approvals_options[APPROVALS_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), NULL, 0, 0, MU_OPTION_REQUIRED,
         "connection string of the database"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
};

static int decide(const struct approval_config *config, const char *decision, int argc, char **argv)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    const struct approval approval = {.image = argc == 1 ? argv[0] : "",
                                      .decision = decision,
                                      .person = config->by,
                                      .role = config->role,
                                      .reason = config->reason,
                                      .until = config->until};
    char id[APPROVAL_ID_SIZE];
    struct mu_error err;
    enum mu_status st;

    if (argc != 1) {
        (void)fprintf(stderr, "muster-inventory: %s takes one image\n", decision);
        return MU_EXIT_USAGE;
    }
    st = policy_pg_open(config->postgres, &pg, &err);
    if (st == MU_OK)
        st = approval_record(pg, &approval, id, &err);
    if (st == MU_OK) {
        (void)printf("%s: %s %s\n", id, decision, argv[0]);
        return MU_EXIT_OK;
    }
    (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
    if (st == MU_E_NOT_FOUND)
        return MU_EXIT_DIFFERENCE;
    return st == MU_E_INVALID ? MU_EXIT_USAGE : MU_EXIT_FAILURE;
}

int approve_command(void *config_struct, int argc, char **argv)
{
    return decide(config_struct, "approve", argc, argv);
}

int revoke_command(void *config_struct, int argc, char **argv)
{
    return decide(config_struct, "revoke", argc, argv);
}

int withdraw_command(void *config_struct, int argc, char **argv)
{
    return decide(config_struct, "withdraw", argc, argv);
}

static const char *const columns[] = {"at",     "decision", "repository", "digest",
                                      "person", "role",     "reason",     "until"};
enum { COLUMNS = 8 };

int approvals_command(void *config_struct, int argc, char **argv)
{
    const struct approval_config *config = config_struct;
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, COLUMNS);
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    enum mu_format format;
    struct mu_error err;

    (void)argv;
    if (argc > 0 || mu_format_parse(config->format, &format, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n",
                      argc > 0 ? "approvals takes options only" : err.message);
        return MU_EXIT_USAGE;
    }
    if (policy_pg_open(config->postgres, &pg, &err) != MU_OK ||
        mu_pg_execute(pg, POLICY_APPROVALS, NULL, &rows, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
        return MU_EXIT_FAILURE;
    }
    for (size_t i = 0; i < mu_pg_rows(rows); i++) {
        const char *cells[COLUMNS];

        for (int c = 0; c < COLUMNS; c++)
            cells[c] = mu_pg_text(rows, i, c);
        mu_table_row(table, cells);
    }
    mu_table_print(table, format, 0, stdout);
    return MU_EXIT_OK;
}

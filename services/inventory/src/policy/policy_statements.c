#include "policy/policy_statements.h"

#include <stdio.h>

static const struct mu_pg_statement statements[POLICY_STATEMENT_COUNT] = {
#define STATEMENT(name, parameters, sql) [POLICY_##name] = {#name, sql, parameters},
#include "policy/policy_statements.def"
#undef STATEMENT
};

enum mu_status policy_pg_open(const char *conninfo, struct mu_pg **ret_pg, struct mu_error *err)
{
    return mu_pg_open(conninfo, "muster-policy", statements, POLICY_STATEMENT_COUNT, ret_pg, err);
}

enum mu_status policy_tick(struct mu_pg *pg, char ret_known[POLICY_TIME_SIZE], struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = mu_pg_execute(pg, POLICY_TICK, NULL, &result, err);

    if (st == MU_OK)
        (void)snprintf(ret_known, POLICY_TIME_SIZE, "%s", mu_pg_text(result, 0, 0));
    return st;
}

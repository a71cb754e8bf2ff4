#include "gate/gate_statements.h"

static const struct mu_pg_statement statements[GATE_STATEMENT_COUNT] = {
#define STATEMENT(name, parameters, sql) [GATE_##name] = {#name, sql, parameters},
#include "gate/gate_statements.def"
#undef STATEMENT
};

enum mu_status gate_pg_open(const char *conninfo, struct mu_pg **ret_pg, struct mu_error *err)
{
    return mu_pg_open(conninfo, "muster-gate", statements, GATE_STATEMENT_COUNT, ret_pg, err);
}

#include "notify/notify_store.h"

static const struct mu_pg_statement statements[NOTIFY_STATEMENT_COUNT] = {
#define STATEMENT(name, parameters, sql) [NOTIFY_##name] = {#name, sql, parameters},
#include "notify/notify_statements.def"
#undef STATEMENT
};

enum mu_status notify_store_open(const char *conninfo, struct mu_pg **ret_pg, struct mu_error *err)
{
    return mu_pg_open(conninfo, "muster-inventory webhooks", statements, NOTIFY_STATEMENT_COUNT,
                      ret_pg, err);
}

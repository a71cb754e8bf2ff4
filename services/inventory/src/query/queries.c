#include "query/queries.h"

static const struct mu_pg_statement queries[INVENTORY_QUERY_COUNT] = {
#define QUERY(name, parameters, sql) [QUERY_##name] = {#name, sql, parameters},
#include "query/queries.def"
#undef QUERY
};

enum mu_status inventory_query_open(const char *conninfo, const char *application_name,
                                    struct mu_pg **ret_pg, struct mu_error *err)
{
    return mu_pg_open(conninfo, application_name, queries, INVENTORY_QUERY_COUNT, ret_pg, err);
}

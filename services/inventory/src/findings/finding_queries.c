#include "findings/finding_queries.h"

#include "query/subject_names.h"

static const struct mu_pg_statement queries[FINDING_QUERY_COUNT] = {
#define QUERY(name, parameters, sql) [FINDING_##name] = {#name, sql, parameters},
#include "findings/finding_queries.def"
#undef QUERY
};

enum mu_status finding_queries_open(const char *conninfo, struct mu_pg **ret_pg,
                                    struct mu_error *err)
{
    return mu_pg_open(conninfo, "muster-findings", queries, FINDING_QUERY_COUNT, ret_pg, err);
}

enum mu_status finding_repository_of(struct mu_pg *pg, const char *uai,
                                     struct mu_pg_result **ret_result, struct mu_error *err)
{
    struct mu_pg_result *result = NULL;
    enum mu_status st = mu_pg_execute(pg, FINDING_REPOSITORY_OF, &uai, &result, err);

    if (st != MU_OK)
        return st;
    if (mu_pg_rows(result) == 0) {
        mu_pg_result_free(result);
        return mu_fail(err, MU_E_NOT_FOUND, "nothing is known of '%.300s': " ASSET_NAMES, uai);
    }
    *ret_result = result;
    return MU_OK;
}

/* finding_queries: every statement of findings/, in one table (finding_queries.def). */
#ifndef INVENTORY_FINDING_QUERIES_H
#define INVENTORY_FINDING_QUERIES_H

#include "pg/pg.h"

enum finding_query {
#define QUERY(name, parameters, sql) FINDING_##name,
#include "findings/finding_queries.def"
#undef QUERY
    FINDING_QUERY_COUNT
};

/* A connection with these statements. Errors: as mu_pg_open. */
enum mu_status finding_queries_open(const char *conninfo, struct mu_pg **ret_pg,
                                    struct mu_error *err) MU_MUST_CHECK;

/* Of a UAI or a repository: the repository, and an asset of it. Errors: MU_E_NOT_FOUND; as
 * mu_pg_execute. */
enum mu_status finding_repository_of(struct mu_pg *pg, const char *uai,
                                     struct mu_pg_result **ret_result,
                                     struct mu_error *err) MU_MUST_CHECK;

#endif

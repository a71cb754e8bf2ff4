/*
 * queries: every statement of inventory's reading side, in one table (queries.def), prepared at
 * connect: HTTP API, coverage, explain, dump. Rows with `_JSON` give one column of JSON text.
 */
#ifndef INVENTORY_QUERIES_H
#define INVENTORY_QUERIES_H

#include "pg/pg.h"

enum inventory_query {
#define QUERY(name, parameters, sql) QUERY_##name,
#include "query/queries.def"
#undef QUERY
    INVENTORY_QUERY_COUNT
};

/* A connection with these statements. Errors: as mu_pg_open. */
enum mu_status inventory_query_open(const char *conninfo, const char *application_name,
                                    struct mu_pg **ret_pg, struct mu_error *err) MU_MUST_CHECK;

#endif

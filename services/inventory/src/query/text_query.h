/*
 * text_query: a query's rows as a table for people or programs.
 */
#ifndef INVENTORY_TEXT_QUERY_H
#define INVENTORY_TEXT_QUERY_H

#include "base/table.h"
#include "pg/pg.h"
#include "query/queries.h"

/* Adds every row to the table, whose columns are the query's in order. Errors: as mu_pg_stream. */
enum mu_status text_query_fill(struct mu_pg *pg, enum inventory_query query,
                               const char *const *values, size_t column_count,
                               struct mu_table *table, struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * json_rows: a statement of two columns, JSON and whether the row is one to count, printed as one
 * array, a row a line.
 */
#ifndef INVENTORY_JSON_ROWS_H
#define INVENTORY_JSON_ROWS_H

#include "pg/pg.h"

#include <stdio.h>

/* Errors: as mu_pg_stream; then what was printed is no complete array. */
enum mu_status json_rows_print(struct mu_pg *pg, int statement, const char *const *values,
                               FILE *out, size_t *ret_counted, struct mu_error *err) MU_MUST_CHECK;

#endif

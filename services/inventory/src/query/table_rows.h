/*
 * table_rows: the rows of a statement as a table for people, printed as they come.
 */
#ifndef INVENTORY_TABLE_ROWS_H
#define INVENTORY_TABLE_ROWS_H

#include "pg/pg.h"

#include <stdio.h>

struct table_rows {
    const char *const *columns;
    size_t column_count;
    int first;   /* the statement's column that is the table's first */
    int counted; /* the statement's boolean column that says which rows to count; 0: none is */
};

/* Errors: as mu_pg_stream; then what was printed is not all. `ret_counted` may be NULL. */
enum mu_status table_rows_print(struct mu_pg *pg, int statement, const char *const *values,
                                const struct table_rows *rows, FILE *out, size_t *ret_counted,
                                struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * table_rows: the rows of a statement as rows of a table; and as a table for people, printed as
 * they come.
 */
#ifndef INVENTORY_TABLE_ROWS_H
#define INVENTORY_TABLE_ROWS_H

#include "base/table.h"
#include "pg/pg.h"

#include <stdio.h>

struct table_rows {
    const char *const *columns;
    size_t column_count;
    int first;   /* the statement's column that is the table's first */
    int counted; /* the statement's boolean column that says which rows to count; 0: none is */
};

enum { TABLE_ROWS_COLUMNS_MAX = 16 };

/* A row of a result, from column `first` on, as the next one of a table with so many columns (at
 * most TABLE_ROWS_COLUMNS_MAX). */
void table_rows_add(struct mu_table *table, size_t column_count, const struct mu_pg_result *rows,
                    size_t row, int first);

/* Errors: as mu_pg_stream; then what was printed is not all. `ret_counted` may be NULL. */
enum mu_status table_rows_print(struct mu_pg *pg, int statement, const char *const *values,
                                const struct table_rows *rows, FILE *out, size_t *ret_counted,
                                struct mu_error *err) MU_MUST_CHECK;

#endif

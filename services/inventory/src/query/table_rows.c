#include "query/table_rows.h"

void table_rows_add(struct mu_table *table, size_t column_count, const struct mu_pg_result *rows,
                    size_t row, int first)
{
    const char *cells[TABLE_ROWS_COLUMNS_MAX];

    for (size_t i = 0; i < column_count; i++)
        cells[i] = mu_pg_text(rows, row, first + (int)i);
    mu_table_row(table, cells);
}

struct printer {
    const struct table_rows *rows;
    struct mu_table *table;
    size_t counted;
};

static enum mu_status add_row(void *opaque, const struct mu_pg_result *row, struct mu_error *err)
{
    struct printer *printer = opaque;

    (void)err;
    table_rows_add(printer->table, printer->rows->column_count, row, 0, printer->rows->first);
    if (printer->rows->counted > 0)
        printer->counted += mu_pg_bool(row, 0, printer->rows->counted);
    return MU_OK;
}

enum mu_status table_rows_print(struct mu_pg *pg, int statement, const char *const *values,
                                const struct table_rows *rows, FILE *out, size_t *ret_counted,
                                struct mu_error *err)
{
    MU_AUTO(table) struct mu_table *table = NULL;
    struct printer printer = {.rows = rows};
    enum mu_status st;

    if (rows->column_count > TABLE_ROWS_COLUMNS_MAX)
        return mu_fail(err, MU_E_INTERNAL, "a table of %zu columns", rows->column_count);
    table = printer.table = mu_table_new(rows->columns, rows->column_count);
    mu_table_begin(table, MU_FORMAT_TEXT, 0, out);
    st = mu_pg_stream(pg, statement, values, add_row, &printer, err);
    if (st != MU_OK)
        return st;
    mu_table_end(table);
    if (ret_counted)
        *ret_counted = printer.counted;
    return MU_OK;
}

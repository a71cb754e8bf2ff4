#include "query/text_query.h"

enum { MAX_COLUMNS = 16 };

struct filler {
    struct mu_table *table;
    size_t column_count;
};

static enum mu_status add_row(void *opaque, const struct mu_pg_result *row, struct mu_error *err)
{
    const struct filler *filler = opaque;
    const char *cells[MAX_COLUMNS] = {NULL};

    (void)err;
    for (size_t i = 0; i < filler->column_count && i < MAX_COLUMNS; i++)
        cells[i] = mu_pg_text(row, 0, (int)i);
    mu_table_row(filler->table, cells);
    return MU_OK;
}

enum mu_status text_query_fill(struct mu_pg *pg, enum inventory_query query,
                               const char *const *values, size_t column_count,
                               struct mu_table *table, struct mu_error *err)
{
    struct filler filler = {table, column_count};

    return mu_pg_stream(pg, (int)query, values, add_row, &filler, err);
}

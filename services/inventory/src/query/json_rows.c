#include "query/json_rows.h"

struct printer {
    FILE *out;
    size_t count, counted;
};

static enum mu_status print_row(void *opaque, const struct mu_pg_result *row, struct mu_error *err)
{
    struct printer *printer = opaque;
    const char *json = mu_pg_text(row, 0, 0);

    (void)err;
    (void)fprintf(printer->out, "%s%s", printer->count++ ? ",\n" : "[\n", json ? json : "null");
    printer->counted += mu_pg_bool(row, 0, 1);
    return MU_OK;
}

enum mu_status json_rows_print(struct mu_pg *pg, int statement, const char *const *values,
                               FILE *out, size_t *ret_counted, struct mu_error *err)
{
    struct printer printer = {.out = out};
    enum mu_status st = mu_pg_stream(pg, statement, values, print_row, &printer, err);

    if (st != MU_OK)
        return st;
    (void)fputs(printer.count ? "\n]\n" : "[]\n", out);
    *ret_counted = printer.counted;
    return MU_OK;
}

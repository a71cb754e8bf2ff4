/* Rows of lists as JSON, CSV and for people. */
#include "query/list.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

const char *list_cell(const struct list *list, const struct mu_pg_result *rows, size_t row,
                      size_t column, char ret_time[QUERY_TIME_SIZE])
{
    const char *text = mu_pg_text(rows, row, (int)column);

    switch (list->columns[column].type) {
    case LIST_TEXT:
    case LIST_INT:
    case LIST_JSON:
        return text;
    case LIST_BOOL:
        return !text ? NULL : mu_pg_bool(rows, row, (int)column) ? "true" : "false";
    case LIST_TIME:
        if (text)
            mu_time_format(mu_pg_time_us(rows, row, (int)column), ret_time);
        return text ? ret_time : NULL;
    }
    return NULL;
}

static bool is_quoted(enum list_type type)
{
    return type == LIST_TEXT || type == LIST_TIME;
}

void list_write_json(const struct list *list, const struct mu_pg_result *rows, size_t row,
                     struct mu_buf *out)
{
    char time[QUERY_TIME_SIZE];

    for (size_t i = 0; i < list->column_count; i++) {
        const char *text = list_cell(list, rows, row, i, time);

        mu_buf_printf(out, "%s\"%s\":", i > 0 ? "," : "{", list->columns[i].name);
        if (text && is_quoted(list->columns[i].type))
            mu_text_to_json(text, strlen(text), out);
        else
            mu_buf_puts(out, text ? text : "null");
    }
    mu_buf_puts(out, "}");
}

/* Quoted as RFC 4180 has it. A cell that a spreadsheet would take for a formula gets an apostrophe
 * before it (OWASP, CSV injection). */
static void write_csv_text(const char *text, struct mu_buf *out)
{
    bool formula = *text && strchr("=+-@\t\r", *text);

    if (!formula && !strpbrk(text, "\",\r\n")) {
        mu_buf_puts(out, text);
        return;
    }
    mu_buf_puts(out, formula ? "\"'" : "\"");
    for (; *text; text++) {
        if (*text == '"')
            mu_buf_puts(out, "\"");
        mu_buf_append(out, text, 1);
    }
    mu_buf_puts(out, "\"");
}

void list_write_csv_names(const struct list *list, struct mu_buf *out)
{
    for (size_t i = 0; i < list->column_count; i++)
        mu_buf_printf(out, "%s%s", i > 0 ? "," : "", list->columns[i].name);
    mu_buf_puts(out, "\r\n");
}

void list_write_csv(const struct list *list, const struct mu_pg_result *rows, size_t row,
                    struct mu_buf *out)
{
    char time[QUERY_TIME_SIZE];

    for (size_t i = 0; i < list->column_count; i++) {
        const char *text = list_cell(list, rows, row, i, time);

        mu_buf_puts(out, i > 0 ? "," : "");
        if (text && list->columns[i].type == LIST_INT)
            mu_buf_puts(out, text);
        else if (text)
            write_csv_text(text, out);
    }
    mu_buf_puts(out, "\r\n");
}

#include "base/table.h"

#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TABLE_GAP = 2, TABLE_MIN_WIDTH = 8 };

struct mu_table {
    char **columns;
    size_t column_count;
    char **cells; /* row after row; NULL where nothing is known */
    size_t row_count, row_capacity;
};

enum mu_status mu_format_parse(const char *name, enum mu_format *ret_format, struct mu_error *err)
{
    if (mu_text_equal(name, "text") || mu_text_equal(name, "json")) {
        *ret_format = mu_text_equal(name, "json") ? MU_FORMAT_JSON : MU_FORMAT_TEXT;
        return MU_OK;
    }
    return mu_fail(err, MU_E_INVALID, "'%.40s' is no format: text or json", name ? name : "");
}

struct mu_table *mu_table_new(const char *const *columns, size_t column_count)
{
    struct mu_table *table = mu_xcalloc(1, sizeof(*table));

    table->columns = mu_xcalloc(column_count, sizeof(char *));
    table->column_count = column_count;
    for (size_t i = 0; i < column_count; i++)
        table->columns[i] = mu_xstrdup(columns[i]);
    return table;
}

void mu_table_free(struct mu_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->column_count; i++)
        free(table->columns[i]);
    for (size_t i = 0; i < table->row_count * table->column_count; i++)
        free(table->cells[i]);
    free(table->columns);
    free(table->cells);
    free(table);
}

void mu_table_row(struct mu_table *table, const char *const *cells)
{
    char **row;

    if (table->row_count == table->row_capacity) {
        table->row_capacity = table->row_capacity ? 2 * table->row_capacity : 16;
        table->cells =
                realloc(table->cells, table->row_capacity * table->column_count * sizeof(char *));
        if (!table->cells)
            abort();
    }
    row = table->cells + table->row_count * table->column_count;
    for (size_t i = 0; i < table->column_count; i++)
        row[i] = cells[i] ? mu_xstrdup(cells[i]) : NULL;
    table->row_count++;
}

size_t mu_table_row_count(const struct mu_table *table)
{
    return table->row_count;
}

/* ---- JSON ---- */

/* `json` is room to work in. */
static void put_json_text(const char *text, struct mu_buf *json, FILE *out)
{
    mu_buf_reset(json);
    mu_text_to_json(text, strlen(text), json);
    (void)fputs(json->data, out);
}

static void print_json(const struct mu_table *table, FILE *out)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf json;

    mu_buf_init(&json, SIZE_MAX / 2); /* the cells are in memory already */
    (void)fputs("[", out);
    for (size_t r = 0; r < table->row_count; r++) {
        (void)fputs(r ? ",\n {" : "\n {", out);
        for (size_t c = 0; c < table->column_count; c++) {
            const char *cell = table->cells[r * table->column_count + c];

            (void)fputs(c ? "," : "", out);
            put_json_text(table->columns[c], &json, out);
            (void)fputc(':', out);
            if (cell)
                put_json_text(cell, &json, out);
            else
                (void)fputs("null", out);
        }
        (void)fputc('}', out);
    }
    (void)fputs("\n]\n", out);
}

/* ---- text ---- */

static size_t text_width(const char *text)
{
    return mu_utf8_count(text, strlen(text));
}

static const char *shown(const struct mu_table *table, size_t row, size_t column)
{
    const char *cell = table->cells[row * table->column_count + column];

    return cell ? cell : "-";
}

static size_t terminal_width(FILE *out)
{
    struct winsize size;
    int fd = fileno(out);

    if (fd < 0 || !isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

/* Natural width of each column, then the widest ones cut until all fit. */
static void fit_widths(const struct mu_table *table, size_t limit, size_t *widths)
{
    size_t total = 0;

    for (size_t c = 0; c < table->column_count; c++) {
        widths[c] = text_width(table->columns[c]);
        for (size_t r = 0; r < table->row_count; r++) {
            size_t width = text_width(shown(table, r, c));

            widths[c] = width > widths[c] ? width : widths[c];
        }
        total += widths[c] + (c ? TABLE_GAP : 0);
    }
    while (limit > 0 && total > limit) {
        size_t widest = 0;

        for (size_t c = 1; c < table->column_count; c++)
            widest = widths[c] > widths[widest] ? c : widest;
        if (widths[widest] <= TABLE_MIN_WIDTH)
            return;
        widths[widest]--;
        total--;
    }
}

/* The first `count` characters' length in bytes. */
static size_t bytes_of(const char *text, size_t count)
{
    size_t len = 0;

    while (text[len] && count > 0) {
        do
            len++;
        while (((unsigned char)text[len] & 0xc0) == 0x80);
        count--;
    }
    return len;
}

/* No byte that a terminal could take for a command: neither C0 nor C1 (U+0080 to U+009F). */
static void put_clean(const char *text, size_t len, FILE *out)
{
    bool utf8 = mu_utf8_valid(text, len);

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool c1 = c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0;

        (void)fputc(c < 0x20 || c == 0x7f || c1 || (c > 0x7f && !utf8) ? ' ' : c, out);
        i += c1;
    }
}

static void put_cell(const char *text, size_t width, bool last, FILE *out)
{
    size_t own = text_width(text), head, skip;

    if (own > width) {
        head = (width - 2) / 2;
        skip = bytes_of(text, own - (width - 2 - head));
        put_clean(text, bytes_of(text, head), out);
        (void)fputs("..", out);
        put_clean(text + skip, strlen(text + skip), out);
        own = width;
    } else {
        put_clean(text, strlen(text), out);
    }
    for (size_t i = own; !last && i < width + TABLE_GAP; i++)
        (void)fputc(' ', out);
}

static void put_heading(const char *column, size_t width, bool last, FILE *out)
{
    MU_AUTO_FREE char *heading = mu_xstrdup(column);

    for (char *at = heading; *at; at++)
        *at = *at == '_' ? ' ' : (char)toupper((unsigned char)*at);
    put_cell(heading, width, last, out);
}

static void print_text(const struct mu_table *table, size_t limit, FILE *out)
{
    MU_AUTO_FREE size_t *widths = mu_xcalloc(table->column_count, sizeof(size_t));
    const size_t last = table->column_count - 1;

    fit_widths(table, limit, widths);
    for (size_t c = 0; c < table->column_count; c++)
        put_heading(table->columns[c], widths[c], c == last, out);
    (void)fputc('\n', out);
    for (size_t r = 0; r < table->row_count; r++) {
        for (size_t c = 0; c < table->column_count; c++)
            put_cell(shown(table, r, c), widths[c], c == last, out);
        (void)fputc('\n', out);
    }
}

void mu_table_print(const struct mu_table *table, enum mu_format format, size_t width, FILE *out)
{
    if (format == MU_FORMAT_JSON)
        print_json(table, out);
    else
        print_text(table, width ? width : terminal_width(out), out);
}

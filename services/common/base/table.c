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

enum { TABLE_GAP = 2, TABLE_MIN_WIDTH = 16, TIME_SECONDS_LEN = 19, SHORT_TIME_SIZE = 32 };

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

/* How rows are printed: what of times, and how wide each column. */
struct form {
    bool short_times;
    size_t *widths;
};

static bool is_time(const char *text)
{
    static const char shape[] = "0000-00-00T00:00:00";

    for (size_t i = 0; i < TIME_SECONDS_LEN; i++)
        if (shape[i] == '0'   ? !isdigit((unsigned char)text[i])
            : shape[i] == 'T' ? text[i] != 'T' && text[i] != ' '
                              : text[i] != shape[i])
            return false;
    return true;
}

/* "2026-11-01T00:00:00.000000Z" and "2026-11-01 00:00:00.000000+00" lose their fraction. */
static const char *short_time(const char *text, char ret_short[SHORT_TIME_SIZE])
{
    const char *zone;

    if (!is_time(text) || text[TIME_SECONDS_LEN] != '.')
        return text;
    zone = text + TIME_SECONDS_LEN + 1;
    zone += strspn(zone, "0123456789");
    if (strlen(zone) >= SHORT_TIME_SIZE - TIME_SECONDS_LEN || !strchr("Z+-", *zone))
        return text;
    (void)snprintf(ret_short, SHORT_TIME_SIZE, "%.*s%s", TIME_SECONDS_LEN, text, zone);
    return ret_short;
}

static const char *shown(const struct mu_table *table, const struct form *form, size_t row,
                         size_t column, char room[SHORT_TIME_SIZE])
{
    const char *cell = table->cells[row * table->column_count + column];

    if (!cell)
        return "-";
    return form->short_times ? short_time(cell, room) : cell;
}

static size_t terminal_width(FILE *out)
{
    struct winsize size;
    int fd = fileno(out);

    if (fd < 0 || !isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

/* Natural width of each column; gives that of a row. */
static size_t natural_widths(const struct mu_table *table, struct form *form)
{
    char room[SHORT_TIME_SIZE];
    size_t total = 0;

    for (size_t c = 0; c < table->column_count; c++) {
        size_t *width = &form->widths[c];

        *width = text_width(table->columns[c]);
        for (size_t r = 0; r < table->row_count; r++) {
            size_t own = text_width(shown(table, form, r, c, room));

            *width = own > *width ? own : *width;
        }
        total += *width + (c ? TABLE_GAP : 0);
    }
    return total;
}

/* A cut time tells nothing. */
static bool may_cut(const struct mu_table *table, size_t column)
{
    for (size_t r = 0; r < table->row_count; r++) {
        const char *cell = table->cells[r * table->column_count + column];

        if (cell)
            return !is_time(cell);
    }
    return true;
}

/* The widest columns are cut until all fit. False: there is no room for so many columns. */
static bool fit_widths(const struct mu_table *table, size_t limit, struct form *form)
{
    size_t total = natural_widths(table, form);

    if (limit > 0 && total > limit) {
        form->short_times = true;
        total = natural_widths(table, form);
    }
    while (limit > 0 && total > limit) {
        size_t *widest = NULL;

        for (size_t c = 0; c < table->column_count; c++)
            if (may_cut(table, c) && (!widest || form->widths[c] > *widest))
                widest = &form->widths[c];
        if (!widest || *widest <= TABLE_MIN_WIDTH)
            return false;
        *widest -= 1;
        total--;
    }
    return true;
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

static void print_rows(const struct mu_table *table, const struct form *form, FILE *out)
{
    const size_t last = table->column_count - 1;
    char room[SHORT_TIME_SIZE];

    for (size_t c = 0; c < table->column_count; c++)
        put_heading(table->columns[c], form->widths[c], c == last, out);
    (void)fputc('\n', out);
    for (size_t r = 0; r < table->row_count; r++) {
        for (size_t c = 0; c < table->column_count; c++)
            put_cell(shown(table, form, r, c, room), form->widths[c], c == last, out);
        (void)fputc('\n', out);
    }
}

/* Lines of heading and cell, as long as they are; terminals wrap them. */
static void print_blocks(const struct mu_table *table, const struct form *form, FILE *out)
{
    char room[SHORT_TIME_SIZE];
    size_t width = 0;

    for (size_t c = 0; c < table->column_count; c++) {
        size_t own = text_width(table->columns[c]);

        width = own > width ? own : width;
    }
    for (size_t r = 0; r < table->row_count; r++) {
        if (r > 0)
            (void)fputc('\n', out);
        for (size_t c = 0; c < table->column_count; c++) {
            const char *text = shown(table, form, r, c, room);

            if (!table->cells[r * table->column_count + c])
                continue;
            put_heading(table->columns[c], width, false, out);
            put_clean(text, strlen(text), out);
            (void)fputc('\n', out);
        }
    }
}

static void print_text(const struct mu_table *table, size_t limit, FILE *out)
{
    MU_AUTO_FREE size_t *widths = mu_xcalloc(table->column_count, sizeof(size_t));
    struct form form = {false, widths};

    if (fit_widths(table, limit, &form) || table->row_count == 0)
        print_rows(table, &form, out);
    else
        print_blocks(table, &form, out);
}

void mu_table_print(const struct mu_table *table, enum mu_format format, size_t width, FILE *out)
{
    if (format == MU_FORMAT_JSON)
        print_json(table, out);
    else
        print_text(table, width ? width : terminal_width(out), out);
}

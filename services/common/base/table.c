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
enum { STREAM_ROWS = 1000 };

/* How rows are printed; decided by those there are when the first is. */
struct form {
    enum mu_format format;
    size_t width; /* of a row at most; 0: no limit */
    FILE *out;
    bool decided, blocks, short_times;
    size_t *widths; /* of the columns */
    size_t printed; /* rows */
};

struct mu_table {
    char **columns;
    size_t column_count;
    char **cells; /* row after row; NULL where nothing is known */
    size_t row_count, row_capacity;
    size_t last; /* keeps so many rows, in a ring that begins at row `first`; 0: all */
    size_t first;
    size_t gone;      /* rows that are not kept any more */
    struct form form; /* of a table that is printed as rows come; else its `out` is NULL */
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

/* The cells of the `index`-th row that is kept. */
static char **row_at(const struct mu_table *table, size_t index)
{
    size_t place = table->first + index;

    if (table->last > 0 && place >= table->last)
        place -= table->last;
    return table->cells + place * table->column_count;
}

static void forget_row(struct mu_table *table, size_t index)
{
    for (size_t c = 0; c < table->column_count; c++)
        free(row_at(table, index)[c]);
    table->gone++;
}

static void forget_rows(struct mu_table *table)
{
    for (size_t r = 0; r < table->row_count; r++)
        forget_row(table, r);
    table->row_count = 0;
}

void mu_table_free(struct mu_table *table)
{
    if (!table)
        return;
    forget_rows(table);
    for (size_t c = 0; c < table->column_count; c++)
        free(table->columns[c]);
    free(table->columns);
    free(table->cells);
    free(table->form.widths);
    free(table);
}

void mu_table_keep_last(struct mu_table *table, size_t count)
{
    table->last = count;
}

static void put_rows(const struct mu_table *table, struct form *form);

/* Where the cells of the next row belong. */
static char **next_row(struct mu_table *table)
{
    if (table->last > 0 && table->row_count == table->last) {
        forget_row(table, 0);
        table->first = (table->first + 1) % table->last;
        return row_at(table, table->row_count - 1);
    }
    if (table->form.out && table->row_count == STREAM_ROWS) {
        put_rows(table, &table->form);
        forget_rows(table);
    }
    if (table->row_count == table->row_capacity) {
        table->row_capacity = table->row_capacity ? 2 * table->row_capacity : 16;
        table->cells =
                realloc(table->cells, table->row_capacity * table->column_count * sizeof(char *));
        if (!table->cells)
            abort();
    }
    return row_at(table, table->row_count++);
}

void mu_table_row(struct mu_table *table, const char *const *cells)
{
    char **row = next_row(table);

    for (size_t c = 0; c < table->column_count; c++)
        row[c] = cells[c] ? mu_xstrdup(cells[c]) : NULL;
}

size_t mu_table_row_count(const struct mu_table *table)
{
    return table->gone + table->row_count;
}

/* ---- JSON ---- */

/* `json` is room to work in. */
static void put_json_text(const char *text, struct mu_buf *json, FILE *out)
{
    mu_buf_reset(json);
    mu_text_to_json(text, strlen(text), json);
    (void)fputs(json->data, out);
}

static void put_json_rows(const struct mu_table *table, struct form *form)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf json;

    mu_buf_init(&json, SIZE_MAX / 2); /* the cells are in memory already */
    for (size_t r = 0; r < table->row_count; r++) {
        (void)fputs(form->printed++ > 0 ? ",\n {" : "\n {", form->out);
        for (size_t c = 0; c < table->column_count; c++) {
            const char *cell = row_at(table, r)[c];

            (void)fputs(c ? "," : "", form->out);
            put_json_text(table->columns[c], &json, form->out);
            (void)fputc(':', form->out);
            if (cell)
                put_json_text(cell, &json, form->out);
            else
                (void)fputs("null", form->out);
        }
        (void)fputc('}', form->out);
    }
}

/* ---- text ---- */

static size_t text_width(const char *text)
{
    return mu_utf8_count(text, strlen(text));
}

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
    const char *cell = row_at(table, row)[column];

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
        const char *cell = row_at(table, r)[column];

        if (cell)
            return !is_time(cell);
    }
    return true;
}

/* The widest columns are cut until all fit. False: there is no room for so many columns. */
static bool fit_widths(const struct mu_table *table, struct form *form)
{
    size_t total = natural_widths(table, form), limit = form->width;

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

/* The cell of a row, and the gap behind it where another follows. */
static void put_cell(const char *text, const struct form *form, size_t column, bool follows)
{
    size_t own = text_width(text), width = form->widths[column], head, skip;

    if (own > width && form->width > 0 && width >= TABLE_MIN_WIDTH && !is_time(text)) {
        head = (width - 2) / 2;
        skip = bytes_of(text, own - (width - 2 - head));
        put_clean(text, bytes_of(text, head), form->out);
        (void)fputs("..", form->out);
        put_clean(text + skip, strlen(text + skip), form->out);
        own = width;
    } else {
        put_clean(text, strlen(text), form->out);
    }
    width = own > width ? own : width;
    if (follows)
        (void)fprintf(form->out, "%*s", (int)(width - own + TABLE_GAP), "");
}

static void to_heading(char *column)
{
    for (char *at = column; *at; at++)
        *at = *at == '_' ? ' ' : (char)toupper((unsigned char)*at);
}

static void put_heading(const struct mu_table *table, const struct form *form)
{
    for (size_t c = 0; c < table->column_count; c++) {
        MU_AUTO_FREE char *heading = mu_xstrdup(table->columns[c]);

        to_heading(heading);
        put_cell(heading, form, c, c + 1 < table->column_count);
    }
    (void)fputc('\n', form->out);
}

static void put_lines(const struct mu_table *table, struct form *form)
{
    char room[SHORT_TIME_SIZE];

    for (size_t r = 0; r < table->row_count; r++, form->printed++) {
        for (size_t c = 0; c < table->column_count; c++)
            put_cell(shown(table, form, r, c, room), form, c, c + 1 < table->column_count);
        (void)fputc('\n', form->out);
    }
}

/* Lines of heading and cell, as long as they are; terminals wrap them. */
static void put_blocks(const struct mu_table *table, struct form *form)
{
    char room[SHORT_TIME_SIZE];
    size_t width = 0;

    for (size_t c = 0; c < table->column_count; c++) {
        size_t own = text_width(table->columns[c]);

        width = own > width ? own : width;
    }
    for (size_t r = 0; r < table->row_count; r++) {
        if (form->printed++ > 0)
            (void)fputc('\n', form->out);
        for (size_t c = 0; c < table->column_count; c++) {
            MU_AUTO_FREE char *heading = mu_xstrdup(table->columns[c]);
            const char *text = shown(table, form, r, c, room);

            if (!row_at(table, r)[c])
                continue;
            to_heading(heading);
            (void)fprintf(form->out, "%-*s", (int)(width + TABLE_GAP), heading);
            put_clean(text, strlen(text), form->out);
            (void)fputc('\n', form->out);
        }
    }
}

/* ---- either ---- */

static void decide(const struct mu_table *table, struct form *form)
{
    form->decided = true;
    if (form->format == MU_FORMAT_JSON) {
        (void)fputc('[', form->out);
        return;
    }
    form->width = form->width ? form->width : terminal_width(form->out);
    form->widths = mu_xcalloc(table->column_count, sizeof(size_t));
    form->blocks = !fit_widths(table, form) && table->row_count > 0;
    if (!form->blocks)
        put_heading(table, form);
}

static void put_rows(const struct mu_table *table, struct form *form)
{
    if (!form->decided)
        decide(table, form);
    if (form->format == MU_FORMAT_JSON)
        put_json_rows(table, form);
    else if (form->blocks)
        put_blocks(table, form);
    else
        put_lines(table, form);
}

static void put_last_rows(const struct mu_table *table, struct form *form)
{
    put_rows(table, form);
    if (form->format == MU_FORMAT_JSON)
        (void)fputs("\n]\n", form->out);
}

void mu_table_print(const struct mu_table *table, enum mu_format format, size_t width, FILE *out)
{
    struct form form = {.format = format, .width = width, .out = out};

    put_last_rows(table, &form);
    free(form.widths);
}

void mu_table_begin(struct mu_table *table, enum mu_format format, size_t width, FILE *out)
{
    table->form = (struct form){.format = format, .width = width, .out = out};
}

void mu_table_end(struct mu_table *table)
{
    put_last_rows(table, &table->form);
    forget_rows(table);
}

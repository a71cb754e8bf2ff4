#include "workbook/template_sheet.h"

#include "workbook/template_row.h"
#include "workbook/xlsx_part.h"
#include "workbook/xml_text.h"

#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROW_MAX_BYTES = 16 * 1024 * 1024, /* 64 cells of the largest text, escaped */
    ATTRIBUTES_MAX_BYTES = 64 * 1024,
    PREFIX_SIZE = 32
};

struct rewriting {
    struct template_row_writer row_writer;
    size_t len, copied; /* of the XML that is on its way out */
    FILE *out;
    char prefix[PREFIX_SIZE];
    bool inside, in_row, in_cell; /* sheetData, row, c */
    size_t row_begin, skipped;    /* where an element to be left out begins */
    struct template_row row;
    uint32_t last_row;                        /* that is on its way out, or was in the template */
    uint32_t filled_row;                      /* the last with a row of the form */
    struct form_cell cells[FORM_MAX_COLUMNS]; /* the next row of the form */
    bool has_cells;
};

static struct rewriting *rewriting_of(struct xlsx_part *part)
{
    return part->opaque;
}

static size_t here(const struct xlsx_part *part)
{
    return (size_t)XML_GetCurrentByteIndex(part->parser);
}

static size_t behind(const struct xlsx_part *part)
{
    return here(part) + (size_t)XML_GetCurrentByteCount(part->parser);
}

/* ---- output ---- */

/* What the template has, up to here. */
static void copy_to(struct rewriting *to, size_t place)
{
    (void)fwrite(to->row_writer.xml + to->copied, 1, place - to->copied, to->out);
    to->copied = place;
}

static void put(struct rewriting *to, const struct mu_buf *bytes)
{
    (void)fwrite(bytes->data, 1, bytes->len, to->out);
}

/* ---- the form's rows ---- */

static enum mu_status next_cells(struct rewriting *to, struct mu_error *err)
{
    const struct form_sheet *sheet = to->row_writer.sheet;
    enum mu_status st;

    memset(to->cells, 0, sizeof(to->cells));
    to->has_cells = false;
    if (!sheet->next)
        return MU_OK;
    st = sheet->next(sheet->opaque, to->cells, &to->has_cells, err);
    return st == MU_OK && to->has_cells ? form_check_cells(sheet, to->cells, err) : st;
}

static bool has_field(const struct rewriting *to, uint32_t row)
{
    const struct template_row_writer *writer = &to->row_writer;

    for (size_t i = 0; i < writer->sheet->field_count; i++)
        if (writer->layout->fields[i].row == row &&
            writer->sheet->fields[i].value.kind != FORM_BLANK)
            return true;
    return false;
}

static bool is_data(const struct rewriting *to, uint32_t row)
{
    return row >= to->row_writer.layout->data_row;
}

/* A row of the form in this row of the sheet. */
static enum mu_status put_cells(struct rewriting *to, const struct template_row *row,
                                struct mu_error *err)
{
    enum mu_status st = template_row_write(&to->row_writer, row, to->cells, err);

    if (st != MU_OK)
        return st;
    put(to, &to->row_writer.out);
    to->filled_row = row->number;
    return next_cells(to, err);
}

/* Rows that the template does not have, before the row `end`. */
static enum mu_status put_missing(struct rewriting *to, uint32_t end, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    for (uint32_t number = to->last_row + 1; st == MU_OK && number < end; number++) {
        struct template_row row = {.number = number};

        if (is_data(to, number) && !to->has_cells)
            break;
        if (is_data(to, number)) {
            st = put_cells(to, &row, err);
        } else if (has_field(to, number)) {
            st = template_row_write(&to->row_writer, &row, NULL, err);
            if (st == MU_OK)
                put(to, &to->row_writer.out);
        }
    }
    return st;
}

/* ---- rows of the template ---- */

static enum mu_status row_number(struct rewriting *to, const char *text, struct mu_error *err)
{
    uint64_t number = to->last_row + 1;

    if (text && mu_text_to_u64(text, "row", &number, err) != MU_OK)
        return MU_E_INVALID;
    if (number <= to->last_row || number > FORM_MAX_ROWS)
        return mu_fail(err, MU_E_INVALID, "row %llu follows row %u", (unsigned long long)number,
                       to->last_row);
    to->row.number = (uint32_t)number;
    return MU_OK;
}

static void start_row(struct xlsx_part *part, const char **attributes)
{
    static const char *const without[] = {"r", "spans", "ht", "customHeight", "hidden", NULL};
    static const char *const kept[] = {"r", "spans", NULL};
    struct rewriting *to = rewriting_of(part);
    enum mu_status st = row_number(to, xlsx_attribute(attributes, "r"), part->err);

    if (st == MU_OK) {
        copy_to(to, here(part));
        st = put_missing(to, to->row.number, part->err);
    }
    if (st != MU_OK) {
        xlsx_part_stop(part, st);
        return;
    }
    to->in_row = true;
    to->row_begin = here(part);
    to->row.count = 0;
    mu_buf_reset(&to->row.attributes);
    xml_attributes(attributes, is_data(to, to->row.number) && to->has_cells ? without : kept,
                   &to->row.attributes);
}

static bool has_values(const struct template_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        if (row->cells[i].has_value && row->cells[i].formula_end == row->cells[i].formula_begin)
            return true;
    return false;
}

static enum mu_status end_row(struct rewriting *to, size_t end, struct mu_error *err)
{
    const struct template_row *row = &to->row;
    enum mu_status st = MU_OK;

    to->in_row = false;
    to->last_row = row->number;
    if (row->attributes.failed)
        return mu_buf_status(&row->attributes, "attributes of a row", err);
    if (is_data(to, row->number) && to->has_cells) {
        st = put_cells(to, row, err);
    } else if (is_data(to, row->number) && to->row_writer.sheet->next && has_values(row)) {
        st = template_row_clear(&to->row_writer, row, err);
        if (st == MU_OK)
            put(to, &to->row_writer.out);
    } else if (has_field(to, row->number)) {
        st = template_row_write(&to->row_writer, row, NULL, err);
        if (st == MU_OK)
            put(to, &to->row_writer.out);
    } else {
        copy_to(to, end);
    }
    to->copied = end;
    return st;
}

/* ---- cells of the template ---- */

static bool grow(struct template_row *row)
{
    size_t capacity = row->capacity ? 2 * row->capacity : 64;
    struct template_cell *cells = realloc(row->cells, capacity * sizeof(*cells));

    if (!cells)
        return false;
    row->cells = cells;
    row->capacity = capacity;
    return true;
}

static void start_cell(struct xlsx_part *part, const char **attributes)
{
    struct rewriting *to = rewriting_of(part);
    struct template_row *row = &to->row;
    size_t after = row->count > 0 ? row->cells[row->count - 1].column + 1 : 0;
    size_t column = xlsx_column_of(xlsx_attribute(attributes, "r"), after);
    const char *style = xlsx_attribute(attributes, "s");
    uint64_t number = 0;

    if (column < after || column >= XLSX_MAX_COLUMN) {
        xlsx_part_stop(part, mu_fail(part->err, MU_E_INVALID, "cells of row %u are out of order",
                                     row->number));
    } else if (style && (mu_text_to_u64(style, "format", &number, part->err) != MU_OK ||
                         number > UINT32_MAX)) {
        xlsx_part_stop(part, MU_E_INVALID);
    } else if (row->count == row->capacity && !grow(row)) {
        xlsx_part_stop(part, mu_fail(part->err, MU_E_NOMEM, "out of memory"));
    } else {
        row->cells[row->count++] = (struct template_cell){
                .column = column, .begin = here(part), .style = (uint32_t)number};
        to->in_cell = true;
    }
}

static void inside_cell(struct xlsx_part *part, const char *name)
{
    struct template_row *row = &rewriting_of(part)->row;
    struct template_cell *cell = &row->cells[row->count - 1];

    if (mu_text_equal(name, "f"))
        cell->formula_begin = cell->formula_end = here(part);
    else if (mu_text_equal(name, "v") || mu_text_equal(name, "is"))
        cell->has_value = true;
}

/* ---- ranges ---- */

/* The last row that a range such as B9:AB4021 names; 0 for a whole column or anything else. */
static uint32_t range_end(const char *range, size_t len, size_t *ret_digits)
{
    size_t begin = len;
    uint32_t row = 0;

    while (begin > 0 && range[begin - 1] >= '0' && range[begin - 1] <= '9')
        begin--;
    *ret_digits = len - begin;
    if (len - begin > 7)
        return 0;
    for (size_t i = begin; i < len; i++)
        row = row * 10 + (uint32_t)(range[i] - '0');
    return row;
}

/* Ranges that end within the table reach to its new end. */
static bool stretch(const struct rewriting *to, const char *ranges, struct mu_buf *out)
{
    bool changed = false;

    while (*ranges) {
        size_t len = strcspn(ranges, " "), digits;
        uint32_t end = range_end(ranges, len, &digits);

        if (memchr(ranges, ':', len) && is_data(to, end) && end < to->filled_row) {
            mu_buf_append(out, ranges, len - digits);
            mu_buf_printf(out, "%u", to->filled_row);
            changed = true;
        } else {
            mu_buf_append(out, ranges, len);
        }
        ranges += len;
        if (*ranges) {
            mu_buf_puts(out, " ");
            ranges++;
        }
    }
    return changed;
}

static void start_ranges(struct xlsx_part *part, const char **attributes)
{
    static const char *const without[] = {"sqref", NULL};
    struct rewriting *to = rewriting_of(part);
    const char *ranges = xlsx_attribute(attributes, "sqref");
    struct mu_buf *tag = &to->row_writer.out, *stretched = &to->row_writer.scratch;
    bool empty = behind(part) >= 2 && to->row_writer.xml[behind(part) - 2] == '/';

    mu_buf_reset(stretched);
    if (!ranges || !stretch(to, ranges, stretched) || stretched->failed)
        return;
    copy_to(to, here(part));
    mu_buf_reset(tag);
    mu_buf_printf(tag, "<%s", part->qualified_name);
    xml_attributes(attributes, without, tag);
    mu_buf_printf(tag, " sqref=\"%s\"%s>", stretched->data, empty ? "/" : "");
    put(to, tag);
    to->copied = behind(part);
}

/* ---- the sheet ---- */

static void start_data(struct xlsx_part *part)
{
    struct rewriting *to = rewriting_of(part);
    const char *colon = strchr(part->qualified_name, ':');
    size_t len = colon ? (size_t)(colon - part->qualified_name) + 1 : 0;

    if (to->inside || to->last_row || len >= sizeof(to->prefix)) {
        xlsx_part_stop(part, mu_fail(part->err, MU_E_INVALID, "the sheet's data is out of place"));
        return;
    }
    memcpy(to->prefix, part->qualified_name, len);
    to->inside = true;
}

/* `<sheetData/>` must be opened for rows to stand in it. */
static void end_data(struct xlsx_part *part)
{
    struct rewriting *to = rewriting_of(part);
    bool empty = XML_GetCurrentByteCount(part->parser) == 0;
    size_t end = here(part);
    enum mu_status st;

    copy_to(to, empty ? end - 2 : end);
    if (empty)
        (void)fputs(">", to->out);
    st = put_missing(to, FORM_MAX_ROWS + 1, part->err);
    if (st == MU_OK && to->has_cells)
        st = mu_fail(part->err, MU_E_LIMIT, "sheet '%s' holds no more than %d rows",
                     to->row_writer.sheet->name, FORM_MAX_ROWS);
    if (empty)
        (void)fprintf(to->out, "</%ssheetData>", to->prefix);
    to->copied = end;
    to->inside = false;
    if (to->last_row == 0)
        to->last_row = 1;
    if (st != MU_OK)
        xlsx_part_stop(part, st);
}

static void on_start(struct xlsx_part *part, const char *name, const char **attributes)
{
    struct rewriting *to = rewriting_of(part);

    if (to->in_cell)
        inside_cell(part, name);
    else if (to->in_row && mu_text_equal(name, "c"))
        start_cell(part, attributes);
    else if (to->inside && !to->in_row && mu_text_equal(name, "row"))
        start_row(part, attributes);
    else if (mu_text_equal(name, "sheetData"))
        start_data(part);
    else if (mu_text_equal(name, "dimension"))
        to->skipped = here(part);
    else if (mu_text_equal(name, "conditionalFormatting") || mu_text_equal(name, "dataValidation"))
        start_ranges(part, attributes);
}

static void on_end(struct xlsx_part *part, const char *name)
{
    struct rewriting *to = rewriting_of(part);
    struct template_row *row = &to->row;
    enum mu_status st = MU_OK;

    if (to->in_cell && mu_text_equal(name, "f")) {
        row->cells[row->count - 1].formula_end = behind(part);
    } else if (to->in_cell && mu_text_equal(name, "c")) {
        row->cells[row->count - 1].end = behind(part);
        to->in_cell = false;
    } else if (to->in_row && !to->in_cell && mu_text_equal(name, "row")) {
        st = end_row(to, behind(part), part->err);
    } else if (to->inside && !to->in_row && mu_text_equal(name, "sheetData")) {
        end_data(part);
    } else if (!to->inside && mu_text_equal(name, "dimension") && to->skipped) {
        /* It would no longer be true; it is optional. */
        copy_to(to, to->skipped);
        to->copied = behind(part);
        to->skipped = 0;
    }
    if (st != MU_OK)
        xlsx_part_stop(part, st);
}

static enum mu_status rewrite(struct rewriting *to, const char *name, struct mu_error *err)
{
    struct xlsx_part part = {.start = on_start, .end = on_end, .opaque = to};
    enum mu_status st = next_cells(to, err);

    mu_buf_init(&part.text, 1);
    if (st == MU_OK)
        st = xlsx_part_parse_memory(to->row_writer.xml, to->len, name, &part, err);
    mu_buf_done(&part.text);
    if (st == MU_OK && to->last_row == 0)
        st = mu_fail(err, MU_E_INVALID, "sheet '%s' has no data", name);
    if (st != MU_OK)
        return st;
    copy_to(to, to->len);
    if (fflush(to->out) != 0 || ferror(to->out))
        return mu_fail(err, MU_E_UNAVAILABLE, "write sheet '%s': %s", name, strerror(errno));
    return MU_OK;
}

enum mu_status template_sheet_write(const char *xml, size_t len, const struct form_sheet *sheet,
                                    const struct template_layout *layout,
                                    struct template_styles *styles, FILE *out, struct mu_error *err)
{
    struct rewriting to = {.row_writer = {.xml = xml,
                                          .prefix = to.prefix,
                                          .sheet = sheet,
                                          .layout = layout,
                                          .styles = styles},
                           .len = len,
                           .out = out};
    enum mu_status st;

    mu_buf_init(&to.row_writer.out, ROW_MAX_BYTES);
    mu_buf_init(&to.row_writer.scratch, ROW_MAX_BYTES);
    mu_buf_init(&to.row.attributes, ATTRIBUTES_MAX_BYTES);
    st = rewrite(&to, sheet->name, err);
    mu_buf_done(&to.row_writer.out);
    mu_buf_done(&to.row_writer.scratch);
    mu_buf_done(&to.row.attributes);
    free(to.row.cells);
    return st;
}

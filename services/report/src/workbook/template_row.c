#include "workbook/template_row.h"

#include "workbook/cell_text.h"
#include "workbook/xlsx_part.h"
#include "workbook/xml_text.h"

#include <stdlib.h>

enum { MAX_EDITS = FORM_MAX_COLUMNS };

struct edit {
    size_t column;
    const struct form_cell *cell;
    size_t index; /* of the form's column; FORM_MAX_COLUMNS: a field */
};

/* ---- cells ---- */

static void open_cell(struct template_row_writer *writer, uint32_t row, size_t column,
                      uint32_t style)
{
    char letters[FORM_LETTERS_SIZE];

    form_column_letters(column, letters);
    mu_buf_printf(&writer->out, "<%sc r=\"%s%u\" s=\"%u\"", writer->prefix, letters, row, style);
}

static void put_empty(struct template_row_writer *writer, uint32_t row, size_t column,
                      uint32_t style)
{
    open_cell(writer, row, column, style);
    mu_buf_puts(&writer->out, "/>");
}

static void put_text(struct template_row_writer *writer, uint32_t row, size_t column,
                     uint32_t style, const char *text)
{
    const char *prefix = writer->prefix;
    enum style_variant variant = cell_text_is_runnable(text) ? STYLE_TEXT : STYLE_WRAPPED;

    open_cell(writer, row, column, template_styles_variant(writer->styles, style, variant));
    mu_buf_printf(&writer->out, " t=\"inlineStr\"><%sis><%st xml:space=\"preserve\">", prefix,
                  prefix);
    mu_buf_reset(&writer->scratch);
    cell_text_encode(text, &writer->scratch);
    xml_escape(writer->scratch.data, &writer->out);
    mu_buf_printf(&writer->out, "</%st></%sis></%sc>", prefix, prefix, prefix);
}

static void put_number(struct template_row_writer *writer, uint32_t row, size_t column,
                       uint32_t style, const struct form_cell *cell)
{
    open_cell(writer, row, column,
              template_styles_variant(writer->styles, style,
                                      cell->kind == FORM_NUMBER ? STYLE_WRAPPED : STYLE_DATE));
    mu_buf_printf(&writer->out, "><%sv>%.15g</%sv></%sc>", writer->prefix, cell->number,
                  writer->prefix, writer->prefix);
}

/* The template's own formula where the row has one, else the same rule. */
static void put_due(struct template_row_writer *writer, uint32_t row, size_t column, uint32_t style,
                    const struct form_cell *cell, const struct template_cell *own)
{
    const struct form_due *due = writer->sheet->due;
    const size_t places[4] = {due->detected, due->original, due->adjusted, due->adjustment};
    char letters[4][FORM_LETTERS_SIZE];
    const char *names[4];

    open_cell(writer, row, column, template_styles_variant(writer->styles, style, STYLE_DATE));
    mu_buf_puts(&writer->out, ">");
    if (own && own->formula_end > own->formula_begin) {
        mu_buf_append(&writer->out, writer->xml + own->formula_begin,
                      own->formula_end - own->formula_begin);
    } else {
        for (size_t i = 0; i < 4; i++) {
            form_column_letters(writer->layout->columns[places[i]], letters[i]);
            names[i] = letters[i];
        }
        mu_buf_reset(&writer->scratch);
        form_due_formula(names, row, &writer->scratch);
        mu_buf_printf(&writer->out, "<%sf>", writer->prefix);
        xml_escape(writer->scratch.data, &writer->out);
        mu_buf_printf(&writer->out, "</%sf>", writer->prefix);
    }
    mu_buf_printf(&writer->out, "<%sv>%.15g</%sv></%sc>", writer->prefix, cell->number,
                  writer->prefix, writer->prefix);
}

static enum mu_status put_edit(struct template_row_writer *writer, uint32_t row,
                               const struct edit *edit, const struct template_cell *own,
                               struct mu_error *err)
{
    uint32_t style = own                              ? own->style
                     : edit->index < FORM_MAX_COLUMNS ? writer->models[edit->index]
                                                      : 0;
    bool calculated = edit->cell->kind == FORM_DUE && writer->sheet->due;
    char letters[FORM_LETTERS_SIZE];

    if (own && own->formula_end > own->formula_begin && !calculated) {
        form_column_letters(edit->column, letters);
        return mu_fail(err, MU_E_INVALID, "sheet '%s': cell %s%u holds a formula",
                       writer->sheet->name, letters, row);
    }
    if (calculated)
        put_due(writer, row, edit->column, style, edit->cell, own);
    else if (edit->cell->kind == FORM_TEXT)
        put_text(writer, row, edit->column, style, edit->cell->text);
    else if (edit->cell->kind == FORM_BLANK)
        put_empty(writer, row, edit->column, style);
    else
        put_number(writer, row, edit->column, style, edit->cell);
    return MU_OK;
}

/* A cell that is not ours: as it is, in a row of the table without its value. */
static void put_own(struct template_row_writer *writer, uint32_t row,
                    const struct template_cell *own, bool clear)
{
    if (clear && own->has_value && own->formula_end == own->formula_begin)
        put_empty(writer, row, own->column, own->style);
    else
        mu_buf_append(&writer->out, writer->xml + own->begin, own->end - own->begin);
}

/* ---- rows ---- */

static int by_column(const void *a, const void *b)
{
    const struct edit *left = a, *right = b;

    return left->column < right->column ? -1 : left->column > right->column ? 1 : 0;
}

static size_t gather(const struct template_row_writer *writer, uint32_t row,
                     const struct form_cell *cells, struct edit edits[MAX_EDITS])
{
    const struct form_sheet *sheet = writer->sheet;
    size_t count = 0;

    for (size_t i = 0; cells && i < sheet->column_count; i++)
        if (sheet->columns[i].kind != FORM_BLANK)
            edits[count++] = (struct edit){writer->layout->columns[i], &cells[i], i};
    for (size_t i = 0; !cells && i < sheet->field_count; i++)
        if (writer->layout->fields[i].row == row)
            edits[count++] = (struct edit){writer->layout->fields[i].column,
                                           &sheet->fields[i].value, FORM_MAX_COLUMNS};
    qsort(edits, count, sizeof(edits[0]), by_column);
    return count;
}

static void open_row(struct template_row_writer *writer, const struct template_row *row,
                     const struct form_cell *cells)
{
    mu_buf_reset(&writer->out);
    mu_buf_printf(&writer->out, "<%srow r=\"%u\"", writer->prefix, row->number);
    if (row->attributes.len > 0)
        mu_buf_append(&writer->out, row->attributes.data, row->attributes.len);
    if (cells)
        mu_buf_printf(&writer->out, " ht=\"%.15g\" customHeight=\"1\"",
                      form_row_height(writer->sheet, cells));
    mu_buf_puts(&writer->out, ">");
}

static enum mu_status close_row(struct template_row_writer *writer, struct mu_error *err)
{
    mu_buf_printf(&writer->out, "</%srow>", writer->prefix);
    return mu_buf_status(&writer->out, "a row", err);
}

enum mu_status template_row_write(struct template_row_writer *writer,
                                  const struct template_row *row, const struct form_cell *cells,
                                  struct mu_error *err)
{
    struct edit edits[MAX_EDITS];
    size_t edit_count = gather(writer, row->number, cells, edits), at = 0, edit = 0;
    enum mu_status st = MU_OK;

    open_row(writer, row, cells);
    while (st == MU_OK && (edit < edit_count || at < row->count)) {
        const struct template_cell *own = at < row->count ? &row->cells[at] : NULL;
        const struct edit *next = edit < edit_count ? &edits[edit] : NULL;

        if (next && (!own || next->column <= own->column)) {
            bool same = own && own->column == next->column;

            if (same && next->index < FORM_MAX_COLUMNS)
                writer->models[next->index] = own->style;
            st = put_edit(writer, row->number, next, same ? own : NULL, err);
            edit++;
            at += same ? 1 : 0;
        } else if (own) {
            put_own(writer, row->number, own, cells != NULL);
            at++;
        }
    }
    return st == MU_OK ? close_row(writer, err) : st;
}

enum mu_status template_row_clear(struct template_row_writer *writer,
                                  const struct template_row *row, struct mu_error *err)
{
    open_row(writer, row, NULL);
    for (size_t i = 0; i < row->count; i++)
        put_own(writer, row->number, &row->cells[i], true);
    return close_row(writer, err);
}

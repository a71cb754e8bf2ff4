#include "workbook/form_write.h"

#include "workbook/cell_text.h"
#include "workbook/xlsx_reader.h"

#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xlsxwriter.h>

enum {
    TEXT_FORMAT_INDEX = 49, /* "@" */
    DATE_FORMAT_INDEX = 14, /* mm-dd-yy */
    PAPER_TABLOID = 3,
    CHOICES_MAX = 16,
    FORM_VALID_ROWS = 4000, /* drop-downs reach at least that far below the header */
    FORM_TEXT_BYTES = 256 * 1024
};

struct writer {
    lxw_workbook *file;
    lxw_format *text, *guarded, *date, *bold, *header, *zebra;
    struct mu_buf encoded;
};

/* ---- formats ---- */

static lxw_format *new_format(lxw_workbook *file)
{
    lxw_format *format = workbook_add_format(file);

    format_set_font_name(format, "Arial");
    format_set_font_size(format, 10);
    format_set_text_wrap(format);
    format_set_align(format, LXW_ALIGN_VERTICAL_TOP);
    format_set_align(format, LXW_ALIGN_LEFT);
    return format;
}

static void make_formats(struct writer *writer)
{
    writer->text = new_format(writer->file);
    writer->guarded = new_format(writer->file);
    format_set_num_format_index(writer->guarded, TEXT_FORMAT_INDEX);
    writer->date = new_format(writer->file);
    format_set_num_format_index(writer->date, DATE_FORMAT_INDEX);
    writer->bold = new_format(writer->file);
    format_set_bold(writer->bold);
    writer->header = new_format(writer->file);
    format_set_bold(writer->header);
    format_set_border(writer->header, LXW_BORDER_THIN);
    format_set_align(writer->header, LXW_ALIGN_CENTER);
    format_set_align(writer->header, LXW_ALIGN_VERTICAL_CENTER);
    format_set_bg_color(writer->header, 0x1A4480);
    format_set_font_color(writer->header, LXW_COLOR_WHITE);
    writer->zebra = workbook_add_format(writer->file);
    format_set_bg_color(writer->zebra, 0xF2F2F2);
}

/* ---- cells ---- */

static void put_text(struct writer *writer, lxw_worksheet *sheet, uint32_t row, uint32_t column,
                     const char *text, lxw_format *format)
{
    mu_buf_reset(&writer->encoded);
    cell_text_encode(text, &writer->encoded);
    (void)worksheet_write_string(sheet, row, (lxw_col_t)column, writer->encoded.data, format);
}

static void put_cell(struct writer *writer, lxw_worksheet *sheet, uint32_t row, uint32_t column,
                     const struct form_cell *cell)
{
    if (cell->kind == FORM_TEXT)
        put_text(writer, sheet, row, column, cell->text,
                 cell_text_is_runnable(cell->text) ? writer->guarded : writer->text);
    else if (cell->kind == FORM_NUMBER)
        (void)worksheet_write_number(sheet, row, (lxw_col_t)column, cell->number, writer->text);
    else if (cell->kind != FORM_BLANK)
        (void)worksheet_write_number(sheet, row, (lxw_col_t)column, cell->number, writer->date);
}

static void put_due(struct writer *writer, lxw_worksheet *sheet, const struct form_sheet *form,
                    uint32_t row, uint32_t column, double value)
{
    const size_t places[4] = {form->due->detected, form->due->original, form->due->adjusted,
                              form->due->adjustment};
    char letters[4][FORM_LETTERS_SIZE];
    const char *names[4];
    MU_AUTO_DONE(mu_buf_done) struct mu_buf formula;

    for (size_t i = 0; i < 4; i++) {
        form_column_letters(form->first_column + places[i], letters[i]);
        names[i] = letters[i];
    }
    mu_buf_init(&formula, FORM_TEXT_BYTES);
    mu_buf_puts(&formula, "=");
    form_due_formula(names, row + 1, &formula);
    (void)worksheet_write_formula_num(sheet, row, (lxw_col_t)column, formula.data, writer->date,
                                      value);
}

static enum mu_status put_row(struct writer *writer, lxw_worksheet *sheet,
                              const struct form_sheet *form, uint32_t row,
                              const struct form_cell *cells, struct mu_error *err)
{
    enum mu_status st = form_check_cells(form, cells, err);

    if (st != MU_OK)
        return st;
    if (row >= FORM_MAX_ROWS)
        return mu_fail(err, MU_E_LIMIT, "sheet '%s' holds no more than %d rows", form->name,
                       FORM_MAX_ROWS);
    worksheet_set_row(sheet, row, form_row_height(form, cells), NULL);
    for (size_t i = 0; i < form->column_count; i++) {
        uint32_t column = form->first_column + (uint32_t)i;

        if (cells[i].kind == FORM_DUE && form->due)
            put_due(writer, sheet, form, row, column, cells[i].number);
        else
            put_cell(writer, sheet, row, column, &cells[i]);
    }
    return MU_OK;
}

/* ---- what a sheet has beside its rows ---- */

/* The file stores a width with five pixels of padding, at seven pixels a digit. */
static void set_widths(lxw_worksheet *sheet, const struct form_sheet *form)
{
    for (uint32_t i = 0; i < form->first_column; i++)
        worksheet_set_column(sheet, (lxw_col_t)i, (lxw_col_t)i, form->label_width - 5.0 / 7.0,
                             NULL);
    for (size_t i = 0; i < form->column_count; i++) {
        lxw_col_t column = (lxw_col_t)(form->first_column + i);

        worksheet_set_column(sheet, column, column, form->columns[i].width - 5.0 / 7.0, NULL);
    }
}

static void merge(lxw_worksheet *sheet, uint32_t row, const struct form_field *field,
                  lxw_format *format)
{
    if (field->last > field->column)
        worksheet_merge_range(sheet, row, (lxw_col_t)field->column, row, (lxw_col_t)field->last, "",
                              format);
}

static void put_fixed(struct writer *writer, lxw_worksheet *sheet, const struct form_fixed *fixed)
{
    lxw_format *format = fixed->bold ? writer->bold : writer->text;

    mu_buf_reset(&writer->encoded);
    cell_text_encode(fixed->text, &writer->encoded);
    if (fixed->last > fixed->first || fixed->more_rows)
        worksheet_merge_range(sheet, fixed->row, (lxw_col_t)fixed->first,
                              fixed->row + fixed->more_rows, (lxw_col_t)fixed->last,
                              writer->encoded.data, format);
    else
        put_text(writer, sheet, fixed->row, fixed->first, fixed->text, format);
}

static void put_field(struct writer *writer, lxw_worksheet *sheet, uint32_t row,
                      const struct form_field *field)
{
    if (field->row == row) {
        merge(sheet, row, field, writer->header);
        put_text(writer, sheet, row, field->column, field->label, writer->header);
    } else if (field->row + 1 == row) {
        merge(sheet, row, field, writer->text);
        put_cell(writer, sheet, row, field->column, &field->value);
    }
}

static bool is_row(const struct form_sheet *form, uint32_t row, bool *ret_notes)
{
    *ret_notes = row + 1 == form->data_row && row > form->header_row;
    return row == form->header_row || *ret_notes;
}

/* Everything above the rows, from top to bottom: rows are written once and for all. */
static void put_head(struct writer *writer, lxw_worksheet *sheet, const struct form_sheet *form)
{
    for (uint32_t row = 0; row < form->data_row; row++) {
        bool notes = false;

        if (row == form->header_row)
            worksheet_set_row(sheet, row, form_header_height(form), NULL);
        for (size_t i = 0; i < form->fixed_count; i++)
            if (form->fixed[i].row == row)
                put_fixed(writer, sheet, &form->fixed[i]);
        for (size_t i = 0; i < form->field_count; i++)
            put_field(writer, sheet, row, &form->fields[i]);
        for (size_t i = 0; i < form->column_count && is_row(form, row, &notes); i++) {
            const char *text = notes ? form->columns[i].note : form->columns[i].header;

            if (text && *text)
                put_text(writer, sheet, row, form->first_column + (uint32_t)i, text,
                         notes ? writer->text : writer->header);
        }
    }
}

static void add_choices(lxw_worksheet *sheet, uint32_t first, uint32_t last, lxw_col_t column,
                        const char *choices)
{
    char copy[256];
    char *words[CHOICES_MAX + 1] = {NULL}, *at = copy;
    lxw_data_validation validation = {.validate = LXW_VALIDATION_TYPE_LIST};

    (void)snprintf(copy, sizeof(copy), "%s", choices);
    for (size_t i = 0; i < CHOICES_MAX && at; i++)
        words[i] = strsep(&at, ",");
    validation.value_list = words;
    (void)worksheet_data_validation_range(sheet, first, column, last, column, &validation);
}

/* A date after the first day spreadsheets know. */
static void add_date_rule(lxw_worksheet *sheet, uint32_t first, uint32_t last, lxw_col_t column)
{
    lxw_data_validation validation = {.validate = LXW_VALIDATION_TYPE_DATE_NUMBER,
                                      .criteria = LXW_VALIDATION_CRITERIA_GREATER_THAN,
                                      .value_number = 1};

    (void)worksheet_data_validation_range(sheet, first, column, last, column, &validation);
}

static void add_rules(struct writer *writer, lxw_worksheet *sheet, const struct form_sheet *form,
                      uint32_t end_row)
{
    char formula[] = "=MOD(ROW(),2)=0";
    lxw_conditional_format zebra = {
            .type = LXW_CONDITIONAL_TYPE_FORMULA, .value_string = formula, .format = writer->zebra};
    uint32_t last = form->data_row + FORM_VALID_ROWS;

    last = end_row > last ? end_row : last;
    if (!form->next)
        return;
    for (size_t i = 0; i < form->column_count; i++) {
        lxw_col_t column = (lxw_col_t)(form->first_column + i);

        if (form->columns[i].choices)
            add_choices(sheet, form->data_row, last, column, form->columns[i].choices);
        else if (form->columns[i].kind == FORM_DATE || form->columns[i].kind == FORM_DUE)
            add_date_rule(sheet, form->data_row, last, column);
    }
    if (form->zebra)
        (void)worksheet_conditional_format_range(
                sheet, form->data_row, (lxw_col_t)form->first_column, last,
                (lxw_col_t)(form->first_column + form->column_count - 1), &zebra);
}

static void set_print(lxw_worksheet *sheet, const struct form_sheet *form)
{
    worksheet_set_landscape(sheet);
    worksheet_set_paper(sheet, PAPER_TABLOID);
    worksheet_set_margins(sheet, 0.4, 0.4, 0.5, 0.6);
    (void)worksheet_set_footer(sheet, "&L&\"Arial\"&9&F&C&\"Arial\"&9&A&R&\"Arial\"&9&P of &N");
    if (form->column_count == 0)
        return;
    worksheet_fit_to_pages(sheet, form->column_count > 40 ? 4 : 2, 0);
    worksheet_repeat_rows(sheet, form->header_row, form->header_row);
    worksheet_repeat_columns(sheet, 0, (lxw_col_t)form->first_column);
}

static enum mu_status write_sheet(struct writer *writer, const struct form_sheet *form,
                                  size_t *ret_rows, struct mu_error *err)
{
    lxw_worksheet *sheet = workbook_add_worksheet(writer->file, form->name);
    uint32_t row = form->data_row;
    bool found = form->next != NULL;

    if (!sheet)
        return mu_fail(err, MU_E_UNAVAILABLE, "sheet '%s' cannot be made", form->name);
    set_widths(sheet, form);
    set_print(sheet, form);
    if (form->freeze_row)
        worksheet_freeze_panes(sheet, form->freeze_row, 0);
    put_head(writer, sheet, form);
    while (found) {
        struct form_cell cells[FORM_MAX_COLUMNS] = {{FORM_BLANK, NULL, 0}};
        enum mu_status st = form->next(form->opaque, cells, &found, err);

        if (st == MU_OK && found)
            st = put_row(writer, sheet, form, row++, cells, err);
        if (st != MU_OK)
            return st;
    }
    add_rules(writer, sheet, form, row);
    *ret_rows = row - form->data_row;
    return MU_OK;
}

static enum mu_status write_sheets(struct writer *writer, const struct form *form,
                                   size_t ret_rows[FORM_MAX_SHEETS], struct mu_error *err)
{
    char author[] = "Muster", title[128];
    lxw_doc_properties document = {
            .title = title, .author = author, .created = (time_t)(form->as_of_us / 1000000)};
    enum mu_status st = MU_OK;

    (void)snprintf(title, sizeof(title), "%s", form->title);
    workbook_set_properties(writer->file, &document);
    make_formats(writer);
    for (size_t i = 0; st == MU_OK && i < form->sheet_count; i++)
        st = write_sheet(writer, &form->sheets[i], &ret_rows[i], err);
    return st;
}

struct counting {
    const struct form_sheet *form;
    size_t rows;
};

static enum mu_status count_row(void *opaque, size_t row, const char *const *cells, size_t count,
                                struct mu_error *err)
{
    struct counting *counting = opaque;

    (void)cells, (void)count, (void)err;
    counting->rows += row > counting->form->data_row ? 1 : 0;
    return MU_OK;
}

/* The library does not notice a full disk under its temporary files. */
static enum mu_status read_back(const struct form *form, const char *path,
                                const size_t rows[FORM_MAX_SHEETS], struct mu_error *err)
{
    for (size_t i = 0; i < form->sheet_count; i++) {
        struct counting counting = {.form = &form->sheets[i]};

        if (xlsx_read(path, form->sheets[i].name, count_row, &counting, err) != MU_OK) {
            (void)mu_wrap(err, "the workbook was not written whole");
            return err->status = MU_E_UNAVAILABLE;
        }
        if (counting.rows != rows[i])
            return mu_fail(err, MU_E_UNAVAILABLE, "sheet '%s' holds %zu rows of %zu",
                           form->sheets[i].name, counting.rows, rows[i]);
    }
    return MU_OK;
}

enum mu_status form_write(const struct form *form, const char *path, struct mu_error *err)
{
    size_t rows[FORM_MAX_SHEETS] = {0};
    lxw_workbook_options options = {.constant_memory = LXW_TRUE};
    struct writer writer = {.file = workbook_new_opt(path, &options)};
    lxw_error failed;
    enum mu_status st;

    if (!writer.file)
        return mu_fail(err, MU_E_UNAVAILABLE, "workbook '%s' cannot be made", path);
    mu_buf_init(&writer.encoded, FORM_TEXT_BYTES);
    st = write_sheets(&writer, form, rows, err);
    mu_buf_done(&writer.encoded);
    if (st != MU_OK) {
        lxw_workbook_free(writer.file);
        (void)unlink(path);
        return st;
    }
    failed = workbook_close(writer.file); /* frees it in any case */
    st = failed == LXW_NO_ERROR
                 ? read_back(form, path, rows, err)
                 : mu_fail(err, MU_E_UNAVAILABLE, "workbook '%s': %s", path, lxw_strerror(failed));
    if (st != MU_OK)
        (void)unlink(path);
    return st;
}

#include "workbook/workbook.h"

#include "workbook/cell_text.h"
#include "workbook/columns.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xlsxwriter.h>

static const char instructions_sheet[] = "INSTRUCTIONS "; /* the template's trailing space */
static const char changes_sheet[] = "Record of Changes";

enum {
    PAPER_TABLOID = 3,
    ZOOM_PERCENT = 80,
    TEXT_FORMAT_INDEX = 49 /* "@" */
};
static const double line_points = 14.25, max_row_points = 409, character_width = 1.3;

struct inventory_workbook {
    lxw_workbook *file;
    lxw_worksheet *instructions, *inventory, *changes;
    lxw_format *cell, *label;
    lxw_format *guarded; /* for what would run as a formula when typed */
    lxw_row_t next_row;
    uint32_t max_rows;
    struct mu_buf text; /* the cell being written, encoded */
    char *path;
};

/* Arial 11, wrapped, bordered, as the template has it. */
static lxw_format *new_format(lxw_workbook *file)
{
    lxw_format *format = workbook_add_format(file);

    format_set_font_name(format, "Arial");
    format_set_font_size(format, 11);
    format_set_text_wrap(format);
    format_set_border(format, LXW_BORDER_THIN);
    format_set_align(format, LXW_ALIGN_VERTICAL_CENTER);
    return format;
}

static lxw_format *new_header_format(lxw_workbook *file, lxw_color_t fill, lxw_color_t text)
{
    lxw_format *format = new_format(file);

    format_set_bold(format);
    format_set_align(format, LXW_ALIGN_CENTER);
    format_set_bg_color(format, fill);
    format_set_font_color(format, text);
    return format;
}

static lxw_format *new_cell_format(lxw_workbook *file)
{
    lxw_format *format = new_format(file);

    format_set_align(format, LXW_ALIGN_LEFT);
    format_set_indent(format, 1);
    return format;
}

/* The file stores a width with five pixels of padding, at seven pixels a digit. */
static void set_stored_width(lxw_worksheet *sheet, lxw_col_t column, double stored)
{
    worksheet_set_column(sheet, column, column, stored - 5.0 / 7.0, NULL);
}

/* Landscape on tabloid; every page has the sheet's and its own number. */
static void set_print(lxw_worksheet *sheet)
{
    worksheet_set_landscape(sheet);
    worksheet_set_paper(sheet, PAPER_TABLOID);
    worksheet_set_margins(sheet, 0.4, 0.4, 0.5, 0.6);
    (void)worksheet_set_footer(sheet, "&L&\"Arial\"&9&F&C&\"Arial\"&9&A&R&\"Arial\"&9&P of &N");
}

/* One page is too narrow for 25 columns at a size that can be read: two, each with identifier and
 * headers. */
static void set_inventory_print(lxw_worksheet *sheet)
{
    set_print(sheet);
    worksheet_fit_to_pages(sheet, 2, 0);
    worksheet_repeat_rows(sheet, 0, WORKBOOK_HEADER_ROWS - 1);
    worksheet_repeat_columns(sheet, COLUMN_UAI, COLUMN_UAI);
}

/* Our own texts are short and clean; the system's name goes the way of every cell. */
static void put(struct inventory_workbook *workbook, lxw_worksheet *sheet, lxw_row_t row,
                lxw_col_t column, const char *text)
{
    mu_buf_reset(&workbook->text);
    cell_text_encode(text, &workbook->text);
    (void)worksheet_write_string(sheet, row, column, workbook->text.data,
                                 cell_text_is_runnable(text) ? workbook->guarded : workbook->cell);
}

static void write_instructions(struct inventory_workbook *workbook,
                               const struct inventory_workbook_properties *properties)
{
    const char *const facts[][2] = {{"System", properties->system_name},
                                    {"Month", properties->month},
                                    {"As of", properties->as_of}};
    static const char *const lines[][2] = {
            {"Rows", "Each row of the sheet Inventory is one class of container image with "
                     "containers in production."},
            {"UNIQUE ASSET IDENTIFIER",
             "Repository/Image Name:Version as the registry names it; the same text stands in the "
             "raw scans of this package."},
            {"IPv4 or IPv6 Address", "The registry checksum of each container in production of "
                                     "that image and version, one a line."},
            {"In Latest Scan", "No where a container has no complete scan within 30 days; the "
                               "comment and coverage-gaps.json say why."},
            {"Proof", "manifest.json lists every file of this package with its SHA-256; "
                      "'muster-report verify' checks all of this offline."},
    };
    lxw_worksheet *sheet = workbook->instructions;
    lxw_row_t row = 0;

    set_print(sheet);
    worksheet_gridlines(sheet, LXW_HIDE_ALL_GRIDLINES);
    set_stored_width(sheet, 0, 37);
    set_stored_width(sheet, 1, 110);
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++, row++) {
        worksheet_write_string(sheet, row, 0, facts[i][0], workbook->label);
        put(workbook, sheet, row, 1, facts[i][1]);
    }
    row++;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++, row++) {
        worksheet_write_string(sheet, row, 0, lines[i][0], workbook->label);
        put(workbook, sheet, row, 1, lines[i][1]);
    }
    if (properties->has_others) {
        worksheet_write_string(sheet, row, 0, "Other assets", workbook->label);
        put(workbook, sheet, row, 1,
            "Hosts, sensors and other assets are those that the system's owner lists; "
            "other-assets.json names them.");
    }
}

static void write_headers(lxw_workbook *file, lxw_worksheet *sheet)
{
    lxw_format *header = new_header_format(file, LXW_COLOR_WHITE, LXW_COLOR_BLACK);

    worksheet_gridlines(sheet, LXW_HIDE_ALL_GRIDLINES);
    worksheet_set_zoom(sheet, ZOOM_PERCENT);
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        set_stored_width(sheet, (lxw_col_t)i, inventory_columns[i].width);
    worksheet_set_row(sheet, 0, 42.75, NULL);
    for (size_t i = 0; i < INVENTORY_GROUPS; i++)
        worksheet_merge_range(
                sheet, 0, (lxw_col_t)inventory_groups[i].first, 0,
                (lxw_col_t)inventory_groups[i].last, inventory_groups[i].title,
                new_header_format(file, inventory_groups[i].fill, inventory_groups[i].text));
    worksheet_set_row(sheet, 1, 41.4, NULL);
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        worksheet_write_string(sheet, 1, (lxw_col_t)i, inventory_columns[i].header, header);
    worksheet_freeze_panes(sheet, WORKBOOK_HEADER_ROWS, 1);
    set_inventory_print(sheet);
}

/* The template's own history is not repeated: this sheet records changes of this file. */
static void write_changes(struct inventory_workbook *workbook,
                          const struct inventory_workbook_properties *properties)
{
    static const char *const heads[] = {"Date", "Description", "Version", "Author"};
    static const double widths[] = {30, 48.78, 17.66, 18.78};
    const char *const change[] = {properties->as_of, "Monthly inventory, template version 3.1",
                                  properties->month, "Muster"};
    lxw_format *header = new_header_format(workbook->file, LXW_COLOR_WHITE, LXW_COLOR_BLACK);
    lxw_worksheet *sheet = workbook->changes;

    set_print(sheet);
    set_stored_width(sheet, 0, 5.11);
    worksheet_merge_range(sheet, 1, 1, 1, 4, "Record of Changes", header);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        set_stored_width(sheet, (lxw_col_t)(i + 1), widths[i]);
        worksheet_write_string(sheet, 2, (lxw_col_t)(i + 1), heads[i], header);
    }
    for (size_t i = 0; i < sizeof(change) / sizeof(change[0]); i++)
        put(workbook, sheet, 3, (lxw_col_t)(i + 1), change[i]);
}

static void set_properties(lxw_workbook *file,
                           const struct inventory_workbook_properties *properties)
{
    char title[] = "FedRAMP Integrated Inventory Workbook";
    char author[] = "Muster";
    lxw_doc_properties document = {
            .title = title, .author = author, .created = (time_t)(properties->as_of_us / 1000000)};

    workbook_set_properties(file, &document);
}

/* Each sheet has a temporary file: false when there is no room for one. */
static bool add_sheets(struct inventory_workbook *workbook)
{
    workbook->instructions = workbook_add_worksheet(workbook->file, instructions_sheet);
    workbook->inventory = workbook_add_worksheet(workbook->file, workbook_inventory_sheet);
    workbook->changes = workbook_add_worksheet(workbook->file, changes_sheet);
    return workbook->instructions && workbook->inventory && workbook->changes;
}

static void fill_sheets(struct inventory_workbook *workbook,
                        const struct inventory_workbook_properties *properties)
{
    workbook->cell = new_cell_format(workbook->file);
    workbook->label = new_cell_format(workbook->file);
    format_set_bold(workbook->label);
    workbook->guarded = new_cell_format(workbook->file);
    format_set_num_format_index(workbook->guarded, TEXT_FORMAT_INDEX);
    set_properties(workbook->file, properties);
    write_instructions(workbook, properties);
    write_headers(workbook->file, workbook->inventory);
    write_changes(workbook, properties);
    worksheet_activate(workbook->inventory);
}

enum mu_status inventory_workbook_open(const char *path,
                                       const struct inventory_workbook_properties *properties,
                                       struct inventory_workbook **ret_workbook,
                                       struct mu_error *err)
{
    lxw_workbook_options options = {.constant_memory = LXW_TRUE};
    struct inventory_workbook *workbook = mu_xcalloc(1, sizeof(*workbook));

    workbook->path = mu_xstrdup(path);
    mu_buf_init(&workbook->text, WORKBOOK_CELL_BYTES);
    workbook->file = workbook_new_opt(path, &options);
    if (!workbook->file || !add_sheets(workbook)) {
        inventory_workbook_abandon(workbook);
        return mu_fail(err, MU_E_UNAVAILABLE, "workbook '%s' cannot be made", path);
    }
    workbook->next_row = WORKBOOK_HEADER_ROWS;
    workbook->max_rows = properties->max_rows ? properties->max_rows : WORKBOOK_MAX_ROWS;
    fill_sheets(workbook, properties);
    *ret_workbook = workbook;
    return MU_OK;
}

static enum mu_status check_cell(const struct inventory_workbook_row *row, size_t column,
                                 struct mu_error *err)
{
    const char *text = row->cells[column];

    if (cell_text_length(text) > WORKBOOK_CELL_MAX)
        return mu_fail(err, MU_E_LIMIT, "asset '%.200s': '%s' holds more than %d characters",
                       row->cells[COLUMN_UAI], inventory_columns[column].header, WORKBOOK_CELL_MAX);
    if (!mu_utf8_valid(text, strlen(text)))
        return mu_fail(err, MU_E_INVALID, "asset '%.200s': '%s' is not UTF-8",
                       row->cells[COLUMN_UAI], inventory_columns[column].header);
    return MU_OK;
}

static lxw_error write_cell(struct inventory_workbook *workbook, lxw_col_t column, const char *text)
{
    if (!text || !*text)
        return worksheet_write_blank(workbook->inventory, workbook->next_row, column,
                                     workbook->cell);
    mu_buf_reset(&workbook->text);
    cell_text_encode(text, &workbook->text);
    return worksheet_write_string(workbook->inventory, workbook->next_row, column,
                                  workbook->text.data,
                                  cell_text_is_runnable(text) ? workbook->guarded : workbook->cell);
}

/* Lines the text takes in a column, wrapped; generous, since fonts differ. */
static size_t lines_of(const char *text, double width)
{
    const size_t per_line = (size_t)(width / character_width);
    size_t lines = 0;

    do {
        size_t len = strcspn(text, "\n");

        lines += len == 0 ? 1 : (len + per_line - 1) / per_line;
        text += len + (text[len] == '\n');
    } while (*text);
    return lines;
}

/* Not every spreadsheet grows rows by itself when it opens a file. */
static void set_height(struct inventory_workbook *workbook,
                       const struct inventory_workbook_row *row)
{
    size_t most = 1;
    double points;

    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        size_t lines = row->cells[i] ? lines_of(row->cells[i], inventory_columns[i].width) : 1;

        most = lines > most ? lines : most;
    }
    points = (double)most * line_points + 3;
    worksheet_set_row(workbook->inventory, workbook->next_row,
                      points > max_row_points ? max_row_points : points, NULL);
}

enum mu_status inventory_workbook_add(struct inventory_workbook *workbook,
                                      const struct inventory_workbook_row *row,
                                      struct mu_error *err)
{
    enum mu_status st;

    if (workbook->next_row - WORKBOOK_HEADER_ROWS >= workbook->max_rows)
        return mu_fail(err, MU_E_LIMIT, "asset '%.200s': a sheet holds no more than %u rows",
                       row->cells[COLUMN_UAI], workbook->max_rows);
    set_height(workbook, row);
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        st = row->cells[i] ? check_cell(row, i, err) : MU_OK;
        if (st != MU_OK)
            return st;
        if (write_cell(workbook, (lxw_col_t)i, row->cells[i]) != LXW_NO_ERROR)
            return mu_fail(err, MU_E_LIMIT, "asset '%.200s': '%s' does not fit a cell",
                           row->cells[COLUMN_UAI], inventory_columns[i].header);
    }
    workbook->next_row++;
    return MU_OK;
}

static void release(struct inventory_workbook *workbook)
{
    mu_buf_done(&workbook->text);
    free(workbook->path);
    free(workbook);
}

enum mu_status inventory_workbook_close(struct inventory_workbook *workbook, struct mu_error *err)
{
    lxw_error failed;
    enum mu_status st = MU_OK;

    /* Frees the lxw_workbook in any case. */
    failed = workbook_close(workbook->file);
    workbook->file = NULL;
    if (failed != LXW_NO_ERROR)
        st = mu_fail(err, MU_E_UNAVAILABLE, "workbook '%s': %s", workbook->path,
                     lxw_strerror(failed));
    release(workbook);
    return st;
}

void inventory_workbook_abandon(struct inventory_workbook *workbook)
{
    if (!workbook)
        return;
    if (workbook->file)
        lxw_workbook_free(workbook->file);
    (void)unlink(workbook->path);
    release(workbook);
}

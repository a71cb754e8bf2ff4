#include "workbook/workbook.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xlsxwriter.h>

const char workbook_inventory_sheet[] = "Inventory";
static const char instructions_sheet[] = "INSTRUCTIONS "; /* the template's trailing space */
static const char changes_sheet[] = "Record of Changes";

struct column {
    const char *header;
    double width;
};

static const struct column columns[COLUMN_COUNT] = {
        [COLUMN_UAI] = {"UNIQUE ASSET IDENTIFIER", 37.33},
        [COLUMN_ADDRESS] = {"IPv4 or IPv6 Address", 58.33},
        [COLUMN_VIRTUAL] = {"Virtual", 25},
        [COLUMN_PUBLIC] = {"Public", 25},
        [COLUMN_DNS] = {"DNS Name or URL", 25},
        [COLUMN_NETBIOS] = {"NetBIOS Name", 15},
        [COLUMN_MAC] = {"MAC Address", 15.33},
        [COLUMN_AUTHENTICATED] = {"Authenticated Scan", 16.66},
        [COLUMN_BASELINE] = {"Baseline Configuration Name", 41.11},
        [COLUMN_OS] = {"OS Name and Version", 19.66},
        [COLUMN_LOCATION] = {"Location", 18.33},
        [COLUMN_ASSET_TYPE] = {"Asset Type", 16.44},
        [COLUMN_HARDWARE] = {"Hardware Make/Model", 17},
        [COLUMN_IN_LATEST_SCAN] = {"In Latest Scan", 16.11},
        [COLUMN_VENDOR] = {"Software/ Database Vendor", 15.66},
        [COLUMN_SOFTWARE] = {"Software/ Database Name & Version", 17.66},
        [COLUMN_PATCH_LEVEL] = {"Patch Level", 15.66},
        [COLUMN_DIAGRAM_LABEL] = {"Diagram Label", 55.78},
        [COLUMN_COMMENTS] = {"Comments", 55.78},
        [COLUMN_SERIAL] = {"Serial #/Asset Tag#", 18.33},
        [COLUMN_VLAN] = {"VLAN/\nNetwork ID", 18.44},
        [COLUMN_SYSTEM_ADMINISTRATOR] = {"System Administrator/ Owner", 18.44},
        [COLUMN_APPLICATION_ADMINISTRATOR] = {"Application Administrator/ Owner", 17.78},
        [COLUMN_FUNCTION] = {"Function", 17},
        [COLUMN_END_OF_LIFE] = {"End-of-Life ", 17},
};

struct group {
    enum workbook_column first, last;
    const char *title;
};

static const struct group groups[] = {
        {COLUMN_UAI, COLUMN_DNS, "All Inventories"},
        {COLUMN_NETBIOS, COLUMN_IN_LATEST_SCAN, "OS/Infrastructure Inventory"},
        {COLUMN_VENDOR, COLUMN_PATCH_LEVEL, "Software and Database Inventories"},
        {COLUMN_DIAGRAM_LABEL, COLUMN_END_OF_LIFE, "Any Inventory"},
};

struct inventory_workbook {
    lxw_workbook *file;
    lxw_worksheet *inventory;
    lxw_format *cell;
    lxw_row_t next_row;
    char *path;
};

const char *inventory_workbook_header(enum workbook_column column)
{
    return columns[column].header;
}

/* Arial 11, wrapped, as the template has it; headers also bold and centred. */
static lxw_format *new_format(lxw_workbook *file, bool header)
{
    lxw_format *format = workbook_add_format(file);

    format_set_font_name(format, "Arial");
    format_set_font_size(format, 11);
    format_set_text_wrap(format);
    format_set_align(format, LXW_ALIGN_VERTICAL_CENTER);
    if (header) {
        format_set_bold(format);
        format_set_align(format, LXW_ALIGN_CENTER);
        format_set_border(format, LXW_BORDER_THIN);
    } else {
        format_set_align(format, LXW_ALIGN_LEFT);
    }
    return format;
}

static void write_instructions(lxw_workbook *file,
                               const struct inventory_workbook_properties *properties,
                               lxw_format *cell)
{
    static const char *const lines[] = {
            "Each row of the sheet Inventory is one class of container image with containers in "
            "production.",
            "UNIQUE ASSET IDENTIFIER is Repository/Image Name:Version as the registry names it; "
            "the "
            "same text stands in the raw scans of this package.",
            "The address column holds the registry checksum of each container in production of "
            "that "
            "image and version, one a line.",
            "In Latest Scan is No where a container has no complete scan within 30 days; the "
            "comment and coverage-gaps.json say why.",
            "manifest.json lists every file of this package with its SHA-256; 'muster-report "
            "verify' checks all of this offline.",
    };
    lxw_worksheet *sheet = workbook_add_worksheet(file, instructions_sheet);
    lxw_row_t row = 0;

    worksheet_set_column(sheet, 0, 0, 27, NULL);
    worksheet_set_column(sheet, 1, 1, 110, NULL);
    worksheet_write_string(sheet, row, 0, "System", cell);
    worksheet_write_string(sheet, row++, 1, properties->system_name, cell);
    worksheet_write_string(sheet, row, 0, "Month", cell);
    worksheet_write_string(sheet, row++, 1, properties->month, cell);
    worksheet_write_string(sheet, row, 0, "As of", cell);
    worksheet_write_string(sheet, row++, 1, properties->as_of, cell);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        worksheet_write_string(sheet, ++row, 1, lines[i], cell);
}

static void write_headers(lxw_worksheet *sheet, lxw_format *header)
{
    worksheet_gridlines(sheet, LXW_HIDE_ALL_GRIDLINES);
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        worksheet_set_column(sheet, (lxw_col_t)i, (lxw_col_t)i, columns[i].width, NULL);
    worksheet_set_row(sheet, 0, 42.75, NULL);
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        worksheet_merge_range(sheet, 0, (lxw_col_t)groups[i].first, 0, (lxw_col_t)groups[i].last,
                              groups[i].title, header);
    worksheet_set_row(sheet, 1, 41.4, NULL);
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        worksheet_write_string(sheet, 1, (lxw_col_t)i, columns[i].header, header);
    worksheet_freeze_panes(sheet, WORKBOOK_HEADER_ROWS, 1);
}

/* The template's own history is not repeated: this sheet records changes of this file. */
static void write_changes(lxw_workbook *file,
                          const struct inventory_workbook_properties *properties, lxw_format *cell,
                          lxw_format *header)
{
    static const char *const heads[] = {"Date", "Description", "Version", "Author"};
    static const double widths[] = {27, 48.78, 17.66, 18.78};
    lxw_worksheet *sheet = workbook_add_worksheet(file, changes_sheet);

    worksheet_set_column(sheet, 0, 0, 5.11, NULL);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        worksheet_set_column(sheet, (lxw_col_t)(i + 1), (lxw_col_t)(i + 1), widths[i], NULL);
        worksheet_write_string(sheet, 2, (lxw_col_t)(i + 1), heads[i], header);
    }
    worksheet_write_string(sheet, 3, 1, properties->as_of, cell);
    worksheet_write_string(sheet, 3, 2, "Monthly inventory, template version 3.1", cell);
    worksheet_write_string(sheet, 3, 3, properties->month, cell);
    worksheet_write_string(sheet, 3, 4, "Muster", cell);
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

static void fill_sheets(struct inventory_workbook *workbook,
                        const struct inventory_workbook_properties *properties)
{
    lxw_format *header = new_format(workbook->file, true);

    workbook->cell = new_format(workbook->file, false);
    set_properties(workbook->file, properties);
    write_instructions(workbook->file, properties, workbook->cell);
    workbook->inventory = workbook_add_worksheet(workbook->file, workbook_inventory_sheet);
    write_headers(workbook->inventory, header);
    write_changes(workbook->file, properties, workbook->cell, header);
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
    workbook->file = workbook_new_opt(path, &options);
    if (!workbook->file) {
        inventory_workbook_abandon(workbook);
        return mu_fail(err, MU_E_UNAVAILABLE, "workbook '%s' cannot be made", path);
    }
    workbook->next_row = WORKBOOK_HEADER_ROWS;
    fill_sheets(workbook, properties);
    *ret_workbook = workbook;
    return MU_OK;
}

enum mu_status inventory_workbook_add(struct inventory_workbook *workbook,
                                      const struct inventory_workbook_row *row,
                                      struct mu_error *err)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        const char *text = row->cells[i];

        if (text && strlen(text) > WORKBOOK_CELL_MAX)
            return mu_fail(err, MU_E_LIMIT, "asset '%s': '%s' holds more than %d bytes",
                           row->cells[COLUMN_UAI], columns[i].header, WORKBOOK_CELL_MAX);
        if (text && *text &&
            worksheet_write_string(workbook->inventory, workbook->next_row, (lxw_col_t)i, text,
                                   workbook->cell) != LXW_NO_ERROR)
            return mu_fail(err, MU_E_LIMIT, "asset '%s': row %u does not fit the sheet",
                           row->cells[COLUMN_UAI], workbook->next_row + 1);
    }
    workbook->next_row++;
    return MU_OK;
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
    free(workbook->path);
    free(workbook);
    return st;
}

void inventory_workbook_abandon(struct inventory_workbook *workbook)
{
    if (!workbook)
        return;
    if (workbook->file)
        lxw_workbook_free(workbook->file);
    (void)unlink(workbook->path);
    free(workbook->path);
    free(workbook);
}

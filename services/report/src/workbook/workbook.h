/*
 * workbook: the FedRAMP Integrated Inventory Workbook v3.1 in its submitted layout:
 * label column and guidance rows deleted, group headers in row 1, column headers in row 2, data
 * from row 3, Unique Asset Identifier in column A.
 *
 * Source: SSP Appendix M, Integrated Inventory Workbook Template v3.1 (2024-12-06); headers to the
 * letter, its trailing spaces and line feed included. Optional cells that have no value stay blank.
 *
 * Writing is one pass with bounded memory: rows are added in their final order. Cells are texts,
 * never formulas; what would run once typed again has the text format. It prints on landscape
 * tabloid, two pages wide, identifier and headers on every page.
 * Same rows, same bytes: no clock, no locale. (Names start with inventory_workbook_ since
 * libxlsxwriter has the plain ones.)
 */
#ifndef REPORT_WORKBOOK_H
#define REPORT_WORKBOOK_H

#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum workbook_column {
    COLUMN_UAI = 0,
    COLUMN_ADDRESS, /* for containers: registry checksum of each container in production, one a line
                     */
    COLUMN_VIRTUAL,
    COLUMN_PUBLIC,
    COLUMN_DNS,
    COLUMN_NETBIOS,
    COLUMN_MAC,
    COLUMN_AUTHENTICATED,
    COLUMN_BASELINE,
    COLUMN_OS,
    COLUMN_LOCATION,
    COLUMN_ASSET_TYPE,
    COLUMN_HARDWARE,
    COLUMN_IN_LATEST_SCAN,
    COLUMN_VENDOR,
    COLUMN_SOFTWARE,
    COLUMN_PATCH_LEVEL,
    COLUMN_DIAGRAM_LABEL,
    COLUMN_COMMENTS,
    COLUMN_SERIAL,
    COLUMN_VLAN,
    COLUMN_SYSTEM_ADMINISTRATOR,
    COLUMN_APPLICATION_ADMINISTRATOR,
    COLUMN_FUNCTION,
    COLUMN_END_OF_LIFE,
    COLUMN_COUNT
};

enum {
    WORKBOOK_HEADER_ROWS = 2,
    WORKBOOK_CELL_MAX = 32767,        /* characters (UTF-16 units), as Excel counts */
    WORKBOOK_CELL_BYTES = 256 * 1024, /* such a cell with every character escaped */
    WORKBOOK_MAX_ROWS = 1048576 - 2   /* of one sheet, below the headers */
};

/* Header text of a column, exactly as the template has it. */
const char *inventory_workbook_header(enum workbook_column column);
/* Title of the group that begins with this column; NULL inside a group. */
const char *inventory_workbook_group(enum workbook_column column);
extern const char workbook_inventory_sheet[]; /* "Inventory" */

struct inventory_workbook_row {
    const char *cells[COLUMN_COUNT]; /* NULL or "": blank */
};

struct inventory_workbook_properties {
    const char *system_name;
    const char *month; /* "2026-11" */
    const char *as_of; /* RFC 3339 */
    int64_t as_of_us;  /* becomes the file's creation date */
    bool has_others;   /* rows of assets that are no container images */
    uint32_t max_rows; /* 0: as many as a sheet holds, WORKBOOK_MAX_ROWS */
};

struct inventory_workbook;

/* Errors: MU_E_UNAVAILABLE (no room for temporary files). */
enum mu_status inventory_workbook_open(const char *path,
                                       const struct inventory_workbook_properties *properties,
                                       struct inventory_workbook **ret_workbook,
                                       struct mu_error *err) MU_MUST_CHECK;
/* Errors: MU_E_LIMIT (a cell over WORKBOOK_CELL_MAX, more rows than a sheet holds), MU_E_INVALID
 * (not UTF-8). */
enum mu_status inventory_workbook_add(struct inventory_workbook *workbook,
                                      const struct inventory_workbook_row *row,
                                      struct mu_error *err) MU_MUST_CHECK;
/*
 * Writes the file and frees the workbook, also on failure. Errors: MU_E_UNAVAILABLE. The library
 * does not notice when the temporary files of the sheets run out of room: read the file back.
 */
enum mu_status inventory_workbook_close(struct inventory_workbook *workbook,
                                        struct mu_error *err) MU_MUST_CHECK;
/* Gives up without a file. NULL is fine. */
void inventory_workbook_abandon(struct inventory_workbook *workbook);

MU_DEFINE_AUTO(inventory_workbook, struct inventory_workbook, inventory_workbook_abandon)

#endif

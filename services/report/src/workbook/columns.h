/*
 * columns: headers, widths and groups of the inventory sheet, for who writes it and who reads it.
 */
#ifndef REPORT_WORKBOOK_COLUMNS_H
#define REPORT_WORKBOOK_COLUMNS_H

#include "workbook/workbook.h"

struct inventory_column {
    const char *header;
    double width;
};
extern const struct inventory_column inventory_columns[COLUMN_COUNT];

/* The group headers of row 1, with the template's colours (RGB). */
struct inventory_group {
    enum workbook_column first, last;
    const char *title;
    uint32_t fill, text;
};
enum { INVENTORY_GROUPS = 4 };
extern const struct inventory_group inventory_groups[INVENTORY_GROUPS];

#endif

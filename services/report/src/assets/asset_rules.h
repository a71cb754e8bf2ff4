/* asset_rules: what the inventory workbook demands of a row that is no container image. */
#ifndef REPORT_ASSETS_ASSET_RULES_H
#define REPORT_ASSETS_ASSET_RULES_H

#include "system/system_file.h"
#include "workbook/workbook.h"

#include <stdbool.h>

/* The column of a header or key; COLUMN_COUNT: none. */
enum workbook_column asset_column_of(const char *name);

/* What is wrong with the row, in `ret_column`; NULL: nothing. */
const char *asset_problem(const struct inventory_workbook_row *row,
                          const struct system_file *system, enum workbook_column *ret_column);

#endif

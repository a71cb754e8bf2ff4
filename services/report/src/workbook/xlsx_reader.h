/*
 * xlsx_reader: the cells of one sheet of an .xlsx file, row by row, whoever wrote the
 * file (shared or inline strings).
 *
 * Source: ECMA-376 part 1, sections 18.3 (worksheets) and 18.4 (shared strings).
 * Trust: hostile. Every zip entry is read through a size limit, the number of shared strings, cells
 * a row, bytes a cell, nesting and bytes a tag are bounded; DTDs, macros and rows out of order are
 * refused. Formulas are not evaluated.
 */
#ifndef REPORT_XLSX_READER_H
#define REPORT_XLSX_READER_H

#include "base/error.h"

#include <stddef.h>

enum { XLSX_MAX_COLUMNS = 64, XLSX_MAX_ROWS = 1048576, XLSX_MAX_CELL_BYTES = 256 * 1024 };

/* `cells[i]` is the text of column i or NULL; borrowed during the call. `row` counts from 1. */
typedef enum mu_status xlsx_row_fn(void *opaque, size_t row, const char *const *cells,
                                   size_t cell_count, struct mu_error *err);

/*
 * Calls `each` for every row of the sheet that has cells. Errors: MU_E_NOT_FOUND (no file, no such
 * sheet), MU_E_INVALID (not an xlsx), MU_E_LIMIT, or what `each` returned.
 */
enum mu_status xlsx_read(const char *path, const char *sheet, xlsx_row_fn *each, void *opaque,
                         struct mu_error *err) MU_MUST_CHECK;

/* The same on a file in memory. */
enum mu_status xlsx_read_memory(const void *bytes, size_t len, const char *sheet, xlsx_row_fn *each,
                                void *opaque, struct mu_error *err) MU_MUST_CHECK;

/* The sheets in their order: `cells[0]` is the name, `row` the place from 1. Errors: as xlsx_read.
 */
enum mu_status xlsx_sheets(const char *path, xlsx_row_fn *each, void *opaque,
                           struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * template_layout: where a sheet of a template has what a form says: columns and fields by the text
 * of their headers, wherever they stand, and the first row of the table.
 *
 * Case and white space of headers do not count. Trust: hostile.
 */
#ifndef REPORT_WORKBOOK_TEMPLATE_LAYOUT_H
#define REPORT_WORKBOOK_TEMPLATE_LAYOUT_H

#include "workbook/form.h"

enum { TEMPLATE_MAX_FIELDS = 16, TEMPLATE_HEAD_ROWS = 64 };

/* Rows count from 1, as in the file, columns from 0. */
struct template_layout {
    uint32_t header_row, data_row;
    size_t columns[FORM_MAX_COLUMNS]; /* of the form's columns */
    struct {
        uint32_t row; /* of the value; 0: the template has no such field */
        size_t column;
    } fields[TEMPLATE_MAX_FIELDS];
};

/*
 * Errors: MU_E_NOT_FOUND (no such sheet), MU_E_INVALID (not this form: a header is missing or
 * stands there twice; it holds items already), MU_E_LIMIT.
 */
enum mu_status template_layout_read(const void *bytes, size_t len, const struct form_sheet *sheet,
                                    struct template_layout *ret_layout,
                                    struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * template_sheet: a sheet of a template with fields and rows filled in. What is not filled is
 * copied byte for byte: column widths, panes, merged cells, validations, conditional formats.
 *
 * A filled row keeps the formats of its cells; a formula stays in a column of calculated dates and
 * is refused elsewhere, where it would be lost. Examples that the form wants replaced go. Rows
 * beyond those that the template prepared are made like its last, and the ranges of validations and
 * conditional formats grow with them.
 *
 * Source: ECMA-376 part 1, section 18.3 (worksheets). Trust: hostile; rows and cells out of order
 * are refused.
 */
#ifndef REPORT_WORKBOOK_TEMPLATE_SHEET_H
#define REPORT_WORKBOOK_TEMPLATE_SHEET_H

#include "workbook/template_layout.h"
#include "workbook/template_styles.h"

#include <stdio.h>

/* `xml` is the sheet's part. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_UNAVAILABLE (write), or the
 * reader's of the rows. */
enum mu_status template_sheet_write(const char *xml, size_t len, const struct form_sheet *sheet,
                                    const struct template_layout *layout,
                                    struct template_styles *styles, FILE *out,
                                    struct mu_error *err) MU_MUST_CHECK;

#endif

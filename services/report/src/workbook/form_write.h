/*
 * form_write: a form as a new workbook. One pass with bounded memory; same rows, same bytes.
 *
 * Cells are texts, numbers and dates; the only formulas are those of form_due_formula. What would
 * run once typed again has the text format.
 */
#ifndef REPORT_WORKBOOK_FORM_WRITE_H
#define REPORT_WORKBOOK_FORM_WRITE_H

#include "workbook/form.h"

/* Errors: MU_E_LIMIT (more rows than a sheet holds, a cell too long), MU_E_INVALID (not UTF-8),
 * MU_E_UNAVAILABLE, or the readers'. Then there is no file. */
enum mu_status form_write(const struct form *form, const char *path,
                          struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * template: an official form as FedRAMP publishes it (.xlsx), filled: the sheets that the form
 * describes get their fields and rows, every other part of the file stays as it is, byte for byte.
 *
 * Trust: hostile. Sizes are bounded before anything is unpacked, every part is unpacked once to see
 * that it is what the archive says; encrypted workbooks, macros and old .xls files are refused by
 * name.
 */
#ifndef REPORT_WORKBOOK_TEMPLATE_H
#define REPORT_WORKBOOK_TEMPLATE_H

#include "workbook/form.h"

#include <stdio.h>

enum { TEMPLATE_MAX_BYTES = 32 * 1024 * 1024 }; /* of the file; unpacked eight times as many */

struct template;

/* `bytes` are borrowed. Errors: MU_E_INVALID, MU_E_LIMIT. */
enum mu_status template_open(const void *bytes, size_t len, struct template **ret_template,
                             struct mu_error *err) MU_MUST_CHECK;
void template_free(struct template *template); /* NULL is fine */

/* The part of the sheet, filled. Errors: as of template_fill. */
enum mu_status template_render(struct template *template, const struct form_sheet *sheet, FILE *out,
                               struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(template, struct template, template_free)

/*
 * Fills the template into a new file. Sheets of the form without rows and fields are left as the
 * template has them. Errors: MU_E_NOT_FOUND (no template, no such sheet), MU_E_INVALID (not this
 * form), MU_E_LIMIT, MU_E_UNAVAILABLE, or the readers'. Then there is no file.
 */
enum mu_status template_fill(const char *template_path, const struct form *form, const char *path,
                             struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * template_styles: the cell formats of a template, and those that filled cells need beside them:
 * the cell's own format with wrapped text, as text, or as a date. What the template has stays as it
 * is; new formats are put behind.
 *
 * Source: ECMA-376 part 1, section 18.8 (styles), cellXfs. Trust: hostile.
 */
#ifndef REPORT_WORKBOOK_TEMPLATE_STYLES_H
#define REPORT_WORKBOOK_TEMPLATE_STYLES_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum style_variant { STYLE_WRAPPED, STYLE_TEXT, STYLE_DATE, STYLE_VARIANTS };

struct template_styles;

/* `xml` is xl/styles.xml, borrowed. Errors: MU_E_INVALID, MU_E_LIMIT. */
enum mu_status template_styles_new(const char *xml, size_t len, struct template_styles **ret_styles,
                                   struct mu_error *err) MU_MUST_CHECK;
void template_styles_free(struct template_styles *styles); /* NULL is fine */

/* Number of the variant of a format; made when it is asked for. */
uint32_t template_styles_variant(struct template_styles *styles, uint32_t base,
                                 enum style_variant variant);

/* The part with what was asked for. Errors: MU_E_LIMIT. */
enum mu_status template_styles_write(const struct template_styles *styles, struct mu_buf *out,
                                     struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(template_styles, struct template_styles, template_styles_free)

#endif

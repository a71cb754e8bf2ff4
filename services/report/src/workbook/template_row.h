/*
 * template_row: a row of a sheet of a template as it was parsed, and written again with cells of a
 * form in it. For template_sheet.
 */
#ifndef REPORT_WORKBOOK_TEMPLATE_ROW_H
#define REPORT_WORKBOOK_TEMPLATE_ROW_H

#include "workbook/form.h"
#include "workbook/template_layout.h"
#include "workbook/template_styles.h"

/* A cell as the template has it: places in the XML. */
struct template_cell {
    size_t column, begin, end;
    uint32_t style;
    bool has_value;
    size_t formula_begin, formula_end; /* equal: none */
};

struct template_row {
    uint32_t number; /* from 1 */
    struct mu_buf attributes;
    struct template_cell *cells;
    size_t count, capacity;
};

/* What rows are written with. */
struct template_row_writer {
    const char *xml;
    const char *prefix; /* of elements: "x:" or "" */
    const struct form_sheet *sheet;
    const struct template_layout *layout;
    struct template_styles *styles;
    uint32_t models[FORM_MAX_COLUMNS]; /* formats of the form's columns in the last row seen */
    struct mu_buf out;                 /* the row */
    struct mu_buf scratch;
};

/* The row with the form's cells, or with its fields' values when `cells` is NULL, into `out`.
 * Errors: MU_E_INVALID (a formula in the way), MU_E_LIMIT. */
enum mu_status template_row_write(struct template_row_writer *writer,
                                  const struct template_row *row, const struct form_cell *cells,
                                  struct mu_error *err) MU_MUST_CHECK;
/* The row without values, formulas left. */
enum mu_status template_row_clear(struct template_row_writer *writer,
                                  const struct template_row *row,
                                  struct mu_error *err) MU_MUST_CHECK;

#endif

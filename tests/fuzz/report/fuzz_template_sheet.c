#include "poam/poam_form.h"
#include "workbook/template_sheet.h"

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum mu_status next(void *opaque, struct form_cell *cells, bool *ret_found,
                           struct mu_error *err)
{
    size_t *left = opaque;

    (void)err;
    *ret_found = *left > 0;
    if (*left == 0)
        return MU_OK;
    --*left;
    cells[POAM_ID] = (struct form_cell){FORM_TEXT, "V-1", 0};
    cells[POAM_DUE] = (struct form_cell){FORM_DUE, NULL, 46030};
    return MU_OK;
}

/* The XML of a sheet, and the same as that of the formats. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char plain[] = "<s><cellXfs><xf/></cellXfs></s>";
    MU_AUTO(template_styles) struct template_styles *styles = NULL;
    MU_AUTO(template_styles) struct template_styles *own = NULL;
    struct template_layout layout = {.header_row = 2, .data_row = 4};
    size_t left[3] = {3, 3, 3};
    void *const readers[3] = {&left[0], &left[1], &left[2]};
    struct form_field fields[POAM_FIELDS];
    struct form form;
    struct mu_error err;
    struct mu_buf out;
    FILE *file = fopen("/dev/null", "we");

    for (size_t i = 0; i < POAM_COLUMNS; i++)
        layout.columns[i] = i;
    poam_form_fields(fields);
    poam_form_make(fields, next, readers, 0, &form);
    if (template_styles_new(plain, sizeof(plain) - 1, &styles, &err) == MU_OK)
        (void)!template_sheet_write((const char *)data, size, &form.sheets[1], &layout, styles,
                                    file, &err);
    (void)fclose(file);
    if (template_styles_new((const char *)data, size, &own, &err) != MU_OK)
        return 0;
    mu_buf_init(&out, 1 << 20);
    (void)template_styles_variant(own, (uint32_t)(size % 3), STYLE_DATE);
    (void)!template_styles_write(own, &out, &err);
    mu_buf_done(&out);
    return 0;
}

#include "poam/poam_form.h"
#include "workbook/template.h"

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Three items on each sheet. */
static enum mu_status next(void *opaque, struct form_cell *cells, bool *ret_found,
                           struct mu_error *err)
{
    size_t *left = opaque;

    (void)err;
    *ret_found = *left > 0;
    if (*left == 0)
        return MU_OK;
    --*left;
    cells[POAM_ID] = (struct form_cell){FORM_TEXT, "=V-1 <&>\n\x01", 0};
    cells[POAM_DETECTED] = (struct form_cell){FORM_DATE, NULL, 46000};
    cells[POAM_DUE] = (struct form_cell){FORM_DUE, NULL, 46030};
    return MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(template) struct template *template = NULL;
    size_t left[3] = {3, 3, 3};
    void *const readers[3] = {&left[0], &left[1], &left[2]};
    struct form_field fields[POAM_FIELDS];
    struct form form;
    struct mu_error err;

    if (template_open(data, size, &template, &err) != MU_OK)
        return 0;
    poam_form_fields(fields);
    fields[POAM_FIELD_IMPACT].value = (struct form_cell){FORM_TEXT, "Moderate", 0};
    poam_form_make(fields, next, readers, 0, &form);
    for (size_t i = 1; i <= 3; i++) {
        FILE *out = fopen("/dev/null", "we");

        (void)!template_render(template, &form.sheets[i], out, &err);
        (void)fclose(out);
    }
    return 0;
}

#include "workbook/xlsx_reader.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum mu_status look(void *opaque, size_t row, const char *const *cells, size_t count,
                           struct mu_error *err)
{
    size_t *total = opaque;

    (void)row, (void)err;
    for (size_t i = 0; i < count; i++)
        *total += cells[i] ? 1 : 0;
    return MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mu_error err;
    size_t total = 0;

    (void)!xlsx_read_memory(data, size, "Inventory", look, &total, &err);
    return 0;
}

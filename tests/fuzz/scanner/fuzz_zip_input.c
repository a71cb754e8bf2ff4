/* Any bytes as a zip of records: no document is longer than the limit. */
#include "database/zip_input.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static enum mu_status each(void *opaque, const char *name, const char *json, size_t len,
                           struct mu_error *err)
{
    size_t *total = opaque;

    (void)json;
    if (strlen(name) < 5 || len > ZIP_DOCUMENT_MAX_BYTES)
        abort();
    *total += len;
    return *total > 2 * (size_t)ZIP_DOCUMENT_MAX_BYTES ? mu_fail(err, MU_E_LIMIT, "enough") : MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t total = 0;
    struct mu_error err;

    (void)!zip_input_read_memory(bytes, len, each, &total, &err);
    return 0;
}

/* Any bytes as a zip of OSV records: no record is longer than the limit. */
#include "database/builder.h"
#include "database/osv_input.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static enum mu_status each(void *opaque, const char *name, const char *json, size_t len,
                           struct mu_error *err)
{
    size_t *total = opaque;

    (void)json;
    if (strlen(name) < 5 || len > OSV_RECORD_MAX_BYTES)
        abort();
    *total += len;
    return *total > 4 * (size_t)OSV_RECORD_MAX_BYTES ? mu_fail(err, MU_E_LIMIT, "enough") : MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t total = 0;
    struct mu_error err;

    (void)!osv_input_read_zip_memory(bytes, len, each, &total, &err);
    return 0;
}

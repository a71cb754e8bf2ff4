#include "snapshot/snapshot_file.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = NULL;
    FILE *in = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
    struct mu_error err;

    if (!in)
        return 0;
    (void)!snapshot_load(in, &snapshot, &err);
    (void)fclose(in);
    return 0;
}

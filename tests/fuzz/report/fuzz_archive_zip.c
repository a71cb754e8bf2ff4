#include "archive/zip_reader.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum mu_status ignore(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    (void)opaque, (void)bytes, (void)len, (void)err;
    return MU_OK;
}

/* Every entry of what may be a zip. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(zip_reader) struct zip_reader *reader = NULL;
    struct zip_entry entry;
    struct mu_error err;

    if (zip_reader_open_memory(data, size, &reader, &err) != MU_OK)
        return 0;
    while (zip_reader_next(reader, &entry, &err) == MU_OK)
        if (entry.size < 1 << 20)
            (void)zip_reader_read(reader, &entry, ignore, NULL, &err);
    return 0;
}

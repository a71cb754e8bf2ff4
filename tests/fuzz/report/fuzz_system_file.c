#include "system/system_file.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct system_file system;
    struct mu_error err;

    (void)!system_file_parse("fuzz", (const char *)data, size, arena, &system, &err);
    return 0;
}

#include "fuzz_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_body("nomad", NULL, data, size, NULL, NULL);
    return 0;
}

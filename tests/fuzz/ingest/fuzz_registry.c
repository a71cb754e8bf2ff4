#include "fuzz_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_body("registry", NULL, data, size, NULL, NULL);
    return 0;
}

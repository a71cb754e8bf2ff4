/* Any bytes as Alpine's secdb, JSON or YAML. */
#include "document_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    (void)document_fuzz("secdb", bytes, len);
    return 0;
}

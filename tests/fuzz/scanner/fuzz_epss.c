/* Any bytes as EPSS scores. */
#include "document_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    (void)document_fuzz("epss", bytes, len);
    return 0;
}

/* Any bytes as an NVD feed. */
#include "document_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    (void)document_fuzz("nvd", bytes, len);
    return 0;
}

/* Any bytes as a CSAF document. */
#include "document_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    (void)document_fuzz("csaf", bytes, len);
    return 0;
}

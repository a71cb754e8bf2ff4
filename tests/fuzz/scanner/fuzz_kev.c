/* Any bytes as CISA's catalog of known exploited vulnerabilities. */
#include "document_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    (void)document_fuzz("kev", bytes, len);
    return 0;
}

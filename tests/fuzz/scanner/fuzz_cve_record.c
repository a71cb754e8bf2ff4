/* Any bytes as a CVE record. */
#include "document_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    (void)document_fuzz("cve", bytes, len);
    return 0;
}

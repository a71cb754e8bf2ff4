/* Any bytes as lines of CVSS and SSVC. */
#include "document_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    (void)document_fuzz("cvss", bytes, len);
    return 0;
}

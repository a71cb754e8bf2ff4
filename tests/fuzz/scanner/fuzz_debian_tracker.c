/* Any bytes as Debian's security tracker. */
#include "document_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    (void)document_fuzz("debian-tracker", bytes, len);
    return 0;
}

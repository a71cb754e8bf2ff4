/* Any text as a CVSS vector: a score is between 0 and 10. */
#include "match/cvss.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *vector = malloc(len + 1);
    int tenths = 0;

    if (!vector)
        return 0;
    memcpy(vector, bytes, len);
    vector[len] = '\0';
    if (cvss_v3_base(vector, &tenths) && (tenths < 0 || tenths > 100))
        abort();
    if (cvss_v2_base(vector, &tenths) && (tenths < 0 || tenths > 100))
        abort();
    free(vector);
    return 0;
}

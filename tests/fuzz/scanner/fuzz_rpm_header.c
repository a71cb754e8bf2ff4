/* Any bytes as a header of rpm: what is told is text, and paths are clean. */
#include "os_fuzz.h"
#include "package/os/rpm_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct rpm_header header;
    struct mu_error err;

    if (rpm_header_parse(bytes, len, &header, &err) == MU_OK &&
        rpm_header_tell(&header, &fuzz_sink, &err) != MU_OK)
        abort();
    return 0;
}

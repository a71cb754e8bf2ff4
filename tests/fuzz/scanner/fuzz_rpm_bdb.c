/* Any bytes as an rpm database of Berkeley DB: no more is handed over than the file has, and what
 * is told is text. */
#include "rpm_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t left = len;
    struct mu_error err;

    (void)rpm_bdb_walk(bytes, len, rpm_fuzz_blob, &left, &err);
    os_fuzz_read(&finder_rpm_bdb, "var/lib/rpm/Packages", bytes, len);
    return 0;
}

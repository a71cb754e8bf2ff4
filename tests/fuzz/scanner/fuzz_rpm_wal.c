/* Any bytes as the write-ahead log of an rpm database: nothing is read outside of it. */
#include "os_fuzz.h"
#include "package/os/os_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    os_fuzz_read(&finder_rpm_wal, "var/lib/rpm/rpmdb.sqlite-wal", bytes, len);
    return 0;
}

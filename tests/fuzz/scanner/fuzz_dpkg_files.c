/* Any bytes as dpkg's list of files and as checksums: paths are clean. */
#include "os_fuzz.h"
#include "package/os/os_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    os_fuzz_read(&finder_dpkg_list, "var/lib/dpkg/info/a.list", bytes, len);
    os_fuzz_read(&finder_dpkg_md5sums, "var/lib/dpkg/status.d/a.md5sums", bytes, len);
    return 0;
}

/* Any bytes as apk's database: what is told is text, and paths are clean. */
#include "os_fuzz.h"
#include "package/os/os_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    os_fuzz_read(&finder_apk_installed, "lib/apk/db/installed", bytes, len);
    return 0;
}

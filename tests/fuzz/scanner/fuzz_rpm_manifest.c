/* Any bytes as the manifest of packages of Azure Linux's distroless images. */
#include "os_fuzz.h"
#include "package/os/os_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    os_fuzz_read(&finder_rpm_manifest, "var/lib/rpmmanifest/container-manifest-2", bytes, len);
    return 0;
}

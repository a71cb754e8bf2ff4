/* Any bytes as each file that may say which distribution an image is. */
#include "os_fuzz.h"
#include "package/os/os_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const paths[] = {"etc/lsb-release", "etc/alpine-release",
                                        "etc/redhat-release", "etc/debian_version"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        os_fuzz_read(&finder_os_release, paths[i], bytes, len);
    return 0;
}

/* Any bytes as an executable, under names that are looked into for a version. */
#include "finder_fuzz.h"
#include "package/language/language_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const paths[] = {"bin/app", "bin/python3.11", "bin/redis-server",
                                        "bin/postgres", "lib/libcrypto.so.3"};
    const struct finder_entry entry = {.path = "a", .path_len = 1, .kind = FINDER_FILE};

    if (!finder_executable.wants_head(&entry, bytes,
                                      len < FINDER_HEAD_BYTES ? len : FINDER_HEAD_BYTES))
        return 0;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        finder_fuzz(&finder_executable, paths[i], bytes, len);
    return 0;
}

/* Any bytes as os-release: every value that counts is text of bounded length. */
#include "package/os/os_release.h"

#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void must_be_text(const char *value)
{
    if (value && (value[0] == '\0' || strlen(value) > OS_RELEASE_VALUE_MAX ||
                  !mu_utf8_valid(value, strlen(value))))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(4 << 20);
    struct os_release release;
    struct mu_error err;

    if (os_release_parse((const char *)bytes, len, arena, &release, &err) != MU_OK)
        return 0;
    must_be_text(release.id);
    must_be_text(release.version_id);
    must_be_text(release.version_codename);
    must_be_text(release.pretty_name);
    return 0;
}

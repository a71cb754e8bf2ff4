/* Any bytes as a page of a catalog: names that are told end, and are as many as is said. */
#include "listing/listing_page.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static enum mu_status count(void *opaque, const char *name, struct mu_error *err)
{
    (void)err;
    if (strlen(name) > LISTING_PAGE_MAX_BYTES)
        abort();
    ++*(size_t *)opaque;
    return MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const members[] = {"repositories", "tags"};

    for (size_t i = 0; i < 2; i++) {
        size_t told = 0, said = 0;
        struct mu_error err;

        if (listing_page_read((const char *)bytes, len, members[i], count, &told, &said, &err) ==
                    MU_OK &&
            told != said)
            abort();
    }
    return 0;
}

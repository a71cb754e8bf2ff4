/* Any bytes as a package URL, and as the package it names. */
#include "match/purl_package.h"

#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct image_package package;
    struct image_os os;
    struct mu_error err;
    struct purl purl;

    if (purl_parse((const char *)bytes, len, arena, &purl, &err) != MU_OK)
        return 0;
    if (purl.name[0] == '\0' || !mu_utf8_valid(purl.name, strlen(purl.name)))
        abort();
    if (purl_package(&purl, arena, &package, &os, &err) == MU_OK && !package.version)
        abort();
    return 0;
}

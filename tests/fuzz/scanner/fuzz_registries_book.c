/* Any bytes as the registries file: a book that is accepted has an answer for every host. */
#include "registry/registry_book.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const hosts[] = {"docker.io", "registry.example.gov:5000", "h", ""};
    MU_AUTO(registry_book) struct registry_book *book = NULL;
    struct registry_mirror mirrors[REGISTRY_MIRRORS_MAX];
    struct mu_registry_access access;
    size_t count = 0;
    struct mu_error err;

    if (registry_book_parse((const char *)bytes, len, &book, &err) != MU_OK)
        return 0;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (registry_book_find(book, hosts[i], strlen(hosts[i]), &access, &err) != MU_OK)
            abort();
        if (registry_book_mirrors(book, hosts[i], strlen(hosts[i]), mirrors, &count, &err) ==
                    MU_OK &&
            count > REGISTRY_MIRRORS_MAX)
            abort();
        if (!access.username != !access.password_file ||
            memchr(access.url, '\0', sizeof(access.url)) == NULL ||
            strncmp(access.url, "http", 4) != 0)
            abort();
    }
    return 0;
}

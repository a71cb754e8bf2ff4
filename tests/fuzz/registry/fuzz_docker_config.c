/* Any bytes as config.json: what is accepted has whole credentials, for any host. */
#include "registry/docker_config.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const hosts[] = {"docker.io", "reg.example", "reg.example:5000", ""};

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(4 << 20);
        struct docker_credentials found;
        struct mu_error err;

        if (docker_config_find((const char *)bytes, len, hosts[i], arena, &found, &err) != MU_OK)
            continue;
        if ((found.helper && found.helper[0] == '\0') ||
            (found.identity_token && found.identity_token[0] == '\0'))
            abort();
    }
    return 0;
}

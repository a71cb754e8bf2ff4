#include "watch/kube_config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names of files lead into a folder that is not there. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(16 << 20);
    struct kube_access access = {0};
    struct mu_error err;

    if (kube_config_parse("/nonexistent/fuzz", (const char *)data, size, NULL, arena, &access,
                          &err) != MU_OK) {
        if (err.status != MU_E_INVALID && err.status != MU_E_LIMIT && err.status != MU_E_NOMEM &&
            err.status != MU_E_NOT_FOUND && err.status != MU_E_UNAVAILABLE)
            abort();
        return 0;
    }
    if (strncmp(access.url, "http", 4) != 0 || access.url[strlen(access.url) - 1] == '/')
        abort();
    if (!(access.client_cert_file || access.client_cert_pem) !=
        !(access.client_key_file || access.client_key_pem))
        abort();
    return 0;
}

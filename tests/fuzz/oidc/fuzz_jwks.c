#include "oidc/key_store.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every key that is handed out can be used, and has a name. */
static enum mu_status use(void *opaque, const char *kid, struct mu_public_key *key,
                          struct mu_error *err)
{
    (void)opaque, (void)err;
    if (!kid || !key || mu_public_key_verifies(key, MU_HASH_SHA256, "text", 4, "signature", 9))
        abort();
    mu_public_key_free(key);
    return MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mu_error err = {.status = MU_OK};
    enum mu_status st = mu_jwks_read((const char *)data, size, use, NULL, &err);

    if (st != MU_OK && err.status != st)
        abort();
    return 0;
}

/* Any bytes as the answer of a credential helper: what is accepted has a secret, and a refusal does
 * not repeat it. */
#include "registry/credential_helper.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct registry_credential credential;
    struct mu_error err;

    registry_credential_init(&credential);
    if (credential_helper_parse((const char *)bytes, len, &credential, &err) == MU_OK) {
        if (credential.secret.len == 0 ||
            (credential.kind != CREDENTIAL_BASIC && credential.kind != CREDENTIAL_IDENTITY))
            abort();
    } else if (strncmp(err.message, "its answer", 10) != 0 && !strstr(err.message, "Username") &&
               !strstr(err.message, "Secret")) {
        abort();
    }
    registry_credential_done(&credential);
    return 0;
}

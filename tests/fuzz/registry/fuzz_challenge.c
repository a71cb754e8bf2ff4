/* Any text as WWW-Authenticate: what is chosen can be answered, and every value ends in its field.
 */
#include "registry/challenge.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void must_end(const char *text, size_t size)
{
    if (memchr(text, '\0', size) == NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct challenge challenge;
    char *header = malloc(len + 1); /* exactly as long: an over-read is caught */
    bool found;

    if (!header)
        return 0;
    memcpy(header, bytes, len);
    header[len] = '\0';
    found = challenge_choose(header, &challenge);
    if (found != (challenge.scheme != CHALLENGE_NONE) ||
        (challenge.scheme == CHALLENGE_BEARER && challenge.realm[0] == '\0'))
        abort();
    must_end(challenge.realm, sizeof(challenge.realm));
    must_end(challenge.service, sizeof(challenge.service));
    must_end(challenge.scope, sizeof(challenge.scope));
    free(header);
    return 0;
}

#include "apply/findings.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The digest of the examples, so that mutations get past the check of whose evidence it is. */
#define DIGEST "sha256:5842760b86e3114fd3c5a54c14d7944453c3700363800dcc07faa69d5dce7eaa"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(8 << 20);
    MU_AUTO(write_set) struct write_set *set = write_set_new();
    struct effects effects = {.set = set, .arena = arena};
    const char *uai = "registry.example/team/app:1.0";
    struct mu_scan_result result = {.digest = DIGEST, .evidence_digest = DIGEST, .uais = {&uai, 1}};
    struct event event = {.message = &result, .type = MU_MSG_SCAN_RESULT};
    struct mu_error err;

    (void)!findings_parse(&effects, &event, (const char *)data, size, &err);
    return 0;
}

/* Any bytes as a VEX document behind a good one, which is still found. */
#include "match/vex.h"

#include <stdint.h>
#include <stdlib.h>

static const char good[] =
        "{\"@context\":\"https://openvex.dev/ns/v0.2.0\",\"statements\":[{\"vulnerability\":"
        "\"CVE-1999-1\",\"products\":[\"pkg:npm/p@1\"],\"status\":\"fixed\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    MU_AUTO(vex_set) struct vex_set *set = vex_set_new();
    const struct image_package package = {.type = "npm", .name = "p", .version = "1"};
    struct mu_error err;

    if (vex_set_read(set, "good", good, sizeof(good) - 1, &err) != MU_OK)
        abort();
    (void)!vex_set_read(set, "fuzz", (const char *)bytes, len, &err);
    if (!vex_set_find(set, "CVE-1999-1", &package, NULL))
        abort();
    (void)vex_set_find(set, "CVE-2024-1", &package, "sha256:1");
    return 0;
}

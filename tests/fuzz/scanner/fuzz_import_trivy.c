/* Any bytes as a report of the kind trivy: what is accepted is complete and can be written. */
#include "import_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct import_options options = {.kind = IMPORT_TRIVY, .digest = import_fuzz_digest};
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(IMPORT_ARENA_MAX_BYTES);
    struct imported_scan scan;
    struct mu_error err;
    enum mu_status st = import_read((const char *)bytes, len, &options, arena, &scan, &err);

    import_fuzz_result(st, &scan, arena);
    return 0;
}

/* Any bytes as a report of the kind grype: what is accepted is complete and can be written. */
#include "import/import.h"

#include <stdlib.h>
#include <string.h>

static const char digest[] =
        "sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";

static void must_be_complete(const struct imported_scan *scan)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    MU_AUTO_FILE FILE *nowhere = fopen("/dev/null", "w");
    struct json_stream out;
    struct mu_error err;

    if (strcmp(scan->digest, digest) != 0 || scan->suppressed_count > scan->finding_count)
        abort();
    for (size_t i = 0; i < scan->finding_count; i++)
        if (!scan->findings[i].id || !scan->findings[i].package || !scan->findings[i].version ||
            !scan->findings[i].severity_source)
            abort();
    json_stream_init(&out, nowhere, hash);
    imported_scan_put(&out, scan);
    if (json_stream_finish(&out, &err) != MU_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct import_options options = {.kind = IMPORT_GRYPE, .digest = digest};
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(IMPORT_ARENA_MAX_BYTES);
    struct imported_scan scan;
    struct mu_error err;
    enum mu_status st = import_read((const char *)bytes, len, &options, arena, &scan, &err);

    if (st == MU_OK)
        must_be_complete(&scan);
    else if (st != MU_E_INVALID && st != MU_E_LIMIT)
        abort();
    return 0;
}

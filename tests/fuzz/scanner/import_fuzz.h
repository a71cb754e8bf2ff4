/*
 * import_fuzz: what a report in any bytes must have when it was accepted: all that a scan of record
 * needs, and it can be written.
 */
#ifndef TESTS_FUZZ_SCANNER_IMPORT_FUZZ_H
#define TESTS_FUZZ_SCANNER_IMPORT_FUZZ_H

#include "import/import.h"

#include <stdlib.h>
#include <string.h>

static const char import_fuzz_digest[] =
        "sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";

static inline void import_fuzz_complete(const struct imported_scan *scan)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    MU_AUTO_FILE FILE *nowhere = fopen("/dev/null", "w");
    struct json_stream out;
    struct mu_error err;

    if (strcmp(scan->digest, import_fuzz_digest) != 0 ||
        scan->suppressed_count > scan->finding_count)
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

static inline void import_fuzz_result(enum mu_status st, const struct imported_scan *scan)
{
    if (st == MU_OK)
        import_fuzz_complete(scan);
    else if (st != MU_E_INVALID && st != MU_E_LIMIT)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif

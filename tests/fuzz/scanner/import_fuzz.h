/*
 * import_fuzz: what a report in any bytes must have when it was accepted: all that a scan of record
 * needs, and it can be written.
 */
#ifndef TESTS_FUZZ_SCANNER_IMPORT_FUZZ_H
#define TESTS_FUZZ_SCANNER_IMPORT_FUZZ_H

#include "import/import_record.h"

#include <stdlib.h>
#include <string.h>

static const char import_fuzz_digest[] =
        "sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";

/* As a scan of record its counts add up, and it can be told in a message. */
static inline void import_fuzz_record(struct imported_scan *scan, struct mu_arena *arena)
{
    static const char *uai = "registry.example/app:1";
    static struct import_target target = {.repository = "registry.example/app",
                                          .configuration_checksum = import_fuzz_digest};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf message;
    struct mu_scan_result result = {.request_id = "r", .job_id = "j", .attempt = 1};
    const struct mu_scan_counts *counts = &result.counts;
    struct mu_error err;

    target.uais = (struct mu_json_texts){&uai, 1};
    scan->target = &target;
    mu_buf_init(&message, MU_MSG_MAX_BYTES);
    if (import_record_tell(scan, arena, &result, &err) != MU_OK ||
        mu_msg_encode(MU_MSG_SCAN_RESULT, &result, &message, &err) != MU_OK ||
        counts->findings !=
                counts->critical + counts->high + counts->moderate + counts->low + counts->unknown)
        abort();
}

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

static inline void import_fuzz_result(enum mu_status st, struct imported_scan *scan,
                                      struct mu_arena *arena)
{
    if (st == MU_OK) {
        import_fuzz_record(scan, arena);
        import_fuzz_complete(scan);
    } else if (st != MU_E_INVALID && st != MU_E_LIMIT)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif

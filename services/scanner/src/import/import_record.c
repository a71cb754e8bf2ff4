#include "import/import_record.h"

#include "base/buf.h"
#include "base/text.h"

#include <string.h>

enum { CHECKSUM_TEXT_MAX = 64 * 1024, RESULT_TEXT_MAX = 255 };

/* The same report, read in the same way, has the same checksum. */
void import_record_checksum(const struct imported_scan *scan, const char *how,
                            char ret_checksum[MU_DIGEST_TEXT_SIZE])
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    mu_buf_init(&text, CHECKSUM_TEXT_MAX);
    mu_buf_printf(&text, "muster-scanner %s import kind=%d tool=%s version=%s settings=%s how=%s",
                  MU_VERSION, (int)scan->kind, scan->tool ? scan->tool : "",
                  scan->tool_version ? scan->tool_version : "", scan->told_configuration,
                  how ? how : "");
    mu_sha256_text(text.data, text.len, ret_checksum);
}

/* Packages that findings name, each once: findings are in their order. */
static int64_t packages_named(const struct imported_scan *scan)
{
    int64_t count = 0;

    for (size_t i = 0; i < scan->finding_count; i++) {
        const struct imported_finding *this = &scan->findings[i], *last = i > 0 ? this - 1 : NULL;

        count += !last || !mu_text_equal(last->package, this->package) ||
                 !mu_text_equal(last->version, this->version);
    }
    return count;
}

static struct mu_scan_counts counts_of(const struct imported_scan *scan)
{
    int64_t counts[IMPORT_SEVERITIES];

    imported_scan_count(scan, counts);
    return (struct mu_scan_counts){.packages = packages_named(scan),
                                   .findings =
                                           (int64_t)(scan->finding_count - scan->suppressed_count),
                                   .critical = counts[SEVERITY_CRITICAL],
                                   .high = counts[SEVERITY_HIGH],
                                   .moderate = counts[SEVERITY_MODERATE],
                                   .low = counts[SEVERITY_LOW] + counts[SEVERITY_NEGLIGIBLE],
                                   .unknown = counts[SEVERITY_UNKNOWN]};
}

/* Cut to what a message may hold, at a character's border. */
static const char *fit(struct mu_arena *arena, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    if (len <= RESULT_TEXT_MAX)
        return text;
    for (len = RESULT_TEXT_MAX; len > 0 && !mu_utf8_valid(text, len); len--)
        continue;
    return mu_arena_strndup(arena, text, len);
}

static const char *os_name(const struct imported_scan *scan, struct mu_arena *arena)
{
    if (!scan->os_id)
        return NULL;
    return fit(arena, mu_arena_printf(arena, "%s%s%s", scan->os_id, scan->os_version ? " " : "",
                                      scan->os_version ? scan->os_version : ""));
}

enum mu_status import_record_tell(const struct imported_scan *scan, struct mu_arena *arena,
                                  struct mu_scan_result *result, struct mu_error *err)
{
    const struct import_target *target = scan->target;

    result->repository = target->repository;
    result->digest = scan->digest;
    result->uais = target->uais;
    result->outcome = MU_SCAN_COMPLETE;
    result->digest_kind = MU_DIGEST_KIND_MANIFEST;
    result->scanner_name = fit(arena, scan->tool ? scan->tool : "unknown");
    result->scanner_version = fit(arena, scan->tool_version ? scan->tool_version : "unknown");
    result->database_version = fit(arena, scan->database_version);
    result->database_built_at_us = scan->database_built_at_us;
    result->configuration_checksum = target->configuration_checksum;
    result->started_at_us = target->started_at_us;
    result->finished_at_us = target->finished_at_us;
    if (!result->os_name)
        result->os_name = os_name(scan, arena);
    result->has_counts = true;
    result->counts = counts_of(scan);
    return result->scanner_name && result->scanner_version
                   ? MU_OK
                   : mu_fail(err, MU_E_NOMEM, "imported scan: out of memory");
}

enum mu_status import_record_write(const struct imported_scan *scan, const char *folder,
                                   struct raw_file *ret_file, struct mu_error *err)
{
    return result_file_write(folder, imported_scan_put, scan, ret_file, err);
}

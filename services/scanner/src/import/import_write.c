#include "import/import.h"

#include <string.h>

static const char *const kind_names[] = {
        [IMPORT_ANY] = "",        [IMPORT_TRIVY] = "trivy",
        [IMPORT_GRYPE] = "grype", [IMPORT_CYCLONEDX] = "cyclonedx",
        [IMPORT_SARIF] = "sarif",
};

static void put_score(struct json_stream *out, const char *type, const char *vector, int tenths)
{
    if (!vector)
        return;
    json_open(out, NULL, '{');
    json_text(out, "type", type);
    json_text(out, "vector", vector);
    json_tenths(out, "score", tenths);
    json_close(out, '}');
}

static void put_finding(struct json_stream *out, const struct imported_finding *finding)
{
    json_open(out, NULL, '{');
    json_text(out, "id", finding->id);
    json_text(out, "advisory", finding->advisory);
    json_text(out, "package", finding->package);
    json_text(out, "package_version", finding->version);
    json_text(out, "type", finding->type);
    json_text(out, "purl", finding->purl);
    json_text(out, "path", finding->path);
    json_text(out, "layer", finding->layer_digest);
    json_text(out, "status", finding->suppressed_reason ? "suppressed" : "affected");
    json_text(out, "status_reason", finding->suppressed_reason);
    json_text(out, "vendor_status", finding->vendor_status);
    json_text(out, "fixed_version", finding->fixed_version);
    json_text(out, "severity", severity_word(finding->severity));
    json_text(out, "severity_source", finding->severity_source);
    json_text(out, "told_severity", finding->told_severity);
    json_open(out, "scores", '[');
    put_score(out, "CVSS_V3", finding->cvss_v3, finding->cvss_v3_tenths);
    put_score(out, "CVSS_V2", finding->cvss_v2, finding->cvss_v2_tenths);
    json_close(out, ']');
    json_text(out, "summary", finding->summary);
    json_text(out, "url", finding->url);
    json_close(out, '}');
}

void imported_scan_count(const struct imported_scan *scan, int64_t ret_counts[IMPORT_SEVERITIES])
{
    memset(ret_counts, 0, IMPORT_SEVERITIES * sizeof(*ret_counts));
    for (size_t i = 0; i < scan->finding_count; i++) {
        if (!scan->findings[i].suppressed_reason)
            ret_counts[scan->findings[i].severity]++;
    }
}

static void put_counts(struct json_stream *out, const struct imported_scan *scan)
{
    int64_t counts[IMPORT_SEVERITIES];

    imported_scan_count(scan, counts);
    json_open(out, "counts", '{');
    json_int(out, "findings", (int64_t)(scan->finding_count - scan->suppressed_count));
    for (int severity = SEVERITY_CRITICAL; severity >= SEVERITY_UNKNOWN; severity--)
        json_int(out, severity_word((enum severity)severity), counts[severity]);
    json_int(out, "suppressed", (int64_t)scan->suppressed_count);
    json_close(out, '}');
}

static void put_image(struct json_stream *out, const struct imported_scan *scan)
{
    json_open(out, "image", '{');
    if (scan->target)
        json_text(out, "repository", scan->target->repository);
    json_text(out, "reference", scan->reference);
    json_text(out, "digest", scan->digest);
    json_text(out, "digest_from", scan->digest_given ? "option" : "report");
    json_text(out, "config_digest", scan->config_digest);
    json_open(out, "os", '{');
    json_text(out, "id", scan->os_id);
    json_text(out, "version_id", scan->os_version);
    json_close(out, '}');
    json_close(out, '}');
}

static void put_targets(struct json_stream *out, const struct imported_scan *scan)
{
    const struct mu_json_texts *uais = &scan->target->uais;

    json_open(out, "targets", '[');
    for (size_t i = 0; i < uais->count; i++) {
        json_open(out, NULL, '{');
        json_text(out, "uai", uais->items[i]);
        json_text(out, "digest", scan->digest);
        json_close(out, '}');
    }
    json_close(out, ']');
}

/* A scanner that made a report of an image had its content: authorized. */
static void put_record(struct json_stream *out, const struct import_target *target)
{
    json_open(out, "authentication", '{');
    json_text(out, "method", NULL);
    json_bool(out, "authorized", true);
    json_close(out, '}');
    json_time(out, "started_at", target->started_at_us);
    json_time(out, "finished_at", target->finished_at_us);
    json_text(out, "status", "complete");
}

static void put_origin(struct json_stream *out, const struct imported_scan *scan)
{
    json_text(out, "schema", "muster.imported-scan.v1");
    if (scan->target)
        put_targets(out, scan);
    json_text(out, "kind", kind_names[scan->kind]);
    json_open(out, "original", '{');
    json_text(out, "digest", scan->original_digest);
    json_int(out, "size_bytes", (int64_t)scan->original_size_bytes);
    json_close(out, '}');
    json_open(out, "scanner", '{');
    json_text(out, "name", scan->tool ? scan->tool : "unknown");
    json_text(out, "version", scan->tool_version);
    if (scan->target)
        json_text(out, "configuration_checksum", scan->target->configuration_checksum);
    json_close(out, '}');
    json_open(out, "database", '{');
    json_text(out, "version", scan->database_version);
    json_time(out, "built_at", scan->database_built_at_us);
    json_close(out, '}');
    json_time(out, "scanned_at", scan->scanned_at_us);
    if (scan->target)
        put_record(out, scan->target);
}

void imported_scan_put(struct json_stream *out, const void *imported_scan)
{
    const struct imported_scan *scan = imported_scan;

    json_open(out, NULL, '{');
    put_origin(out, scan);
    put_image(out, scan);
    put_counts(out, scan);
    json_open(out, "findings", '[');
    for (size_t i = 0; i < scan->finding_count; i++)
        put_finding(out, &scan->findings[i]);
    json_close(out, ']');
    json_open(out, "notes", '[');
    for (size_t i = 0; i < scan->note_count; i++)
        json_text(out, NULL, scan->notes[i]);
    json_close(out, ']');
    json_close(out, '}');
}

#include "result/raw_scan.h"

#include "result/finding_json.h"
#include "result/raw_issues.h"
#include "result/raw_packages.h"
#include "source/referrer_kind.h"
#include "json/json_stream.h"

static void put_targets(struct json_stream *out, const struct raw_scan *scan)
{
    json_open(out, "targets", '[');
    for (size_t i = 0; i < scan->request->uais.count; i++) {
        json_open(out, NULL, '{');
        json_text(out, "uai", scan->request->uais.items[i]);
        json_text(out, "digest", scan->request->digest);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_layers(struct json_stream *out, const struct image_analysis *image)
{
    json_open(out, "layers", '[');
    for (size_t i = 0; i < image->layer_count; i++) {
        const struct image_layer *layer = &image->layers[i];

        json_open(out, NULL, '{');
        json_text(out, "digest", layer->digest);
        json_text(out, "media_type", layer->media_type);
        json_int(out, "size_bytes", layer->size_bytes);
        json_text(out, "diff_id", layer->diff_id);
        json_bool(out, "scanned", layer->scanned);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_referrers(struct json_stream *out, const struct image_analysis *image)
{
    json_open(out, "referrers", '[');
    for (size_t i = 0; i < image->referrer_count; i++) {
        const struct image_referrer *referrer = &image->referrers[i];

        json_open(out, NULL, '{');
        json_text(out, "digest", referrer->digest);
        json_text(out, "artifact_type", referrer->artifact_type);
        json_text(out, "kind", referrer_kind(referrer->artifact_type));
        json_text(out, "found_by", referrer->how);
        json_close(out, '}');
    }
    json_close(out, ']');
    if (image->referrers_error)
        json_text(out, "referrers_error", image->referrers_error);
}

static void put_image(struct json_stream *out, const struct raw_scan *scan)
{
    const struct image_analysis *image = scan->image;

    json_open(out, "image", '{');
    json_text(out, "repository", scan->request->repository);
    json_text(out, "manifest_digest", scan->request->digest);
    json_text(out, "config_digest", image->config_digest);
    json_text(out, "media_type", image->media_type);
    json_text(out, "platform", image->platform);
    json_open(out, "os", '{');
    json_text(out, "id", image->os.id);
    json_text(out, "version_id", image->os.version_id);
    json_text(out, "pretty_name", image->os.pretty_name);
    json_close(out, '}');
    json_open(out, "labels", '{');
    json_text(out, "title", image->title);
    json_text(out, "version", image->version);
    json_text(out, "vendor", image->vendor);
    json_close(out, '}');
    put_layers(out, image);
    json_close(out, '}');
}

static void put_provenance(struct json_stream *out, const struct raw_scan *scan)
{
    json_open(out, "scanner", '{');
    json_text(out, "name", scan->scanner_name);
    json_text(out, "version", scan->scanner_version);
    json_text(out, "configuration_checksum", scan->configuration_checksum);
    json_close(out, '}');
    json_open(out, "database", '{');
    json_text(out, "version", scan->database->version);
    json_time(out, "built_at", scan->database->built_at_us);
    json_time(out, "newest_record_at", scan->database->newest_record_at_us);
    json_int(out, "records", (int64_t)scan->database->records);
    json_close(out, '}');
    json_open(out, "authentication", '{');
    json_text(out, "method", scan->image->authentication);
    json_bool(out, "authorized", scan->image->kind != MU_DIGEST_KIND_NONE); /* it let us read */
    json_close(out, '}');
    json_time(out, "started_at", scan->started_at_us);
    json_time(out, "finished_at", scan->finished_at_us);
    json_text(out, "status", scan->image->failure_count == 0 ? "complete" : "failed");
    json_text(out, "ecosystem", scan->match->ecosystem);
}

static void put_failures(struct json_stream *out, const struct image_analysis *image)
{
    json_open(out, "failures", '[');
    for (size_t i = 0; i < image->failure_count; i++) {
        json_open(out, NULL, '{');
        json_text(out, "code", image->failures[i].code);
        json_text(out, "component", image->failures[i].component);
        json_text(out, "message", image->failures[i].message);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_gaps(struct json_stream *out, const struct match_result *match)
{
    json_open(out, "gaps", '[');
    for (size_t i = 0; i < match->gap_count; i++) {
        json_open(out, NULL, '{');
        json_text(out, "ecosystem", match->gaps[i].ecosystem);
        json_int(out, "packages", (int64_t)match->gaps[i].packages);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_counts(struct json_stream *out, const struct match_result *match)
{
    const struct mu_scan_counts *counts = &match->counts;

    json_open(out, "counts", '{');
    json_int(out, "packages", counts->packages);
    json_int(out, "findings", counts->findings);
    json_int(out, "critical", counts->critical);
    json_int(out, "high", counts->high);
    json_int(out, "moderate", counts->moderate);
    json_int(out, "low", counts->low);
    json_int(out, "unknown", counts->unknown);
    json_int(out, "suppressed", (int64_t)match->suppressed_count);
    json_close(out, '}');
}

static void put_scan(struct json_stream *out, const void *raw_scan)
{
    const struct raw_scan *scan = raw_scan;

    json_open(out, NULL, '{');
    json_text(out, "schema", "muster.raw-scan.v1");
    put_targets(out, scan);
    put_image(out, scan);
    put_provenance(out, scan);
    put_referrers(out, scan->image);
    put_failures(out, scan->image);
    raw_issues_put(out, scan->image);
    put_counts(out, scan->match);
    finding_json_list(out, "findings", scan->match->findings, scan->match->finding_count,
                      &scan->image->os);
    finding_json_list(out, "suppressed", scan->match->suppressed, scan->match->suppressed_count,
                      &scan->image->os);
    put_gaps(out, scan->match);
    raw_packages_put(out, scan->image);
    json_close(out, '}');
}

enum mu_status raw_scan_check_folder(const char *folder, struct mu_error *err)
{
    return result_file_check_folder(folder, err);
}

enum mu_status raw_scan_write(const struct raw_scan *scan, const char *folder,
                              struct raw_file *ret_file, struct mu_error *err)
{
    return result_file_write(folder, put_scan, scan, ret_file, err);
}

/*
 * `muster-scanner import`: another scanner's report in Muster's terms, on standard output, or
 * with --submit as the scan of record of an image.
 */
#include "app/commands.h"

#include "app/import_submit.h"
#include "import/import_record.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/stop.h"
#include "base/text.h"
#include "oci/reference.h"
#include "result/raw_scan.h"

#include <stdio.h>
#include <string.h>

#define OPTION(member) offsetof(struct import_config, member)

const struct mu_option import_options[IMPORT_OPTION_COUNT] = {
        {"kind", MU_OPTION_TEXT, OPTION(kind), NULL, 0, 0, 0,
         "trivy, grype, cyclonedx or sarif (default: told by the content)"},
        {"digest", MU_OPTION_TEXT, OPTION(digest), NULL, 0, 0, 0,
         "digest of the image's manifest, where the report does not name it"},
        {"image", MU_OPTION_TEXT, OPTION(image), NULL, 0, 0, 0,
         "whose scan of record it is: host/path:tag@sha256:... (digest: as --digest)"},
        {"scanned-at", MU_OPTION_TEXT, OPTION(scanned_at), NULL, 0, 0, 0,
         "when it was scanned (RFC 3339), where the report does not say it"},
        {"submit", MU_OPTION_BOOL, OPTION(submit), NULL, 0, 0, 0,
         "store report and result as evidence and publish the scan; durable when it exits 0"},
        {"kafka-brokers", MU_OPTION_TEXT, OPTION(kafka_brokers), "", 0, 0, 0,
         "submit: brokers to start from, host:port,host:port"},
        {"kafka-properties", MU_OPTION_TEXT, OPTION(kafka_properties), "", 0, 0, 0,
         "submit: librdkafka settings, key=value,key=value"},
        {"inventory-url", MU_OPTION_TEXT, OPTION(inventory_url), "", 0, 0, 0,
         "submit: where the evidence API answers"},
        {"evidence-token", MU_OPTION_TEXT, OPTION(evidence_token), NULL, 0, 0, MU_OPTION_SECRET,
         "submit: bearer token for writing evidence"},
        {"temp-dir", MU_OPTION_TEXT, OPTION(temp_dir), "/tmp", 0, 0, 0,
         "submit: folder for files on their way; nothing is left there"},
        {"deadline", MU_OPTION_DURATION_MS, OPTION(deadline_ms), "60s", 1000, INT64_MAX, 0,
         "submit: how long to try while inventory or Kafka are away"},
};

enum { CLOCK_SKEW_MS = 5 * 60 * 1000 };

/* One import: what was given, what is read, what is handed over. */
struct import_work {
    const struct import_config *config;
    struct mu_oci_reference image; /* repository "": none given */
    int64_t scanned_at_us;         /* MU_TIME_NONE: not given */
    struct import_options options;
    struct import_submit *submit; /* NULL: not asked for */
    json_t *facts;                /* what inventory knows of the digest; NULL: nothing */
    struct mu_arena *arena;
    struct mu_buf bytes;
    struct imported_scan scan;
    struct import_target target;
    const char *uai;
    char uai_text[MU_OCI_UAI_SIZE], checksum[MU_DIGEST_TEXT_SIZE], event_id[MU_UUID_TEXT_SIZE];
    struct scan_files files;
};

static void work_done(struct import_work *work)
{
    scan_files_close(&work->files);
    json_decref(work->facts);
    import_submit_free(work->submit);
    mu_buf_done(&work->bytes);
    mu_arena_free(work->arena);
}

static int tell(const struct mu_error *err, int code)
{
    (void)fprintf(stderr, "muster-scanner: %s\n", err->message);
    return code;
}

/* ---- options ---- */

static enum mu_status image_read(struct import_work *work, struct mu_error *err)
{
    const struct import_config *config = work->config;
    struct mu_oci_reference *image = &work->image;

    work->options.digest = config->digest;
    if (!config->image)
        return config->submit ? mu_fail(err, MU_E_INVALID,
                                        "--image is missing: --submit needs to know whose scan "
                                        "it is, host/path:tag@sha256:...")
                              : MU_OK;
    if (mu_oci_reference_parse(config->image, strlen(config->image), image, err) != MU_OK)
        return mu_wrap(err, "--image");
    if (image->repository[0] == '\0')
        return mu_fail(err, MU_E_INVALID, "--image '%.100s' names no repository", config->image);
    if (image->digest[0] == '\0')
        return MU_OK;
    if (config->digest && !mu_text_equal(config->digest, image->digest))
        return mu_fail(err, MU_E_INVALID, "--image and --digest name different digests");
    work->options.digest = image->digest;
    return MU_OK;
}

static enum mu_status options_read(struct import_work *work, struct mu_error *err)
{
    const struct import_config *config = work->config;

    work->scanned_at_us = MU_TIME_NONE;
    if (config->kind && (work->options.kind = import_kind_of(config->kind)) == IMPORT_ANY)
        return mu_fail(err, MU_E_INVALID,
                       "--kind '%.40s' is none of trivy, grype, cyclonedx, sarif", config->kind);
    if (config->scanned_at && mu_time_parse(config->scanned_at, strlen(config->scanned_at),
                                            &work->scanned_at_us, err) != MU_OK)
        return mu_wrap(err, "--scanned-at");
    if (image_read(work, err) != MU_OK)
        return err->status;
    return config->submit ? import_submit_new(config, &work->submit, err) : MU_OK;
}

/* ---- what the image is ---- */

static enum mu_status parents_take(struct import_work *work, struct mu_error *err)
{
    const json_t *parents = mu_json_at(work->facts, "parents"), *parent;
    struct mu_json_texts *indexes = &work->options.indexes;
    size_t index;

    indexes->items = mu_arena_alloc(work->arena, (json_array_size(parents) + 1) * sizeof(char *));
    if (!indexes->items)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    json_array_foreach (parents, index, parent) {
        if (json_is_string(parent))
            indexes->items[indexes->count++] = json_string_value(parent);
    }
    work->options.config_digest = mu_json_text_at(work->facts, "config_digest");
    return MU_OK;
}

/* A scan is of one platform's image: an index has none of its own. */
static enum mu_status graph_ask(struct import_work *work, struct mu_error *err)
{
    const char *child;

    if (!work->submit || !work->options.digest || work->facts)
        return MU_OK;
    if (import_submit_ask(work->submit, work->options.digest, &work->facts, err) != MU_OK)
        return err->status;
    if (!work->facts || !mu_text_equal(mu_json_text_at(work->facts, "kind"), "index"))
        return parents_take(work, err);
    child = mu_json_text_at(work->facts, "children.0");
    return mu_fail(err, MU_E_INVALID,
                   "%s is an index of images, not the image that was scanned: name that one's "
                   "digest%s%s",
                   work->options.digest, child ? ", such as " : "", child ? child : "");
}

/* ---- the scan of record ---- */

static enum mu_status time_decide(struct import_work *work, struct mu_error *err)
{
    int64_t at_us = work->scan.scanned_at_us;

    if (work->scanned_at_us != MU_TIME_NONE)
        at_us = work->scanned_at_us;
    if (at_us == MU_TIME_NONE && !work->submit)
        return MU_OK;
    if (at_us == MU_TIME_NONE)
        return mu_fail(err, MU_E_INVALID,
                       "the report does not say when the image was scanned: give --scanned-at");
    if (at_us / 1000 > mu_now_us() / 1000 + CLOCK_SKEW_MS)
        return mu_fail(err, MU_E_INVALID, "the report says that it was scanned in the future");
    work->target.started_at_us = work->target.finished_at_us = at_us;
    return MU_OK;
}

static void target_begin(struct import_work *work, const char *digest)
{
    mu_oci_uai_format(work->image.repository, work->image.tag, digest, work->uai_text);
    work->uai = work->uai_text;
    work->target = (struct import_target){.repository = work->image.repository,
                                          .uais = {&work->uai, 1},
                                          .configuration_checksum = work->checksum,
                                          .started_at_us = MU_TIME_NONE,
                                          .finished_at_us = MU_TIME_NONE};
}

static enum mu_status record_make(struct import_work *work, struct mu_error *err)
{
    if (work->image.repository[0] == '\0')
        return MU_OK;
    target_begin(work, work->scan.digest);
    import_record_checksum(&work->scan, NULL, work->checksum);
    work->scan.target = &work->target;
    return time_decide(work, err);
}

static enum mu_status read_report(struct import_work *work, struct mu_error *err)
{
    enum mu_status st = import_read(work->bytes.data, work->bytes.len, &work->options, work->arena,
                                    &work->scan, err);

    if (st == MU_OK && !work->options.digest) { /* the report alone names it */
        work->options.digest = work->scan.digest;
        st = graph_ask(work, err);
    }
    return st == MU_OK ? record_make(work, err) : st;
}

/* The same report for the same image is the same event, whenever it is handed in. */
static struct mu_scan_result result_begin(struct import_work *work, const char *original,
                                          const char *digest, const char *outcome)
{
    mu_stable_id("muster.imported-scan",
                 (const char *const[]){original, digest, work->uai, outcome}, 4, work->event_id);
    return (struct mu_scan_result){.request_id = work->event_id,
                                   .job_id = "import",
                                   .attempt = 1,
                                   .repository = work->image.repository,
                                   .digest = digest,
                                   .uais = work->target.uais};
}

static enum mu_status hand_over(struct import_work *work, struct mu_scan_result *result,
                                struct mu_error *err)
{
    enum mu_status st = result_file_keep(work->config->temp_dir, work->bytes.data, work->bytes.len,
                                         &work->files.original, err);

    result->evidence_digest = work->files.raw.digest;
    result->evidence_size_bytes = (int64_t)work->files.raw.size_bytes;
    return st == MU_OK ? import_submit_send(work->submit, result, &work->files, work->event_id, err)
                       : st;
}

static enum mu_status submit_complete(struct import_work *work, struct mu_error *err)
{
    struct mu_scan_result result =
            result_begin(work, work->scan.original_digest, work->scan.digest, "complete");
    enum mu_status st = import_record_tell(&work->scan, work->arena, &result, err);

    if (st == MU_OK)
        st = import_record_write(&work->scan, work->config->temp_dir, &work->files.raw, err);
    if (st == MU_OK)
        st = hand_over(work, &result, err);
    if (st == MU_OK)
        (void)printf("%s: %lld findings of %s %s\nevidence %s of %s\nevent %s\n", work->uai,
                     (long long)result.counts.findings, result.scanner_name, result.scanner_version,
                     result.evidence_digest, work->scan.original_digest, work->event_id);
    return st;
}

/* A report that cannot be used is a failed scan of the image that it was handed in for: people see
 * that its scan is missing, and why. */
static enum mu_status submit_failed(struct import_work *work, const struct mu_error *why,
                                    struct mu_error *err)
{
    struct image_failure failure = {
            .code = "report_refused",
            .component = "report",
            .message = mu_arena_printf(work->arena, "report: %s", why->message)};
    const struct image_analysis image = {
            .created_at_us = MU_TIME_NONE, .failures = &failure, .failure_count = 1};
    const struct match_result nothing = {0};
    const struct database_facts database = {.built_at_us = MU_TIME_NONE,
                                            .newest_record_at_us = MU_TIME_NONE};
    char original[MU_DIGEST_TEXT_SIZE];
    struct mu_scan_request request = {.repository = work->image.repository,
                                      .digest = work->options.digest};
    struct raw_scan raw = {.request = &request,
                           .image = &image,
                           .match = &nothing,
                           .database = &database,
                           .scanner_name = work->config->kind ? work->config->kind : "unknown",
                           .scanner_version = "unknown",
                           .configuration_checksum = work->checksum};
    struct mu_scan_result result;

    mu_sha256_text(work->bytes.data, work->bytes.len, original);
    failure.message = mu_arena_printf(work->arena, "report %s: %.800s", original, why->message);
    if (!failure.message)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    target_begin(work, work->options.digest);
    import_record_checksum(&(struct imported_scan){.kind = work->options.kind}, NULL,
                           work->checksum);
    request.uais = work->target.uais;
    raw.started_at_us = raw.finished_at_us =
            work->scanned_at_us != MU_TIME_NONE ? work->scanned_at_us : mu_now_us();
    result = result_begin(work, original, work->options.digest, "failed");
    result.outcome = MU_SCAN_FAILED;
    result.has_failure = true;
    result.failure = (struct mu_scan_failure){failure.code, failure.message, false};
    result.scanner_name = raw.scanner_name;
    result.scanner_version = raw.scanner_version;
    result.database_built_at_us = MU_TIME_NONE;
    result.configuration_checksum = work->checksum;
    result.started_at_us = raw.started_at_us;
    result.finished_at_us = raw.finished_at_us;
    if (raw_scan_write(&raw, work->config->temp_dir, &work->files.raw, err) != MU_OK)
        return err->status;
    return hand_over(work, &result, err);
}

static enum mu_status print_scan(const struct imported_scan *scan, struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    struct json_stream out;

    json_stream_init(&out, stdout, hash);
    imported_scan_put(&out, scan);
    return json_stream_finish(&out, err);
}

/* ---- the command ---- */

static int refused(struct import_work *work, const struct mu_error *why)
{
    struct mu_error err;

    if (work->submit && work->options.digest && submit_failed(work, why, &err) != MU_OK) {
        (void)tell(why, MU_EXIT_FAILURE);
        return tell(&err, MU_EXIT_FAILURE);
    }
    return tell(why, MU_EXIT_DIFFERENCE);
}

static int import_file(struct import_work *work, const char *path)
{
    struct mu_error err;
    enum mu_status st = mu_file_read(path, &work->bytes, &err);

    if (st == MU_OK)
        st = graph_ask(work, &err);
    if (st != MU_OK)
        return tell(&err, st == MU_E_INVALID ? MU_EXIT_USAGE : MU_EXIT_FAILURE);
    st = read_report(work, &err);
    if (st == MU_E_INVALID || (st == MU_E_LIMIT && work->submit))
        return refused(work, &err);
    if (st == MU_OK)
        st = work->submit ? submit_complete(work, &err) : print_scan(&work->scan, &err);
    return st == MU_OK ? MU_EXIT_OK : tell(&err, MU_EXIT_FAILURE);
}

int import_command(void *config_struct, int argc, char **argv)
{
    MU_AUTO_DONE(work_done)
    struct import_work work = {.config = config_struct, .files = SCAN_FILES_NONE};
    struct mu_error err;

    work.arena = mu_arena_new(IMPORT_ARENA_MAX_BYTES);
    mu_buf_init(&work.bytes, IMPORT_MAX_BYTES);
    if (argc != 1) {
        (void)fprintf(stderr, "muster-scanner: import takes one file\n");
        return MU_EXIT_USAGE;
    }
    if (options_read(&work, &err) != MU_OK)
        return tell(&err, MU_EXIT_USAGE);
    mu_stop_install();
    return import_file(&work, argv[0]);
}

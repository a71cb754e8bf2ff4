/* raw-scans.csv and sbom/: what the raw scans of the bundle say of themselves and of their images.
 */
#include "bundle/csv_rows.h"
#include "bundle/layout.h"
#include "bundle/raw_scan_file.h"
#include "bundle/render.h"
#include "scans/image_bom.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/stop.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TITLE_MAX_BYTES = 1024 * 1024 };

/* RA-5(2): signatures are of the 24 hours before the scan. */
enum { DATABASE_MAX_AGE_HOURS = 24 };

enum scan_column {
    SCAN_TITLE, /* SAR appendix C, table C-4: title and file name */
    SCAN_FILE,
    SCAN_SHA256,
    SCAN_UAI,
    SCAN_DIGEST,
    SCAN_SCANNER,
    SCAN_SCANNER_VERSION,
    SCAN_DATABASE_VERSION,
    SCAN_DATABASE_BUILT_AT,
    SCAN_STARTED_AT,
    SCAN_FINISHED_AT,
    SCAN_DATABASE_AGE,
    SCAN_DATABASE_FRESH,
    SCAN_CONFIGURATION,
    SCAN_AS_VALIDATED,
    SCAN_AUTHENTICATION,
    SCAN_AUTHORIZED,
    SCAN_STATUS,
    SCAN_REPORT, /* of another scanner, that it was made of */
    SCAN_COLUMN_COUNT
};

static const char *const columns[SCAN_COLUMN_COUNT] = {
        [SCAN_TITLE] = "title",
        [SCAN_FILE] = "file_name",
        [SCAN_SHA256] = "sha256",
        [SCAN_UAI] = "unique_asset_identifier",
        [SCAN_DIGEST] = "digest",
        [SCAN_SCANNER] = "scanner",
        [SCAN_SCANNER_VERSION] = "scanner_version",
        [SCAN_DATABASE_VERSION] = "database_version",
        [SCAN_DATABASE_BUILT_AT] = "database_built_at",
        [SCAN_STARTED_AT] = "scan_started_at",
        [SCAN_FINISHED_AT] = "scan_finished_at",
        [SCAN_DATABASE_AGE] = "database_age_hours_at_scan_start",
        [SCAN_DATABASE_FRESH] = "database_within_24_hours",
        [SCAN_CONFIGURATION] = "configuration_checksum",
        [SCAN_AS_VALIDATED] = "configuration_as_validated",
        [SCAN_AUTHENTICATION] = "authentication",
        [SCAN_AUTHORIZED] = "authorized",
        [SCAN_STATUS] = "status",
        [SCAN_REPORT] = "scanner_report"};

struct pass {
    const struct render *render;
    FILE *out;
    char evidence[MU_DIGEST_TEXT_SIZE]; /* whose rows are gathered; "" at the beginning */
    struct mu_buf title, repository;
    bool boms;
};

/* ---- the index ---- */

/* Hours and tenths; "" when a time is missing or the database is younger than the scan's start. */
static void tell_age(const char **fields, char age[32])
{
    int64_t built_us = MU_TIME_NONE, started_us = MU_TIME_NONE, tenths;
    struct mu_error ignored;

    if (snapshot_time(fields[SCAN_DATABASE_BUILT_AT], &built_us, &ignored) != MU_OK ||
        snapshot_time(fields[SCAN_STARTED_AT], &started_us, &ignored) != MU_OK ||
        built_us == MU_TIME_NONE || started_us == MU_TIME_NONE || built_us > started_us)
        return;
    tenths = (started_us - built_us) / (INT64_C(360) * 1000000);
    (void)snprintf(age, 32, "%" PRId64 ".%" PRId64, tenths / 10, tenths % 10);
    fields[SCAN_DATABASE_AGE] = age;
    fields[SCAN_DATABASE_FRESH] =
            started_us - built_us <= DATABASE_MAX_AGE_HOURS * INT64_C(3600) * 1000000 ? "yes"
                                                                                      : "no";
}

/* A scan that names no target is in the index all the same. */
static void put_targets(struct pass *pass, const json_t *scan, const char **fields)
{
    const json_t *target;
    size_t i;

    if (json_array_size(json_object_get(scan, "targets")) == 0)
        csv_put_row(pass->out, fields, SCAN_COLUMN_COUNT);
    json_array_foreach (json_object_get(scan, "targets"), i, target) {
        fields[SCAN_UAI] = mu_json_text_at(target, "uai");
        fields[SCAN_DIGEST] = mu_json_text_at(target, "digest");
        csv_put_row(pass->out, fields, SCAN_COLUMN_COUNT);
    }
}

static void put_scan(struct pass *pass, const json_t *scan, const char *name)
{
    const char *validated = pass->render->system->configuration_checksum;
    const json_t *authorized = mu_json_at(scan, "authentication.authorized");
    const char *fields[SCAN_COLUMN_COUNT] = {
            [SCAN_TITLE] = pass->title.data,
            [SCAN_FILE] = name,
            [SCAN_SHA256] = pass->evidence,
            [SCAN_SCANNER] = mu_json_text_at(scan, "scanner.name"),
            [SCAN_SCANNER_VERSION] = mu_json_text_at(scan, "scanner.version"),
            [SCAN_DATABASE_VERSION] = mu_json_text_at(scan, "database.version"),
            [SCAN_DATABASE_BUILT_AT] = mu_json_text_at(scan, "database.built_at"),
            [SCAN_STARTED_AT] = mu_json_text_at(scan, "started_at"),
            [SCAN_FINISHED_AT] = mu_json_text_at(scan, "finished_at"),
            [SCAN_CONFIGURATION] = mu_json_text_at(scan, "scanner.configuration_checksum"),
            [SCAN_AUTHENTICATION] = mu_json_text_at(scan, "authentication.method"),
            [SCAN_STATUS] = mu_json_text_at(scan, "status")};
    const char *report = mu_json_text_at(scan, "original.digest");
    char age[32], report_name[BUNDLE_PATH_SIZE];

    if (report && mu_digest_valid(report, strlen(report))) {
        (void)snprintf(report_name, sizeof(report_name), "%s/%s.json", BUNDLE_REPORTS,
                       strchr(report, ':') + 1);
        fields[SCAN_REPORT] = report_name;
    }
    if (json_is_boolean(authorized))
        fields[SCAN_AUTHORIZED] = json_is_true(authorized) ? "yes" : "no";
    if (validated && *validated)
        fields[SCAN_AS_VALIDATED] =
                mu_text_equal(validated, fields[SCAN_CONFIGURATION]) ? "yes" : "no";
    tell_age(fields, age);
    put_targets(pass, scan, fields);
}

/* ---- bills of materials ---- */

static const char *image_digest(const json_t *scan)
{
    const char *digest = mu_json_text_at(scan, "image.manifest_digest");

    if (!digest)
        digest = mu_json_text_at(scan, "image.digest");
    return digest ? digest : mu_json_text_at(scan, "targets.0.digest");
}

/* One for each image: the first scan of several. */
static enum mu_status write_bom(struct pass *pass, const json_t *scan, struct mu_error *err)
{
    const struct image_bom bom = {.scan = scan,
                                  .evidence_digest = pass->evidence,
                                  .digest = image_digest(scan),
                                  .repository = pass->repository.data};
    char name[BUNDLE_PATH_SIZE], path[BUNDLE_PATH_SIZE];
    enum mu_status st;

    if (!bom.digest || !mu_digest_valid(bom.digest, strlen(bom.digest)))
        return MU_OK;
    (void)snprintf(name, sizeof(name), "%s/%s.cdx.json", BUNDLE_SBOMS, strchr(bom.digest, ':') + 1);
    st = render_path(pass->render, name, path, err);
    if (st != MU_OK || access(path, F_OK) == 0)
        return st;
    st = image_bom_write(&bom, path, err);
    if (st != MU_OK)
        return st;
    return render_list(pass->render, name,
                       "CycloneDX bill of materials of an image, with vulnerabilities", err);
}

/* ---- the pass over the scans ---- */

static enum mu_status take_scan(struct pass *pass, struct mu_error *err)
{
    MU_AUTO(json_document) json_t *scan = NULL;
    char name[BUNDLE_PATH_SIZE], path[BUNDLE_PATH_SIZE];
    enum mu_status st;

    if (!*pass->evidence)
        return MU_OK;
    if (mu_stop_requested())
        return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    (void)snprintf(name, sizeof(name), "%s/%s.json", BUNDLE_RAW_SCANS,
                   pass->evidence + strlen("sha256:"));
    st = bundle_folder_path(pass->render->folder, name, path, err);
    if (st == MU_OK)
        st = raw_scan_read(path, NULL, &scan, err);
    if (st != MU_OK)
        return mu_wrap(err, "%s", name);
    put_scan(pass, scan, name);
    st = pass->boms ? write_bom(pass, scan, err) : MU_OK;
    return st == MU_OK ? MU_OK : mu_wrap(err, "%s", name);
}

static enum mu_status take_row(struct pass *pass, const struct inventory_row *row,
                               struct mu_error *err)
{
    bool same = mu_text_equal(pass->evidence, row->evidence_digest);
    enum mu_status st = same ? MU_OK : take_scan(pass, err);

    if (st != MU_OK)
        return st;
    if (!same) {
        if (!mu_text_starts(row->evidence_digest, "sha256:") ||
            strlen(row->evidence_digest) >= sizeof(pass->evidence))
            return mu_fail(err, MU_E_INVALID, "evidence '%.100s' has no SHA-256 name",
                           row->evidence_digest);
        mu_buf_reset(&pass->title);
        mu_buf_reset(&pass->repository);
        mu_buf_puts(&pass->repository, row->repository ? row->repository : row->uai);
        (void)snprintf(pass->evidence, sizeof(pass->evidence), "%s", row->evidence_digest);
    }
    mu_buf_printf(&pass->title, "%s%s", pass->title.len > 0 ? ", " : "Raw scan of ", row->uai);
    return MU_OK;
}

static enum mu_status take_rows(struct pass *pass, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct inventory_row row;
    bool found = true;
    enum mu_status st =
            snapshot_list(pass->render->snapshot, SNAPSHOT_LIST_EVIDENCE, NULL, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        st = take_row(pass, &row, err);
    }
    return st == MU_OK ? take_scan(pass, err) : st;
}

enum mu_status scans_render(const struct render *render, struct mu_error *err)
{
    MU_AUTO_FILE FILE *out = NULL;
    struct pass pass = {.render = render, .boms = !mu_text_equal(render->system->sboms, "No")};
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = render_path(render, BUNDLE_RAW_SCAN_INDEX, path, err);

    if (st == MU_OK)
        st = csv_open(path, columns, SCAN_COLUMN_COUNT, &out, err);
    if (st != MU_OK)
        return st;
    pass.out = out;
    mu_buf_init(&pass.title, TITLE_MAX_BYTES);
    mu_buf_init(&pass.repository, TITLE_MAX_BYTES);
    st = take_rows(&pass, err);
    mu_buf_done(&pass.title);
    mu_buf_done(&pass.repository);
    if (st == MU_OK)
        st = csv_finish(out, path, err);
    return st == MU_OK
                   ? render_list(render, BUNDLE_RAW_SCAN_INDEX,
                                 "Raw scans: title, file name, scanner, database, configuration",
                                 err)
                   : st;
}

#include "bundle/bundle.h"

#include "bundle/assets.h"
#include "bundle/containers.h"
#include "bundle/evidence.h"
#include "bundle/folder.h"
#include "bundle/inventory_files.h"
#include "bundle/json_list.h"
#include "bundle/layout.h"
#include "bundle/manifest.h"
#include "bundle/raw_scan_rows.h"
#include "bundle/render.h"
#include "bundle/scanner_reports.h"

#include "base/file.h"
#include "base/sha256.h"
#include "base/stop.h"
#include "base/text.h"
#include "http/http_client.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BUNDLE_TITLE_MAX_BYTES = 64 * 1024 };

struct writer {
    const struct bundle_request *request;
    struct bundle_folder folder;
    struct manifest *manifest;
    struct bundle_counts counts;
};

static struct render render_of(const struct writer *writer)
{
    return (struct render){.snapshot = writer->request->snapshot,
                           .system = writer->request->system,
                           .month = writer->request->month,
                           .previous_numbers = writer->request->previous_numbers,
                           .folder = &writer->folder,
                           .manifest = writer->manifest};
}

static enum mu_status list_file(struct writer *writer, const char *name, const char *title,
                                struct mu_error *err)
{
    return manifest_add_file(writer->manifest, writer->folder.building, name, title, err);
}

/* ---- workbook ---- */

static enum mu_status write_workbook(struct writer *writer, struct mu_error *err)
{
    const struct render render = render_of(writer);
    struct inventory_counts counts;
    enum mu_status st =
            inventory_files_write(&render, writer->request->max_inventory_rows, &counts, err);

    if (st != MU_OK)
        return st;
    writer->counts.rows = counts.rows;
    writer->counts.inventory_files = counts.files;
    return MU_OK;
}

/* ---- JSON and CSV beside it ---- */

static enum mu_status write_gaps(struct writer *writer, struct mu_error *err)
{
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = bundle_folder_path(&writer->folder, BUNDLE_GAPS, path, err);

    if (st == MU_OK)
        st = assets_write_gaps(writer->request->snapshot, path, &writer->counts.gaps, err);
    if (st == MU_OK)
        st = list_file(writer, BUNDLE_GAPS, "Assets with running containers that are not covered",
                       err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "%s", BUNDLE_GAPS);
}

static enum mu_status list_targets(const struct snapshot *snapshot, const char *path,
                                   struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    MU_AUTO_DONE(json_list_done) struct json_list list;
    struct target_row target;
    bool found = true;
    enum mu_status st = json_list_open(path, &list, err);

    if (st == MU_OK)
        st = snapshot_list(snapshot, SNAPSHOT_LIST_NOT_RUNNING, NULL, &cursor, err);
    while (st == MU_OK) {
        st = snapshot_next(cursor, &target, &found, err);
        if (st != MU_OK || !found)
            break;
        st = json_list_add(
                &list,
                json_pack("{s:s, s:s?}", "uai", target.uai, "digest", target.manifest_digest), err);
    }
    return st == MU_OK ? json_list_close(&list, err) : st;
}

static enum mu_status write_not_running(struct writer *writer, struct mu_error *err)
{
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = bundle_folder_path(&writer->folder, BUNDLE_NOT_RUNNING, path, err);

    if (st == MU_OK)
        st = list_targets(writer->request->snapshot, path, err);
    if (st == MU_OK)
        st = list_file(writer, BUNDLE_NOT_RUNNING, "Scan targets without a running container", err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "%s", BUNDLE_NOT_RUNNING);
}

static enum mu_status count_containers(struct writer *writer, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct total_row total;
    bool found = true;
    enum mu_status st =
            snapshot_list(writer->request->snapshot, SNAPSHOT_LIST_TOTALS, NULL, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &total, &found, err);
        if (st != MU_OK || !found)
            break;
        writer->counts.containers += (size_t)total.containers;
    }
    return st;
}

static enum mu_status write_containers(struct writer *writer, struct mu_error *err)
{
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = bundle_folder_path(&writer->folder, BUNDLE_CONTAINERS, path, err);

    if (st == MU_OK)
        st = count_containers(writer, err);
    if (st == MU_OK)
        st = containers_write(writer->request->snapshot, path, err);
    if (st == MU_OK)
        st = list_file(writer, BUNDLE_CONTAINERS,
                       "Containers in production, a line for each manifest behind one", err);
    return st;
}

/* ---- raw scans ---- */

/* One raw scan: what it is evidence for, gathered row by row. */
struct raw_scan {
    char digest[MU_DIGEST_TEXT_SIZE]; /* "" before the first row */
    struct mu_buf title;              /* "Raw scan of UAI, UAI" */
};

static struct evidence_source source_of(const struct writer *writer)
{
    return (struct evidence_source){.shelf = writer->request->shelf,
                                    .inventory_url = writer->request->inventory_url,
                                    .token = writer->request->inventory_token,
                                    .retry_ms = writer->request->retry_ms};
}

/* Another scanner's report, which several raw scans may be made of. */
static enum mu_status fetch_report(struct writer *writer, struct mu_http_client *client,
                                   const char *evidence_digest, struct mu_error *err)
{
    const struct evidence_source source = source_of(writer);
    char digest[MU_DIGEST_TEXT_SIZE], path[BUNDLE_PATH_SIZE], name[BUNDLE_PATH_SIZE];
    enum mu_status st = scanner_report_of(writer->request->snapshot, evidence_digest, digest, err);

    if (st != MU_OK || !*digest)
        return st;
    st = scanner_report_place(&writer->folder, digest, name, path, err);
    if (st == MU_OK && access(path, F_OK) == 0)
        return MU_OK;
    if (st == MU_OK)
        st = evidence_fetch(client, &source, digest, path, err);
    return st == MU_OK ? list_file(writer, name, "Report of another scanner, unmodified", err) : st;
}

static enum mu_status fetch_raw_scan(struct writer *writer, struct mu_http_client *client,
                                     const struct raw_scan *scan, struct mu_error *err)
{
    const struct evidence_source source = source_of(writer);
    char path[BUNDLE_PATH_SIZE], name[BUNDLE_PATH_SIZE];
    enum mu_status st;

    (void)snprintf(name, sizeof(name), "%s/%s.json", BUNDLE_RAW_SCANS,
                   mu_text_starts(scan->digest, "sha256:") ? scan->digest + strlen("sha256:") : "");
    st = bundle_folder_path(&writer->folder, name, path, err);
    if (st == MU_OK)
        st = evidence_fetch(client, &source, scan->digest, path, err);
    if (st == MU_OK)
        st = list_file(writer, name, scan->title.data, err);
    if (st == MU_OK && !writer->request->shelf)
        st = raw_scan_rows_add(writer->request->snapshot, scan->digest, path, err);
    if (st == MU_OK)
        st = fetch_report(writer, client, scan->digest, err);
    if (st != MU_OK)
        return mu_wrap(err, "%.200s", scan->title.data);
    writer->counts.raw_scans++;
    return MU_OK;
}

/* The scan is whole: fetches it, and begins the next one. */
static enum mu_status end_raw_scan(struct writer *writer, struct mu_http_client *client,
                                   struct raw_scan *scan, size_t total, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    if (mu_stop_requested())
        return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    if (*scan->digest)
        st = fetch_raw_scan(writer, client, scan, err);
    if (st == MU_OK && *scan->digest && writer->request->progress)
        writer->request->progress(writer->counts.raw_scans, total);
    mu_buf_reset(&scan->title);
    *scan->digest = '\0';
    return st;
}

static enum mu_status take_row(struct writer *writer, struct mu_http_client *client,
                               const struct inventory_row *row, struct raw_scan *scan, size_t total,
                               struct mu_error *err)
{
    enum mu_status st = MU_OK;

    if (!mu_text_equal(row->evidence_digest, scan->digest))
        st = end_raw_scan(writer, client, scan, total, err);
    if (st != MU_OK)
        return st;
    mu_buf_printf(&scan->title, "%s%s", *scan->digest ? ", " : "Raw scan of ", row->uai);
    (void)snprintf(scan->digest, sizeof(scan->digest), "%s", row->evidence_digest);
    return MU_OK;
}

static enum mu_status fetch_raw_scans(struct writer *writer, struct mu_http_client *client,
                                      struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct raw_scan scan = {.digest = ""};
    struct inventory_row row;
    size_t total = 0;
    bool found = true;
    enum mu_status st = snapshot_count_evidence(writer->request->snapshot, &total, err);

    if (st == MU_OK)
        st = snapshot_list(writer->request->snapshot, SNAPSHOT_LIST_EVIDENCE, NULL, &cursor, err);
    mu_buf_init(&scan.title, BUNDLE_TITLE_MAX_BYTES);
    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        st = take_row(writer, client, &row, &scan, total, err);
    }
    if (st == MU_OK)
        st = end_raw_scan(writer, client, &scan, total, err);
    mu_buf_done(&scan.title);
    return st;
}

static enum mu_status write_raw_scans(struct writer *writer, struct mu_error *err)
{
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    struct mu_http_client_config config = {.user_agent = "muster-report"};
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = bundle_folder_path(&writer->folder, BUNDLE_RAW_SCANS, path, err);

    if (st == MU_OK)
        st = mu_dir_make(path, err);
    if (st == MU_OK)
        st = mu_http_client_new(&config, &client, err);
    return st == MU_OK ? fetch_raw_scans(writer, client, err) : st;
}

/* ---- the whole ---- */

/* A closed month says so itself; the chain of closes goes through these files. */
static enum mu_status write_close(struct writer *writer, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st;

    mu_buf_init(&bytes, BUNDLE_MAX_JSON_BYTES);
    if (!writer->request->close_file)
        return MU_OK;
    st = mu_file_read(writer->request->close_file, &bytes, err);
    if (st == MU_OK)
        st = bundle_folder_path(&writer->folder, BUNDLE_CLOSE, path, err);
    if (st == MU_OK)
        st = mu_file_write_atomic(path, bytes.data, bytes.len, err);
    return st == MU_OK ? list_file(writer, BUNDLE_CLOSE, "Record of the close of the month", err)
                       : st;
}

static enum mu_status fill(struct writer *writer, struct mu_error *err)
{
    static enum mu_status (*const steps[])(struct writer *, struct mu_error *) = {
            write_raw_scans,   write_workbook,   write_gaps,
            write_not_running, write_containers, write_close};
    const struct render render = render_of(writer);
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        st = mu_stop_requested() ? mu_fail(err, MU_E_UNAVAILABLE, "stopping")
                                 : steps[i](writer, err);
        if (st != MU_OK)
            return st;
    }
    st = render_all(&render, err);
    if (st == MU_OK)
        st = bundle_folder_path(&writer->folder, BUNDLE_MANIFEST, path, err);
    if (st == MU_OK)
        st = manifest_write(writer->manifest, &writer->counts, path, err);
    if (st == MU_OK)
        st = signer_sign(writer->request->signer, writer->folder.building, err);
    return st;
}

enum mu_status bundle_write(const struct bundle_request *request, struct bundle_counts *ret_counts,
                            struct mu_error *err)
{
    struct writer writer = {.request = request};
    enum mu_status st = bundle_folder_open(request->folder, &writer.folder, err);

    if (st != MU_OK)
        return mu_wrap(err, "bundle");
    st = manifest_new(request, &writer.manifest, err);
    if (st == MU_OK)
        st = fill(&writer, err);
    if (st == MU_OK)
        st = bundle_folder_commit(&writer.folder, err);
    bundle_folder_close(&writer.folder);
    manifest_free(writer.manifest);
    if (st == MU_OK)
        *ret_counts = writer.counts;
    return st == MU_OK ? MU_OK : mu_wrap(err, "bundle");
}

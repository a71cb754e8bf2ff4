#include "bundle/bundle.h"

#include "bundle/assets.h"
#include "bundle/containers.h"
#include "bundle/evidence.h"
#include "bundle/folder.h"
#include "bundle/layout.h"
#include "bundle/manifest.h"
#include "workbook/xlsx_reader.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/stop.h"
#include "base/text.h"
#include "http/http_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BUNDLE_TITLE_MAX_BYTES = 64 * 1024 };

struct writer {
    const struct bundle_request *request;
    struct mu_arena *arena;
    struct bundle_folder folder;
    struct manifest *manifest;
    struct bundle_counts counts;
};

static enum mu_status list_file(struct writer *writer, const char *name, const char *title,
                                struct mu_error *err)
{
    return manifest_add_file(writer->manifest, writer->folder.building, name, title, err);
}

/* ---- workbook ---- */

static enum mu_status add_rows(struct writer *writer, struct inventory_workbook *workbook,
                               struct mu_error *err)
{
    struct inventory_workbook_row row;
    struct asset asset;
    size_t index = 0;
    enum mu_status st;

    while (asset_next(writer->request->snapshot, &index, &asset)) {
        st = asset_to_row(&asset, writer->request->system, writer->arena, &row, err);
        if (st == MU_OK)
            st = inventory_workbook_add(workbook, &row, err);
        if (st != MU_OK)
            return st;
        writer->counts.rows++;
    }
    return MU_OK;
}

static enum mu_status write_rows(struct writer *writer, const char *path, struct mu_error *err)
{
    MU_AUTO(inventory_workbook) struct inventory_workbook *workbook = NULL;
    struct inventory_workbook *finished;
    char as_of[MU_TIME_TEXT_SIZE];
    struct inventory_workbook_properties properties = {.system_name = writer->request->system->name,
                                                       .month = writer->request->month,
                                                       .as_of = as_of,
                                                       .as_of_us =
                                                               writer->request->snapshot->as_of_us};
    enum mu_status st;

    mu_time_format(properties.as_of_us, as_of);
    st = inventory_workbook_open(path, &properties, &workbook, err);
    if (st == MU_OK)
        st = add_rows(writer, workbook, err);
    if (st != MU_OK)
        return st;
    finished = workbook;
    workbook = NULL;
    return inventory_workbook_close(finished, err);
}

static enum mu_status count_row(void *opaque, size_t row, const char *const *cells, size_t count,
                                struct mu_error *err)
{
    size_t *rows = opaque;

    (void)cells, (void)count, (void)err;
    *rows += row > WORKBOOK_HEADER_ROWS ? 1 : 0;
    return MU_OK;
}

/* The library that writes it does not notice a full disk under its temporary files. */
static enum mu_status read_back(const struct writer *writer, const char *path, struct mu_error *err)
{
    size_t rows = 0;

    if (xlsx_read(path, workbook_inventory_sheet, count_row, &rows, err) != MU_OK) {
        (void)mu_wrap(err, "the workbook was not written whole");
        return err->status = MU_E_UNAVAILABLE;
    }
    if (rows != writer->counts.rows)
        return mu_fail(err, MU_E_UNAVAILABLE, "the workbook holds %zu rows of %zu", rows,
                       writer->counts.rows);
    return MU_OK;
}

static enum mu_status write_workbook(struct writer *writer, struct mu_error *err)
{
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = bundle_folder_path(&writer->folder, BUNDLE_WORKBOOK, path, err);

    if (st == MU_OK)
        st = write_rows(writer, path, err);
    if (st == MU_OK)
        st = read_back(writer, path, err);
    if (st == MU_OK && chmod(path, 0640) != 0)
        st = mu_fail(err, MU_E_UNAVAILABLE, "chmod '%s': %s", path, strerror(errno));
    if (st == MU_OK)
        st = list_file(writer, BUNDLE_WORKBOOK, "FedRAMP Integrated Inventory Workbook v3.1", err);
    return st;
}

/* ---- JSON and CSV beside it ---- */

static enum mu_status write_json(struct writer *writer, const char *name, const char *title,
                                 const json_t *value, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st;

    mu_buf_init(&bytes, BUNDLE_MAX_JSON_BYTES);
    st = mu_json_print(value, &bytes, err);
    if (st == MU_OK)
        st = bundle_folder_path(&writer->folder, name, path, err);
    if (st == MU_OK)
        st = mu_file_write_atomic(path, bytes.data, bytes.len, err);
    if (st == MU_OK)
        st = list_file(writer, name, title, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "%s", name);
}

static enum mu_status write_gaps(struct writer *writer, struct mu_error *err)
{
    json_auto_t *gaps = NULL;
    enum mu_status st = assets_gaps(writer->request->snapshot, &gaps, err);

    if (st != MU_OK)
        return st;
    writer->counts.gaps = json_array_size(gaps);
    return write_json(writer, BUNDLE_GAPS, "Assets with running containers that are not covered",
                      gaps, err);
}

static enum mu_status write_not_running(struct writer *writer, struct mu_error *err)
{
    const struct snapshot *snapshot = writer->request->snapshot;
    json_auto_t *targets = json_array();

    for (size_t i = 0; i < snapshot->not_running_count; i++)
        if (json_array_append_new(
                    targets, json_pack("{s:s, s:s?}", "uai", snapshot->not_running[i].uai, "digest",
                                       snapshot->not_running[i].manifest_digest)) != 0)
            return mu_fail(err, MU_E_NOMEM, "%s: out of memory", BUNDLE_NOT_RUNNING);
    return write_json(writer, BUNDLE_NOT_RUNNING, "Scan targets without a running container",
                      targets, err);
}

static enum mu_status write_containers(struct writer *writer, struct mu_error *err)
{
    const struct snapshot *snapshot = writer->request->snapshot;
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = bundle_folder_path(&writer->folder, BUNDLE_CONTAINERS, path, err);

    for (size_t i = 0; i < snapshot->total_count; i++)
        writer->counts.containers += (size_t)snapshot->totals[i].containers;
    if (st == MU_OK)
        st = containers_write(snapshot, path, err);
    if (st == MU_OK)
        st = list_file(writer, BUNDLE_CONTAINERS,
                       "Containers in production, a line for each manifest behind one", err);
    return st;
}

/* ---- raw scans ---- */

static int compare_evidence(const void *a, const void *b)
{
    const struct inventory_row *const *left = a, *const *right = b;
    int order = strcmp((*left)->evidence_digest, (*right)->evidence_digest);

    return order ? order : strcmp((*left)->uai, (*right)->uai);
}

/* Rows that have evidence, sorted by it. */
static const struct inventory_row **rows_with_evidence(struct writer *writer, size_t *ret_count)
{
    const struct snapshot *snapshot = writer->request->snapshot;
    const struct inventory_row **rows = mu_arena_alloc(
            writer->arena, (snapshot->inventory_count + 1) * sizeof(struct inventory_row *));
    size_t count = 0;

    for (size_t i = 0; rows && i < snapshot->inventory_count; i++)
        if (snapshot->inventory[i].evidence_digest)
            rows[count++] = &snapshot->inventory[i];
    if (rows)
        qsort(rows, count, sizeof(struct inventory_row *), compare_evidence);
    *ret_count = count;
    return rows;
}

/* Title of a raw scan: the UAIs it is evidence for. `rows` share one evidence digest. */
static const char *raw_scan_title(struct writer *writer, const struct inventory_row **rows,
                                  size_t count)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf title;

    mu_buf_init(&title, BUNDLE_TITLE_MAX_BYTES);
    mu_buf_puts(&title, "Raw scan of ");
    for (size_t i = 0; i < count; i++)
        mu_buf_printf(&title, "%s%s", i ? ", " : "", rows[i]->uai);
    return mu_arena_strndup(writer->arena, title.data, title.len);
}

static enum mu_status write_raw_scan(struct writer *writer, struct mu_http_client *client,
                                     const struct inventory_row **rows, size_t count,
                                     struct mu_error *err)
{
    const struct evidence_source source = {writer->request->inventory_url,
                                           writer->request->inventory_token,
                                           writer->request->retry_ms};
    const char *digest = rows[0]->evidence_digest;
    char path[BUNDLE_PATH_SIZE], name[BUNDLE_PATH_SIZE];
    enum mu_status st;

    (void)snprintf(name, sizeof(name), "%s/%s.json", BUNDLE_RAW_SCANS,
                   mu_text_starts(digest, "sha256:") ? digest + strlen("sha256:") : "");
    st = bundle_folder_path(&writer->folder, name, path, err);
    if (st == MU_OK)
        st = evidence_fetch(client, &source, digest, path, err);
    if (st == MU_OK)
        st = list_file(writer, name, raw_scan_title(writer, rows, count), err);
    if (st != MU_OK)
        return mu_wrap(err, "raw scan of '%s'", rows[0]->uai);
    writer->counts.raw_scans++;
    return MU_OK;
}

static size_t same_evidence(const struct inventory_row **rows, size_t count)
{
    size_t n = 1;

    while (n < count && mu_text_equal(rows[0]->evidence_digest, rows[n]->evidence_digest))
        n++;
    return n;
}

static enum mu_status write_raw_scans(struct writer *writer, struct mu_error *err)
{
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    struct mu_http_client_config config = {.user_agent = "muster-report"};
    char path[BUNDLE_PATH_SIZE];
    size_t count, same;
    const struct inventory_row **rows = rows_with_evidence(writer, &count);
    enum mu_status st;

    if (!rows)
        return mu_fail(err, MU_E_NOMEM, "raw scans: out of memory");
    st = bundle_folder_path(&writer->folder, BUNDLE_RAW_SCANS, path, err);
    if (st == MU_OK)
        st = mu_dir_make(path, err);
    if (st == MU_OK)
        st = mu_http_client_new(&config, &client, err);
    for (size_t i = 0; st == MU_OK && i < count; i += same) {
        same = same_evidence(rows + i, count - i);
        st = mu_stop_requested() ? mu_fail(err, MU_E_UNAVAILABLE, "stopping")
                                 : write_raw_scan(writer, client, rows + i, same, err);
        if (st == MU_OK && writer->request->progress)
            writer->request->progress(i + same, count);
    }
    return st;
}

/* ---- the whole ---- */

static enum mu_status fill(struct writer *writer, struct mu_error *err)
{
    static enum mu_status (*const steps[])(struct writer *, struct mu_error *) = {
            write_raw_scans, write_workbook, write_gaps, write_not_running, write_containers};
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        st = mu_stop_requested() ? mu_fail(err, MU_E_UNAVAILABLE, "stopping")
                                 : steps[i](writer, err);
        if (st != MU_OK)
            return st;
    }
    st = bundle_folder_path(&writer->folder, BUNDLE_MANIFEST, path, err);
    if (st == MU_OK)
        st = manifest_write(writer->manifest, &writer->counts, path, err);
    return st;
}

enum mu_status bundle_write(const struct bundle_request *request, struct mu_arena *arena,
                            struct bundle_counts *ret_counts, struct mu_error *err)
{
    struct writer writer = {.request = request, .arena = arena};
    enum mu_status st = bundle_folder_open(request->folder, &writer.folder, err);

    if (st != MU_OK)
        return mu_wrap(err, "bundle");
    writer.manifest = manifest_new(request);
    st = fill(&writer, err);
    if (st == MU_OK)
        st = bundle_folder_commit(&writer.folder, err);
    bundle_folder_close(&writer.folder);
    manifest_free(writer.manifest);
    if (st == MU_OK)
        *ret_counts = writer.counts;
    return st == MU_OK ? MU_OK : mu_wrap(err, "bundle");
}

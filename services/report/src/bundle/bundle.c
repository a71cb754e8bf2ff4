#include "bundle/bundle.h"

#include "bundle/assets.h"
#include "bundle/evidence.h"
#include "bundle/layout.h"
#include "bundle/manifest.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "http/http_client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUNDLE_PATH_SIZE = 4096, BUNDLE_TITLE_MAX_BYTES = 64 * 1024 };

struct writer {
    const struct bundle_request *request;
    struct mu_arena *arena;
    char folder[BUNDLE_PATH_SIZE]; /* the temporary one */
    struct manifest *manifest;
    struct bundle_counts counts;
};

static enum mu_status path_in(const struct writer *writer, const char *name,
                              char ret_path[BUNDLE_PATH_SIZE], struct mu_error *err)
{
    if (snprintf(ret_path, BUNDLE_PATH_SIZE, "%s/%s", writer->folder, name) >= BUNDLE_PATH_SIZE)
        return mu_fail(err, MU_E_LIMIT, "path '%s/%s' is too long", writer->folder, name);
    return MU_OK;
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

static enum mu_status write_workbook(struct writer *writer, struct mu_error *err)
{
    MU_AUTO(inventory_workbook) struct inventory_workbook *workbook = NULL;
    struct inventory_workbook *finished;
    char path[BUNDLE_PATH_SIZE], as_of[MU_TIME_TEXT_SIZE];
    struct inventory_workbook_properties properties = {.system_name = writer->request->system->name,
                                                       .month = writer->request->month,
                                                       .as_of = as_of,
                                                       .as_of_us =
                                                               writer->request->snapshot->as_of_us};
    enum mu_status st = path_in(writer, BUNDLE_WORKBOOK, path, err);

    if (st != MU_OK)
        return st;
    mu_time_format(properties.as_of_us, as_of);
    st = inventory_workbook_open(path, &properties, &workbook, err);
    if (st == MU_OK)
        st = add_rows(writer, workbook, err);
    if (st != MU_OK)
        return st;
    finished = workbook;
    workbook = NULL;
    st = inventory_workbook_close(finished, err);
    if (st == MU_OK)
        st = manifest_add_file(writer->manifest, writer->folder, BUNDLE_WORKBOOK,
                               "FedRAMP Integrated Inventory Workbook v3.1", err);
    return st;
}

/* ---- JSON and CSV beside it ---- */

static enum mu_status write_bytes(struct writer *writer, const char *name, const char *title,
                                  const struct mu_buf *bytes, struct mu_error *err)
{
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = path_in(writer, name, path, err);

    if (st == MU_OK)
        st = mu_file_write_atomic(path, bytes->data, bytes->len, err);
    if (st == MU_OK)
        st = manifest_add_file(writer->manifest, writer->folder, name, title, err);
    return st;
}

static enum mu_status write_json(struct writer *writer, const char *name, const char *title,
                                 const json_t *value, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, BUNDLE_MAX_JSON_BYTES);
    st = mu_json_print(value, &bytes, err);
    if (st == MU_OK)
        st = write_bytes(writer, name, title, &bytes, err);
    return st;
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

/* One CSV field, always quoted (RFC 4180, section 2). */
static void put_field(struct mu_buf *out, const char *text, char end)
{
    mu_buf_puts(out, "\"");
    for (; text && *text; text++) {
        if (*text == '"')
            mu_buf_puts(out, "\"");
        mu_buf_append(out, text, 1);
    }
    mu_buf_printf(out, "\"%c", end);
}

static enum mu_status write_containers(struct writer *writer, struct mu_error *err)
{
    const struct snapshot *snapshot = writer->request->snapshot;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf csv;
    enum mu_status st;

    mu_buf_init(&csv, BUNDLE_MAX_JSON_BYTES);
    mu_buf_puts(&csv, "cluster,namespace,pod,container,kind,image,unique_asset_identifier,digest,"
                      "state,reason,started_at,node\n");
    for (size_t i = 0; i < snapshot->instance_count; i++) {
        const struct instance_row *row = &snapshot->instances[i];
        const char *const fields[] = {row->cluster,   row->namespace_name,  row->pod,
                                      row->container, row->container_kind,  row->image,
                                      row->uai,       row->manifest_digest, row->state,
                                      row->reason,    row->started_at,      row->node};
        const size_t count = sizeof(fields) / sizeof(fields[0]);

        for (size_t f = 0; f < count; f++)
            put_field(&csv, fields[f], f + 1 == count ? '\n' : ',');
    }
    for (size_t i = 0; i < snapshot->total_count; i++)
        writer->counts.containers += (size_t)snapshot->totals[i].containers;
    st = mu_buf_status(&csv, BUNDLE_CONTAINERS, err);
    if (st == MU_OK)
        st = write_bytes(writer, BUNDLE_CONTAINERS, "Containers in production, one a line", &csv,
                         err);
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
    const char *digest = rows[0]->evidence_digest;
    char path[BUNDLE_PATH_SIZE], name[BUNDLE_PATH_SIZE];
    enum mu_status st;

    if (!mu_text_starts(digest, "sha256:") || strlen(digest) != MU_DIGEST_TEXT_SIZE - 1)
        return mu_fail(err, MU_E_INVALID, "evidence '%s' has no SHA-256 name", digest);
    (void)snprintf(name, sizeof(name), "%s/%s.json", BUNDLE_RAW_SCANS, digest + strlen("sha256:"));
    st = path_in(writer, name, path, err);
    if (st == MU_OK)
        st = evidence_fetch(client, writer->request->inventory_url, digest, path, err);
    if (st == MU_OK)
        st = manifest_add_file(writer->manifest, writer->folder, name,
                               raw_scan_title(writer, rows, count), err);
    if (st == MU_OK)
        writer->counts.raw_scans++;
    return st;
}

static enum mu_status write_raw_scans(struct writer *writer, struct mu_error *err)
{
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    struct mu_http_client_config config = {.user_agent = "muster-report"};
    char path[BUNDLE_PATH_SIZE];
    size_t count, next;
    const struct inventory_row **rows = rows_with_evidence(writer, &count);
    enum mu_status st = rows ? path_in(writer, BUNDLE_RAW_SCANS, path, err)
                             : mu_fail(err, MU_E_NOMEM, "raw scans: out of memory");

    if (st == MU_OK)
        st = mu_dir_make(path, err);
    if (st == MU_OK)
        st = mu_http_client_new(&config, &client, err);
    for (size_t i = 0; st == MU_OK && i < count; i = next) {
        for (next = i + 1;
             next < count && mu_text_equal(rows[i]->evidence_digest, rows[next]->evidence_digest);)
            next++;
        st = write_raw_scan(writer, client, rows + i, next - i, err);
        if (st == MU_OK && writer->request->progress)
            writer->request->progress(next, count);
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
        st = steps[i](writer, err);
        if (st != MU_OK)
            return st;
    }
    st = path_in(writer, BUNDLE_MANIFEST, path, err);
    if (st == MU_OK)
        st = manifest_write(writer->manifest, &writer->counts, path, err);
    return st;
}

/* Removes what a failed run made: one level of files and the raw scans. */
static void remove_folder(const char *folder)
{
    char path[BUNDLE_PATH_SIZE];
    struct dirent *entry;
    DIR *dir = opendir(folder);

    while (dir && (entry = readdir(dir))) {
        if (mu_text_equal(entry->d_name, ".") || mu_text_equal(entry->d_name, ".."))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (unlink(path) != 0 && errno == EISDIR)
            remove_folder(path);
    }
    if (dir)
        (void)closedir(dir);
    (void)rmdir(folder);
}

static enum mu_status open_writer(struct writer *writer, struct mu_error *err)
{
    const char *folder = writer->request->folder;
    struct stat status;

    if (stat(folder, &status) == 0)
        return mu_fail(err, MU_E_CONFLICT,
                       "'%s' exists already: remove it or choose another folder", folder);
    if (snprintf(writer->folder, sizeof(writer->folder), "%s.partial", folder) >=
        (int)sizeof(writer->folder))
        return mu_fail(err, MU_E_LIMIT, "path '%s' is too long", folder);
    remove_folder(writer->folder);
    writer->manifest = manifest_new(writer->request);
    return mu_dir_make(writer->folder, err);
}

enum mu_status bundle_write(const struct bundle_request *request, struct mu_arena *arena,
                            struct bundle_counts *ret_counts, struct mu_error *err)
{
    struct writer writer = {.request = request, .arena = arena};
    enum mu_status st = open_writer(&writer, err);

    if (st == MU_OK) {
        st = fill(&writer, err);
        if (st == MU_OK && rename(writer.folder, request->folder) != 0)
            st = mu_fail(err, MU_E_UNAVAILABLE, "rename to '%s': %s", request->folder,
                         strerror(errno));
        if (st != MU_OK)
            remove_folder(writer.folder);
    }
    manifest_free(writer.manifest);
    if (st == MU_OK)
        *ret_counts = writer.counts;
    return st == MU_OK ? MU_OK : mu_wrap(err, "bundle");
}

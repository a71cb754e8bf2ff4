#include "bundle/manifest.h"

#include "bundle/layout.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/scope.h"
#include "base/sha256.h"
#include "json/json_doc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_READ_BYTES = 64 * 1024, MANIFEST_PATH_SIZE = 8192 };

struct manifest {
    json_t *root;
    json_t *files; /* name -> {sha256, size_bytes, title}; printed sorted by name */
};

static void set_time(json_t *object, const char *name, int64_t at_us)
{
    char text[MU_TIME_TEXT_SIZE];

    mu_time_format(at_us, text);
    (void)json_object_set_new(object, name, json_string(text));
}

enum mu_status manifest_new(const struct bundle_request *request, struct manifest **ret_manifest,
                            struct mu_error *err)
{
    MU_AUTO(manifest) struct manifest *manifest = mu_xcalloc(1, sizeof(*manifest));
    const struct snapshot_instants *instants = snapshot_instants(request->snapshot);
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    json_t *totals = json_object();
    struct total_row total;
    bool found = true;
    enum mu_status st = snapshot_list(request->snapshot, SNAPSHOT_LIST_TOTALS, NULL, &cursor, err);

    manifest->files = json_object();
    manifest->root = json_pack(
            "{s:s, s:{s:s, s:s, s:s}, s:s, s:{s:s, s:s}, s:o}", "schema", BUNDLE_SCHEMA, "system",
            "name", request->system->name, "fedramp_id", request->system->fedramp_id,
            "impact_level", request->system->impact_level, "month", request->month, "generator",
            "name", "muster-report", "version", MU_VERSION, "running_containers", totals);
    set_time(manifest->root, "as_of", instants->as_of_us);
    set_time(manifest->root, "known_at", instants->known_at_us);
    while (st == MU_OK) {
        st = snapshot_next(cursor, &total, &found, err);
        if (st != MU_OK || !found)
            break;
        (void)json_object_set_new(totals, total.state, json_integer(total.containers));
    }
    if (st != MU_OK)
        return st;
    *ret_manifest = manifest;
    manifest = NULL;
    return MU_OK;
}

void manifest_free(struct manifest *manifest)
{
    if (!manifest)
        return;
    json_decref(manifest->files);
    json_decref(manifest->root);
    free(manifest);
}

enum mu_status manifest_hash_file(const char *path, char *ret_digest, uint64_t *ret_size_bytes,
                                  struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    MU_AUTO_FILE FILE *file = fopen(path, "re");
    char bytes[HASH_READ_BYTES];
    uint64_t size_bytes = 0;
    size_t len;

    if (!file)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE, "'%s': %s", path,
                       strerror(errno));
    while ((len = fread(bytes, 1, sizeof(bytes), file)) > 0) {
        mu_sha256_update(hash, bytes, len);
        size_bytes += len;
    }
    if (ferror(file))
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    mu_sha256_final_text(hash, ret_digest);
    *ret_size_bytes = size_bytes;
    return MU_OK;
}

enum mu_status manifest_add_file(struct manifest *manifest, const char *folder, const char *name,
                                 const char *title, struct mu_error *err)
{
    char path[MANIFEST_PATH_SIZE], digest[MU_DIGEST_TEXT_SIZE];
    uint64_t size_bytes = 0;
    enum mu_status st;

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return mu_fail(err, MU_E_LIMIT, "path '%s/%s' is too long", folder, name);
    st = manifest_hash_file(path, digest, &size_bytes, err);
    if (st != MU_OK)
        return st;
    if (json_object_set_new(manifest->files, name,
                            json_pack("{s:s, s:I, s:s}", "sha256", digest, "size_bytes",
                                      (json_int_t)size_bytes, "title", title ? title : "")) != 0)
        return mu_fail(err, MU_E_INVALID, "'%s' has a name or title that is not UTF-8", name);
    return MU_OK;
}

enum mu_status manifest_write(struct manifest *manifest, const struct bundle_counts *counts,
                              const char *path, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, BUNDLE_MAX_JSON_BYTES);
    (void)json_object_set(manifest->root, "files", manifest->files);
    (void)json_object_set_new(manifest->root, "counts",
                              json_pack("{s:I, s:I, s:I, s:I}", "rows", (json_int_t)counts->rows,
                                        "raw_scans", (json_int_t)counts->raw_scans, "gaps",
                                        (json_int_t)counts->gaps, "containers",
                                        (json_int_t)counts->containers));
    st = mu_json_print(manifest->root, &bytes, err);
    if (st == MU_OK)
        st = mu_file_write_atomic(path, bytes.data, bytes.len, err);
    return st;
}

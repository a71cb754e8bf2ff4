#include "store/month_files.h"

#include "store/month_store.h"

#include "bundle/manifest.h"
#include "snapshot/snapshot_file.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct files {
    const char *folder;
    struct mu_arena *arena;
};

/* Hash and size of a file that was written. */
static enum mu_status seal(const struct files *files, const char *path, struct close_file *ret_file,
                           struct mu_error *err)
{
    char *digest = mu_arena_alloc(files->arena, MU_DIGEST_TEXT_SIZE);
    uint64_t size_bytes;
    enum mu_status st = digest ? manifest_hash_file(path, digest, &size_bytes, err)
                               : mu_fail(err, MU_E_NOMEM, "out of memory");

    if (st == MU_OK)
        *ret_file = (struct close_file){digest, (int64_t)size_bytes};
    return st;
}

static enum mu_status put(const struct files *files, const char *name, const struct mu_buf *bytes,
                          struct close_file *ret_file, struct mu_error *err)
{
    char path[STORE_PATH_SIZE];
    enum mu_status st = store_path(path, err, "%s/%s", files->folder, name);

    if (st == MU_OK)
        st = mu_file_write_atomic(path, bytes->data ? bytes->data : "", bytes->len, err);
    return st == MU_OK ? seal(files, path, ret_file, err) : st;
}

static enum mu_status put_snapshot(const struct files *files, const struct snapshot *snapshot,
                                   struct close_file *ret_file, struct mu_error *err)
{
    char path[STORE_PATH_SIZE];
    enum mu_status st = store_path(path, err, "%s/%s", files->folder, MONTH_SNAPSHOT);

    if (st == MU_OK)
        st = snapshot_save(snapshot, path, err);
    return st == MU_OK ? seal(files, path, ret_file, err) : st;
}

/* ---- evidence.sha256 ---- */

static enum mu_status list_evidence(const struct snapshot *snapshot, FILE *out, int64_t *ret_files,
                                    struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct original_row row;
    bool found = true;
    enum mu_status st = snapshot_list(snapshot, SNAPSHOT_LIST_EVIDENCE_FILES, NULL, &cursor, err);

    *ret_files = 0;
    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        const char *hex = row.evidence_digest + strlen("sha256:"); /* checked when it was kept */

        if (fprintf(out, "%s  %s/%.2s/%s\n", hex, STORE_EVIDENCE, hex, hex) < 0)
            st = mu_fail(err, MU_E_UNAVAILABLE, "%s: %s", MONTH_EVIDENCE, strerror(errno));
        (*ret_files)++;
    }
    if (st == MU_OK && fflush(out) != 0)
        st = mu_fail(err, MU_E_UNAVAILABLE, "%s: %s", MONTH_EVIDENCE, strerror(errno));
    return st;
}

static enum mu_status put_evidence_list(const struct files *files, const struct snapshot *snapshot,
                                        struct close_record *record, struct mu_error *err)
{
    char path[STORE_PATH_SIZE];
    MU_AUTO_FILE FILE *out = NULL;
    enum mu_status st = store_path(path, err, "%s/%s", files->folder, MONTH_EVIDENCE);
    int fd;

    if (st != MU_OK)
        return st;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out)
        return mu_fail(err, errno == EEXIST ? MU_E_CONFLICT : MU_E_UNAVAILABLE, "create '%s': %s",
                       path, strerror(errno));
    st = list_evidence(snapshot, out, &record->evidence_files, err);
    return st == MU_OK ? seal(files, path, &record->evidence, err) : st;
}

/* ---- what the system file names ---- */

static enum mu_status put_companions(const struct files *files,
                                     const struct month_contents *contents,
                                     struct close_record *record, struct mu_error *err)
{
    struct close_companion *rows =
            mu_arena_alloc(files->arena, SYSTEM_COMPANIONS * sizeof(struct close_companion));
    enum mu_status st = rows ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");

    record->companions = (struct mu_json_array){rows, 0};
    for (size_t i = 0; st == MU_OK && i < contents->companion_count; i++) {
        const struct month_companion *companion = &contents->companions[i];
        struct close_companion *row = &rows[record->companions.count++];

        row->key = system_companion_keys[companion->key];
        row->name = mu_arena_printf(files->arena, "%s.%s", row->key, companion->ending);
        st = row->name ? put(files, row->name, companion->bytes, &row->file, err)
                       : mu_fail(err, MU_E_NOMEM, "out of memory");
    }
    return st;
}

enum mu_status month_files_write(const char *folder, const struct month_contents *contents,
                                 struct mu_arena *arena, struct close_record *record,
                                 struct mu_error *err)
{
    const struct files files = {folder, arena};
    enum mu_status st = mu_dir_make(folder, err);

    if (st == MU_OK)
        st = put_snapshot(&files, contents->snapshot, &record->snapshot, err);
    if (st == MU_OK)
        st = put(&files, MONTH_SYSTEM, contents->system, &record->system, err);
    if (st == MU_OK)
        st = put(&files, MONTH_NUMBERS, contents->numbers, &record->numbers, err);
    if (st == MU_OK)
        st = put_companions(&files, contents, record, err);
    return st == MU_OK ? put_evidence_list(&files, contents->snapshot, record, err) : st;
}

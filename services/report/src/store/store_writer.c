#include "store/store_writer.h"

#include "store/store_lock.h"

#include "bundle/evidence.h"
#include "bundle/manifest.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Evidence is synced in lots: each sync waits for the disk, and a fleet has 100,000 scans. */
enum { LOT = 512, HEX_SIZE = 65, RECORD_ARENA_BYTES = 64 * 1024 };

#define BUILDING_EVIDENCE STORE_BUILDING "/" STORE_EVIDENCE
#define BUILDING_MONTH    STORE_BUILDING "/month"

struct store_writer {
    char folder[STORE_PATH_SIZE];
    int lock_fd;                        /* of the lock; -1: none */
    int folder_fd;                      /* for syncfs */
    struct month_store *months, *after; /* before and after the commit */
    char lot[LOT][HEX_SIZE];            /* whole in building/evidence, not yet kept */
    size_t lot_count;
    struct mu_arena *arena; /* texts of the record */
};

static enum mu_status failed(const char *verb, const char *path, struct mu_error *err)
{
    return mu_fail(err, errno == EEXIST ? MU_E_CONFLICT : MU_E_UNAVAILABLE, "%s '%s': %s", verb,
                   path, strerror(errno));
}

/* ---- opening, and what a killed close left ---- */

static void clear_folder(const struct store_writer *writer, const char *name)
{
    char path[STORE_PATH_SIZE];
    const struct dirent *entry;
    struct mu_error err;
    DIR *dir;

    if (store_path(path, &err, "%s/%s", writer->folder, name) != MU_OK)
        return;
    dir = opendir(path);
    while (dir && (entry = readdir(dir)))
        if (!mu_text_equal(entry->d_name, ".") && !mu_text_equal(entry->d_name, ".."))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        (void)closedir(dir);
    (void)rmdir(path);
}

static void clear_building(const struct store_writer *writer)
{
    clear_folder(writer, BUILDING_EVIDENCE);
    clear_folder(writer, BUILDING_MONTH);
    clear_folder(writer, STORE_BUILDING);
}

static enum mu_status make_folders(struct store_writer *writer, struct mu_error *err)
{
    static const char *const names[] = {STORE_MONTHS, STORE_EVIDENCE, BUILDING_EVIDENCE};
    char path[STORE_PATH_SIZE];
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < sizeof(names) / sizeof(names[0]); i++) {
        st = store_path(path, err, "%s/%s", writer->folder, names[i]);
        if (st == MU_OK)
            st = mu_dir_make(path, err);
    }
    return st;
}

enum mu_status store_writer_open(const char *folder, const char *doing,
                                 struct store_writer **ret_writer, struct mu_error *err)
{
    MU_AUTO(store_writer) struct store_writer *writer = mu_xcalloc(1, sizeof(*writer));
    enum mu_status st;

    writer->lock_fd = writer->folder_fd = -1;
    writer->arena = mu_arena_new(RECORD_ARENA_BYTES);
    st = store_path(writer->folder, err, "%s", folder);
    if (st == MU_OK)
        st = mu_dir_make(folder, err);
    if (st != MU_OK)
        return st;
    st = store_lock_take(folder, doing, &writer->lock_fd, err);
    if (st != MU_OK)
        return st;
    writer->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (writer->folder_fd < 0)
        return failed("open", folder, err);
    clear_building(writer);
    st = make_folders(writer, err);
    if (st == MU_OK)
        st = month_store_open(folder, &writer->months, err);
    if (st != MU_OK)
        return st;
    *ret_writer = writer;
    writer = NULL;
    return MU_OK;
}

void store_writer_free(struct store_writer *writer)
{
    if (!writer)
        return;
    if (writer->lock_fd >= 0) {
        clear_building(writer);
        (void)close(writer->lock_fd);
    }
    if (writer->folder_fd >= 0)
        (void)close(writer->folder_fd);
    month_store_free(writer->months);
    month_store_free(writer->after);
    mu_arena_free(writer->arena);
    free(writer);
}

const struct month_store *store_writer_months(const struct store_writer *writer)
{
    return writer->months;
}

static enum mu_status sync_store(const struct store_writer *writer, struct mu_error *err)
{
    return syncfs(writer->folder_fd) == 0 ? MU_OK : failed("sync", writer->folder, err);
}

/* ---- evidence ---- */

static enum mu_status check_there(const char *path, const char *digest, bool *ret_there,
                                  struct mu_error *err)
{
    char found[MU_DIGEST_TEXT_SIZE];
    uint64_t size_bytes;
    enum mu_status st = manifest_hash_file(path, found, &size_bytes, err);

    if (st == MU_E_NOT_FOUND) {
        *ret_there = false;
        return MU_OK;
    }
    if (st == MU_OK && !mu_text_equal(found, digest))
        return mu_fail(err, MU_E_CONFLICT,
                       "'%s' is damaged: restore it from a backup, or remove it to have it "
                       "fetched again",
                       path);
    *ret_there = st == MU_OK;
    return st;
}

enum mu_status store_writer_evidence(struct store_writer *writer, const char *digest,
                                     char ret_path[STORE_PATH_SIZE], bool *ret_there,
                                     struct mu_error *err)
{
    char shelf[STORE_PATH_SIZE];
    enum mu_status st = store_path(shelf, err, "%s/%s", writer->folder, STORE_EVIDENCE);

    if (st == MU_OK)
        st = evidence_shelf_path(shelf, digest, ret_path, err);
    if (st == MU_OK)
        st = check_there(ret_path, digest, ret_there, err);
    if (st != MU_OK || *ret_there)
        return st;
    st = store_path(ret_path, err, "%s/%s/%s", writer->folder, BUILDING_EVIDENCE,
                    digest + strlen("sha256:"));
    *ret_there = st == MU_OK && access(ret_path, F_OK) == 0; /* of this lot */
    return st;
}

static enum mu_status place(const struct store_writer *writer, const char *hex,
                            struct mu_error *err)
{
    char from[STORE_PATH_SIZE], folder[STORE_PATH_SIZE], to[STORE_PATH_SIZE];
    enum mu_status st = store_path(from, err, "%s/%s/%s", writer->folder, BUILDING_EVIDENCE, hex);

    if (st == MU_OK)
        st = store_path(folder, err, "%s/%s/%.2s", writer->folder, STORE_EVIDENCE, hex);
    if (st == MU_OK)
        st = mu_dir_make(folder, err);
    if (st == MU_OK)
        st = store_path(to, err, "%s/%s", folder, hex);
    if (st == MU_OK && rename(from, to) != 0)
        st = failed("rename to", to, err);
    return st;
}

/* A name in the store means: the bytes are on the disk. */
static enum mu_status place_lot(struct store_writer *writer, struct mu_error *err)
{
    enum mu_status st = writer->lot_count > 0 ? sync_store(writer, err) : MU_OK;

    for (size_t i = 0; st == MU_OK && i < writer->lot_count; i++)
        st = place(writer, writer->lot[i], err);
    if (st == MU_OK)
        writer->lot_count = 0;
    return st;
}

enum mu_status store_writer_keep(struct store_writer *writer, const char *digest,
                                 struct mu_error *err)
{
    (void)snprintf(writer->lot[writer->lot_count++], HEX_SIZE, "%s", digest + strlen("sha256:"));
    return writer->lot_count == LOT ? place_lot(writer, err) : MU_OK;
}

/* ---- the month ---- */

static enum mu_status month_path(const struct store_writer *writer, const char *name,
                                 char ret_path[STORE_PATH_SIZE], struct mu_error *err)
{
    return store_path(ret_path, err, "%s/%s/%s", writer->folder, BUILDING_MONTH, name);
}

/* Every close but the first names the one before it. */
static void link_record(const struct store_writer *writer, struct close_record *record)
{
    size_t count = month_store_count(writer->months);

    record->schema = CLOSE_SCHEMA;
    record->serial = 1;
    record->has_previous = count > 0;
    if (count > 0) {
        const struct month_close *last = month_store_at(writer->months, count - 1);

        record->serial = last->record.serial + 1;
        record->previous = (struct close_link){last->record.month, last->record.revision,
                                               last->record.serial, last->sha256};
    }
}

static enum mu_status write_record(const struct store_writer *writer,
                                   const struct close_record *record, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    char path[STORE_PATH_SIZE];
    enum mu_status st;

    mu_buf_init(&bytes, CLOSE_RECORD_MAX_BYTES);
    st = close_record_print(record, &bytes, err);
    if (st == MU_OK)
        st = month_path(writer, MONTH_CLOSE, path, err);
    return st == MU_OK ? mu_file_write_atomic(path, bytes.data, bytes.len, err) : st;
}

static enum mu_status build_month(struct store_writer *writer, struct close_record *record,
                                  const struct month_contents *contents, struct mu_error *err)
{
    char folder[STORE_PATH_SIZE];
    enum mu_status st = store_path(folder, err, "%s/%s", writer->folder, BUILDING_MONTH);

    if (st == MU_OK)
        st = month_files_write(folder, contents, writer->arena, record, err);
    if (st == MU_OK)
        link_record(writer, record);
    return st == MU_OK ? write_record(writer, record, err) : st;
}

static enum mu_status place_month(const struct store_writer *writer,
                                  const struct close_record *record, struct mu_error *err)
{
    char from[STORE_PATH_SIZE], to[STORE_PATH_SIZE], months[STORE_PATH_SIZE];
    MU_AUTO_FD int fd = -1;
    struct stat status;
    enum mu_status st = month_path(writer, "", from, err);

    if (st == MU_OK)
        st = store_path(months, err, "%s/%s", writer->folder, STORE_MONTHS);
    if (st == MU_OK)
        st = store_path(to, err, "%s/%s-r%lld", months, record->month, (long long)record->revision);
    if (st == MU_OK && lstat(to, &status) == 0)
        st = mu_fail(err, MU_E_CONFLICT, "'%s' exists already", to);
    if (st != MU_OK)
        return st;
    from[strlen(from) - 1] = '\0'; /* the slash */
    if (rename(from, to) != 0)
        return failed("rename to", to, err);
    fd = open(months, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? MU_OK : failed("fsync", months, err);
}

enum mu_status store_writer_commit(struct store_writer *writer, struct close_record *record,
                                   const struct month_contents *contents,
                                   const struct month_close **ret_close, struct mu_error *err)
{
    enum mu_status st = place_lot(writer, err);

    if (st == MU_OK)
        st = build_month(writer, record, contents, err);
    if (st == MU_OK)
        st = sync_store(writer, err);
    if (st == MU_OK)
        st = place_month(writer, record, err);
    if (st == MU_OK)
        st = month_store_open(writer->folder, &writer->after, err);
    if (st == MU_OK)
        *ret_close = month_store_find(writer->after, record->month, record->revision);
    return st;
}

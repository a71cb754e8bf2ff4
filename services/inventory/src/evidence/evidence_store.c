#include "evidence/evidence_store.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DIGEST_PREFIX_LEN = 7, FOLDER_MAX = 3072, LEFTOVER_AGE_S = 24 * 3600 };
#define TEMPORARY_PREFIX ".new-"

struct evidence_store {
    char folder[FOLDER_MAX];
};

struct evidence_writer {
    char target[PATH_MAX], temporary[PATH_MAX];
    char digest[MU_DIGEST_TEXT_SIZE];
    struct mu_sha256 *hash;
    uint64_t size_bytes;
    int fd;
};

/* Removes what an upload left that a crash cut off; others may be writing, so only what is old. */
static void remove_leftovers(const char *folder)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    struct stat status;

    while (listing && (entry = readdir(listing)) != NULL)
        if (mu_text_starts(entry->d_name, TEMPORARY_PREFIX) &&
            fstatat(dirfd(listing), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            status.st_mtime < time(NULL) - LEFTOVER_AGE_S)
            (void)unlinkat(dirfd(listing), entry->d_name, 0);
    if (listing)
        (void)closedir(listing);
}

enum mu_status evidence_store_open(const char *folder, struct evidence_store **ret_store,
                                   struct mu_error *err)
{
    struct evidence_store *store = mu_xcalloc(1, sizeof(*store));
    enum mu_status st;

    if (snprintf(store->folder, sizeof(store->folder), "%s/sha256", folder) >= FOLDER_MAX)
        st = mu_fail(err, MU_E_LIMIT, "evidence folder '%.100s...' has too long a name", folder);
    else
        st = mu_dir_make(store->folder, err);
    if (st != MU_OK) {
        free(store);
        return st;
    }
    remove_leftovers(store->folder);
    *ret_store = store;
    return MU_OK;
}

void evidence_store_close(struct evidence_store *store)
{
    free(store);
}

/* The file of a digest; only hex digits ever get into the path. */
static enum mu_status path_of(const struct evidence_store *store, const char *digest,
                              char ret_path[PATH_MAX], struct mu_error *err)
{
    uint8_t bytes[MU_SHA256_BYTES];
    char hex[MU_SHA256_HEX_SIZE];

    if (!mu_text_starts(digest, "sha256:") ||
        !mu_hex_decode(digest + DIGEST_PREFIX_LEN, strlen(digest + DIGEST_PREFIX_LEN), bytes,
                       sizeof(bytes)))
        return mu_fail(err, MU_E_INVALID, "'%.100s' is no SHA-256 digest", digest);
    mu_hex_encode(bytes, sizeof(bytes), hex);
    (void)snprintf(ret_path, PATH_MAX, "%s/%.2s/%s", store->folder, hex, hex);
    return MU_OK;
}

enum mu_status evidence_store_open_file(const struct evidence_store *store, const char *digest,
                                        int *ret_fd, uint64_t *ret_size_bytes, struct mu_error *err)
{
    MU_AUTO_FD int fd = -1;
    char path[PATH_MAX];
    struct stat status;
    enum mu_status st = path_of(store, digest, path, err);

    if (st != MU_OK)
        return st;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE, "evidence %s: %s",
                       digest, strerror(errno));
    *ret_size_bytes = (uint64_t)status.st_size;
    *ret_fd = mu_take_fd(&fd);
    return MU_OK;
}

enum mu_status evidence_store_read(const struct evidence_store *store, const char *digest,
                                   struct mu_buf *out, struct mu_error *err)
{
    char path[PATH_MAX];
    enum mu_status st = path_of(store, digest, path, err);

    if (st == MU_OK)
        st = mu_file_read(path, out, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "evidence %.80s", digest);
}

enum mu_status evidence_store_look(const struct evidence_store *store, const char *digest,
                                   struct mu_error *err)
{
    MU_AUTO_FD int fd = -1;
    uint64_t size_bytes;

    return evidence_store_open_file(store, digest, &fd, &size_bytes, err);
}

/* ---- writing ---- */

/* Path without its last component. */
static void folder_of(const char *path, char ret_folder[PATH_MAX])
{
    (void)snprintf(ret_folder, PATH_MAX, "%.*s", (int)(strrchr(path, '/') - path), path);
}

static enum mu_status disk_error(struct mu_error *err, const char *what, const char *path)
{
    return mu_fail(err, MU_E_UNAVAILABLE, "evidence: %s '%s': %s", what, path, strerror(errno));
}

enum mu_status evidence_writer_open(const struct evidence_store *store, const char *digest,
                                    struct evidence_writer **ret_writer, struct mu_error *err)
{
    MU_AUTO(evidence_writer) struct evidence_writer *writer = mu_xcalloc(1, sizeof(*writer));
    char folder[PATH_MAX];
    enum mu_status st;

    writer->fd = -1;
    writer->hash = mu_sha256_new();
    st = path_of(store, digest, writer->target, err);
    if (st != MU_OK)
        return st;
    (void)snprintf(writer->digest, sizeof(writer->digest), "%s", digest);
    folder_of(writer->target, folder);
    st = mu_dir_make(folder, err);
    if (st != MU_OK)
        return st;
    (void)snprintf(writer->temporary, sizeof(writer->temporary), "%.*s/" TEMPORARY_PREFIX "XXXXXX",
                   PATH_MAX - 16, store->folder);
    writer->fd = mkostemp(writer->temporary, O_CLOEXEC);
    if (writer->fd < 0)
        return disk_error(err, "create", writer->temporary);
    *ret_writer = writer;
    writer = NULL;
    return MU_OK;
}

enum mu_status evidence_writer_append(struct evidence_writer *writer, const void *bytes, size_t len,
                                      struct mu_error *err)
{
    const char *at = bytes;

    if (len > EVIDENCE_MAX_BYTES - writer->size_bytes)
        return mu_fail(err, MU_E_LIMIT, "evidence: more than %d bytes", EVIDENCE_MAX_BYTES);
    mu_sha256_update(writer->hash, bytes, len);
    writer->size_bytes += len;
    while (len > 0) {
        ssize_t written = write(writer->fd, at, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return disk_error(err, "write", writer->temporary);
        at += written;
        len -= (size_t)written;
    }
    return MU_OK;
}

static enum mu_status sync_folder(const char *folder, struct mu_error *err)
{
    MU_AUTO_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 && fsync(fd) == 0 ? MU_OK : disk_error(err, "fsync", folder);
}

/* The file's folder, and the one above it, in which it may be new. */
static enum mu_status sync_folders(const char *target, struct mu_error *err)
{
    char folder[PATH_MAX], above[PATH_MAX];

    folder_of(target, folder);
    folder_of(folder, above);
    return sync_folder(folder, err) == MU_OK ? sync_folder(above, err) : err->status;
}

enum mu_status evidence_writer_commit(struct evidence_writer *writer,
                                      enum evidence_outcome *ret_outcome, struct mu_error *err)
{
    char found[MU_DIGEST_TEXT_SIZE];
    enum evidence_outcome outcome = EVIDENCE_CREATED;

    mu_sha256_final_text(writer->hash, found);
    if (!mu_text_equal(found, writer->digest))
        return mu_fail(err, MU_E_INVALID, "evidence: the bytes hash to %s, not to %s", found,
                       writer->digest);
    if (access(writer->target, F_OK) == 0) {
        outcome = EVIDENCE_EXISTED;
    } else {
        if (fchmod(writer->fd, 0440) != 0 || fsync(writer->fd) != 0 ||
            rename(writer->temporary, writer->target) != 0)
            return disk_error(err, "store", writer->target);
        writer->temporary[0] = '\0';
    }
    if (sync_folders(writer->target, err) != MU_OK)
        return err->status;
    *ret_outcome = outcome;
    return MU_OK;
}

void evidence_writer_free(struct evidence_writer *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0) {
        (void)close(writer->fd);
        if (writer->temporary[0])
            (void)unlink(writer->temporary);
    }
    mu_sha256_free(writer->hash);
    free(writer);
}

#include "layer/summary_cache.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static const char file_magic[8] = {'M', 'U', 'S', 'T', 'C', 'A', 'C', 1};
static const char suffix[] = ".summary", temporary[] = ".new-";

enum {
    PREFIX_BYTES = sizeof(file_magic) + MU_SHA256_BYTES,
    NAME_SIZE = 2 * MU_SHA256_BYTES + sizeof(suffix),
    STALE_SECONDS = 3600 /* a temporary file whose writer is gone */
};

struct summary_cache {
    char *folder;
    uint64_t max_bytes;
    pthread_mutex_t lock;
    uint64_t since_sweep; /* bytes written; under the lock */
};

/* ---- the key ---- */

static enum mu_status key_read(const char *path, struct path_key *ret_key, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;

    mu_buf_init(&bytes, sizeof(*ret_key));
    if (mu_file_read(path, &bytes, err) != MU_OK)
        return err->status;
    if (bytes.len != sizeof(*ret_key))
        return mu_fail(err, MU_E_INVALID, "'%s' is no key of a cache: remove it", path);
    memcpy(ret_key, bytes.data, sizeof(*ret_key));
    return MU_OK;
}

/* Of several processes that make it at once, all end up with the same. */
static enum mu_status key_make(const char *path, struct mu_error *err)
{
    MU_AUTO_FD int fd = -1;
    char name[PATH_MAX];
    struct path_key key;
    bool written;

    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return mu_fail(err, MU_E_UNAVAILABLE, "no random bytes: %s", strerror(errno));
    if (snprintf(name, sizeof(name), "%s.XXXXXX", path) < (int)sizeof(name))
        fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "cache-dir: '%s': %s", path, strerror(errno));
    written = write(fd, &key, sizeof(key)) == (ssize_t)sizeof(key) && fsync(fd) == 0 &&
              (link(name, path) == 0 || errno == EEXIST);
    (void)unlink(name);
    return written ? MU_OK
                   : mu_fail(err, MU_E_UNAVAILABLE, "cache-dir: '%s': %s", path, strerror(errno));
}

static enum mu_status key_load(const char *folder, struct path_key *ret_key, struct mu_error *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/key", folder) >= (int)sizeof(path) - 8)
        return mu_fail(err, MU_E_UNAVAILABLE, "cache-dir: the path is too long");
    if (key_read(path, ret_key, err) == MU_OK)
        return MU_OK;
    if (err->status != MU_E_NOT_FOUND || key_make(path, err) != MU_OK)
        return err->status;
    return key_read(path, ret_key, err);
}

enum mu_status summary_cache_open(const char *folder, uint64_t max_bytes, struct path_key *ret_key,
                                  struct summary_cache **ret_cache, struct mu_error *err)
{
    MU_AUTO(summary_cache) struct summary_cache *cache = mu_xcalloc(1, sizeof(*cache));

    cache->folder = mu_xstrdup(folder);
    cache->max_bytes = max_bytes;
    cache->since_sweep = max_bytes; /* the first one written sweeps */
    (void)pthread_mutex_init(&cache->lock, NULL);
    if (mu_dir_make(folder, err) != MU_OK || key_load(folder, ret_key, err) != MU_OK)
        return err->status;
    *ret_cache = cache;
    cache = NULL;
    return MU_OK;
}

void summary_cache_close(struct summary_cache *cache)
{
    if (!cache)
        return;
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache->folder);
    free(cache);
}

/* ---- files ---- */

static void id_of(const char *digest, const struct summary_make *make, struct layer_wants wants,
                  uint8_t ret_id[MU_SHA256_BYTES])
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();

    mu_sha256_update(hash, digest, strlen(digest) + 1);
    mu_sha256_update(hash, make->id, sizeof(make->id));
    for (size_t i = 0; i < wants.count; i++) {
        mu_sha256_update(hash, wants.items[i].path, strlen(wants.items[i].path) + 1);
        mu_sha256_update(hash, wants.items[i].as, strlen(wants.items[i].as) + 1);
    }
    mu_sha256_final(hash, ret_id);
}

static bool path_of(const struct summary_cache *cache, const uint8_t id[MU_SHA256_BYTES],
                    char ret_path[PATH_MAX])
{
    char hex[MU_SHA256_HEX_SIZE];

    mu_hex_encode(id, MU_SHA256_BYTES, hex);
    return snprintf(ret_path, PATH_MAX, "%s/%s%s", cache->folder, hex, suffix) < PATH_MAX;
}

static bool prefix_right(const struct summary_box *box, const uint8_t id[MU_SHA256_BYTES])
{
    const uint8_t *prefix = box->bytes - PREFIX_BYTES;

    return memcmp(prefix, file_magic, sizeof(file_magic)) == 0 &&
           memcmp(prefix + sizeof(file_magic), id, MU_SHA256_BYTES) == 0;
}

bool summary_cache_find(struct summary_cache *cache, const char *digest,
                        const struct summary_make *make, struct layer_wants wants,
                        struct summary_box *ret_box)
{
    uint8_t id[MU_SHA256_BYTES];
    char path[PATH_MAX];
    MU_AUTO_FD int fd = -1;
    struct summary_box box = {.bytes = NULL};
    struct mu_error err;

    id_of(digest, make, wants, id);
    if (!path_of(cache, id, path) || (fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
        return false;
    if (summary_box_map(&box, fd, PREFIX_BYTES, &err) != MU_OK || !prefix_right(&box, id) ||
        summary_box_open(&box, make, &err) != MU_OK) {
        summary_box_done(&box);
        (void)unlink(path); /* torn, or of somebody else */
        return false;
    }
    (void)futimens(fd, NULL); /* used now; who only reads the folder cannot say so */
    *ret_box = box;
    return true;
}

/* ---- the limit ---- */

struct kept_file {
    char name[NAME_SIZE];
    uint64_t size_bytes;
    struct timespec used_at;
};

struct kept_files {
    struct kept_file *items;
    size_t count, capacity;
    uint64_t total_bytes;
};

static int older_first(const void *left, const void *right)
{
    const struct timespec *a = &((const struct kept_file *)left)->used_at;
    const struct timespec *b = &((const struct kept_file *)right)->used_at;

    if (a->tv_sec != b->tv_sec)
        return a->tv_sec < b->tv_sec ? -1 : 1;
    return a->tv_nsec < b->tv_nsec ? -1 : a->tv_nsec > b->tv_nsec;
}

static void file_note(struct kept_files *files, const char *name, const struct stat *info)
{
    if (files->count == files->capacity) {
        size_t capacity = files->capacity ? 2 * files->capacity : 64;
        struct kept_file *grown = realloc(files->items, capacity * sizeof(*grown));

        if (!grown)
            return; /* the rest is looked at another time */
        files->items = grown;
        files->capacity = capacity;
    }
    (void)snprintf(files->items[files->count].name, NAME_SIZE, "%s", name);
    files->items[files->count].size_bytes = (uint64_t)info->st_size;
    files->items[files->count].used_at = info->st_mtim;
    files->total_bytes += (uint64_t)info->st_size;
    files->count++;
}

static void folder_list(DIR *folder, struct kept_files *files)
{
    const struct dirent *entry;
    struct stat info;

    while ((entry = readdir(folder)) != NULL) {
        if (fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        if (mu_text_starts(entry->d_name, temporary) &&
            info.st_mtim.tv_sec < mu_now_us() / 1000000 - STALE_SECONDS)
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
        else if (strlen(entry->d_name) == NAME_SIZE - 1 && mu_text_ends(entry->d_name, suffix))
            file_note(files, entry->d_name, &info);
    }
}

static void sweep(const struct summary_cache *cache)
{
    struct kept_files files = {.items = NULL};
    DIR *folder = opendir(cache->folder);

    if (!folder)
        return;
    folder_list(folder, &files);
    if (files.total_bytes > cache->max_bytes) {
        qsort(files.items, files.count, sizeof(*files.items), older_first);
        for (size_t i = 0; i < files.count && files.total_bytes > cache->max_bytes; i++) {
            (void)unlinkat(dirfd(folder), files.items[i].name, 0);
            files.total_bytes -= files.items[i].size_bytes;
        }
    }
    free(files.items);
    (void)closedir(folder);
}

/* Looks at the folder when a part of what it may hold was written. */
static void sweep_when_due(struct summary_cache *cache, uint64_t written)
{
    enum { PARTS = 16 };
    bool due;

    (void)pthread_mutex_lock(&cache->lock);
    cache->since_sweep += written;
    due = cache->since_sweep >= cache->max_bytes / PARTS;
    if (due)
        cache->since_sweep = 0;
    (void)pthread_mutex_unlock(&cache->lock);
    if (due)
        sweep(cache);
}

/* ---- writing ---- */

static bool write_whole(int fd, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        ssize_t written = write(fd, at, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        len -= (size_t)written;
    }
    return true;
}

enum mu_status summary_cache_keep(struct summary_cache *cache, const char *digest,
                                  const struct summary_make *make, struct layer_wants wants,
                                  const struct summary_box *box, struct mu_error *err)
{
    uint8_t id[MU_SHA256_BYTES];
    char path[PATH_MAX], name[PATH_MAX];
    MU_AUTO_FD int fd = -1;
    bool written;

    id_of(digest, make, wants, id);
    if (box->len > cache->max_bytes)
        return MU_OK;
    if (!path_of(cache, id, path) ||
        snprintf(name, sizeof(name), "%s/%sXXXXXX", cache->folder, temporary) >= (int)sizeof(name))
        return mu_fail(err, MU_E_UNAVAILABLE, "cache-dir: the path is too long");
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "cache-dir '%s': %s", cache->folder, strerror(errno));
    written = write_whole(fd, file_magic, sizeof(file_magic)) && write_whole(fd, id, sizeof(id)) &&
              write_whole(fd, box->bytes, box->len) && fsync(fd) == 0 && rename(name, path) == 0;
    if (!written) {
        (void)mu_fail(err, MU_E_UNAVAILABLE, "cache-dir '%s': %s", cache->folder, strerror(errno));
        (void)unlink(name);
        return err->status;
    }
    sweep_when_due(cache, box->len);
    return MU_OK;
}

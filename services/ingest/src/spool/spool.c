#include "spool/spool.h"

#include "spool/spool_record.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEGMENT_DEFAULT_BYTES = 64 * 1024 * 1024, GROUP_MAX_BYTES = 8 * 1024 * 1024 };
/* A segment's name sorts by number. */
#define SEGMENT_FORMAT "%020llu.spool"
enum { SEGMENT_NAME_LEN = 26 };

struct waiting {
    struct waiting *next;
    spool_done_fn *done;
    void *opaque;
    size_t len;
    char bytes[];
};

struct spool {
    struct spool_config config;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t writer;
    bool closing;
    struct waiting *first, *last;
    _Atomic int64_t bytes; /* on disk and waiting */

    /* the segment being written; the file lock guards these and the files */
    pthread_mutex_t file_lock;
    int fd;
    unsigned long long number;
    int64_t segment_len;
    char oldest[PATH_MAX]; /* the one last read; "" none */
    int64_t oldest_len;
};

/* ---- files ---- */

static void segment_path(const struct spool *spool, unsigned long long number, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/" SEGMENT_FORMAT, spool->config.folder, number);
}

static bool is_segment(const char *name)
{
    return strlen(name) == SEGMENT_NAME_LEN && mu_text_ends(name, ".spool") &&
           strspn(name, "0123456789") == SEGMENT_NAME_LEN - 6;
}

static enum mu_status disk_error(struct mu_error *err, const char *what, const char *path)
{
    return mu_fail(err, MU_E_UNAVAILABLE, "spool: %s '%s': %s", what, path, strerror(errno));
}

/* Sum of the segments' sizes, and the highest number. */
static enum mu_status scan_folder(struct spool *spool, struct mu_error *err)
{
    DIR *dir = opendir(spool->config.folder);
    struct dirent *entry;
    int64_t total = 0;

    if (!dir)
        return disk_error(err, "open", spool->config.folder);
    while ((entry = readdir(dir))) {
        struct stat status;
        unsigned long long number;

        if (!is_segment(entry->d_name) || fstatat(dirfd(dir), entry->d_name, &status, 0) != 0)
            continue;
        number = strtoull(entry->d_name, NULL, 10);
        spool->number = number > spool->number ? number : spool->number;
        total += status.st_size;
    }
    (void)closedir(dir);
    atomic_store(&spool->bytes, total);
    return MU_OK;
}

static void close_segment(struct spool *spool)
{
    if (spool->fd >= 0)
        (void)close(spool->fd);
    spool->fd = -1;
    spool->segment_len = 0;
}

static enum mu_status write_all(int fd, const char *path, const void *bytes, size_t len,
                                struct mu_error *err)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t written = write(fd, at, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return disk_error(err, "write", path);
        at += written;
        len -= (size_t)written;
    }
    return MU_OK;
}

static enum mu_status open_segment(struct spool *spool, struct mu_error *err)
{
    MU_AUTO_FD int folder = -1;
    char path[PATH_MAX];
    enum mu_status st;

    segment_path(spool, ++spool->number, path);
    spool->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
    if (spool->fd < 0)
        return disk_error(err, "create", path);
    st = write_all(spool->fd, path, spool_magic, sizeof(spool_magic), err);
    folder = open(spool->config.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (st == MU_OK && (folder < 0 || fsync(folder) != 0))
        st = disk_error(err, "fsync", spool->config.folder);
    if (st != MU_OK)
        close_segment(spool);
    else
        atomic_fetch_add(&spool->bytes, (int64_t)sizeof(spool_magic));
    return st;
}

/* Appends one group and makes it durable; a failed write leaves a torn tail and a new segment for
 * the next. */
static enum mu_status write_group(struct spool *spool, const struct mu_buf *group,
                                  struct mu_error *err)
{
    enum mu_status st = MU_OK;

    (void)pthread_mutex_lock(&spool->file_lock);
    if (spool->fd < 0 || spool->segment_len > spool->config.segment_bytes) {
        close_segment(spool);
        st = open_segment(spool, err);
    }
    if (st == MU_OK)
        st = write_all(spool->fd, spool->config.folder, group->data, group->len, err);
    if (st == MU_OK && fdatasync(spool->fd) != 0)
        st = disk_error(err, "fsync", spool->config.folder);
    spool->segment_len += (int64_t)group->len;
    if (st != MU_OK)
        close_segment(spool);
    (void)pthread_mutex_unlock(&spool->file_lock);
    return st;
}

/* ---- the writer thread ---- */

/* Takes waiting messages worth one group; NULL when closing and nothing is left. */
static struct waiting *take_group(struct spool *spool, struct mu_buf *group)
{
    struct waiting *taken, **end = &taken;

    taken = NULL;
    (void)pthread_mutex_lock(&spool->lock);
    while (!spool->first && !spool->closing)
        (void)pthread_cond_wait(&spool->wake, &spool->lock);
    while (spool->first && group->len < GROUP_MAX_BYTES) {
        struct waiting *one = spool->first;

        spool->first = one->next;
        one->next = NULL;
        mu_buf_append(group, one->bytes, one->len);
        *end = one;
        end = &one->next;
    }
    (void)pthread_mutex_unlock(&spool->lock);
    return taken;
}

static void finish_group(struct spool *spool, struct waiting *group, enum mu_status status)
{
    while (group) {
        struct waiting *next = group->next;

        if (status != MU_OK)
            atomic_fetch_sub(&spool->bytes, (int64_t)group->len);
        group->done(group->opaque, status);
        free(group);
        group = next;
    }
}

static void *write_loop(void *opaque)
{
    struct spool *spool = opaque;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf group;
    struct waiting *taken;

    mu_buf_init(&group, GROUP_MAX_BYTES + 2 * SPOOL_RECORD_MAX_BYTES);
    while ((taken = take_group(spool, &group))) {
        struct mu_error err;
        enum mu_status st = write_group(spool, &group, &err);

        if (st != MU_OK)
            MU_LOG(MU_LOG_ERROR, "spool cannot be written, senders are asked to retry",
                   MU_KV("error", err.message));
        finish_group(spool, taken, st);
        mu_buf_reset(&group);
    }
    return NULL;
}

/* ---- open, close, append ---- */

enum mu_status spool_open(const struct spool_config *config, struct spool **ret_spool,
                          struct mu_error *err)
{
    struct spool *spool;
    enum mu_status st = mu_dir_make(config->folder, err);

    if (st != MU_OK)
        return st;
    spool = mu_xcalloc(1, sizeof(*spool));
    spool->config = *config;
    if (spool->config.segment_bytes == 0)
        spool->config.segment_bytes = SEGMENT_DEFAULT_BYTES;
    spool->fd = -1;
    (void)pthread_mutex_init(&spool->lock, NULL);
    (void)pthread_mutex_init(&spool->file_lock, NULL);
    (void)pthread_cond_init(&spool->wake, NULL);
    st = scan_folder(spool, err);
    if (st == MU_OK && pthread_create(&spool->writer, NULL, write_loop, spool) != 0)
        st = mu_fail(err, MU_E_UNAVAILABLE, "spool: no thread");
    if (st != MU_OK) {
        free(spool);
        return st;
    }
    *ret_spool = spool;
    return MU_OK;
}

void spool_close(struct spool *spool)
{
    if (!spool)
        return;
    (void)pthread_mutex_lock(&spool->lock);
    spool->closing = true;
    (void)pthread_cond_signal(&spool->wake);
    (void)pthread_mutex_unlock(&spool->lock);
    (void)pthread_join(spool->writer, NULL);
    close_segment(spool);
    (void)pthread_cond_destroy(&spool->wake);
    (void)pthread_mutex_destroy(&spool->lock);
    (void)pthread_mutex_destroy(&spool->file_lock);
    free(spool);
}

int64_t spool_bytes(const struct spool *spool)
{
    return atomic_load(&spool->bytes);
}

bool spool_has_room(const struct spool *spool)
{
    return spool_bytes(spool) < spool->config.max_bytes;
}

enum mu_status spool_append(struct spool *spool, const struct mu_outgoing *message,
                            spool_done_fn *done, void *opaque, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf record;
    struct waiting *one;
    enum mu_status st;

    mu_buf_init(&record, 2 * SPOOL_RECORD_MAX_BYTES);
    st = spool_record_write(message, &record, err);
    if (st != MU_OK)
        return st;
    if (spool_bytes(spool) + (int64_t)record.len > spool->config.max_bytes)
        return mu_fail(err, MU_E_LIMIT, "the spool is full: %lld bytes",
                       (long long)spool->config.max_bytes);
    one = malloc(sizeof(*one) + record.len);
    if (!one)
        return mu_fail(err, MU_E_UNAVAILABLE, "spool: out of memory");
    *one = (struct waiting){.done = done, .opaque = opaque, .len = record.len};
    memcpy(one->bytes, record.data, record.len);
    atomic_fetch_add(&spool->bytes, (int64_t)record.len);
    (void)pthread_mutex_lock(&spool->lock);
    if (spool->first)
        spool->last->next = one;
    else
        spool->first = one;
    spool->last = one;
    (void)pthread_cond_signal(&spool->wake);
    (void)pthread_mutex_unlock(&spool->lock);
    return MU_OK;
}

/* ---- draining ---- */

enum mu_status spool_parse(const char *bytes, size_t len, spool_message_fn *each, void *opaque,
                           bool *ret_damaged, struct mu_error *err)
{
    size_t at = sizeof(spool_magic);
    enum mu_status st = MU_OK;

    *ret_damaged = len >= at && memcmp(bytes, spool_magic, at) != 0;
    while (!*ret_damaged && at < len) {
        struct mu_outgoing message;
        size_t record_len = 0;

        st = spool_record_read(bytes + at, len - at, &message, &record_len, err);
        if (st == MU_END)
            return MU_OK; /* torn: never acknowledged */
        *ret_damaged = st == MU_E_INVALID;
        if (st == MU_OK)
            st = each(opaque, &message, err);
        if (st != MU_OK)
            break;
        at += record_len;
    }
    return *ret_damaged ? MU_OK : st;
}

/* Path of the lowest number; false when there is none. Closes the segment being written when it is
 * that. */
static bool find_oldest(struct spool *spool, char path[PATH_MAX])
{
    unsigned long long lowest = ULLONG_MAX;
    struct dirent *entry;
    DIR *dir = opendir(spool->config.folder);

    while (dir && (entry = readdir(dir))) {
        unsigned long long number;

        if (!is_segment(entry->d_name))
            continue;
        number = strtoull(entry->d_name, NULL, 10);
        lowest = number < lowest ? number : lowest;
    }
    if (dir)
        (void)closedir(dir);
    if (lowest == ULLONG_MAX)
        return false;
    if (lowest == spool->number)
        close_segment(spool);
    segment_path(spool, lowest, path);
    return true;
}

enum mu_status spool_read_oldest(struct spool *spool, spool_message_fn *each, void *opaque,
                                 struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    char kept[PATH_MAX + 16];
    bool found, damaged = false;
    enum mu_status st;

    (void)pthread_mutex_lock(&spool->file_lock);
    found = find_oldest(spool, spool->oldest);
    (void)pthread_mutex_unlock(&spool->file_lock);
    if (!found) {
        spool->oldest[0] = '\0';
        return MU_END;
    }
    mu_buf_init(&bytes, (size_t)spool->config.segment_bytes + 2 * GROUP_MAX_BYTES);
    st = mu_file_read(spool->oldest, &bytes, err);
    if (st != MU_OK)
        return mu_wrap(err, "spool");
    spool->oldest_len = (int64_t)bytes.len;
    st = spool_parse(bytes.data, bytes.len, each, opaque, &damaged, err);
    if (st == MU_OK && damaged) {
        (void)snprintf(kept, sizeof(kept), "%s.damaged", spool->oldest);
        if (link(spool->oldest, kept) != 0 && errno != EEXIST)
            return disk_error(err, "keep", kept);
        MU_LOG(MU_LOG_ERROR, "spool segment is damaged, kept for inspection", MU_KV("file", kept));
    }
    return st;
}

void spool_remove_oldest(struct spool *spool)
{
    if (!spool->oldest[0])
        return;
    if (unlink(spool->oldest) == 0)
        atomic_fetch_sub(&spool->bytes, spool->oldest_len);
    spool->oldest[0] = '\0';
}

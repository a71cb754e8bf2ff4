#include "spool/spool.h"

#include "spool/spool_folder.h"
#include "spool/spool_record.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEGMENT_DEFAULT_BYTES = 16 * 1024 * 1024, GROUP_MAX_BYTES = 8 * 1024 * 1024 };

struct waiting {
    struct waiting *next;
    spool_done_fn *done;
    void *opaque;
    size_t len;
    char bytes[];
};

struct spool {
    struct spool_config config;
    struct spool_folder folder;
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
    int64_t segment_len;   /* what of it is durable */
    char oldest[PATH_MAX]; /* the one last read; "" none */
    int64_t oldest_len;
};

/* ---- files ---- */

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
            return spool_disk_error(err, "write", path);
        at += written;
        len -= (size_t)written;
    }
    return MU_OK;
}

static enum mu_status open_segment(struct spool *spool, struct mu_error *err)
{
    char path[PATH_MAX];
    enum mu_status st;

    spool_folder_segment(&spool->folder, ++spool->number, path);
    spool->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
    if (spool->fd < 0)
        return spool_disk_error(err, "create", path);
    st = write_all(spool->fd, path, spool_magic, sizeof(spool_magic), err);
    if (st == MU_OK)
        st = spool_folder_sync(&spool->folder, err);
    if (st != MU_OK) {
        close_segment(spool);
        (void)unlink(path);
        return st;
    }
    spool->segment_len = (int64_t)sizeof(spool_magic);
    atomic_fetch_add(&spool->bytes, spool->segment_len);
    return MU_OK;
}

/* After a failed write: nothing of the group stays, and the next group begins a new segment. What
 * cannot be cut off is counted, so that removing the segment gives back what it took. */
static void abandon_group(struct spool *spool)
{
    struct stat status;

    if (spool->fd < 0)
        return;
    if (ftruncate(spool->fd, spool->segment_len) != 0 && fstat(spool->fd, &status) == 0)
        atomic_fetch_add(&spool->bytes, (int64_t)status.st_size - spool->segment_len);
    close_segment(spool);
}

/* Appends one group and makes it durable. */
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
        st = spool_disk_error(err, "fsync", spool->config.folder);
    if (st == MU_OK)
        spool->segment_len += (int64_t)group->len;
    else
        abandon_group(spool);
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

static void free_spool(struct spool *spool)
{
    spool_folder_close(&spool->folder);
    (void)pthread_cond_destroy(&spool->wake);
    (void)pthread_mutex_destroy(&spool->lock);
    (void)pthread_mutex_destroy(&spool->file_lock);
    free(spool);
}

static struct spool *new_spool(const struct spool_config *config)
{
    struct spool *spool = mu_xcalloc(1, sizeof(*spool));

    spool->config = *config;
    if (spool->config.segment_bytes == 0)
        spool->config.segment_bytes = SEGMENT_DEFAULT_BYTES;
    spool->fd = -1;
    spool->folder.lock_fd = -1;
    (void)pthread_mutex_init(&spool->lock, NULL);
    (void)pthread_mutex_init(&spool->file_lock, NULL);
    (void)pthread_cond_init(&spool->wake, NULL);
    return spool;
}

enum mu_status spool_open(const struct spool_config *config, struct spool **ret_spool,
                          struct mu_error *err)
{
    struct spool *spool = new_spool(config);
    struct spool_folder_content content;
    enum mu_status st = spool_folder_open(config->folder, &spool->folder, err);

    if (st == MU_OK)
        st = spool_folder_scan(&spool->folder, &content, err);
    if (st == MU_OK) {
        spool->number = content.highest;
        atomic_store(&spool->bytes, content.size_bytes);
        if (pthread_create(&spool->writer, NULL, write_loop, spool) != 0)
            st = mu_fail(err, MU_E_UNAVAILABLE, "spool: no thread");
    }
    if (st != MU_OK) {
        free_spool(spool);
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
    free_spool(spool);
}

int64_t spool_bytes(const struct spool *spool)
{
    return atomic_load(&spool->bytes);
}

bool spool_has_room(const struct spool *spool)
{
    return spool_bytes(spool) < spool->config.max_bytes;
}

/* False when the spool is closing. */
static bool enqueue(struct spool *spool, struct waiting *one)
{
    bool open;

    (void)pthread_mutex_lock(&spool->lock);
    open = !spool->closing;
    if (open) {
        atomic_fetch_add(&spool->bytes, (int64_t)one->len);
        if (spool->first)
            spool->last->next = one;
        else
            spool->first = one;
        spool->last = one;
        (void)pthread_cond_signal(&spool->wake);
    }
    (void)pthread_mutex_unlock(&spool->lock);
    return open;
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
    if (!enqueue(spool, one)) {
        free(one);
        return mu_fail(err, MU_E_UNAVAILABLE, "spool: closing");
    }
    return MU_OK;
}

/* ---- draining ---- */

enum mu_status spool_parse(const char *bytes, size_t len, spool_message_fn *each, void *opaque,
                           bool *ret_damaged, struct mu_error *err)
{
    size_t at = sizeof(spool_magic), record_len;

    *ret_damaged = len >= at && memcmp(bytes, spool_magic, at) != 0;
    if (*ret_damaged)
        return MU_OK;
    for (; at < len; at += record_len) {
        struct mu_error damage;
        struct mu_outgoing message;
        enum mu_status st = spool_record_measure(bytes + at, len - at, &record_len, &damage);

        if (st == MU_END)
            return MU_OK; /* torn: never acknowledged */
        *ret_damaged |= st != MU_OK;
        if (st != MU_OK)
            return MU_OK; /* where the next begins, nobody knows */
        if (spool_record_read(bytes + at, record_len, &message, &damage) != MU_OK)
            *ret_damaged = true; /* and on behind it */
        else if ((st = each(opaque, &message, err)) != MU_OK)
            return st;
    }
    return MU_OK;
}

/* Path of the lowest number, "" when there is none. Closes the segment being written when it is
 * that. */
static enum mu_status find_oldest(struct spool *spool, struct mu_error *err)
{
    struct spool_folder_content content;
    enum mu_status st;

    (void)pthread_mutex_lock(&spool->file_lock);
    st = spool_folder_scan(&spool->folder, &content, err);
    spool->oldest[0] = '\0';
    if (st == MU_OK && content.oldest > 0) {
        if (content.oldest == spool->number)
            close_segment(spool);
        spool_folder_segment(&spool->folder, content.oldest, spool->oldest);
    }
    (void)pthread_mutex_unlock(&spool->file_lock);
    return st;
}

enum mu_status spool_read_oldest(struct spool *spool, spool_message_fn *each, void *opaque,
                                 bool *ret_damaged, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st = find_oldest(spool, err);

    mu_buf_init(&bytes, (size_t)spool->config.segment_bytes + 2 * GROUP_MAX_BYTES);
    if (st != MU_OK || !spool->oldest[0])
        return st != MU_OK ? st : MU_END;
    st = mu_file_read(spool->oldest, &bytes, err);
    if (st != MU_OK)
        return mu_wrap(err, "spool");
    spool->oldest_len = (int64_t)bytes.len;
    return spool_parse(bytes.data, bytes.len, each, opaque, ret_damaged, err);
}

void spool_remove_oldest(struct spool *spool)
{
    if (!spool->oldest[0])
        return;
    if (unlink(spool->oldest) == 0)
        atomic_fetch_sub(&spool->bytes, spool->oldest_len);
    spool->oldest[0] = '\0';
}

enum mu_status spool_keep_oldest(struct spool *spool, const char *why, char ret_path[PATH_MAX],
                                 struct mu_error *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s.%s", spool->oldest, why) >= (int)sizeof(path))
        return mu_fail(err, MU_E_UNAVAILABLE, "spool: '%s' is too long a name", spool->oldest);
    if (rename(spool->oldest, path) != 0)
        return spool_disk_error(err, "keep", path);
    memcpy(ret_path, path, sizeof(path));
    spool->oldest[0] = '\0';
    return MU_OK;
}

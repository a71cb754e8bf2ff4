#include "gate/decision_log_internal.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 100, LEAST_SEGMENTS = 4 };

/* ---- segments ---- */

int decision_log_create_segment(const struct decision_log *log, uint64_t first,
                                const uint8_t chain[DECISION_CHAIN_BYTES])
{
    struct segment_header header = {.first = first};
    uint8_t bytes[SEGMENT_HEADER_BYTES];
    char path[PATH_MAX];
    int fd;

    memcpy(header.chain, chain, sizeof(header.chain));
    segment_header_write(&header, bytes);
    segment_path(log->config.folder, first, path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0640);
    if (fd >= 0 && write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

bool decision_log_sync_folder(const struct decision_log *log)
{
    int folder = open(log->config.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = folder >= 0 && fsync(folder) == 0;

    if (folder >= 0)
        (void)close(folder);
    return synced;
}

void decision_log_list_segment(struct decision_log *log, uint64_t first)
{
    struct segment *grown;

    if (log->segments.count > 0 && log->segments.items[log->segments.count - 1].first == first)
        return;
    grown = realloc(log->segments.items, (log->segments.count + 1) * sizeof(*grown));
    if (!grown)
        abort();
    log->segments.items = grown;
    grown[log->segments.count++] = (struct segment){first, SEGMENT_HEADER_BYTES};
    log->bytes += SEGMENT_HEADER_BYTES;
}

/* ---- writing ---- */

/* What was queued, whole; false at the end. */
static bool take_queue(struct decision_log *log)
{
    (void)pthread_mutex_lock(&log->lock);
    log->busy_since_us = 0;
    while (log->queue.len == 0 && !log->stopping)
        (void)pthread_cond_wait(&log->queued, &log->lock);
    if (log->queue.len > 0) {
        struct mu_buf taken = log->queue;

        log->busy_since_us = decision_log_clock_us();
        log->queue = log->writing;
        log->writing = taken;
        log->writing_done = 0;
        log->writing_next = log->next;
    }
    (void)pthread_mutex_unlock(&log->lock);
    return log->writing.len > 0;
}

static void after_write(struct decision_log *log)
{
    (void)pthread_mutex_lock(&log->lock);
    log->written = log->writing_next - 1;
    if (log->written >= log->told_by)
        log->told = 0;
    log->bytes += log->writing.len;
    log->segments.items[log->segments.count - 1].bytes += log->writing.len;
    log->failing = false;
    log->busy_since_us = decision_log_clock_us();
    (void)pthread_cond_broadcast(&log->moved);
    (void)pthread_mutex_unlock(&log->lock);
    log->segment_written += log->writing.len;
    mu_buf_reset(&log->writing);
}

static void write_failed(struct decision_log *log)
{
    struct timespec pause = {0, (long)RETRY_MS * 1000 * NS_IN_US};

    (void)pthread_mutex_lock(&log->lock);
    if (!log->failing)
        MU_LOG(MU_LOG_ERROR, "decisions cannot be written, retrying",
               MU_KV("folder", log->config.folder), MU_KV("error", strerror(errno)));
    log->failing = true;
    (void)pthread_mutex_unlock(&log->lock);
    (void)pselect(0, NULL, NULL, NULL, &pause, NULL); /* not mu_stop_wait: that has come to its end
                                                         when the last records are written */
}

/* The last segment is never forgotten: a log that may take little has several nevertheless, else it
 * would stay full. */
static uint64_t full_segment(const struct decision_log *log)
{
    uint64_t share = log->config.max_bytes / LEAST_SEGMENTS;

    return share < log->config.segment_bytes ? share : log->config.segment_bytes;
}

/* A whole group goes into one segment: the next begins behind it. The full one is the syncer's, who
 * may have so many that it must grow. */
static bool rotate(struct decision_log *log, const uint8_t chain[DECISION_CHAIN_BYTES])
{
    bool has_room;
    int fd;

    if (log->segment_written < full_segment(log))
        return true;
    (void)pthread_mutex_lock(&log->lock);
    has_room = log->retired_count < RETIRED_MAX;
    (void)pthread_mutex_unlock(&log->lock);
    if (!has_room)
        return true;
    fd = decision_log_create_segment(log, log->writing_next, chain);
    if (fd < 0)
        return false;
    (void)pthread_mutex_lock(&log->lock);
    log->retired[log->retired_count++] = log->fd;
    log->folder_changed = true;
    log->fd = fd;
    decision_log_list_segment(log, log->writing_next);
    (void)pthread_mutex_unlock(&log->lock);
    log->segment_written = 0;
    return true;
}

static bool write_group(struct decision_log *log)
{
    while (log->writing_done < log->writing.len) {
        ssize_t n = write(log->fd, log->writing.data + log->writing_done,
                          log->writing.len - log->writing_done);

        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            log->writing_done += (size_t)n;
    }
    return true;
}

/* The chain of the last record of what was just written stands in its frame. */
static void chain_of_last(const struct mu_buf *group, uint8_t ret_chain[DECISION_CHAIN_BYTES])
{
    const uint8_t *bytes = (const uint8_t *)group->data;
    struct decision_frame frame;
    struct mu_error ignored;

    for (size_t at = 0; at < group->len && decision_frame_parse(bytes + at, group->len - at, &frame,
                                                                &ignored) == MU_OK;
         at += frame.frame_len)
        memcpy(ret_chain, frame.chain, DECISION_CHAIN_BYTES);
}

static bool is_stopping(struct decision_log *log)
{
    bool stopping;

    (void)pthread_mutex_lock(&log->lock);
    stopping = log->stopping;
    (void)pthread_mutex_unlock(&log->lock);
    return stopping;
}

void *decision_log_run_writer(void *opaque)
{
    struct decision_log *log = opaque;
    uint8_t chain[DECISION_CHAIN_BYTES] = {0};

    while (take_queue(log)) {
        while (!write_group(log)) {
            if (is_stopping(log))
                return NULL; /* the disk did not come back: they are lost, and their gap is seen */
            write_failed(log);
        }
        chain_of_last(&log->writing, chain);
        after_write(log);
        while (!rotate(log, chain) && !is_stopping(log))
            write_failed(log);
    }
    return NULL;
}

/* ---- syncing ---- */

/* What one round syncs. */
struct sync_round {
    int fds[RETIRED_MAX + 1];
    unsigned count;
    bool folder, keeps_lost;
    uint64_t written, lost; /* what is synced then */
};

/* Waits until there is something; false at the end. */
static bool begin_round(struct decision_log *log, struct sync_round *round)
{
    bool syncs, keeps_lost;

    (void)pthread_mutex_lock(&log->lock);
    while (log->written == log->synced && !log->folder_changed && !decision_log_lost_unkept(log) &&
           !log->stopping)
        (void)pthread_cond_wait(&log->moved, &log->lock);
    syncs = log->written > log->synced || log->folder_changed;
    keeps_lost = decision_log_lost_unkept(log);
    *round = (struct sync_round){.count = log->retired_count,
                                 .folder = log->folder_changed,
                                 .keeps_lost = keeps_lost,
                                 .written = log->written,
                                 .lost = log->lost + log->told};
    memcpy(round->fds, log->retired, log->retired_count * sizeof(log->retired[0]));
    log->retired_count = 0;
    log->folder_changed = false;
    if (syncs) /* a copy: the writer may change it */
        round->fds[round->count++] = fcntl(log->fd, F_DUPFD_CLOEXEC, 0);
    (void)pthread_mutex_unlock(&log->lock);
    return syncs || keeps_lost;
}

static bool sync_round(const struct decision_log *log, const struct sync_round *round)
{
    bool synced = !round->folder || decision_log_sync_folder(log);

    for (unsigned i = 0; i < round->count; i++) {
        synced = round->fds[i] >= 0 && fdatasync(round->fds[i]) == 0 && synced;
        if (round->fds[i] >= 0)
            (void)close(round->fds[i]);
    }
    return synced;
}

void *decision_log_run_syncer(void *opaque)
{
    struct decision_log *log = opaque;
    struct timespec interval = {log->config.sync_ms / 1000,
                                (long)(log->config.sync_ms % 1000) * 1000 * NS_IN_US};
    struct sync_round round;

    while (begin_round(log, &round)) {
        bool synced = sync_round(log, &round);
        bool kept = round.keeps_lost && decision_log_lost_keep(log, round.lost);

        (void)pthread_mutex_lock(&log->lock);
        if (kept)
            log->lost_kept = round.lost;
        else if (round.keeps_lost && log->stopping)
            log->lost_kept = log->lost + log->told; /* leaves the loop, as below */
        if (synced)
            log->synced = round.written;
        else if (log->stopping)
            log->synced = log->written; /* leaves the loop; the disk has gone */
        else
            log->folder_changed |= round.folder;
        (void)pthread_mutex_unlock(&log->lock);
        (void)pselect(0, NULL, NULL, NULL, &interval, NULL);
    }
    return NULL;
}

#include "gate/decision_log.h"

#include "gate/decision_frame.h"
#include "gate/decision_segments.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 100, US_IN_S = 1000000, NS_IN_US = 1000, RETIRED_MAX = 8 };

struct decision_log {
    struct decision_log_config config;
    char instance[DECISION_INSTANCE_SIZE];
    int lock_fd;
    pthread_t writer, syncer;
    bool writer_runs, syncer_runs;

    pthread_mutex_t lock;  /* of all below, but what only the writer touches */
    pthread_cond_t queued; /* there is something to write, or the end has come */
    pthread_cond_t moved;  /* `written` or `synced` did */
    struct mu_buf queue;
    uint8_t chain[DECISION_CHAIN_BYTES]; /* behind the last queued */
    uint64_t next, written, synced, kept_from, lost, bytes;
    struct segment_list segments;
    int fd;                   /* of the last segment */
    int retired[RETIRED_MAX]; /* of segments that are full and not synced yet, the oldest first */
    unsigned retired_count;
    bool folder_changed;   /* and is not synced yet */
    int64_t busy_since_us; /* what the writer does began then, monotonic; 0: it waits */
    bool stopping, failing;

    struct mu_buf writing;    /* the writer's: taken out of the queue whole */
    size_t writing_done;      /* of it are on the disk */
    uint64_t writing_next;    /* the sequence behind it */
    uint64_t segment_written; /* bytes */
};

static int64_t monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_IN_S + now.tv_nsec / NS_IN_US;
}

/* ---- segments ---- */

static int create_segment(const struct decision_log *log, uint64_t first,
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

static bool sync_folder(const struct decision_log *log)
{
    int folder = open(log->config.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = folder >= 0 && fsync(folder) == 0;

    if (folder >= 0)
        (void)close(folder);
    return synced;
}

/* Under the lock. One that is listed already, with no record in it, is begun anew. */
static void list_segment(struct decision_log *log, uint64_t first)
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

        log->busy_since_us = monotonic_us();
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
    log->bytes += log->writing.len;
    log->segments.items[log->segments.count - 1].bytes += log->writing.len;
    log->failing = false;
    log->busy_since_us = monotonic_us();
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

/* A whole group goes into one segment: the next begins behind it. The full one is the syncer's, who
 * may have so many that it must grow. */
static bool rotate(struct decision_log *log, const uint8_t chain[DECISION_CHAIN_BYTES])
{
    bool has_room;
    int fd;

    if (log->segment_written < log->config.segment_bytes)
        return true;
    (void)pthread_mutex_lock(&log->lock);
    has_room = log->retired_count < RETIRED_MAX;
    (void)pthread_mutex_unlock(&log->lock);
    if (!has_room)
        return true;
    fd = create_segment(log, log->writing_next, chain);
    if (fd < 0)
        return false;
    (void)pthread_mutex_lock(&log->lock);
    log->retired[log->retired_count++] = log->fd;
    log->folder_changed = true;
    log->fd = fd;
    list_segment(log, log->writing_next);
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

static void *run_writer(void *opaque)
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
    bool folder;
    uint64_t written; /* what is synced then */
};

/* Waits until there is something; false at the end. */
static bool begin_round(struct decision_log *log, struct sync_round *round)
{
    bool go_on;

    (void)pthread_mutex_lock(&log->lock);
    while (log->written == log->synced && !log->folder_changed && !log->stopping)
        (void)pthread_cond_wait(&log->moved, &log->lock);
    go_on = log->written > log->synced || log->folder_changed;
    *round = (struct sync_round){
            .count = log->retired_count, .folder = log->folder_changed, .written = log->written};
    memcpy(round->fds, log->retired, log->retired_count * sizeof(log->retired[0]));
    log->retired_count = 0;
    log->folder_changed = false;
    if (go_on) /* a copy: the writer may change it */
        round->fds[round->count++] = fcntl(log->fd, F_DUPFD_CLOEXEC, 0);
    (void)pthread_mutex_unlock(&log->lock);
    return go_on;
}

static bool sync_round(const struct decision_log *log, const struct sync_round *round)
{
    bool synced = !round->folder || sync_folder(log);

    for (unsigned i = 0; i < round->count; i++) {
        synced = round->fds[i] >= 0 && fdatasync(round->fds[i]) == 0 && synced;
        if (round->fds[i] >= 0)
            (void)close(round->fds[i]);
    }
    return synced;
}

static void *run_syncer(void *opaque)
{
    struct decision_log *log = opaque;
    struct timespec interval = {log->config.sync_ms / 1000,
                                (long)(log->config.sync_ms % 1000) * 1000 * NS_IN_US};
    struct sync_round round;

    while (begin_round(log, &round)) {
        bool synced = sync_round(log, &round);

        (void)pthread_mutex_lock(&log->lock);
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

/* ---- life ---- */

static enum mu_status lock_folder(struct decision_log *log, struct mu_error *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/lock", log->config.folder) >= (int)sizeof(path))
        return mu_fail(err, MU_E_INVALID, "log-dir '%.100s...' is too long", log->config.folder);
    log->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (log->lock_fd < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "open '%s': %s", path, strerror(errno));
    if (flock(log->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return mu_fail(err, MU_E_CONFLICT,
                       "log-dir '%s': another gate has it: give each a folder of its own",
                       log->config.folder);
    return MU_OK;
}

static enum mu_status recover(struct decision_log *log, struct mu_error *err)
{
    struct segment_end end = {.next = 1};
    enum mu_status st = segments_find(log->config.folder, &log->segments, err);

    if (st == MU_OK && log->segments.count > 0)
        st = segment_recover(log->config.folder, log->segments.items[log->segments.count - 1].first,
                             &end, err);
    if (st != MU_OK)
        return st;
    for (size_t i = 0; i < log->segments.count; i++)
        log->bytes += log->segments.items[i].bytes;
    log->next = end.next;
    log->written = log->synced = end.next - 1;
    memcpy(log->chain, end.chain, sizeof(log->chain));
    log->fd = create_segment(log, end.next, end.chain);
    if (log->fd < 0 || !sync_folder(log))
        return mu_fail(err, MU_E_UNAVAILABLE, "log-dir '%s': cannot begin a segment: %s",
                       log->config.folder, strerror(errno));
    list_segment(log, end.next);
    log->kept_from = log->segments.items[0].first;
    return MU_OK;
}

static void init_threads(struct decision_log *log)
{
    pthread_condattr_t monotonic;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&log->lock, NULL);
    (void)pthread_cond_init(&log->queued, &monotonic);
    (void)pthread_cond_init(&log->moved, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

enum mu_status decision_log_open(const struct decision_log_config *config,
                                 struct decision_log **ret_log, struct mu_error *err)
{
    struct decision_log *log = mu_xcalloc(1, sizeof(*log));
    enum mu_status st;

    *log = (struct decision_log){.config = *config, .lock_fd = -1, .fd = -1};
    mu_buf_init(&log->queue, config->queue_bytes);
    mu_buf_init(&log->writing, config->queue_bytes);
    init_threads(log);
    st = mu_dir_make(config->folder, err);
    if (st == MU_OK)
        st = lock_folder(log, err);
    if (st == MU_OK)
        st = segments_instance(config->folder, config->name, log->instance, err);
    if (st == MU_OK)
        st = recover(log, err);
    if (st == MU_OK) {
        log->writer_runs = pthread_create(&log->writer, NULL, run_writer, log) == 0;
        log->syncer_runs = pthread_create(&log->syncer, NULL, run_syncer, log) == 0;
        if (!log->writer_runs || !log->syncer_runs)
            st = mu_fail(err, MU_E_UNAVAILABLE, "decision log: no thread");
    }
    if (st != MU_OK) {
        decision_log_close(log);
        return st;
    }
    *ret_log = log;
    return MU_OK;
}

void decision_log_close(struct decision_log *log)
{
    if (!log)
        return;
    (void)pthread_mutex_lock(&log->lock);
    log->stopping = true;
    (void)pthread_cond_broadcast(&log->queued);
    (void)pthread_mutex_unlock(&log->lock);
    if (log->writer_runs)
        (void)pthread_join(log->writer, NULL);
    (void)pthread_mutex_lock(&log->lock);
    (void)pthread_cond_broadcast(&log->moved);
    (void)pthread_mutex_unlock(&log->lock);
    if (log->syncer_runs)
        (void)pthread_join(log->syncer, NULL);
    for (unsigned i = 0; i < log->retired_count; i++)
        (void)close(log->retired[i]);
    if (log->fd >= 0)
        (void)close(log->fd);
    if (log->lock_fd >= 0)
        (void)close(log->lock_fd);
    mu_buf_done(&log->queue);
    mu_buf_done(&log->writing);
    segment_list_done(&log->segments);
    (void)pthread_cond_destroy(&log->moved);
    (void)pthread_cond_destroy(&log->queued);
    (void)pthread_mutex_destroy(&log->lock);
    free(log);
}

const char *decision_log_instance(const struct decision_log *log)
{
    return log->instance;
}

/* ---- appending ---- */

enum mu_status decision_log_append(struct decision_log *log, const char *payload, size_t len,
                                   uint64_t *ret_sequence, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    if (len == 0 || len > DECISION_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "a decision of %zu bytes", len);
    (void)pthread_mutex_lock(&log->lock);
    if (log->queue.len + DECISION_FRAME_BYTES + len > log->config.queue_bytes ||
        log->bytes + log->queue.len > log->config.max_bytes) {
        log->lost++;
        st = mu_fail(err, MU_E_LIMIT, "the decision log has no room");
    } else {
        if (log->queue.len == 0)
            (void)pthread_cond_signal(&log->queued);
        decision_frame_write(log->next, payload, len, log->chain, &log->queue);
        *ret_sequence = log->next++;
    }
    (void)pthread_mutex_unlock(&log->lock);
    return st;
}

/* The budget is of a hold-up, not of each that meets it: who comes while the writer has been held
 * up for that long goes on at once, else one slow write of the disk would delay all behind it, one
 * after the other. */
static int64_t wait_until_us(const struct decision_log *log, int64_t came_us, int64_t budget_us)
{
    int64_t since_us = log->busy_since_us;

    return (since_us > 0 && since_us < came_us ? since_us : came_us) + budget_us;
}

bool decision_log_wait(struct decision_log *log, uint64_t sequence, int64_t budget_us)
{
    int64_t came_us = monotonic_us(), until_us;
    bool written;

    (void)pthread_mutex_lock(&log->lock);
    while (log->written < sequence &&
           monotonic_us() < (until_us = wait_until_us(log, came_us, budget_us))) {
        struct timespec until = {until_us / US_IN_S, (long)(until_us % US_IN_S) * NS_IN_US};

        (void)pthread_cond_timedwait(&log->moved, &log->lock, &until);
    }
    written = log->written >= sequence;
    (void)pthread_mutex_unlock(&log->lock);
    return written;
}

uint64_t decision_log_take_lost(struct decision_log *log)
{
    uint64_t lost;

    (void)pthread_mutex_lock(&log->lock);
    lost = log->lost;
    log->lost = 0;
    (void)pthread_mutex_unlock(&log->lock);
    return lost;
}

void decision_log_state(struct decision_log *log, struct decision_log_state *ret_state)
{
    (void)pthread_mutex_lock(&log->lock);
    *ret_state = (struct decision_log_state){.next = log->next,
                                             .written = log->written,
                                             .synced = log->synced,
                                             .kept_from = log->kept_from,
                                             .bytes = log->bytes,
                                             .failing = log->failing};
    (void)pthread_mutex_unlock(&log->lock);
}

/* ---- reading ---- */

/* The segment that holds `from`, or the first behind it, and what follows that (0: nothing). */
static void find_segment(struct decision_log *log, uint64_t from, uint64_t *ret_first,
                         uint64_t *ret_following)
{
    const struct segment_list *list = &log->segments;
    size_t at = 0;

    (void)pthread_mutex_lock(&log->lock);
    while (at + 1 < list->count && list->items[at + 1].first <= from)
        at++;
    *ret_first = list->items[at].first;
    *ret_following = at + 1 < list->count ? list->items[at + 1].first : 0;
    (void)pthread_mutex_unlock(&log->lock);
}

struct reading {
    uint64_t synced, next;
    size_t left;
    decision_each_fn *each;
    void *opaque;
};

/* Damage is stepped over to where a frame begins again. */
static enum mu_status read_frames(struct reading *reading, const struct mu_buf *file,
                                  struct mu_error *err)
{
    const uint8_t *bytes = (const uint8_t *)file->data;
    enum mu_status st = MU_OK;
    size_t at = SEGMENT_HEADER_BYTES;

    while (st == MU_OK && at < file->len && reading->left > 0) {
        struct decision_frame frame;
        struct mu_error ignored;

        if (decision_frame_parse(bytes + at, file->len - at, &frame, &ignored) != MU_OK) {
            at++;
            continue;
        }
        at += frame.frame_len;
        if (frame.sequence > reading->synced)
            break;
        if (frame.sequence < reading->next)
            continue;
        st = reading->each(reading->opaque, &frame, err);
        reading->left--;
        reading->next = frame.sequence + 1;
    }
    return st;
}

enum mu_status decision_log_read(struct decision_log *log, uint64_t from, size_t most,
                                 decision_each_fn *each, void *opaque, uint64_t *ret_next,
                                 struct mu_error *err)
{
    struct reading reading = {.next = from, .left = most, .each = each, .opaque = opaque};
    struct decision_log_state state;
    enum mu_status st = MU_OK;

    decision_log_state(log, &state);
    reading.synced = state.synced;
    while (st == MU_OK && reading.left > 0 && reading.next <= state.synced) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
        uint64_t first = 0, following = 0;
        char path[PATH_MAX];

        mu_buf_init(&file, (size_t)log->config.segment_bytes + log->config.queue_bytes +
                                   SEGMENT_HEADER_BYTES);
        find_segment(log, reading.next, &first, &following);
        segment_path(log->config.folder, first, path);
        st = mu_file_read(path, &file, err);
        if (st == MU_OK)
            st = read_frames(&reading, &file, err);
        if (st != MU_OK || reading.left == 0 || following == 0)
            break;
        reading.next = following > reading.next ? following : reading.next;
    }
    if (st == MU_OK)
        *ret_next = reading.next;
    return st;
}

void decision_log_forget(struct decision_log *log, uint64_t from)
{
    struct segment_list *list = &log->segments;
    char path[PATH_MAX];

    (void)pthread_mutex_lock(&log->lock);
    while (list->count > 1 && list->items[1].first <= from) {
        segment_path(log->config.folder, list->items[0].first, path);
        (void)unlink(path);
        log->bytes -= list->items[0].bytes;
        memmove(list->items, list->items + 1, (list->count - 1) * sizeof(*list->items));
        list->count--;
    }
    log->kept_from = list->items[0].first;
    (void)pthread_mutex_unlock(&log->lock);
}

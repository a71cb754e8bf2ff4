#include "gate/decision_log_internal.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

int64_t decision_log_clock_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_IN_S + now.tv_nsec / NS_IN_US;
}

/* ---- life ---- */

enum mu_status decision_log_open_file(const struct decision_log *log, const char *name, int *ret_fd,
                                      struct mu_error *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", log->config.folder, name) >= (int)sizeof(path))
        return mu_fail(err, MU_E_INVALID, "log-dir '%.100s...' is too long", log->config.folder);
    *ret_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    return *ret_fd >= 0 ? MU_OK
                        : mu_fail(err, MU_E_UNAVAILABLE, "open '%s': %s", path, strerror(errno));
}

static enum mu_status lock_folder(struct decision_log *log, struct mu_error *err)
{
    enum mu_status st = decision_log_open_file(log, "lock", &log->lock_fd, err);

    if (st != MU_OK)
        return st;
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
    log->fd = decision_log_create_segment(log, end.next, end.chain);
    if (log->fd < 0 || !decision_log_sync_folder(log))
        return mu_fail(err, MU_E_UNAVAILABLE, "log-dir '%s': cannot begin a segment: %s",
                       log->config.folder, strerror(errno));
    decision_log_list_segment(log, end.next);
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

    *log = (struct decision_log){.config = *config, .lock_fd = -1, .lost_fd = -1, .fd = -1};
    mu_buf_init(&log->queue, config->queue_bytes);
    mu_buf_init(&log->writing, config->queue_bytes);
    init_threads(log);
    st = mu_dir_make(config->folder, err);
    if (st == MU_OK)
        st = lock_folder(log, err);
    if (st == MU_OK)
        st = decision_log_lost_open(log, err);
    if (st == MU_OK)
        st = segments_instance(config->folder, config->name, log->instance, err);
    if (st == MU_OK)
        st = recover(log, err);
    if (st == MU_OK) {
        log->writer_runs = pthread_create(&log->writer, NULL, decision_log_run_writer, log) == 0;
        log->syncer_runs = pthread_create(&log->syncer, NULL, decision_log_run_syncer, log) == 0;
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
    if (log->lost > 0)
        MU_LOG(MU_LOG_ERROR, "decisions were lost; the first record after the next start says so",
               MU_KV("instance", log->instance), MU_KV_INT("lost", log->lost));
    (void)pthread_cond_broadcast(&log->moved);
    (void)pthread_mutex_unlock(&log->lock);
    if (log->syncer_runs)
        (void)pthread_join(log->syncer, NULL);
    for (unsigned i = 0; i < log->retired_count; i++)
        (void)close(log->retired[i]);
    if (log->fd >= 0)
        (void)close(log->fd);
    if (log->lost_fd >= 0)
        (void)close(log->lost_fd);
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

/* Under the lock. */
static enum mu_status may_append(const struct decision_log *log, size_t len, uint64_t lost_before,
                                 struct mu_error *err)
{
    if (len == 0 || len > DECISION_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "a decision of %zu bytes", len);
    if (log->queue.len + DECISION_FRAME_BYTES + len > log->config.queue_bytes ||
        log->bytes + log->queue.len > log->config.max_bytes)
        return mu_fail(err, MU_E_LIMIT, "the decision log has no room");
    if (lost_before != log->lost)
        return mu_fail(err, MU_E_CONFLICT, "%" PRIu64 " decisions are lost, not %" PRIu64,
                       log->lost, lost_before);
    return MU_OK;
}

/* Under the lock. */
static void lose(struct decision_log *log)
{
    if (!decision_log_lost_unkept(log))
        (void)pthread_cond_broadcast(&log->moved); /* the syncer keeps it */
    log->lost++;
}

enum mu_status decision_log_append(struct decision_log *log, const char *payload, size_t len,
                                   uint64_t lost_before, uint64_t *ret_sequence,
                                   struct mu_error *err)
{
    enum mu_status st;

    (void)pthread_mutex_lock(&log->lock);
    st = may_append(log, len, lost_before, err);
    if (st == MU_OK) {
        if (log->queue.len == 0)
            (void)pthread_cond_signal(&log->queued);
        decision_frame_write(log->next, payload, len, log->chain, &log->queue);
        *ret_sequence = log->next++;
        if (log->lost > 0) { /* the record tells them */
            log->told += log->lost;
            log->told_by = *ret_sequence;
            log->lost = 0;
        }
    } else if (st == MU_E_LIMIT) {
        lose(log);
    }
    (void)pthread_mutex_unlock(&log->lock);
    return st;
}

void decision_log_lose(struct decision_log *log)
{
    (void)pthread_mutex_lock(&log->lock);
    lose(log);
    (void)pthread_mutex_unlock(&log->lock);
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
    int64_t came_us = decision_log_clock_us(), until_us;
    bool written;

    (void)pthread_mutex_lock(&log->lock);
    while (log->written < sequence &&
           decision_log_clock_us() < (until_us = wait_until_us(log, came_us, budget_us))) {
        struct timespec until = {until_us / US_IN_S, (long)(until_us % US_IN_S) * NS_IN_US};

        (void)pthread_cond_timedwait(&log->moved, &log->lock, &until);
    }
    written = log->written >= sequence;
    (void)pthread_mutex_unlock(&log->lock);
    return written;
}

void decision_log_state(struct decision_log *log, struct decision_log_state *ret_state)
{
    (void)pthread_mutex_lock(&log->lock);
    *ret_state = (struct decision_log_state){.next = log->next,
                                             .written = log->written,
                                             .synced = log->synced,
                                             .kept_from = log->kept_from,
                                             .lost = log->lost,
                                             .bytes = log->bytes,
                                             .failing = log->failing};
    (void)pthread_mutex_unlock(&log->lock);
}

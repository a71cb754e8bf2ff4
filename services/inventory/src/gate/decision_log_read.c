#include "gate/decision_log_internal.h"

#include "base/file.h"

#include <string.h>
#include <unistd.h>

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

        mu_buf_init(&file, (size_t)(log->config.max_bytes + log->config.segment_bytes) +
                                   log->config.queue_bytes + SEGMENT_HEADER_BYTES);
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

#include "gate/decision_segments.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_PREFIX "decisions-"
#define SEGMENT_SUFFIX ".log"

enum { RANDOM_BYTES = 8, SEGMENT_MAX_BYTES = 1024 * 1024 * 1024, SEQUENCE_DIGITS = 20 };
enum { SEQUENCE_JUMP_MAX = 1000000000 };

void segment_list_done(struct segment_list *list)
{
    free(list->items);
    *list = (struct segment_list){0};
}

void segment_path(const char *folder, uint64_t first, char ret_path[PATH_MAX])
{
    (void)snprintf(ret_path, PATH_MAX, "%s/" SEGMENT_PREFIX "%0*" PRIu64 SEGMENT_SUFFIX, folder,
                   SEQUENCE_DIGITS, first);
}

/* ---- which there are ---- */

static bool read_name(const char *name, uint64_t *ret_first)
{
    char digits[SEQUENCE_DIGITS + 1];
    struct mu_error ignored;
    size_t prefix = strlen(SEGMENT_PREFIX);

    if (strlen(name) != prefix + SEQUENCE_DIGITS + strlen(SEGMENT_SUFFIX) ||
        !mu_text_starts(name, SEGMENT_PREFIX) || !mu_text_ends(name, SEGMENT_SUFFIX))
        return false;
    memcpy(digits, name + prefix, SEQUENCE_DIGITS);
    digits[SEQUENCE_DIGITS] = '\0';
    return mu_text_to_u64(digits, "segment", ret_first, &ignored) == MU_OK;
}

static int by_first(const void *a, const void *b)
{
    const struct segment *left = a, *right = b;

    return (left->first > right->first) - (left->first < right->first);
}

static void add_segment(struct segment_list *list, const char *folder, uint64_t first)
{
    char path[PATH_MAX];
    struct stat status;
    struct segment *grown = realloc(list->items, (list->count + 1) * sizeof(*grown));

    if (!grown)
        abort();
    list->items = grown;
    segment_path(folder, first, path);
    grown[list->count++] =
            (struct segment){first, stat(path, &status) == 0 ? (uint64_t)status.st_size : 0};
}

enum mu_status segments_find(const char *folder, struct segment_list *ret_list,
                             struct mu_error *err)
{
    DIR *open = opendir(folder);
    const struct dirent *entry;
    uint64_t first = 0;

    *ret_list = (struct segment_list){0};
    if (!open)
        return mu_fail(err, MU_E_UNAVAILABLE, "log-dir '%s': %s", folder, strerror(errno));
    while ((entry = readdir(open)))
        if (read_name(entry->d_name, &first))
            add_segment(ret_list, folder, first);
    (void)closedir(open);
    if (ret_list->count > 0)
        qsort(ret_list->items, ret_list->count, sizeof(*ret_list->items), by_first);
    return MU_OK;
}

/* ---- whose it is ---- */

static enum mu_status make_instance(const char *path, const char *name,
                                    char ret_instance[DECISION_INSTANCE_SIZE], struct mu_error *err)
{
    uint8_t bytes[RANDOM_BYTES];
    char hex[2 * RANDOM_BYTES + 1];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return mu_fail(err, MU_E_UNAVAILABLE, "no random bytes: %s", strerror(errno));
    mu_hex_encode(bytes, sizeof(bytes), hex);
    (void)snprintf(ret_instance, DECISION_INSTANCE_SIZE, "%.60s/%s", name, hex);
    return mu_file_write_atomic(path, ret_instance, strlen(ret_instance), err);
}

enum mu_status segments_instance(const char *folder, const char *name,
                                 char ret_instance[DECISION_INSTANCE_SIZE], struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    char path[PATH_MAX];
    enum mu_status st;

    mu_buf_init(&text, DECISION_INSTANCE_SIZE - 1);
    if (snprintf(path, sizeof(path), "%s/instance", folder) >= (int)sizeof(path))
        return mu_fail(err, MU_E_INVALID, "log-dir '%.100s...' is too long", folder);
    st = mu_file_read(path, &text, err);
    if (st == MU_E_NOT_FOUND)
        return make_instance(path, name, ret_instance, err);
    if (st != MU_OK)
        return st;
    if (text.len == 0 || !strchr(text.data, '/') || strpbrk(text.data, "\r\n"))
        return mu_fail(err, MU_E_INVALID, "'%s' holds no instance of a gate", path);
    (void)snprintf(ret_instance, DECISION_INSTANCE_SIZE, "%s", text.data);
    return MU_OK;
}

/* ---- after a crash ---- */

/* What looks like a frame behind damage has used its sequence, whatever else is wrong with it. */
static void look_behind(const struct mu_buf *file, size_t at, struct segment_end *end)
{
    const uint8_t *bytes = (const uint8_t *)file->data;
    struct decision_frame frame;
    struct mu_error ignored;

    while (at < file->len) {
        if (decision_frame_parse(bytes + at, file->len - at, &frame, &ignored) != MU_OK) {
            at++;
            continue;
        }
        if (frame.sequence >= end->next && frame.sequence - end->next < SEQUENCE_JUMP_MAX) {
            end->next = frame.sequence + 1;
            memcpy(end->chain, frame.chain, DECISION_CHAIN_BYTES);
        }
        at += frame.frame_len;
    }
}

/* Whole records from the beginning on, each following the one before. */
static enum mu_status walk(const char *path, const struct mu_buf *file, uint64_t first,
                           struct segment_end *ret_end, struct mu_error *err)
{
    const uint8_t *bytes = (const uint8_t *)file->data;
    struct segment_header header;
    struct decision_frame frame;
    struct mu_error ignored;
    size_t at = SEGMENT_HEADER_BYTES;

    if (file->len < SEGMENT_HEADER_BYTES) { /* it was only just begun: there is no record in it */
        *ret_end = (struct segment_end){.next = first};
        return MU_OK;
    }
    if (!segment_header_parse(bytes, file->len, &header) || header.first != first)
        return mu_fail(err, MU_E_INVALID, "'%s' is no segment of a decision log", path);
    *ret_end = (struct segment_end){.next = first};
    memcpy(ret_end->chain, header.chain, sizeof(header.chain));
    while (at < file->len &&
           decision_frame_parse(bytes + at, file->len - at, &frame, &ignored) == MU_OK &&
           frame.sequence == ret_end->next && decision_frame_follows(&frame, ret_end->chain)) {
        at += frame.frame_len;
        ret_end->next++;
    }
    look_behind(file, at, ret_end);
    if (at < file->len)
        MU_LOG(MU_LOG_WARN, "a decision is half written or damaged, going on behind it",
               MU_KV("file", path), MU_KV_INT("at", at), MU_KV_INT("bytes", file->len - at),
               MU_KV_INT("next", ret_end->next));
    return MU_OK;
}

enum mu_status segment_recover(const char *folder, uint64_t first, struct segment_end *ret_end,
                               struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
    char path[PATH_MAX];
    enum mu_status st;

    segment_path(folder, first, path);
    mu_buf_init(&file, SEGMENT_MAX_BYTES);
    st = mu_file_read(path, &file, err);
    return st == MU_OK ? walk(path, &file, first, ret_end, err) : st;
}

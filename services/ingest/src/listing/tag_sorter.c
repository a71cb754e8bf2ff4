#include "listing/tag_sorter.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { RUNS_MAX = 128, RUN_BUFFER_BYTES = 16 * 1024 };

_Static_assert((int)RUN_BUFFER_BYTES >= 2 * (int)TAG_LINE_MAX_BYTES, "a run's buffer holds a line");

/* Sorted lines, a part of the file. */
struct run {
    off_t at, end; /* not yet read */
    char *buffer;  /* while it is read */
    size_t used, next;
    bool is_there; /* `line` is its first that was not handed out */
    struct tag_line line;
};

struct tag_sorter {
    char *path;
    int fd;
    size_t memory_bytes;
    struct mu_buf lines; /* not yet in the file */
    off_t size;
    struct run *runs;
    size_t run_count;
};

enum mu_status tag_sorter_new(const char *path, size_t memory_bytes, struct tag_sorter **ret_sorter,
                              struct mu_error *err)
{
    struct tag_sorter *sorter;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

    if (fd < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "open '%s': %s", path, strerror(errno));
    sorter = mu_xcalloc(1, sizeof(*sorter));
    sorter->path = mu_xstrdup(path);
    sorter->fd = fd;
    sorter->memory_bytes = memory_bytes;
    sorter->runs = mu_xcalloc(RUNS_MAX, sizeof(*sorter->runs));
    mu_buf_init(&sorter->lines, memory_bytes + TAG_LINE_MAX_BYTES);
    *ret_sorter = sorter;
    return MU_OK;
}

void tag_sorter_free(struct tag_sorter *sorter)
{
    if (!sorter)
        return;
    for (size_t i = 0; i < sorter->run_count; i++)
        free(sorter->runs[i].buffer);
    free(sorter->runs);
    mu_buf_done(&sorter->lines);
    (void)close(sorter->fd);
    (void)unlink(sorter->path);
    free(sorter->path);
    free(sorter);
}

/* ---- in ---- */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The beginnings of the lines, whose newlines become NULs; NULL when memory is exhausted. */
static char **split_lines(const struct mu_buf *lines, size_t *ret_count)
{
    size_t count = 0;
    char **starts, *end = lines->data + lines->len;

    for (char *at = lines->data; at < end; at++)
        count += *at == '\n';
    starts = malloc((count + 1) * sizeof(*starts));
    if (!starts)
        return NULL;
    *ret_count = count;
    count = 0;
    for (char *at = lines->data; at < end; at += strlen(at) + 1) {
        starts[count++] = at;
        *strchr(at, '\n') = '\0';
    }
    return starts;
}

static enum mu_status write_all(struct tag_sorter *sorter, const char *bytes, size_t len,
                                struct mu_error *err)
{
    while (len > 0) {
        ssize_t n = pwrite(sorter->fd, bytes, len, sorter->size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return mu_fail(err, MU_E_UNAVAILABLE, "write '%s': %s", sorter->path,
                           n < 0 ? strerror(errno) : "no room");
        sorter->size += n;
        bytes += n;
        len -= (size_t)n;
    }
    return MU_OK;
}

static enum mu_status write_sorted(struct tag_sorter *sorter, char *const *starts, size_t count,
                                   struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf piece;
    enum mu_status st = MU_OK;

    mu_buf_init(&piece, RUN_BUFFER_BYTES);
    for (size_t i = 0; st == MU_OK && i < count; i++) {
        mu_buf_puts(&piece, starts[i]);
        mu_buf_puts(&piece, "\n");
        if (piece.len + TAG_LINE_MAX_BYTES < RUN_BUFFER_BYTES && i + 1 < count)
            continue;
        st = mu_buf_status(&piece, "tags", err);
        if (st == MU_OK)
            st = write_all(sorter, piece.data, piece.len, err);
        mu_buf_reset(&piece);
    }
    return st;
}

static enum mu_status spill(struct tag_sorter *sorter, struct mu_error *err)
{
    MU_AUTO_FREE char **starts = NULL;
    struct run *run = &sorter->runs[sorter->run_count];
    size_t count = 0;
    enum mu_status st;

    if (sorter->lines.len == 0)
        return MU_OK;
    if (sorter->run_count == RUNS_MAX)
        return mu_fail(err, MU_E_LIMIT, "the registry has more tags than %zu MiB hold",
                       RUNS_MAX * sorter->memory_bytes / (1024 * 1024));
    starts = split_lines(&sorter->lines, &count);
    if (!starts)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    qsort(starts, count, sizeof(*starts), compare_lines);
    run->at = sorter->size;
    st = write_sorted(sorter, starts, count, err);
    run->end = sorter->size;
    sorter->run_count += st == MU_OK;
    mu_buf_reset(&sorter->lines);
    return st;
}

enum mu_status tag_sorter_add(struct tag_sorter *sorter, const struct tag_line *line,
                              struct mu_error *err)
{
    enum mu_status st = tag_line_print(line, &sorter->lines, err);

    return st == MU_OK && sorter->lines.len >= sorter->memory_bytes ? spill(sorter, err) : st;
}

/* ---- out ---- */

/* Moves what is left to the front and reads behind it. */
static enum mu_status fill(struct tag_sorter *sorter, struct run *run, struct mu_error *err)
{
    size_t room, left = run->used - run->next;
    ssize_t n;

    memmove(run->buffer, run->buffer + run->next, left);
    run->used = left;
    run->next = 0;
    room = RUN_BUFFER_BYTES - left;
    if ((off_t)room > run->end - run->at)
        room = (size_t)(run->end - run->at);
    do
        n = pread(sorter->fd, run->buffer + left, room, run->at);
    while (n < 0 && errno == EINTR);
    if (n < 0 || (n == 0 && room > 0))
        return mu_fail(err, MU_E_UNAVAILABLE, "read '%s': %s", sorter->path,
                       n < 0 ? strerror(errno) : "it was cut");
    run->at += n;
    run->used += (size_t)n;
    return MU_OK;
}

/* The next line of a run. */
static enum mu_status step(struct tag_sorter *sorter, struct run *run, struct mu_error *err)
{
    const char *start = run->buffer + run->next, *newline;
    enum mu_status st = MU_OK;

    run->is_there = false;
    newline = memchr(start, '\n', run->used - run->next);
    while (!newline && run->at < run->end) {
        if (run->used - run->next == RUN_BUFFER_BYTES)
            return mu_fail(err, MU_E_INVALID, "'%s' was changed", sorter->path);
        st = fill(sorter, run, err);
        if (st != MU_OK)
            return st;
        start = run->buffer;
        newline = memchr(start, '\n', run->used);
    }
    if (!newline)
        return run->used == run->next
                       ? MU_OK
                       : mu_fail(err, MU_E_INVALID, "'%s' was changed", sorter->path);
    st = tag_line_parse(start, (size_t)(newline - start), &run->line, err);
    run->next = (size_t)(newline + 1 - run->buffer);
    run->is_there = st == MU_OK;
    return st;
}

enum mu_status tag_sorter_finish(struct tag_sorter *sorter, struct mu_error *err)
{
    enum mu_status st = spill(sorter, err);

    mu_buf_done(&sorter->lines);
    mu_buf_init(&sorter->lines, 0);
    for (size_t i = 0; st == MU_OK && i < sorter->run_count; i++) {
        sorter->runs[i].buffer = mu_xcalloc(1, RUN_BUFFER_BYTES);
        st = step(sorter, &sorter->runs[i], err);
    }
    return st;
}

/* The run with the least line; among equals the newest. */
static struct run *least(struct tag_sorter *sorter)
{
    struct run *best = NULL;

    for (size_t i = 0; i < sorter->run_count; i++) {
        struct run *run = &sorter->runs[i];
        int order = best && run->is_there ? tag_line_compare(&run->line, &best->line) : -1;

        if (run->is_there &&
            (order < 0 || (order == 0 && run->line.seen_at_us > best->line.seen_at_us)))
            best = run;
    }
    return best;
}

enum mu_status tag_sorter_next(struct tag_sorter *sorter, struct tag_line *ret_line,
                               struct mu_error *err)
{
    struct run *run = least(sorter);
    struct tag_line line;

    if (!run)
        return MU_END;
    line = run->line;
    for (; run && tag_line_compare(&run->line, &line) == 0; run = least(sorter)) {
        if (run->line.seen_at_us > line.seen_at_us)
            line = run->line;
        if (step(sorter, run, err) != MU_OK)
            return err->status;
    }
    *ret_line = line;
    return MU_OK;
}

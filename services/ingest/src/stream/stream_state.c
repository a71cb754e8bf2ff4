#include "stream/stream_state.h"

#include "watch/line_splitter.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_MAX_BYTES = 512 * 1024 * 1024,
    FILE_LINE_MAX_BYTES = 4 * 1024 * 1024,
    STALE_LINES_MIN = 1000 /* fewer lines are not worth writing the file anew */
};

struct stream_state {
    char *path; /* NULL: memory only */
    int fd;     /* appends */
    size_t lines;
    json_t *values;
    json_t *before; /* of every changed name what it was; null: not there */
};

/* ---- reading ---- */

/* One line is {"set":name,"to":value}, {"drop":name} or {"commit":true}. */
static enum mu_status take_line(void *opaque, const char *line, size_t len, struct mu_error *err)
{
    static const struct mu_json_limits limits = {FILE_LINE_MAX_BYTES, 32};
    struct stream_state *state = opaque;
    json_auto_t *entry = NULL;
    struct mu_error ignored;
    const char *name;

    (void)err;
    state->lines++;
    if (mu_json_parse(line, len, &limits, &entry, &ignored) != MU_OK) {
        stream_state_rollback(state); /* torn, and its group with it */
        return MU_OK;
    }
    if (json_is_true(json_object_get(entry, "commit")))
        (void)json_object_clear(state->before);
    name = mu_json_text_at(entry, "set");
    if (name)
        stream_state_set(state, name, json_incref(json_object_get(entry, "to")));
    name = mu_json_text_at(entry, "drop");
    if (name)
        stream_state_set(state, name, NULL);
    return MU_OK;
}

static enum mu_status read_file(struct stream_state *state, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct line_splitter splitter;
    enum mu_status st;

    mu_buf_init(&bytes, FILE_MAX_BYTES);
    st = mu_file_read(state->path, &bytes, err);
    if (st != MU_OK)
        return st == MU_E_NOT_FOUND ? MU_OK : st;
    line_splitter_init(&splitter, FILE_LINE_MAX_BYTES, take_line, state);
    st = line_splitter_feed(&splitter, bytes.data, bytes.len, err);
    line_splitter_done(&splitter);
    stream_state_rollback(state);
    return st;
}

/* ---- writing ---- */

static enum mu_status put_line(struct mu_buf *out, json_t *line, struct mu_error *err)
{
    enum mu_status st = line ? mu_json_print(line, out, err)
                             : mu_fail(err, MU_E_INVALID, "a name is not UTF-8");

    json_decref(line);
    mu_buf_puts(out, "\n");
    return st == MU_OK ? mu_buf_status(out, "the state of a stream", err) : st;
}

static enum mu_status put_value(struct mu_buf *out, const char *name, json_t *value,
                                struct mu_error *err)
{
    return put_line(out,
                    value ? json_pack("{s:s, s:O}", "set", name, "to", value)
                          : json_pack("{s:s}", "drop", name),
                    err);
}

static enum mu_status put_commit(struct mu_buf *out, struct mu_error *err)
{
    return put_line(out, json_pack("{s:b}", "commit", 1), err);
}

static enum mu_status open_file(struct stream_state *state, struct mu_error *err)
{
    if (state->fd >= 0)
        (void)close(state->fd);
    state->fd = open(state->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (state->fd < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "open '%s': %s", state->path, strerror(errno));
    return MU_OK;
}

static enum mu_status write_anew(struct stream_state *state, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf lines;
    const char *name;
    json_t *value;
    enum mu_status st = MU_OK;

    mu_buf_init(&lines, FILE_MAX_BYTES);
    json_object_foreach (state->values, name, value) {
        if (st == MU_OK)
            st = put_value(&lines, name, value, err);
    }
    if (st == MU_OK)
        st = put_commit(&lines, err);
    if (st == MU_OK)
        st = mu_file_write_atomic(state->path, lines.data, lines.len, err);
    state->lines = json_object_size(state->values) + 1;
    return st == MU_OK ? open_file(state, err) : st;
}

/* One write, so that a killed process leaves whole groups; a short one is cut off by the next. */
static enum mu_status append(struct stream_state *state, const struct mu_buf *lines,
                             struct mu_error *err)
{
    ssize_t written;

    do
        written = write(state->fd, lines->data, lines->len);
    while (written < 0 && errno == EINTR);
    if (written == (ssize_t)lines->len)
        return MU_OK;
    (void)close(state->fd);
    state->fd = -1; /* the next commit writes the file anew */
    return mu_fail(err, MU_E_UNAVAILABLE, "write '%s': %s", state->path,
                   written < 0 ? strerror(errno) : "no room");
}

static enum mu_status write_changes(struct stream_state *state, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf lines;
    const char *name;
    json_t *before;
    enum mu_status st = MU_OK;

    mu_buf_init(&lines, FILE_MAX_BYTES);
    json_object_foreach (state->before, name, before) {
        if (st == MU_OK)
            st = put_value(&lines, name, json_object_get(state->values, name), err);
    }
    if (st == MU_OK)
        st = put_commit(&lines, err);
    state->lines += json_object_size(state->before) + 1;
    return st == MU_OK ? append(state, &lines, err) : st;
}

enum mu_status stream_state_commit(struct stream_state *state, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    if (json_object_size(state->before) == 0)
        return MU_OK;
    if (state->path &&
        (state->fd < 0 || state->lines > STALE_LINES_MIN + 2 * json_object_size(state->values)))
        st = write_anew(state, err);
    else if (state->path)
        st = write_changes(state, err);
    (void)json_object_clear(state->before);
    return st;
}

/* ---- values ---- */

const json_t *stream_state_get(const struct stream_state *state, const char *name)
{
    return json_object_get(state->values, name);
}

int64_t stream_state_number(const struct stream_state *state, const char *name)
{
    return json_integer_value(json_object_get(state->values, name));
}

const json_t *stream_state_all(const struct stream_state *state)
{
    return state->values;
}

void stream_state_set(struct stream_state *state, const char *name, json_t *value)
{
    json_t *was = json_object_get(state->values, name);

    if (!json_object_get(state->before, name))
        (void)json_object_set_new(state->before, name, was ? json_incref(was) : json_null());
    if (value)
        (void)json_object_set_new(state->values, name, value);
    else
        (void)json_object_del(state->values, name);
}

void stream_state_rollback(struct stream_state *state)
{
    const char *name;
    json_t *before;

    json_object_foreach (state->before, name, before) {
        if (json_is_null(before))
            (void)json_object_del(state->values, name);
        else
            (void)json_object_set(state->values, name, before);
    }
    (void)json_object_clear(state->before);
}

/* ---- open and close ---- */

enum mu_status stream_state_open(const char *path, struct stream_state **ret_state,
                                 struct mu_error *err)
{
    MU_AUTO(stream_state) struct stream_state *state = mu_xcalloc(1, sizeof(*state));
    enum mu_status st = MU_OK;

    state->fd = -1;
    state->path = path ? mu_xstrdup(path) : NULL;
    state->values = json_object();
    state->before = json_object();
    if (path)
        st = read_file(state, err);
    if (st == MU_OK && path)
        st = write_anew(state, err);
    if (st != MU_OK)
        return mu_wrap(err, "state of the stream");
    *ret_state = state;
    state = NULL;
    return MU_OK;
}

void stream_state_close(struct stream_state *state)
{
    if (!state)
        return;
    if (state->fd >= 0)
        (void)close(state->fd);
    json_decref(state->values);
    json_decref(state->before);
    free(state->path);
    free(state);
}

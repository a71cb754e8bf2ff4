#include "watch/known_pods.h"

#include "watch/line_splitter.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 512 * 1024 * 1024, FILE_LINE_MAX_BYTES = 16 * 1024 };

struct known_pods {
    char *path; /* NULL: memory only */
    int fd;     /* appends */
    json_t *pods;
    json_t *leaving; /* of those, the ones whose removal is under way */
};

/* ---- the file ---- */

static enum mu_status put_line(struct mu_buf *out, json_t *line, struct mu_error *err)
{
    enum mu_status st = line ? mu_json_print(line, out, err)
                             : mu_fail(err, MU_E_INVALID, "a pod's name is not UTF-8");

    json_decref(line);
    if (st == MU_OK)
        mu_buf_puts(out, "\n");
    return st;
}

/* The lock of the file before goes when this one is held. */
static enum mu_status open_file(struct known_pods *known, int more_flags, struct mu_error *err)
{
    int before = known->fd;

    known->fd = open(known->path, O_WRONLY | O_APPEND | O_CLOEXEC | more_flags, 0640);
    if (before >= 0)
        (void)close(before);
    if (known->fd < 0)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE, "open '%s': %s",
                       known->path, strerror(errno));
    if (flock(known->fd, LOCK_EX | LOCK_NB) != 0)
        return mu_fail(err, MU_E_CONFLICT, "'%s' is in use by a watch", known->path);
    return MU_OK;
}

/* One write, so that a killed process leaves whole lines. A short one begins the next on its own.
 */
static enum mu_status append(struct known_pods *known, const struct mu_buf *lines,
                             struct mu_error *err)
{
    ssize_t written;

    if (known->fd < 0)
        return MU_OK;
    do
        written = write(known->fd, lines->data, lines->len);
    while (written < 0 && errno == EINTR);
    if (written == (ssize_t)lines->len)
        return MU_OK;
    if (written > 0)
        (void)!write(known->fd, "\n", 1);
    return mu_fail(err, MU_E_UNAVAILABLE, "write '%s': %s", known->path,
                   written < 0 ? strerror(errno) : "no room");
}

static enum mu_status take_line(void *opaque, const char *line, size_t len, struct mu_error *err)
{
    static const struct mu_json_limits limits = {FILE_LINE_MAX_BYTES, 8};
    struct known_pods *known = opaque;
    json_auto_t *entry = NULL;
    struct mu_error ignored;
    json_t *pod;
    const char *uid;

    (void)err;
    if (mu_json_parse(line, len, &limits, &entry, &ignored) != MU_OK)
        return MU_OK; /* torn */
    pod = json_object_get(entry, "pod");
    uid = mu_json_text_at(pod, "metadata.uid");
    if (uid)
        (void)json_object_set(known->pods, uid, pod);
    uid = mu_json_text_at(entry, "gone");
    if (uid)
        (void)json_object_del(known->pods, uid);
    return MU_OK;
}

static enum mu_status read_file(struct known_pods *known, bool *ret_found, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct line_splitter splitter;
    enum mu_status st;

    mu_buf_init(&bytes, FILE_MAX_BYTES);
    st = mu_file_read(known->path, &bytes, err);
    *ret_found = st != MU_E_NOT_FOUND;
    if (st != MU_OK)
        return st == MU_E_NOT_FOUND ? MU_OK : st;
    line_splitter_init(&splitter, FILE_LINE_MAX_BYTES, take_line, known);
    st = line_splitter_feed(&splitter, bytes.data, bytes.len, err);
    line_splitter_done(&splitter);
    return st;
}

enum mu_status known_pods_compact(struct known_pods *known, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf lines;
    const char *uid;
    json_t *pod;
    enum mu_status st = MU_OK;

    mu_buf_init(&lines, FILE_MAX_BYTES);
    if (!known->path)
        return MU_OK;
    json_object_foreach (known->pods, uid, pod) {
        st = put_line(&lines, json_pack("{s:O}", "pod", pod), err);
        if (st != MU_OK)
            return st;
    }
    st = mu_file_write_atomic(known->path, lines.data, lines.len, err);
    return st == MU_OK ? open_file(known, O_CREAT, err) : st;
}

enum mu_status known_pods_sync(struct known_pods *known, struct mu_error *err)
{
    if (known->fd >= 0 && fdatasync(known->fd) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "sync '%s': %s", known->path, strerror(errno));
    return MU_OK;
}

/* ---- open and close ---- */

static struct known_pods *known_new(const char *path)
{
    struct known_pods *known = mu_xcalloc(1, sizeof(*known));

    known->fd = -1;
    known->path = path ? mu_xstrdup(path) : NULL;
    known->pods = json_object();
    known->leaving = json_object();
    return known;
}

char *known_pods_path(const char *folder, const char *source)
{
    char path[PATH_MAX];

    if (!folder)
        return NULL;
    (void)snprintf(path, sizeof(path), "%s/known-%s.jsonl", folder, source);
    return mu_xstrdup(path);
}

enum mu_status known_pods_open(const char *path, struct known_pods **ret_known, bool *ret_found,
                               struct mu_error *err)
{
    MU_AUTO(known_pods) struct known_pods *known = known_new(path);
    bool found = false;
    enum mu_status st = path ? open_file(known, 0, err) : MU_OK;

    if (st == MU_E_NOT_FOUND)
        st = MU_OK;
    if (st == MU_OK && path)
        st = read_file(known, &found, err);
    if (st == MU_OK)
        st = known_pods_compact(known, err);
    if (st != MU_OK)
        return mu_wrap(err, "known pods");
    *ret_known = known;
    *ret_found = found;
    known = NULL;
    return MU_OK;
}

void known_pods_close(struct known_pods *known)
{
    if (!known)
        return;
    if (known->fd >= 0)
        (void)close(known->fd);
    json_decref(known->pods);
    json_decref(known->leaving);
    free(known->path);
    free(known);
}

enum mu_status known_pods_read(const char *path, json_t *uids, struct mu_error *err)
{
    MU_AUTO(known_pods) struct known_pods *known = known_new(path);
    const char *uid;
    json_t *pod;
    bool found;
    enum mu_status st = read_file(known, &found, err);

    if (st != MU_OK)
        return st;
    json_object_foreach (known->pods, uid, pod) {
        (void)json_object_set_new(uids, uid, json_true());
    }
    return MU_OK;
}

/* ---- what changes ---- */

/* Of a pod, what its removal must tell. */
static json_t *remnant_of(const json_t *pod)
{
    return json_pack("{s:s, s:{s:s?, s:s?, s:s?}}", "kind", "Pod", "metadata", "uid",
                     mu_json_text_at(pod, "metadata.uid"), "name",
                     mu_json_text_at(pod, "metadata.name"), "namespace",
                     mu_json_text_at(pod, "metadata.namespace"));
}

enum mu_status known_pods_see(struct known_pods *known, const json_t *pod, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf line;
    const char *uid = mu_json_text_at(pod, "metadata.uid");
    json_t *remnant;
    enum mu_status st;

    mu_buf_init(&line, FILE_LINE_MAX_BYTES);
    if (!uid || (json_object_get(known->pods, uid) && !json_object_get(known->leaving, uid)))
        return MU_OK;
    (void)json_object_del(known->leaving, uid);
    remnant = remnant_of(pod);
    (void)json_object_set_new(known->pods, uid, remnant);
    st = put_line(&line, json_pack("{s:O}", "pod", remnant), err);
    return st == MU_OK ? append(known, &line, err) : st;
}

void known_pods_leave(struct known_pods *known, const char *uid)
{
    if (json_object_get(known->pods, uid))
        (void)json_object_set_new(known->leaving, uid, json_true());
}

size_t known_pods_leaving(const struct known_pods *known)
{
    return json_object_size(known->leaving);
}

enum mu_status known_pods_settle(struct known_pods *known, bool durable, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf lines;
    const char *uid;
    json_t *value;
    enum mu_status st = MU_OK;

    mu_buf_init(&lines, FILE_MAX_BYTES);
    if (known_pods_leaving(known) == 0)
        return MU_OK;
    json_object_foreach (known->leaving, uid, value) {
        if (!durable)
            break;
        (void)json_object_del(known->pods, uid);
        if (st == MU_OK)
            st = put_line(&lines, json_pack("{s:s}", "gone", uid), err);
    }
    (void)json_object_clear(known->leaving);
    return st == MU_OK && lines.len > 0 ? append(known, &lines, err) : st;
}

enum mu_status known_pods_each_missing(struct known_pods *known, const json_t *listed,
                                       known_pod_fn *each, void *opaque, struct mu_error *err)
{
    const char *uid;
    json_t *pod;

    json_object_foreach (known->pods, uid, pod) {
        enum mu_status st;

        if (json_object_get(listed, uid) || json_object_get(known->leaving, uid))
            continue;
        st = each(opaque, uid, pod, err);
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

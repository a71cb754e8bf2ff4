#include "database/feed_store.h"

#include "database/input.h"
#include "json/json_doc.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATE_MAX_BYTES = 64 * 1024, HEADER_SIZE = 400, URL_MAX = 2048 };
static const uint64_t feed_max_bytes = UINT64_C(8) << 30;

/* What the publisher said of the copy that is kept. */
struct state {
    char url[URL_MAX], etag[256], last_modified[64];
    int64_t checked_at_us;
};

struct refresh {
    const struct feed_source *source;
    struct state state;
    char data[PATH_MAX], part[PATH_MAX], file[PATH_MAX]; /* file: of the state */
    struct mu_error *err;
};

enum mu_status feed_store_prepare(const char *folder, struct mu_error *err)
{
    static const char *const names[] = {"data", "state"};
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < sizeof(names) / sizeof(names[0]); i++) {
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/%s", folder, names[i]) >= (int)sizeof(path))
            return mu_fail(err, MU_E_LIMIT, "folder '%s': its name is too long", folder);
        st = mu_dir_make(path, err);
    }
    return st;
}

/* ---- state ---- */

static void copy_text(const json_t *root, const char *member, char *ret_text, size_t size)
{
    const char *text = json_string_value(json_object_get(root, member));

    if (text && strlen(text) < size)
        memcpy(ret_text, text, strlen(text) + 1);
}

/* A state that cannot be read is as none: the feed is then fetched anew. */
static void load_state(struct refresh *refresh)
{
    static const struct mu_json_limits limits = {STATE_MAX_BYTES, 4};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    json_auto_t *root = NULL;
    const char *time;
    struct mu_error ignored;
    struct state *state = &refresh->state;

    *state = (struct state){.checked_at_us = MU_TIME_NONE};
    mu_buf_init(&bytes, STATE_MAX_BYTES);
    if (mu_file_read(refresh->file, &bytes, &ignored) != MU_OK ||
        mu_json_parse(bytes.data, bytes.len, &limits, &root, &ignored) != MU_OK)
        return;
    time = json_string_value(json_object_get(root, "checked_at"));
    copy_text(root, "url", state->url, sizeof(state->url));
    copy_text(root, "etag", state->etag, sizeof(state->etag));
    copy_text(root, "last_modified", state->last_modified, sizeof(state->last_modified));
    if (!time || mu_time_parse(time, strlen(time), &state->checked_at_us, &ignored) != MU_OK)
        state->checked_at_us = MU_TIME_NONE;
}

static enum mu_status save_state(const struct refresh *refresh)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    const struct state *state = &refresh->state;
    char time[MU_TIME_TEXT_SIZE];
    json_auto_t *root = NULL;
    enum mu_status st;

    mu_buf_init(&text, STATE_MAX_BYTES);
    mu_time_format(state->checked_at_us, time);
    root = json_pack("{s:s, s:s, s:s, s:s}", "url", state->url, "etag", state->etag,
                     "last_modified", state->last_modified, "checked_at", time);
    if (!root)
        return mu_fail(refresh->err, MU_E_INVALID, "what the publisher says is no text");
    st = mu_json_print(root, &text, refresh->err);
    return st == MU_OK ? mu_file_write_atomic(refresh->file, text.data, text.len, refresh->err)
                       : st;
}

/* ---- a new copy ---- */

static enum mu_status part_failed(const struct refresh *refresh)
{
    return mu_fail(refresh->err, MU_E_UNAVAILABLE, "'%s': %s", refresh->part, strerror(errno));
}

static enum mu_status write_part(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    const int *fd = opaque;
    const char *at = bytes;

    while (len > 0) {
        ssize_t written = write(*fd, at, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return mu_fail(err, MU_E_UNAVAILABLE, "cannot write: %s", strerror(errno));
        at += written;
        len -= (size_t)written;
    }
    return MU_OK;
}

/* Reads the whole new copy once, into nothing: it is a feed, of the kind that is asked for. */
static enum mu_status check_part(const struct refresh *refresh)
{
    MU_AUTO(builder) struct builder *builder = builder_new();
    struct document_tally tally = {0};
    char spec[PATH_MAX + 64];

    (void)snprintf(spec, sizeof(spec), "%s%s%s", refresh->source->kind ? refresh->source->kind : "",
                   refresh->source->kind ? ":" : "", refresh->part);
    return input_add(builder, spec, &tally, refresh->err);
}

static enum mu_status accept_part(const struct refresh *refresh, int fd)
{
    if (fsync(fd) != 0)
        return part_failed(refresh);
    if (check_part(refresh) != MU_OK)
        return refresh->err->status;
    return rename(refresh->part, refresh->data) == 0 ? MU_OK : part_failed(refresh);
}

/* ---- publishers ---- */

static enum mu_status fetch(struct mu_http_client *client, struct refresh *refresh, int *fd,
                            bool there, bool *ret_changed)
{
    char match[HEADER_SIZE] = "", since[HEADER_SIZE] = "";
    const char *headers[3] = {NULL};
    struct mu_http_request request = {.method = "GET",
                                      .url = refresh->source->url,
                                      .headers = headers,
                                      .on_body = write_part,
                                      .opaque = fd,
                                      .max_body_bytes = feed_max_bytes};
    struct state *state = &refresh->state;
    struct mu_http_response response;
    size_t count = 0;
    enum mu_status st;

    if (there && state->etag[0]) {
        (void)snprintf(match, sizeof(match), "If-None-Match: %s", state->etag);
        headers[count++] = match;
    }
    if (there && state->last_modified[0]) {
        (void)snprintf(since, sizeof(since), "If-Modified-Since: %s", state->last_modified);
        headers[count++] = since;
    }
    st = mu_http_request(client, &request, &response, refresh->err);
    if (st != MU_OK)
        return st;
    *ret_changed = response.status != 304;
    if (response.status == 304 && there)
        return MU_OK;
    if (response.status != 200)
        return mu_http_status_error(&request, &response, refresh->err);
    memcpy(state->etag, response.etag, sizeof(state->etag));
    memcpy(state->last_modified, response.last_modified, sizeof(state->last_modified));
    return MU_OK;
}

/* A file's size and time stand for its ETag. */
static enum mu_status copy_file(struct refresh *refresh, int *fd, bool there, bool *ret_changed)
{
    const char *path = refresh->source->url + strlen("file://");
    MU_AUTO_FD int from = open(path, O_RDONLY | O_CLOEXEC);
    char bytes[64 * 1024], tag[sizeof(refresh->state.etag)];
    struct stat status;
    enum mu_status st = MU_OK;
    ssize_t len;

    if (from < 0 || fstat(from, &status) != 0 || !S_ISREG(status.st_mode))
        return mu_fail(refresh->err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE,
                       "'%s': cannot be read as a file", path);
    (void)snprintf(tag, sizeof(tag), "%lld-%lld.%09ld", (long long)status.st_size,
                   (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    *ret_changed = !there || !mu_text_equal(tag, refresh->state.etag);
    if (!*ret_changed)
        return MU_OK;
    while (st == MU_OK && (len = read(from, bytes, sizeof(bytes))) > 0)
        st = write_part(fd, bytes, (size_t)len, refresh->err);
    memcpy(refresh->state.etag, tag, sizeof(tag));
    refresh->state.last_modified[0] = '\0';
    return st;
}

/* ---- one source ---- */

static enum mu_status check_source(const struct feed_source *source, struct mu_error *err)
{
    static const char *const schemes[] = {"https://", "http://", "file://"};
    const char *at = source->name;
    bool known = false;

    while (isalnum((unsigned char)*at) || (at > source->name && *at && strchr("._-", *at)))
        at++;
    if (*at || at == source->name || at - source->name > FEED_NAME_MAX)
        return mu_fail(err, MU_E_INVALID,
                       "source '%.80s': its name may have letters, digits, "
                       "'.', '_' and '-'",
                       source->name);
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        known = known || mu_text_starts(source->url, schemes[i]);
    if (!known || strlen(source->url) >= URL_MAX)
        return mu_fail(err, MU_E_INVALID, "source '%s': no https, http or file URL", source->name);
    if (source->kind && !document_kind_named(source->kind, strlen(source->kind)))
        return mu_fail(err, MU_E_INVALID, "source '%s': kind '%.40s' is none", source->name,
                       source->kind);
    return MU_OK;
}

static bool name_files(struct refresh *refresh, const char *folder)
{
    const char *name = refresh->source->name;

    return snprintf(refresh->data, PATH_MAX, "%s/data/%s", folder, name) < PATH_MAX &&
           snprintf(refresh->part, PATH_MAX, "%s/data/.%s.part", folder, name) < PATH_MAX &&
           snprintf(refresh->file, PATH_MAX, "%s/state/%s.json", folder, name) < PATH_MAX;
}

static enum mu_status renew(struct mu_http_client *client, struct refresh *refresh, bool there,
                            bool *ret_changed)
{
    MU_AUTO_FD int fd = open(refresh->part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    enum mu_status st;

    if (fd < 0)
        return part_failed(refresh);
    st = mu_text_starts(refresh->source->url, "file://")
                 ? copy_file(refresh, &fd, there, ret_changed)
                 : fetch(client, refresh, &fd, there, ret_changed);
    if (st == MU_OK && *ret_changed)
        st = accept_part(refresh, fd);
    (void)unlink(refresh->part);
    return st;
}

enum mu_status feed_refresh(struct mu_http_client *client, const char *folder,
                            const struct feed_source *source, int64_t now_us,
                            struct feed_copy *ret_copy, struct mu_error *err)
{
    struct refresh refresh = {.source = source, .err = err};
    enum mu_status st = check_source(source, err);
    struct stat status;
    bool same_url;

    *ret_copy = (struct feed_copy){.checked_at_us = MU_TIME_NONE};
    if (st != MU_OK)
        return st;
    if (!name_files(&refresh, folder))
        return mu_fail(err, MU_E_LIMIT, "source '%s': a path of too many bytes", source->name);
    load_state(&refresh);
    memcpy(ret_copy->path, refresh.data, sizeof(refresh.data));
    same_url = mu_text_equal(refresh.state.url, source->url);
    ret_copy->there = same_url && stat(refresh.data, &status) == 0;
    ret_copy->checked_at_us = ret_copy->there ? refresh.state.checked_at_us : MU_TIME_NONE;
    st = renew(client, &refresh, ret_copy->there, &ret_copy->changed);
    if (st == MU_OK) {
        memcpy(refresh.state.url, source->url, strlen(source->url) + 1);
        refresh.state.checked_at_us = now_us;
        st = save_state(&refresh);
    }
    if (st != MU_OK) {
        ret_copy->changed = false;
        return mu_wrap(err, "source '%s'", source->name);
    }
    ret_copy->there = true;
    ret_copy->checked_at_us = now_us;
    return MU_OK;
}

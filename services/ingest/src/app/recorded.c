#include "app/recorded.h"

#include "source/source.h"

#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HEAD_MAX_BYTES = 256 * 1024, PATH_SIZE = 4096 };

static const char *const body_suffixes[] = {".json", ".ndjson", ".form", ".txt", ".body", ".empty"};

void recorded_init(struct recorded *recorded)
{
    mu_buf_init(&recorded->head, HEAD_MAX_BYTES);
    mu_buf_init(&recorded->body, SOURCE_MAX_BODY_BYTES);
    mu_buf_init(&recorded->parameter, HEAD_MAX_BYTES);
}

void recorded_done(struct recorded *recorded)
{
    mu_buf_done(&recorded->head);
    mu_buf_done(&recorded->body);
    mu_buf_done(&recorded->parameter);
}

/* `path` with another suffix in `ret_path`; false when there is no such file. */
static bool beside(const char *path, const char *suffix, char ret_path[PATH_SIZE])
{
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - path) : strlen(path);

    (void)snprintf(ret_path, PATH_SIZE, "%.*s%s", (int)stem, path, suffix);
    return access(ret_path, R_OK) == 0;
}

/* Keeps the lines up to the first empty one; the length of head and empty line. */
static size_t take_head(struct recorded *recorded, const char *bytes, size_t len)
{
    size_t at = 0;

    while (at < len) {
        const char *newline = memchr(bytes + at, '\n', len - at);
        size_t line = newline ? (size_t)(newline - bytes) - at : len - at;
        size_t kept = line > 0 && bytes[at + line - 1] == '\r' ? line - 1 : line;

        if (kept > 0) {
            mu_buf_append(&recorded->head, bytes + at, kept);
            mu_buf_append(&recorded->head, "", 1);
        }
        at += line + (newline != NULL);
        if (kept == 0)
            break;
    }
    return at;
}

static enum mu_status read_head(const char *path, struct recorded *recorded, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
    enum mu_status st;
    size_t head;

    mu_buf_init(&file, HEAD_MAX_BYTES + SOURCE_MAX_BODY_BYTES);
    st = mu_file_read(path, &file, err);
    if (st != MU_OK)
        return st;
    head = take_head(recorded, file.data, file.len);
    mu_buf_append(&recorded->body, file.data + head, file.len - head);
    st = mu_buf_status(&recorded->head, path, err);
    return st == MU_OK ? mu_buf_status(&recorded->body, path, err) : st;
}

enum mu_status recorded_read(const char *path, struct recorded *recorded, struct mu_error *err)
{
    const char *dot = strrchr(path, '.');
    char other[PATH_SIZE];
    enum mu_status st;

    if (!dot || strcmp(dot, ".http") != 0) {
        st = beside(path, ".http", other) ? read_head(other, recorded, err) : MU_OK;
        mu_buf_reset(&recorded->body);
        return st == MU_OK ? mu_file_read(path, &recorded->body, err) : st;
    }
    st = read_head(path, recorded, err);
    if (st != MU_OK || recorded->body.len > 0)
        return st;
    for (size_t i = 0; i < sizeof(body_suffixes) / sizeof(body_suffixes[0]); i++)
        if (beside(path, body_suffixes[i], other))
            return mu_file_read(other, &recorded->body, err);
    return MU_OK;
}

const char *recorded_header(void *opaque, const char *name)
{
    const struct recorded *recorded = opaque;
    const char *at = recorded->head.data, *end = at + recorded->head.len;
    size_t len = strlen(name);

    for (; at < end; at += strlen(at) + 1)
        if (strncasecmp(at, name, len) == 0 && at[len] == ':')
            return at + len + 1 + strspn(at + len + 1, " \t");
    return NULL;
}

bool recorded_path(const struct recorded *recorded, char *ret_path, size_t size)
{
    const char *target = recorded->head.len > 0 ? strchr(recorded->head.data, ' ') : NULL;
    size_t len;

    if (!target || target[1] != '/')
        return false;
    len = strcspn(target + 1, "? ");
    if (len >= size)
        return false;
    memcpy(ret_path, target + 1, len);
    ret_path[len] = '\0';
    return true;
}

/* %41 and + as in a form. */
static void decode(const char *text, size_t len, struct mu_buf *out)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)(text[i] == '+' ? ' ' : text[i]);

        if (text[i] == '%' && i + 2 < len && mu_hex_decode(text + i + 1, 2, &byte, 1))
            i += 2;
        mu_buf_append(out, &byte, 1);
    }
}

const char *recorded_query(void *opaque, const char *name)
{
    struct recorded *recorded = opaque;
    size_t name_len = strlen(name);
    const char *at = recorded->head.data + strcspn(recorded->head.data, "?");

    while (*at == '?' || *at == '&') {
        size_t len = strcspn(++at, "& ");

        if (len > name_len && strncmp(at, name, name_len) == 0 && at[name_len] == '=') {
            mu_buf_reset(&recorded->parameter);
            decode(at + name_len + 1, len - name_len - 1, &recorded->parameter);
            return recorded->parameter.data;
        }
        at += len;
    }
    return NULL;
}

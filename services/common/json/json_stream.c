#include "json/json_stream.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

void json_stream_init(struct json_stream *stream, FILE *file, struct mu_sha256 *hash)
{
    *stream = (struct json_stream){.file = file, .hash = hash};
}

static void put(struct json_stream *stream, const char *bytes, size_t len)
{
    if (stream->hash)
        mu_sha256_update(stream->hash, bytes, len);
    stream->size_bytes += len;
    if (fwrite(bytes, 1, len, stream->file) != len)
        stream->failed = true;
}

static void put_char(struct json_stream *stream, char c)
{
    put(stream, &c, 1);
}

static void put_quoted(struct json_stream *stream, const char *text)
{
    bool utf8 = mu_utf8_valid(text, strlen(text));

    put_char(stream, '"');
    while (*text) {
        size_t plain = 0;
        char escape[8];

        while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\' &&
               (utf8 || (unsigned char)text[plain] < 0x80))
            plain++;
        put(stream, text, plain);
        text += plain;
        if (!*text)
            break;
        if (*text == '"' || *text == '\\')
            (void)snprintf(escape, sizeof(escape), "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            (void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)*text);
        else
            (void)snprintf(escape, sizeof(escape), "?");
        put(stream, escape, strlen(escape));
        text++;
    }
    put_char(stream, '"');
}

/* What stands before a value. */
static void begin(struct json_stream *stream, const char *name)
{
    if (stream->comma)
        put(stream, ",\n", stream->compact ? 1 : 2);
    stream->comma = true;
    if (name) {
        put_quoted(stream, name);
        put_char(stream, ':');
    }
}

void json_open(struct json_stream *stream, const char *name, char bracket)
{
    begin(stream, name);
    put_char(stream, bracket);
    stream->comma = false;
}

void json_close(struct json_stream *stream, char bracket)
{
    put_char(stream, bracket);
    stream->comma = true;
}

void json_text(struct json_stream *stream, const char *name, const char *text)
{
    begin(stream, name);
    if (text)
        put_quoted(stream, text);
    else
        put(stream, "null", 4);
}

void json_int(struct json_stream *stream, const char *name, int64_t number)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%lld", (long long)number);
    begin(stream, name);
    put(stream, text, strlen(text));
}

void json_bool(struct json_stream *stream, const char *name, bool value)
{
    begin(stream, name);
    put(stream, value ? "true" : "false", value ? 4 : 5);
}

void json_time(struct json_stream *stream, const char *name, int64_t at_us)
{
    char text[MU_TIME_TEXT_SIZE];

    if (at_us != MU_TIME_NONE)
        mu_time_format(at_us, text);
    json_text(stream, name, at_us != MU_TIME_NONE ? text : NULL);
}

void json_tenths(struct json_stream *stream, const char *name, int tenths)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%d.%d", tenths / 10, tenths % 10);
    begin(stream, name);
    put(stream, text, strlen(text));
}

void json_millionths(struct json_stream *stream, const char *name, uint32_t millionths)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%u.%06u", millionths / 1000000, millionths % 1000000);
    begin(stream, name);
    put(stream, text, strlen(text));
}

enum mu_status json_stream_finish(struct json_stream *stream, struct mu_error *err)
{
    put_char(stream, '\n');
    if (fflush(stream->file) != 0 || stream->failed)
        return mu_fail(err, MU_E_UNAVAILABLE, "cannot write: %s", strerror(errno));
    return MU_OK;
}

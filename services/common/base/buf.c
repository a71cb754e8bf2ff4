#include "base/buf.h"

#include "base/scratch.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an empty buffer's `data` points at; never written. */
static char empty_text[1];

enum { BUF_FIRST_BYTES = 1024 };

void mu_buf_init(struct mu_buf *buf, size_t max_bytes)
{
    *buf = (struct mu_buf){.data = empty_text, .max_bytes = max_bytes};
}

void mu_buf_init_scratch(struct mu_buf *buf, size_t max_bytes)
{
    mu_buf_init(buf, max_bytes);
    buf->scratch = true;
}

void mu_buf_done(struct mu_buf *buf)
{
    bool scratch = buf->scratch;

    if (buf->capacity > 0 && scratch)
        mu_scratch_free(buf->data);
    else if (buf->capacity > 0)
        free(buf->data);
    mu_buf_init(buf, buf->max_bytes);
    buf->scratch = scratch;
}

void mu_buf_reset(struct mu_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->capacity > 0)
        buf->data[0] = '\0';
}

void mu_buf_cut(struct mu_buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    buf->len = len;
    buf->data[len] = '\0';
}

/* Makes room for `more` bytes and the NUL. */
static bool reserve(struct mu_buf *buf, size_t more)
{
    size_t capacity = buf->capacity ? buf->capacity : BUF_FIRST_BYTES;
    char *data;

    if (buf->failed || buf->max_bytes == SIZE_MAX || more > buf->max_bytes - buf->len) {
        buf->failed = true;
        return false;
    }
    if (buf->len + more < buf->capacity)
        return true;
    if (capacity > buf->max_bytes)
        capacity = buf->max_bytes + 1;
    while (capacity <= buf->len + more)
        capacity = capacity > buf->max_bytes / 2 ? buf->max_bytes + 1 : 2 * capacity;
    data = buf->capacity ? buf->data : NULL;
    data = buf->scratch ? mu_scratch_realloc(data, buf->len + 1, capacity)
                        : realloc(data, capacity);
    if (!data) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

char *mu_buf_room(struct mu_buf *buf, size_t more)
{
    return reserve(buf, more) ? buf->data + buf->len : NULL;
}

void mu_buf_took(struct mu_buf *buf, size_t len)
{
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void mu_buf_append(struct mu_buf *buf, const void *bytes, size_t len)
{
    if (!reserve(buf, len))
        return;
    if (len > 0)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void mu_buf_puts(struct mu_buf *buf, const char *text)
{
    mu_buf_append(buf, text, strlen(text));
}

void mu_buf_printf(struct mu_buf *buf, const char *fmt, ...)
{
    va_list arguments;
    int len;

    va_start(arguments, fmt);
    len = vsnprintf(NULL, 0, fmt, arguments);
    va_end(arguments);
    if (len < 0) {
        buf->failed = true;
        return;
    }
    if (!reserve(buf, (size_t)len))
        return;
    va_start(arguments, fmt);
    (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, arguments);
    va_end(arguments);
    buf->len += (size_t)len;
}

enum mu_status mu_buf_status(const struct mu_buf *buf, const char *what, struct mu_error *err)
{
    if (buf->failed)
        return mu_fail(err, MU_E_LIMIT, "%s: more than %zu bytes", what, buf->max_bytes);
    return MU_OK;
}

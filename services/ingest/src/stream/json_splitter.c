#include "stream/json_splitter.h"

#include <string.h>

enum { RECORD_SEPARATOR = 0x1e };

void json_splitter_init(struct json_splitter *splitter, size_t max_document_bytes,
                        json_splitter_fn *each, void *opaque)
{
    *splitter = (struct json_splitter){.each = each, .opaque = opaque};
    mu_buf_init(&splitter->partial, max_document_bytes);
}

void json_splitter_done(struct json_splitter *splitter)
{
    mu_buf_done(&splitter->partial);
}

/* Whether the document ends behind `c`. */
static bool step(struct json_splitter *splitter, char c)
{
    if (splitter->in_text) {
        if (splitter->escaped)
            splitter->escaped = false;
        else if (c == '\\')
            splitter->escaped = true;
        else if (c == '"')
            splitter->in_text = false;
        return false;
    }
    switch (c) {
    case '"':
        splitter->in_text = splitter->depth > 0; /* outside, a quote is as good as any byte */
        return false;
    case '{':
    case '[':
        splitter->depth++;
        return false;
    case '}':
    case ']':
        if (splitter->depth > 0)
            splitter->depth--;
        return splitter->depth == 0;
    default:
        return false;
    }
}

static enum mu_status hand_over(struct json_splitter *splitter, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    if (splitter->partial.len > 0)
        st = splitter->each(splitter->opaque, splitter->partial.data, splitter->partial.len, err);
    mu_buf_reset(&splitter->partial);
    splitter->depth = 0;
    splitter->in_text = splitter->escaped = false;
    return st;
}

/* Whether `c`, behind `begun` bytes of what is not yet whole, belongs to no document. */
static bool is_between(const struct json_splitter *splitter, size_t begun, char c)
{
    if (c == RECORD_SEPARATOR)
        return true;
    return splitter->depth == 0 &&
           (c == '\n' || c == '\r' || (begun == 0 && (c == ' ' || c == '\t')));
}

/* Takes bytes of one document; `ret_taken` counts them, `ret_ends` says that it is whole. */
static void take(struct json_splitter *splitter, const char *at, size_t len, size_t *ret_taken,
                 bool *ret_ends)
{
    size_t taken = 0;

    *ret_ends = false;
    while (taken < len && !*ret_ends &&
           !is_between(splitter, splitter->partial.len + taken, at[taken]))
        *ret_ends = step(splitter, at[taken++]);
    mu_buf_append(&splitter->partial, at, taken);
    *ret_taken = taken;
}

enum mu_status json_splitter_feed(struct json_splitter *splitter, const void *bytes, size_t len,
                                  struct mu_error *err)
{
    const char *at = bytes, *end = at + len;

    while (at < end) {
        size_t taken;
        bool ends;
        enum mu_status st;

        take(splitter, at, (size_t)(end - at), &taken, &ends);
        at += taken;
        st = mu_buf_status(&splitter->partial, "a document of the stream", err);
        if (st != MU_OK)
            return st;
        if (ends || at < end)
            st = hand_over(splitter, err);
        at += !ends && at < end; /* what stands between */
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

#include "watch/line_splitter.h"

#include <string.h>

void line_splitter_init(struct line_splitter *splitter, size_t max_line_bytes, line_fn *each,
                        void *opaque)
{
    mu_buf_init(&splitter->partial, max_line_bytes);
    splitter->each = each;
    splitter->opaque = opaque;
}

void line_splitter_done(struct line_splitter *splitter)
{
    mu_buf_done(&splitter->partial);
}

enum mu_status line_splitter_feed(struct line_splitter *splitter, const void *bytes, size_t len,
                                  struct mu_error *err)
{
    const char *at = bytes, *end = at + len;

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        enum mu_status st;

        mu_buf_append(&splitter->partial, at, (size_t)(stop - at));
        st = mu_buf_status(&splitter->partial, "a line of the watch", err);
        if (st != MU_OK)
            return st;
        if (!newline)
            break;
        if (splitter->partial.len > 0)
            st = splitter->each(splitter->opaque, splitter->partial.data, splitter->partial.len,
                                err);
        mu_buf_reset(&splitter->partial);
        if (st != MU_OK)
            return st;
        at = newline + 1;
    }
    return MU_OK;
}

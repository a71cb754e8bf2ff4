#include "watch/line_splitter.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum mu_status count_line(void *opaque, const char *line, size_t len, struct mu_error *err)
{
    size_t *bytes = opaque;

    (void)err;
    if (len == 0 || len > LINE_MAX_BYTES || line[len] != '\0' || memchr(line, '\n', len))
        abort();
    *bytes = *bytes * 31 + len;
    return MU_OK;
}

/* The lines of `data` fed in pieces of `step`, as one number. */
static size_t lines_of(const uint8_t *data, size_t size, size_t step, enum mu_status *ret_status)
{
    MU_AUTO_DONE(line_splitter_done) struct line_splitter splitter;
    struct mu_error err;
    size_t bytes = 0;

    *ret_status = MU_OK;
    line_splitter_init(&splitter, LINE_MAX_BYTES, count_line, &bytes);
    for (size_t at = 0; *ret_status == MU_OK && at < size; at += step)
        *ret_status =
                line_splitter_feed(&splitter, data + at, size - at < step ? size - at : step, &err);
    return bytes;
}

/* However the bytes come, the lines are the same. The first byte says how. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum mu_status whole, pieces;
    size_t lines;

    if (size == 0)
        return 0;
    lines = lines_of(data + 1, size - 1, size, &whole);
    if (lines_of(data + 1, size - 1, (size_t)data[0] + 1, &pieces) != lines || whole != pieces)
        abort();
    return 0;
}

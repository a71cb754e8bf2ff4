/* What comes out is the same whatever the pieces are in which it comes; the first byte is their
 * length. */
#include "stream/json_splitter.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DOCUMENT_MAX_BYTES = 4096, OUT_MAX_BYTES = 1 << 22 };

static enum mu_status collect(void *opaque, const char *document, size_t len, struct mu_error *err)
{
    (void)err;
    if (document[len] != '\0')
        abort();
    mu_buf_append(opaque, document, len);
    mu_buf_append(opaque, "", 1);
    return MU_OK;
}

static enum mu_status split(const uint8_t *data, size_t size, size_t step, struct mu_buf *out)
{
    MU_AUTO_DONE(json_splitter_done) struct json_splitter splitter;
    enum mu_status st = MU_OK;
    struct mu_error err;

    json_splitter_init(&splitter, DOCUMENT_MAX_BYTES, collect, out);
    for (size_t at = 0; st == MU_OK && at < size; at += step)
        st = json_splitter_feed(&splitter, data + at, size - at < step ? size - at : step, &err);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf whole;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pieces;

    mu_buf_init(&whole, OUT_MAX_BYTES);
    mu_buf_init(&pieces, OUT_MAX_BYTES);
    if (size == 0)
        return 0;
    if (split(data + 1, size - 1, size, &whole) !=
                split(data + 1, size - 1, (size_t)data[0] + 1, &pieces) ||
        whole.len != pieces.len || memcmp(whole.data, pieces.data, whole.len) != 0)
        abort();
    return 0;
}

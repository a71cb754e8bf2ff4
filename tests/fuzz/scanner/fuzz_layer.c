/* Any bytes as a layer: packed or not, whole or in pieces, the same comes out within the limits. */
#include "layer/layer_stream.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct layer_limits limits = {.max_unpacked_bytes = 4 << 20, .max_entries = 100};

static enum mu_status on_entry(void *opaque, const struct tar_entry *entry, enum tar_want *ret_want,
                               struct mu_error *err)
{
    (void)opaque;
    (void)entry;
    (void)err;
    *ret_want = TAR_SKIP;
    return MU_OK;
}

static enum mu_status read_layer(const uint8_t *bytes, size_t len, size_t piece,
                                 struct layer_result *ret_result)
{
    const struct tar_sink sink = {.on_entry = on_entry};
    MU_AUTO(layer_stream) struct layer_stream *stream = NULL;
    struct mu_error err;

    if (layer_stream_new(&limits, &sink, &stream, &err) != MU_OK)
        abort();
    for (size_t at = 0; at < len; at += piece)
        if (layer_stream_write(stream, bytes + at, len - at < piece ? len - at : piece, &err) !=
            MU_OK)
            return err.status;
    return layer_stream_finish(stream, ret_result, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct layer_result whole = {.entries = 0}, pieces = {.entries = 0};
    enum mu_status st = read_layer(bytes, len, len > 0 ? len : 1, &whole);

    if ((st == MU_OK) != (read_layer(bytes, len, 13, &pieces) == MU_OK))
        abort();
    if (st != MU_OK)
        return 0;
    if (whole.unpacked_bytes > limits.max_unpacked_bytes || whole.entries > limits.max_entries ||
        whole.entries != pieces.entries || whole.unpacked_bytes != pieces.unpacked_bytes ||
        strcmp(whole.diff_id, pieces.diff_id) != 0)
        abort();
    return 0;
}

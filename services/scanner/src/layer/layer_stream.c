#include "layer/layer_stream.h"

#include "base/memory.h"
#include "layer/layer_split.h"

#include <stdlib.h>

struct layer_stream {
    struct layer_limits limits;
    struct layer_inflate *inflate;
    struct tar_walk *walk;
    struct mu_sha256 *diff_id;
    struct layer_split *split; /* NULL: all on the caller's thread */
    uint64_t packed_bytes, unpacked_bytes;
};

static enum mu_status unpacked_check(const struct layer_stream *stream, struct mu_error *err)
{
    if (stream->unpacked_bytes > stream->limits.max_unpacked_bytes)
        return mu_fail(err, MU_E_LIMIT, "unpacks to more than %llu bytes",
                       (unsigned long long)stream->limits.max_unpacked_bytes);
    if (stream->unpacked_bytes > LAYER_RATIO_FREE_BYTES &&
        stream->unpacked_bytes / LAYER_RATIO_MAX > stream->packed_bytes)
        return mu_fail(err, MU_E_LIMIT, "%llu bytes unpack to more than %d times as many",
                       (unsigned long long)stream->packed_bytes, LAYER_RATIO_MAX);
    return MU_OK;
}

static enum mu_status stream_consume(void *opaque, const void *bytes, size_t len,
                                     struct mu_error *err)
{
    struct layer_stream *stream = opaque;

    mu_sha256_update(stream->diff_id, bytes, len);
    return tar_walk_write(stream->walk, bytes, len, err);
}

static enum mu_status stream_unpacked(void *opaque, const void *bytes, size_t len,
                                      struct mu_error *err)
{
    struct layer_stream *stream = opaque;

    stream->unpacked_bytes += len;
    if (unpacked_check(stream, err) != MU_OK)
        return err->status;
    return stream->split ? layer_split_write(stream->split, bytes, len, err)
                         : stream_consume(stream, bytes, len, err);
}

enum mu_status layer_stream_split(struct layer_stream *stream, struct mu_error *err)
{
    return layer_split_new(stream_consume, stream, &stream->split, err);
}

enum mu_status layer_stream_new(const struct layer_limits *limits, const struct tar_sink *sink,
                                struct layer_stream **ret_stream, struct mu_error *err)
{
    MU_AUTO(layer_stream) struct layer_stream *stream = mu_xcalloc(1, sizeof(*stream));

    stream->limits = *limits;
    stream->walk = tar_walk_new(sink, limits->max_entries);
    stream->diff_id = mu_sha256_new();
    if (layer_inflate_new(stream_unpacked, stream, &stream->inflate, err) != MU_OK)
        return err->status;
    *ret_stream = stream;
    stream = NULL;
    return MU_OK;
}

void layer_stream_free(struct layer_stream *stream)
{
    if (!stream)
        return;
    layer_split_free(stream->split); /* first: its thread uses the rest */
    layer_inflate_free(stream->inflate);
    tar_walk_free(stream->walk);
    mu_sha256_free(stream->diff_id);
    free(stream);
}

/* A failure found further down the line came earlier in the layer: it is the one that counts. */
static enum mu_status stream_failed(struct layer_stream *stream, struct mu_error *err)
{
    struct mu_error earlier;

    if (stream->split && layer_split_finish(stream->split, &earlier) != MU_OK)
        *err = earlier;
    return err->status;
}

enum mu_status layer_stream_write(struct layer_stream *stream, const void *bytes, size_t len,
                                  struct mu_error *err)
{
    stream->packed_bytes += len;
    if (layer_inflate_write(stream->inflate, bytes, len, err) != MU_OK)
        return stream_failed(stream, err);
    return MU_OK;
}

enum mu_status layer_stream_finish(struct layer_stream *stream, struct layer_result *ret_result,
                                   struct mu_error *err)
{
    if (layer_inflate_finish(stream->inflate, err) != MU_OK)
        return stream_failed(stream, err);
    if (stream->split && layer_split_finish(stream->split, err) != MU_OK)
        return err->status;
    if (tar_walk_finish(stream->walk, err) != MU_OK)
        return err->status;
    mu_sha256_final_text(stream->diff_id, ret_result->diff_id);
    ret_result->packed_bytes = stream->packed_bytes;
    ret_result->unpacked_bytes = stream->unpacked_bytes;
    ret_result->entries = tar_walk_entries(stream->walk);
    ret_result->coding = layer_inflate_coding(stream->inflate);
    return MU_OK;
}

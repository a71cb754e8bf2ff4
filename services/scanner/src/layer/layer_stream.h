/*
 * layer_stream: one layer blob, from packed bytes pushed in to tar entries handed out, with
 * the digest of the unpacked tar and all limits. Nothing is written to disk.
 *
 * The digest of the packed bytes is the caller's matter: whoever fetches the blob checks it.
 *
 * Threads: one thread at a time per stream; separate streams are independent.
 * Trust:   input is hostile. What the sink got counts only after layer_stream_finish said MU_OK
 *          and the digests were right. After any error only layer_stream_free.
 */
#ifndef SCANNER_LAYER_LAYER_STREAM_H
#define SCANNER_LAYER_LAYER_STREAM_H

#include "base/sha256.h"
#include "layer/layer_inflate.h"
#include "layer/tar_walk.h"

struct layer_limits {
    uint64_t max_unpacked_bytes;
    uint64_t max_entries;
};

/*
 * Unpacked bytes may be at most this many times the packed ones once they exceed
 * LAYER_RATIO_FREE_BYTES. Deflate cannot exceed 1032 (zlib technical notes), zstd can.
 */
enum { LAYER_RATIO_MAX = 1100, LAYER_RATIO_FREE_BYTES = 64 * 1024 * 1024 };

struct layer_result {
    char diff_id[MU_DIGEST_TEXT_SIZE]; /* "sha256:<hex>" of the unpacked tar */
    uint64_t packed_bytes, unpacked_bytes, entries;
    enum layer_coding coding;
};

struct layer_stream;

/* `limits` and `sink` are copied. Errors: MU_E_NOMEM. */
enum mu_status layer_stream_new(const struct layer_limits *limits, const struct tar_sink *sink,
                                struct layer_stream **ret_stream,
                                struct mu_error *err) MU_MUST_CHECK;
void layer_stream_free(struct layer_stream *stream); /* NULL is fine */

/*
 * From now on hashing and the walk, with the sink's callbacks, happen on a thread of their own, so
 * that they overlap with decompression. What went wrong there is told by a later write or by
 * finish. Before the first write. Errors: MU_E_UNAVAILABLE (no thread).
 */
enum mu_status layer_stream_split(struct layer_stream *stream, struct mu_error *err) MU_MUST_CHECK;

/* Errors: MU_E_INVALID (damaged or of a kind not read), MU_E_LIMIT, MU_E_NOMEM, or the sink's. */
enum mu_status layer_stream_write(struct layer_stream *stream, const void *bytes, size_t len,
                                  struct mu_error *err) MU_MUST_CHECK;

/* No more bytes come. Errors: MU_E_INVALID when the layer is cut off; as layer_stream_write. */
enum mu_status layer_stream_finish(struct layer_stream *stream, struct layer_result *ret_result,
                                   struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(layer_stream, struct layer_stream, layer_stream_free)

#endif

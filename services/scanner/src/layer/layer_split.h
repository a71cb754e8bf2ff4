/*
 * layer_split: bytes written on one thread are consumed, in order, on another.
 *
 * A few buffers go round between both; the writer waits when all are full. After a failure of the
 * consumer nothing more is consumed.
 *
 * Threads: write and finish on one thread; `on_bytes` runs on the split's own.
 */
#ifndef SCANNER_LAYER_LAYER_SPLIT_H
#define SCANNER_LAYER_LAYER_SPLIT_H

#include "layer/layer_inflate.h"

struct layer_split;

/* Errors: MU_E_UNAVAILABLE (no thread), MU_E_NOMEM. */
enum mu_status layer_split_new(layer_bytes_fn *on_bytes, void *opaque,
                               struct layer_split **ret_split, struct mu_error *err) MU_MUST_CHECK;
void layer_split_free(struct layer_split *split); /* ends the thread; NULL is fine */

/* Errors: the consumer's, as soon as it is known. */
enum mu_status layer_split_write(struct layer_split *split, const void *bytes, size_t len,
                                 struct mu_error *err) MU_MUST_CHECK;
/* All that was written is consumed; the thread ends. Again: the same answer. Errors: the
 * consumer's. */
enum mu_status layer_split_finish(struct layer_split *split, struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(layer_split, struct layer_split, layer_split_free)

#endif

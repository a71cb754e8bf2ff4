/*
 * layer_inflate: a layer's packed bytes in, its tar bytes out.
 *
 * The coding is recognised from the first bytes; media types are not believed. Gzip (RFC 1952)
 * may have several members, each with its CRC checked; zstd (RFC 8878) several frames and
 * skippable ones, with windows up to 128 MiB. What has no known magic number passes as it is.
 *
 * Memory: one output buffer, the decoder's window, nothing that grows with the layer.
 * Threads: one thread at a time per object; separate objects are independent.
 * Trust:   input is hostile. After any error only layer_inflate_free.
 */
#ifndef SCANNER_LAYER_LAYER_INFLATE_H
#define SCANNER_LAYER_LAYER_INFLATE_H

#include "base/error.h"
#include "base/scope.h"

#include <stddef.h>
#include <stdint.h>

enum layer_coding {
    LAYER_CODING_UNKNOWN, /* too few bytes yet */
    LAYER_CODING_PLAIN,
    LAYER_CODING_GZIP,
    LAYER_CODING_ZSTD,
    LAYER_CODING_XZ,   /* known, not read */
    LAYER_CODING_BZIP2 /* the same */
};

enum { LAYER_MAGIC_BYTES = 6 }; /* enough to tell the coding */

/* Unpacked bytes. A failure ends the work and is what layer_inflate_write returns. */
typedef enum mu_status layer_bytes_fn(void *opaque, const void *bytes, size_t len,
                                      struct mu_error *err);

struct layer_inflate;

/* Errors: MU_E_NOMEM. */
enum mu_status layer_inflate_new(layer_bytes_fn *on_bytes, void *opaque,
                                 struct layer_inflate **ret_inflate,
                                 struct mu_error *err) MU_MUST_CHECK;
void layer_inflate_free(struct layer_inflate *inflate); /* NULL is fine */

/*
 * Errors: MU_E_INVALID (damaged, wrong CRC, bytes behind the last member; a coding we know and do
 * not read), MU_E_LIMIT (zstd window), MU_E_NOMEM, or what on_bytes returned.
 */
enum mu_status layer_inflate_write(struct layer_inflate *inflate, const void *bytes, size_t len,
                                   struct mu_error *err) MU_MUST_CHECK;

/* No more bytes come. Errors: MU_E_INVALID when the data is cut off; as layer_inflate_write. */
enum mu_status layer_inflate_finish(struct layer_inflate *inflate,
                                    struct mu_error *err) MU_MUST_CHECK;

enum layer_coding layer_inflate_coding(const struct layer_inflate *inflate);

MU_DEFINE_AUTO(layer_inflate, struct layer_inflate, layer_inflate_free)

#endif

/*
 * tar_sparse: files stored without their holes, put together again. Internal to tar_walk.
 *
 * Forms: old GNU (type 'S', the map in the header and blocks behind it), PAX 0.0 and 0.1 (the map
 * in the PAX header), PAX 1.0 (the map before the data). Which form a header has, what is refused
 * and that an unknown version is a file like any other is as in Go's archive/tar, which runtimes
 * unpack with.
 *
 * Memory: 16 bytes a part, TAR_SPARSE_PARTS_MAX of them. Holes come as pieces of one block of zeros
 * and are left out when the sink does not want them: a claimed size costs nothing.
 * Threads: one at a time per object. Trust: all numbers are hostile.
 * Source:  GNU tar manual, "Storing Sparse Files".
 */
#ifndef SCANNER_LAYER_TAR_SPARSE_H
#define SCANNER_LAYER_TAR_SPARSE_H

#include "layer/tar_walk.h"

enum { TAR_SPARSE_PARTS_MAX = 65536 };

enum tar_sparse_form {
    TAR_SPARSE_NONE,
    TAR_SPARSE_KNOWN,  /* the map is complete */
    TAR_SPARSE_IN_DATA /* it comes before the data: tar_sparse_text */
};

struct tar_sparse_part {
    uint64_t offset, len;
};

struct tar_sparse {
    uint64_t size_bytes; /* of the file with its holes */
    struct tar_sparse_part *parts;
    size_t count, capacity;
    uint64_t end, stored; /* of the last part; of all parts together */
    /* the map's text */
    uint64_t number, numbers_left, offset;
    bool has_digit, has_count, has_offset;
    /* the content so far */
    size_t at;
    uint64_t part_done, position;
};

void tar_sparse_done(struct tar_sparse *sparse);

/* All: errors MU_E_INVALID (a map that makes no sense), MU_E_LIMIT (parts), MU_E_NOMEM. */

/* A header's four parts and the file's size. */
enum mu_status tar_sparse_header(struct tar_sparse *sparse, const uint8_t block[TAR_BLOCK_BYTES],
                                 struct mu_error *err) MU_MUST_CHECK;
/* The 21 parts of a block behind it; `ret_more`: another block follows. */
enum mu_status tar_sparse_extension(struct tar_sparse *sparse, const uint8_t block[TAR_BLOCK_BYTES],
                                    bool *ret_more, struct mu_error *err) MU_MUST_CHECK;
/* What a PAX header's bytes say; `stored_bytes` is the entry's size, and the file's where no other
 * is given. */
enum mu_status tar_sparse_pax(struct tar_sparse *sparse, const char *bytes, size_t len,
                              uint64_t stored_bytes, enum tar_sparse_form *ret_form,
                              struct mu_error *err) MU_MUST_CHECK;
/* The next block of a map before the data; `ret_done`: it was the last. */
enum mu_status tar_sparse_text(struct tar_sparse *sparse, const uint8_t block[TAR_BLOCK_BYTES],
                               bool *ret_done, struct mu_error *err) MU_MUST_CHECK;

/* The map is complete, and so many bytes of data follow. */
enum mu_status tar_sparse_check(const struct tar_sparse *sparse, uint64_t data_bytes,
                                struct mu_error *err) MU_MUST_CHECK;

/* Data as it is stored; the sink gets it with the holes before it. Errors: the sink's. */
enum mu_status tar_sparse_write(struct tar_sparse *sparse, const struct tar_sink *sink,
                                const uint8_t *bytes, size_t len,
                                struct mu_error *err) MU_MUST_CHECK;
/* The hole at the end. */
enum mu_status tar_sparse_end(struct tar_sparse *sparse, const struct tar_sink *sink,
                              struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * tar_header: one 512-byte header block, and the records of a PAX header. Internal to tar_walk.
 * Trust: hostile bytes; nothing is believed before the checksum, and little after it.
 */
#ifndef SCANNER_LAYER_TAR_HEADER_H
#define SCANNER_LAYER_TAR_HEADER_H

#include "base/error.h"
#include "layer/tar_walk.h"

struct tar_header {
    char type;
    uint64_t size_bytes;
    char name[256 + 1]; /* prefix and name joined */
    char link[100 + 1];
    uint32_t mode, uid, gid; /* as in struct tar_entry */
    bool sparse_continues;   /* old GNU sparse: extension blocks follow */
};

/* Octal digits, or GNU's base-256. False: something else, or more than INT64_MAX. */
bool tar_number_of(const uint8_t *field, size_t len, uint64_t *ret_value);

/* Decimal digits alone, as PAX values have them. False: something else, or more than INT64_MAX. */
bool tar_decimal_of(const char *text, size_t len, uint64_t *ret_value);

bool tar_block_is_zero(const uint8_t block[TAR_BLOCK_BYTES]);

/* Errors: MU_E_INVALID (checksum, size). */
enum mu_status tar_header_parse(const uint8_t block[TAR_BLOCK_BYTES], struct tar_header *ret_header,
                                struct mu_error *err) MU_MUST_CHECK;

struct tar_pax_record {
    const char *key;
    size_t key_len;
    const char *value;
    size_t value_len;
};

/* Length of the first record "LEN KEY=VALUE\n"; 0: malformed. */
size_t tar_pax_next(const char *bytes, size_t len, struct tar_pax_record *ret_record);
bool tar_pax_key_is(const struct tar_pax_record *record, const char *key);

/* What a PAX header says of the next entry; texts borrowed from its bytes, NULL when absent. */
struct tar_pax {
    const char *path;
    size_t path_len;
    const char *link;
    size_t link_len;
    const char *sparse_name;
    size_t sparse_name_len;
    bool sparse; /* a record of a sparse file: tar_sparse.h */
    bool has_uid, has_gid, has_size;
    uint32_t uid, gid;
    uint64_t size_bytes;
};

/* Errors: MU_E_INVALID (malformed record, NUL in a name, a size that is no number). */
enum mu_status tar_pax_parse(const char *bytes, size_t len, struct tar_pax *ret_pax,
                             struct mu_error *err) MU_MUST_CHECK;

#endif

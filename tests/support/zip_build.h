/*
 * zip_build: ZIP archives for tests, in memory, with each lie a test needs: what is in the central
 * directory can be changed after it was written.
 */
#ifndef TESTS_SUPPORT_ZIP_BUILD_H
#define TESTS_SUPPORT_ZIP_BUILD_H

#include "base/buf.h"

#include <assert.h>
#include <isa-l.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum zip_build_method { ZIP_BUILD_STORED = 0, ZIP_BUILD_DEFLATED = 8 };

struct zip_build {
    struct mu_buf out, directory;
    size_t members;
    size_t last_local, last_central; /* of the last member: offsets in `out` and `directory` */
};

static inline void zip_build_init(struct zip_build *zip)
{
    memset(zip, 0, sizeof(*zip));
    mu_buf_init(&zip->out, 64 * 1024 * 1024);
    mu_buf_init(&zip->directory, 64 * 1024 * 1024);
}

static inline void zip_build_done(struct zip_build *zip)
{
    mu_buf_done(&zip->out);
    mu_buf_done(&zip->directory);
}

static inline void zip_put(struct mu_buf *out, uint64_t value, unsigned size)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    mu_buf_append(out, bytes, size);
}

/* Changes `size` bytes at `at` of what was written. */
static inline void zip_poke(struct mu_buf *out, size_t at, uint64_t value, unsigned size)
{
    assert(at + size <= out->len);
    for (unsigned i = 0; i < size; i++)
        out->data[at + i] = (char)(uint8_t)(value >> (8 * i));
}

static inline size_t zip_pack(const void *bytes, size_t len, uint8_t **ret_packed)
{
    struct isal_zstream stream;
    uint32_t room = (uint32_t)len + 1024;
    uint8_t *packed = malloc(room);
    uint8_t *input = malloc(len + 1);

    assert(packed && input);
    memcpy(input, bytes, len);
    isal_deflate_stateless_init(&stream);
    stream.next_in = input;
    stream.avail_in = (uint32_t)len;
    stream.next_out = packed;
    stream.avail_out = room;
    stream.end_of_stream = 1;
    assert(isal_deflate_stateless(&stream) == COMP_OK);
    free(input);
    *ret_packed = packed;
    return stream.total_out;
}

static inline void zip_build_add(struct zip_build *zip, const char *name, const void *bytes,
                                 size_t len, enum zip_build_method method)
{
    uint32_t crc = crc32_gzip_refl(0, bytes, len);
    uint8_t *packed = NULL;
    size_t packed_len = method == ZIP_BUILD_DEFLATED ? zip_pack(bytes, len, &packed) : len;

    zip->last_local = zip->out.len;
    zip->last_central = zip->directory.len;
    zip->members++;
    zip_put(&zip->out, 0x04034b50, 4);
    zip_put(&zip->directory, 0x02014b50, 4);
    zip_put(&zip->directory, 20, 2);
    for (int i = 0; i < 2; i++) {
        struct mu_buf *to = i == 0 ? &zip->out : &zip->directory;

        zip_put(to, 20, 2);
        zip_put(to, 0, 2);
        zip_put(to, method, 2);
        zip_put(to, 0, 4);
        zip_put(to, crc, 4);
        zip_put(to, packed_len, 4);
        zip_put(to, len, 4);
        zip_put(to, strlen(name), 2);
        zip_put(to, 0, 2);
    }
    zip_put(&zip->directory, 0, 2 + 2 + 2);
    zip_put(&zip->directory, 0, 4);
    zip_put(&zip->directory, zip->last_local, 4);
    mu_buf_puts(&zip->out, name);
    mu_buf_puts(&zip->directory, name);
    mu_buf_append(&zip->out, packed ? packed : bytes, packed_len);
    free(packed);
}

static inline void zip_build_finish(struct zip_build *zip)
{
    size_t at = zip->out.len;

    mu_buf_append(&zip->out, zip->directory.data, zip->directory.len);
    zip_put(&zip->out, 0x06054b50, 4);
    zip_put(&zip->out, 0, 4);
    zip_put(&zip->out, zip->members, 2);
    zip_put(&zip->out, zip->members, 2);
    zip_put(&zip->out, zip->directory.len, 4);
    zip_put(&zip->out, at, 4);
    zip_put(&zip->out, 0, 2);
}

#endif

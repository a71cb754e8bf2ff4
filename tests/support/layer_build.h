/*
 * layer_build: tar archives and their compressed forms, made in memory for tests.
 * Aborts (assert) on misuse: it is fed by tests alone.
 */
#ifndef TESTS_SUPPORT_LAYER_BUILD_H
#define TESTS_SUPPORT_LAYER_BUILD_H

#include "base/buf.h"

#include <assert.h>
#include <isa-l.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { LAYER_BUILD_MAX = 512 * 1024 * 1024 };

static inline void layer_build_checksum(uint8_t block[512])
{
    unsigned sum = 0;

    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += block[i];
    (void)snprintf((char *)block + 148, 8, "%06o", sum);
}

/* As a header's text field: cut at `size`, not ended when it is full. */
static inline void layer_build_text(uint8_t *field, size_t size, const char *text)
{
    size_t len = strlen(text);

    memcpy(field, text, len < size ? len : size);
}

/* A header with the raw name, no prefix; `size` in octal. */
static inline void layer_build_header(uint8_t block[512], const char *name, char type,
                                      const char *link, uint64_t size)
{
    char number[24];

    memset(block, 0, 512);
    layer_build_text(block, 100, name);
    memcpy(block + 100, "0000644", 8);
    memcpy(block + 108, "0000000", 8);
    memcpy(block + 116, "0000000", 8);
    (void)snprintf(number, sizeof(number), "%011llo", (unsigned long long)size);
    memcpy(block + 124, number, 12);
    memcpy(block + 136, "00000000000", 12);
    block[156] = (uint8_t)type;
    layer_build_text(block + 157, 100, link);
    memcpy(block + 257, "ustar", 6);
    memcpy(block + 263, "00", 2);
    layer_build_checksum(block);
}

static inline void layer_build_data(struct mu_buf *tar, const void *data, size_t len)
{
    static const char zeros[512];

    mu_buf_append(tar, data, len);
    mu_buf_append(tar, zeros, (512 - len % 512) % 512);
    assert(!tar->failed);
}

static inline void layer_build_entry(struct mu_buf *tar, const char *name, char type,
                                     const char *link, const void *data, size_t len)
{
    uint8_t block[512];

    layer_build_header(block, name, type, link, len);
    mu_buf_append(tar, block, sizeof(block));
    layer_build_data(tar, data, len);
}

static inline void layer_build_file(struct mu_buf *tar, const char *name, const char *text)
{
    layer_build_entry(tar, name, '0', "", text, strlen(text));
}

static inline void layer_build_symlink(struct mu_buf *tar, const char *name, const char *target)
{
    layer_build_entry(tar, name, '2', target, "", 0);
}

/* A PAX header of one record; the length counts itself. */
static inline void layer_build_pax(struct mu_buf *tar, const char *key, const char *value)
{
    size_t body = strlen(key) + strlen(value) + 3, total = body + 1;
    char *text = malloc(body + 32);
    int len;

    assert(text);
    while (snprintf(NULL, 0, "%zu", total) + body != total)
        total++;
    len = snprintf(text, body + 32, "%zu %s=%s\n", total, key, value);
    layer_build_entry(tar, "PaxHeaders/x", 'x', "", text, (size_t)len);
    free(text);
}

static inline void layer_build_end(struct mu_buf *tar)
{
    static const char zeros[1024];

    mu_buf_append(tar, zeros, sizeof(zeros));
    assert(!tar->failed);
}

/* One gzip member of the bytes, appended. */
static inline void layer_build_gzip(const void *bytes, size_t len, struct mu_buf *out)
{
    size_t capacity = len + len / 8 + 4096;
    uint8_t *packed = malloc(capacity), *work = malloc(ISAL_DEF_LVL1_DEFAULT);
    struct isal_zstream stream;

    assert(packed && work);
    isal_deflate_stateless_init(&stream);
    stream.gzip_flag = IGZIP_GZIP;
    stream.level = 1;
    stream.level_buf = work;
    stream.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    stream.end_of_stream = 1;
    stream.next_in = (uint8_t *)(uintptr_t)bytes;
    stream.avail_in = (uint32_t)len;
    stream.next_out = packed;
    stream.avail_out = (uint32_t)capacity;
    if (isal_deflate_stateless(&stream) != COMP_OK)
        abort();
    mu_buf_append(out, packed, stream.total_out);
    free(packed);
    free(work);
    assert(!out->failed);
}

/* One zstd frame of the bytes, appended. */
static inline void layer_build_zstd(const void *bytes, size_t len, struct mu_buf *out)
{
    size_t capacity = ZSTD_compressBound(len), used;
    uint8_t *packed = malloc(capacity);

    assert(packed);
    used = ZSTD_compress(packed, capacity, bytes, len, 3);
    if (ZSTD_isError(used))
        abort();
    mu_buf_append(out, packed, used);
    free(packed);
    assert(!out->failed);
}

#endif

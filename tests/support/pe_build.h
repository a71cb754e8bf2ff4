/*
 * pe_build: a small PE file with a CLR header and a version resource, in memory.
 */
#ifndef TESTS_SUPPORT_PE_BUILD_H
#define TESTS_SUPPORT_PE_BUILD_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { PE_BUILD_RVA = 0x2000, PE_BUILD_AT = 0x400, PE_BUILD_MAX = 64 * 1024 };

struct pe_text {
    const char *name, *value;
};

static inline void pe_put(struct mu_buf *out, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));

        mu_buf_append(out, &byte, 1);
    }
}

static inline void pe_pad(struct mu_buf *out, size_t to)
{
    while (out->len < to)
        pe_put(out, 0, 1);
}

static inline void pe_wide(struct mu_buf *out, const char *text)
{
    for (const char *at = text; at == text || at[-1] != '\0'; at++)
        pe_put(out, (uint8_t)*at, 2);
}

/* The head of a block whose length is put in by pe_block_end. */
static inline size_t pe_block(struct mu_buf *out, const char *name, unsigned value_len,
                              unsigned type)
{
    size_t begin;

    pe_pad(out, (out->len + 3) & ~(size_t)3);
    begin = out->len;
    pe_put(out, 0, 2);
    pe_put(out, value_len, 2);
    pe_put(out, type, 2);
    pe_wide(out, name);
    pe_pad(out, (out->len + 3) & ~(size_t)3);
    return begin;
}

static inline void pe_block_end(struct mu_buf *out, size_t begin)
{
    out->data[begin] = (char)(uint8_t)(out->len - begin);
    out->data[begin + 1] = (char)(uint8_t)((out->len - begin) >> 8);
}

static inline void pe_version_put(struct mu_buf *out, const struct pe_text *texts)
{
    size_t whole = pe_block(out, "VS_VERSION_INFO", 52, 0), info, table, text;

    pe_pad(out, out->len + 52);
    info = pe_block(out, "VarFileInfo", 0, 1);
    pe_block_end(out, info);
    info = pe_block(out, "StringFileInfo", 0, 1);
    table = pe_block(out, "000004b0", 0, 1);
    for (; texts->name; texts++) {
        text = pe_block(out, texts->name, (unsigned)strlen(texts->value) + 1, 1);
        pe_wide(out, texts->value);
        pe_block_end(out, text);
    }
    pe_block_end(out, table);
    pe_block_end(out, info);
    pe_block_end(out, whole);
}

/* A directory of resources with one row. */
static inline void pe_resource(struct mu_buf *out, uint64_t id, uint64_t leads_to)
{
    pe_pad(out, out->len + 14);
    pe_put(out, 1, 2);
    pe_put(out, id, 4);
    pe_put(out, leads_to, 4);
}

/* `out` is initialised here. */
static inline void pe_build(struct mu_buf *out, bool wide, bool clr, const struct pe_text *texts)
{
    enum { HEAD_AT = 0x80, ROWS = 16, DATA_AT = 72 + 16 };
    size_t optional = wide ? 112 : 96;

    mu_buf_init(out, PE_BUILD_MAX);
    mu_buf_append(out, "MZ", 2);
    pe_pad(out, 0x3c);
    pe_put(out, HEAD_AT, 4);
    pe_pad(out, HEAD_AT);
    mu_buf_append(out, "PE\0\0", 4);
    pe_put(out, wide ? 0x8664 : 0x14c, 2);
    pe_put(out, 1, 2); /* sections */
    pe_pad(out, out->len + 12);
    pe_put(out, optional + 8 * (size_t)ROWS, 2);
    pe_put(out, 0x2022, 2);
    pe_put(out, wide ? 0x20b : 0x10b, 2);
    pe_pad(out, HEAD_AT + 24 + (wide ? 24 : 28));
    pe_put(out, 0x400000, wide ? 8 : 4);
    pe_pad(out, HEAD_AT + 24 + (wide ? 108 : 92));
    pe_put(out, ROWS, 4);
    pe_pad(out, out->len + 16);
    pe_put(out, PE_BUILD_RVA, 4); /* resources */
    pe_put(out, 0x1000, 4);
    pe_pad(out, HEAD_AT + 24 + optional + 14 * 8);
    pe_put(out, clr ? PE_BUILD_RVA : 0, 4);
    pe_put(out, clr ? 72 : 0, 4);
    pe_pad(out, HEAD_AT + 24 + optional + 8 * (size_t)ROWS);
    mu_buf_append(out, ".rsrc\0\0\0", 8);
    pe_put(out, 0x1000, 4);
    pe_put(out, PE_BUILD_RVA, 4);
    pe_put(out, 0x1000, 4);
    pe_put(out, PE_BUILD_AT, 4);
    pe_pad(out, out->len + 12);
    pe_put(out, 0x40000040, 4);
    pe_pad(out, PE_BUILD_AT);
    pe_resource(out, 16, 24 | 1ULL << 31); /* RT_VERSION */
    pe_resource(out, 1, 48 | 1ULL << 31);
    pe_resource(out, 0, 72); /* language neutral */
    pe_put(out, PE_BUILD_RVA + DATA_AT, 4);
    pe_put(out, 0x800, 4);
    pe_put(out, 0, 8);
    pe_version_put(out, texts);
    pe_pad(out, PE_BUILD_AT + 0x1000);
}

#endif

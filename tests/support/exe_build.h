/*
 * exe_build: small executables for tests, in memory: ELF, PE and Mach-O with one section and one
 * loaded part at EXE_BUILD_ADDRESS, in both widths and byte orders; and a fat file around images.
 */
#ifndef TESTS_SUPPORT_EXE_BUILD_H
#define TESTS_SUPPORT_EXE_BUILD_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EXE_BUILD_ADDRESS 0x401000ULL

enum { EXE_BUILD_DATA_AT = 0x400, EXE_BUILD_MAX = 1024 * 1024 };

struct exe_build {
    struct mu_buf out;
    bool big_endian, wide;
};

static inline void exe_build_init(struct exe_build *exe, bool wide, bool big_endian)
{
    memset(exe, 0, sizeof(*exe));
    mu_buf_init(&exe->out, EXE_BUILD_MAX);
    exe->wide = wide;
    exe->big_endian = big_endian;
}

static inline void exe_build_done(struct exe_build *exe)
{
    mu_buf_done(&exe->out);
}

static inline void exe_put(struct exe_build *exe, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        unsigned shift = 8 * (exe->big_endian ? size - 1 - i : i);
        uint8_t byte = (uint8_t)(value >> shift);

        mu_buf_append(&exe->out, &byte, 1);
    }
}

static inline void exe_word(struct exe_build *exe, uint64_t value)
{
    exe_put(exe, value, exe->wide ? 8 : 4);
}

static inline void exe_text(struct exe_build *exe, const char *text, size_t size)
{
    char field[64] = {0};

    memcpy(field, text, strlen(text));
    mu_buf_append(&exe->out, field, size);
}

static inline void exe_pad(struct exe_build *exe, size_t to)
{
    while (exe->out.len < to)
        exe_put(exe, 0, 1);
}

/* A section header of an ELF file. */
static inline void elf_section(struct exe_build *exe, unsigned name, unsigned type, unsigned flags,
                               uint64_t address, uint64_t offset, uint64_t size)
{
    exe_put(exe, name, 4);
    exe_put(exe, type, 4);
    exe_word(exe, flags);
    exe_word(exe, address);
    exe_word(exe, offset);
    exe_word(exe, size);
    exe_put(exe, 0, 4);
    exe_put(exe, 0, 4);
    exe_word(exe, 1);
    exe_word(exe, 0);
}

/*
 * With the bytes in a section of that name, and in a writable segment; without a name there is no
 * table of sections.
 */
static inline void exe_build_elf(struct exe_build *exe, const char *name, const void *bytes,
                                 size_t len)
{
    unsigned header = exe->wide ? 64 : 52, segment = exe->wide ? 56 : 32;
    size_t names_at = EXE_BUILD_DATA_AT + len, table_at = names_at + 64;

    exe_put(exe, exe->big_endian ? 0x7f454c46 : 0x464c457f, 4);
    exe_put(exe, exe->wide ? 2 : 1, 1);
    exe_put(exe, exe->big_endian ? 2 : 1, 1);
    exe_put(exe, 1, 1);
    exe_pad(exe, 16);
    exe_put(exe, 2, 2);
    exe_put(exe, 0, 2);
    exe_put(exe, 1, 4);
    exe_word(exe, EXE_BUILD_ADDRESS);
    exe_word(exe, header);
    exe_word(exe, name ? table_at : 0);
    exe_put(exe, 0, 4);
    exe_put(exe, header, 2);
    exe_put(exe, segment, 2);
    exe_put(exe, 1, 2);
    exe_put(exe, exe->wide ? 64 : 40, 2);
    exe_put(exe, name ? 3 : 0, 2);
    exe_put(exe, name ? 2 : 0, 2);
    exe_put(exe, 1, 4); /* a loaded segment */
    if (exe->wide)
        exe_put(exe, 6, 4);
    exe_word(exe, EXE_BUILD_DATA_AT);
    exe_word(exe, EXE_BUILD_ADDRESS);
    exe_word(exe, EXE_BUILD_ADDRESS);
    exe_word(exe, len);
    exe_word(exe, len);
    if (!exe->wide)
        exe_put(exe, 6, 4);
    exe_word(exe, 4096);
    exe_pad(exe, EXE_BUILD_DATA_AT);
    mu_buf_append(&exe->out, bytes, len);
    exe_put(exe, 0, 1);
    exe_text(exe, name ? name : "", 63);
    if (!name)
        return;
    elf_section(exe, 0, 0, 0, 0, 0, 0);
    elf_section(exe, 1, 1, 3, EXE_BUILD_ADDRESS, EXE_BUILD_DATA_AT, len);
    elf_section(exe, 0, 3, 0, 0, names_at, 64);
}

/* With the bytes in a writable data section of that name. Little-endian. */
static inline void exe_build_pe(struct exe_build *exe, const char *name, const void *bytes,
                                size_t len)
{
    unsigned optional = exe->wide ? 112 : 96;

    exe_text(exe, "MZ", 0x3c);
    exe_put(exe, 0x80, 4);
    exe_pad(exe, 0x80);
    exe_put(exe, 0x4550, 4);
    exe_put(exe, 0x8664, 2);
    exe_put(exe, 1, 2);
    exe_put(exe, 0, 4);
    exe_put(exe, 0, 4);
    exe_put(exe, 0, 4);
    exe_put(exe, optional, 2);
    exe_put(exe, 0x22, 2);
    exe_put(exe, exe->wide ? 0x20b : 0x10b, 2);
    exe_pad(exe, 0x80 + 24 + (exe->wide ? 24 : 28));
    exe_word(exe, EXE_BUILD_ADDRESS - 0x1000);
    exe_pad(exe, 0x80 + 24 + optional);
    exe_text(exe, name, 8);
    exe_put(exe, len, 4);
    exe_put(exe, 0x1000, 4);
    exe_put(exe, len, 4);
    exe_put(exe, EXE_BUILD_DATA_AT, 4);
    exe_put(exe, 0, 4);
    exe_put(exe, 0, 4);
    exe_put(exe, 0, 4);
    exe_put(exe, 0xc0000040, 4);
    exe_pad(exe, EXE_BUILD_DATA_AT);
    mu_buf_append(&exe->out, bytes, len);
}

/* With the bytes in a section of that name of a writable segment. */
static inline void exe_build_macho(struct exe_build *exe, const char *name, const void *bytes,
                                   size_t len)
{
    exe_put(exe, exe->wide ? 0xfeedfacf : 0xfeedface, 4);
    exe_put(exe, 7, 4);
    exe_put(exe, 3, 4);
    exe_put(exe, 2, 4);
    exe_put(exe, 1, 4);
    exe_put(exe, exe->wide ? 152 : 124, 4);
    exe_put(exe, 0, 4);
    if (exe->wide)
        exe_put(exe, 0, 4);
    exe_put(exe, exe->wide ? 0x19 : 1, 4);
    exe_put(exe, exe->wide ? 152 : 124, 4);
    exe_text(exe, "__DATA", 16);
    exe_word(exe, EXE_BUILD_ADDRESS);
    exe_word(exe, len);
    exe_word(exe, EXE_BUILD_DATA_AT);
    exe_word(exe, len);
    exe_put(exe, 3, 4);
    exe_put(exe, 3, 4);
    exe_put(exe, 1, 4);
    exe_put(exe, 0, 4);
    exe_text(exe, name, 16);
    exe_text(exe, "__DATA", 16);
    exe_word(exe, EXE_BUILD_ADDRESS);
    exe_word(exe, len);
    exe_put(exe, EXE_BUILD_DATA_AT, 4);
    exe_put(exe, 4, 4);
    exe_pad(exe, EXE_BUILD_DATA_AT);
    mu_buf_append(&exe->out, bytes, len);
}

/* Two images in one file. */
static inline void exe_build_fat(struct exe_build *exe, const struct exe_build *first,
                                 const struct exe_build *second)
{
    const struct exe_build *const images[] = {first, second};
    size_t at = 64;

    exe->big_endian = true;
    exe_put(exe, 0xcafebabe, 4);
    exe_put(exe, 2, 4);
    for (int i = 0; i < 2; i++) {
        exe_put(exe, 7, 4);
        exe_put(exe, 3, 4);
        exe_put(exe, at, 4);
        exe_put(exe, images[i]->out.len, 4);
        exe_put(exe, 4, 4);
        at += images[i]->out.len;
    }
    exe_pad(exe, 64);
    for (int i = 0; i < 2; i++)
        mu_buf_append(&exe->out, images[i]->out.data, images[i]->out.len);
}

#endif

/*
 * exe_parts: how each executable format lists its parts, for exe_image alone.
 *
 * A walk calls `on_part` for each section, then for each loaded segment, until it returns true;
 * then the walk returns true. Only parts whose file range lies within the file are told.
 *
 * Threads, ownership, trust: as exe_image.
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_EXE_PARTS_H
#define SCANNER_PACKAGE_LANGUAGE_EXE_PARTS_H

#include "package/language/exe_image.h"

enum exe_part_kind {
    EXE_SECTION = 1 << 0,
    EXE_LOADED = 1 << 1, /* in memory at its address */
    EXE_DATA = 1 << 2    /* loaded, initialised, writable, not executable */
};

typedef bool exe_part_fn(void *opaque, unsigned kinds, struct lang_span name,
                         const struct exe_part *part);

bool exe_walk_elf(const struct exe_image *image, exe_part_fn *on_part, void *opaque);
bool exe_walk_pe(const struct exe_image *image, exe_part_fn *on_part, void *opaque);
bool exe_walk_macho(const struct exe_image *image, exe_part_fn *on_part, void *opaque);

/* Whether [at, at + len) lies in the file. */
static inline bool exe_inside(const struct exe_image *image, uint64_t at, uint64_t len)
{
    return at <= image->len && len <= image->len - at;
}

/* The name in a fixed field, up to its first NUL. */
static inline struct lang_span exe_fixed_name(const uint8_t *at, size_t len)
{
    struct lang_span name = lang_bytes(at, len);

    return lang_head(name, lang_find(name, '\0'));
}

/* Field `offset` of `size` bytes of a record at `at`, which the caller knows to be in the file. */
static inline uint64_t exe_field(const struct exe_image *image, uint64_t at, unsigned offset,
                                 unsigned size)
{
    return exe_number(image, image->bytes + at + offset, size);
}

#endif

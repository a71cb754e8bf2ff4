#include "package/language/exe_image.h"

#include "package/language/exe_parts.h"

#include <string.h>

enum {
    ELF_EXEC = 2,
    ELF_DYN = 3,
    ELF_HEAD = 18, /* up to its type */
    FAT_HEAD = 8,
    FAT_ROW = 20,
    FAT_ROW64 = 32,
    HEAD_BYTES = 32
};

uint64_t exe_number(const struct exe_image *image, const uint8_t *at, unsigned size)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < size; i++)
        number |= (uint64_t)at[image->big_endian ? size - 1 - i : i] << (8 * i);
    return number;
}

static uint32_t big32(const uint8_t *at)
{
    const struct exe_image big = {.big_endian = true};

    return (uint32_t)exe_number(&big, at, 4);
}

static bool elf_open(const uint8_t *head, size_t len, struct exe_image *image)
{
    uint64_t type;

    if (len < ELF_HEAD || memcmp(head, "\177ELF", 4) != 0)
        return false;
    image->format = EXE_ELF;
    image->wide = head[4] == 2;
    image->big_endian = head[5] == 2;
    type = exe_number(image, head + 16, 2);
    return (head[4] == 1 || head[4] == 2) && (head[5] == 1 || head[5] == 2) &&
           (type == ELF_EXEC || type == ELF_DYN);
}

static bool pe_open(const uint8_t *head, size_t len, struct exe_image *image)
{
    image->format = EXE_PE;
    return len >= 64 && head[0] == 'M' && head[1] == 'Z';
}

static bool macho_open(const uint8_t *head, size_t len, struct exe_image *image)
{
    static const struct {
        uint32_t magic;
        bool wide, big_endian;
    } kinds[] = {{0xfeedface, false, true},
                 {0xfeedfacf, true, true},
                 {0xcefaedfe, false, false},
                 {0xcffaedfe, true, false}};

    for (size_t i = 0; len >= HEAD_BYTES && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (big32(head) != kinds[i].magic)
            continue;
        image->format = EXE_MACHO;
        image->wide = kinds[i].wide;
        image->big_endian = kinds[i].big_endian;
        return true;
    }
    return false;
}

static bool thin_open(const uint8_t *bytes, size_t len, struct exe_image *ret_image)
{
    struct exe_image image = {.bytes = bytes, .len = len};

    if (!elf_open(bytes, len, &image) && !pe_open(bytes, len, &image) &&
        !macho_open(bytes, len, &image))
        return false;
    *ret_image = image;
    return true;
}

/* Java's classes have the same magic: their next number is a version of at least 45. */
static bool fat_known(const uint8_t *head, size_t len)
{
    return len >= FAT_HEAD && (big32(head) == 0xcafebabe || big32(head) == 0xcafebabf) &&
           big32(head + 4) > 0 && big32(head + 4) <= EXE_FAT_IMAGES_MAX;
}

bool exe_head_known(const uint8_t *head, size_t len)
{
    struct exe_image image;

    return thin_open(head, len, &image) || fat_known(head, len);
}

size_t exe_images(const uint8_t *bytes, size_t len, struct exe_image *ret_images, size_t max)
{
    const struct exe_image file = {.bytes = bytes, .len = len, .big_endian = true};
    bool wide;
    size_t found = 0, row;

    if (max > 0 && thin_open(bytes, len, &ret_images[0]))
        return 1;
    if (!fat_known(bytes, len))
        return 0;
    wide = bytes[3] == 0xbf;
    row = wide ? FAT_ROW64 : FAT_ROW;
    for (size_t i = 0, at = FAT_HEAD; i < big32(bytes + 4) && found < max; i++, at += row) {
        uint64_t from, size;

        if (!exe_inside(&file, at, row))
            break;
        from = exe_field(&file, at, 8, wide ? 8 : 4);
        size = exe_field(&file, at, wide ? 16 : 12, wide ? 8 : 4);
        if (exe_inside(&file, from, size) &&
            thin_open(bytes + from, (size_t)size, &ret_images[found]))
            found++;
    }
    return found;
}

static bool walk(const struct exe_image *image, exe_part_fn *on_part, void *opaque)
{
    static bool (*const walks[])(const struct exe_image *, exe_part_fn *, void *) = {
            [EXE_ELF] = exe_walk_elf, [EXE_PE] = exe_walk_pe, [EXE_MACHO] = exe_walk_macho};

    return walks[image->format](image, on_part, opaque);
}

/* What is looked for: a name, kinds, or an address with its length. */
struct wish {
    unsigned kinds;
    const char *name;
    uint64_t address, len;
    struct exe_part found;
};

static bool by_name(void *opaque, unsigned kinds, struct lang_span name,
                    const struct exe_part *part)
{
    struct wish *wish = opaque;

    wish->found = *part;
    return (kinds & EXE_SECTION) && lang_is(name, wish->name);
}

static bool by_kind(void *opaque, unsigned kinds, struct lang_span name,
                    const struct exe_part *part)
{
    struct wish *wish = opaque;

    (void)name;
    wish->found = *part;
    return (kinds & wish->kinds) != 0;
}

static bool by_address(void *opaque, unsigned kinds, struct lang_span name,
                       const struct exe_part *part)
{
    struct wish *wish = opaque;
    uint64_t offset = wish->address - part->address;

    (void)name;
    wish->found = *part;
    return (kinds & EXE_LOADED) && wish->address >= part->address && offset <= part->len &&
           wish->len <= part->len - offset;
}

bool exe_section(const struct exe_image *image, const char *name, struct exe_part *ret_part)
{
    struct wish wish = {.name = name};

    if (!walk(image, by_name, &wish))
        return false;
    *ret_part = wish.found;
    return true;
}

bool exe_has_sections(const struct exe_image *image)
{
    struct wish wish = {.kinds = EXE_SECTION};

    return walk(image, by_kind, &wish);
}

bool exe_data(const struct exe_image *image, struct exe_part *ret_part)
{
    struct wish wish = {.kinds = EXE_DATA};

    if (!walk(image, by_kind, &wish))
        return false;
    *ret_part = wish.found;
    return true;
}

const uint8_t *exe_at(const struct exe_image *image, uint64_t address, uint64_t len)
{
    struct wish wish = {.address = address, .len = len};

    if (!walk(image, by_address, &wish))
        return NULL;
    return wish.found.bytes + (address - wish.found.address);
}

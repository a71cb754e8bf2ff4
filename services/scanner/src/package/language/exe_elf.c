#include "package/language/exe_parts.h"

enum {
    TYPE_NOBITS = 8,
    FLAG_WRITE = 1,
    FLAG_ALLOC = 2,
    FLAG_EXEC = 4,
    SEGMENT_LOAD = 1,
    SEGMENT_EXEC = 1,
    SEGMENT_WRITE = 2,
    INDEX_EXTENDED = 0xffff
};

/* Offsets and sizes in the header and the two tables, for 32 and 64 bit. */
struct elf_shape {
    unsigned word; /* size of an address */
    unsigned header, sections_at, segments_at, segment_size, segment_count, section_size,
            section_count, names_index;
    struct {
        unsigned size, flags, address, offset, bytes, link;
    } section;
    struct {
        unsigned size, flags, offset, address, bytes;
    } segment;
};

static const struct elf_shape shapes[] = {
        {.word = 4,
         .header = 52,
         .segments_at = 28,
         .sections_at = 32,
         .segment_size = 42,
         .segment_count = 44,
         .section_size = 46,
         .section_count = 48,
         .names_index = 50,
         .section = {.size = 40, .flags = 8, .address = 12, .offset = 16, .bytes = 20, .link = 24},
         .segment = {.size = 32, .offset = 4, .address = 8, .bytes = 16, .flags = 24}},
        {.word = 8,
         .header = 64,
         .segments_at = 32,
         .sections_at = 40,
         .segment_size = 54,
         .segment_count = 56,
         .section_size = 58,
         .section_count = 60,
         .names_index = 62,
         .section = {.size = 64, .flags = 8, .address = 16, .offset = 24, .bytes = 32, .link = 40},
         .segment = {.size = 56, .offset = 8, .address = 16, .bytes = 32, .flags = 4}},
};

struct elf_table {
    uint64_t at, size, count;
};

static bool table_usable(const struct exe_image *image, struct elf_table *table, unsigned least)
{
    if (table->at == 0 || table->count == 0 || table->size < least || table->at > image->len)
        return false;
    if (table->count > EXE_TABLE_MAX)
        table->count = EXE_TABLE_MAX;
    if (table->count > (image->len - table->at) / table->size)
        table->count = (image->len - table->at) / table->size;
    return table->count > 0;
}

static struct elf_table section_table(const struct exe_image *image, const struct elf_shape *shape)
{
    struct elf_table table = {
            .at = exe_field(image, 0, shape->sections_at, shape->word),
            .size = exe_field(image, 0, shape->section_size, 2),
            .count = exe_field(image, 0, shape->section_count, 2),
    };

    /* A count that does not fit is in the first section's size. */
    if (table.count == 0 && table.at != 0 && exe_inside(image, table.at, shape->section.size))
        table.count = exe_field(image, table.at, shape->section.bytes, shape->word);
    if (!table_usable(image, &table, shape->section.size))
        table.count = 0;
    return table;
}

static bool section_part(const struct exe_image *image, const struct elf_shape *shape, uint64_t at,
                         struct exe_part *ret_part)
{
    uint64_t offset = exe_field(image, at, shape->section.offset, shape->word);
    uint64_t bytes = exe_field(image, at, shape->section.bytes, shape->word);

    if (exe_field(image, at, 4, 4) == TYPE_NOBITS || !exe_inside(image, offset, bytes))
        return false;
    *ret_part =
            (struct exe_part){.bytes = image->bytes + offset,
                              .len = (size_t)bytes,
                              .address = exe_field(image, at, shape->section.address, shape->word)};
    return true;
}

static bool section_names(const struct exe_image *image, const struct elf_shape *shape,
                          const struct elf_table *table, struct exe_part *ret_names)
{
    uint64_t index = exe_field(image, 0, shape->names_index, 2);

    if (index == INDEX_EXTENDED)
        index = exe_field(image, table->at, shape->section.link, 4);
    return index < table->count &&
           section_part(image, shape, table->at + index * table->size, ret_names);
}

static bool walk_sections(const struct exe_image *image, const struct elf_shape *shape,
                          exe_part_fn *on_part, void *opaque)
{
    struct elf_table table = section_table(image, shape);
    struct exe_part names, part;

    if (table.count == 0 || !section_names(image, shape, &table, &names))
        return false;
    for (uint64_t i = 0; i < table.count; i++) {
        uint64_t at = table.at + i * table.size;
        uint64_t flags = exe_field(image, at, shape->section.flags, shape->word);
        size_t name_at = (size_t)exe_field(image, at, 0, 4);
        struct lang_span name = lang_tail(lang_bytes(names.bytes, names.len), name_at);
        unsigned kinds = EXE_SECTION;

        name = lang_head(name, lang_find(name, '\0'));
        if (flags & FLAG_ALLOC)
            kinds |= EXE_LOADED;
        if (section_part(image, shape, at, &part) && on_part(opaque, kinds, name, &part))
            return true;
    }
    return false;
}

static bool walk_segments(const struct exe_image *image, const struct elf_shape *shape,
                          exe_part_fn *on_part, void *opaque)
{
    struct elf_table table = {
            .at = exe_field(image, 0, shape->segments_at, shape->word),
            .size = exe_field(image, 0, shape->segment_size, 2),
            .count = exe_field(image, 0, shape->segment_count, 2),
    };

    if (!table_usable(image, &table, shape->segment.size))
        return false;
    for (uint64_t i = 0; i < table.count; i++) {
        uint64_t at = table.at + i * table.size;
        uint64_t offset = exe_field(image, at, shape->segment.offset, shape->word);
        uint64_t bytes = exe_field(image, at, shape->segment.bytes, shape->word);
        uint64_t flags = exe_field(image, at, shape->segment.flags, 4);
        struct exe_part part;
        bool data = (flags & (SEGMENT_EXEC | SEGMENT_WRITE)) == SEGMENT_WRITE;

        if (exe_field(image, at, 0, 4) != SEGMENT_LOAD || !exe_inside(image, offset, bytes))
            continue;
        part = (struct exe_part){image->bytes + offset, (size_t)bytes,
                                 exe_field(image, at, shape->segment.address, shape->word)};
        if (on_part(opaque, EXE_LOADED | (data ? EXE_DATA : 0), (struct lang_span){0}, &part))
            return true;
    }
    return false;
}

bool exe_walk_elf(const struct exe_image *image, exe_part_fn *on_part, void *opaque)
{
    const struct elf_shape *shape = &shapes[image->wide];

    if (image->len < shape->header)
        return false;
    return walk_sections(image, shape, on_part, opaque) ||
           walk_segments(image, shape, on_part, opaque);
}

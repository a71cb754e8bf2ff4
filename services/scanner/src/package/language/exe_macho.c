#include "package/language/exe_parts.h"

enum {
    COMMAND_SEGMENT = 0x1,
    COMMAND_SEGMENT64 = 0x19,
    NAME_BYTES = 16,
    PROTECTION_READ = 1,
    PROTECTION_WRITE = 2,
    SECTION_TYPE_MASK = 0xff,
    SECTION_ZEROFILL = 1
};

/* Offsets and sizes for 32 and 64 bit. */
struct macho_shape {
    unsigned word, header, segment_size, address, offset, bytes, protection, section_count;
    struct {
        unsigned size, address, bytes, offset, flags;
    } section;
};

static const struct macho_shape shapes[] = {
        {.word = 4,
         .header = 28,
         .segment_size = 56,
         .address = 24,
         .offset = 32,
         .bytes = 36,
         .protection = 44,
         .section_count = 48,
         .section = {.size = 68, .address = 32, .bytes = 36, .offset = 40, .flags = 56}},
        {.word = 8,
         .header = 32,
         .segment_size = 72,
         .address = 24,
         .offset = 40,
         .bytes = 48,
         .protection = 60,
         .section_count = 64,
         .section = {.size = 80, .address = 32, .bytes = 40, .offset = 48, .flags = 64}},
};

static bool section_tell(const struct exe_image *image, const struct macho_shape *shape,
                         uint64_t at, exe_part_fn *on_part, void *opaque)
{
    uint64_t offset = exe_field(image, at, shape->section.offset, 4);
    uint64_t bytes = exe_field(image, at, shape->section.bytes, shape->word);
    uint64_t flags = exe_field(image, at, shape->section.flags, 4);
    struct exe_part part;

    if ((flags & SECTION_TYPE_MASK) == SECTION_ZEROFILL || !exe_inside(image, offset, bytes))
        return false;
    part = (struct exe_part){image->bytes + offset, (size_t)bytes,
                             exe_field(image, at, shape->section.address, shape->word)};
    return on_part(opaque, EXE_SECTION | EXE_LOADED, exe_fixed_name(image->bytes + at, NAME_BYTES),
                   &part);
}

static bool segment_tell(const struct exe_image *image, const struct macho_shape *shape,
                         uint64_t at, uint64_t size, exe_part_fn *on_part, void *opaque)
{
    uint64_t offset, bytes, protection, sections;
    struct exe_part part;
    bool data;

    if (size < shape->segment_size)
        return false;
    sections = exe_field(image, at, shape->section_count, 4);
    if (sections > (size - shape->segment_size) / shape->section.size)
        return false;
    for (uint64_t i = 0; i < sections && i < EXE_TABLE_MAX; i++) {
        if (section_tell(image, shape, at + shape->segment_size + i * shape->section.size, on_part,
                         opaque))
            return true;
    }
    offset = exe_field(image, at, shape->offset, shape->word);
    bytes = exe_field(image, at, shape->bytes, shape->word);
    protection = exe_field(image, at, shape->protection, 4);
    if (bytes == 0 || !exe_inside(image, offset, bytes))
        return false;
    part = (struct exe_part){image->bytes + offset, (size_t)bytes,
                             exe_field(image, at, shape->address, shape->word)};
    data = protection == (PROTECTION_READ | PROTECTION_WRITE);
    return on_part(opaque, EXE_LOADED | (data ? EXE_DATA : 0), (struct lang_span){0}, &part);
}

bool exe_walk_macho(const struct exe_image *image, exe_part_fn *on_part, void *opaque)
{
    const struct macho_shape *shape = &shapes[image->wide];
    uint64_t at = shape->header, commands;

    if (image->len < shape->header)
        return false;
    commands = exe_field(image, 0, 16, 4);
    for (uint64_t i = 0; i < commands && i < EXE_TABLE_MAX; i++) {
        uint64_t command, size;

        if (!exe_inside(image, at, 8))
            return false;
        command = exe_field(image, at, 0, 4);
        size = exe_field(image, at, 4, 4);
        if (size < 8 || !exe_inside(image, at, size))
            return false;
        if (command == (image->wide ? COMMAND_SEGMENT64 : COMMAND_SEGMENT) &&
            segment_tell(image, shape, at, size, on_part, opaque))
            return true;
        at += size;
    }
    return false;
}

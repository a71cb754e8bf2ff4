#include "package/language/exe_parts.h"

enum {
    PE_OFFSET_AT = 0x3c,
    COFF_SIZE = 24, /* with the signature */
    SECTION_SIZE = 40,
    NAME_BYTES = 8,
    FLAG_INITIALIZED = 0x40,
};

#define FLAG_EXECUTE 0x20000000U
#define FLAG_WRITE   0x80000000U

/* Address at which the file is made to be loaded; sections count from it. */
static bool image_base(const struct exe_image *image, uint64_t optional_at, uint64_t *ret_base)
{
    uint64_t magic;

    if (!exe_inside(image, optional_at, 32))
        return false;
    magic = exe_field(image, optional_at, 0, 2);
    if (magic != 0x10b && magic != 0x20b)
        return false;
    *ret_base = magic == 0x20b ? exe_field(image, optional_at, 24, 8)
                               : exe_field(image, optional_at, 28, 4);
    return true;
}

static bool section_tell(const struct exe_image *image, uint64_t at, uint64_t base,
                         exe_part_fn *on_part, void *opaque)
{
    uint64_t in_memory = exe_field(image, at, 8, 4), in_file = exe_field(image, at, 16, 4);
    uint64_t offset = exe_field(image, at, 20, 4), flags = exe_field(image, at, 36, 4);
    struct exe_part part;
    unsigned kinds = EXE_SECTION | EXE_LOADED;

    if (in_memory > 0 && in_memory < in_file)
        in_file = in_memory; /* the rest is padding */
    if (offset == 0 || !exe_inside(image, offset, in_file))
        return false;
    part = (struct exe_part){image->bytes + offset, (size_t)in_file,
                             base + exe_field(image, at, 12, 4)};
    if ((flags & (FLAG_INITIALIZED | FLAG_WRITE | FLAG_EXECUTE)) == (FLAG_INITIALIZED | FLAG_WRITE))
        kinds |= EXE_DATA;
    return on_part(opaque, kinds, exe_fixed_name(image->bytes + at, NAME_BYTES), &part);
}

bool exe_walk_pe(const struct exe_image *image, exe_part_fn *on_part, void *opaque)
{
    uint64_t at, base, count;

    if (!exe_inside(image, PE_OFFSET_AT, 4))
        return false;
    at = exe_field(image, PE_OFFSET_AT, 0, 4);
    if (!exe_inside(image, at, COFF_SIZE) || exe_field(image, at, 0, 4) != 0x4550 ||
        !image_base(image, at + COFF_SIZE, &base))
        return false;
    count = exe_field(image, at, 6, 2);
    at += COFF_SIZE + exe_field(image, at, 20, 2);
    for (uint64_t i = 0; i < count && i < EXE_TABLE_MAX; i++, at += SECTION_SIZE) {
        if (!exe_inside(image, at, SECTION_SIZE))
            return false;
        if (section_tell(image, at, base, on_part, opaque))
            return true;
    }
    return false;
}

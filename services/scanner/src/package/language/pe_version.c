#include "package/language/pe_version.h"

#include "package/language/exe_parts.h"

#include <string.h>

enum {
    PE_OFFSET_AT = 0x3c,
    COFF_SIZE = 24, /* with the signature */
    DIRECTORY_RESOURCES = 2,
    DIRECTORY_CLR = 14,
    RESOURCE_VERSION = 16,
    RESOURCE_HEAD = 16, /* of a directory; its rows follow */
    RESOURCE_ROW = 8,
    RESOURCE_DEEPER = 1U << 31,
    FIXED_BYTES = 52, /* VS_FIXEDFILEINFO */
    BLOCK_HEAD = 6,   /* length, length of the value, type */
    BLOCKS_MAX = 1024
};

struct row {
    uint64_t address, len;
    uint64_t base; /* what addresses in the file count from */
};

/* A row of the optional header's data directories, with an address to ask exe_at for. */
static bool directory_find(const struct exe_image *image, unsigned index, struct row *ret_row)
{
    uint64_t at, optional, rows;
    bool wide;

    if (image->format != EXE_PE || !exe_inside(image, PE_OFFSET_AT, 4))
        return false;
    at = exe_field(image, PE_OFFSET_AT, 0, 4);
    optional = at + COFF_SIZE;
    if (!exe_inside(image, at, COFF_SIZE) || exe_field(image, at, 0, 4) != 0x4550 ||
        !exe_inside(image, optional, 112))
        return false;
    wide = exe_field(image, optional, 0, 2) == 0x20b;
    ret_row->base = wide ? exe_field(image, optional, 24, 8) : exe_field(image, optional, 28, 4);
    rows = exe_field(image, optional, wide ? 108 : 92, 4);
    at = optional + (wide ? 112 : 96) + 8 * (uint64_t)index;
    if (index >= rows || !exe_inside(image, at, 8) || exe_field(image, at, 0, 4) == 0)
        return false;
    ret_row->address = ret_row->base + exe_field(image, at, 0, 4);
    ret_row->len = exe_field(image, at, 4, 4);
    return true;
}

/* ---- the resources ---- */

/* `id` 0: the first row. Offset of what the row leads to, with its flag; 0: there is none. */
static uint64_t resource_row(const struct exe_image *image, const struct row *resources,
                             uint64_t directory, uint64_t id)
{
    const uint8_t *head = exe_at(image, resources->address + directory, RESOURCE_HEAD), *row;
    uint64_t count;

    if (!head)
        return 0;
    count = exe_number(image, head + 12, 2) + exe_number(image, head + 14, 2);
    for (uint64_t i = 0; i < count && i < EXE_TABLE_MAX; i++) {
        row = exe_at(image, resources->address + directory + RESOURCE_HEAD + i * RESOURCE_ROW,
                     RESOURCE_ROW);
        if (!row)
            return 0;
        if (id == 0 || exe_number(image, row, 4) == id)
            return exe_number(image, row + 4, 4);
    }
    return 0;
}

/* The first version resource, in its first language. */
static bool version_find(const struct exe_image *image, struct lang_span *ret_block)
{
    struct row resources;
    uint64_t names, languages, data, len;
    const uint8_t *row, *bytes;

    if (!directory_find(image, DIRECTORY_RESOURCES, &resources))
        return false;
    names = resource_row(image, &resources, 0, RESOURCE_VERSION);
    if (!(names & RESOURCE_DEEPER))
        return false;
    languages = resource_row(image, &resources, names & ~(uint64_t)RESOURCE_DEEPER, 0);
    if (!(languages & RESOURCE_DEEPER))
        return false;
    data = resource_row(image, &resources, languages & ~(uint64_t)RESOURCE_DEEPER, 0);
    row = data == 0 || (data & RESOURCE_DEEPER) ? NULL
                                                : exe_at(image, resources.address + data, 16);
    if (!row)
        return false;
    /* Its address counts from where the file is loaded, as that of the resources does. */
    len = exe_number(image, row + 4, 4);
    bytes = exe_at(image, resources.base + exe_number(image, row, 4), len);
    *ret_block = lang_bytes(bytes, bytes ? (size_t)len : 0);
    return bytes != NULL;
}

/* ---- the texts ---- */

/* A block of VS_VERSIONINFO: its name, its value and the blocks behind it. */
struct block {
    struct lang_span name, value, inner; /* UTF-16 */
};

static size_t little16(struct lang_span span, size_t at)
{
    return (size_t)(uint8_t)span.text[at] | (size_t)(uint8_t)span.text[at + 1] << 8;
}

static size_t aligned(size_t at)
{
    return (at + 3) & ~(size_t)3;
}

/* Takes the next block from `rest`. Lengths of texts count characters, others bytes. */
static bool block_take(struct lang_span *rest, struct block *ret_block)
{
    struct lang_span whole;
    size_t len, value_len, at = BLOCK_HEAD;

    if (rest->len < BLOCK_HEAD)
        return false;
    len = little16(*rest, 0);
    if (len < BLOCK_HEAD || len > rest->len)
        return false;
    whole = lang_head(*rest, len);
    *rest = lang_tail(*rest, aligned(len));
    while (at + 2 <= len && little16(whole, at) != 0)
        at += 2;
    ret_block->name = lang_head(lang_tail(whole, BLOCK_HEAD), at - BLOCK_HEAD);
    at = aligned(at + 2);
    value_len = little16(whole, 2) * (little16(whole, 4) == 1 ? 2 : 1);
    ret_block->value = lang_head(lang_tail(whole, at), value_len);
    ret_block->inner = lang_tail(whole, aligned(at + value_len));
    return true;
}

static bool name_is(struct lang_span name, const char *word)
{
    size_t len = strlen(word);

    if (name.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (name.text[2 * i] != word[i] || name.text[2 * i + 1] != 0)
            return false;
    }
    return true;
}

static void text_copy(struct lang_span value, char *ret_text)
{
    size_t len = 0;

    for (size_t at = 0; at + 2 <= value.len && len + 1 < PE_TEXT_MAX_BYTES; at += 2) {
        size_t unit = little16(value, at);

        if (unit == 0)
            break;
        ret_text[len++] = unit >= ' ' && unit < 0x7f ? (char)unit : '?';
    }
    ret_text[len] = '\0';
}

static void texts_read(struct lang_span strings, struct pe_version *version)
{
    const struct {
        const char *name;
        char *text;
    } rows[] = {{"OriginalFilename", version->original_filename},
                {"InternalName", version->internal_name},
                {"ProductVersion", version->product_version},
                {"FileVersion", version->file_version}};
    struct block string;

    for (int i = 0; i < BLOCKS_MAX && block_take(&strings, &string); i++) {
        for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
            if (name_is(string.name, rows[row].name))
                text_copy(string.value, rows[row].text);
        }
    }
}

static void resource_read(struct lang_span resource, struct pe_version *version)
{
    struct block whole, part, table;

    if (!block_take(&resource, &whole) || !name_is(whole.name, "VS_VERSION_INFO"))
        return;
    for (int i = 0; i < BLOCKS_MAX && block_take(&whole.inner, &part); i++) {
        if (name_is(part.name, "StringFileInfo") && block_take(&part.inner, &table)) {
            texts_read(table.inner, version);
            return;
        }
    }
}

bool pe_version_read(const struct exe_image *image, struct pe_version *ret_version)
{
    struct pe_version version = {.is_assembly = false};
    struct lang_span resource;
    struct row clr;

    if (image->format != EXE_PE)
        return false;
    version.is_assembly = directory_find(image, DIRECTORY_CLR, &clr) && clr.len > 0;
    if (version_find(image, &resource))
        resource_read(resource, &version);
    *ret_version = version;
    return true;
}

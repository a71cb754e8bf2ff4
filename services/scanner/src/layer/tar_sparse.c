#include "layer/tar_sparse.h"

#include "layer/tar_header.h"

#include <stdlib.h>
#include <string.h>

enum {
    AT_PARTS = 386, /* in a header */
    AT_REAL_SIZE = 483,
    HEADER_PARTS = 4,
    EXTENSION_PARTS = 21,
    AT_EXTENSION_MORE = 504,
    NUMBER_BYTES = 12,
    FIRST_CAPACITY = 64
};

/* Keeps memory. */
static void tar_sparse_reset(struct tar_sparse *sparse)
{
    *sparse = (struct tar_sparse){.parts = sparse->parts, .capacity = sparse->capacity};
}

void tar_sparse_done(struct tar_sparse *sparse)
{
    free(sparse->parts);
    *sparse = (struct tar_sparse){.parts = NULL};
}

static enum mu_status wrong(struct mu_error *err)
{
    return mu_fail(err, MU_E_INVALID, "a sparse file whose map makes no sense");
}

/* ---- the map ---- */

static enum mu_status part_add(struct tar_sparse *sparse, uint64_t offset, uint64_t len,
                               struct mu_error *err)
{
    struct tar_sparse_part *grown;

    if (offset > INT64_MAX || len > INT64_MAX - offset || offset < sparse->end)
        return wrong(err);
    if (sparse->count == TAR_SPARSE_PARTS_MAX)
        return mu_fail(err, MU_E_LIMIT, "a sparse file of more than %d parts",
                       TAR_SPARSE_PARTS_MAX);
    if (sparse->count == sparse->capacity) {
        size_t capacity = sparse->capacity ? 2 * sparse->capacity : FIRST_CAPACITY;

        grown = realloc(sparse->parts, capacity * sizeof(*grown));
        if (!grown)
            return mu_fail(err, MU_E_NOMEM, "no memory for the map of a sparse file");
        sparse->parts = grown;
        sparse->capacity = capacity;
    }
    sparse->parts[sparse->count++] = (struct tar_sparse_part){offset, len};
    sparse->end = offset + len;
    sparse->stored += len; /* no more than `end` */
    return MU_OK;
}

/* Parts up to one that is empty: so GNU's and BSD's tar. */
static enum mu_status fields_add(struct tar_sparse *sparse, const uint8_t *fields, size_t count,
                                 struct mu_error *err)
{
    for (size_t i = 0; i < count; i++, fields += 2 * (size_t)NUMBER_BYTES) {
        uint64_t offset, len;

        if (fields[0] == '\0')
            break;
        if (!tar_number_of(fields, NUMBER_BYTES, &offset) ||
            !tar_number_of(fields + NUMBER_BYTES, NUMBER_BYTES, &len))
            return wrong(err);
        if (part_add(sparse, offset, len, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

enum mu_status tar_sparse_header(struct tar_sparse *sparse, const uint8_t block[TAR_BLOCK_BYTES],
                                 struct mu_error *err)
{
    tar_sparse_reset(sparse);
    if (!tar_number_of(block + AT_REAL_SIZE, NUMBER_BYTES, &sparse->size_bytes))
        return wrong(err);
    return fields_add(sparse, block + AT_PARTS, HEADER_PARTS, err);
}

enum mu_status tar_sparse_extension(struct tar_sparse *sparse, const uint8_t block[TAR_BLOCK_BYTES],
                                    bool *ret_more, struct mu_error *err)
{
    *ret_more = block[AT_EXTENSION_MORE] != 0;
    return fields_add(sparse, block, EXTENSION_PARTS, err);
}

/* ---- PAX ---- */

/* One number of the map: offsets and lengths by turns. */
static enum mu_status number_add(struct tar_sparse *sparse, uint64_t number, struct mu_error *err)
{
    sparse->has_offset = !sparse->has_offset;
    if (!sparse->has_offset)
        return part_add(sparse, sparse->offset, number, err);
    sparse->offset = number;
    return MU_OK;
}

/* "offset,length,offset,length" */
static enum mu_status map_add(struct tar_sparse *sparse, const char *text, size_t len,
                              struct mu_error *err)
{
    for (size_t at = 0, part; at < len; at += part + 1) {
        const char *comma = memchr(text + at, ',', len - at);
        uint64_t number;

        part = comma ? (size_t)(comma - (text + at)) : len - at;
        if (!tar_decimal_of(text + at, part, &number))
            return wrong(err);
        if (number_add(sparse, number, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

/* What a PAX header has of a sparse file. The last of each counts; "" is none. */
struct told {
    struct tar_pax_record major, minor, size, real_size, blocks, map;
    bool has_parts; /* of version 0.0 */
};

static void told_fill(const char *bytes, size_t len, struct told *told)
{
    const struct {
        const char *key;
        struct tar_pax_record *record;
    } rows[] = {{"GNU.sparse.major", &told->major},      {"GNU.sparse.minor", &told->minor},
                {"GNU.sparse.size", &told->size},        {"GNU.sparse.realsize", &told->real_size},
                {"GNU.sparse.numblocks", &told->blocks}, {"GNU.sparse.map", &told->map}};
    struct tar_pax_record record;

    for (size_t at = 0, used; at < len && (used = tar_pax_next(bytes + at, len - at, &record)) > 0;
         at += used) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (tar_pax_key_is(&record, rows[i].key))
                *rows[i].record = record;
        }
        told->has_parts |= tar_pax_key_is(&record, "GNU.sparse.offset");
    }
}

static bool is(const struct tar_pax_record *record, const char *text)
{
    return record->value_len == strlen(text) && memcmp(record->value, text, record->value_len) == 0;
}

static enum tar_sparse_form form_of(const struct told *told)
{
    bool has_version = told->major.value_len + told->minor.value_len > 0;

    if (!has_version)
        return told->map.value_len > 0 || told->has_parts ? TAR_SPARSE_KNOWN : TAR_SPARSE_NONE;
    if (is(&told->major, "1") && is(&told->minor, "0"))
        return TAR_SPARSE_IN_DATA;
    return is(&told->major, "0") && (is(&told->minor, "0") || is(&told->minor, "1"))
                   ? TAR_SPARSE_KNOWN
                   : TAR_SPARSE_NONE;
}

/* Version 0.0: "offset" and "numbytes" by turns. */
static enum mu_status parts_add(struct tar_sparse *sparse, const char *bytes, size_t len,
                                struct mu_error *err)
{
    struct tar_pax_record record;
    uint64_t number;

    for (size_t at = 0, used; at < len && (used = tar_pax_next(bytes + at, len - at, &record)) > 0;
         at += used) {
        bool is_offset = tar_pax_key_is(&record, "GNU.sparse.offset");

        if (!is_offset && !tar_pax_key_is(&record, "GNU.sparse.numbytes"))
            continue;
        if (is_offset == sparse->has_offset ||
            !tar_decimal_of(record.value, record.value_len, &number))
            return wrong(err);
        if (number_add(sparse, number, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

enum mu_status tar_sparse_pax(struct tar_sparse *sparse, const char *bytes, size_t len,
                              uint64_t stored_bytes, enum tar_sparse_form *ret_form,
                              struct mu_error *err)
{
    struct told told = {.has_parts = false};
    const struct tar_pax_record *size;
    uint64_t blocks;

    told_fill(bytes, len, &told);
    *ret_form = form_of(&told);
    if (*ret_form == TAR_SPARSE_NONE)
        return MU_OK;
    tar_sparse_reset(sparse);
    sparse->size_bytes = stored_bytes;
    size = told.size.value_len > 0 ? &told.size : &told.real_size;
    if (size->value_len > 0 && !tar_decimal_of(size->value, size->value_len, &sparse->size_bytes))
        return wrong(err);
    if (*ret_form == TAR_SPARSE_IN_DATA)
        return MU_OK;
    if ((told.map.value_len > 0 ? map_add(sparse, told.map.value, told.map.value_len, err)
                                : parts_add(sparse, bytes, len, err)) != MU_OK)
        return err->status;
    if (sparse->has_offset || !tar_decimal_of(told.blocks.value, told.blocks.value_len, &blocks) ||
        blocks != sparse->count)
        return wrong(err);
    return MU_OK;
}

/* A line of the map is complete. */
static enum mu_status line_take(struct tar_sparse *sparse, struct mu_error *err)
{
    uint64_t number = sparse->number;

    if (!sparse->has_digit)
        return wrong(err);
    sparse->number = 0;
    sparse->has_digit = false;
    if (sparse->has_count) {
        sparse->numbers_left--;
        return number_add(sparse, number, err);
    }
    if (number > TAR_SPARSE_PARTS_MAX)
        return mu_fail(err, MU_E_LIMIT, "a sparse file of more than %d parts",
                       TAR_SPARSE_PARTS_MAX);
    sparse->has_count = true;
    sparse->numbers_left = 2 * number;
    return MU_OK;
}

enum mu_status tar_sparse_text(struct tar_sparse *sparse, const uint8_t block[TAR_BLOCK_BYTES],
                               bool *ret_done, struct mu_error *err)
{
    for (size_t i = 0; i < TAR_BLOCK_BYTES && !(sparse->has_count && sparse->numbers_left == 0);
         i++) {
        if (block[i] == '\n') {
            if (line_take(sparse, err) != MU_OK)
                return err->status;
            continue;
        }
        if (block[i] < '0' || block[i] > '9' || sparse->number > ((uint64_t)INT64_MAX - 9) / 10)
            return wrong(err);
        sparse->number = sparse->number * 10 + (uint64_t)(block[i] - '0');
        sparse->has_digit = true;
    }
    *ret_done = sparse->has_count && sparse->numbers_left == 0; /* the rest fills the block */
    return MU_OK;
}

enum mu_status tar_sparse_check(const struct tar_sparse *sparse, uint64_t data_bytes,
                                struct mu_error *err)
{
    return sparse->end <= sparse->size_bytes && sparse->stored == data_bytes ? MU_OK : wrong(err);
}

/* ---- the content ---- */

/* What is not wanted is not made. */
static enum mu_status hole_write(struct tar_sparse *sparse, const struct tar_sink *sink,
                                 uint64_t until, struct mu_error *err)
{
    static const uint8_t zeros[64 * 1024];

    while (sparse->position < until && sink->wants_hole && sink->wants_hole(sink->opaque)) {
        uint64_t left = until - sparse->position;
        size_t take = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);

        if (sink->on_content(sink->opaque, zeros, take, err) != MU_OK)
            return err->status;
        sparse->position += take;
    }
    sparse->position = until;
    return MU_OK;
}

enum mu_status tar_sparse_write(struct tar_sparse *sparse, const struct tar_sink *sink,
                                const uint8_t *bytes, size_t len, struct mu_error *err)
{
    while (len > 0 && sparse->at < sparse->count) {
        const struct tar_sparse_part *part = &sparse->parts[sparse->at];
        uint64_t left = part->len - sparse->part_done;
        size_t take = left < len ? (size_t)left : len;

        if (sparse->part_done == 0 && hole_write(sparse, sink, part->offset, err) != MU_OK)
            return err->status;
        if (take > 0 && sink->on_content(sink->opaque, bytes, take, err) != MU_OK)
            return err->status;
        sparse->position += take;
        sparse->part_done += take;
        bytes += take;
        len -= take;
        if (sparse->part_done == part->len) {
            sparse->at++;
            sparse->part_done = 0;
        }
    }
    return MU_OK;
}

enum mu_status tar_sparse_end(struct tar_sparse *sparse, const struct tar_sink *sink,
                              struct mu_error *err)
{
    return hole_write(sparse, sink, sparse->size_bytes, err);
}

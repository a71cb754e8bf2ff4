#include "layer/tar_header.h"

#include <string.h>

enum {
    AT_NAME = 0,
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_CHECKSUM = 148,
    AT_TYPE = 156,
    AT_LINK = 157,
    AT_MAGIC = 257,
    AT_PREFIX = 345,
    AT_GNU_SPARSE_EXTENDED = 482,
    NAME_BYTES = 100,
    NUMBER_BYTES = 12,
    SHORT_NUMBER_BYTES = 8,
    CHECKSUM_BYTES = 8,
    PREFIX_BYTES = 155
};

bool tar_block_is_zero(const uint8_t block[TAR_BLOCK_BYTES])
{
    return block[0] == 0 && memcmp(block, block + 1, TAR_BLOCK_BYTES - 1) == 0;
}

/* Octal digits, spaces or NULs before and after. False: something else, or too large. */
static bool octal_read(const uint8_t *field, size_t len, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t i = 0;

    while (i < len && (field[i] == ' ' || field[i] == '\0'))
        i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++) {
        if (value > (uint64_t)INT64_MAX >> 3)
            return false;
        value = value << 3 | (uint64_t)(field[i] - '0');
    }
    while (i < len && (field[i] == ' ' || field[i] == '\0'))
        i++;
    *ret_value = value;
    return i == len;
}

/* GNU's base-256: big-endian two's complement behind a first bit of 1. */
static bool base256_read(const uint8_t *field, size_t len, uint64_t *ret_value)
{
    uint64_t value = field[0] & 0x7f;

    if (field[0] & 0x40)
        return false; /* negative */
    for (size_t i = 1; i < len; i++) {
        if (value > (uint64_t)INT64_MAX >> 8)
            return false;
        value = value << 8 | field[i];
    }
    *ret_value = value;
    return true;
}

bool tar_number_of(const uint8_t *field, size_t len, uint64_t *ret_value)
{
    if (field[0] & 0x80)
        return base256_read(field, len, ret_value);
    return octal_read(field, len, ret_value);
}

/* Mode and owner decide nothing about the archive: what is no number counts as not said. */
static uint32_t short_number_read(const uint8_t *field, uint32_t otherwise)
{
    uint64_t value;

    if (!tar_number_of(field, SHORT_NUMBER_BYTES, &value) || value > UINT32_MAX)
        return otherwise;
    return (uint32_t)value;
}

/* Sum of all bytes with the checksum field as spaces; early tars summed signed bytes. */
static bool checksum_right(const uint8_t block[TAR_BLOCK_BYTES])
{
    uint64_t said;
    int64_t as_unsigned = 0, as_signed = 0;

    if (!octal_read(block + AT_CHECKSUM, CHECKSUM_BYTES, &said))
        return false;
    for (size_t i = 0; i < TAR_BLOCK_BYTES; i++) {
        uint8_t byte = i >= AT_CHECKSUM && i < AT_CHECKSUM + CHECKSUM_BYTES ? ' ' : block[i];

        as_unsigned += byte;
        as_signed += (int8_t)byte;
    }
    return (int64_t)said == as_unsigned || (int64_t)said == as_signed;
}

static size_t field_copy(char *out, const uint8_t *field, size_t size)
{
    size_t len = strnlen((const char *)field, size);

    memcpy(out, field, len);
    out[len] = '\0';
    return len;
}

/* Only POSIX ustar has a prefix; GNU keeps times there. */
static void name_join(const uint8_t block[TAR_BLOCK_BYTES], char *ret_name)
{
    size_t len = 0;

    if (memcmp(block + AT_MAGIC, "ustar", 6) == 0) /* with its NUL */
        len = field_copy(ret_name, block + AT_PREFIX, PREFIX_BYTES);
    if (len > 0)
        ret_name[len++] = '/';
    (void)field_copy(ret_name + len, block + AT_NAME, NAME_BYTES);
}

enum mu_status tar_header_parse(const uint8_t block[TAR_BLOCK_BYTES], struct tar_header *ret_header,
                                struct mu_error *err)
{
    struct tar_header header = {.type = (char)block[AT_TYPE]};

    if (!checksum_right(block))
        return mu_fail(err, MU_E_INVALID, "no tar header: its checksum is wrong");
    name_join(block, header.name);
    (void)field_copy(header.link, block + AT_LINK, NAME_BYTES);
    if (!tar_number_of(block + AT_SIZE, NUMBER_BYTES, &header.size_bytes))
        return mu_fail(err, MU_E_INVALID, "tar entry '%s': its size is no number", header.name);
    header.mode = short_number_read(block + AT_MODE, 0) & 07777;
    header.uid = short_number_read(block + AT_UID, UINT32_MAX);
    header.gid = short_number_read(block + AT_GID, UINT32_MAX);
    header.sparse_continues = header.type == 'S' && block[AT_GNU_SPARSE_EXTENDED] != 0;
    *ret_header = header;
    return MU_OK;
}

bool tar_decimal_of(const char *text, size_t len, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || value > ((uint64_t)INT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *ret_value = value;
    return true;
}

size_t tar_pax_next(const char *bytes, size_t len, struct tar_pax_record *ret_record)
{
    const char *space = memchr(bytes, ' ', len < 20 ? len : 20), *equals;
    uint64_t total;

    if (!space || !tar_decimal_of(bytes, (size_t)(space - bytes), &total) || total > len)
        return 0;
    if (total < (size_t)(space - bytes) + 4 || bytes[total - 1] != '\n')
        return 0;
    ret_record->key = space + 1;
    equals = memchr(space + 1, '=', total - (size_t)(space + 1 - bytes));
    if (!equals || equals == space + 1)
        return 0;
    ret_record->key_len = (size_t)(equals - ret_record->key);
    ret_record->value = equals + 1;
    ret_record->value_len = (size_t)(bytes + total - 1 - ret_record->value);
    return total;
}

bool tar_pax_key_is(const struct tar_pax_record *record, const char *key)
{
    return record->key_len == strlen(key) && memcmp(record->key, key, record->key_len) == 0;
}

static enum mu_status pax_name(const struct tar_pax_record *record, const char **ret_name,
                               size_t *ret_len, struct mu_error *err)
{
    if (memchr(record->value, '\0', record->value_len))
        return mu_fail(err, MU_E_INVALID, "PAX header: NUL byte in '%.*s'", (int)record->key_len,
                       record->key);
    *ret_name = record->value;
    *ret_len = record->value_len;
    return MU_OK;
}

/* An owner beyond 32 bits is nobody we know. */
static void pax_owner(const struct tar_pax_record *record, bool *ret_has, uint32_t *ret_id)
{
    uint64_t value;

    *ret_has = tar_decimal_of(record->value, record->value_len, &value);
    *ret_id = *ret_has && value <= UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static enum mu_status pax_apply(const struct tar_pax_record *record, struct tar_pax *pax,
                                struct mu_error *err)
{
    static const char sparse[] = "GNU.sparse.";

    if (record->key_len >= sizeof(sparse) - 1 &&
        memcmp(record->key, sparse, sizeof(sparse) - 1) == 0)
        pax->sparse = true;
    if (record->value_len == 0)
        return MU_OK; /* "as if absent": the header block's own value holds */
    if (tar_pax_key_is(record, "path"))
        return pax_name(record, &pax->path, &pax->path_len, err);
    if (tar_pax_key_is(record, "linkpath"))
        return pax_name(record, &pax->link, &pax->link_len, err);
    if (tar_pax_key_is(record, "GNU.sparse.name"))
        return pax_name(record, &pax->sparse_name, &pax->sparse_name_len, err);
    if (tar_pax_key_is(record, "uid"))
        pax_owner(record, &pax->has_uid, &pax->uid);
    if (tar_pax_key_is(record, "gid"))
        pax_owner(record, &pax->has_gid, &pax->gid);
    if (tar_pax_key_is(record, "size")) {
        pax->has_size = tar_decimal_of(record->value, record->value_len, &pax->size_bytes);
        if (!pax->has_size)
            return mu_fail(err, MU_E_INVALID, "PAX header: size '%.*s' is no number",
                           (int)(record->value_len < 40 ? record->value_len : 40), record->value);
    }
    return MU_OK;
}

enum mu_status tar_pax_parse(const char *bytes, size_t len, struct tar_pax *ret_pax,
                             struct mu_error *err)
{
    struct tar_pax pax = {0};
    struct tar_pax_record record;
    size_t at = 0;

    while (at < len) {
        size_t used = tar_pax_next(bytes + at, len - at, &record);

        if (used == 0)
            return mu_fail(err, MU_E_INVALID, "PAX header: malformed record at byte %zu", at);
        if (pax_apply(&record, &pax, err) != MU_OK)
            return err->status;
        at += used;
    }
    *ret_pax = pax;
    return MU_OK;
}

#include "archive/tar_zst.h"

#include "archive/tar_layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { PIECE_BYTES = 128 * 1024, PAX_MAX_BYTES = 64 * 1024, WINDOW_LOG_MAX = 27 };

struct tar_reader {
    FILE *in;
    ZSTD_DCtx *zstd;
    struct unpack *unpack;
    struct mu_error *err;
    char packed[PIECE_BYTES], bytes[PIECE_BYTES];
    ZSTD_inBuffer from;
    size_t at, len;   /* what of `bytes` is not taken yet */
    bool frame_ended; /* nothing is missing of what was begun */
    /* what pax records say of the next entry */
    char path[ARCHIVE_NAME_MAX + 2];
    uint64_t size;
    bool has_size;
};

/* ---- unpacked bytes ---- */

static enum mu_status refill(struct tar_reader *reader)
{
    ZSTD_outBuffer to = {reader->bytes, sizeof(reader->bytes), 0};

    while (to.pos == 0) {
        size_t hint;

        if (reader->from.pos == reader->from.size) {
            reader->from.size = fread(reader->packed, 1, sizeof(reader->packed), reader->in);
            reader->from.pos = 0;
        }
        if (ferror(reader->in))
            return mu_fail(reader->err, MU_E_UNAVAILABLE, "read: %s", strerror(errno));
        if (reader->from.size == 0 && reader->frame_ended)
            break;
        hint = ZSTD_decompressStream(reader->zstd, &to, &reader->from);
        if (ZSTD_isError(hint))
            return mu_fail(reader->err, MU_E_INVALID, "is damaged: %s", ZSTD_getErrorName(hint));
        reader->frame_ended = hint == 0;
        if (reader->from.size == 0 && to.pos == 0 && hint != 0)
            return mu_fail(reader->err, MU_E_INVALID, "is torn");
    }
    reader->at = 0;
    reader->len = to.pos;
    return MU_OK;
}

/* At most `wanted` bytes where they lie; 0 at the end. */
static enum mu_status next_piece(struct tar_reader *reader, size_t wanted, const char **ret_bytes,
                                 size_t *ret_len)
{
    enum mu_status st = reader->at == reader->len ? refill(reader) : MU_OK;
    size_t len = reader->len - reader->at;

    if (st != MU_OK)
        return st;
    *ret_bytes = reader->bytes + reader->at;
    *ret_len = len < wanted ? len : wanted;
    reader->at += *ret_len;
    return MU_OK;
}

/* `len` bytes; fewer are an error, unless nothing came and `ret_end` is there to say so. */
static enum mu_status take(struct tar_reader *reader, char *bytes, size_t len, bool *ret_end)
{
    size_t got = 0, more = 0;
    const char *piece = NULL;

    while (got < len) {
        enum mu_status st = next_piece(reader, len - got, &piece, &more);

        if (st != MU_OK)
            return st;
        if (more == 0 && got == 0 && ret_end) {
            *ret_end = true;
            return MU_OK;
        }
        if (more == 0)
            return mu_fail(reader->err, MU_E_INVALID, "is torn");
        memcpy(bytes + got, piece, more);
        got += more;
    }
    return MU_OK;
}

/* ---- headers ---- */

static bool read_octal(const char *field, size_t len, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t i = 0;

    while (i < len && field[i] == ' ')
        i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(field[i] - '0');
    *ret_value = value;
    return i == len || field[i] == '\0' || field[i] == ' ';
}

static bool checksum_fits(const char *head)
{
    uint64_t told = 0, sum = 0;

    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i >= TAR_CHECKSUM && i < TAR_CHECKSUM + TAR_CHECKSUM_BYTES ? ' '
                                                                          : (unsigned char)head[i];
    return read_octal(head + TAR_CHECKSUM, TAR_CHECKSUM_BYTES, &told) && told == sum;
}

/* Name in front of which the prefix stands. */
static void read_name(const char *head, char *name, size_t room)
{
    size_t prefix = strnlen(head + TAR_PREFIX, TAR_PREFIX_BYTES);

    if (memcmp(head + TAR_MAGIC, "ustar\0", 6) != 0)
        prefix = 0; /* GNU's own fields stand there */
    (void)snprintf(name, room, "%.*s%s%.*s", (int)prefix, head + TAR_PREFIX, prefix ? "/" : "",
                   (int)strnlen(head + TAR_NAME, TAR_NAME_BYTES), head + TAR_NAME);
}

/* ---- pax records ---- */

static enum mu_status take_record(struct tar_reader *reader, const char *key, size_t key_len,
                                  const char *value, size_t len)
{
    if (key_len == 4 && memcmp(key, "path", 4) == 0) {
        if (len > ARCHIVE_NAME_MAX + 1 || memchr(value, '\0', len))
            return mu_fail(reader->err, MU_E_INVALID, "holds a name of %zu bytes", len);
        (void)snprintf(reader->path, sizeof(reader->path), "%.*s", (int)len, value);
    } else if (key_len == 4 && memcmp(key, "size", 4) == 0) {
        char text[24];

        (void)snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : 0), value);
        reader->has_size = true;
        reader->size = strtoull(text, NULL, 10);
    } else if (key_len > 10 && memcmp(key, "GNU.sparse", 10) == 0) {
        return mu_fail(reader->err, MU_E_INVALID, "holds a sparse file");
    }
    return MU_OK;
}

static enum mu_status take_records(struct tar_reader *reader, const char *text, size_t len)
{
    enum mu_status st = MU_OK;

    while (st == MU_OK && len > 0) {
        char *end = NULL;
        unsigned long long record = strtoull(text, &end, 10);
        const char *key = end + 1, *equals;

        if (end == text || *end != ' ' || record > len || record < (size_t)(key - text) + 2 ||
            text[record - 1] != '\n')
            return mu_fail(reader->err, MU_E_INVALID, "has a pax record that is damaged");
        equals = memchr(key, '=', (size_t)(text + record - key));
        if (!equals)
            return mu_fail(reader->err, MU_E_INVALID, "has a pax record that is damaged");
        st = take_record(reader, key, (size_t)(equals - key), equals + 1,
                         (size_t)(text + record - 1 - (equals + 1)));
        text += record;
        len -= record;
    }
    return st;
}

static enum mu_status skip(struct tar_reader *reader, uint64_t size)
{
    const char *piece;
    size_t len;

    while (size > 0) {
        enum mu_status st =
                next_piece(reader, size < PIECE_BYTES ? (size_t)size : PIECE_BYTES, &piece, &len);

        if (st != MU_OK)
            return st;
        if (len == 0)
            return mu_fail(reader->err, MU_E_INVALID, "is torn");
        size -= len;
    }
    return MU_OK;
}

static uint64_t padding(uint64_t size)
{
    return size % TAR_BLOCK ? TAR_BLOCK - size % TAR_BLOCK : 0;
}

static enum mu_status take_pax(struct tar_reader *reader, uint64_t size, bool counts)
{
    MU_AUTO_FREE char *text = NULL;
    enum mu_status st;

    if (size > PAX_MAX_BYTES)
        return mu_fail(reader->err, MU_E_LIMIT, "has pax records of %" PRIu64 " bytes", size);
    text = calloc(1, PAX_MAX_BYTES + 1);
    if (!text)
        return mu_fail(reader->err, MU_E_NOMEM, "out of memory");
    st = take(reader, text, (size_t)size, NULL);
    if (st == MU_OK)
        st = skip(reader, padding(size));
    return st == MU_OK && counts ? take_records(reader, text, (size_t)size) : st;
}

/* ---- entries ---- */

static enum mu_status take_file(struct tar_reader *reader, uint64_t size)
{
    const char *piece;
    size_t len;
    uint64_t left = size;
    enum mu_status st = unpack_begin(reader->unpack, reader->err);

    while (st == MU_OK && left > 0) {
        st = next_piece(reader, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, &piece, &len);
        if (st == MU_OK && len == 0)
            st = mu_fail(reader->err, MU_E_INVALID, "is torn");
        if (st == MU_OK)
            st = unpack_write(reader->unpack, piece, len, reader->err);
        if (st == MU_OK)
            left -= len;
    }
    if (st == MU_OK)
        st = unpack_end(reader->unpack, reader->err);
    return st == MU_OK ? skip(reader, padding(size)) : st;
}

static enum mu_status take_entry(struct tar_reader *reader, const char *head, uint64_t size)
{
    char name[TAR_NAME_BYTES + TAR_PREFIX_BYTES + 2];
    const char type = head[TAR_TYPE];
    const char *called = *reader->path ? reader->path : name;
    enum mu_status st;

    read_name(head, name, sizeof(name));
    if (type == '5' && (strcmp(called, "./") == 0 || strcmp(called, ".") == 0))
        return MU_OK;
    st = unpack_name(reader->unpack, called, strlen(called), reader->err);
    if (st != MU_OK)
        return st;
    if (reader->has_size)
        size = reader->size;
    *reader->path = '\0';
    reader->has_size = false;
    if (type == '5')
        return skip(reader, size + padding(size));
    if (type == '1' || type == '2')
        return mu_fail(reader->err, MU_E_INVALID, "is a link");
    if (type != '0' && type != '\0')
        return mu_fail(reader->err, MU_E_INVALID, "is an entry of type '%c', which is not read",
                       type > ' ' && type < 0x7f ? type : '?');
    if (reader->unpack->only && strcmp(reader->unpack->name, reader->unpack->only) != 0)
        return skip(reader, size + padding(size));
    return take_file(reader, size);
}

static enum mu_status take_header(struct tar_reader *reader, const char *head)
{
    uint64_t size = 0;

    if (!checksum_fits(head))
        return mu_fail(reader->err, MU_E_INVALID, "is damaged: the checksum of a tar header");
    if (!read_octal(head + TAR_SIZE, TAR_SIZE_BYTES, &size))
        return mu_fail(reader->err, MU_E_INVALID, "has a size that is no octal number");
    if (head[TAR_TYPE] == 'x' || head[TAR_TYPE] == 'g')
        return take_pax(reader, size, head[TAR_TYPE] == 'x');
    return take_entry(reader, head, size);
}

static bool is_zero(const char *bytes, size_t len)
{
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/* Behind the entries only zeros may come, and the last frame must be whole. */
static enum mu_status take_rest(struct tar_reader *reader)
{
    const char *piece;
    size_t len;
    enum mu_status st;

    do {
        st = next_piece(reader, PIECE_BYTES, &piece, &len);
        if (st == MU_OK && !is_zero(piece, len))
            return mu_fail(reader->err, MU_E_INVALID, "holds more behind its end");
    } while (st == MU_OK && len > 0);
    return st;
}

static enum mu_status take_entries(struct tar_reader *reader)
{
    char head[TAR_BLOCK];
    bool ended = false;
    enum mu_status st = MU_OK;

    while (st == MU_OK) {
        st = take(reader, head, sizeof(head), &ended);
        if (st == MU_OK && ended)
            return mu_fail(reader->err, MU_E_INVALID, "is torn: it has no end");
        if (st == MU_OK && is_zero(head, sizeof(head)))
            return take_rest(reader);
        if (st == MU_OK)
            st = take_header(reader, head);
        if (st == MU_OK && reader->unpack->only && reader->unpack->files > 0)
            return MU_OK; /* it was there */
    }
    return st;
}

enum mu_status tar_zst_unpack_stream(FILE *in, struct unpack *unpack, struct mu_error *err)
{
    struct tar_reader *reader = calloc(1, sizeof(*reader));
    enum mu_status st = MU_OK;

    if (!reader)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    reader->in = in;
    reader->unpack = unpack;
    reader->err = err;
    reader->from.src = reader->packed;
    reader->zstd = ZSTD_createDCtx();
    if (!reader->zstd ||
        ZSTD_isError(ZSTD_DCtx_setParameter(reader->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
        st = mu_fail(err, MU_E_NOMEM, "out of memory");
    if (st == MU_OK)
        st = take_entries(reader);
    (void)ZSTD_freeDCtx(reader->zstd);
    free(reader);
    return st;
}

enum mu_status tar_zst_unpack(const char *path, struct unpack *unpack, struct mu_error *err)
{
    MU_AUTO_FILE FILE *in = fopen(path, "re");

    if (!in)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    return tar_zst_unpack_stream(in, unpack, err);
}

#include "archive/zip_reader.h"

#include "archive/zip_layout.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    ZIP_PIECE_BYTES = 64 * 1024,
    ZIP_COMMENT_MAX = 65535,
    ZIP_TAIL_BYTES = ZIP_END_BYTES + ZIP_COMMENT_MAX,
    ZIP_EXTRA_MAX = 65535
};

struct zip_reader {
    int fd;                     /* -1: in memory */
    const unsigned char *bytes; /* borrowed */
    uint64_t size;              /* of the file */
    uint64_t directory_at, directory_bytes, entries;
    uint64_t at, seen; /* in the directory: the next entry, how many came */
};

static uint64_t number(const unsigned char *bytes, size_t len)
{
    uint64_t value = 0;

    while (len > 0)
        value = value << 8 | bytes[--len];
    return value;
}

/* Exactly these bytes of the file. */
static enum mu_status fetch(const struct zip_reader *reader, uint64_t at, void *bytes, size_t len,
                            struct mu_error *err)
{
    size_t got = 0;

    if (at > reader->size || len > reader->size - at)
        return mu_fail(err, MU_E_INVALID, "is torn, or no zip");
    if (reader->fd < 0) {
        memcpy(bytes, reader->bytes + at, len);
        return MU_OK;
    }
    while (got < len) {
        ssize_t more = pread(reader->fd, (char *)bytes + got, len - got, (off_t)(at + got));

        if (more < 0 && errno == EINTR)
            continue;
        if (more <= 0)
            return mu_fail(err, MU_E_UNAVAILABLE, "read: %s", more < 0 ? strerror(errno) : "torn");
        got += (size_t)more;
    }
    return MU_OK;
}

/* ---- the end of the file ---- */

/* The numbers that have 64 bits, when there are some. */
static enum mu_status read_wide_end(struct zip_reader *reader, uint64_t end_at,
                                    uint64_t *ret_directory_end, struct mu_error *err)
{
    unsigned char locator[ZIP_WIDE_LOCATOR_BYTES], end[ZIP_WIDE_END_BYTES];
    uint64_t at;
    enum mu_status st;

    if (end_at < sizeof(locator))
        return MU_OK;
    st = fetch(reader, end_at - sizeof(locator), locator, sizeof(locator), err);
    if (st != MU_OK || number(locator, 4) != ZIP_WIDE_LOCATOR)
        return st;
    at = number(locator + 8, 8);
    st = fetch(reader, at, end, sizeof(end), err);
    if (st != MU_OK)
        return st;
    if (number(end, 4) != ZIP_WIDE_END || number(end + 16, 8) != 0 || number(locator + 4, 4) != 0)
        return mu_fail(err, MU_E_INVALID, "is a zip of several disks, or none");
    reader->entries = number(end + 32, 8);
    reader->directory_bytes = number(end + 40, 8);
    reader->directory_at = number(end + 48, 8);
    *ret_directory_end = at;
    return MU_OK;
}

static void rewind_directory(struct zip_reader *reader)
{
    reader->at = reader->directory_at;
    reader->seen = 0;
}

static enum mu_status read_end(struct zip_reader *reader, uint64_t at, const unsigned char *end,
                               struct mu_error *err)
{
    uint64_t directory_end = at;
    enum mu_status st;

    if (number(end + 4, 4) != 0)
        return mu_fail(err, MU_E_INVALID, "is a zip of several disks");
    reader->entries = number(end + 10, 2);
    reader->directory_bytes = number(end + 12, 4);
    reader->directory_at = number(end + 16, 4);
    st = read_wide_end(reader, at, &directory_end, err);
    if (st != MU_OK)
        return st;
    if (reader->directory_at > directory_end ||
        reader->directory_bytes != directory_end - reader->directory_at ||
        reader->entries > reader->directory_bytes / ZIP_CENTRAL_BYTES)
        return mu_fail(err, MU_E_INVALID, "has a directory that is not where it is said to be");
    rewind_directory(reader);
    return MU_OK;
}

/* The last record that reaches to the end of the file with its comment. */
static enum mu_status find_end(struct zip_reader *reader, struct mu_error *err)
{
    size_t len = reader->size < ZIP_TAIL_BYTES ? (size_t)reader->size : (size_t)ZIP_TAIL_BYTES;
    unsigned char tail[ZIP_TAIL_BYTES];
    enum mu_status st = fetch(reader, reader->size - len, tail, len, err);

    if (st != MU_OK)
        return st;
    for (size_t back = ZIP_END_BYTES; back <= len; back++) {
        const unsigned char *end = tail + len - back;

        if (number(end, 4) == ZIP_END && number(end + 20, 2) == back - ZIP_END_BYTES)
            return read_end(reader, reader->size - back, end, err);
    }
    return mu_fail(err, MU_E_INVALID, "is torn, or no zip");
}

enum mu_status zip_reader_open(const char *path, struct zip_reader **ret_reader,
                               struct mu_error *err)
{
    MU_AUTO(zip_reader) struct zip_reader *reader = mu_xcalloc(1, sizeof(*reader));
    struct stat status;
    enum mu_status st;

    reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader->fd < 0 || fstat(reader->fd, &status) != 0)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE, "'%s': %s", path,
                       strerror(errno));
    if (!S_ISREG(status.st_mode))
        return mu_fail(err, MU_E_INVALID, "is no plain file");
    reader->size = (uint64_t)status.st_size;
    st = find_end(reader, err);
    if (st != MU_OK)
        return st;
    *ret_reader = reader;
    reader = NULL;
    return MU_OK;
}

enum mu_status zip_reader_open_memory(const void *bytes, size_t len, struct zip_reader **ret_reader,
                                      struct mu_error *err)
{
    MU_AUTO(zip_reader) struct zip_reader *reader = mu_xcalloc(1, sizeof(*reader));
    enum mu_status st;

    reader->fd = -1;
    reader->bytes = bytes;
    reader->size = len;
    st = find_end(reader, err);
    if (st != MU_OK)
        return st;
    *ret_reader = reader;
    reader = NULL;
    return MU_OK;
}

void zip_reader_free(struct zip_reader *reader)
{
    if (!reader)
        return;
    if (reader->fd >= 0)
        (void)close(reader->fd);
    free(reader);
}

/* ---- the directory ---- */

/* Takes the number from the zip64 field when it stands there. */
static bool widen(const unsigned char **field, size_t *len, uint64_t *number_of)
{
    if (*number_of != ZIP_WIDE_32)
        return true;
    if (*len < 8)
        return false;
    *number_of = number(*field, 8);
    *field += 8;
    *len -= 8;
    return true;
}

static bool read_extra(const unsigned char *extra, size_t len, struct zip_entry *entry)
{
    bool wide = entry->size == ZIP_WIDE_32 || entry->packed == ZIP_WIDE_32 ||
                entry->header_at == ZIP_WIDE_32;

    while (wide && len >= 4) {
        size_t field_len = number(extra + 2, 2);
        const unsigned char *field = extra + 4;

        if (field_len > len - 4)
            return false;
        if (number(extra, 2) == ZIP_EXTRA_WIDE)
            return widen(&field, &field_len, &entry->size) &&
                   widen(&field, &field_len, &entry->packed) &&
                   widen(&field, &field_len, &entry->header_at);
        extra += 4 + field_len;
        len -= 4 + field_len;
    }
    return !wide;
}

static void read_head(const unsigned char *head, struct zip_entry *entry)
{
    entry->flags = (uint16_t)number(head + 8, 2);
    entry->method = (uint16_t)number(head + 10, 2);
    entry->crc = (uint32_t)number(head + 16, 4);
    entry->packed = number(head + 20, 4);
    entry->size = number(head + 24, 4);
    entry->name_len = number(head + 28, 2);
    entry->mode = head[5] == 3 ? (uint32_t)number(head + 40, 2) : 0; /* made by Unix */
    entry->header_at = number(head + 42, 4);
}

static enum mu_status read_entry(struct zip_reader *reader, struct zip_entry *entry,
                                 struct mu_error *err)
{
    unsigned char head[ZIP_CENTRAL_BYTES], extra[ZIP_EXTRA_MAX];
    size_t extra_len;
    enum mu_status st = fetch(reader, reader->at, head, sizeof(head), err);

    if (st != MU_OK)
        return st;
    if (number(head, 4) != ZIP_CENTRAL)
        return mu_fail(err, MU_E_INVALID, "has a directory that is torn");
    read_head(head, entry);
    extra_len = number(head + 30, 2);
    if (entry->name_len > ZIP_NAME_MAX)
        return mu_fail(err, MU_E_INVALID, "holds a name of %zu bytes", entry->name_len);
    st = fetch(reader, reader->at + sizeof(head), entry->name, entry->name_len, err);
    if (st == MU_OK)
        st = fetch(reader, reader->at + sizeof(head) + entry->name_len, extra, extra_len, err);
    if (st != MU_OK)
        return st;
    entry->name[entry->name_len] = '\0';
    if (!read_extra(extra, extra_len, entry))
        return mu_fail(err, MU_E_INVALID, "'%.100s' has no size", entry->name);
    reader->at += sizeof(head) + entry->name_len + extra_len + number(head + 32, 2);
    reader->seen++;
    return MU_OK;
}

enum mu_status zip_reader_next(struct zip_reader *reader, struct zip_entry *ret_entry,
                               struct mu_error *err)
{
    const uint64_t end = reader->directory_at + reader->directory_bytes;

    if (reader->seen == reader->entries && reader->at == end)
        return MU_END;
    if (reader->seen == reader->entries || reader->at >= end)
        return mu_fail(err, MU_E_INVALID, "has a directory of other entries than it counts");
    return read_entry(reader, ret_entry, err);
}

static bool has_name(const struct zip_entry *entry, const char *name, bool anywhere)
{
    const char *slash = strrchr(entry->name, '/');

    if (strlen(entry->name) != entry->name_len)
        return false;
    return anywhere ? strcasecmp(slash ? slash + 1 : entry->name, name) == 0
                    : strcmp(entry->name, name) == 0;
}

enum mu_status zip_reader_find(struct zip_reader *reader, const char *name, bool anywhere,
                               struct zip_entry *ret_entry, struct mu_error *err)
{
    enum mu_status st;

    rewind_directory(reader);
    while ((st = zip_reader_next(reader, ret_entry, err)) == MU_OK)
        if (has_name(ret_entry, name, anywhere))
            return MU_OK;
    return st == MU_END ? mu_fail(err, MU_E_NOT_FOUND, "no part '%s'", name) : st;
}

/* ---- what an entry holds ---- */

struct taking {
    const struct zip_entry *entry;
    zip_piece_fn *piece;
    void *opaque;
    uint64_t got;
    uint32_t crc;
};

static enum mu_status give(struct taking *taking, const unsigned char *bytes, size_t len,
                           struct mu_error *err)
{
    taking->got += len;
    if (taking->got > taking->entry->size)
        return mu_fail(err, MU_E_INVALID, "unpacks to more than the %llu bytes it says",
                       (unsigned long long)taking->entry->size);
    taking->crc = (uint32_t)crc32(taking->crc, bytes, (uInt)len);
    return len > 0 ? taking->piece(taking->opaque, bytes, len, err) : MU_OK;
}

/* The first byte behind the local header, which must say the same. */
static enum mu_status check_header(const struct zip_reader *reader, const struct zip_entry *entry,
                                   uint64_t *ret_at, struct mu_error *err)
{
    unsigned char head[ZIP_LOCAL_BYTES];
    char name[ZIP_NAME_MAX];
    uint64_t at;
    enum mu_status st = fetch(reader, entry->header_at, head, sizeof(head), err);

    if (st != MU_OK)
        return st;
    if (number(head, 4) != ZIP_LOCAL || number(head + 8, 2) != entry->method ||
        number(head + 26, 2) != entry->name_len)
        return mu_fail(err, MU_E_INVALID, "is not where the directory says");
    st = fetch(reader, entry->header_at + sizeof(head), name, entry->name_len, err);
    if (st != MU_OK)
        return st;
    if (memcmp(name, entry->name, entry->name_len) != 0)
        return mu_fail(err, MU_E_INVALID, "has another name in front of its bytes");
    at = entry->header_at + sizeof(head) + entry->name_len + number(head + 28, 2);
    if (at > reader->directory_at || entry->packed > reader->directory_at - at)
        return mu_fail(err, MU_E_INVALID, "reaches into the directory");
    *ret_at = at;
    return MU_OK;
}

static enum mu_status check_entry(const struct zip_entry *entry, struct mu_error *err)
{
    if (entry->flags & 1)
        return mu_fail(err, MU_E_INVALID, "is encrypted: it would need a password");
    if (entry->method != ZIP_STORED && entry->method != ZIP_DEFLATED)
        return mu_fail(err, MU_E_INVALID, "is packed by method %u, which is not read",
                       entry->method);
    if (entry->method == ZIP_STORED && entry->packed != entry->size)
        return mu_fail(err, MU_E_INVALID, "has two sizes");
    return MU_OK;
}

static enum mu_status inflate_piece(z_stream *stream, struct taking *taking, bool *ret_end,
                                    struct mu_error *err)
{
    unsigned char bytes[ZIP_PIECE_BYTES];
    enum mu_status st = MU_OK;
    int code;

    do {
        stream->next_out = bytes;
        stream->avail_out = sizeof(bytes);
        code = inflate(stream, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return mu_fail(err, MU_E_INVALID, "is damaged");
        st = give(taking, bytes, sizeof(bytes) - stream->avail_out, err);
    } while (st == MU_OK && code != Z_STREAM_END && stream->avail_out == 0);
    *ret_end = code == Z_STREAM_END;
    return st;
}

static enum mu_status take(const struct zip_reader *reader, uint64_t at, z_stream *stream,
                           struct taking *taking, struct mu_error *err)
{
    unsigned char packed[ZIP_PIECE_BYTES];
    uint64_t left = taking->entry->packed;
    bool ended = false;
    enum mu_status st = MU_OK;

    while (st == MU_OK && left > 0) {
        size_t len = left < sizeof(packed) ? (size_t)left : sizeof(packed);

        st = fetch(reader, at, packed, len, err);
        at += len;
        left -= len;
        if (st == MU_OK && ended)
            st = mu_fail(err, MU_E_INVALID, "is longer than what it holds");
        stream->next_in = packed;
        stream->avail_in = (uInt)len;
        if (st == MU_OK)
            st = taking->entry->method == ZIP_STORED ? give(taking, packed, len, err)
                                                     : inflate_piece(stream, taking, &ended, err);
    }
    stream->next_in = NULL;
    if (st == MU_OK && (taking->got != taking->entry->size || taking->crc != taking->entry->crc))
        st = mu_fail(err, MU_E_INVALID, "is damaged: its size or CRC-32 is another");
    return st;
}

enum mu_status zip_reader_read(struct zip_reader *reader, const struct zip_entry *entry,
                               zip_piece_fn *piece, void *opaque, struct mu_error *err)
{
    struct taking taking = {entry, piece, opaque, 0, 0};
    z_stream stream = {.next_in = NULL};
    uint64_t at = 0;
    enum mu_status st = check_entry(entry, err);

    if (st == MU_OK)
        st = check_header(reader, entry, &at, err);
    if (st != MU_OK)
        return st;
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    st = take(reader, at, &stream, &taking, err);
    (void)inflateEnd(&stream);
    return st;
}

/* ---- unpacking all ---- */

static enum mu_status write_piece(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    return unpack_write(opaque, bytes, len, err);
}

static enum mu_status unpack_entry(struct zip_reader *reader, const struct zip_entry *entry,
                                   struct unpack *unpack, struct mu_error *err)
{
    bool is_folder = entry->name_len > 0 && entry->name[entry->name_len - 1] == '/';
    enum mu_status st = unpack_name(unpack, entry->name, entry->name_len, err);

    if (st != MU_OK)
        return st;
    if ((entry->mode & S_IFMT) != 0 && !S_ISREG(entry->mode) && !S_ISDIR(entry->mode))
        return mu_fail(err, MU_E_INVALID, "is a link or a device");
    if (is_folder)
        return entry->size == 0 ? MU_OK : mu_fail(err, MU_E_INVALID, "is a folder with bytes");
    st = check_entry(entry, err);
    if (st == MU_OK && unpack->only && !mu_text_equal(unpack->name, unpack->only))
        return MU_OK;
    if (st == MU_OK)
        st = unpack_begin(unpack, err);
    if (st == MU_OK)
        st = zip_reader_read(reader, entry, write_piece, unpack, err);
    return st == MU_OK ? unpack_end(unpack, err) : st;
}

/* What the directory says of all entries, before a byte is written. */
static enum mu_status check_sums(struct zip_reader *reader, const struct unpack *unpack,
                                 struct mu_error *err)
{
    uint64_t size = 0, packed = 0;
    struct zip_entry entry;
    enum mu_status st;

    if (reader->entries > unpack->limits.max_files)
        return mu_fail(err, MU_E_LIMIT, "the archive holds more than %llu files",
                       (unsigned long long)unpack->limits.max_files);
    while ((st = zip_reader_next(reader, &entry, err)) == MU_OK) {
        if (entry.packed > reader->size - packed)
            return mu_fail(err, MU_E_INVALID, "'%.100s' lies over another entry", entry.name);
        if (entry.size > unpack->limits.max_bytes - size)
            return mu_fail(err, MU_E_LIMIT, "the archive unpacks to more than %llu bytes",
                           (unsigned long long)unpack->limits.max_bytes);
        packed += entry.packed;
        size += entry.size;
    }
    rewind_directory(reader);
    return st == MU_END ? MU_OK : st;
}

enum mu_status zip_unpack(const char *path, struct unpack *unpack, struct mu_error *err)
{
    MU_AUTO(zip_reader) struct zip_reader *reader = NULL;
    struct zip_entry entry;
    enum mu_status st = zip_reader_open(path, &reader, err);

    if (st == MU_OK)
        st = check_sums(reader, unpack, err);
    if (st != MU_OK)
        return st;
    while ((st = zip_reader_next(reader, &entry, err)) == MU_OK) {
        st = unpack_entry(reader, &entry, unpack, err);
        if (st != MU_OK)
            return st;
    }
    return st == MU_END ? MU_OK : st;
}

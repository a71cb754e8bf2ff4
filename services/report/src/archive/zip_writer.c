#include "archive/zip_writer.h"

#include "archive/zip_layout.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { ZIP_LEVEL = 6, ZIP_PIECE_BYTES = 64 * 1024, ZIP_RECORD_BYTES = 128 };
#define ZIP_FLAG_UTF8 0x0800
#define ZIP_DATE      0x0021 /* 1980-01-01 */
#define ZIP_MADE_BY   0x031e /* Unix, version 3.0 */
#define ZIP_MODE      0100644U

struct zip_writer {
    FILE *out, *directory;
    z_stream deflate;
    uint64_t at; /* bytes of `out` */
    uint64_t entries, directory_bytes;
};

struct entry {
    const char *name;
    uint64_t size, packed, header_at;
    uint32_t crc;
    bool wide; /* its sizes have 64 bits */
};

/* Little-endian numbers, one behind the other. */
struct record {
    unsigned char bytes[ZIP_RECORD_BYTES];
    size_t len;
};

static void put(struct record *record, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        record->bytes[record->len++] = (unsigned char)(value >> (8 * i));
}

static enum mu_status failed(struct mu_error *err)
{
    return mu_fail(err, MU_E_UNAVAILABLE, "write: %s", strerror(errno));
}

static enum mu_status emit(struct zip_writer *writer, const void *bytes, size_t len,
                           struct mu_error *err)
{
    writer->at += len;
    return fwrite(bytes, 1, len, writer->out) == len ? MU_OK : failed(err);
}

enum mu_status zip_writer_new(FILE *out, struct zip_writer **ret_writer, struct mu_error *err)
{
    const char *folder = getenv("TMPDIR");
    MU_AUTO(zip_writer) struct zip_writer *writer = mu_xcalloc(1, sizeof(*writer));
    MU_AUTO_FD int fd = -1;
    enum mu_status st = mu_file_open_nameless(folder && *folder ? folder : "/var/tmp", &fd, err);

    if (st != MU_OK)
        return st;
    writer->out = out;
    writer->directory = fdopen(fd, "w+e");
    if (!writer->directory)
        return failed(err);
    (void)mu_take_fd(&fd);
    if (deflateInit2(&writer->deflate, ZIP_LEVEL, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    *ret_writer = writer;
    writer = NULL;
    return MU_OK;
}

void zip_writer_free(struct zip_writer *writer)
{
    if (!writer)
        return;
    if (writer->directory)
        (void)fclose(writer->directory);
    (void)deflateEnd(&writer->deflate);
    free(writer);
}

/* ---- an entry ---- */

static uint64_t narrow(const struct entry *entry, uint64_t value)
{
    return entry->wide ? ZIP_WIDE_32 : value;
}

static void put_common(struct record *record, const struct entry *entry, bool wide)
{
    put(record, wide ? ZIP_VERSION_WIDE : ZIP_VERSION, 2);
    put(record, ZIP_FLAG_UTF8, 2);
    put(record, ZIP_DEFLATED, 2);
    put(record, 0, 2);
    put(record, ZIP_DATE, 2);
    put(record, entry->crc, 4);
    put(record, narrow(entry, entry->packed), 4);
    put(record, narrow(entry, entry->size), 4);
    put(record, strlen(entry->name), 2);
}

static enum mu_status emit_header(struct zip_writer *writer, const struct entry *entry,
                                  struct mu_error *err)
{
    struct record head = {.len = 0}, extra = {.len = 0};
    enum mu_status st;

    if (entry->wide) {
        put(&extra, ZIP_EXTRA_WIDE, 2);
        put(&extra, 16, 2);
        put(&extra, entry->size, 8);
        put(&extra, entry->packed, 8);
    }
    put(&head, ZIP_LOCAL, 4);
    put_common(&head, entry, entry->wide);
    put(&head, extra.len, 2);
    st = emit(writer, head.bytes, head.len, err);
    if (st == MU_OK)
        st = emit(writer, entry->name, strlen(entry->name), err);
    return st == MU_OK ? emit(writer, extra.bytes, extra.len, err) : st;
}

static enum mu_status record_entry(struct zip_writer *writer, const struct entry *entry,
                                   struct mu_error *err)
{
    const bool far = entry->header_at >= ZIP_WIDE_32;
    struct record head = {.len = 0}, extra = {.len = 0};
    size_t len = strlen(entry->name);

    if (entry->wide || far) {
        put(&extra, ZIP_EXTRA_WIDE, 2);
        put(&extra, (entry->wide ? 16U : 0U) + (far ? 8U : 0U), 2);
        if (entry->wide) {
            put(&extra, entry->size, 8);
            put(&extra, entry->packed, 8);
        }
        if (far)
            put(&extra, entry->header_at, 8);
    }
    put(&head, ZIP_CENTRAL, 4);
    put(&head, ZIP_MADE_BY, 2);
    put_common(&head, entry, entry->wide || far);
    put(&head, extra.len, 2);
    put(&head, 0, 2); /* comment */
    put(&head, 0, 2); /* disk */
    put(&head, 0, 2); /* internal attributes */
    put(&head, (uint64_t)ZIP_MODE << 16, 4);
    put(&head, far ? ZIP_WIDE_32 : entry->header_at, 4);
    writer->entries++;
    writer->directory_bytes += head.len + len + extra.len;
    if (fwrite(head.bytes, 1, head.len, writer->directory) != head.len ||
        fwrite(entry->name, 1, len, writer->directory) != len ||
        fwrite(extra.bytes, 1, extra.len, writer->directory) != extra.len)
        return failed(err);
    return MU_OK;
}

/* What deflate has to say of a piece, the last one with `flush` Z_FINISH. */
static enum mu_status deflate_piece(struct zip_writer *writer, unsigned char *bytes, size_t len,
                                    int flush, struct mu_error *err)
{
    unsigned char packed[ZIP_PIECE_BYTES];
    enum mu_status st = MU_OK;

    writer->deflate.next_in = bytes;
    writer->deflate.avail_in = (uInt)len;
    do {
        writer->deflate.next_out = packed;
        writer->deflate.avail_out = sizeof(packed);
        if (deflate(&writer->deflate, flush) == Z_STREAM_ERROR)
            return mu_fail(err, MU_E_INTERNAL, "deflate failed");
        st = emit(writer, packed, sizeof(packed) - writer->deflate.avail_out, err);
    } while (st == MU_OK && writer->deflate.avail_out == 0);
    return st;
}

static enum mu_status emit_file(struct zip_writer *writer, FILE *in, struct entry *entry,
                                struct mu_error *err)
{
    unsigned char bytes[ZIP_PIECE_BYTES];
    uint64_t begin = writer->at, size = 0;
    enum mu_status st = MU_OK;
    size_t len;

    if (deflateReset(&writer->deflate) != Z_OK)
        return mu_fail(err, MU_E_INTERNAL, "deflate failed");
    while (st == MU_OK && (len = fread(bytes, 1, sizeof(bytes), in)) > 0) {
        entry->crc = (uint32_t)crc32(entry->crc, bytes, (uInt)len);
        size += len;
        st = deflate_piece(writer, bytes, len, Z_NO_FLUSH, err);
    }
    if (st == MU_OK && ferror(in))
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", entry->name, strerror(errno));
    if (st == MU_OK && size != entry->size)
        return mu_fail(err, MU_E_CONFLICT, "'%s' has changed while it was packed", entry->name);
    if (st == MU_OK)
        st = deflate_piece(writer, bytes, 0, Z_FINISH, err);
    entry->packed = writer->at - begin;
    return st;
}

/* The sizes are known only now. */
static enum mu_status mend_header(struct zip_writer *writer, const struct entry *entry,
                                  struct mu_error *err)
{
    uint64_t end = writer->at;
    enum mu_status st;

    if (fseeko(writer->out, (off_t)entry->header_at, SEEK_SET) != 0)
        return failed(err);
    st = emit_header(writer, entry, err);
    writer->at = end;
    if (st == MU_OK && fseeko(writer->out, (off_t)end, SEEK_SET) != 0)
        st = failed(err);
    return st;
}

enum mu_status zip_writer_add(struct zip_writer *writer, const char *name, const char *path,
                              struct mu_error *err)
{
    struct entry entry = {.name = name, .header_at = writer->at};
    MU_AUTO_FILE FILE *in = fopen(path, "re");
    struct stat status;
    enum mu_status st;

    if (!in || fstat(fileno(in), &status) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    entry.size = (uint64_t)status.st_size;
    /* what does not shrink grows by five bytes a block and a little */
    entry.wide = entry.size + entry.size / 1024 + 1024 >= ZIP_WIDE_32;
    st = emit_header(writer, &entry, err);
    if (st == MU_OK)
        st = emit_file(writer, in, &entry, err);
    if (st == MU_OK)
        st = mend_header(writer, &entry, err);
    return st == MU_OK ? record_entry(writer, &entry, err) : st;
}

/* ---- the end ---- */

static void put_wide_end(const struct zip_writer *writer, uint64_t begin, struct record *record)
{
    put(record, ZIP_WIDE_END, 4);
    put(record, 44, 8);
    put(record, ZIP_MADE_BY, 2);
    put(record, ZIP_VERSION_WIDE, 2);
    put(record, 0, 8); /* disks */
    put(record, writer->entries, 8);
    put(record, writer->entries, 8);
    put(record, writer->directory_bytes, 8);
    put(record, begin, 8);
    put(record, ZIP_WIDE_LOCATOR, 4);
    put(record, 0, 4);
    put(record, begin + writer->directory_bytes, 8);
    put(record, 1, 4);
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
    return value < limit ? value : limit;
}

static enum mu_status copy_directory(struct zip_writer *writer, struct mu_error *err)
{
    char bytes[ZIP_PIECE_BYTES];
    enum mu_status st = MU_OK;
    size_t len;

    if (fflush(writer->directory) != 0 || fseeko(writer->directory, 0, SEEK_SET) != 0)
        return failed(err);
    while (st == MU_OK && (len = fread(bytes, 1, sizeof(bytes), writer->directory)) > 0)
        st = emit(writer, bytes, len, err);
    return st == MU_OK && ferror(writer->directory) ? failed(err) : st;
}

enum mu_status zip_writer_finish(struct zip_writer *writer, struct mu_error *err)
{
    const uint64_t begin = writer->at;
    struct record wide = {.len = 0}, end = {.len = 0};
    enum mu_status st = copy_directory(writer, err);

    if (writer->entries >= ZIP_WIDE_16 || begin >= ZIP_WIDE_32 ||
        writer->directory_bytes >= ZIP_WIDE_32)
        put_wide_end(writer, begin, &wide);
    put(&end, ZIP_END, 4);
    put(&end, 0, 4); /* disks */
    put(&end, at_most(writer->entries, ZIP_WIDE_16), 2);
    put(&end, at_most(writer->entries, ZIP_WIDE_16), 2);
    put(&end, at_most(writer->directory_bytes, ZIP_WIDE_32), 4);
    put(&end, at_most(begin, ZIP_WIDE_32), 4);
    put(&end, 0, 2); /* comment */
    if (st == MU_OK)
        st = emit(writer, wide.bytes, wide.len, err);
    return st == MU_OK ? emit(writer, end.bytes, end.len, err) : st;
}

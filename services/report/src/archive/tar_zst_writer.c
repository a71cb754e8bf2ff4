#include "archive/tar_zst.h"

#include "archive/tar_layout.h"

#include "base/memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

enum { TAR_LEVEL = 6, TAR_PIECE_BYTES = 64 * 1024, PAX_RECORD_BYTES = 512 };
#define TAR_TIME_1980 315532800UL

struct tar_zst_writer {
    FILE *out;
    ZSTD_CCtx *zstd;
};

enum mu_status tar_zst_writer_new(FILE *out, struct tar_zst_writer **ret_writer,
                                  struct mu_error *err)
{
    MU_AUTO(tar_zst_writer) struct tar_zst_writer *writer = mu_xcalloc(1, sizeof(*writer));

    writer->out = out;
    writer->zstd = ZSTD_createCCtx();
    if (!writer->zstd ||
        ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, TAR_LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1)))
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    *ret_writer = writer;
    writer = NULL;
    return MU_OK;
}

void tar_zst_writer_free(struct tar_zst_writer *writer)
{
    if (!writer)
        return;
    (void)ZSTD_freeCCtx(writer->zstd);
    free(writer);
}

static enum mu_status emit(struct tar_zst_writer *writer, const void *bytes, size_t len,
                           ZSTD_EndDirective end, struct mu_error *err)
{
    char packed[TAR_PIECE_BYTES];
    ZSTD_inBuffer in = {bytes, len, 0};
    size_t left;

    do {
        ZSTD_outBuffer out = {packed, sizeof(packed), 0};

        left = ZSTD_compressStream2(writer->zstd, &out, &in, end);
        if (ZSTD_isError(left))
            return mu_fail(err, MU_E_INTERNAL, "zstd: %s", ZSTD_getErrorName(left));
        if (fwrite(packed, 1, out.pos, writer->out) != out.pos)
            return mu_fail(err, MU_E_UNAVAILABLE, "write: %s", strerror(errno));
    } while (end == ZSTD_e_end ? left > 0 : in.pos < in.size);
    return MU_OK;
}

/* Digits to fill the field but for its NUL. */
static void put_octal(char *field, size_t bytes, uint64_t value)
{
    field[bytes - 1] = '\0';
    for (size_t i = bytes - 1; i-- > 0; value >>= 3)
        field[i] = (char)('0' + (value & 7));
}

static enum mu_status emit_header(struct tar_zst_writer *writer, const char *name, char type,
                                  uint64_t size, struct mu_error *err)
{
    char head[TAR_BLOCK] = {0};
    unsigned sum = 0;

    memcpy(head + TAR_NAME, name, strnlen(name, TAR_NAME_BYTES));
    put_octal(head + TAR_MODE, 8, 0644);
    put_octal(head + TAR_UID, 8, 0);
    put_octal(head + TAR_GID, 8, 0);
    put_octal(head + TAR_SIZE, TAR_SIZE_BYTES, size <= TAR_SIZE_MAX ? size : 0);
    put_octal(head + TAR_TIME, 12, TAR_TIME_1980);
    head[TAR_TYPE] = type;
    memcpy(head + TAR_MAGIC, "ustar\00000", 8);
    memset(head + TAR_CHECKSUM, ' ', TAR_CHECKSUM_BYTES);
    for (size_t i = 0; i < sizeof(head); i++)
        sum += (unsigned char)head[i];
    put_octal(head + TAR_CHECKSUM, TAR_CHECKSUM_BYTES - 1, sum);
    return emit(writer, head, sizeof(head), ZSTD_e_continue, err);
}

static enum mu_status emit_padding(struct tar_zst_writer *writer, uint64_t size,
                                   struct mu_error *err)
{
    static const char zeros[TAR_BLOCK];
    size_t over = (size_t)(size % TAR_BLOCK);

    return over ? emit(writer, zeros, TAR_BLOCK - over, ZSTD_e_continue, err) : MU_OK;
}

/* "LEN KEY=VALUE\n", whose length counts itself. */
static void put_pax(char *records, size_t room, const char *key, const char *value)
{
    size_t used = strlen(records), body = strlen(key) + strlen(value) + 3, len = body + 1;

    while (len != body + (size_t)snprintf(NULL, 0, "%zu", len))
        len++;
    (void)snprintf(records + used, room - used, "%zu %s=%s\n", len, key, value);
}

/* What the header has no room for. */
static enum mu_status emit_pax(struct tar_zst_writer *writer, const char *name, uint64_t size,
                               struct mu_error *err)
{
    char records[PAX_RECORD_BYTES] = "", number[32];
    enum mu_status st;

    if (strlen(name) > TAR_NAME_BYTES)
        put_pax(records, sizeof(records), "path", name);
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)size);
    if (size > TAR_SIZE_MAX)
        put_pax(records, sizeof(records), "size", number);
    if (!*records)
        return MU_OK;
    st = emit_header(writer, "pax", 'x', strlen(records), err);
    if (st == MU_OK)
        st = emit(writer, records, strlen(records), ZSTD_e_continue, err);
    return st == MU_OK ? emit_padding(writer, strlen(records), err) : st;
}

static enum mu_status emit_file(struct tar_zst_writer *writer, FILE *in, const char *name,
                                uint64_t size, struct mu_error *err)
{
    char bytes[TAR_PIECE_BYTES];
    uint64_t got = 0;
    enum mu_status st = MU_OK;
    size_t len;

    while (st == MU_OK && (len = fread(bytes, 1, sizeof(bytes), in)) > 0) {
        got += len;
        if (got <= size)
            st = emit(writer, bytes, len, ZSTD_e_continue, err);
    }
    if (st == MU_OK && ferror(in))
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", name, strerror(errno));
    if (st == MU_OK && got != size)
        return mu_fail(err, MU_E_CONFLICT, "'%s' has changed while it was packed", name);
    return st == MU_OK ? emit_padding(writer, size, err) : st;
}

enum mu_status tar_zst_writer_add(struct tar_zst_writer *writer, const char *name, const char *path,
                                  struct mu_error *err)
{
    MU_AUTO_FILE FILE *in = fopen(path, "re");
    struct stat status;
    uint64_t size;
    enum mu_status st;

    if (!in || fstat(fileno(in), &status) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    size = (uint64_t)status.st_size;
    st = emit_pax(writer, name, size, err);
    if (st == MU_OK)
        st = emit_header(writer, name, '0', size, err);
    return st == MU_OK ? emit_file(writer, in, name, size, err) : st;
}

enum mu_status tar_zst_writer_finish(struct tar_zst_writer *writer, struct mu_error *err)
{
    static const char zeros[2 * TAR_BLOCK];

    return emit(writer, zeros, sizeof(zeros), ZSTD_e_end, err);
}

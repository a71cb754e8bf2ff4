#include "layer/layer_inflate.h"

#include "base/memory.h"
#include "base/scratch.h"

#include <isa-l.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#define ZSTD_STATIC_LINKING_ONLY /* ZSTD_createDCtx_advanced: the window is scratch memory */
#include <zstd.h>
#include <zstd_errors.h>

enum {
    OUT_BYTES = 128 * 1024, /* stays in the second-level cache for hashing and walking */
    ZSTD_WINDOW_LOG_MAX = 27
};

enum gzip_place {
    GZIP_BEFORE_MEMBER, /* the next byte starts a member, or there is none */
    GZIP_IN_HEADER,     /* of a member */
    GZIP_IN_MEMBER,
    GZIP_ZERO_PADDING /* tar writers that fill up the last record */
};

struct layer_inflate {
    layer_bytes_fn *on_bytes;
    void *opaque;
    enum layer_coding coding;
    uint8_t magic[LAYER_MAGIC_BYTES];
    size_t magic_len;
    struct inflate_state *gzip;
    struct isal_gzip_header gzip_header; /* as far as it was read */
    enum gzip_place gzip_place;
    uint64_t gzip_members;
    ZSTD_DCtx *zstd;
    bool zstd_in_frame;
    uint8_t *out;
};

struct coding_row {
    enum layer_coding coding;
    const char *name;
    size_t magic_len;
    uint8_t magic[LAYER_MAGIC_BYTES];
};

static const struct coding_row coding_rows[] = {
        {LAYER_CODING_GZIP, "gzip", 2, {0x1f, 0x8b}},
        {LAYER_CODING_ZSTD, "zstd", 4, {0x28, 0xb5, 0x2f, 0xfd}},
        {LAYER_CODING_XZ, "xz", 6, {0xfd, '7', 'z', 'X', 'Z', 0}},
        {LAYER_CODING_BZIP2, "bzip2", 3, {'B', 'Z', 'h'}},
};

static bool zstd_skippable(const uint8_t *bytes, size_t len)
{
    return len >= 4 && (bytes[0] & 0xf0) == 0x50 && bytes[1] == 0x2a && bytes[2] == 0x4d &&
           bytes[3] == 0x18;
}

/* UNKNOWN when fewer than LAYER_MAGIC_BYTES leave it open. */
static enum layer_coding layer_coding_of(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < sizeof(coding_rows) / sizeof(coding_rows[0]); i++) {
        const struct coding_row *row = &coding_rows[i];

        if (len >= row->magic_len && memcmp(bytes, row->magic, row->magic_len) == 0)
            return row->coding;
    }
    if (zstd_skippable(bytes, len))
        return LAYER_CODING_ZSTD;
    return len >= LAYER_MAGIC_BYTES ? LAYER_CODING_PLAIN : LAYER_CODING_UNKNOWN;
}

static const char *layer_coding_name(enum layer_coding coding)
{
    for (size_t i = 0; i < sizeof(coding_rows) / sizeof(coding_rows[0]); i++) {
        if (coding_rows[i].coding == coding)
            return coding_rows[i].name;
    }
    return coding == LAYER_CODING_PLAIN ? "plain" : "unknown";
}

enum mu_status layer_inflate_new(layer_bytes_fn *on_bytes, void *opaque,
                                 struct layer_inflate **ret_inflate, struct mu_error *err)
{
    MU_AUTO(layer_inflate) struct layer_inflate *inflate = mu_xcalloc(1, sizeof(*inflate));

    inflate->on_bytes = on_bytes;
    inflate->opaque = opaque;
    inflate->out = malloc(OUT_BYTES);
    if (!inflate->out)
        return mu_fail(err, MU_E_NOMEM, "no memory for a layer's buffer");
    *ret_inflate = inflate;
    inflate = NULL;
    return MU_OK;
}

void layer_inflate_free(struct layer_inflate *inflate)
{
    if (!inflate)
        return;
    free(inflate->gzip);
    (void)ZSTD_freeDCtx(inflate->zstd);
    free(inflate->out);
    free(inflate);
}

enum layer_coding layer_inflate_coding(const struct layer_inflate *inflate)
{
    return inflate->coding;
}

static enum mu_status gzip_open(struct layer_inflate *inflate, struct mu_error *err)
{
    inflate->gzip = calloc(1, sizeof(*inflate->gzip));
    if (!inflate->gzip)
        return mu_fail(err, MU_E_NOMEM, "no memory for gzip");
    return MU_OK;
}

static void *zstd_memory(void *opaque, size_t size_bytes)
{
    (void)opaque;
    return mu_scratch_realloc(NULL, 0, size_bytes);
}

static void zstd_memory_free(void *opaque, void *memory)
{
    (void)opaque;
    mu_scratch_free(memory);
}

static enum mu_status zstd_open(struct layer_inflate *inflate, struct mu_error *err)
{
    const ZSTD_customMem memory = {.customAlloc = zstd_memory, .customFree = zstd_memory_free};

    inflate->zstd = ZSTD_createDCtx_advanced(memory);
    if (!inflate->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(inflate->zstd, ZSTD_d_windowLogMax,
                                                              ZSTD_WINDOW_LOG_MAX)))
        return mu_fail(err, MU_E_NOMEM, "no memory for zstd");
    return MU_OK;
}

static const char *gzip_fault(int code)
{
    switch (code) {
    case ISAL_INVALID_BLOCK:
    case ISAL_INVALID_SYMBOL:
    case ISAL_INVALID_LOOKBACK:
        return "damaged deflate data";
    case ISAL_INCORRECT_CHECKSUM:
        return "its CRC or length is wrong";
    default:
        return "damaged header";
    }
}

/*
 * The header, on its own: isal_inflate forgets between its calls which optional fields there are,
 * so that a header in two pieces would be read as if it had others.
 */
static enum mu_status gzip_header(struct layer_inflate *inflate, struct mu_error *err)
{
    int code = isal_read_gzip_header(inflate->gzip, &inflate->gzip_header);

    if (code == ISAL_DECOMP_OK)
        inflate->gzip_place = GZIP_IN_MEMBER;
    else if (code != ISAL_END_INPUT)
        return mu_fail(err, MU_E_INVALID, "gzip member %llu: %s",
                       (unsigned long long)inflate->gzip_members, gzip_fault(code));
    return MU_OK;
}

/* One call of the decoder; what it wrote goes on. */
static enum mu_status gzip_step(struct layer_inflate *inflate, struct mu_error *err)
{
    struct inflate_state *gzip = inflate->gzip;
    int code;

    gzip->next_out = inflate->out;
    gzip->avail_out = OUT_BYTES;
    code = isal_inflate(gzip);
    if (code < 0 || code == ISAL_NEED_DICT)
        return mu_fail(err, MU_E_INVALID, "gzip member %llu: %s",
                       (unsigned long long)inflate->gzip_members, gzip_fault(code));
    if (gzip->block_state == ISAL_BLOCK_FINISH)
        inflate->gzip_place = GZIP_BEFORE_MEMBER;
    return inflate->on_bytes(inflate->opaque, inflate->out, OUT_BYTES - gzip->avail_out, err);
}

/* Decodes until the input is used up and no output waits, or the member ends. */
static enum mu_status gzip_member(struct layer_inflate *inflate, struct mu_error *err)
{
    enum mu_status st;

    do {
        st = gzip_step(inflate, err);
    } while (st == MU_OK && inflate->gzip_place == GZIP_IN_MEMBER &&
             (inflate->gzip->avail_in > 0 || inflate->gzip->avail_out == 0));
    return st;
}

static void gzip_start_member(struct layer_inflate *inflate)
{
    struct inflate_state *gzip = inflate->gzip;
    uint8_t *next_in = gzip->next_in;
    uint32_t avail_in = gzip->avail_in;

    isal_inflate_init(gzip);
    isal_gzip_header_init(&inflate->gzip_header);
    gzip->crc_flag = ISAL_GZIP_NO_HDR_VER;
    gzip->next_in = next_in;
    gzip->avail_in = avail_in;
    inflate->gzip_place = GZIP_IN_HEADER;
    inflate->gzip_members++;
}

static enum mu_status gzip_between(struct layer_inflate *inflate, struct mu_error *err)
{
    uint8_t byte = *inflate->gzip->next_in;

    if (inflate->gzip_place == GZIP_BEFORE_MEMBER && byte == 0x1f) {
        gzip_start_member(inflate);
        return MU_OK;
    }
    if (byte != 0)
        return mu_fail(err, MU_E_INVALID, "bytes that are no gzip behind member %llu",
                       (unsigned long long)inflate->gzip_members);
    inflate->gzip_place = GZIP_ZERO_PADDING;
    inflate->gzip->next_in++;
    inflate->gzip->avail_in--;
    return MU_OK;
}

static enum mu_status gzip_write(struct layer_inflate *inflate, const uint8_t *bytes, size_t len,
                                 struct mu_error *err)
{
    struct inflate_state *gzip = inflate->gzip;
    enum mu_status st = MU_OK;

    /* ISA-L's pointer is not const, but it only reads. */
    gzip->next_in = (uint8_t *)(uintptr_t)bytes;
    gzip->avail_in = (uint32_t)len;
    while (st == MU_OK && gzip->avail_in > 0) {
        if (inflate->gzip_place == GZIP_IN_HEADER)
            st = gzip_header(inflate, err);
        else if (inflate->gzip_place == GZIP_IN_MEMBER)
            st = gzip_member(inflate, err);
        else
            st = gzip_between(inflate, err);
    }
    return st;
}

/* A call behind a frame's end without input would look like the start of another frame. */
static enum mu_status zstd_write(struct layer_inflate *inflate, const uint8_t *bytes, size_t len,
                                 struct mu_error *err)
{
    ZSTD_inBuffer in = {.src = bytes, .size = len};
    ZSTD_outBuffer out = {.dst = inflate->out, .size = OUT_BYTES};

    do {
        size_t left;

        out.pos = 0;
        mu_scratch_look();
        left = ZSTD_decompressStream(inflate->zstd, &out, &in);
        if (ZSTD_isError(left))
            return mu_fail(err,
                           ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge
                                   ? MU_E_LIMIT
                                   : MU_E_INVALID,
                           "zstd: %s", ZSTD_getErrorName(left));
        inflate->zstd_in_frame = left > 0;
        if (inflate->on_bytes(inflate->opaque, inflate->out, out.pos, err) != MU_OK)
            return err->status;
    } while (in.pos < in.size || (inflate->zstd_in_frame && out.pos == out.size));
    return MU_OK;
}

/* Opens the decoder once the coding is known. */
static enum mu_status coding_open(struct layer_inflate *inflate, struct mu_error *err)
{
    switch (inflate->coding) {
    case LAYER_CODING_GZIP:
        return gzip_open(inflate, err);
    case LAYER_CODING_ZSTD:
        return zstd_open(inflate, err);
    case LAYER_CODING_XZ:
    case LAYER_CODING_BZIP2:
        return mu_fail(err, MU_E_INVALID, "compressed with %s, which no image format allows",
                       layer_coding_name(inflate->coding));
    case LAYER_CODING_PLAIN:
    case LAYER_CODING_UNKNOWN:
        break;
    }
    return MU_OK;
}

/* At most 1 GiB at a time: ISA-L counts in 32 bits. */
static enum mu_status coding_write(struct layer_inflate *inflate, const uint8_t *bytes, size_t len,
                                   struct mu_error *err)
{
    const size_t most = (size_t)1 << 30;
    enum mu_status st = MU_OK;

    while (len > 0 && st == MU_OK) {
        size_t take = len < most ? len : most;

        if (inflate->coding == LAYER_CODING_GZIP)
            st = gzip_write(inflate, bytes, take, err);
        else if (inflate->coding == LAYER_CODING_ZSTD)
            st = zstd_write(inflate, bytes, take, err);
        else
            st = inflate->on_bytes(inflate->opaque, bytes, take, err);
        bytes += take;
        len -= take;
    }
    return st;
}

static enum mu_status coding_begin(struct layer_inflate *inflate, enum layer_coding coding,
                                   struct mu_error *err)
{
    inflate->coding = coding;
    if (coding_open(inflate, err) != MU_OK)
        return err->status;
    return coding_write(inflate, inflate->magic, inflate->magic_len, err);
}

enum mu_status layer_inflate_write(struct layer_inflate *inflate, const void *bytes, size_t len,
                                   struct mu_error *err)
{
    const uint8_t *at = bytes;

    while (inflate->coding == LAYER_CODING_UNKNOWN && len > 0) {
        enum layer_coding coding;

        inflate->magic[inflate->magic_len++] = *at++;
        len--;
        coding = layer_coding_of(inflate->magic, inflate->magic_len);
        if (coding != LAYER_CODING_UNKNOWN && coding_begin(inflate, coding, err) != MU_OK)
            return err->status;
    }
    return coding_write(inflate, at, len, err);
}

enum mu_status layer_inflate_finish(struct layer_inflate *inflate, struct mu_error *err)
{
    if (inflate->coding == LAYER_CODING_UNKNOWN &&
        coding_begin(inflate, LAYER_CODING_PLAIN, err) != MU_OK)
        return err->status;
    if (inflate->coding == LAYER_CODING_GZIP &&
        (inflate->gzip_place == GZIP_IN_HEADER || inflate->gzip_place == GZIP_IN_MEMBER))
        return mu_fail(err, MU_E_INVALID, "gzip is cut off in member %llu",
                       (unsigned long long)inflate->gzip_members);
    if (inflate->coding == LAYER_CODING_ZSTD && inflate->zstd_in_frame)
        return mu_fail(err, MU_E_INVALID, "zstd is cut off inside a frame");
    return MU_OK;
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "layer/layer_stream.h"
#include "layer_build.h"

static enum mu_status on_entry(void *opaque, const struct tar_entry *entry, enum tar_want *ret_want,
                               struct mu_error *err)
{
    struct mu_buf *names = opaque;

    (void)err;
    mu_buf_printf(names, "%s ", entry->path);
    *ret_want = TAR_SKIP;
    return MU_OK;
}

static const struct layer_limits wide = {.max_unpacked_bytes = (uint64_t)1 << 34,
                                         .max_entries = 1000000};

static enum mu_status stream(const struct mu_buf *layer, size_t piece,
                             const struct layer_limits *limits, struct layer_result *ret_result,
                             struct mu_buf *names, struct mu_error *err)
{
    const struct tar_sink sink = {.opaque = names, .on_entry = on_entry};
    MU_AUTO(layer_stream) struct layer_stream *layer_stream = NULL;

    if (layer_stream_new(limits, &sink, &layer_stream, err) != MU_OK)
        return err->status;
    for (size_t at = 0; at < layer->len; at += piece) {
        size_t take = layer->len - at < piece ? layer->len - at : piece;

        if (layer_stream_write(layer_stream, layer->data + at, take, err) != MU_OK)
            return err->status;
    }
    return layer_stream_finish(layer_stream, ret_result, err);
}

struct fixture {
    struct mu_buf tar, packed, names;
    struct mu_error err;
    struct layer_result result;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    mu_buf_init(&f->tar, LAYER_BUILD_MAX);
    mu_buf_init(&f->packed, LAYER_BUILD_MAX);
    mu_buf_init(&f->names, 1 << 20);
    layer_build_file(&f->tar, "etc/one", "1");
    layer_build_file(&f->tar, "two", "a longer text, a longer text, a longer text");
    layer_build_end(&f->tar);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    mu_buf_done(&f->tar);
    mu_buf_done(&f->packed);
    mu_buf_done(&f->names);
    free(f);
    return 0;
}

/* In pieces of every size up to 40 and whole. */
static void expect_read(struct fixture *f, enum layer_coding coding)
{
    char diff_id[MU_DIGEST_TEXT_SIZE];

    mu_sha256_text(f->tar.data, f->tar.len, diff_id);
    for (size_t piece = 1; piece <= 41; piece++) {
        size_t take = piece == 41 ? f->packed.len : piece;

        mu_buf_reset(&f->names);
        if (stream(&f->packed, take, &wide, &f->result, &f->names, &f->err) != MU_OK)
            fail_msg("in pieces of %zu: %s", take, f->err.message);
        assert_string_equal(f->names.data, "etc/one two ");
        assert_string_equal(f->result.diff_id, diff_id);
        assert_int_equal(f->result.packed_bytes, f->packed.len);
        assert_int_equal(f->result.unpacked_bytes, f->tar.len);
        assert_int_equal(f->result.entries, 2);
        assert_int_equal(f->result.coding, coding);
    }
}

static void expect_status(struct fixture *f, const struct layer_limits *limits,
                          enum mu_status status, const char *word)
{
    struct layer_result untouched = {.entries = 77};

    assert_int_equal(stream(&f->packed, 4096, limits, &untouched, &f->names, &f->err), status);
    if (!strstr(f->err.message, word))
        fail_msg("'%s' does not say '%s'", f->err.message, word);
    assert_int_equal(untouched.entries, 77);
}

static void a_plain_tar_is_read(void **state)
{
    struct fixture *f = *state;

    mu_buf_append(&f->packed, f->tar.data, f->tar.len);
    expect_read(f, LAYER_CODING_PLAIN);
}

static void a_gzip_tar_is_read(void **state)
{
    struct fixture *f = *state;

    layer_build_gzip(f->tar.data, f->tar.len, &f->packed);
    expect_read(f, LAYER_CODING_GZIP);
}

static void gzip_members_are_read_one_after_the_other(void **state)
{
    struct fixture *f = *state;

    layer_build_gzip(f->tar.data, 100, &f->packed);
    layer_build_gzip("", 0, &f->packed);
    layer_build_gzip(f->tar.data + 100, 600, &f->packed);
    layer_build_gzip(f->tar.data + 700, f->tar.len - 700, &f->packed);
    expect_read(f, LAYER_CODING_GZIP);
}

/* eStargz ends with an empty member that has an extra field. expect_read writes pieces of all
 * sizes. */
static void optional_fields_of_a_gzip_header_may_come_in_pieces(void **state)
{
    static const char fields[] = "\x05\x00"
                                 "extra"
                                 "a name\0"
                                 "a comment";
    struct fixture *f = *state;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf plain;

    mu_buf_init(&plain, LAYER_BUILD_MAX);
    layer_build_gzip(f->tar.data, f->tar.len, &plain);
    mu_buf_append(&f->packed, plain.data, 3);
    mu_buf_append(&f->packed, "\x1c", 1); /* FEXTRA, FNAME, FCOMMENT */
    mu_buf_append(&f->packed, plain.data + 4, 6);
    mu_buf_append(&f->packed, fields, sizeof(fields));
    mu_buf_append(&f->packed, plain.data + 10, plain.len - 10);
    expect_read(f, LAYER_CODING_GZIP);
}

static void zeros_behind_the_last_gzip_member_are_padding(void **state)
{
    struct fixture *f = *state;
    static const char zeros[100];

    layer_build_gzip(f->tar.data, f->tar.len, &f->packed);
    mu_buf_append(&f->packed, zeros, sizeof(zeros));
    expect_read(f, LAYER_CODING_GZIP);
}

static void zstd_frames_are_read_with_skippable_ones_between(void **state)
{
    struct fixture *f = *state;
    static const char skippable[] = "\x51\x2a\x4d\x18\x03\x00\x00\x00"
                                    "abc";

    mu_buf_append(&f->packed, skippable, sizeof(skippable) - 1);
    layer_build_zstd(f->tar.data, 100, &f->packed);
    mu_buf_append(&f->packed, skippable, sizeof(skippable) - 1);
    layer_build_zstd(f->tar.data + 100, f->tar.len - 100, &f->packed);
    expect_read(f, LAYER_CODING_ZSTD);
}

/* Tars that fill the decoder's last buffer to the brim end no less than others. */
static void a_layer_of_whole_buffers_is_not_called_cut_off(void **state)
{
    struct fixture *f = *state;
    static char text[64 * 1024];

    for (size_t buffers = 1; buffers <= 3; buffers++) {
        size_t size = buffers * 128 * 1024;

        mu_buf_reset(&f->tar);
        layer_build_file(&f->tar, "etc/one", "1");
        layer_build_file(&f->tar, "two", "2");
        while (f->tar.len < size)
            mu_buf_append(&f->tar, text,
                          size - f->tar.len < sizeof(text) ? size - f->tar.len : sizeof(text));
        mu_buf_reset(&f->packed);
        layer_build_zstd(f->tar.data, f->tar.len, &f->packed);
        expect_read(f, LAYER_CODING_ZSTD);
        mu_buf_reset(&f->packed);
        layer_build_gzip(f->tar.data, f->tar.len, &f->packed);
        expect_read(f, LAYER_CODING_GZIP);
    }
}

static void xz_and_bzip2_are_named_and_refused(void **state)
{
    struct fixture *f = *state;

    mu_buf_append(&f->packed,
                  "\xfd"
                  "7zXZ\0\0\0\0",
                  9);
    expect_status(f, &wide, MU_E_INVALID, "compressed with xz");
    mu_buf_reset(&f->packed);
    mu_buf_puts(&f->packed, "BZh91AY&SY");
    expect_status(f, &wide, MU_E_INVALID, "compressed with bzip2");
}

static void what_is_no_tar_is_refused(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 100; i++)
        mu_buf_puts(&f->packed, "{\"json\": \"layer\"}");
    expect_status(f, &wide, MU_E_INVALID, "no tar header");
}

static void an_empty_blob_is_an_empty_layer(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(stream(&f->packed, 1, &wide, &f->result, &f->names, &f->err), MU_OK);
    assert_int_equal(f->result.entries, 0);
}

static void bytes_behind_the_last_gzip_member_are_refused(void **state)
{
    struct fixture *f = *state;

    layer_build_gzip(f->tar.data, f->tar.len, &f->packed);
    mu_buf_puts(&f->packed, "junk");
    expect_status(f, &wide, MU_E_INVALID, "no gzip behind member 1");
}

static void a_wrong_gzip_crc_is_refused(void **state)
{
    struct fixture *f = *state;

    layer_build_gzip(f->tar.data, f->tar.len, &f->packed);
    f->packed.data[f->packed.len - 8] ^= 1;
    expect_status(f, &wide, MU_E_INVALID, "CRC");
}

static void a_wrong_gzip_length_is_refused(void **state)
{
    struct fixture *f = *state;

    layer_build_gzip(f->tar.data, f->tar.len, &f->packed);
    f->packed.data[f->packed.len - 4] ^= 1;
    expect_status(f, &wide, MU_E_INVALID, "length is wrong");
}

/* Cut at every byte of the packed form. */
static void expect_cut_refused(struct fixture *f)
{
    size_t whole = f->packed.len;

    for (size_t len = 1; len < whole; len++) {
        f->packed.len = len;
        if (stream(&f->packed, whole, &wide, &f->result, &f->names, &f->err) != MU_E_INVALID)
            fail_msg("cut at %zu of %zu was not refused", len, whole);
    }
    f->packed.len = whole;
}

static void a_gzip_layer_cut_anywhere_is_refused(void **state)
{
    struct fixture *f = *state;

    layer_build_gzip(f->tar.data, f->tar.len, &f->packed);
    expect_cut_refused(f);
}

static void a_zstd_layer_cut_anywhere_is_refused(void **state)
{
    struct fixture *f = *state;

    layer_build_zstd(f->tar.data, f->tar.len, &f->packed);
    expect_cut_refused(f);
}

static void a_zstd_window_over_128_mebibytes_is_refused(void **state)
{
    struct fixture *f = *state;
    /* frame header: no single segment, window descriptor exponent 18 -> 2^28 */
    static const char frame[] = "\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00";

    mu_buf_append(&f->packed, frame, sizeof(frame) - 1);
    expect_status(f, &wide, MU_E_LIMIT, "zstd");
}

static void a_gzip_bomb_ends_at_the_unpacked_limit(void **state)
{
    struct fixture *f = *state;
    const struct layer_limits limits = {.max_unpacked_bytes = 1 << 20, .max_entries = 10};
    size_t size = 32 << 20;
    char *zeros = calloc(1, size);

    layer_build_gzip(zeros, size, &f->packed);
    free(zeros);
    mu_buf_reset(&f->tar);
    expect_status(f, &limits, MU_E_LIMIT, "unpacks to more than 1048576 bytes");
}

static void a_zstd_bomb_ends_at_the_ratio(void **state)
{
    struct fixture *f = *state;
    size_t size = LAYER_RATIO_FREE_BYTES + (1 << 20);
    char *zeros = calloc(1, size);

    layer_build_zstd(zeros, size, &f->packed);
    free(zeros);
    assert_true(f->packed.len * LAYER_RATIO_MAX < size);
    expect_status(f, &wide, MU_E_LIMIT, "more than 1100 times");
}

static void the_entry_limit_reaches_the_walk(void **state)
{
    struct fixture *f = *state;
    const struct layer_limits limits = {.max_unpacked_bytes = 1 << 20, .max_entries = 1};

    mu_buf_append(&f->packed, f->tar.data, f->tar.len);
    expect_status(f, &limits, MU_E_LIMIT, "more than 1 entries");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_plain_tar_is_read),
            TEST(a_gzip_tar_is_read),
            TEST(gzip_members_are_read_one_after_the_other),
            TEST(optional_fields_of_a_gzip_header_may_come_in_pieces),
            TEST(zeros_behind_the_last_gzip_member_are_padding),
            TEST(zstd_frames_are_read_with_skippable_ones_between),
            TEST(a_layer_of_whole_buffers_is_not_called_cut_off),
            TEST(xz_and_bzip2_are_named_and_refused),
            TEST(what_is_no_tar_is_refused),
            TEST(an_empty_blob_is_an_empty_layer),
            TEST(bytes_behind_the_last_gzip_member_are_refused),
            TEST(a_wrong_gzip_crc_is_refused),
            TEST(a_wrong_gzip_length_is_refused),
            TEST(a_gzip_layer_cut_anywhere_is_refused),
            TEST(a_zstd_layer_cut_anywhere_is_refused),
            TEST(a_zstd_window_over_128_mebibytes_is_refused),
            TEST(a_gzip_bomb_ends_at_the_unpacked_limit),
            TEST(a_zstd_bomb_ends_at_the_ratio),
            TEST(the_entry_limit_reaches_the_walk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "layer/tar_path.h"
#include "layer/tar_walk.h"
#include "layer_build.h"

struct seen {
    struct mu_buf text; /* one line per entry: kind path>link size */
    struct mu_buf content;
};

static enum mu_status on_entry(void *opaque, const struct tar_entry *entry, enum tar_want *ret_want,
                               struct mu_error *err)
{
    struct seen *seen = opaque;

    (void)err;
    assert_int_equal(entry->path_len, strlen(entry->path));
    assert_int_equal(entry->link_len, strlen(entry->link));
    mu_buf_printf(&seen->text, "%c %s", "fdlho"[entry->kind], entry -> path);
    if (entry->link_len > 0)
        mu_buf_printf(&seen->text, ">%s", entry->link);
    mu_buf_printf(&seen->text, " %llu\n", (unsigned long long)entry->size_bytes);
    *ret_want = TAR_KEEP;
    return MU_OK;
}

static enum mu_status on_content(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct seen *seen = opaque;

    (void)err;
    mu_buf_append(&seen->content, bytes, len);
    return MU_OK;
}

static enum mu_status on_end(void *opaque, struct mu_error *err)
{
    struct seen *seen = opaque;

    (void)err;
    mu_buf_puts(&seen->content, "|");
    return MU_OK;
}

static bool wants_hole(void *opaque)
{
    (void)opaque;
    return true;
}

static void seen_init(struct seen *seen)
{
    mu_buf_init(&seen->text, 16 * 1024 * 1024);
    mu_buf_init(&seen->content, 16 * 1024 * 1024);
}

static void seen_done(struct seen *seen)
{
    mu_buf_done(&seen->text);
    mu_buf_done(&seen->content);
}

/* Walks the bytes in pieces of `piece`. */
static enum mu_status walk(const char *bytes, size_t len, size_t piece, struct seen *seen,
                           struct mu_error *err)
{
    const struct tar_sink sink = {.opaque = seen,
                                  .on_entry = on_entry,
                                  .on_content = on_content,
                                  .wants_hole = wants_hole,
                                  .on_end = on_end};
    MU_AUTO(tar_walk) struct tar_walk *tar = tar_walk_new(&sink, 1000);

    for (size_t at = 0; at < len; at += piece) {
        size_t take = len - at < piece ? len - at : piece;

        if (tar_walk_write(tar, bytes + at, take, err) != MU_OK)
            return err->status;
    }
    return tar_walk_finish(tar, err);
}

static struct mu_buf tar_new(void)
{
    struct mu_buf tar;

    mu_buf_init(&tar, LAYER_BUILD_MAX);
    return tar;
}

/* Walks to the end in one piece and in many, and compares what came out. */
static void expect_entries(struct mu_buf *tar, const char *entries)
{
    static const size_t pieces[] = {1 << 20, 1, 7, 511, 512, 513};
    struct mu_error err;

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct seen seen;

        seen_init(&seen);
        if (walk(tar->data, tar->len, pieces[i], &seen, &err) != MU_OK)
            fail_msg("%s", err.message);
        assert_string_equal(seen.text.data, entries);
        seen_done(&seen);
    }
    mu_buf_done(tar);
}

static void expect_status(struct mu_buf *tar, enum mu_status status, const char *word)
{
    struct mu_error err;
    struct seen seen;

    seen_init(&seen);
    assert_int_equal(walk(tar->data, tar->len, 1 << 20, &seen, &err), status);
    if (!strstr(err.message, word))
        fail_msg("'%s' does not say '%s'", err.message, word);
    seen_done(&seen);
    mu_buf_done(tar);
}

static void names_are_cleaned_and_stay_in_the_root(void **state)
{
    static const char *const cases[][2] = {
            {"./etc/os-release", "etc/os-release"},
            {"/etc/passwd", "etc/passwd"},
            {"../../etc/shadow", "etc/shadow"},
            {"a/../../b", "b"},
            {"a//b/./c/", "a/b/c"},
            {"..", ""},
            {".", ""},
            {"/", ""},
            {"a/..b/...", "a/..b/..."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[64];
        size_t len = tar_path_clean(cases[i][0], strlen(cases[i][0]), path);

        assert_string_equal(path, cases[i][1]);
        assert_int_equal(len, strlen(path));
    }
}

static void every_kind_of_entry_is_told(void **state)
{
    struct mu_buf tar = tar_new();

    (void)state;
    layer_build_entry(&tar, "etc/", '5', "", "", 0);
    layer_build_file(&tar, "./etc/motd", "hello");
    layer_build_symlink(&tar, "lib", "usr/../lib");
    layer_build_entry(&tar, "copy", '1', "./etc/motd", "", 0);
    layer_build_entry(&tar, "dev/null", '3', "", "", 0);
    layer_build_entry(&tar, "old-dir/", '\0', "", "", 0);
    layer_build_end(&tar);
    expect_entries(&tar, "d etc 0\nf etc/motd 5\nl lib>usr/../lib 0\nh copy>etc/motd 0\n"
                         "o dev/null 0\nd old-dir 0\n");
}

static void content_comes_whole_and_is_closed(void **state)
{
    struct mu_buf tar = tar_new();
    struct mu_error err;
    struct seen seen;

    (void)state;
    layer_build_file(&tar, "a", "one");
    layer_build_file(&tar, "empty", "");
    layer_build_file(&tar, "b", "two");
    layer_build_end(&tar);
    for (size_t piece = 1; piece < 600; piece += 13) {
        seen_init(&seen);
        assert_int_equal(walk(tar.data, tar.len, piece, &seen, &err), MU_OK);
        assert_string_equal(seen.content.data, "one||two|");
        seen_done(&seen);
    }
    mu_buf_done(&tar);
}

static void the_ustar_prefix_is_part_of_the_name(void **state)
{
    struct mu_buf tar = tar_new();
    uint8_t block[512];

    (void)state;
    layer_build_header(block, "name", '0', "", 0);
    memcpy(block + 345, "some/prefix", 11);
    layer_build_checksum(block);
    mu_buf_append(&tar, block, 512);
    memcpy(block + 257, "ustar  ", 8); /* GNU: no prefix */
    layer_build_checksum(block);
    mu_buf_append(&tar, block, 512);
    layer_build_end(&tar);
    expect_entries(&tar, "f some/prefix/name 0\nf name 0\n");
}

static void a_pax_header_replaces_name_link_and_size_once(void **state)
{
    struct mu_buf tar = tar_new();

    (void)state;
    layer_build_pax(&tar, "path", "long/../name");
    layer_build_file(&tar, "short", "x");
    layer_build_pax(&tar, "linkpath", "/else/where");
    layer_build_symlink(&tar, "link", "ignored");
    layer_build_pax(&tar, "size", "3");
    layer_build_entry(&tar, "sized", '0', "", "abc", 3);
    layer_build_file(&tar, "after", "y");
    layer_build_end(&tar);
    expect_entries(&tar, "f name 1\nl link>/else/where 0\nf sized 3\nf after 1\n");
}

static void gnu_long_names_are_read_up_to_their_nul(void **state)
{
    struct mu_buf tar = tar_new();
    char name[301];

    (void)state;
    memset(name, 'n', 300);
    name[300] = '\0';
    layer_build_entry(&tar, "././@LongLink", 'L', "", name, 301);
    layer_build_entry(&tar, "././@LongLink", 'K', "", "target", 7);
    layer_build_symlink(&tar, "nnn", "cut");
    layer_build_end(&tar);
    {
        struct mu_buf text;

        mu_buf_init(&text, 1024);
        mu_buf_printf(&text, "l %s>target 0\n", name);
        expect_entries(&tar, text.data);
        mu_buf_done(&text);
    }
}

static void a_global_pax_header_changes_nothing(void **state)
{
    struct mu_buf tar = tar_new();

    (void)state;
    layer_build_entry(&tar, "pax_global_header", 'g', "", "16 path=elsewhe\n", 16);
    layer_build_file(&tar, "here", "");
    layer_build_end(&tar);
    expect_entries(&tar, "f here 0\n");
}

/* ---- sparse files ---- */

/* What all of them hold: "..." is a hole. */
static const char sparse_whole[] = "\0\0\0abcd\0\0\0ef\0\0|x|";

static void expect_whole(struct mu_buf *tar, const char *entries)
{
    static const size_t pieces[] = {1 << 20, 1, 7, 512, 513};
    struct mu_error err;

    layer_build_file(tar, "after", "x");
    layer_build_end(tar);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct seen seen;

        seen_init(&seen);
        if (walk(tar->data, tar->len, pieces[i], &seen, &err) != MU_OK)
            fail_msg("%s", err.message);
        assert_string_equal(seen.text.data, entries);
        assert_int_equal(seen.content.len, sizeof(sparse_whole) - 1);
        assert_memory_equal(seen.content.data, sparse_whole, sizeof(sparse_whole) - 1);
        seen_done(&seen);
    }
    mu_buf_done(tar);
}

static void sparse_number(uint8_t *field, unsigned number)
{
    (void)snprintf((char *)field, 12, "%011o", number);
}

/* Parts by turns: offset, length; 0, 0 ends them. */
static void sparse_parts(uint8_t *at, const unsigned *parts)
{
    for (; parts[0] + parts[1] > 0; parts += 2, at += 24) {
        sparse_number(at, parts[0]);
        sparse_number(at + 12, parts[1]);
    }
}

static void sparse_header(struct mu_buf *tar, const unsigned *parts, unsigned size, bool more)
{
    uint8_t block[512];

    layer_build_header(block, "old", 'S', "", 6);
    memcpy(block + 257, "ustar  ", 8);
    sparse_parts(block + 386, parts);
    block[482] = more;
    sparse_number(block + 483, size);
    layer_build_checksum(block);
    mu_buf_append(tar, block, 512);
}

static void a_sparse_file_of_old_gnu_tar_has_its_holes(void **state)
{
    const unsigned parts[] = {3, 4, 10, 2, 14, 0, 0, 0};
    struct mu_buf tar = tar_new();

    (void)state;
    sparse_header(&tar, parts, 14, false);
    layer_build_data(&tar, "abcdef", 6);
    expect_whole(&tar, "f old 14\nf after 1\n");
}

static void a_sparse_file_may_have_its_map_in_more_blocks(void **state)
{
    const unsigned first[] = {3, 1, 4, 1, 5, 1, 0, 0}, then[] = {6, 1, 0, 0},
                   last[] = {10, 2, 0, 0};
    struct mu_buf tar = tar_new();
    uint8_t block[512] = {0};

    (void)state;
    sparse_header(&tar, first, 14, true);
    sparse_parts(block, then);
    block[504] = 1;
    mu_buf_append(&tar, block, 512);
    memset(block, 0, sizeof(block));
    sparse_parts(block, last);
    mu_buf_append(&tar, block, 512);
    layer_build_data(&tar, "abcdef", 6);
    expect_whole(&tar, "f old 14\nf after 1\n");
}

/* Several records in one PAX header. */
static void pax_records(struct mu_buf *tar, const char *const *records)
{
    char text[1024] = "", line[128];

    for (; *records; records++) {
        int len = (int)strlen(*records) + 4; /* two digits, a space, the line's end */

        (void)snprintf(line, sizeof(line), "%d %s\n", len, *records);
        (void)strncat(text, line, sizeof(text) - strlen(text) - 1);
    }
    layer_build_entry(tar, "pax", 'x', "", text, strlen(text));
}

static void sparse_files_of_pax_have_their_holes(void **state)
{
    const char *const version_00[] = {"GNU.sparse.size=14",
                                      "GNU.sparse.numblocks=2",
                                      "GNU.sparse.offset=3",
                                      "GNU.sparse.numbytes=4",
                                      "GNU.sparse.offset=10",
                                      "GNU.sparse.numbytes=2",
                                      NULL};
    const char *const version_01[] = {"GNU.sparse.size=14", "GNU.sparse.numblocks=2",
                                      "GNU.sparse.map=3,4,10,2", "GNU.sparse.name=real/name", NULL};
    const char *const version_10[] = {"GNU.sparse.major=1", "GNU.sparse.minor=0",
                                      "GNU.sparse.name=real/name", "GNU.sparse.realsize=14", NULL};
    char data[518] = "2\n3\n4\n10\n2\n";
    struct mu_buf tar = tar_new();

    (void)state;
    pax_records(&tar, version_00);
    layer_build_file(&tar, "plain", "abcdef");
    expect_whole(&tar, "f plain 14\nf after 1\n");
    tar = tar_new();
    pax_records(&tar, version_01);
    layer_build_file(&tar, "GNUSparseFile.0/name", "abcdef");
    expect_whole(&tar, "f real/name 14\nf after 1\n");
    tar = tar_new();
    pax_records(&tar, version_10);
    memcpy(data + 512, "abcdef", 6);
    layer_build_entry(&tar, "GNUSparseFile.0/name", '0', "", data, sizeof(data));
    expect_whole(&tar, "f real/name 14\nf after 1\n");
}

static void a_sparse_file_of_unknown_version_is_a_file_like_others(void **state)
{
    const char *const records[] = {"GNU.sparse.major=2", "GNU.sparse.minor=0",
                                   "GNU.sparse.name=real/name", NULL};
    struct mu_buf tar = tar_new();

    (void)state;
    pax_records(&tar, records);
    layer_build_file(&tar, "plain", "abc");
    layer_build_end(&tar);
    expect_entries(&tar, "f plain 3\n");
}

static void sparse_maps_that_make_no_sense_are_refused(void **state)
{
    static const unsigned wrong[][6] = {{3, 4, 5, 2, 0, 0},   /* parts overlap */
                                        {3, 4, 13, 2, 0, 0},  /* behind the file's end */
                                        {3, 4, 10, 1, 0, 0}}; /* other data than is stored */
    static const char *const maps[] = {"GNU.sparse.map=3,4,10", "GNU.sparse.map=3,4,x,2",
                                       "GNU.sparse.map=3,99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct mu_buf tar = tar_new();

        sparse_header(&tar, wrong[i], 14, false);
        layer_build_data(&tar, "abcdef", 6);
        layer_build_end(&tar);
        expect_status(&tar, MU_E_INVALID, "sparse");
    }
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        const char *const records[] = {"GNU.sparse.size=14", "GNU.sparse.numblocks=2", maps[i],
                                       NULL};
        struct mu_buf tar = tar_new();

        pax_records(&tar, records);
        layer_build_file(&tar, "plain", "abcdef");
        layer_build_end(&tar);
        expect_status(&tar, MU_E_INVALID, "sparse");
    }
}

static void a_map_before_the_data_has_limits_and_an_end(void **state)
{
    static const char *const maps[] = {"70000\n", "2\n3\n4\n10\n", "x\n", "\n", ""};
    static const enum mu_status expected[] = {MU_E_LIMIT, MU_E_INVALID, MU_E_INVALID, MU_E_INVALID,
                                              MU_E_INVALID};
    const char *const records[] = {"GNU.sparse.major=1", "GNU.sparse.minor=0",
                                   "GNU.sparse.realsize=14", NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        struct mu_buf tar = tar_new();
        char data[512] = "";

        memcpy(data, maps[i], strlen(maps[i]));
        pax_records(&tar, records);
        layer_build_entry(&tar, "f", '0', "", data, sizeof(data));
        layer_build_end(&tar);
        expect_status(&tar, expected[i], "sparse");
    }
}

static void a_sparse_file_cut_off_in_its_map_is_refused(void **state)
{
    const char *const records[] = {"GNU.sparse.major=1", "GNU.sparse.minor=0", NULL};
    struct mu_buf tar = tar_new();

    (void)state;
    pax_records(&tar, records);
    layer_build_file(&tar, "f", "");
    layer_build_end(&tar);
    expect_status(&tar, MU_E_INVALID, "map");
}

static void links_and_directories_carry_no_data_whatever_their_size(void **state)
{
    struct mu_buf tar = tar_new();
    uint8_t block[512];

    (void)state;
    layer_build_header(block, "dir", '5', "", 5000);
    mu_buf_append(&tar, block, 512);
    layer_build_header(block, "hard", '1', "dir", 5000);
    mu_buf_append(&tar, block, 512);
    layer_build_file(&tar, "after", "");
    layer_build_end(&tar);
    expect_entries(&tar, "d dir 0\nh hard>dir 0\nf after 0\n");
}

static void a_base_256_size_of_ten_gigabytes_reserves_nothing(void **state)
{
    struct mu_buf tar = tar_new();
    uint8_t block[512];
    static const uint8_t size[12] = {0x80, 0, 0, 0, 0, 0, 0, 2, 0x54, 0x0b, 0xe4, 0}; /* 10^10 */

    (void)state;
    layer_build_header(block, "huge", '0', "", 0);
    memcpy(block + 124, size, 12);
    layer_build_checksum(block);
    mu_buf_append(&tar, block, 512);
    layer_build_data(&tar, "only this", 9);
    expect_status(&tar, MU_E_INVALID, "cut off after 1 entries");
}

static void a_negative_size_is_refused(void **state)
{
    struct mu_buf tar = tar_new();
    uint8_t block[512];

    (void)state;
    layer_build_header(block, "negative", '0', "", 0);
    memset(block + 124, 0xff, 12);
    layer_build_checksum(block);
    mu_buf_append(&tar, block, 512);
    expect_status(&tar, MU_E_INVALID, "'negative': its size is no number");
}

static void a_wrong_checksum_is_refused(void **state)
{
    struct mu_buf tar = tar_new();

    (void)state;
    layer_build_file(&tar, "a", "x");
    layer_build_file(&tar, "b", "x");
    tar.data[1024] ^= 1;
    expect_status(&tar, MU_E_INVALID, "checksum");
}

static void malformed_pax_records_are_refused(void **state)
{
    static const char *const bad[] = {"x path=a\n", "8 path=a\n", "99 path=a\n", "10 path=a",
                                      "5 =a\n",     "9 pathaa\n", "4 a=\n9"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct mu_buf tar = tar_new();

        layer_build_entry(&tar, "x", 'x', "", bad[i], strlen(bad[i]));
        layer_build_file(&tar, "a", "");
        layer_build_end(&tar);
        expect_status(&tar, MU_E_INVALID, "PAX header");
    }
}

static void a_nul_in_a_pax_name_is_refused(void **state)
{
    struct mu_buf tar = tar_new();

    (void)state;
    layer_build_entry(&tar, "x", 'x', "", "12 path=a\0b\n", 12);
    layer_build_file(&tar, "a", "");
    expect_status(&tar, MU_E_INVALID, "NUL byte in 'path'");
}

static void a_pax_header_over_one_mebibyte_is_refused(void **state)
{
    struct mu_buf tar = tar_new();
    uint8_t block[512];

    (void)state;
    layer_build_header(block, "x", 'x', "", TAR_META_MAX_BYTES + 1);
    mu_buf_append(&tar, block, 512);
    expect_status(&tar, MU_E_LIMIT, "more than 1048576");
}

static void a_name_over_4096_bytes_is_refused(void **state)
{
    struct mu_buf tar = tar_new();
    char name[TAR_PATH_MAX_BYTES + 2];

    (void)state;
    memset(name, 'a', sizeof(name));
    layer_build_entry(&tar, "L", 'L', "", name, sizeof(name));
    layer_build_file(&tar, "a", "");
    expect_status(&tar, MU_E_LIMIT, "more than 4096");
}

static void too_many_entries_are_refused(void **state)
{
    struct mu_buf tar = tar_new();

    (void)state;
    for (int i = 0; i < 1001; i++)
        layer_build_file(&tar, "f", "");
    layer_build_end(&tar);
    expect_status(&tar, MU_E_LIMIT, "more than 1000 entries");
}

static void a_name_that_is_no_utf8_passes_as_bytes(void **state)
{
    struct mu_buf tar = tar_new();

    (void)state;
    layer_build_file(&tar, "caf\xe9/\xff", "");
    layer_build_end(&tar);
    expect_entries(&tar, "f caf\xe9/\xff 0\n");
}

static void what_follows_two_zero_blocks_is_not_read(void **state)
{
    struct mu_buf tar = tar_new();

    (void)state;
    layer_build_file(&tar, "a", "");
    layer_build_end(&tar);
    mu_buf_puts(&tar, "anything at all");
    expect_entries(&tar, "f a 0\n");
}

static void one_zero_block_between_entries_is_damage(void **state)
{
    struct mu_buf tar = tar_new();
    static const char zeros[512];

    (void)state;
    layer_build_file(&tar, "a", "");
    mu_buf_append(&tar, zeros, 512);
    layer_build_file(&tar, "b", "");
    expect_status(&tar, MU_E_INVALID, "single zero block");
}

/* Cut at every byte: only the end of an entry may be the end of an archive. */
static void an_archive_cut_inside_an_entry_is_refused(void **state)
{
    struct mu_buf tar = tar_new();
    size_t first_end, second_end;
    struct mu_error err;

    (void)state;
    layer_build_file(&tar, "a", "some content");
    first_end = tar.len;
    layer_build_pax(&tar, "path", "renamed");
    layer_build_file(&tar, "b", "x");
    second_end = tar.len;
    layer_build_end(&tar);
    for (size_t len = 0; len < second_end + 512; len++) {
        bool whole = len == 0 || len == first_end || len == second_end;
        struct seen seen;

        seen_init(&seen);
        assert_int_equal(walk(tar.data, len, 1 << 20, &seen, &err), whole ? MU_OK : MU_E_INVALID);
        seen_done(&seen);
    }
    mu_buf_done(&tar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(names_are_cleaned_and_stay_in_the_root),
            cmocka_unit_test(every_kind_of_entry_is_told),
            cmocka_unit_test(content_comes_whole_and_is_closed),
            cmocka_unit_test(the_ustar_prefix_is_part_of_the_name),
            cmocka_unit_test(a_pax_header_replaces_name_link_and_size_once),
            cmocka_unit_test(gnu_long_names_are_read_up_to_their_nul),
            cmocka_unit_test(a_global_pax_header_changes_nothing),
            cmocka_unit_test(a_sparse_file_of_old_gnu_tar_has_its_holes),
            cmocka_unit_test(a_sparse_file_may_have_its_map_in_more_blocks),
            cmocka_unit_test(sparse_files_of_pax_have_their_holes),
            cmocka_unit_test(a_sparse_file_of_unknown_version_is_a_file_like_others),
            cmocka_unit_test(sparse_maps_that_make_no_sense_are_refused),
            cmocka_unit_test(a_map_before_the_data_has_limits_and_an_end),
            cmocka_unit_test(a_sparse_file_cut_off_in_its_map_is_refused),
            cmocka_unit_test(links_and_directories_carry_no_data_whatever_their_size),
            cmocka_unit_test(a_base_256_size_of_ten_gigabytes_reserves_nothing),
            cmocka_unit_test(a_negative_size_is_refused),
            cmocka_unit_test(a_wrong_checksum_is_refused),
            cmocka_unit_test(malformed_pax_records_are_refused),
            cmocka_unit_test(a_nul_in_a_pax_name_is_refused),
            cmocka_unit_test(a_pax_header_over_one_mebibyte_is_refused),
            cmocka_unit_test(a_name_over_4096_bytes_is_refused),
            cmocka_unit_test(too_many_entries_are_refused),
            cmocka_unit_test(a_name_that_is_no_utf8_passes_as_bytes),
            cmocka_unit_test(what_follows_two_zero_blocks_is_not_read),
            cmocka_unit_test(one_zero_block_between_entries_is_damage),
            cmocka_unit_test(an_archive_cut_inside_an_entry_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

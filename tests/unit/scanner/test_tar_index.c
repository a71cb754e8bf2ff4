#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "layer_build.h"
#include "source/tar_index.h"

#include <sys/mman.h>
#include <unistd.h>

struct fixture {
    struct mu_buf tar;
    struct tar_index *index;
    struct mu_error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    mu_buf_init(&f->tar, LAYER_BUILD_MAX);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    mu_buf_done(&f->tar);
    tar_index_free(f->index);
    free(f);
    return 0;
}

static enum mu_status read_index(struct fixture *f)
{
    int fd = memfd_create("tar", MFD_CLOEXEC);
    enum mu_status st;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, f->tar.data, f->tar.len), f->tar.len);
    st = tar_index_read(fd, f->tar.len, &f->index, &f->err);
    (void)close(fd);
    return st;
}

static void expect_file(struct fixture *f, const char *name, const char *text)
{
    uint64_t offset = 0, size = 0;

    if (tar_index_find(f->index, name, &offset, &size, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(f->tar.data + offset, text, size);
}

static void expect_none(struct fixture *f, const char *name)
{
    uint64_t offset = 7, size = 7;

    assert_int_equal(tar_index_find(f->index, name, &offset, &size, &f->err), MU_E_NOT_FOUND);
    assert_int_equal(offset, 7);
}

static void expect_refused(struct fixture *f, enum mu_status st, const char *word)
{
    assert_int_equal(read_index(f), st);
    assert_null(f->index);
    if (!strstr(f->err.message, word))
        fail_msg("'%s' does not say '%s'", f->err.message, word);
}

static void files_are_found_by_their_name_however_it_is_written(void **state)
{
    struct fixture *f = *state;

    layer_build_entry(&f->tar, "blobs/", '5', "", "", 0);
    layer_build_file(&f->tar, "./blobs/a", "one");
    layer_build_file(&f->tar, "/b", "");
    layer_build_file(&f->tar, "manifest.json", "[]");
    layer_build_end(&f->tar);
    assert_int_equal(read_index(f), MU_OK);
    expect_file(f, "blobs/a", "one");
    expect_file(f, "b", "");
    expect_file(f, "manifest.json", "[]");
    expect_none(f, "blobs");
    expect_none(f, "c");
}

static void of_several_of_one_name_the_last_counts(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "a", "first");
    layer_build_file(&f->tar, "b", "other");
    layer_build_file(&f->tar, "a", "last");
    layer_build_end(&f->tar);
    assert_int_equal(read_index(f), MU_OK);
    expect_file(f, "a", "last");
}

static void links_lead_to_files_of_the_archive(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "x/layer.tar", "layer");
    layer_build_symlink(&f->tar, "y/layer.tar", "../x/layer.tar");
    layer_build_entry(&f->tar, "hard", '1', "y/layer.tar", "", 0);
    layer_build_symlink(&f->tar, "out", "../../etc/passwd");
    layer_build_symlink(&f->tar, "loop", "loop");
    layer_build_symlink(&f->tar, "gone", "nowhere");
    layer_build_end(&f->tar);
    assert_int_equal(read_index(f), MU_OK);
    expect_file(f, "y/layer.tar", "layer");
    expect_file(f, "hard", "layer");
    expect_none(f, "out");
    expect_none(f, "loop");
    expect_none(f, "gone");
}

static void long_names_are_read_in_both_forms(void **state)
{
    struct fixture *f = *state;
    char name[300];

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    layer_build_pax(&f->tar, "path", name);
    layer_build_file(&f->tar, "short", "pax");
    name[0] = 'g';
    layer_build_entry(&f->tar, "././@LongLink", 'L', "", name, sizeof(name));
    layer_build_file(&f->tar, "short", "gnu");
    layer_build_file(&f->tar, "short", "own");
    layer_build_end(&f->tar);
    assert_int_equal(read_index(f), MU_OK);
    expect_file(f, "short", "own");
    expect_file(f, name, "gnu");
    name[0] = 'n';
    expect_file(f, name, "pax");
}

static void zero_blocks_at_the_end_may_be_missing(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "a", "text");
    assert_int_equal(read_index(f), MU_OK);
    expect_file(f, "a", "text");
}

static void an_entry_that_ends_behind_the_file_is_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t block[512];

    layer_build_file(&f->tar, "a", "text");
    layer_build_header(block, "cut", '0', "", 5000);
    mu_buf_append(&f->tar, block, sizeof(block));
    expect_refused(f, MU_E_INVALID, "'cut' ends behind the end");
}

static void a_size_that_overflows_is_refused(void **state)
{
    struct fixture *f = *state;

    layer_build_pax(&f->tar, "size", "4611686018427387904");
    layer_build_file(&f->tar, "a", "text");
    expect_refused(f, MU_E_INVALID, "ends behind the end");
}

static void a_name_that_leads_out_is_refused(void **state)
{
    struct fixture *f = *state;

    layer_build_file(&f->tar, "a/../../etc/passwd", "text");
    expect_refused(f, MU_E_INVALID, "leads out");
}

static void sparse_files_are_refused(void **state)
{
    struct fixture *f = *state;

    layer_build_entry(&f->tar, "s", 'S', "", "", 0);
    expect_refused(f, MU_E_INVALID, "sparse");
}

static void what_is_no_tar_is_refused(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 1024; i++)
        mu_buf_puts(&f->tar, "x");
    expect_refused(f, MU_E_INVALID, "checksum");
}

static void a_header_that_is_too_large_is_refused(void **state)
{
    struct fixture *f = *state;
    char *big = calloc(1, 2 << 20);

    layer_build_entry(&f->tar, "PaxHeaders", 'x', "", big, 2 << 20);
    free(big);
    expect_refused(f, MU_E_LIMIT, "a header of 2097152 bytes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(files_are_found_by_their_name_however_it_is_written),
            TEST(of_several_of_one_name_the_last_counts),
            TEST(links_lead_to_files_of_the_archive),
            TEST(long_names_are_read_in_both_forms),
            TEST(zero_blocks_at_the_end_may_be_missing),
            TEST(an_entry_that_ends_behind_the_file_is_refused),
            TEST(a_size_that_overflows_is_refused),
            TEST(a_name_that_leads_out_is_refused),
            TEST(sparse_files_are_refused),
            TEST(what_is_no_tar_is_refused),
            TEST(a_header_that_is_too_large_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

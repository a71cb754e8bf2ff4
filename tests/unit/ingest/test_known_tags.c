#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "listing_files.h"

#include "base/file.h"

#include <signal.h>
#include <sys/resource.h>

static void expect_known(struct listing_files *files, const char *expected)
{
    MU_AUTO(known_tags) struct known_tags *known = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct tag_line line;
    enum mu_status st;

    mu_buf_init(&text, 65536);
    if (known_tags_open(files->state, &known, &files->err) != MU_OK)
        fail_msg("%s", files->err.message);
    while ((st = known_tags_next(known, &line, &files->err)) == MU_OK)
        word_of(&line, &text);
    assert_int_equal(st, MU_END);
    assert_string_equal(text.data, expected);
}

static void what_was_written_is_read(void **state)
{
    struct listing_files *files = *state;
    MU_AUTO(known_tags) struct known_tags *known = NULL;

    state_write(files, "a:1=1 a:2=2 end:1=3");
    expect_known(files, "a:1=1 a:2=2 end:1=3 ");
    assert_int_equal(known_tags_open(files->state, &known, &files->err), MU_OK);
    assert_int_equal(known_tags_head(known)->epoch, 7);
    assert_int_equal(known_tags_head(known)->generation, 3);
    assert_int_equal(known_tags_head(known)->listed_at_us, 5);
    assert_int_equal(known_tags_head(known)->count, 3);
}

static void a_file_that_is_not_there_knows_nothing(void **state)
{
    struct listing_files *files = *state;
    MU_AUTO(known_tags) struct known_tags *known = NULL;

    assert_int_equal(known_tags_open(files->state, &known, &files->err), MU_OK);
    assert_int_equal(known_tags_head(known)->generation, 0);
    assert_true(known_tags_head(known)->epoch > 0);
    assert_true(known_tags_head(known)->listed_at_us == MU_TIME_NONE);
    expect_known(files, "");
    assert_int_equal(access(files->state, F_OK), -1);
}

static void write_file(const struct listing_files *files, const struct mu_buf *bytes)
{
    FILE *file = fopen(files->state, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes->data, 1, bytes->len, file), bytes->len);
    assert_int_equal(fclose(file), 0);
}

/* A machine that crashed, or a disk that was full: no prefix of a file is taken for the whole. */
static void every_torn_file_is_refused(void **state)
{
    struct listing_files *files = *state;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf whole;

    mu_buf_init(&whole, 65536);
    state_write(files, "a:1=1 a:2=2");
    assert_int_equal(mu_file_read(files->state, &whole, &files->err), MU_OK);
    for (size_t len = 0; len < whole.len; len++) {
        struct known_tags *known = NULL;

        assert_int_equal(truncate(files->state, (off_t)len), 0);
        if (known_tags_open(files->state, &known, &files->err) != MU_E_INVALID)
            fail_msg("%zu of %zu bytes are taken for the whole", len, whole.len);
        assert_non_null(strstr(files->err.message, files->state));
        assert_null(known);
        write_file(files, &whole);
    }
}

static void every_changed_byte_is_noticed(void **state)
{
    struct listing_files *files = *state;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf whole;

    mu_buf_init(&whole, 65536);
    state_write(files, "a:1=1 a:2=2");
    assert_int_equal(mu_file_read(files->state, &whole, &files->err), MU_OK);
    for (size_t at = 0; at < whole.len; at++) {
        struct known_tags *known = NULL;

        whole.data[at] ^= 1;
        write_file(files, &whole);
        whole.data[at] ^= 1;
        if (known_tags_open(files->state, &known, &files->err) != MU_E_INVALID)
            fail_msg("byte %zu may change", at);
    }
}

static void tags_out_of_order_or_twice_are_refused(void **state)
{
    static const char *const cases[] = {"b:1=1 a:1=1", "a:1=1 a:1=2", "a"};
    struct listing_files *files = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct known_tags *known = NULL;

        state_write(files, cases[i]);
        assert_int_equal(known_tags_open(files->state, &known, &files->err), MU_E_INVALID);
    }
}

static void what_is_not_committed_leaves_the_old_file(void **state)
{
    struct listing_files *files = *state;
    const struct known_tags_head head = {.epoch = 8};
    struct known_tags_writer *writer = NULL;

    state_write(files, "a:1=1");
    assert_int_equal(known_tags_write(files->state, &head, &writer, &files->err), MU_OK);
    known_tags_writer_free(writer);
    expect_known(files, "a:1=1 ");
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    struct listing_files *files = *state;
    const struct known_tags_head head = {.epoch = 8};
    const struct rlimit none = {0, RLIM_INFINITY};
    struct known_tags_writer *writer = NULL;
    struct rlimit before;

    state_write(files, "a:1=1");
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(known_tags_write(files->state, &head, &writer, &files->err), MU_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_equal(known_tags_commit(writer, &files->err), MU_E_UNAVAILABLE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    known_tags_writer_free(writer);
    expect_known(files, "a:1=1 ");
}

static void a_folder_that_is_not_there_is_unavailable(void **state)
{
    struct listing_files *files = *state;
    const struct known_tags_head head = {.epoch = 8};
    struct known_tags_writer *writer = NULL;
    struct known_tags *known = NULL;

    assert_int_equal(known_tags_write("/nonexistent/f", &head, &writer, &files->err),
                     MU_E_UNAVAILABLE);
    assert_null(writer);
    assert_int_equal(known_tags_open("/dev/null/f", &known, &files->err), MU_E_UNAVAILABLE);
    assert_null(known);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, listing_files_make, listing_files_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(what_was_written_is_read),
            TEST(a_file_that_is_not_there_knows_nothing),
            TEST(every_torn_file_is_refused),
            TEST(every_changed_byte_is_noticed),
            TEST(tags_out_of_order_or_twice_are_refused),
            TEST(what_is_not_committed_leaves_the_old_file),
            TEST(a_full_disk_leaves_the_old_file),
            TEST(a_folder_that_is_not_there_is_unavailable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

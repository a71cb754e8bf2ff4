#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "listing_files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

enum { SMALL = TAG_LINE_MAX_BYTES };

static void expect_order(struct tag_sorter *sorter, const char *expected, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct tag_line line;
    enum mu_status st;

    mu_buf_init(&text, 65536);
    while ((st = tag_sorter_next(sorter, &line, err)) == MU_OK)
        word_of(&line, &text);
    assert_int_equal(st, MU_END);
    assert_string_equal(text.data, expected);
}

static void tags_come_out_in_order(void **state)
{
    struct listing_files *files = *state;
    MU_AUTO(tag_sorter)
    struct tag_sorter *sorter = sorter_of(files, SMALL, "b:1=1 a/b:1=1 a-b:1=1 a:2=2 a:10=3 a");

    expect_order(sorter, "a a:10=3 a:2=2 a-b:1=1 a/b:1=1 b:1=1 ", &files->err);
}

static void an_empty_listing_has_no_tags(void **state)
{
    struct listing_files *files = *state;
    MU_AUTO(tag_sorter) struct tag_sorter *sorter = sorter_of(files, SMALL, "");

    expect_order(sorter, "", &files->err);
}

static void a_tag_seen_twice_comes_once_as_seen_last(void **state)
{
    struct listing_files *files = *state;
    MU_AUTO(tag_sorter)
    struct tag_sorter *sorter = sorter_of(files, SMALL, "a:1=9 b:1=1 a:1=2 a:1=1 c:1=1 c:1=1");

    expect_order(sorter, "a:1=1 b:1=1 c:1=1 ", &files->err);
}

/* Many times what fits into memory, so that pieces must be merged. */
static void more_than_memory_holds_is_sorted_all_the_same(void **state)
{
    struct listing_files *files = *state;
    MU_AUTO(tag_sorter) struct tag_sorter *sorter = NULL;
    struct tag_line line, last = {.repository = ""};
    unsigned count = 0;

    assert_int_equal(tag_sorter_new(files->spill, 8 * SMALL, &sorter, &files->err), MU_OK);
    for (unsigned i = 0; i < 5000; i++) {
        line = tag_of("r:t=0", i);
        (void)snprintf(line.repository, sizeof(line.repository), "r%u", i * 2654435761U % 997);
        (void)snprintf(line.tag, sizeof(line.tag), "t%u", i);
        assert_int_equal(tag_sorter_add(sorter, &line, &files->err), MU_OK);
    }
    assert_int_equal(tag_sorter_finish(sorter, &files->err), MU_OK);
    while (tag_sorter_next(sorter, &line, &files->err) == MU_OK) {
        assert_true(tag_line_compare(&last, &line) < 0);
        last = line;
        count++;
    }
    assert_int_equal(count, 5000);
}

static void more_than_the_bound_is_refused(void **state)
{
    struct listing_files *files = *state;
    MU_AUTO(tag_sorter) struct tag_sorter *sorter = NULL;
    enum mu_status st = MU_OK;
    unsigned added = 0;

    assert_int_equal(tag_sorter_new(files->spill, SMALL, &sorter, &files->err), MU_OK);
    for (; st == MU_OK && added < 100000; added++) {
        struct tag_line line = tag_of("r:t=0", added);

        (void)snprintf(line.tag, sizeof(line.tag), "t%u", added);
        st = tag_sorter_add(sorter, &line, &files->err);
    }
    assert_int_equal(st, MU_E_LIMIT);
    assert_in_range(added, 128, 128 * 20);
}

static void a_file_that_cannot_be_made_is_unavailable(void **state)
{
    struct listing_files *files = *state;
    struct tag_sorter *sorter = NULL;

    assert_int_equal(tag_sorter_new("/nonexistent/sort", SMALL, &sorter, &files->err),
                     MU_E_UNAVAILABLE);
    assert_null(sorter);
}

static void a_full_disk_is_unavailable(void **state)
{
    struct listing_files *files = *state;
    struct tag_sorter *sorter = NULL;
    struct tag_line line = tag_of("r:t=0", 1);
    const struct rlimit none = {0, RLIM_INFINITY};
    struct rlimit before;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(tag_sorter_new(files->spill, SMALL, &sorter, &files->err), MU_OK);
    assert_int_equal(tag_sorter_add(sorter, &line, &files->err), MU_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_equal(tag_sorter_finish(sorter, &files->err), MU_E_UNAVAILABLE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    tag_sorter_free(sorter);
}

static void a_file_cut_by_someone_else_is_unavailable(void **state)
{
    struct listing_files *files = *state;
    MU_AUTO(tag_sorter) struct tag_sorter *sorter = NULL;
    struct tag_line line;
    enum mu_status st = MU_OK;

    assert_int_equal(tag_sorter_new(files->spill, 64 * SMALL, &sorter, &files->err), MU_OK);
    for (unsigned i = 0; i < 1000; i++) {
        line = tag_of("r:t=0", i);
        (void)snprintf(line.tag, sizeof(line.tag), "t%u", i);
        assert_int_equal(tag_sorter_add(sorter, &line, &files->err), MU_OK);
    }
    assert_int_equal(tag_sorter_finish(sorter, &files->err), MU_OK);
    assert_int_equal(truncate(files->spill, 100), 0);
    while (st == MU_OK)
        st = tag_sorter_next(sorter, &line, &files->err);
    assert_int_equal(st, MU_E_UNAVAILABLE);
}

static void a_changed_file_is_invalid(void **state)
{
    struct listing_files *files = *state;
    MU_AUTO(tag_sorter) struct tag_sorter *sorter = NULL;
    struct tag_line line;
    enum mu_status st = MU_OK;
    static char garbage[64 * SMALL];
    int fd;

    assert_int_equal(tag_sorter_new(files->spill, 64 * SMALL, &sorter, &files->err), MU_OK);
    for (unsigned i = 0; i < 1000; i++) {
        line = tag_of("r:t=0", i);
        (void)snprintf(line.tag, sizeof(line.tag), "t%u", i);
        assert_int_equal(tag_sorter_add(sorter, &line, &files->err), MU_OK);
    }
    assert_int_equal(tag_sorter_finish(sorter, &files->err), MU_OK);
    memset(garbage, 'x', sizeof(garbage));
    fd = open(files->spill, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
    (void)close(fd);
    while (st == MU_OK)
        st = tag_sorter_next(sorter, &line, &files->err);
    assert_int_equal(st, MU_E_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, listing_files_make, listing_files_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(tags_come_out_in_order),
            TEST(an_empty_listing_has_no_tags),
            TEST(a_tag_seen_twice_comes_once_as_seen_last),
            TEST(more_than_memory_holds_is_sorted_all_the_same),
            TEST(more_than_the_bound_is_refused),
            TEST(a_file_that_cannot_be_made_is_unavailable),
            TEST(a_full_disk_is_unavailable),
            TEST(a_file_cut_by_someone_else_is_unavailable),
            TEST(a_changed_file_is_invalid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "listing/tag_line.h"

#include <string.h>

#define DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"

static enum mu_status parse(const char *text, struct tag_line *ret_line)
{
    struct mu_error err;

    return tag_line_parse(text, strlen(text), ret_line, &err);
}

static void a_line_is_read_as_it_was_printed(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct tag_line line = {.repository = "team/app",
                            .tag = "1.0",
                            .digest = DIGEST,
                            .media_type = "application/x",
                            .seen_at_us = 12345};
    struct tag_line read;
    struct mu_error err;

    (void)state;
    mu_buf_init(&text, TAG_LINE_MAX_BYTES);
    assert_int_equal(tag_line_print(&line, &text, &err), MU_OK);
    assert_string_equal(text.data, "team/app\t1.0\t" DIGEST "\tapplication/x\t12345\n");
    assert_int_equal(tag_line_parse(text.data, text.len - 1, &read, &err), MU_OK);
    assert_string_equal(read.repository, line.repository);
    assert_string_equal(read.tag, line.tag);
    assert_string_equal(read.digest, line.digest);
    assert_string_equal(read.media_type, line.media_type);
    assert_int_equal(read.seen_at_us, 12345);
}

static void a_line_longer_than_the_limit_is_not_printed(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    const struct tag_line line = {.repository = "team/app", .tag = "1.0", .digest = DIGEST};
    struct mu_error err;

    (void)state;
    mu_buf_init(&text, 20);
    assert_int_equal(tag_line_print(&line, &text, &err), MU_E_LIMIT);
    assert_int_equal(text.len, 0);
}

static void a_line_that_tells_no_tag_is_refused(void **state)
{
    static const char *const cases[] = {
            "",
            "a",
            "a\t1\t" DIGEST "\t",
            "a\t1\t" DIGEST "\t\t",
            "a\t1\t" DIGEST "\t\t-1",
            "a\t1\t" DIGEST "\t\t1\t2",
            "a\t1\t" DIGEST "\t\t9223372036854775808",
            "\t1\t" DIGEST "\t\t1",
            "a\t\t" DIGEST "\t\t1",
            "a\t1\tsha256:abc\t\t1",
            "a\t-1\t" DIGEST "\t\t1",
            "a\x01\t1\t" DIGEST "\t\t1",
            "a\xff\t1\t" DIGEST "\t\t1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tag_line line = {.repository = "untouched"};

        if (parse(cases[i], &line) != MU_E_INVALID)
            fail_msg("case %zu is accepted", i);
        assert_string_equal(line.repository, "untouched");
    }
}

static void a_mark_has_neither_tag_nor_digest(void **state)
{
    struct tag_line line;

    (void)state;
    assert_int_equal(parse("team/app\t\t\t\t1", &line), MU_OK);
    assert_string_equal(line.repository, "team/app");
    assert_string_equal(line.tag, "");
}

static void lines_are_in_order_of_repository_then_tag(void **state)
{
    const struct tag_line lines[] = {{.repository = "a"},
                                     {.repository = "a", .tag = "1"},
                                     {.repository = "a", .tag = "2"},
                                     {.repository = "a-b", .tag = "1"},
                                     {.repository = "a/b", .tag = "1"}};

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_true(tag_line_compare(&lines[i], &lines[i + 1]) < 0);
        assert_true(tag_line_compare(&lines[i + 1], &lines[i]) > 0);
        assert_int_equal(tag_line_compare(&lines[i], &lines[i]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_line_is_read_as_it_was_printed),
            cmocka_unit_test(a_line_longer_than_the_limit_is_not_printed),
            cmocka_unit_test(a_line_that_tells_no_tag_is_refused),
            cmocka_unit_test(a_mark_has_neither_tag_nor_digest),
            cmocka_unit_test(lines_are_in_order_of_repository_then_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

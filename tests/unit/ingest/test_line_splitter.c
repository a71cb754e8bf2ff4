#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/line_splitter.h"

#include <string.h>

static enum mu_status collect(void *opaque, const char *line, size_t len, struct mu_error *err)
{
    struct mu_buf *out = opaque;

    if (strcmp(line, "fail") == 0)
        return mu_fail(err, MU_E_CONFLICT, "told to fail");
    assert_int_equal(strlen(line), len);
    mu_buf_printf(out, "[%s]", line);
    return MU_OK;
}

/* Feeds `text` in pieces of `step` bytes. */
static enum mu_status feed(const char *text, size_t step, size_t max, struct mu_buf *out,
                           struct mu_error *err)
{
    MU_AUTO_DONE(line_splitter_done) struct line_splitter splitter;
    size_t len = strlen(text);
    enum mu_status st = MU_OK;

    line_splitter_init(&splitter, max, collect, out);
    for (size_t at = 0; st == MU_OK && at < len; at += step)
        st = line_splitter_feed(&splitter, text + at, len - at < step ? len - at : step, err);
    return st;
}

static void lines_are_whole_however_they_come(void **state)
{
    (void)state;
    for (size_t step = 1; step < 20; step++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
        struct mu_error err;

        mu_buf_init(&out, 1024);
        assert_int_equal(feed("one\n\ntwo words\nthree", step, 64, &out, &err), MU_OK);
        assert_string_equal(out.data, "[one][two words]"); /* the third has not ended */
    }
}

static void a_line_of_the_limit_is_taken_and_one_byte_more_is_refused(void **state)
{
    (void)state;
    for (size_t step = 1; step < 12; step++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
        struct mu_error err;

        mu_buf_init(&out, 1024);
        assert_int_equal(feed("12345678\n", step, 8, &out, &err), MU_OK);
        assert_string_equal(out.data, "[12345678]");
        assert_int_equal(feed("123456789\n", step, 8, &out, &err), MU_E_LIMIT);
        assert_int_equal(feed("123456789", step, 8, &out, &err), MU_E_LIMIT);
        assert_string_equal(out.data, "[12345678]");
    }
}

static void a_failure_of_a_line_ends_the_feeding(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 1024);
    assert_int_equal(feed("a\nfail\nb\n", 100, 64, &out, &err), MU_E_CONFLICT);
    assert_string_equal(err.message, "told to fail");
    assert_string_equal(out.data, "[a]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(lines_are_whole_however_they_come),
            cmocka_unit_test(a_line_of_the_limit_is_taken_and_one_byte_more_is_refused),
            cmocka_unit_test(a_failure_of_a_line_ends_the_feeding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

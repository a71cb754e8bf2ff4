/* buf: grows up to its maximum, stays text, and remembers a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

static void an_empty_buffer_is_an_empty_text(void **state)
{
    struct mu_buf buf;

    (void)state;
    mu_buf_init(&buf, 10);
    assert_string_equal(buf.data, "");
    assert_int_equal(buf.len, 0);
    mu_buf_done(&buf);
    assert_string_equal(buf.data, "");
}

static void appended_bytes_are_kept_in_order_and_end_with_a_nul(void **state)
{
    struct mu_buf buf;

    (void)state;
    mu_buf_init(&buf, 1000);
    mu_buf_append(&buf, "a\0b", 3);
    mu_buf_puts(&buf, "cd");
    mu_buf_printf(&buf, "%d-%s", 42, "x");
    assert_int_equal(buf.len, 9);
    assert_memory_equal(buf.data, "a\0bcd42-x", 10);
    mu_buf_done(&buf);
}

static void a_buffer_holds_exactly_its_maximum(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf buf;
    struct mu_error err;

    (void)state;
    mu_buf_init(&buf, 1000);
    for (int i = 0; i < 1000; i++)
        mu_buf_append(&buf, "x", 1);
    assert_int_equal(mu_buf_status(&buf, "it", &err), MU_OK);
    assert_int_equal(buf.len, 1000);
    assert_true(buf.capacity <= 1001);
    mu_buf_append(&buf, "y", 1);
    assert_int_equal(mu_buf_status(&buf, "it", &err), MU_E_LIMIT);
    assert_string_equal(err.message, "it: more than 1000 bytes");
}

static void an_append_that_does_not_fit_leaves_what_was_there(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf buf;

    (void)state;
    mu_buf_init(&buf, 4);
    mu_buf_puts(&buf, "abc");
    mu_buf_puts(&buf, "de");
    assert_true(buf.failed);
    assert_string_equal(buf.data, "abc");
}

static void a_failure_sticks_although_a_later_append_would_fit(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf buf;
    struct mu_error err;

    (void)state;
    mu_buf_init(&buf, 4);
    mu_buf_printf(&buf, "%s", "abcde");
    mu_buf_puts(&buf, "f");
    assert_int_equal(buf.len, 0);
    assert_int_equal(mu_buf_status(&buf, "it", &err), MU_E_LIMIT);
}

static void a_reset_empties_and_forgets_the_failure(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf buf;
    struct mu_error err;

    (void)state;
    mu_buf_init(&buf, 4);
    mu_buf_puts(&buf, "abc");
    mu_buf_puts(&buf, "de");
    mu_buf_reset(&buf);
    assert_string_equal(buf.data, "");
    mu_buf_puts(&buf, "wxyz");
    assert_int_equal(mu_buf_status(&buf, "it", &err), MU_OK);
    assert_string_equal(buf.data, "wxyz");
}

static void sizes_near_the_end_of_size_t_are_refused_not_wrapped(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf buf;

    (void)state;
    mu_buf_init(&buf, SIZE_MAX);
    mu_buf_append(&buf, "x", SIZE_MAX);
    assert_true(buf.failed);
    assert_int_equal(buf.len, 0);
}

static void a_maximum_of_nothing_takes_nothing_but_nothing(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf buf;

    (void)state;
    mu_buf_init(&buf, 0);
    mu_buf_append(&buf, NULL, 0);
    assert_false(buf.failed);
    mu_buf_append(&buf, "x", 1);
    assert_true(buf.failed);
}

static void what_is_cut_off_is_gone_and_the_rest_is_text(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf buf;

    (void)state;
    mu_buf_init(&buf, 100);
    mu_buf_cut(&buf, 0);
    mu_buf_puts(&buf, "kept and not");
    mu_buf_cut(&buf, 4);
    assert_string_equal(buf.data, "kept");
    mu_buf_cut(&buf, 9);
    assert_int_equal(buf.len, 4);
}

static void room_is_written_before_it_is_counted(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf buf;
    char *room;

    (void)state;
    mu_buf_init(&buf, 8);
    mu_buf_puts(&buf, "ab");
    room = mu_buf_room(&buf, 6);
    assert_non_null(room);
    memcpy(room, "cdefgh", 6);
    assert_string_equal((mu_buf_took(&buf, 6), buf.data), "abcdefgh");
    assert_null(mu_buf_room(&buf, 1));
    assert_true(buf.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_empty_buffer_is_an_empty_text),
            cmocka_unit_test(appended_bytes_are_kept_in_order_and_end_with_a_nul),
            cmocka_unit_test(a_buffer_holds_exactly_its_maximum),
            cmocka_unit_test(an_append_that_does_not_fit_leaves_what_was_there),
            cmocka_unit_test(a_failure_sticks_although_a_later_append_would_fit),
            cmocka_unit_test(a_reset_empties_and_forgets_the_failure),
            cmocka_unit_test(sizes_near_the_end_of_size_t_are_refused_not_wrapped),
            cmocka_unit_test(a_maximum_of_nothing_takes_nothing_but_nothing),
            cmocka_unit_test(what_is_cut_off_is_gone_and_the_rest_is_text),
            cmocka_unit_test(room_is_written_before_it_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

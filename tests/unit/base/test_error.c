/* error: one statement reports, context goes in front, and the message is always one clean line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/text.h"

#include <string.h>

static void a_failure_returns_its_status_and_keeps_the_message(void **state)
{
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_fail(&err, MU_E_LIMIT, "%s: %d", "size", 7), MU_E_LIMIT);
    assert_int_equal(err.status, MU_E_LIMIT);
    assert_string_equal(err.message, "size: 7");
}

static void context_goes_in_front_and_the_status_stays(void **state)
{
    struct mu_error err;

    (void)state;
    (void)mu_fail(&err, MU_E_NOT_FOUND, "inner");
    assert_int_equal(mu_wrap(&err, "layer '%s'", "x"), MU_E_NOT_FOUND);
    assert_string_equal(err.message, "layer 'x': inner");
}

static void the_message_itself_may_be_part_of_the_context(void **state)
{
    struct mu_error err;

    (void)state;
    (void)mu_fail(&err, MU_E_INVALID, "inner");
    (void)mu_wrap(&err, "after '%s'", err.message);
    assert_string_equal(err.message, "after 'inner': inner");
}

static void control_bytes_cannot_break_the_line(void **state)
{
    struct mu_error err;

    (void)state;
    (void)mu_fail(&err, MU_E_INVALID, "%s", "a\nb\tc\x1b[2Jd\x7f");
    assert_string_equal(err.message, "a b c?[2Jd?");
    (void)mu_wrap(&err, "x\ry");
    assert_string_equal(err.message, "x y: a b c?[2Jd?");
}

static void white_space_at_the_end_is_cut(void **state)
{
    struct mu_error err;

    (void)state;
    (void)mu_fail(&err, MU_E_UNAVAILABLE, "connection refused\n\n");
    assert_string_equal(err.message, "connection refused");
}

static void a_message_is_always_utf8_also_where_it_is_cut(void **state)
{
    struct mu_error err;
    char text[1001];

    (void)state;
    (void)mu_fail(&err, MU_E_INVALID, "bad \xff\xc3 byte");
    assert_string_equal(err.message, "bad ?? byte");
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    text[1000] = '\0';
    for (int shift = 0; shift < 2; shift++) {
        (void)mu_fail(&err, MU_E_INVALID, "%s%s", shift ? "" : "x", text);
        assert_true(mu_utf8_valid(err.message, strlen(err.message)));
        (void)mu_wrap(&err, "%s", text + 1);
        assert_true(mu_utf8_valid(err.message, strlen(err.message)));
    }
}

static void endless_context_is_cut_and_keeps_the_beginning_of_the_cause(void **state)
{
    struct mu_error err;

    (void)state;
    (void)mu_fail(&err, MU_E_INVALID, "the cause");
    for (int i = 0; i < 100; i++)
        (void)mu_wrap(&err, "layer %d", i);
    assert_true(strlen(err.message) < MU_ERROR_MESSAGE_MAX);
    assert_memory_equal(err.message, "layer 99: layer 98", 18);
}

static void every_status_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int a = MU_E_INTERNAL; a <= MU_END; a++) {
        assert_string_not_equal(mu_status_name((enum mu_status)a), "unknown");
        for (int b = a + 1; b <= MU_END; b++)
            assert_string_not_equal(mu_status_name((enum mu_status)a),
                                    mu_status_name((enum mu_status)b));
    }
    assert_string_equal(mu_status_name((enum mu_status)77), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_failure_returns_its_status_and_keeps_the_message),
            cmocka_unit_test(context_goes_in_front_and_the_status_stays),
            cmocka_unit_test(the_message_itself_may_be_part_of_the_context),
            cmocka_unit_test(control_bytes_cannot_break_the_line),
            cmocka_unit_test(white_space_at_the_end_is_cut),
            cmocka_unit_test(a_message_is_always_utf8_also_where_it_is_cut),
            cmocka_unit_test(endless_context_is_cut_and_keeps_the_beginning_of_the_cause),
            cmocka_unit_test(every_status_has_a_word_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "workbook/cell_text.h"

#include <stdlib.h>
#include <string.h>

static void assert_encodes(const char *text, const char *expected)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;

    mu_buf_init(&out, 1024);
    cell_text_encode(text, &out);
    assert_string_equal(out.data, expected);
    cell_text_decode(out.data);
    assert_string_equal(out.data, text);
}

static void assert_decodes(const char *text, const char *expected)
{
    MU_AUTO_FREE char *copy = strdup(text);

    cell_text_decode(copy);
    assert_string_equal(copy, expected);
}

static void ordinary_text_stays_as_it_is(void **state)
{
    (void)state;
    assert_encodes("", "");
    assert_encodes("r.example/a_b:1 <&>\"", "r.example/a_b:1 <&>\"");
    assert_encodes("two\nlines\tand a tab", "two\nlines\tand a tab");
    assert_encodes("Größe, 日本, 😀", "Größe, 日本, 😀");
}

static void control_characters_are_escaped_and_come_back(void **state)
{
    (void)state;
    assert_encodes("\x01\x1f\r", "_x0001__x001F__x000D_");
    assert_encodes("\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd", "_xFFFE__xFFFF_\xef\xbf\xbd");
}

static void a_text_that_looks_like_an_escape_comes_back_as_it_was(void **state)
{
    (void)state;
    assert_encodes("apps/v_x0041_:1", "apps/v_x005F_x0041_:1");
    assert_encodes("_x0041_x0042_", "_x005F_x0041_x005F_x0042_");
    assert_encodes("_x005F_x0041_", "_x005F_x005F_x005F_x0041_");
    assert_encodes("_xd800_", "_x005F_xd800_");
    assert_encodes("_x00_x004g_ _x0041", "_x00_x004g_ _x0041");
}

/* Found by the fuzzer: the escape of the character behind lends its underscore. */
static void a_text_that_becomes_an_escape_comes_back_as_it_was(void **state)
{
    (void)state;
    assert_encodes("C_xECCC\x1f", "C_x005F_xECCC_x001F_");
    assert_encodes("_x0041\xef\xbf\xbf", "_x005F_x0041_xFFFF_");
    assert_encodes("_x0041\n", "_x0041\n");
}

static void escapes_of_other_writers_are_decoded(void **state)
{
    (void)state;
    assert_decodes("a_x000a_b", "a\nb");
    assert_decodes("_x00e9__x20AC_", "é€");
}

static void escapes_that_are_no_text_stay(void **state)
{
    (void)state;
    assert_decodes("a_x0000_b", "a_x0000_b");
    assert_decodes("_xD83D__xDE00_", "_xD83D__xDE00_");
}

static void length_is_counted_as_spreadsheets_do(void **state)
{
    (void)state;
    assert_int_equal(cell_text_length(""), 0);
    assert_int_equal(cell_text_length("aé€"), 3);
    assert_int_equal(cell_text_length("😀"), 2);
}

static void texts_that_would_run_are_known(void **state)
{
    static const char *const run[] = {"=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"};
    static const char *const stay[] = {"", "a=1", " =1", "'=1", "1-1", "sha256:1"};

    (void)state;
    for (size_t i = 0; i < sizeof(run) / sizeof(run[0]); i++)
        assert_true(cell_text_is_runnable(run[i]));
    for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
        assert_false(cell_text_is_runnable(stay[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(ordinary_text_stays_as_it_is),
            cmocka_unit_test(control_characters_are_escaped_and_come_back),
            cmocka_unit_test(a_text_that_looks_like_an_escape_comes_back_as_it_was),
            cmocka_unit_test(a_text_that_becomes_an_escape_comes_back_as_it_was),
            cmocka_unit_test(escapes_of_other_writers_are_decoded),
            cmocka_unit_test(escapes_that_are_no_text_stay),
            cmocka_unit_test(length_is_counted_as_spreadsheets_do),
            cmocka_unit_test(texts_that_would_run_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

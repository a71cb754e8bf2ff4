/* text: comparisons, numbers, UTF-8, JSON strings, hex, base64 and percent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"

#include <string.h>

static void null_equals_only_null(void **state)
{
    (void)state;
    assert_true(mu_text_equal(NULL, NULL));
    assert_false(mu_text_equal(NULL, ""));
    assert_false(mu_text_equal("", NULL));
    assert_true(mu_text_equal("a", "a"));
    assert_false(mu_text_equal("a", "A"));
}

static void beginnings_and_endings_are_found(void **state)
{
    (void)state;
    assert_true(mu_text_starts("sha256:ab", "sha256:"));
    assert_false(mu_text_starts("sha", "sha256:"));
    assert_false(mu_text_starts(NULL, "x"));
    assert_true(mu_text_ends("a.json", ".json"));
    assert_false(mu_text_ends("json", ".json"));
    assert_false(mu_text_ends(NULL, "x"));
    assert_true(mu_text_ends("x", ""));
}

static void secrets_are_equal_only_byte_by_byte(void **state)
{
    (void)state;
    assert_true(mu_secret_equal("a\0b", 3, "a\0b", 3));
    assert_false(mu_secret_equal("a\0b", 3, "a\0c", 3));
    assert_false(mu_secret_equal("abc", 3, "ab", 2));
    assert_true(mu_secret_equal("", 0, "", 0));
}

static void whole_numbers_are_read_up_to_the_largest(void **state)
{
    uint64_t value = 0;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_text_to_u64("0", "n", &value, &err), MU_OK);
    assert_int_equal(value, 0);
    assert_int_equal(mu_text_to_u64("18446744073709551615", "n", &value, &err), MU_OK);
    assert_true(value == UINT64_MAX);
}

static void numbers_are_written_as_printf_writes_them(void **state)
{
    static const int64_t numbers[] = {0, 7, -7, 10, 1234567890, INT64_MAX, INT64_MIN};
    char text[MU_NUMBER_TEXT_SIZE], expected[MU_NUMBER_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        size_t len = (size_t)snprintf(expected, sizeof(expected), "%lld", (long long)numbers[i]);

        assert_int_equal(mu_text_of_number(numbers[i], text), len);
        assert_string_equal(text, expected);
    }
}

static void what_is_no_whole_number_is_refused_by_name(void **state)
{
    static const char *const texts[] = {"",
                                        "-1",
                                        "+1",
                                        " 1",
                                        "1 ",
                                        "1.0",
                                        "0x1",
                                        "18446744073709551616",
                                        "99999999999999999999999"};
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint64_t value = 7;

        assert_int_equal(mu_text_to_u64(texts[i], "Content-Length", &value, &err), MU_E_INVALID);
        assert_non_null(strstr(err.message, "Content-Length"));
        assert_int_equal(value, 7);
    }
}

static const struct {
    const char *bytes;
    size_t len;
    bool valid;
    const char *cleaned;
} sequences[] = {
        {"plain", 5, true, "plain"},
        {"\xc2\x80", 2, true, "\xc2\x80"},
        {"\xdf\xbf", 2, true, "\xdf\xbf"},
        {"\xe0\xa0\x80", 3, true, "\xe0\xa0\x80"},
        {"\xef\xbf\xbf", 3, true, "\xef\xbf\xbf"},
        {"\xf0\x90\x80\x80", 4, true, "\xf0\x90\x80\x80"},
        {"\xf4\x8f\xbf\xbf", 4, true, "\xf4\x8f\xbf\xbf"},
        {"\x80", 1, false, "?"},
        {"\xc1\xbf", 2, false, "??"},           /* overlong */
        {"\xe0\x9f\xbf", 3, false, "???"},      /* overlong */
        {"\xf0\x8f\xbf\xbf", 4, false, "????"}, /* overlong */
        {"\xed\xa0\x80", 3, false, "???"},      /* surrogate */
        {"\xf4\x90\x80\x80", 4, false, "????"}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 4, false, "????"}, /* no such first byte */
        {"\xe2\x82", 2, false, "??"},           /* torn */
        {"\xc3(", 2, false, "?("},              /* torn in the middle */
        {"\xf0\x9f\x92x\xc3\xa9", 6, false, "???x\xc3\xa9"},
};

static void utf8_is_told_from_what_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
        if (mu_utf8_valid(sequences[i].bytes, sequences[i].len) != sequences[i].valid)
            fail_msg("sequence %zu", i);
}

static void bytes_that_are_no_utf8_are_replaced_one_by_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        char text[8] = "";

        memcpy(text, sequences[i].bytes, sequences[i].len);
        mu_utf8_clean(text);
        assert_string_equal(text, sequences[i].cleaned);
    }
}

static void characters_are_counted_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(mu_utf8_count("", 0), 0);
    assert_int_equal(mu_utf8_count("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xa9", 10), 4);
}

static void a_json_string_is_escaped_and_always_utf8(void **state)
{
    static const char bytes[] = "a\"b\\c\nd\x01\x7f\0\xc3\xa9\xff";
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;

    (void)state;
    mu_buf_init(&out, 100);
    mu_text_to_json(bytes, sizeof(bytes) - 1, &out);
    assert_string_equal(out.data, "\"a\\\"b\\\\c\\nd\\u0001\\u007f\\u0000\xc3\xa9?\"");
}

static void hex_is_written_in_lower_case_and_read_in_both(void **state)
{
    const uint8_t bytes[] = {0x00, 0x9a, 0xff};
    uint8_t back[3] = {0};
    char text[7];

    (void)state;
    mu_hex_encode(bytes, sizeof(bytes), text);
    assert_string_equal(text, "009aff");
    assert_true(mu_hex_decode("009AfF", 6, back, 3));
    assert_memory_equal(back, bytes, 3);
}

static void wrong_hex_leaves_the_bytes_alone(void **state)
{
    uint8_t back[2] = {7, 7};

    (void)state;
    assert_false(mu_hex_decode("009", 3, back, 2));
    assert_false(mu_hex_decode("00990", 5, back, 2));
    assert_false(mu_hex_decode("00g0", 4, back, 2));
    assert_false(mu_hex_decode("0 00", 4, back, 2));
    assert_int_equal(back[0], 7);
}

/* RFC 4648 section 10. */
static void what_an_address_may_not_hold_becomes_percent(void **state)
{
    struct mu_buf out;

    (void)state;
    mu_buf_init(&out, 64);
    mu_text_percent("aZ09-._~ /:@%+\xc3\xa9", "", &out);
    assert_string_equal(out.data, "aZ09-._~%20%2F%3A%40%25%2B%C3%A9");
    mu_buf_reset(&out);
    mu_text_percent("host:1/a@b c", "/:@", &out);
    assert_string_equal(out.data, "host:1/a@b%20c");
    mu_buf_done(&out);
}

static void base64_equals_the_vectors_of_the_rfc(void **state)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"},
                                          {"\xfb\xff\xfe", "+//+"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf out;

        mu_buf_init(&out, 100);
        mu_base64_encode(rows[i][0], strlen(rows[i][0]), &out);
        assert_string_equal(out.data, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(null_equals_only_null),
            cmocka_unit_test(beginnings_and_endings_are_found),
            cmocka_unit_test(secrets_are_equal_only_byte_by_byte),
            cmocka_unit_test(whole_numbers_are_read_up_to_the_largest),
            cmocka_unit_test(numbers_are_written_as_printf_writes_them),
            cmocka_unit_test(what_is_no_whole_number_is_refused_by_name),
            cmocka_unit_test(utf8_is_told_from_what_is_not),
            cmocka_unit_test(bytes_that_are_no_utf8_are_replaced_one_by_one),
            cmocka_unit_test(characters_are_counted_not_bytes),
            cmocka_unit_test(a_json_string_is_escaped_and_always_utf8),
            cmocka_unit_test(hex_is_written_in_lower_case_and_read_in_both),
            cmocka_unit_test(wrong_hex_leaves_the_bytes_alone),
            cmocka_unit_test(what_an_address_may_not_hold_becomes_percent),
            cmocka_unit_test(base64_equals_the_vectors_of_the_rfc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* json_plain: what it reads is what jansson reads, and everything else it leaves to jansson. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json/json_plain.h"

#include <string.h>

enum { DEPTH = 4 };

static json_t *plain(const char *text)
{
    return json_read_plain(text, strlen(text), DEPTH);
}

static void read_alike(const char *text)
{
    json_auto_t *ours = plain(text);
    json_auto_t *theirs = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    if (!ours || !theirs || !json_equal(ours, theirs))
        fail_msg("%s is not read as jansson reads it", text);
}

static void left(const char *text)
{
    json_auto_t *ours = plain(text);

    if (ours)
        fail_msg("%s is read", text);
}

static void documents_of_machines_are_read_as_jansson_reads_them(void **state)
{
    (void)state;
    read_alike("{}");
    read_alike(" [ ] \r\n\t");
    read_alike("{\"a\":{\"b\":[1,-2,0]},\"c\":null,\"d\":true,\"e\":false,\"\":\"\"}");
    read_alike("[\"\xc3\xa9\", \"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"in \\n the middle\"]");
    read_alike("[\"\\u0026\", \"\\u00e9 \\u07ff\", \"\\u0800\\uD7FF\\ue000\\uffff\", "
               "\"\\u007f\\u0080\"]");
    read_alike("{\"k:{\\\"name\\\":\\\"app\\\"}\":{\"f:image\":{}, \"\\u003ca\":[\"\\n\"]}}");
    read_alike("[999999999999999999, -999999999999999999]");
    read_alike("[[[[]]]]");
}

static void what_is_out_of_the_ordinary_is_left_to_jansson(void **state)
{
    (void)state;
    left("[1.0]");
    left("[1e2]");
    left("[-0]");
    left("[1000000000000000000]");
    left("[9999999999999999999]");
    left("[\"\\ud83d\\ude00\"]");
    left("\"text\"");
    left("[[[[[]]]]]");
}

static void errors_are_left_to_jansson(void **state)
{
    static const char *const broken[] = {
            "",      "[",       "{",           "[1",        "[1,]",       "[,1]",     "[1 2]",
            "{1:2}", "{\"a\"}", "{\"a\":}",    "{\"a\":1,", "{\"a\":1,}", "[01]",     "[-]",
            "[+1]",  "[\"a]",   "[\"\\x\"]",   "[\"\\",     "[\"\n\"]",   "[tru]",    "[nul",
            "[] []", "[]]",     "[truefalse]", "[1x]",      "{\"a\" 1}",  "[\"a\\\"]"};
    static const char *const escapes[] = {"[\"\\u0000\"]",  "[\"\\u00g0\"]", "[\"\\u00",
                                          "[\"\\udc00\"]",  "{\"a\\",        "{\"\\x\":1}",
                                          "{\"\\u0000\":1}"};

    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        left(broken[i]);
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++)
        left(escapes[i]);
}

static void a_name_given_twice_is_left_to_jansson(void **state)
{
    (void)state;
    left("{\"a\":1,\"a\":1}");
    left("{\"x\":{\"a\":1,\"b\":2,\"a\":3}}");
    left("{\"a\":1,\"\\u0061\":2}");
}

static void a_document_ends_where_its_length_says(void **state)
{
    json_auto_t *whole = json_read_plain("[12]3", 4, DEPTH);

    (void)state;
    assert_non_null(whole);
    assert_null(json_read_plain("[12]", 3, DEPTH));
    assert_null(json_read_plain("[12]", 2, DEPTH));
    assert_null(json_read_plain("[\0]", 3, DEPTH));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(documents_of_machines_are_read_as_jansson_reads_them),
            cmocka_unit_test(what_is_out_of_the_ordinary_is_left_to_jansson),
            cmocka_unit_test(errors_are_left_to_jansson),
            cmocka_unit_test(a_name_given_twice_is_left_to_jansson),
            cmocka_unit_test(a_document_ends_where_its_length_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

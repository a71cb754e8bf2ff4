/* json_doc: limits before parsing, strict parsing, canonical printing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "json/json_doc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const struct mu_json_limits limits = {1000, 4};

static void refused(const char *bytes, size_t len, enum mu_status status, const char *part)
{
    json_t *root = (json_t *)1;
    struct mu_error err;

    if (mu_json_parse(bytes, len, &limits, &root, &err) != status)
        fail_msg("'%.*s' is not refused so", (int)len, bytes);
    if (!strstr(err.message, part))
        fail_msg("'%s' does not say '%s'", err.message, part);
    assert_ptr_equal(root, (json_t *)1);
}

static void refused_text(const char *text, enum mu_status status, const char *part)
{
    refused(text, strlen(text), status, part);
}

static void a_document_is_parsed_and_printed_in_one_form(void **state)
{
    static const char text[] = " {\"b\" : [1, 2.5, true, null, \"\\u00e9\\/\"],\n\"a\":{} } ";
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    json_auto_t *root = NULL;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 100);
    assert_int_equal(mu_json_parse(text, strlen(text), &limits, &root, &err), MU_OK);
    assert_int_equal(mu_json_print(root, &out, &err), MU_OK);
    assert_string_equal(out.data, "{\"a\":{},\"b\":[1,2.5,true,null,\"\xc3\xa9/\"]}");
}

/* Reading it would be a fault: the pages cannot be touched. */
static void a_hundred_megabytes_are_refused_before_a_byte_is_read(void **state)
{
    const size_t size = (size_t)100 * 1024 * 1024;
    char *bytes = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    (void)state;
    assert_ptr_not_equal(bytes, MAP_FAILED);
    refused(bytes, size, MU_E_LIMIT, "104857600 bytes: more than 1000");
    (void)munmap(bytes, size);
}

static void the_size_limit_is_exact(void **state)
{
    char text[1001];
    json_auto_t *root = NULL;
    struct mu_error err;

    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, "{}", 2);
    assert_int_equal(mu_json_parse(text, 1000, &limits, &root, &err), MU_OK);
    refused(text, 1001, MU_E_LIMIT, "more than 1000");
}

static void the_depth_limit_is_exact_and_brackets_in_texts_do_not_count(void **state)
{
    static const char deep[] = "[[{\"[[[[[[\\\"[[\":[\"{{{{\"]}]]";
    json_auto_t *root = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_json_parse(deep, strlen(deep), &limits, &root, &err), MU_OK);
    refused_text("[[[[[]]]]]", MU_E_LIMIT, "deeper than 4");
    refused_text("[[[{\"a\":{}}]]]", MU_E_LIMIT, "deeper than 4");
}

static void a_million_open_brackets_are_refused_without_recursion(void **state)
{
    const struct mu_json_limits wide = {2000000, 32};
    MU_AUTO_FREE char *text = mu_xcalloc(1, 1000000);
    json_t *root = NULL;
    struct mu_error err;

    (void)state;
    memset(text, '[', 1000000);
    assert_int_equal(mu_json_parse(text, 1000000, &wide, &root, &err), MU_E_LIMIT);
    assert_null(root);
}

static void what_is_no_json_is_refused_with_line_and_column(void **state)
{
    refused_text("{\"a\":1,\n\"b\":}", MU_E_INVALID, "line 2, column 5");
    (void)state;
    refused_text("", MU_E_INVALID, "JSON, line");
    refused_text("{", MU_E_INVALID, "JSON, line 1");
    refused_text("{\"a\":1}x", MU_E_INVALID, "JSON, line 1");
    refused_text("{\"a\":1,}", MU_E_INVALID, "JSON, line 1");
    refused_text("{'a':1}", MU_E_INVALID, "JSON, line 1");
    refused_text("{\"a\":01}", MU_E_INVALID, "JSON, line 1");
    refused_text("{\"a\":NaN}", MU_E_INVALID, "JSON, line 1");
    refused_text("{\"a\":1e999}", MU_E_INVALID, "JSON, line 1");
    refused_text("[99999999999999999999]", MU_E_INVALID, "JSON, line 1");
    refused_text("[\"\x01\"]", MU_E_INVALID, "JSON, line 1");
    refused_text("1", MU_E_INVALID, "JSON, line 1");
    refused_text("\xef\xbb\xbf{}", MU_E_INVALID, "JSON, line 1");
}

static void a_member_given_twice_is_refused(void **state)
{
    (void)state;
    refused_text("{\"a\":1,\"a\":1}", MU_E_INVALID, "duplicate");
    refused_text("{\"x\":{\"a\":1,\"\\u0061\":2}}", MU_E_INVALID, "duplicate");
}

static void what_is_no_utf8_or_holds_a_nul_is_refused(void **state)
{
    (void)state;
    refused_text("[\"\xff\"]", MU_E_INVALID, "UTF-8");
    refused_text("[\"\xed\xa0\x80\"]", MU_E_INVALID, "UTF-8");
    refused_text("[\"\\ud800\"]", MU_E_INVALID, "JSON, line 1");
    refused_text("[\"a\\u0000b\"]", MU_E_INVALID, "JSON, line 1");
    refused("[\"a\0b\"]", 7, MU_E_INVALID, "JSON, line 1");
}

static void printing_stops_at_the_limit_of_the_buffer(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    json_auto_t *root = json_pack("{s:s}", "a", "twenty characters...");
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 20);
    assert_int_equal(mu_json_print(root, &out, &err), MU_E_LIMIT);
}

static void a_path_leads_to_members_and_elements(void **state)
{
    json_auto_t *root =
            json_pack("{s:{s:[{s:s}, s, i]}, s:n}", "a", "b", "c", "deep", "flat", 7, "none");

    (void)state;
    assert_string_equal(mu_json_text_at(root, "a.b.0.c"), "deep");
    assert_string_equal(mu_json_text_at(root, "a.b.1"), "flat");
    assert_int_equal(json_integer_value(mu_json_at(root, "a.b.2")), 7);
    assert_null(mu_json_text_at(root, "a.b.2"));
    assert_null(mu_json_text_at(root, "none"));
    assert_ptr_equal(mu_json_at(root, ""), root);
}

static void a_path_that_leads_nowhere_is_null(void **state)
{
    static const char *const paths[] = {"x",      "a.x",     "a.b.3", "a.b.-1",
                                        "a.b.0x", "a.b.1.c", "a..b",  "a.b.99999999999999999999"};
    json_auto_t *root = json_pack("{s:{s:[{s:s}, s, i]}}", "a", "b", "c", "deep", "flat", 7);

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (mu_json_at(root, paths[i]))
            fail_msg("'%s' leads somewhere", paths[i]);
    assert_null(mu_json_at(NULL, "a"));
}

static enum mu_status foreign(const char *text, size_t len, size_t max_values, json_t **ret_root)
{
    struct mu_error err;

    return mu_json_parse_foreign(text, len, &limits, max_values, ret_root, &err);
}

static void a_foreign_document_may_have_what_ours_may_not(void **state)
{
    static const char text[] = "\xef\xbb\xbf{\"a\":1,\"a\":\"\xe9\",\"b\":\"\\u0000\"}";
    json_auto_t *root = NULL;

    (void)state;
    assert_int_equal(foreign(text, sizeof(text) - 1, 10, &root), MU_OK);
    assert_string_equal(mu_json_text_at(root, "a"), "?");
    assert_int_equal(json_string_length(mu_json_at(root, "b")), 1);
}

static void a_foreign_document_has_limits_as_well(void **state)
{
    json_auto_t *root = NULL;

    (void)state;
    assert_int_equal(foreign("[1,[2,\",[{\"]]", 13, 5, &root), MU_OK);
    assert_int_equal(foreign("[1,[2,\",[{\"]]", 13, 4, &root), MU_E_LIMIT);
    assert_int_equal(foreign("[[[[[]]]]]", 10, 100, &root), MU_E_LIMIT);
    assert_int_equal(foreign("[]", 2000, 100, &root), MU_E_LIMIT);
    assert_int_equal(foreign("[", 1, 100, &root), MU_E_INVALID);
    assert_int_equal(foreign("", 0, 100, &root), MU_E_INVALID);
}

static void the_values_of_a_document_can_be_bounded(void **state)
{
    json_auto_t *root = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_json_parse_bounded("[1,[]]", 6, &limits, 3, &root, &err), MU_E_LIMIT);
    assert_int_equal(mu_json_parse_bounded("[1,[]]", 6, &limits, 4, &root, &err), MU_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_document_is_parsed_and_printed_in_one_form),
            cmocka_unit_test(a_hundred_megabytes_are_refused_before_a_byte_is_read),
            cmocka_unit_test(the_size_limit_is_exact),
            cmocka_unit_test(the_depth_limit_is_exact_and_brackets_in_texts_do_not_count),
            cmocka_unit_test(a_million_open_brackets_are_refused_without_recursion),
            cmocka_unit_test(what_is_no_json_is_refused_with_line_and_column),
            cmocka_unit_test(a_member_given_twice_is_refused),
            cmocka_unit_test(what_is_no_utf8_or_holds_a_nul_is_refused),
            cmocka_unit_test(printing_stops_at_the_limit_of_the_buffer),
            cmocka_unit_test(a_path_leads_to_members_and_elements),
            cmocka_unit_test(a_path_that_leads_nowhere_is_null),
            cmocka_unit_test(a_foreign_document_may_have_what_ours_may_not),
            cmocka_unit_test(a_foreign_document_has_limits_as_well),
            cmocka_unit_test(the_values_of_a_document_can_be_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream/json_splitter.h"

#include <string.h>

static enum mu_status collect(void *opaque, const char *document, size_t len, struct mu_error *err)
{
    struct mu_buf *out = opaque;

    if (strcmp(document, "[\"fail\"]") == 0)
        return mu_fail(err, MU_E_CONFLICT, "told to fail");
    assert_int_equal(strlen(document), len);
    mu_buf_printf(out, "<%s>", document);
    return MU_OK;
}

static enum mu_status feed(const char *text, size_t step, size_t max, struct mu_buf *out,
                           struct mu_error *err)
{
    MU_AUTO_DONE(json_splitter_done) struct json_splitter splitter;
    size_t len = strlen(text);
    enum mu_status st = MU_OK;

    json_splitter_init(&splitter, max, collect, out);
    for (size_t at = 0; st == MU_OK && at < len; at += step)
        st = json_splitter_feed(&splitter, text + at, len - at < step ? len - at : step, err);
    return st;
}

/* The same whatever the pieces are in which it comes. */
static void assert_documents(const char *text, const char *expected)
{
    for (size_t step = 1; step < 20; step++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
        struct mu_error err;

        mu_buf_init(&out, 1024);
        assert_int_equal(feed(text, step, 64, &out, &err), MU_OK);
        assert_string_equal(out.data, expected);
    }
}

static void lines_are_documents(void **state)
{
    (void)state;
    assert_documents("{\"a\":1}\n{\"b\":[2,{}]}\r\n\n{\"half\":", "<{\"a\":1}><{\"b\":[2,{}]}>");
}

static void documents_need_nothing_between_them(void **state)
{
    (void)state;
    assert_documents("{\"a\":1}{\"b\":2} [3]{}", "<{\"a\":1}><{\"b\":2}><[3]><{}>");
}

static void record_separators_part_documents(void **state)
{
    (void)state;
    assert_documents("\x1e{\"a\":1}\n\x1e{\"b\":2}\n", "<{\"a\":1}><{\"b\":2}>");
}

static void a_torn_document_does_not_swallow_the_record_behind_it(void **state)
{
    (void)state;
    assert_documents("\x1e{\"a\":\"torn\x1e{\"b\":2}\n", "<{\"a\":\"torn><{\"b\":2}>");
}

static void brackets_and_quotes_inside_of_texts_part_nothing(void **state)
{
    (void)state;
    assert_documents("{\"a\":\"}{\\\"]\\\\\"}{\"b\":\"\\\\\\\"}\"}",
                     "<{\"a\":\"}{\\\"]\\\\\"}><{\"b\":\"\\\\\\\"}\"}>");
}

static void a_document_may_go_over_lines(void **state)
{
    (void)state;
    assert_documents("{\n \"a\": [\n1]\n}\n", "<{\n \"a\": [\n1]\n}>");
}

static void what_is_no_document_is_handed_over_by_lines(void **state)
{
    (void)state;
    assert_documents("no \"json at all\n}}\n{\"a\":1}\n", "<no \"json at all><}><}><{\"a\":1}>");
}

static void a_document_of_the_limit_is_taken_and_one_byte_more_is_refused(void **state)
{
    (void)state;
    for (size_t step = 1; step < 12; step++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
        struct mu_error err;

        mu_buf_init(&out, 1024);
        assert_int_equal(feed("[123456]", step, 8, &out, &err), MU_OK);
        assert_string_equal(out.data, "<[123456]>");
        assert_int_equal(feed("[1234567]", step, 8, &out, &err), MU_E_LIMIT);
        assert_string_equal(out.data, "<[123456]>");
    }
}

static void a_failure_of_a_document_ends_the_feeding(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 1024);
    assert_int_equal(feed("[1][\"fail\"][2]", 64, 64, &out, &err), MU_E_CONFLICT);
    assert_string_equal(out.data, "<[1]>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(lines_are_documents),
            cmocka_unit_test(documents_need_nothing_between_them),
            cmocka_unit_test(record_separators_part_documents),
            cmocka_unit_test(a_torn_document_does_not_swallow_the_record_behind_it),
            cmocka_unit_test(brackets_and_quotes_inside_of_texts_part_nothing),
            cmocka_unit_test(a_document_may_go_over_lines),
            cmocka_unit_test(what_is_no_document_is_handed_over_by_lines),
            cmocka_unit_test(a_document_of_the_limit_is_taken_and_one_byte_more_is_refused),
            cmocka_unit_test(a_failure_of_a_document_ends_the_feeding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

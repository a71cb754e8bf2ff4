#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "listing/listing_page.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

static enum mu_status take(void *opaque, const char *name, struct mu_error *err)
{
    (void)err;
    mu_buf_printf(opaque, "%s ", name);
    return MU_OK;
}

static enum mu_status refuse(void *opaque, const char *name, struct mu_error *err)
{
    (void)opaque, (void)name;
    return mu_fail(err, MU_E_DENIED, "no");
}

static void expect(const char *json, const char *member, const char *names, size_t expected)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct mu_error err;
    size_t count = 99;

    mu_buf_init(&text, 4096);
    if (listing_page_read(json, strlen(json), member, take, &text, &count, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_string_equal(text.data, names);
    assert_int_equal(count, expected);
}

static void names_are_read_in_their_order(void **state)
{
    (void)state;
    expect("{\"repositories\":[\"b\",\"a/c\"]}", "repositories", "b a/c ", 2);
    expect("{\"name\":\"a\",\"tags\":[\"1.0\"],\"more\":{\"x\":[1]}}", "tags", "1.0 ", 1);
}

/* Distribution says null for a repository whose tags are all gone. */
static void null_is_an_empty_list(void **state)
{
    (void)state;
    expect("{\"name\":\"a\",\"tags\":null}", "tags", "", 0);
    expect("{\"repositories\":[]}", "repositories", "", 0);
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const char *const cases[] = {
            "",
            "{",
            "<html>",
            "[]",
            "null",
            "{}",
            "{\"tags\":\"1\"}",
            "{\"tags\":{\"1\":1}}",
            "{\"tags\":[1]}",
            "{\"tags\":[[\"1\"]]}",
            "{\"tags\":[\"1\"]",
            "{\"tags\":[\"1\\u0000x\"]}",
            "{\"tags\":[\"1\"],\"tags\":[]}",
            "{\"errors\":[{\"code\":\"DENIED\"}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
        struct mu_error err;
        size_t count = 99;

        mu_buf_init(&text, 4096);
        if (listing_page_read(cases[i], strlen(cases[i]), "tags", take, &text, &count, &err) !=
            MU_E_INVALID)
            fail_msg("'%s' is accepted", cases[i]);
        assert_int_equal(count, 99);
    }
}

static void a_page_over_four_mebibytes_is_refused(void **state)
{
    char *big = malloc(LISTING_PAGE_MAX_BYTES + 1);
    struct mu_error err;
    size_t count = 99;

    (void)state;
    memset(big, ' ', LISTING_PAGE_MAX_BYTES + 1);
    assert_int_equal(
            listing_page_read(big, LISTING_PAGE_MAX_BYTES + 1, "tags", take, NULL, &count, &err),
            MU_E_LIMIT);
    free(big);
}

static void what_the_receiver_returns_ends_the_reading(void **state)
{
    static const char page[] = "{\"tags\":[\"1\",\"2\"]}";
    struct mu_error err;
    size_t count = 99;

    (void)state;
    assert_int_equal(listing_page_read(page, strlen(page), "tags", refuse, NULL, &count, &err),
                     MU_E_DENIED);
    assert_int_equal(count, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(names_are_read_in_their_order),
            cmocka_unit_test(null_is_an_empty_list),
            cmocka_unit_test(what_makes_no_sense_is_refused),
            cmocka_unit_test(a_page_over_four_mebibytes_is_refused),
            cmocka_unit_test(what_the_receiver_returns_ends_the_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

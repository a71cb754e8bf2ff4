/* What the API is made of: Accept, cursors, rates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/rate.h"
#include "api/accept.h"
#include "api/cursor.h"

#include <stdio.h>
#include <string.h>

static void the_most_exact_range_tells_the_quality(void **state)
{
    static const char *const forms[] = {"application/json", "text/csv"};
    static const struct {
        const char *header;
        int form;
    } cases[] = {{NULL, 0},
                 {"", 0},
                 {"*/*", 0},
                 {"text/csv", 1},
                 {"TEXT/CSV", 1},
                 {"text/*;q=0.1, */*;q=0.2", 0},
                 {"*/*;q=0.2, application/json;q=0.1", 1},
                 {"*/*, application/json;q=0", 1},
                 {"application/json;q=0.001,text/csv;q=0.002", 1},
                 {"text/csv;charset=utf-8;q=0.3 , application/json ; q=0.2", 1},
                 {"application/jso", ACCEPT_NONE},
                 {"application/json2", ACCEPT_NONE},
                 {"application/xml, image/*", ACCEPT_NONE},
                 {"application/json;q=0", ACCEPT_NONE},
                 {",,;;,text/csv", 1}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (accept_choose(cases[i].header, forms, 2) != cases[i].form)
            fail_msg("%s", cases[i].header);
}

static void a_cursor_comes_back_as_it_went(void **state)
{
    const struct cursor cursor = {{"2026-11-01T00:00:00.000001Z", "2026-11-02T00:00:00.000000Z"},
                                  "0123456789abcdef",
                                  "a key\nof lines, \xc3\xa9"};
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(65536);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct cursor read;
    struct mu_error err;

    (void)state;
    mu_buf_init(&text, CURSOR_MAX_BYTES);
    assert_int_equal(cursor_write(&cursor, &text, &err), MU_OK);
    assert_int_equal(cursor_parse(text.data, text.len, arena, &read, &err), MU_OK);
    assert_string_equal(read.key, cursor.key);
    assert_string_equal(read.mark, cursor.mark);
    assert_string_equal(read.instants.valid_at, cursor.instants.valid_at);
    assert_string_equal(read.instants.known_at, cursor.instants.known_at);
    for (size_t len = 0; len < text.len - strlen(cursor.key) * 4 / 3 - 4; len++)
        assert_int_equal(cursor_parse(text.data, len, arena, &read, &err), MU_E_INVALID);
}

static void a_rate_has_its_burst_and_fills_again(void **state)
{
    MU_AUTO(rate) struct rate *rate = rate_new(10);
    unsigned wait_s = 0;

    (void)state;
    for (int i = 0; i < 20; i++)
        assert_true(rate_take(rate, "a", 1000, &wait_s));
    assert_false(rate_take(rate, "a", 1000, &wait_s));
    assert_int_equal(wait_s, 1);
    assert_false(rate_take(rate, "a", 1099, &wait_s));
    assert_true(rate_take(rate, "a", 1100, &wait_s));
    assert_false(rate_take(rate, "a", 1100, &wait_s));
    for (int i = 0; i < 20; i++)
        assert_true(rate_take(rate, "a", 900000, &wait_s));
    assert_false(rate_take(rate, "a", 900000, &wait_s));
}

static void principals_do_not_share_a_rate(void **state)
{
    MU_AUTO(rate) struct rate *rate = rate_new(1);
    unsigned wait_s = 0;
    char name[32];

    (void)state;
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "principal %d", i);
        assert_true(rate_take(rate, name, 5, &wait_s));
    }
}

static void no_rate_is_no_limit(void **state)
{
    MU_AUTO(rate) struct rate *rate = rate_new(0);
    unsigned wait_s = 0;

    (void)state;
    for (int i = 0; i < 10000; i++)
        assert_true(rate_take(rate, "a", 1, &wait_s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_most_exact_range_tells_the_quality),
            cmocka_unit_test(a_cursor_comes_back_as_it_went),
            cmocka_unit_test(a_rate_has_its_burst_and_fills_again),
            cmocka_unit_test(principals_do_not_share_a_rate),
            cmocka_unit_test(no_rate_is_no_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* clock: RFC 3339 both ways; the cases are in tests/data/base/times.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_case(const char *text, const char *micros, const char *written)
{
    int64_t at_us = -7;
    char back[MU_TIME_TEXT_SIZE];
    struct mu_error err;
    enum mu_status st = mu_time_parse(text, strlen(text), &at_us, &err);

    if (strcmp(micros, "-") == 0) {
        if (st != MU_E_INVALID || at_us != -7)
            fail_msg("'%s' is accepted", text);
        return;
    }
    if (st != MU_OK || at_us != strtoll(micros, NULL, 10))
        fail_msg("'%s' gives %lld", text, (long long)at_us);
    mu_time_format(at_us, back);
    assert_string_equal(back, written);
}

static void every_time_of_the_table_is_read_or_refused_as_it_says(void **state)
{
    char line[256];
    size_t cases = 0;
    FILE *file = fopen(MU_TEST_DATA "/base/times.txt", "re");

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        char *rest = line, *text, *micros;

        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#')
            continue;
        text = strsep(&rest, "|");
        micros = strsep(&rest, "|");
        check_case(text, micros, rest);
        cases++;
    }
    (void)fclose(file);
    assert_true(cases >= 35);
}

static void a_time_ends_where_its_length_says(void **state)
{
    static const char text[] = "2026-11-24T12:00:00Zjunk", with_nul[] = "2026-11-24T12:00:00\0Z";
    int64_t at_us = 0;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_time_parse(text, 20, &at_us, &err), MU_OK);
    assert_int_equal(mu_time_parse(text, 19, &at_us, &err), MU_E_INVALID);
    assert_int_equal(mu_time_parse(with_nul, 21, &at_us, &err), MU_E_INVALID);
}

static void a_refused_time_is_named(void **state)
{
    int64_t at_us;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_time_parse("yesterday", 9, &at_us, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "'yesterday'"));
}

static void every_day_of_four_centuries_is_written_and_read_back(void **state)
{
    const int64_t day_us = (int64_t)86400 * 1000000;
    char text[MU_TIME_TEXT_SIZE], previous[MU_TIME_TEXT_SIZE] = "";
    struct mu_error err;

    (void)state;
    for (int64_t at_us = 0; at_us < 146097 * day_us; at_us += day_us) {
        int64_t back_us = -1;

        mu_time_format(at_us, text);
        assert_true(strcmp(previous, text) < 0);
        assert_int_equal(mu_time_parse(text, strlen(text), &back_us, &err), MU_OK);
        assert_true(back_us == at_us);
        memcpy(previous, text, sizeof(text));
    }
    assert_string_equal(previous, "2369-12-31T00:00:00.000000Z");
}

static void times_before_1970_can_still_be_written(void **state)
{
    char text[MU_TIME_TEXT_SIZE];

    (void)state;
    mu_time_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
}

static void the_extremes_of_the_type_do_not_overflow_the_text(void **state)
{
    char text[MU_TIME_TEXT_SIZE];

    (void)state;
    mu_time_format(INT64_MAX, text);
    assert_true(strlen(text) < sizeof(text) - 1);
    mu_time_format(MU_TIME_NONE, text);
    assert_true(strlen(text) < sizeof(text) - 1);
}

static void a_month_runs_to_the_first_instant_of_the_next(void **state)
{
    int64_t begin_us, end_us;
    char text[MU_TIME_TEXT_SIZE];
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_month_parse("2024-02", &begin_us, &end_us, &err), MU_OK);
    mu_time_format(begin_us, text);
    assert_string_equal(text, "2024-02-01T00:00:00.000000Z");
    mu_time_format(end_us, text);
    assert_string_equal(text, "2024-03-01T00:00:00.000000Z");
    assert_int_equal(mu_month_parse("2026-12", &begin_us, &end_us, &err), MU_OK);
    mu_time_format(end_us, text);
    assert_string_equal(text, "2027-01-01T00:00:00.000000Z");
}

static void what_is_no_month_is_refused_and_leaves_the_outputs(void **state)
{
    static const char *const texts[] = {"",        "2026",     "2026-1",  "2026-13", "2026-00",
                                        "1969-12", "2026-011", "2026/11", "-026-11"};
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int64_t begin_us = 1, end_us = 2;

        assert_int_equal(mu_month_parse(texts[i], &begin_us, &end_us, &err), MU_E_INVALID);
        assert_true(begin_us == 1 && end_us == 2);
    }
}

static void the_clocks_go_forward(void **state)
{
    int64_t wall_us = mu_now_us();
    uint64_t steady_ms = mu_monotonic_ms();

    (void)state;
    assert_true(wall_us > (int64_t)1700000000 * 1000000);
    assert_true(mu_monotonic_ms() >= steady_ms);
}

static void times_with_a_text_form_are_valid(void **state)
{
    (void)state;
    assert_true(mu_time_valid(0));
    assert_true(mu_time_valid(INT64_C(253402300799999999)));
    assert_false(mu_time_valid(-1));
    assert_false(mu_time_valid(INT64_C(253402300800000000)));
    assert_false(mu_time_valid(MU_TIME_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_time_of_the_table_is_read_or_refused_as_it_says),
            cmocka_unit_test(a_time_ends_where_its_length_says),
            cmocka_unit_test(a_refused_time_is_named),
            cmocka_unit_test(every_day_of_four_centuries_is_written_and_read_back),
            cmocka_unit_test(times_before_1970_can_still_be_written),
            cmocka_unit_test(the_extremes_of_the_type_do_not_overflow_the_text),
            cmocka_unit_test(a_month_runs_to_the_first_instant_of_the_next),
            cmocka_unit_test(what_is_no_month_is_refused_and_leaves_the_outputs),
            cmocka_unit_test(the_clocks_go_forward),
            cmocka_unit_test(times_with_a_text_form_are_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ver/rules.h"

/* FedRAMP Consolidated Rules 2026, VDR-TFR-PVR: days for LEV+IRV, LEV+NIRV and NLEV. */
static const struct {
    char certification_class;
    int rating, days[3];
} reductions[] = {
        {'A', 5, {4, 8, 32}},     {'A', 4, {8, 32, 64}},    {'A', 3, {32, 64, 192}},
        {'A', 2, {96, 160, 192}}, {'B', 5, {4, 8, 32}},     {'B', 4, {8, 32, 64}},
        {'B', 3, {32, 64, 192}},  {'B', 2, {96, 160, 192}}, {'C', 5, {2, 4, 16}},
        {'C', 4, {4, 8, 64}},     {'C', 3, {16, 32, 128}},  {'C', 2, {48, 128, 192}},
        {'D', 4, {2, 8, 32}},     {'D', 3, {8, 16, 64}},    {'D', 2, {24, 96, 192}},
};

static void every_time_is_that_of_the_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(reductions) / sizeof(reductions[0]); i++) {
        char class = reductions[i].certification_class;
        int rating = reductions[i].rating;

        assert_int_equal(ver_reduction_hours(class, rating, true, true),
                         24 * reductions[i].days[0]);
        assert_int_equal(ver_reduction_hours(class, rating, true, false),
                         24 * reductions[i].days[1]);
        assert_int_equal(ver_reduction_hours(class, rating, false, true),
                         24 * reductions[i].days[2]);
        assert_int_equal(ver_reduction_hours(class, rating, false, false),
                         24 * reductions[i].days[2]);
    }
}

static void the_worst_of_class_d_has_half_a_day(void **state)
{
    (void)state;
    assert_int_equal(ver_reduction_hours('D', 5, true, true), 12);
    assert_int_equal(ver_reduction_hours('D', 5, true, false), 24);
    assert_int_equal(ver_reduction_hours('D', 5, false, false), 8 * 24);
}

static void what_is_no_rating_or_class_has_no_time(void **state)
{
    (void)state;
    for (const char *class = "ABCD"; *class; class ++)
        assert_int_equal(ver_reduction_hours(*class, 1, true, true), 0);
    assert_int_equal(ver_reduction_hours('C', 0, true, true), 0);
    assert_int_equal(ver_reduction_hours('C', 6, true, true), 0);
    assert_int_equal(ver_reduction_hours('E', 5, true, true), 0);
    assert_int_equal(ver_reduction_hours('@', 5, true, true), 0);
}

static void evaluation_has_its_days_by_class(void **state)
{
    (void)state;
    assert_int_equal(ver_evaluation_days('A'), 14);
    assert_int_equal(ver_evaluation_days('B'), 7);
    assert_int_equal(ver_evaluation_days('C'), 5);
    assert_int_equal(ver_evaluation_days('D'), 2);
}

static void incidents_are_those_of_classes_c_and_d(void **state)
{
    (void)state;
    assert_string_equal(ver_incident_rule('C', 4, true, true), "VER-TFR-IRI");
    assert_null(ver_incident_rule('C', 3, true, true));
    assert_null(ver_incident_rule('B', 5, true, true));
    assert_null(ver_incident_rule('C', 5, true, false));
    assert_string_equal(ver_incident_rule('D', 5, true, false), "VER-TFR-NRI");
    assert_null(ver_incident_rule('D', 4, true, false));
    assert_null(ver_incident_rule('D', 5, false, true));
}

static void a_class_follows_from_the_impact_level(void **state)
{
    (void)state;
    assert_int_equal(ver_class_of_impact("Low"), 'B');
    assert_int_equal(ver_class_of_impact("Moderate"), 'C');
    assert_int_equal(ver_class_of_impact("High"), 'D');
}

static void a_rating_follows_from_the_severity(void **state)
{
    (void)state;
    assert_int_equal(ver_default_rating("critical"), 5);
    assert_int_equal(ver_default_rating("high"), 4);
    assert_int_equal(ver_default_rating("moderate"), 3);
    assert_int_equal(ver_default_rating("low"), 2);
    assert_int_equal(ver_default_rating("negligible"), 1);
    assert_int_equal(ver_default_rating("unknown"), 3);
    assert_int_equal(ver_default_rating(NULL), 3);
    assert_int_equal(ver_default_failure_rating(), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_time_is_that_of_the_rule),
            cmocka_unit_test(the_worst_of_class_d_has_half_a_day),
            cmocka_unit_test(what_is_no_rating_or_class_has_no_time),
            cmocka_unit_test(evaluation_has_its_days_by_class),
            cmocka_unit_test(incidents_are_those_of_classes_c_and_d),
            cmocka_unit_test(a_class_follows_from_the_impact_level),
            cmocka_unit_test(a_rating_follows_from_the_severity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

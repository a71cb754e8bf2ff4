#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "package/os/end_of_life.h"

#include <string.h>

static struct end_of_life find(const char *id, const char *version, const char *codename,
                               const char *at)
{
    struct mu_error err;
    int64_t at_us;

    assert_int_equal(mu_time_parse(at, strlen(at), &at_us, &err), MU_OK);
    return end_of_life_find(id, version, codename, at_us);
}

static enum support support_of(const char *id, const char *version, const char *at)
{
    return find(id, version, NULL, at).support;
}

static void the_last_day_counts_whole(void **state)
{
    (void)state;
    assert_int_equal(support_of("debian", "12", "2026-07-11T23:59:59.999999Z"), SUPPORT_REGULAR);
    assert_int_equal(support_of("debian", "12", "2026-07-12T00:00:00Z"), SUPPORT_EXTENDED);
    assert_int_equal(support_of("debian", "12", "2028-06-30T23:59:59Z"), SUPPORT_EXTENDED);
    assert_int_equal(support_of("debian", "12", "2028-07-01T00:00:00Z"), SUPPORT_ENDED);
}

static void a_release_without_extended_support_ends_at_once(void **state)
{
    (void)state;
    assert_int_equal(support_of("alpine", "3.19.1", "2025-11-01T12:00:00Z"), SUPPORT_REGULAR);
    assert_int_equal(support_of("alpine", "3.19.1", "2025-11-02T00:00:00Z"), SUPPORT_ENDED);
    assert_int_equal(support_of("ubuntu", "23.10", "2026-01-01T00:00:00Z"), SUPPORT_ENDED);
}

static void what_is_known_of_a_release_is_told_with_its_source(void **state)
{
    struct end_of_life found = find("ubuntu", "20.04", "focal", "2026-11-25T00:00:00Z");

    (void)state;
    assert_int_equal(found.support, SUPPORT_EXTENDED);
    assert_string_equal(found.distribution, "Ubuntu");
    assert_string_equal(found.release, "20.04");
    assert_string_equal(found.regular_until, "2025-05-29");
    assert_string_equal(found.extended_until, "2030-04-23");
    assert_string_equal(found.extended_name, "ESM");
    assert_non_null(found.source);
    found = find("rocky", "9.3", NULL, "2026-11-25T00:00:00Z");
    assert_int_equal(found.support, SUPPORT_REGULAR);
    assert_null(found.extended_until);
    assert_null(found.extended_name);
}

static void a_version_is_of_a_release_by_whole_numbers(void **state)
{
    (void)state;
    assert_string_equal(find("alpine", "3.2.1", NULL, "2026-01-01T00:00:00Z").release, "3.2");
    assert_string_equal(find("alpine", "3.20.1", NULL, "2026-01-01T00:00:00Z").release, "3.20");
    assert_string_equal(find("amzn", "2", NULL, "2026-01-01T00:00:00Z").release, "2");
    assert_string_equal(find("amzn", "2023", NULL, "2026-01-01T00:00:00Z").release, "2023");
    assert_string_equal(find("sles", "15", NULL, "2026-01-01T00:00:00Z").release, "15");
    assert_string_equal(find("sles", "15.7", NULL, "2026-01-01T00:00:00Z").release, "15.7");
    assert_string_equal(find("rhel", "8.10", NULL, "2026-01-01T00:00:00Z").release, "8");
    assert_int_equal(support_of("sles", "15.9", "2026-01-01T00:00:00Z"), SUPPORT_UNKNOWN);
    assert_int_equal(support_of("alpine", "3.200", "2026-01-01T00:00:00Z"), SUPPORT_UNKNOWN);
    assert_int_equal(support_of("debian", "1", "2026-01-01T00:00:00Z"), SUPPORT_UNKNOWN);
}

static void a_codename_serves_where_there_is_no_version(void **state)
{
    (void)state;
    assert_string_equal(find("debian", NULL, "trixie", "2026-01-01T00:00:00Z").release, "13");
    assert_int_equal(find("debian", NULL, "sid", "2026-01-01T00:00:00Z").support, SUPPORT_UNKNOWN);
    assert_int_equal(find("debian", "99", "trixie", "2026-01-01T00:00:00Z").support,
                     SUPPORT_UNKNOWN);
}

static void what_is_not_in_the_table_is_unknown(void **state)
{
    struct end_of_life found = find("exampleos", "1", "one", "2026-01-01T00:00:00Z");

    (void)state;
    assert_int_equal(found.support, SUPPORT_UNKNOWN);
    assert_null(found.release);
    assert_null(found.source);
    assert_int_equal(find(NULL, NULL, NULL, "2026-01-01T00:00:00Z").support, SUPPORT_UNKNOWN);
    assert_int_equal(find("debian", NULL, NULL, "2026-01-01T00:00:00Z").support, SUPPORT_UNKNOWN);
    assert_int_equal(find("rhel", NULL, "ootpa", "2026-01-01T00:00:00Z").support, SUPPORT_UNKNOWN);
}

/* One of each distribution on 2026-11-25. */
static void every_distribution_has_its_table(void **state)
{
    static const struct {
        const char *id, *version;
        enum support support;
    } cases[] = {
            {"debian", "11", SUPPORT_ENDED},
            {"debian", "13", SUPPORT_REGULAR},
            {"ubuntu", "22.04", SUPPORT_REGULAR},
            {"ubuntu", "14.04", SUPPORT_ENDED},
            {"alpine", "3.21.0", SUPPORT_ENDED},
            {"alpine", "3.22.2", SUPPORT_REGULAR},
            {"rhel", "7.9", SUPPORT_EXTENDED},
            {"rhel", "9.4", SUPPORT_REGULAR},
            {"centos", "7", SUPPORT_ENDED},
            {"centos", "9", SUPPORT_REGULAR},
            {"almalinux", "8.9", SUPPORT_REGULAR},
            {"rocky", "10.0", SUPPORT_REGULAR},
            {"ol", "7.9", SUPPORT_EXTENDED},
            {"amzn", "2018.03", SUPPORT_ENDED},
            {"amzn", "2", SUPPORT_ENDED},
            {"amzn", "2023", SUPPORT_REGULAR},
            {"sles", "15.5", SUPPORT_EXTENDED},
            {"sles", "12.3", SUPPORT_ENDED},
            {"opensuse-leap", "15.5", SUPPORT_ENDED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum support support = support_of(cases[i].id, cases[i].version, "2026-11-25T00:00:00Z");

        if (support != cases[i].support)
            fail_msg("%s %s: %d", cases[i].id, cases[i].version, (int)support);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_last_day_counts_whole),
            cmocka_unit_test(a_release_without_extended_support_ends_at_once),
            cmocka_unit_test(what_is_known_of_a_release_is_told_with_its_source),
            cmocka_unit_test(a_version_is_of_a_release_by_whole_numbers),
            cmocka_unit_test(a_codename_serves_where_there_is_no_version),
            cmocka_unit_test(what_is_not_in_the_table_is_unknown),
            cmocka_unit_test(every_distribution_has_its_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "match/cvss.h"

#include <stdlib.h>
#include <string.h>

/* "9.8" or "10" in tenths. */
static int tenths_of(const char *text)
{
    char *rest;
    long whole = strtol(text, &rest, 10), tenth = *rest == '.' ? strtol(rest + 1, &rest, 10) : 0;

    if (*rest != '\0')
        fail_msg("'%s' is no score", text);
    return (int)(whole * 10 + tenth);
}

static bool score(const char *vector, int *ret_tenths)
{
    return mu_text_starts(vector, "CVSS:") ? cvss_v3_base(vector, ret_tenths)
                                           : cvss_v2_base(vector, ret_tenths);
}

static void expect_line(char *line)
{
    char *tab = strchr(line, '\t');
    int tenths = -1;

    assert_non_null(tab);
    *tab = '\0';
    if (!score(line, &tenths))
        fail_msg("'%s' has no score", line);
    if (tenths != tenths_of(tab + 1))
        fail_msg("'%s' scores %d tenths, not %s", line, tenths, tab + 1);
}

static void published_vectors_have_their_published_scores(void **state)
{
    struct mu_buf text;
    struct mu_error err;
    char *rest, *line;
    size_t count = 0;

    (void)state;
    mu_buf_init(&text, 1 << 20);
    if (mu_file_read(MU_TEST_DATA "/cvss/base.tsv", &text, &err) != MU_OK)
        fail_msg("%s", err.message);
    for (rest = text.data; (line = strsep(&rest, "\n"));) {
        if (line[0] == '#' || line[0] == '\0')
            continue;
        expect_line(line);
        count++;
    }
    assert_true(count > 1000);
    mu_buf_done(&text);
}

static void temporal_and_environmental_members_change_nothing(void **state)
{
    int tenths;

    (void)state;
    assert_true(cvss_v3_base("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U/RL:O/RC:U/CR:L/"
                             "MAV:P/MC:N",
                             &tenths));
    assert_int_equal(tenths, 98);
    assert_true(cvss_v2_base("AV:N/AC:L/Au:N/C:P/I:P/A:P/E:U/RL:OF/RC:UC", &tenths));
    assert_int_equal(tenths, 75);
}

static void the_order_of_members_does_not_matter(void **state)
{
    int tenths;

    (void)state;
    assert_true(cvss_v3_base("CVSS:3.0/A:H/I:H/C:H/S:U/UI:N/PR:N/AC:L/AV:N", &tenths));
    assert_int_equal(tenths, 98);
}

static void no_impact_scores_0(void **state)
{
    int tenths = -1;

    (void)state;
    assert_true(cvss_v3_base("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:N/I:N/A:N", &tenths));
    assert_int_equal(tenths, 0);
    assert_true(cvss_v2_base("AV:N/AC:L/Au:N/C:N/I:N/A:N", &tenths));
    assert_int_equal(tenths, 0);
}

static void vectors_that_are_none_have_no_score(void **state)
{
    static const char *const v3[] = {
            "",
            "CVSS:3.1",
            "CVSS:3.1/",
            "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:X/C:H/I:H/A:H",
            "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "CVSS:3.1/AV:NN/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "CVSS:3.1/AV:/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:h/I:H/A:H",
    };
    static const char *const v2[] = {"",
                                     "AV:N",
                                     "AV:N/AC:L/Au:N/C:P/I:P",
                                     "AV:P/AC:L/Au:N/C:P/I:P/A:P",
                                     "AV:N/AC:L/Au:N/C:P/I:P/A:",
                                     "AV:N/AC:L/AU:N/C:P/I:P/A:P"};
    int tenths = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(v3) / sizeof(v3[0]); i++)
        if (cvss_v3_base(v3[i], &tenths))
            fail_msg("'%s' has a score", v3[i]);
    for (size_t i = 0; i < sizeof(v2) / sizeof(v2[0]); i++)
        if (cvss_v2_base(v2[i], &tenths))
            fail_msg("'%s' has a score", v2[i]);
    assert_int_equal(tenths, 77);
}

static void bands_begin_where_the_specifications_say(void **state)
{
    static const struct {
        int tenths;
        enum severity v3, v2;
    } rows[] = {
            {0, SEVERITY_NEGLIGIBLE, SEVERITY_LOW},     {1, SEVERITY_LOW, SEVERITY_LOW},
            {39, SEVERITY_LOW, SEVERITY_LOW},           {40, SEVERITY_MODERATE, SEVERITY_MODERATE},
            {69, SEVERITY_MODERATE, SEVERITY_MODERATE}, {70, SEVERITY_HIGH, SEVERITY_HIGH},
            {89, SEVERITY_HIGH, SEVERITY_HIGH},         {90, SEVERITY_CRITICAL, SEVERITY_HIGH},
            {100, SEVERITY_CRITICAL, SEVERITY_HIGH}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(severity_of_v3(rows[i].tenths), rows[i].v3);
        assert_int_equal(severity_of_v2(rows[i].tenths), rows[i].v2);
    }
    assert_string_equal(severity_word(SEVERITY_MODERATE), "moderate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(published_vectors_have_their_published_scores),
            cmocka_unit_test(temporal_and_environmental_members_change_nothing),
            cmocka_unit_test(the_order_of_members_does_not_matter),
            cmocka_unit_test(no_impact_scores_0),
            cmocka_unit_test(vectors_that_are_none_have_no_score),
            cmocka_unit_test(bands_begin_where_the_specifications_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "statements/statements.h"

#include "base/buf.h"
#include "base/clock.h"

#include <string.h>

#define ABOUT    "- item: V-1\n  by: a@example.com\n  at: 2026-11-04T00:00:00Z\n"
#define NOV_4_US INT64_C(1793750400000000)

static enum mu_status parse(const char *text, struct mu_arena *arena, struct statements *ret,
                            struct mu_error *err)
{
    return statements_parse("v.yaml", text, strlen(text), arena, ret, err);
}

static void everything_that_can_be_judged_is_read(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct statements statements;
    struct mu_error err;

    (void)state;
    if (parse(ABOUT "  rating: 3\n  likely_exploitable: Yes\n  internet_reachable: no\n"
                    "  potential_agency_impact: One agency waits\n  target_rating: 1\n"
                    "  target_at: 2026-12-24T12:00:00+01:00\n  overdue_explanation: late\n"
                    "  acceptance_rationale: why\n  supplementary_information: more\n"
                    "  disposition: Fully Mitigated\n",
              arena, &statements, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_int_equal(statements.count, 1);
    assert_string_equal(statements.rows[0].item, "V-1");
    assert_int_equal(statements.rows[0].rating, 3);
    assert_int_equal(statements.rows[0].likely_exploitable, ANSWER_YES);
    assert_int_equal(statements.rows[0].internet_reachable, ANSWER_NO);
    assert_int_equal(statements.rows[0].target_rating, 1);
    assert_int_equal(statements.rows[0].target_at_us, INT64_C(1798110000000000));
    assert_string_equal(statements.rows[0].disposition, "Fully Mitigated");
    assert_int_equal(statements.rows[0].at_us, NOV_4_US);
}

static void an_empty_file_states_nothing(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct statements statements = {.count = 7};
    struct mu_error err;

    (void)state;
    assert_int_equal(parse("", arena, &statements, &err), MU_OK);
    assert_int_equal(statements.count, 0);
    assert_int_equal(parse("[]", arena, &statements, &err), MU_OK);
    assert_int_equal(statements.count, 0);
}

static void mistakes_are_named_with_their_line(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
            {"rating: 3", "must be a list of statements"},
            {"- rating: 3\n", "v.yaml:1: 'item' or 'vulnerability' must be given"},
            {ABOUT "  vulnerability: CVE-1\n  rating: 3\n", "'item' or 'vulnerability'"},
            {"- item: V-1\n  at: 2026-11-04T00:00:00Z\n  rating: 3\n", "'by' is mandatory"},
            {"- item: V-1\n  by: me\n  rating: 3\n", "'at' is mandatory"},
            {ABOUT, "'item' is named, but nothing is judged of it"},
            {ABOUT "  rating: 6\n", "v.yaml:4: 'rating' must be a number from 1 to 5"},
            {ABOUT "  rating: 0\n", "'rating' must be a number from 1 to 5"},
            {ABOUT "  rating: 33\n", "'rating' must be a number from 1 to 5"},
            {ABOUT "  likely_exploitable: maybe\n", "must be 'Yes' or 'No'"},
            {ABOUT "  target_rating: 2\n", "'target_rating' and 'target_at' go together"},
            {ABOUT "  target_at: 2026-12-04T00:00:00Z\n", "'target_rating' and 'target_at'"},
            {ABOUT "  target_rating: 2\n  target_at: soon\n", "'target_at' must be a time like"},
            {ABOUT "  disposition: False Positive\n", "a false positive is a deviation"},
            {ABOUT "  colour: red\n", "'colour' is an unknown option"},
            {ABOUT "  by: b\n", "'by' is given twice"},
            {"- []\n", "must be a mapping"},
            {"- {\n", "v.yaml"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
        struct statements statements;
        struct mu_error err;

        assert_int_equal(parse(cases[i].text, arena, &statements, &err), MU_E_INVALID);
        if (!strstr(err.message, cases[i].says))
            fail_msg("'%s' does not say '%s'", err.message, cases[i].says);
    }
}

static void more_statements_than_the_limit_are_refused(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new((size_t)64 << 20);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct statements statements;
    struct mu_error err;

    (void)state;
    mu_buf_init(&text, (size_t)4 << 20);
    for (size_t i = 0; i <= STATEMENTS_MAX; i++)
        mu_buf_puts(&text, "- x\n");
    assert_int_equal(parse(text.data, arena, &statements, &err), MU_E_LIMIT);
}

static void ratings_of(const struct statements *statements, const char *item,
                       const char *vulnerability, int64_t until_us, const char *expected)
{
    struct statements_of of = statements_about(statements, item, vulnerability, until_us);
    const struct statement *row;
    char text[16] = "";

    for (size_t at = 0; (row = statements_next(&of)) && at + 1 < sizeof(text); at++) {
        text[at] = (char)('0' + row->rating);
        text[at + 1] = '\0';
    }
    assert_string_equal(text, expected);
}

static void statements_come_in_the_order_of_their_time_and_the_items_own_last(void **state)
{
    static const char text[] =
            "- {vulnerability: CVE-1, rating: 5, by: a, at: 2026-11-01T00:00:00Z}\n"
            "- {item: V-1, rating: 2, by: a, at: 2026-11-03T00:00:00Z}\n"
            "- {vulnerability: CVE-1, rating: 4, by: a, at: 2026-11-03T00:00:00Z}\n"
            "- {item: V-2, rating: 1, by: a, at: 2026-11-02T00:00:00Z}\n"
            "- {item: V-1, rating: 3, by: a, at: 2026-11-02T00:00:00Z}\n"
            "- {item: V-1, rating: 1, by: a, at: 2026-11-09T00:00:00Z}\n";
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct statements statements;
    struct mu_error err;

    (void)state;
    if (parse(text, arena, &statements, &err) != MU_OK)
        fail_msg("%s", err.message);
    ratings_of(&statements, "V-1", "CVE-1", NOV_4_US, "5342");
    ratings_of(&statements, "V-1", "CVE-1", INT64_MAX, "53421");
    ratings_of(&statements, "V-2", NULL, NOV_4_US, "1");
    ratings_of(&statements, "V-3", "CVE-3", INT64_MAX, "");
    ratings_of(NULL, "V-1", "CVE-1", INT64_MAX, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(everything_that_can_be_judged_is_read),
            cmocka_unit_test(an_empty_file_states_nothing),
            cmocka_unit_test(mistakes_are_named_with_their_line),
            cmocka_unit_test(more_statements_than_the_limit_are_refused),
            cmocka_unit_test(statements_come_in_the_order_of_their_time_and_the_items_own_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

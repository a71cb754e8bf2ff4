#include "examples.h"

#include "close/sequence.h"
#include "store/close_record.h"

#include "base/memory.h"

static enum mu_status read_record(const char *path, const char *bytes, size_t len,
                                  struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct close_record record;

    (void)path;
    return close_record_parse(bytes, len, arena, &record, err);
}

static void the_examples_are_what_their_folder_says(void **state)
{
    (void)state;
    assert_true(examples_check("month-close.v1", true, read_record) >= 3);
    assert_true(examples_check("month-close.v1", false, read_record) >= 10);
}

static void what_is_printed_parses_to_the_same_bytes(void **state)
{
    static const char *const subjects[] = {"production/prod/web-1/app"};
    const char *digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const struct close_companion forged[] = {
            {"other_assets", "other_assets/../../x", {digest, 1}},
            {"other_assets", "template_dr.xlsx", {digest, 1}},
            {"other_assets", "other_assets.", {digest, 1}},
            {"passwords", "passwords.csv", {digest, 1}},
    };
    struct close_companion companion = {"template_poam", "template_poam.xlsx", {digest, 5}};
    struct close_finding finding = {"containers-not-covered", CLOSE_REJECTS, 3, {NULL, 1}};
    struct close_record record = {.schema = CLOSE_SCHEMA,
                                  .month = "2026-10",
                                  .revision = 1,
                                  .serial = 2,
                                  .as_of_us = 1,
                                  .known_at_us = 2,
                                  .closed_at_us = 3,
                                  .closed_by = "Zo\xc3\xab \"isso\"",
                                  .generator = "0.1.0",
                                  .snapshot = {digest, 10},
                                  .system = {digest, 20},
                                  .evidence = {digest, 30},
                                  .numbers = {digest, 40},
                                  .companions = {&companion, 1},
                                  .findings = {&finding, 1},
                                  .has_previous = true,
                                  .previous = {"2026-09", 1, 1, digest},
                                  .accepted_reason = "it is being replaced"};
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf first, second;
    struct close_record parsed = {.month = NULL};
    struct mu_error err;

    (void)state;
    finding.subjects.items = (const char **)(uintptr_t)subjects;
    mu_buf_init(&first, CLOSE_RECORD_MAX_BYTES);
    mu_buf_init(&second, CLOSE_RECORD_MAX_BYTES);
    if (close_record_print(&record, &first, &err) != MU_OK ||
        close_record_parse(first.data, first.len, arena, &parsed, &err) != MU_OK ||
        close_record_print(&parsed, &second, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_string_equal(first.data, second.data);
    assert_non_null(parsed.findings.items);
    assert_non_null(strstr(second.data, "\"count\":3"));
    assert_string_equal(parsed.accepted_reason, "it is being replaced");
    assert_false(parsed.has_replaces);
    assert_string_equal(((struct close_companion *)parsed.companions.items)->file.sha256, digest);
    for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
        companion = forged[i];
        assert_int_equal(close_record_print(&record, &second, &err), MU_E_INVALID);
    }
}

static void a_record_that_could_not_be_read_is_not_printed(void **state)
{
    struct close_record record = {.schema = CLOSE_SCHEMA, .month = "2026-13", .serial = 1};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, CLOSE_RECORD_MAX_BYTES);
    assert_int_equal(close_record_print(&record, &out, &err), MU_E_INVALID);
    record.month = "2026-12";
    assert_int_equal(close_record_print(&record, &out, &err), MU_E_INVALID);
    assert_int_equal(out.len, 0);
}

static void months_step_over_the_year(void **state)
{
    static const struct {
        const char *month;
        int steps;
        const char *to;
    } cases[] = {{"2026-12", 1, "2027-01"},
                 {"2027-01", -1, "2026-12"},
                 {"2026-10", 0, "2026-10"},
                 {"2026-01", -13, "2024-12"},
                 {"9999-12", 1, "9999-01"}};
    char month[CLOSE_MONTH_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        close_month_step(cases[i].month, cases[i].steps, month);
        assert_string_equal(month, cases[i].to);
    }
}

static void the_first_close_may_be_of_any_month_that_is_over(void **state)
{
    const int64_t december_us = INT64_C(1796083200000000); /* 2026-12-01 */
    struct sequence_wish wish = {"2026-11", false, false, december_us};
    struct close_record record = {.revision = 0};
    bool already = true;
    struct mu_error err;

    (void)state;
    assert_int_equal(sequence_next(NULL, &wish, &record, &already, &err), MU_OK);
    assert_int_equal(record.revision, 1);
    assert_false(already || record.has_previous_month || record.has_replaces);
    wish.now_us = december_us - 1;
    assert_int_equal(sequence_next(NULL, &wish, &record, &already, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "--early"));
    wish.early = true;
    assert_int_equal(sequence_next(NULL, &wish, &record, &already, &err), MU_OK);
    wish.month = "2026-12";
    assert_int_equal(sequence_next(NULL, &wish, &record, &already, &err), MU_E_INVALID);
    wish.amend = true;
    assert_int_equal(sequence_next(NULL, &wish, &record, &already, &err), MU_E_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_examples_are_what_their_folder_says),
            cmocka_unit_test(what_is_printed_parses_to_the_same_bytes),
            cmocka_unit_test(a_record_that_could_not_be_read_is_not_printed),
            cmocka_unit_test(months_step_over_the_year),
            cmocka_unit_test(the_first_close_may_be_of_any_month_that_is_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ver/judgement.h"
#include "ver/rules.h"

#include "base/clock.h"

#include <string.h>

#define DAY_US    VER_DAY_US
#define AS_OF_US  (INT64_C(20000) * DAY_US)
#define AGO(days) (AS_OF_US - (days)*DAY_US)

static struct system_file system_of(const struct statement *rows, size_t count)
{
    return (struct system_file){.impact_level = "Moderate",
                                .certification_class = "C",
                                .automatic_evaluation = "No",
                                .statements = {rows, count}};
}

static struct ver_subject subject_since(int days)
{
    return (struct ver_subject){.id = "V-1",
                                .vulnerability = "CVE-1",
                                .severity = "high",
                                .assets = 1,
                                .exposed = 1,
                                .detected_at_us = AGO(days),
                                .kev_due_at_us = MU_TIME_NONE};
}

static struct ver_judgement judge(const struct system_file *system,
                                  const struct ver_subject *subject)
{
    struct ver_judgement judgement;

    ver_judge(system, subject, AS_OF_US, &judgement);
    return judgement;
}

static void what_nobody_stated_is_derived_and_the_worse_counts(void **state)
{
    struct system_file system = system_of(NULL, 0);
    struct ver_subject subject = subject_since(1);
    struct ver_judgement judgement;

    (void)state;
    subject.exposed = 0; /* nobody stated the exposure */
    judgement = judge(&system, &subject);
    assert_int_equal(judgement.rating, 4);
    assert_true(judgement.likely_exploitable && judgement.internet_reachable);
    assert_true(judgement.evaluated_at_us == MU_TIME_NONE);
    assert_true(judgement.reduction_due_us == AGO(1) + 4 * DAY_US);
    assert_true(judgement.target_at_us == judgement.reduction_due_us);
    assert_int_equal(judgement.target_rating, 3);
    assert_false(ver_is_overdue(&judgement));
}

static void evidence_against_exploitation_counts(void **state)
{
    static const struct {
        const char *exploitation, *automatable;
        bool in_kev, expected;
    } cases[] = {
            {NULL, NULL, false, true},  {"none", "yes", false, true},  {"none", "no", false, false},
            {NULL, "no", false, false}, {"active", "no", false, true}, {"poc", "no", false, true},
            {"none", "no", true, true},
    };
    struct system_file system = system_of(NULL, 0);
    struct ver_subject subject = subject_since(1);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        subject.exploitation = cases[i].exploitation;
        subject.automatable = cases[i].automatable;
        subject.in_kev = cases[i].in_kev;
        assert_int_equal(judge(&system, &subject).likely_exploitable, cases[i].expected);
    }
}

static void only_when_no_asset_is_exposed_nothing_is_reachable(void **state)
{
    struct system_file system = system_of(NULL, 0);
    struct ver_subject subject = subject_since(1);

    (void)state;
    subject.assets = 3;
    subject.exposed = 0;
    subject.not_exposed = 2;
    assert_true(judge(&system, &subject).internet_reachable);
    subject.not_exposed = 3;
    assert_false(judge(&system, &subject).internet_reachable);
}

static void a_person_goes_before_what_is_derived(void **state)
{
    const struct statement rows[] = {{.item = "V-1",
                                      .rating = 2,
                                      .likely_exploitable = ANSWER_NO,
                                      .internet_reachable = ANSWER_NO,
                                      .potential_agency_impact = "little",
                                      .by = "me",
                                      .target_at_us = MU_TIME_NONE,
                                      .at_us = AGO(8)}};
    struct system_file system = system_of(rows, 1);
    struct ver_subject subject = subject_since(10);
    struct ver_judgement judgement = judge(&system, &subject);

    (void)state;
    assert_int_equal(judgement.rating, 2);
    assert_false(judgement.likely_exploitable || judgement.internet_reachable);
    assert_string_equal(judgement.potential_agency_impact, "little");
    assert_true(judgement.evaluated_at_us == AGO(8));
    assert_true(judgement.reduction_due_us == AGO(8) + 192 * DAY_US); /* from the evaluation */
    assert_false(ver_is_overdue(&judgement));
}

static void what_was_stated_later_is_not_known_yet(void **state)
{
    const struct statement rows[] = {{.item = "V-1",
                                      .rating = 1,
                                      .by = "me",
                                      .target_at_us = MU_TIME_NONE,
                                      .at_us = AS_OF_US + 1}};
    struct system_file system = system_of(rows, 1);
    struct ver_subject subject = subject_since(10);

    (void)state;
    assert_int_equal(judge(&system, &subject).rating, 4);
}

static void a_reduction_keeps_the_time_of_the_evaluation(void **state)
{
    const struct statement rows[] = {
            {.item = "V-1", .rating = 4, .by = "me", .target_at_us = MU_TIME_NONE, .at_us = AGO(9)},
            {.item = "V-1",
             .rating = 3,
             .by = "you",
             .target_at_us = MU_TIME_NONE,
             .at_us = AGO(2)}};
    struct system_file system = system_of(rows, 2);
    struct ver_subject subject = subject_since(10);
    struct ver_judgement judgement = judge(&system, &subject);

    (void)state;
    assert_int_equal(judgement.rating, 3);
    assert_true(judgement.evaluated_at_us == AGO(9));
    assert_string_equal(judgement.evaluated_by, "me");
    assert_true(judgement.reduction_due_us == AGO(9) + 16 * DAY_US);
}

static void nobody_evaluated_in_time_is_overdue(void **state)
{
    struct system_file system = system_of(NULL, 0);
    struct ver_subject subject = subject_since(5);
    struct ver_judgement judgement;

    (void)state;
    subject.severity = "low";
    judgement = judge(&system, &subject);
    assert_true(judgement.evaluation_overdue && !judgement.reduction_overdue);
    subject.detected_at_us++;
    assert_false(judge(&system, &subject).evaluation_overdue);
    system.automatic_evaluation = "Yes";
    subject.detected_at_us = AGO(30);
    judgement = judge(&system, &subject);
    assert_false(judgement.evaluation_overdue);
    assert_true(judgement.evaluated_at_us == AGO(30));
}

static void the_due_date_of_kev_stands_beside(void **state)
{
    const struct statement rows[] = {{.vulnerability = "CVE-1",
                                      .rating = 1,
                                      .disposition = "Fully Mitigated",
                                      .by = "me",
                                      .target_at_us = MU_TIME_NONE,
                                      .at_us = AGO(9)}};
    struct system_file system = system_of(rows, 1);
    struct ver_subject subject = subject_since(10);
    struct ver_judgement judgement;

    (void)state;
    subject.in_kev = true;
    subject.kev_due_at_us = AGO(1);
    judgement = judge(&system, &subject);
    assert_true(judgement.kev_overdue && !judgement.reduction_overdue);
    subject.kev_due_at_us = AS_OF_US + DAY_US;
    judgement = judge(&system, &subject);
    assert_true(!judgement.kev_overdue && judgement.target_at_us == AS_OF_US + DAY_US);
}

static void after_192_days_it_is_accepted_unless_it_is_mitigated_or_none(void **state)
{
    const struct statement mitigated = {.item = "V-1",
                                        .rating = 1,
                                        .disposition = "Fully Mitigated",
                                        .by = "me",
                                        .target_at_us = MU_TIME_NONE,
                                        .at_us = AGO(194)};
    struct system_file system = system_of(NULL, 0);
    struct ver_subject subject = subject_since(192);
    struct ver_judgement judgement;

    (void)state;
    assert_false(judge(&system, &subject).accepted);
    subject.detected_at_us = AGO(193);
    assert_true(judge(&system, &subject).accepted);
    judgement = judge(&system, &subject);
    assert_false(ver_is_overdue(&judgement));
    subject.false_positive = true;
    assert_false(judge(&system, &subject).accepted);
    subject.false_positive = false;
    subject.detected_at_us = AGO(195);
    system = system_of(&mitigated, 1);
    assert_false(judge(&system, &subject).accepted);
    subject.accepted = true;
    assert_true(judge(&system, &subject).accepted);
}

static void a_plan_that_was_stated_is_the_next_reduction_until_it_has_passed(void **state)
{
    struct statement row = {.item = "V-1",
                            .target_rating = 2,
                            .target_at_us = AS_OF_US + 2 * DAY_US,
                            .by = "me",
                            .at_us = AGO(0)};
    struct system_file system = system_of(&row, 1);
    struct ver_subject subject = subject_since(1);
    struct ver_judgement judgement = judge(&system, &subject);

    (void)state;
    assert_true(judgement.target_stated && judgement.target_at_us == AS_OF_US + 2 * DAY_US);
    assert_int_equal(judgement.target_rating, 2);
    row.target_at_us = AS_OF_US;
    judgement = judge(&system, &subject);
    assert_false(judgement.target_stated);
    assert_true(judgement.target_at_us == AGO(1) + 4 * DAY_US);
}

static void assert_says(const struct mu_buf *text, const char *expected)
{
    if (!strstr(text->data, expected))
        fail_msg("'%s' does not say '%s'", text->data, expected);
}

static void what_was_derived_is_said_so(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct system_file system = system_of(NULL, 0);
    struct ver_subject subject = subject_since(30);
    struct ver_judgement judgement;

    (void)state;
    mu_buf_init(&text, 1 << 16);
    subject.exposed = 0;
    subject.in_kev = true;
    subject.kev_due_at_us = AGO(3);
    judgement = judge(&system, &subject);
    ver_explain(&system, &subject, &judgement, &text);
    assert_says(&text, "Derived by rule, not stated by a person: rating N4 (severity high);");
    assert_says(&text, "likely exploitable yes (in CISA's KEV catalog);");
    assert_says(&text, "internet-reachable yes (ASSUMED: of 1 of 1 assets nobody stated the "
                       "exposure).");
    assert_says(&text, "No evaluation was completed");
    assert_says(&text, "reportable incident (VER-TFR-IRI)");
    mu_buf_reset(&text);
    ver_explain_overdue(&system, &judgement, &text);
    assert_says(&text, "No person has evaluated it; VER-TFR-EVU asked for that by 2024-09-09T");
    assert_says(&text, "VDR-TFR-PVR (class C, N4, LEV, IRV) asked for a lower rating by ");
    assert_says(&text, "CISA's KEV catalog asks for remediation before ");
    assert_says(&text, "No person has stated a reason.");
}

static void a_failure_of_detection_is_judged_as_one(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct system_file system = system_of(NULL, 0);
    struct ver_subject subject = {
            .id = "f", .is_failure = true, .detected_at_us = AGO(1), .kev_due_at_us = MU_TIME_NONE};
    struct ver_judgement judgement = judge(&system, &subject);

    (void)state;
    mu_buf_init(&text, 1 << 16);
    assert_int_equal(judgement.rating, 3);
    assert_false(judgement.likely_exploitable || judgement.internet_reachable);
    ver_explain(&system, &subject, &judgement, &text);
    assert_says(&text, "rating N3 (a failure of detection);");
    assert_says(&text, "internet-reachable no (a failure of detection).");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_nobody_stated_is_derived_and_the_worse_counts),
            cmocka_unit_test(evidence_against_exploitation_counts),
            cmocka_unit_test(only_when_no_asset_is_exposed_nothing_is_reachable),
            cmocka_unit_test(a_person_goes_before_what_is_derived),
            cmocka_unit_test(what_was_stated_later_is_not_known_yet),
            cmocka_unit_test(a_reduction_keeps_the_time_of_the_evaluation),
            cmocka_unit_test(nobody_evaluated_in_time_is_overdue),
            cmocka_unit_test(the_due_date_of_kev_stands_beside),
            cmocka_unit_test(after_192_days_it_is_accepted_unless_it_is_mitigated_or_none),
            cmocka_unit_test(a_plan_that_was_stated_is_the_next_reduction_until_it_has_passed),
            cmocka_unit_test(what_was_derived_is_said_so),
            cmocka_unit_test(a_failure_of_detection_is_judged_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Policies and what they make of facts. */
#include "examples.h"

#include "policy/judge.h"

#include "base/clock.h"

#define NOW (INT64_C(1793491200000000)) /* 2026-11-01T00:00:00Z */
#define DAY (INT64_C(24) * 3600 * 1000000)

static enum mu_status read_policy(const char *path, const char *bytes, size_t len,
                                  struct mu_error *err)
{
    MU_AUTO(policy) struct policy *policy = NULL;

    return policy_parse(path, bytes, len, &policy, err);
}

static void the_examples_are_what_their_folder_says(void **state)
{
    (void)state;
    assert_true(examples_check("policy.v1", true, read_policy) >= 2);
    assert_true(examples_check("policy.v1", false, read_policy) >= 5);
}

static const char text[] =
        "name: test\nmax_scan_age: 10d\nmax_database_age: 2d\nbase_images: ['Debian*']\n"
        "approvers: [officer]\n"
        "rules:\n"
        "  - {name: kev, kev: true, at_least: unknown, max: 0}\n"
        "  - {name: critical, at_least: critical, max: 0}\n"
        "  - {name: high-fixable, at_least: high, fixable: true, max: 1}\n"
        "  - {name: secrets, of: configuration, at_least: high, max: 0}\n"
        "exceptions:\n"
        "  - {finding: CVE-1, until: '2027-01-01T00:00:00Z', by: a, reason: r}\n"
        "  - {finding: CVE-2, until: '2026-10-01T00:00:00Z', by: a, reason: r}\n"
        "  - {finding: 'CVE-3*', image: 'other/*', until: '2027-01-01T00:00:00Z', by: a, reason: "
        "r}\n"
        "  - {finding: CVE-4, package: 'open*', until: '2027-01-01T00:00:00Z', by: a, reason: r}\n";

static struct policy *policy_of(const char *bytes)
{
    struct policy *policy = NULL;
    struct mu_error err;

    if (policy_parse("test", bytes, strlen(bytes), &policy, &err) != MU_OK)
        fail_msg("%s", err.message);
    return policy;
}

static struct image_facts scanned(const struct finding_fact *findings, size_t count)
{
    return (struct image_facts){.repository = "registry.example/app",
                                .digest = "sha256:0",
                                .os_name = "Debian GNU/Linux 12",
                                .scan_id = "s",
                                .finished_at_us = NOW - DAY,
                                .database_built_at_us = NOW - 2 * DAY,
                                .findings = findings,
                                .finding_count = count,
                                .named = true,
                                .has_read = true};
}

static struct judged judge(const struct image_facts *facts)
{
    MU_AUTO(policy) struct policy *policy = policy_of(text);
    static char rule[64];
    struct judged judged;

    judge_image(policy, facts, NOW, &judged);
    (void)snprintf(rule, sizeof(rule), "%s", judged.rule);
    judged.rule = rule;
    return judged;
}

static void assert_judged(const struct image_facts *facts, enum verdict verdict,
                          enum verdict_reason reason, const char *rule)
{
    struct judged judged = judge(facts);

    if (judged.verdict != verdict || judged.reason != reason || strcmp(judged.rule, rule) != 0)
        fail_msg("%s %s '%s': %s", verdict_word(judged.verdict), verdict_reason_word(judged.reason),
                 judged.rule, judged.detail);
}

static void findings_are_held_against_the_rules_in_their_order(void **state)
{
    const struct {
        struct finding_fact finding;
        const char *rule; /* "": it counts for none */
    } rows[] = {
            {{"CVE-9", "p", NULL, SEVERITY_CRITICAL, FINDING_VULNERABILITY, false}, "critical"},
            {{"CVE-9", "p", NULL, SEVERITY_LOW, FINDING_VULNERABILITY, true}, "kev"},
            {{"CVE-9", "p", NULL, SEVERITY_HIGH, FINDING_VULNERABILITY, false}, ""},
            {{"CVE-9", "p", "2", SEVERITY_HIGH, FINDING_VULNERABILITY, false}, ""}, /* one may be */
            {{"CVE-1", "p", NULL, SEVERITY_CRITICAL, FINDING_VULNERABILITY, false}, ""},
            {{"CVE-2", "p", NULL, SEVERITY_CRITICAL, FINDING_VULNERABILITY, false}, "critical"},
            {{"CVE-33", "p", NULL, SEVERITY_CRITICAL, FINDING_VULNERABILITY, false}, "critical"},
            {{"CVE-4", "openssl", NULL, SEVERITY_CRITICAL, FINDING_VULNERABILITY, false}, ""},
            {{"CVE-4", "zlib", NULL, SEVERITY_CRITICAL, FINDING_VULNERABILITY, false}, "critical"},
            {{"MUSTER-IMG-0001", "/k", NULL, SEVERITY_HIGH, FINDING_CONFIGURATION, false},
             "secrets"},
            {{"MUSTER-IMG-0001", "/k", NULL, SEVERITY_MODERATE, FINDING_CONFIGURATION, false}, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct image_facts facts = scanned(&rows[i].finding, 1);

        assert_judged(&facts, rows[i].rule[0] ? VERDICT_REJECTED : VERDICT_APPROVED,
                      rows[i].rule[0] ? REASON_RULE_BROKEN : REASON_POLICY_PASSED, rows[i].rule);
    }
}

static void a_threshold_is_broken_by_more_than_it_allows(void **state)
{
    const struct finding_fact findings[] = {
            {"CVE-7", "a", "2", SEVERITY_HIGH, FINDING_VULNERABILITY, false},
            {"CVE-8", "b", "2", SEVERITY_HIGH, FINDING_VULNERABILITY, false}};
    struct image_facts facts = scanned(findings, 2);

    (void)state;
    assert_judged(&facts, VERDICT_REJECTED, REASON_RULE_BROKEN, "high-fixable");
    assert_non_null(strstr(judge(&facts).detail, "2, 1 allowed: CVE-7 (a), CVE-8 (b)"));
}

static void an_image_waits_until_it_has_a_scan_that_counts(void **state)
{
    struct image_facts facts = scanned(NULL, 0);

    (void)state;
    assert_judged(&facts, VERDICT_APPROVED, REASON_POLICY_PASSED, "");
    assert_int_equal(judge(&facts).expires_at_us, NOW + 9 * DAY);
    facts.has_read = false;
    assert_judged(&facts, VERDICT_WAITING, REASON_NEVER_SCANNED, "");
    facts.has_read = true;
    facts.named = false;
    assert_judged(&facts, VERDICT_WAITING, REASON_NEVER_SCANNED, "");
    facts.named = true;
    facts.database_built_at_us = NOW - 4 * DAY;
    assert_judged(&facts, VERDICT_WAITING, REASON_DATABASE_STALE, "");
    facts.finished_at_us = NOW - 10 * DAY;
    assert_judged(&facts, VERDICT_WAITING, REASON_SCAN_EXPIRED, "");
    facts.finished_at_us = MU_TIME_NONE;
    assert_judged(&facts, VERDICT_WAITING, REASON_NEVER_SCANNED, "");
    facts.failure_code = "unreadable_layer";
    assert_judged(&facts, VERDICT_REJECTED, REASON_SCAN_FAILED, "");
    facts.registry = "deleted";
    assert_judged(&facts, VERDICT_REJECTED, REASON_NOT_IN_REGISTRY, "");
}

static void another_operating_system_is_refused_where_some_are_named(void **state)
{
    struct image_facts facts = scanned(NULL, 0);

    (void)state;
    facts.os_name = "Alpine Linux 3.19";
    assert_judged(&facts, VERDICT_REJECTED, REASON_RULE_BROKEN, "base_images");
    facts.os_name = NULL;
    assert_judged(&facts, VERDICT_REJECTED, REASON_RULE_BROKEN, "base_images");
}

static void the_worst_of_several_counts_and_the_first_end(void **state)
{
    struct judged worst = {.rule = "", .expires_at_us = MU_TIME_NONE};
    const struct judged rows[] = {
            {.verdict = VERDICT_APPROVED, .reason = REASON_POLICY_PASSED, .expires_at_us = 9},
            {.verdict = VERDICT_REJECTED, .reason = REASON_RULE_BROKEN, .expires_at_us = 7},
            {.verdict = VERDICT_WAITING,
             .reason = REASON_NEVER_SCANNED,
             .expires_at_us = MU_TIME_NONE}};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        judge_worst(&worst, &rows[i]);
    assert_int_equal(worst.verdict, VERDICT_REJECTED);
    assert_int_equal(worst.expires_at_us, 7);
}

static void only_the_roles_that_are_named_may_approve(void **state)
{
    MU_AUTO(policy) struct policy *policy = policy_of(text);
    MU_AUTO(policy) struct policy *open = policy_of(policy_default_text);

    (void)state;
    assert_true(policy_role_may_approve(policy, "officer"));
    assert_false(policy_role_may_approve(policy, "developer"));
    assert_true(policy_role_may_approve(open, "developer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_examples_are_what_their_folder_says),
            cmocka_unit_test(findings_are_held_against_the_rules_in_their_order),
            cmocka_unit_test(a_threshold_is_broken_by_more_than_it_allows),
            cmocka_unit_test(an_image_waits_until_it_has_a_scan_that_counts),
            cmocka_unit_test(another_operating_system_is_refused_where_some_are_named),
            cmocka_unit_test(the_worst_of_several_counts_and_the_first_end),
            cmocka_unit_test(only_the_roles_that_are_named_may_approve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

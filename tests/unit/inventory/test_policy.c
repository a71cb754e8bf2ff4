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

#define FINDING(name, of, fix, worth, exploited)                                     \
    {                                                                                \
        .id = (name), .package = (of), .fixed = (fix), .severity = SEVERITY_##worth, \
        .kind = FINDING_VULNERABILITY, .kev = (exploited), .since_us = NOW - DAY     \
    }

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

static struct judged judge_by(const char *bytes, const struct image_facts *facts)
{
    MU_AUTO(policy) struct policy *policy = policy_of(bytes);
    static char rule[64];
    struct judged judged;

    judge_image(policy, facts, NOW, &judged);
    (void)snprintf(rule, sizeof(rule), "%s", judged.rule);
    judged.rule = rule;
    return judged;
}

static struct judged judge(const struct image_facts *facts)
{
    return judge_by(text, facts);
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
            {FINDING("CVE-9", "p", NULL, CRITICAL, false), "critical"},
            {FINDING("CVE-9", "p", NULL, LOW, true), "kev"},
            {FINDING("CVE-9", "p", NULL, HIGH, false), ""},
            {FINDING("CVE-9", "p", "2", HIGH, false), ""}, /* one may be */
            {FINDING("CVE-1", "p", NULL, CRITICAL, false), ""},
            {FINDING("CVE-2", "p", NULL, CRITICAL, false), "critical"},
            {FINDING("CVE-33", "p", NULL, CRITICAL, false), "critical"},
            {FINDING("CVE-4", "openssl", NULL, CRITICAL, false), ""},
            {FINDING("CVE-4", "zlib", NULL, CRITICAL, false), "critical"},
            {{.id = "MUSTER-IMG-0001",
              .package = "/k",
              .severity = SEVERITY_HIGH,
              .kind = FINDING_CONFIGURATION},
             "secrets"},
            {{.id = "MUSTER-IMG-0001",
              .package = "/k",
              .severity = SEVERITY_MODERATE,
              .kind = FINDING_CONFIGURATION},
             ""},
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
    const struct finding_fact findings[] = {FINDING("CVE-7", "a", "2", HIGH, false),
                                            FINDING("CVE-8", "b", "2", HIGH, false)};
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

static void assert_by(const char *bytes, const struct image_facts *facts, enum verdict verdict,
                      int64_t expires_at_us)
{
    struct judged judged = judge_by(bytes, facts);

    if (judged.verdict != verdict || judged.expires_at_us != expires_at_us)
        fail_msg("%s until %lld: %s", verdict_word(judged.verdict),
                 (long long)(judged.expires_at_us - NOW), judged.detail);
}

static void a_rule_may_be_about_old_findings_alone(void **state)
{
    static const char rules[] = "name: t\nrules:\n"
                                "  - {name: overdue, at_least: high, older_than: 30d, max: 1}\n";
    struct finding_fact findings[] = {FINDING("CVE-1", "a", NULL, HIGH, false),
                                      FINDING("CVE-2", "b", NULL, HIGH, false),
                                      FINDING("CVE-3", "c", NULL, LOW, false)};
    struct image_facts facts = scanned(findings, 3);

    (void)state;
    assert_by(rules, &facts, VERDICT_APPROVED, NOW + 29 * DAY);
    findings[0].since_us = findings[2].since_us = NOW - 31 * DAY;
    assert_by(rules, &facts, VERDICT_APPROVED, NOW + 29 * DAY);
    findings[1].since_us = NOW - 20 * DAY; /* the second becomes old before the scan does */
    assert_by(rules, &facts, VERDICT_APPROVED, NOW + 10 * DAY + 1);
    assert_non_null(
            strstr(judge_by(rules, &facts).detail, "until 2026-11-11T00:00:00.000001Z, when"));
    findings[1].since_us = NOW - 30 * DAY; /* 30 days are allowed */
    assert_by(rules, &facts, VERDICT_APPROVED, NOW + 1);
    findings[1].since_us--;
    assert_by(rules, &facts, VERDICT_REJECTED, NOW + 29 * DAY);
}

static void an_image_may_have_to_be_built_anew(void **state)
{
    static const char rules[] = "name: t\nmax_image_age: 90d\nrules: []\n";
    struct image_facts facts = scanned(NULL, 0);

    (void)state;
    facts.first_seen_at_us = NOW - DAY;
    assert_by(rules, &facts, VERDICT_APPROVED, NOW + 29 * DAY);
    assert_string_equal(judge_by(rules, &facts).detail, "");
    facts.first_seen_at_us = NOW - 80 * DAY;
    assert_by(rules, &facts, VERDICT_APPROVED, NOW + 10 * DAY);
    facts.first_seen_at_us = NOW - 90 * DAY;
    assert_by(rules, &facts, VERDICT_REJECTED, NOW + 29 * DAY);
    assert_string_equal(judge_by(rules, &facts).rule, "max_image_age");
}

static void an_approval_ends_with_what_it_rests_on(void **state)
{
    static const char rules[] =
            "name: t\nrules:\n  - {name: critical, at_least: critical, max: 1}\nexceptions:\n"
            "  - {finding: CVE-1, until: '2026-11-05T00:00:00Z', by: a, reason: r}\n"
            "  - {finding: CVE-2, until: '2026-11-08T00:00:00Z', by: a, reason: r}\n"
            "  - {finding: CVE-1, until: '2026-11-12T00:00:00Z', by: a, reason: r}\n";
    const struct finding_fact findings[] = {FINDING("CVE-1", "a", NULL, CRITICAL, false),
                                            FINDING("CVE-2", "b", NULL, CRITICAL, false)};
    struct image_facts facts = scanned(findings, 2);

    (void)state;
    assert_by(rules, &facts, VERDICT_APPROVED, NOW + 11 * DAY);
    facts.finding_count = 1; /* one may be */
    assert_by(rules, &facts, VERDICT_APPROVED, NOW + 29 * DAY);
}

static void a_deviation_takes_out_or_adjusts_until_its_end(void **state)
{
    static const char rules[] =
            "name: t\nrules:\n  - {name: critical, at_least: critical, max: 0}\n";
    struct finding_fact finding = FINDING("CVE-1", "a", NULL, CRITICAL, false);
    struct image_facts facts = scanned(&finding, 1);

    (void)state;
    finding.held = true;
    finding.held_until_us = MU_TIME_NONE;
    assert_by(rules, &facts, VERDICT_APPROVED, NOW + 29 * DAY);
    finding.held_until_us = NOW + DAY;
    assert_by(rules, &facts, VERDICT_APPROVED, NOW + DAY);
    finding.held_until_us = NOW;
    assert_by(rules, &facts, VERDICT_REJECTED, NOW + 29 * DAY);
    finding.adjusted = SEVERITY_MODERATE;
    finding.adjusted_until_us = NOW + 2 * DAY;
    assert_by(rules, &facts, VERDICT_APPROVED, NOW + 2 * DAY);
    finding.adjusted_until_us = MU_TIME_NONE;
    assert_by(rules, &facts, VERDICT_APPROVED, NOW + 29 * DAY);
    finding.severity = SEVERITY_LOW;
    finding.adjusted = SEVERITY_CRITICAL; /* upwards too */
    assert_by(rules, &facts, VERDICT_REJECTED, NOW + 29 * DAY);
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
            cmocka_unit_test(a_rule_may_be_about_old_findings_alone),
            cmocka_unit_test(an_image_may_have_to_be_built_anew),
            cmocka_unit_test(an_approval_ends_with_what_it_rests_on),
            cmocka_unit_test(a_deviation_takes_out_or_adjusts_until_its_end),
            cmocka_unit_test(another_operating_system_is_refused_where_some_are_named),
            cmocka_unit_test(the_worst_of_several_counts_and_the_first_end),
            cmocka_unit_test(only_the_roles_that_are_named_may_approve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

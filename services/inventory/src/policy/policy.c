#include "policy/policy.h"

#include "document/yaml_document.h"
#include "records/statement_kinds.h"

#include "base/config.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { POLICY_ARENA_BYTES = 16 * 1024 * 1024 };

static const int64_t us_in_ms = 1000;

const char policy_default_text[] = "name: built-in\n"
                                   "max_scan_age: 30d\n"
                                   "rules:\n"
                                   "  - name: known-exploited\n"
                                   "    kev: true\n"
                                   "    at_least: unknown\n"
                                   "    max: 0\n"
                                   "  - name: critical\n"
                                   "    at_least: critical\n"
                                   "    max: 0\n";

/* ---- words ---- */

static const char *const severity_words[] = {"",         "unknown", "negligible", "low",
                                             "moderate", "high",    "critical",   NULL};
static const char *const kind_words[] = {"", "vulnerability", "configuration", NULL};

const char *severity_word(enum severity severity)
{
    return severity_words[severity];
}

enum severity severity_of_word(const char *word)
{
    for (int i = 1; i < SEVERITY_COUNT; i++)
        if (mu_text_equal(word, severity_words[i]))
            return (enum severity)i;
    return SEVERITY_UNKNOWN;
}

/* ---- the file ---- */

#define RULE(member)   offsetof(struct policy_rule, member)
#define EXCEPT(member) offsetof(struct policy_exception, member)
#define POLICY(member) offsetof(struct policy, member)

static const struct mu_json_field rule_fields[] = {
        {.name = "at_least",
         .type = MU_JSON_ENUM,
         .flags = MU_JSON_REQUIRED,
         .offset = RULE(at_least),
         .words = severity_words},
        {.name = "fixable", .type = MU_JSON_BOOL, .offset = RULE(fixable)},
        {.name = "kev", .type = MU_JSON_BOOL, .offset = RULE(kev)},
        {.name = "max",
         .type = MU_JSON_INT,
         .flags = MU_JSON_REQUIRED,
         .offset = RULE(max),
         .max = 1000000},
        {.name = "name",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = RULE(name),
         .min = 1,
         .max = 63},
        {.name = "of", .type = MU_JSON_ENUM, .offset = RULE(of), .words = kind_words},
        {.name = "older_than",
         .type = MU_JSON_TEXT,
         .offset = RULE(older_than_text),
         .min = 1,
         .max = 32},
};
static const struct mu_json_object rule_object = {"a rule", rule_fields,
                                                  sizeof(rule_fields) / sizeof(rule_fields[0]),
                                                  sizeof(struct policy_rule)};

static const struct mu_json_field exception_fields[] = {
        {.name = "by",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = EXCEPT(by),
         .min = 1,
         .max = 255},
        {.name = "finding",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = EXCEPT(finding),
         .min = 1,
         .max = 255},
        {.name = "image", .type = MU_JSON_TEXT, .offset = EXCEPT(image), .min = 1, .max = 511},
        {.name = "package", .type = MU_JSON_TEXT, .offset = EXCEPT(package), .min = 1, .max = 255},
        {.name = "reason",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = EXCEPT(reason),
         .min = 1,
         .max = 1024},
        {.name = "until",
         .type = MU_JSON_TIME,
         .flags = MU_JSON_REQUIRED,
         .offset = EXCEPT(until_us)},
};
static const struct mu_json_object exception_object = {
        "an exception", exception_fields, sizeof(exception_fields) / sizeof(exception_fields[0]),
        sizeof(struct policy_exception)};

static const struct mu_json_field policy_fields[] = {
        {.name = "approvers", .type = MU_JSON_TEXTS, .offset = POLICY(approvers), .max = 100},
        {.name = "base_images", .type = MU_JSON_TEXTS, .offset = POLICY(base_images), .max = 1000},
        {.name = "built_from", .type = MU_JSON_TEXTS, .offset = POLICY(built_from), .max = 1000},
        {.name = "deviations", .type = MU_JSON_TEXTS, .offset = POLICY(deviations), .max = 5},
        {.name = "exceptions",
         .type = MU_JSON_ARRAY,
         .offset = POLICY(exceptions),
         .max = POLICY_MAX_EXCEPTIONS,
         .object = &exception_object},
        {.name = "max_database_age",
         .type = MU_JSON_TEXT,
         .offset = POLICY(max_database_age_text),
         .min = 1,
         .max = 32},
        {.name = "max_image_age",
         .type = MU_JSON_TEXT,
         .offset = POLICY(max_image_age_text),
         .min = 1,
         .max = 32},
        {.name = "max_scan_age",
         .type = MU_JSON_TEXT,
         .offset = POLICY(max_scan_age_text),
         .min = 1,
         .max = 32},
        {.name = "name",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = POLICY(name),
         .min = 1,
         .max = 63},
        {.name = "rules",
         .type = MU_JSON_ARRAY,
         .flags = MU_JSON_REQUIRED,
         .offset = POLICY(rules),
         .max = POLICY_MAX_RULES,
         .object = &rule_object},
};
static const struct mu_json_object policy_object = {
        "a policy", policy_fields, sizeof(policy_fields) / sizeof(policy_fields[0]),
        sizeof(struct policy)};

/* ---- loading ---- */

static enum mu_status read_age(const char *path, const char *name, const char *text,
                               int64_t *ret_us, struct mu_error *err)
{
    int64_t age_ms = 0;

    if (!text)
        return MU_OK;
    if (!mu_option_number(MU_OPTION_DURATION_MS, text, &age_ms) || age_ms <= 0 ||
        age_ms > INT64_MAX / us_in_ms)
        return mu_fail(err, MU_E_INVALID, "%s: %s must be a duration such as 30d or 12h, not '%s'",
                       path, name, text);
    *ret_us = age_ms * us_in_ms;
    return MU_OK;
}

static enum mu_status check_deviations(const char *path, const struct policy *policy,
                                       struct mu_error *err)
{
    bool known;

    for (size_t i = 0; i < policy->deviations.count; i++) {
        known = false;
        for (const char *const *kind = deviation_kinds; *kind; kind++)
            known |= mu_text_equal(policy->deviations.items[i], *kind);
        if (!known)
            return mu_fail(err, MU_E_INVALID,
                           "%s: deviations[%zu]: expected false_positive, risk_adjustment, "
                           "operational_requirement, vendor_dependency or accepted",
                           path, i);
    }
    return MU_OK;
}

static enum mu_status check_rules(const char *path, const struct policy *policy,
                                  struct mu_error *err)
{
    struct policy_rule *rules = policy->rules.items;
    char name[64];

    for (size_t i = 0; i < policy->rules.count; i++) {
        (void)snprintf(name, sizeof(name), "rules[%zu].older_than", i);
        if (read_age(path, name, rules[i].older_than_text, &rules[i].older_than_us, err) != MU_OK)
            return err->status;
        if (rules[i].of == FINDING_CONFIGURATION &&
            (rules[i].kev || rules[i].fixable || rules[i].older_than_text))
            return mu_fail(err, MU_E_INVALID,
                           "%s: rules[%zu]: kev, fixable and older_than are of vulnerabilities, "
                           "not of the configuration",
                           path, i);
        for (size_t k = 0; k < i; k++)
            if (mu_text_equal(rules[i].name, rules[k].name))
                return mu_fail(err, MU_E_INVALID, "%s: rules[%zu].name: '%s' is there twice", path,
                               i, rules[i].name);
    }
    return MU_OK;
}

enum mu_status policy_parse(const char *path, const char *bytes, size_t len,
                            struct policy **ret_policy, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(POLICY_ARENA_BYTES);
    struct policy read = {0}, *policy;
    enum mu_status st = yaml_document_decode(path, bytes, len, &policy_object, arena, &read, err);

    if (st == MU_OK && !read.max_scan_age_text)
        read.max_scan_age_text = "30d";
    if (st == MU_OK)
        st = read_age(path, "max_scan_age", read.max_scan_age_text, &read.max_scan_age_us, err);
    if (st == MU_OK)
        st = read_age(path, "max_database_age", read.max_database_age_text,
                      &read.max_database_age_us, err);
    if (st == MU_OK)
        st = read_age(path, "max_image_age", read.max_image_age_text, &read.max_image_age_us, err);
    if (st == MU_OK)
        st = check_deviations(path, &read, err);
    if (st == MU_OK)
        st = check_rules(path, &read, err);
    if (st != MU_OK)
        return st;
    policy = mu_xcalloc(1, sizeof(*policy));
    *policy = read;
    mu_sha256_text(bytes, len, policy->digest);
    policy->arena = arena;
    arena = NULL;
    *ret_policy = policy;
    return MU_OK;
}

void policy_free(struct policy *policy)
{
    if (!policy)
        return;
    mu_arena_free(policy->arena);
    free(policy);
}

bool policy_asks_ages(const struct policy *policy)
{
    const struct policy_rule *rules = policy->rules.items;

    for (size_t i = 0; i < policy->rules.count; i++)
        if (rules[i].older_than_us > 0)
            return true;
    return false;
}

bool policy_role_may_approve(const struct policy *policy, const char *role)
{
    for (size_t i = 0; i < policy->approvers.count; i++)
        if (mu_text_equal(policy->approvers.items[i], role))
            return true;
    return policy->approvers.count == 0;
}

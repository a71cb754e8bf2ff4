#include "policy/judge.h"

#include "document/pattern.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAMED_FINDINGS = 3, MOST_CHANGES = 32, BASES_SIZE = 300 };

/* ---- findings ---- */

static bool fits(const char *pattern, const char *text)
{
    return !pattern || pattern_fits(pattern, text ? text : "");
}

static bool exception_fits(const struct policy_exception *row, const struct image_facts *facts,
                           const struct finding_fact *finding)
{
    return fits(row->finding, finding->id) && fits(row->image, facts->repository) &&
           fits(row->package, finding->package);
}

static bool is_excepted(const struct policy *policy, const struct image_facts *facts,
                        const struct finding_fact *finding, int64_t now_us)
{
    const struct policy_exception *rows = policy->exceptions.items;

    for (size_t i = 0; i < policy->exceptions.count; i++)
        if (rows[i].until_us > now_us && exception_fits(&rows[i], facts, finding))
            return true;
    return false;
}

static bool holds(bool there, int64_t until_us, int64_t now_us)
{
    return there && (until_us == MU_TIME_NONE || until_us > now_us);
}

enum severity judge_severity(const struct finding_fact *finding, int64_t now_us)
{
    bool adjusted = holds(finding->adjusted != SEVERITY_NONE, finding->adjusted_until_us, now_us);

    return adjusted ? finding->adjusted : finding->severity;
}

static bool is_old(const struct policy_rule *rule, const struct finding_fact *finding,
                   int64_t now_us)
{
    return rule->older_than_us == 0 || finding->since_us == MU_TIME_NONE ||
           now_us - finding->since_us > rule->older_than_us;
}

bool judge_counts(const struct policy *policy, const struct policy_rule *rule,
                  const struct image_facts *facts, const struct finding_fact *finding,
                  int64_t now_us)
{
    enum finding_kind of = rule->of ? (enum finding_kind)rule->of : FINDING_VULNERABILITY;

    return finding->kind == of && (int)judge_severity(finding, now_us) >= rule->at_least &&
           (!rule->kev || finding->kev) &&
           (!rule->fixable || (finding->fixed && finding->fixed[0])) &&
           is_old(rule, finding, now_us) && !holds(finding->held, finding->held_until_us, now_us) &&
           !is_excepted(policy, facts, finding, now_us);
}

static int64_t count_for(const struct policy *policy, const struct policy_rule *rule,
                         const struct image_facts *facts, int64_t now_us)
{
    int64_t count = 0;

    for (size_t i = 0; i < facts->finding_count; i++)
        count += judge_counts(policy, rule, facts, &facts->findings[i], now_us);
    return count;
}

/* ---- what time alone changes ---- */

/* The earlier of both that is after now; MU_TIME_NONE: neither. */
static int64_t sooner(int64_t soonest_us, int64_t at_us, int64_t now_us)
{
    if (at_us == MU_TIME_NONE || at_us <= now_us)
        return soonest_us;
    return soonest_us == MU_TIME_NONE || at_us < soonest_us ? at_us : soonest_us;
}

/* When the next exception or deviation of a finding ends, or one becomes old. */
static int64_t next_change(const struct policy *policy, const struct policy_rule *rule,
                           const struct image_facts *facts, int64_t now_us)
{
    const struct policy_exception *rows = policy->exceptions.items;
    int64_t next_us = MU_TIME_NONE;

    for (size_t i = 0; i < facts->finding_count; i++) {
        const struct finding_fact *finding = &facts->findings[i];

        if (finding->held)
            next_us = sooner(next_us, finding->held_until_us, now_us);
        if (finding->adjusted != SEVERITY_NONE)
            next_us = sooner(next_us, finding->adjusted_until_us, now_us);
        if (rule->older_than_us > 0 && finding->since_us != MU_TIME_NONE)
            next_us = sooner(next_us, finding->since_us + rule->older_than_us + 1, now_us);
        for (size_t k = 0; k < policy->exceptions.count; k++)
            if (exception_fits(&rows[k], facts, finding))
                next_us = sooner(next_us, rows[k].until_us, now_us);
    }
    return next_us;
}

/* When a rule that is kept now is broken by time alone; MU_TIME_NONE: never. After many changes
 * that broke nothing the next is taken for it. */
static int64_t broken_at(const struct policy *policy, const struct policy_rule *rule,
                         const struct image_facts *facts, int64_t now_us)
{
    int64_t at_us = now_us;

    for (int i = 0; i < MOST_CHANGES; i++) {
        at_us = next_change(policy, rule, facts, at_us);
        if (at_us == MU_TIME_NONE || count_for(policy, rule, facts, at_us) > rule->max)
            return at_us;
    }
    return next_change(policy, rule, facts, at_us);
}

/* "5, 0 allowed: CVE-2026-1 (openssl), ..." when it is broken. */
static bool rule_is_broken(const struct policy *policy, const struct policy_rule *rule,
                           const struct image_facts *facts, int64_t now_us,
                           char ret_detail[JUDGED_DETAIL_SIZE])
{
    const struct finding_fact *named[NAMED_FINDINGS];
    int64_t count = 0;
    size_t len;

    for (size_t i = 0; i < facts->finding_count; i++) {
        if (!judge_counts(policy, rule, facts, &facts->findings[i], now_us))
            continue;
        if (count < NAMED_FINDINGS)
            named[count] = &facts->findings[i];
        count++;
    }
    if (count <= rule->max)
        return false;
    len = (size_t)snprintf(ret_detail, JUDGED_DETAIL_SIZE,
                           "%" PRId64 ", %" PRId64 " allowed:", count, rule->max);
    for (int64_t i = 0; i < count && i < NAMED_FINDINGS; i++)
        len += (size_t)snprintf(ret_detail + len, JUDGED_DETAIL_SIZE - len, "%s %.40s (%.60s)",
                                i > 0 ? "," : "", named[i]->id,
                                named[i]->package ? named[i]->package : "");
    if (count > NAMED_FINDINGS)
        (void)snprintf(ret_detail + len, JUDGED_DETAIL_SIZE - len, ", ...");
    return true;
}

/* ---- steps ---- */

static void say(struct judged *judged, enum verdict verdict, enum verdict_reason reason,
                const char *rule, const char *detail)
{
    judged->verdict = verdict;
    judged->reason = reason;
    judged->rule = rule;
    if (detail != judged->detail)
        (void)snprintf(judged->detail, sizeof(judged->detail), "%s", detail);
}

/* Whether some rule asks for what stands in the evidence alone. */
static bool asks_for_evidence(const struct policy *policy)
{
    const struct policy_rule *rules = policy->rules.items;

    for (size_t i = 0; i < policy->rules.count; i++)
        if (rules[i].of == FINDING_CONFIGURATION)
            return true;
    return false;
}

/* Whether that decides: without a scan there is nothing to hold against the rules. */
static bool judge_scan(const struct policy *policy, const struct image_facts *facts, int64_t now_us,
                       struct judged *judged)
{
    char at[MU_TIME_TEXT_SIZE];

    if (facts->finished_at_us == MU_TIME_NONE && facts->failure_code) {
        (void)snprintf(judged->detail, sizeof(judged->detail), "%.60s: %.300s", facts->failure_code,
                       facts->failure_message ? facts->failure_message : "");
        say(judged, VERDICT_REJECTED, REASON_SCAN_FAILED, "", judged->detail);
        return true;
    }
    if (facts->finished_at_us == MU_TIME_NONE || !facts->named) {
        say(judged, VERDICT_WAITING, REASON_NEVER_SCANNED, "",
            facts->finished_at_us == MU_TIME_NONE ? "no scan of it yet"
                                                  : "no scan of it under this name yet");
        return true;
    }
    judged->expires_at_us = facts->finished_at_us + policy->max_scan_age_us;
    mu_time_format(facts->finished_at_us, at);
    if (judged->expires_at_us <= now_us) {
        (void)snprintf(judged->detail, sizeof(judged->detail), "scanned at %s, %s is allowed", at,
                       policy->max_scan_age_text);
        say(judged, VERDICT_WAITING, REASON_SCAN_EXPIRED, "", judged->detail);
        return true;
    }
    if (policy->max_database_age_us > 0 &&
        (facts->database_built_at_us == MU_TIME_NONE ||
         facts->finished_at_us - facts->database_built_at_us > policy->max_database_age_us)) {
        (void)snprintf(judged->detail, sizeof(judged->detail),
                       "its vulnerability database was older than %s when it was scanned at %s",
                       policy->max_database_age_text, at);
        say(judged, VERDICT_WAITING, REASON_DATABASE_STALE, "", judged->detail);
        return true;
    }
    if ((!facts->has_read && asks_for_evidence(policy)) ||
        (!facts->has_layers && policy->built_from.count > 0)) {
        say(judged, VERDICT_WAITING, REASON_NEVER_SCANNED, "",
            "its raw result has not been read for policies yet");
        return true;
    }
    return false;
}

static bool judge_base(const struct policy *policy, const struct image_facts *facts,
                       struct judged *judged)
{
    const char *os_name = facts->os_name && *facts->os_name ? facts->os_name : "none";

    if (patterns_fit(&policy->base_images, os_name))
        return false;
    (void)snprintf(judged->detail, sizeof(judged->detail), "its operating system is '%.200s'",
                   os_name);
    say(judged, VERDICT_REJECTED, REASON_RULE_BROKEN, "base_images", judged->detail);
    return true;
}

static void name_bases(const struct mu_json_texts *bases, const char *repository,
                       char ret_names[BASES_SIZE])
{
    size_t len = 0;

    ret_names[0] = '\0';
    for (size_t i = 0; i < bases->count; i++) {
        size_t need = strlen(bases->items[i]) + 2;

        if (mu_text_equal(bases->items[i], repository) || len + need >= BASES_SIZE)
            continue;
        len += (size_t)snprintf(ret_names + len, BASES_SIZE - len, "%s%s", len > 0 ? ", " : "",
                                bases->items[i]);
    }
}

/* What it was built from is told by its layers, not by its labels. */
static bool judge_layers(const struct policy *policy, const struct image_facts *facts,
                         struct judged *judged)
{
    char names[BASES_SIZE];

    if (policy->built_from.count == 0)
        return false;
    for (size_t i = 0; i < facts->bases.count; i++)
        if (patterns_fit(&policy->built_from, facts->bases.items[i]))
            return false;
    name_bases(&facts->bases, facts->repository, names);
    (void)snprintf(judged->detail, sizeof(judged->detail),
                   names[0] ? "its layers begin with those of %s alone"
                            : "its layers begin with those of no other image that is known%s",
                   names);
    say(judged, VERDICT_REJECTED, REASON_RULE_BROKEN, "built_from", judged->detail);
    return true;
}

/* An approval that ends before the scan is too old says when and why. */
static void end_at(struct judged *judged, int64_t at_us, const char *why, const char *what)
{
    char at[MU_TIME_TEXT_SIZE];

    if (at_us == MU_TIME_NONE || at_us >= judged->expires_at_us)
        return;
    mu_time_format(at_us, at);
    judged->expires_at_us = at_us;
    (void)snprintf(judged->detail, sizeof(judged->detail), "until %s, when %s %s", at, why, what);
}

/* Whether it has to be built anew. */
static bool judge_age(const struct policy *policy, const struct image_facts *facts, int64_t now_us,
                      struct judged *judged)
{
    char at[MU_TIME_TEXT_SIZE];
    int64_t until_us = facts->first_seen_at_us + policy->max_image_age_us;

    if (policy->max_image_age_us == 0 || facts->first_seen_at_us == MU_TIME_NONE)
        return false;
    if (until_us > now_us) {
        end_at(judged, until_us, "it is older than", policy->max_image_age_text);
        return false;
    }
    mu_time_format(facts->first_seen_at_us, at);
    (void)snprintf(judged->detail, sizeof(judged->detail), "it is there since %s, %s is allowed",
                   at, policy->max_image_age_text);
    say(judged, VERDICT_REJECTED, REASON_RULE_BROKEN, "max_image_age", judged->detail);
    return true;
}

/* An approval ends when the first rule is broken by time alone. */
static void end_by_rules(const struct policy *policy, const struct image_facts *facts,
                         int64_t now_us, struct judged *judged)
{
    const struct policy_rule *rules = policy->rules.items;

    for (size_t i = 0; i < policy->rules.count; i++)
        end_at(judged, broken_at(policy, &rules[i], facts, now_us),
               "nothing holds off any more the rule", rules[i].name);
}

void judge_image(const struct policy *policy, const struct image_facts *facts, int64_t now_us,
                 struct judged *ret_judged)
{
    const struct policy_rule *rules = policy->rules.items;
    struct judged *judged = ret_judged;

    *judged = (struct judged){.rule = "", .expires_at_us = MU_TIME_NONE};
    if (mu_text_equal(facts->registry, "deleted") || mu_text_equal(facts->registry, "missing")) {
        say(judged, VERDICT_REJECTED, REASON_NOT_IN_REGISTRY, "",
            mu_text_equal(facts->registry, "deleted") ? "the registry deleted it"
                                                      : "the registry does not have it");
        return;
    }
    if (judge_scan(policy, facts, now_us, judged) || judge_base(policy, facts, judged) ||
        judge_layers(policy, facts, judged) || judge_age(policy, facts, now_us, judged))
        return;
    for (size_t i = 0; i < policy->rules.count; i++) {
        if (!rule_is_broken(policy, &rules[i], facts, now_us, judged->detail))
            continue;
        say(judged, VERDICT_REJECTED, REASON_RULE_BROKEN, rules[i].name, judged->detail);
        return;
    }
    end_by_rules(policy, facts, now_us, judged);
    say(judged, VERDICT_APPROVED, REASON_POLICY_PASSED, "", judged->detail);
}

void judge_worst(struct judged *worst, const struct judged *judged)
{
    static const int rank[VERDICT_COUNT] = {
            [VERDICT_APPROVED] = 1, [VERDICT_WAITING] = 2, [VERDICT_REJECTED] = 3};
    int64_t expires_at_us = worst->expires_at_us;

    if (expires_at_us == MU_TIME_NONE ||
        (judged->expires_at_us != MU_TIME_NONE && judged->expires_at_us < expires_at_us))
        expires_at_us = judged->expires_at_us;
    if (rank[judged->verdict] > rank[worst->verdict])
        *worst = *judged;
    worst->expires_at_us = expires_at_us;
}

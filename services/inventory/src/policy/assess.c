#include "policy/assess.h"

#include "base/clock.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum {
    FINDINGS_MAX_BYTES = 64 * 1024 * 1024,
    ARRAY_MAX_BYTES = 1024 * 1024,
    SCOPE_MAX_BYTES = 1024
};

/* ---- the policy ---- */

enum mu_status assess_policy(struct mu_pg *pg, const struct assess_times *times,
                             struct policy **ret_policy, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    const char *values[] = {times->as_of, times->known};
    enum mu_status st = mu_pg_execute(pg, POLICY_ACTIVE, values, &result, err);
    const char *text = policy_default_text;

    if (st != MU_OK)
        return st;
    if (mu_pg_rows(result) > 0)
        text = mu_pg_text(result, 0, 1);
    return policy_parse("the policy in use", text, strlen(text), ret_policy, err);
}

static void put_severities(const struct policy *policy, struct mu_buf *out)
{
    const struct policy_rule *rules = policy->rules.items;
    int lowest = SEVERITY_COUNT;

    /* Those in the KEV catalog come anyway. */
    for (size_t i = 0; i < policy->rules.count; i++)
        if (!rules[i].kev && rules[i].at_least < lowest)
            lowest = rules[i].at_least;
    mu_pg_array_begin(out);
    for (int i = lowest; i < SEVERITY_COUNT; i++)
        mu_pg_array_add(out, severity_word((enum severity)i));
    mu_pg_array_end(out);
}

void assess_scope_init(const struct policy *policy, struct assess_scope *ret_scope)
{
    mu_buf_init(&ret_scope->severities, SCOPE_MAX_BYTES);
    mu_buf_init(&ret_scope->deviations, SCOPE_MAX_BYTES);
    put_severities(policy, &ret_scope->severities);
    mu_pg_array_begin(&ret_scope->deviations);
    for (size_t i = 0; i < policy->deviations.count; i++)
        mu_pg_array_add(&ret_scope->deviations, policy->deviations.items[i]);
    mu_pg_array_end(&ret_scope->deviations);
    ret_scope->aged = policy_asks_ages(policy) ? "true" : "false";
    ret_scope->based = policy->built_from.count > 0 ? "true" : "false";
}

void assess_scope_done(struct assess_scope *scope)
{
    mu_buf_done(&scope->severities);
    mu_buf_done(&scope->deviations);
}

/* ---- facts ---- */

/* Columns of policy_facts. */
enum {
    FACT_REPOSITORY,
    FACT_DIGEST,
    FACT_OS,
    FACT_REGISTRY,
    FACT_SCAN,
    FACT_FINISHED,
    FACT_DATABASE,
    FACT_DATABASE_BUILT,
    FACT_CODE,
    FACT_MESSAGE,
    FACT_FINDINGS,
    FACT_UAIS,
    FACT_READ,
    FACT_FIRST_SEEN,
    FACT_BASES
};

static const char *kept(struct mu_arena *arena, const char *text, bool *failed)
{
    char *copy = text ? mu_arena_strdup(arena, text) : NULL;

    *failed |= text && !copy;
    return copy;
}

/* Microseconds; what is not there is MU_TIME_NONE. */
static int64_t time_at(const json_t *from, const char *name)
{
    const json_t *value = json_object_get(from, name);

    return json_is_integer(value) ? json_integer_value(value) : MU_TIME_NONE;
}

static void read_finding(const json_t *from, struct mu_arena *arena, struct finding_fact *ret_fact,
                         bool *failed)
{
    const char *adjusted = mu_json_text_at(from, "adjusted");

    *ret_fact = (struct finding_fact){
            .id = kept(arena, mu_json_text_at(from, "id"), failed),
            .package = kept(arena, mu_json_text_at(from, "package"), failed),
            .fixed = kept(arena, mu_json_text_at(from, "fixed"), failed),
            .severity = severity_of_word(mu_json_text_at(from, "severity")),
            .kind = mu_text_equal(mu_json_text_at(from, "kind"), "configuration")
                            ? FINDING_CONFIGURATION
                            : FINDING_VULNERABILITY,
            .kev = json_is_true(json_object_get(from, "kev")),
            .since_us = time_at(from, "since"),
            .held = json_is_true(json_object_get(from, "held")),
            .held_until_us = time_at(from, "held_until"),
            .adjusted = adjusted ? severity_of_word(adjusted) : SEVERITY_NONE,
            .adjusted_until_us = time_at(from, "adjusted_until")};
}

static enum mu_status read_findings(const char *json, struct mu_arena *arena,
                                    struct image_facts *facts, struct mu_error *err)
{
    static const struct mu_json_limits limits = {FINDINGS_MAX_BYTES, 8};
    json_auto_t *root = NULL;
    struct finding_fact *findings;
    bool failed = false;
    enum mu_status st = mu_json_parse(json, strlen(json), &limits, &root, err);

    if (st != MU_OK)
        return st;
    findings = mu_arena_alloc(arena, (json_array_size(root) + 1) * sizeof(*findings));
    for (size_t i = 0; findings && i < json_array_size(root); i++)
        read_finding(json_array_get(root, i), arena, &findings[i], &failed);
    if (!findings || failed)
        return mu_fail(err, MU_E_NOMEM, "policy: the findings of an image take too much memory");
    facts->findings = findings;
    facts->finding_count = json_array_size(root);
    return MU_OK;
}

/* "{a,b}": names of images need no quotes in an array. */
static bool read_names(const char *array, struct mu_arena *arena, struct mu_json_texts *ret_names)
{
    char *copy = mu_arena_strdup(arena, array ? array : "{}"), *rest, *word;
    size_t most = 1;

    *ret_names = (struct mu_json_texts){0};
    for (const char *at = array; at && *at; at++)
        most += *at == ',';
    ret_names->items = mu_arena_alloc(arena, most * sizeof(*ret_names->items));
    if (!copy || !ret_names->items)
        return false;
    for (word = strtok_r(copy, "{},\"", &rest); word && ret_names->count < most;
         word = strtok_r(NULL, "{},\"", &rest))
        ret_names->items[ret_names->count++] = word;
    return true;
}

enum mu_status assess_row(const struct mu_pg_result *row, size_t number, struct mu_arena *arena,
                          struct image_facts *ret_facts, struct mu_json_texts *ret_uais,
                          struct mu_error *err)
{
    const char *findings = mu_pg_text(row, number, FACT_FINDINGS);
    bool failed = false;
    struct image_facts facts = {
            .repository = kept(arena, mu_pg_text(row, number, FACT_REPOSITORY), &failed),
            .digest = kept(arena, mu_pg_text(row, number, FACT_DIGEST), &failed),
            .os_name = kept(arena, mu_pg_text(row, number, FACT_OS), &failed),
            .registry = kept(arena, mu_pg_text(row, number, FACT_REGISTRY), &failed),
            .scan_id = kept(arena, mu_pg_text(row, number, FACT_SCAN), &failed),
            .finished_at_us = mu_pg_time_us(row, number, FACT_FINISHED),
            .database_version = kept(arena, mu_pg_text(row, number, FACT_DATABASE), &failed),
            .database_built_at_us = mu_pg_time_us(row, number, FACT_DATABASE_BUILT),
            .failure_code = kept(arena, mu_pg_text(row, number, FACT_CODE), &failed),
            .failure_message = kept(arena, mu_pg_text(row, number, FACT_MESSAGE), &failed),
            .first_seen_at_us = mu_pg_time_us(row, number, FACT_FIRST_SEEN),
            .named = true,
            .has_read = mu_pg_bool(row, number, FACT_READ),
            .has_layers = !mu_pg_null(row, number, FACT_BASES)};
    enum mu_status st = MU_OK;

    if (!read_names(mu_pg_text(row, number, FACT_UAIS), arena, ret_uais) ||
        !read_names(mu_pg_text(row, number, FACT_BASES), arena, &facts.bases) || failed)
        return mu_fail(err, MU_E_NOMEM, "policy: facts take too much memory");
    if (findings)
        st = read_findings(findings, arena, &facts, err);
    if (st == MU_OK)
        *ret_facts = facts;
    return st;
}

/* ---- people ---- */

void assess_person_row(const struct mu_pg_result *row, size_t number, struct mu_arena *arena,
                       struct person_word *ret_word)
{
    *ret_word = (struct person_word){
            .repository = mu_arena_strdup(arena, mu_pg_text(row, number, ASSESS_PERSON_REPOSITORY)),
            .digest = mu_arena_strdup(arena, mu_pg_text(row, number, ASSESS_PERSON_DIGEST)),
            .decision = mu_arena_strdup(arena, mu_pg_text(row, number, ASSESS_PERSON_DECISION)),
            .approval_id = mu_arena_strdup(arena, mu_pg_text(row, number, ASSESS_PERSON_ID)),
            .person = mu_arena_strdup(arena, mu_pg_text(row, number, ASSESS_PERSON_PERSON)),
            .role = mu_arena_strdup(arena, mu_pg_text(row, number, ASSESS_PERSON_ROLE)),
            .reason = mu_arena_strdup(arena, mu_pg_text(row, number, ASSESS_PERSON_REASON)),
            .until_us = mu_pg_time_us(row, number, ASSESS_PERSON_UNTIL)};
}

void assess_word(const struct person_word *word, struct judged *judged)
{
    bool approved = mu_text_equal(word->decision, "approve");

    *judged = (struct judged){.verdict = approved ? VERDICT_APPROVED : VERDICT_REJECTED,
                              .reason = approved ? REASON_PERSON_APPROVED : REASON_PERSON_REVOKED,
                              .rule = word->approval_id,
                              .expires_at_us = approved ? word->until_us : MU_TIME_NONE};
    (void)snprintf(judged->detail, sizeof(judged->detail), "by %.80s (%.60s): %.200s", word->person,
                   word->role, word->reason);
}

/* ---- one image ---- */

static bool has_name(const struct mu_json_texts *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (mu_text_equal(names->items[i], name))
            return true;
    return false;
}

static enum mu_status judge_manifests(const struct mu_pg_result *rows, const struct policy *policy,
                                      const struct assess_times *times, struct mu_arena *arena,
                                      struct assessment *assessment, struct mu_error *err)
{
    size_t count = mu_pg_rows(rows);
    struct assessed_manifest *manifests = mu_arena_alloc(arena, (count + 1) * sizeof(*manifests));
    bool tagged = !strchr(assessment->name, '@');
    struct mu_json_texts names;
    enum mu_status st = manifests ? MU_OK : mu_fail(err, MU_E_NOMEM, "policy: out of memory");

    for (size_t i = 0; st == MU_OK && i < count; i++) {
        st = assess_row(rows, i, arena, &manifests[i].facts, &names, err);
        if (st != MU_OK)
            break;
        manifests[i].facts.named = !tagged || has_name(&names, assessment->name);
        judge_image(policy, &manifests[i].facts, times->as_of_us, &manifests[i].judged);
        judge_worst(&assessment->judged, &manifests[i].judged);
    }
    assessment->manifests = manifests;
    assessment->manifest_count = count;
    return st;
}

static enum mu_status find_facts(struct mu_pg *pg, const struct policy *policy,
                                 const struct mu_pg_result *names, const struct assess_times *times,
                                 struct mu_arena *arena, struct assessment *assessment,
                                 struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf repositories;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf digests;
    MU_AUTO_DONE(assess_scope_done) struct assess_scope scope;
    enum mu_status st;

    assess_scope_init(policy, &scope);
    mu_buf_init(&repositories, ARRAY_MAX_BYTES);
    mu_buf_init(&digests, ARRAY_MAX_BYTES);
    mu_pg_array_begin(&repositories);
    mu_pg_array_begin(&digests);
    for (size_t i = 0; i < mu_pg_rows(names); i++) {
        const char *manifest = mu_pg_text(names, i, 3);

        mu_pg_array_add(&repositories, assessment->repository);
        mu_pg_array_add(&digests, manifest ? manifest : assessment->digest);
    }
    mu_pg_array_end(&repositories);
    mu_pg_array_end(&digests);
    st = mu_buf_status(&digests, "manifests of an image", err);
    if (st == MU_OK)
        st = mu_pg_execute(pg, POLICY_FACTS,
                           (const char *const[]){repositories.data, digests.data, times->as_of,
                                                 times->known, scope.severities.data, scope.aged,
                                                 scope.deviations.data, scope.based},
                           &rows, err);
    return st == MU_OK ? judge_manifests(rows, policy, times, arena, assessment, err) : st;
}

/* Of the name's own digest; a manifest behind it counts when it was revoked. */
static bool concerns(const struct person_word *word, const struct assessment *assessment)
{
    if (mu_text_equal(word->digest, assessment->digest))
        return true;
    for (size_t i = 0; i < assessment->manifest_count; i++)
        if (mu_text_equal(word->digest, assessment->manifests[i].facts.digest))
            return mu_text_equal(word->decision, "revoke");
    return false;
}

static enum mu_status find_word(struct mu_pg *pg, const struct assess_times *times,
                                struct mu_arena *arena, struct assessment *assessment,
                                struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    const char *values[] = {times->as_of, times->known, assessment->repository};
    enum mu_status st = mu_pg_execute(pg, POLICY_PEOPLE, values, &rows, err);

    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(rows); i++) {
        struct person_word *word = mu_arena_alloc(arena, sizeof(*word));

        if (!word)
            return mu_fail(err, MU_E_NOMEM, "policy: out of memory");
        assess_person_row(rows, i, arena, word);
        if (!concerns(word, assessment) ||
            (assessment->word && mu_text_equal(assessment->word->decision, "revoke")))
            continue;
        assessment->word = word;
        assess_word(word, &assessment->judged);
    }
    return st;
}

enum mu_status assess_image(struct mu_pg *pg, const struct policy *policy,
                            const struct mu_oci_reference *reference,
                            const struct assess_times *times, struct mu_arena *arena,
                            struct assessment *ret_assessment, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *names = NULL;
    const char *digest = reference->digest[0] ? reference->digest : NULL;
    const char *tag = reference->tag[0] ? reference->tag : "latest";
    const char *values[] = {reference->repository, tag, digest, times->as_of, times->known};
    struct assessment found = {.judged = {.rule = "", .expires_at_us = MU_TIME_NONE}};
    char uai[MU_OCI_UAI_SIZE];
    enum mu_status st = mu_pg_execute(pg, POLICY_NAME, values, &names, err);

    if (st != MU_OK)
        return st;
    mu_oci_uai_format(reference->repository, digest ? NULL : tag, reference->digest, uai);
    found.name = mu_arena_strdup(arena, uai);
    found.repository = mu_arena_strdup(arena, reference->repository);
    if (!found.name || !found.repository)
        return mu_fail(err, MU_E_NOMEM, "policy: out of memory");
    found.judged.verdict = VERDICT_WAITING;
    found.judged.reason = REASON_UNKNOWN_IMAGE;
    if (mu_pg_rows(names) > 0) {
        found.digest = mu_arena_strdup(arena, mu_pg_text(names, 0, 2));
        found.judged = (struct judged){.rule = "", .expires_at_us = MU_TIME_NONE};
        st = find_facts(pg, policy, names, times, arena, &found, err);
        if (st == MU_OK)
            st = find_word(pg, times, arena, &found, err);
    }
    if (st == MU_OK)
        *ret_assessment = found;
    return st;
}

#include "match/match.h"

#include "match/finding_list.h"
#include "match/vendor.h"
#include "version/version.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_REFERENCES = 16, GAPS_MAX = 64 };

struct matcher {
    const struct match_rules *rules;
    struct package_distribution distribution;
    const struct image_analysis *image; /* NULL: a package by itself */
    struct judge *judge;
    struct mu_arena *arena;
    struct finding_list findings, suppressed;
    struct match_result *result;
    struct mu_error *err;
};

/* A package, and those that share its source and version. */
struct subject {
    const struct image_package *package;
    size_t package_count;
    struct package_key key;
    const char *suppressed, *suppressed_by; /* for all its matches; NULL: they count */
};

static enum mu_status no_memory(const struct matcher *matcher)
{
    return mu_fail(matcher->err, MU_E_NOMEM, "findings: out of memory");
}

/* ---- findings ---- */

static enum mu_status add_references(const struct matcher *matcher, struct finding *finding,
                                     size_t first, size_t count)
{
    const struct candidate *candidates = matcher->judge->candidates + first;
    size_t most = count < MAX_REFERENCES ? count : MAX_REFERENCES;
    const char *last = NULL;

    if (count == 1)
        return MU_OK;
    finding->references = mu_arena_alloc(matcher->arena, most * sizeof(char *));
    if (!finding->references)
        return no_memory(matcher);
    for (size_t i = 0; i < count && finding->reference_count < most; i++) {
        const char *id = database_id(matcher->rules->database, candidates[i].row);

        if (!mu_text_equal(id, finding->advisory) && !mu_text_equal(id, last))
            finding->references[finding->reference_count++] = last = id;
    }
    return MU_OK;
}

/* What somebody stated of the vulnerability, by any of the names it has here. */
static const struct vex_statement *stated(const struct matcher *matcher,
                                          const struct finding *finding)
{
    const struct vex_set *vex = matcher->rules->vex;
    const struct vex_statement *found;

    if (!vex)
        return NULL;
    found = vex_set_find(vex, finding->id, finding->package, matcher->rules->image);
    return found ? found
                 : vex_set_find(vex, finding->advisory, finding->package, matcher->rules->image);
}

/* Why the match does not count; NULL: it does. */
static const char *suppression_of(const struct subject *subject, const struct advisory *advisory,
                                  const struct candidate *candidate, const struct finding *finding)
{
    if (subject->suppressed)
        return subject->suppressed;
    if (advisory->withdrawn)
        return "withdrawn";
    if (mu_text_equal(advisory->rating, "unimportant"))
        return "unimportant";
    if (candidate->module_unknown)
        return "module_unknown";
    if (finding->vex &&
        (finding->vex->status == VEX_NOT_AFFECTED || finding->vex->status == VEX_FIXED))
        return "vex";
    return NULL;
}

static void count_severity(struct mu_scan_counts *counts, enum severity severity)
{
    int64_t *const slots[] = {
            [SEVERITY_UNKNOWN] = &counts->unknown, [SEVERITY_NEGLIGIBLE] = &counts->low,
            [SEVERITY_LOW] = &counts->low,         [SEVERITY_MODERATE] = &counts->moderate,
            [SEVERITY_HIGH] = &counts->high,       [SEVERITY_CRITICAL] = &counts->critical};

    counts->findings++;
    (*slots[severity])++;
}

static struct finding_reason reason_of(const struct matcher *matcher, const struct package_key *key,
                                       const struct candidate *candidate)
{
    return (struct finding_reason){.ecosystem = key->ecosystem,
                                   .name = candidate->by_source ? key->source_name : key->name,
                                   .version = candidate->by_source ? key->source_version
                                                                   : key->version,
                                   .introduced = candidate->place.introduced,
                                   .fixed = candidate->place.fixed,
                                   .last_affected = candidate->place.last_affected,
                                   .comparator = matcher->judge->scheme->name,
                                   .listed = candidate->listed};
}

/* The candidates are of one vulnerability, best rank first. */
static enum mu_status add_finding(struct matcher *matcher, const struct subject *subject,
                                  size_t first, size_t count)
{
    const struct candidate *decides = judge_decide(matcher->judge, first, count);
    struct finding finding = {.package = subject->package, .package_count = subject->package_count};
    struct advisory advisory;
    enum mu_status st;

    if (!decides)
        return MU_OK;
    database_read(matcher->rules->database, decides->row, &advisory);
    finding.id = decides->id;
    finding.advisory = advisory.id;
    finding.fixed_version = decides->place.fixed;
    finding.fix_state = advisory.state;
    finding.summary = advisory.summary;
    (void)database_cve(matcher->rules->database, finding.id, &finding.facts);
    finding.disputed = advisory.disputed || finding.facts.disputed;
    severity_judge(subject->key.ecosystem, &advisory, &finding.facts, &finding.severity);
    finding.reason = reason_of(matcher, &subject->key, decides);
    finding.vex = stated(matcher, &finding);
    finding.suppressed = suppression_of(subject, &advisory, decides, &finding);
    finding.suppressed_by = subject->suppressed ? subject->suppressed_by : NULL;
    st = add_references(matcher, &finding, first, count);
    if (st != MU_OK)
        return st;
    if (!finding.suppressed)
        count_severity(&matcher->result->counts, finding.severity.severity);
    return finding_list_add(finding.suppressed ? &matcher->suppressed : &matcher->findings,
                            matcher->arena, &finding, matcher->err);
}

static enum mu_status match_subject(struct matcher *matcher, const struct subject *subject)
{
    enum mu_status st = judge_collect(matcher->judge, &subject->key, matcher->err);
    size_t next;

    for (size_t i = 0; st == MU_OK && i < matcher->judge->count; i = next) {
        size_t count = judge_group(matcher->judge, i);

        st = add_finding(matcher, subject, i, count);
        next = i + count;
    }
    return st;
}

/* ---- what nobody has advisories for ---- */

static enum mu_status note_gap(struct matcher *matcher, const char *ecosystem, size_t packages,
                               bool os)
{
    struct match_result *result = matcher->result;

    for (size_t i = 0; i < result->gap_count; i++) {
        if (mu_text_equal(result->gaps[i].ecosystem, ecosystem)) {
            result->gaps[i].packages += packages;
            return MU_OK;
        }
    }
    if (result->gap_count == GAPS_MAX)
        return MU_OK; /* more kinds of packages than there are */
    if (!result->gaps)
        result->gaps = mu_arena_alloc(matcher->arena, GAPS_MAX * sizeof(struct match_gap));
    if (!result->gaps)
        return no_memory(matcher);
    result->gaps[result->gap_count++] = (struct match_gap){ecosystem, packages, os};
    return MU_OK;
}

/* Matches the subject, or notes why nobody can. */
static enum mu_status look_at(struct matcher *matcher, const struct subject *subject)
{
    const struct package_key *key = &subject->key;

    if (key->ecosystem && !database_has_ecosystem(matcher->rules->database, key->ecosystem))
        return note_gap(matcher, key->ecosystem, subject->package_count, key->os);
    if (!key->ecosystem)
        return note_gap(matcher, subject->package->type, subject->package_count, key->os);
    if (key->no_version) {
        matcher->result->unversioned += subject->package_count;
        return MU_OK;
    }
    return match_subject(matcher, subject);
}

/* ---- packages of an image ---- */

/* The OS package that owns a language package's file, where the distribution's feed judges it. */
static const struct image_package *judged_owner(const struct matcher *matcher,
                                                const struct image_package *package)
{
    const struct image_analysis *image = matcher->image;
    const struct image_package *found = NULL;

    if (!image || !package->owner ||
        !mu_text_equal(package->owner_type, matcher->distribution.type) ||
        !matcher->distribution.ecosystem ||
        !database_has_ecosystem(matcher->rules->database, matcher->distribution.ecosystem))
        return NULL;
    /* Sorted by type, then name. */
    for (size_t low = 0, high = image->package_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct image_package *at = &image->packages[middle];
        int order = strcmp(at->type, package->owner_type);

        if (order == 0)
            order = strcmp(at->name, package->owner);
        if (order == 0)
            found = at;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return found && !vendor_is_other(matcher->distribution.id, found) ? found : NULL;
}

static enum mu_status subject_of(struct matcher *matcher, const struct image_package *package,
                                 size_t package_count, struct subject *ret_subject)
{
    struct subject subject = {.package = package, .package_count = package_count};
    enum mu_status st = package_key_of(&matcher->distribution, package, matcher->arena,
                                       &subject.key, matcher->err);

    if (st != MU_OK)
        return st;
    if (subject.key.os && vendor_is_other(matcher->distribution.id, package)) {
        subject.suppressed = "third_party";
        subject.suppressed_by = package->vendor;
    } else if (!subject.key.os && judged_owner(matcher, package)) {
        subject.suppressed = "owned_by";
        subject.suppressed_by = package->owner;
    }
    *ret_subject = subject;
    return MU_OK;
}

static bool by_source(const struct image_package *package)
{
    return mu_text_equal(package->type, "deb") || mu_text_equal(package->type, "apk");
}

static const char *source_name(const struct image_package *package)
{
    return package->source_name ? package->source_name : package->name;
}

static const char *source_version(const struct image_package *package)
{
    return package->source_version ? package->source_version : package->version;
}

static int compare_optional(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* OS packages first, those by source in order of their source. */
static int compare_packages(const void *a, const void *b)
{
    const struct image_package *const *left = a, *const *right = b;
    int order = package_type_is_os((*right)->type) - package_type_is_os((*left)->type);

    if (order == 0)
        order = strcmp((*left)->type, (*right)->type);
    if (order == 0 && by_source(*left))
        order = strcmp(source_name(*left), source_name(*right));
    if (order == 0 && by_source(*left))
        order = strcmp(source_version(*left), source_version(*right));
    if (order == 0)
        order = strcmp((*left)->name, (*right)->name);
    if (order == 0)
        order = compare_optional((*left)->version, (*right)->version);
    return order ? order : (*left > *right) - (*left < *right);
}

/* Whether two packages are judged as one: of one source, and of one vendor. */
static bool same_subject(const struct matcher *matcher, const struct image_package *a,
                         const struct image_package *b)
{
    return by_source(a) && mu_text_equal(a->type, b->type) &&
           mu_text_equal(source_name(a), source_name(b)) &&
           mu_text_equal(source_version(a), source_version(b)) &&
           vendor_is_other(matcher->distribution.id, a) ==
                   vendor_is_other(matcher->distribution.id, b);
}

static enum mu_status match_packages(struct matcher *matcher)
{
    const struct image_analysis *image = matcher->image;
    size_t count = image->package_count, next;
    const struct image_package **sorted =
            mu_arena_alloc(matcher->arena, (count + 1) * sizeof(void *));
    enum mu_status st = sorted ? MU_OK : no_memory(matcher);

    for (size_t i = 0; st == MU_OK && i < count; i++)
        sorted[i] = &image->packages[i];
    if (st == MU_OK && count > 1)
        qsort(sorted, count, sizeof(void *), compare_packages);
    for (size_t i = 0; st == MU_OK && i < count; i = next) {
        struct subject subject;

        for (next = i + 1; next < count && same_subject(matcher, sorted[i], sorted[next]);)
            next++;
        st = subject_of(matcher, sorted[i], next - i, &subject);
        if (st == MU_OK)
            st = look_at(matcher, &subject);
    }
    return st;
}

static void take_lists(const struct matcher *matcher, struct match_result *result)
{
    result->findings = matcher->findings.items;
    result->finding_count = matcher->findings.count;
    result->suppressed = matcher->suppressed.items;
    result->suppressed_count = matcher->suppressed.count;
}

enum mu_status match_image(const struct match_rules *rules, const struct image_analysis *image,
                           struct mu_arena *arena, struct match_result *ret_result,
                           struct mu_error *err)
{
    MU_AUTO_DONE(judge_done) struct judge judge;
    struct match_result result = {0};
    struct matcher matcher = {.rules = rules,
                              .image = image,
                              .judge = &judge,
                              .arena = arena,
                              .result = &result,
                              .err = err};
    enum mu_status st;

    judge_init(&judge, rules->database);
    st = package_distribution_of(&image->os, arena, &matcher.distribution, err);
    result.ecosystem = matcher.distribution.ecosystem;
    result.counts.packages = (int64_t)image->package_count;
    if (st == MU_OK)
        st = match_packages(&matcher);
    take_lists(&matcher, &result);
    if (st == MU_OK)
        *ret_result = result;
    return st;
}

enum mu_status match_package(const struct match_rules *rules, struct judge *judge,
                             const struct package_distribution *distribution,
                             const struct image_package *package, struct mu_arena *arena,
                             struct match_result *ret_result, struct mu_error *err)
{
    struct match_result result = {.ecosystem = distribution->ecosystem, .counts.packages = 1};
    struct matcher matcher = {.rules = rules,
                              .distribution = *distribution,
                              .judge = judge,
                              .arena = arena,
                              .result = &result,
                              .err = err};
    struct subject subject;
    enum mu_status st = subject_of(&matcher, package, 1, &subject);

    if (st == MU_OK)
        st = look_at(&matcher, &subject);
    take_lists(&matcher, &result);
    if (st == MU_OK)
        *ret_result = result;
    return st;
}

#include "match/match.h"

#include "base/text.h"
#include "version/version.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_REFERENCES = 16 };

/* What a record says of one vulnerability. */
struct candidate {
    const char *id;
    const struct database_row *row;
    int rank; /* lower decides */
};

struct matcher {
    const struct database *database;
    const struct version_scheme *scheme; /* of the image's ecosystem */
    struct mu_arena *arena;
    struct match_result *result;
    size_t capacity;
    const char *source; /* whose candidates these are; NULL: nobody's yet */
    const struct candidate *candidates;
    size_t candidate_count;
    struct mu_error *err;
};

/* ---- the image's ecosystem ---- */

struct codename {
    const char *name, *version;
};

/* For releases whose os-release has no VERSION_ID. */
static const struct codename codenames[] = {{"buster", "10"},   {"bullseye", "11"},
                                            {"bookworm", "12"}, {"trixie", "13"},
                                            {"forky", "14"},    {"sid", "sid"}};

static const char *ecosystem_of(const struct image_os *os, struct mu_arena *arena)
{
    if (!os->found || !mu_text_equal(os->id, "debian"))
        return NULL;
    if (os->version_id)
        return mu_arena_printf(arena, "Debian:%.*s", (int)strcspn(os->version_id, "."),
                               os->version_id);
    for (size_t i = 0; i < sizeof(codenames) / sizeof(codenames[0]); i++)
        if (mu_text_equal(os->version_codename, codenames[i].name))
            return mu_arena_printf(arena, "Debian:%s", codenames[i].version);
    return NULL;
}

/* ---- candidates of one source package ---- */

static int rank_of(const char *record_id)
{
    if (mu_text_starts(record_id, "DEBIAN-CVE-"))
        return 0;
    return mu_text_starts(record_id, "DSA-") || mu_text_starts(record_id, "DLA-") ? 2 : 1;
}

/* "DEBIAN-CVE-2024-1" -> "CVE-2024-1"; NULL when the id names no CVE. */
static const char *cve_in(const char *id)
{
    const char *cve = strstr(id, "CVE-");

    return cve && (cve == id || cve[-1] == '-') ? cve : NULL;
}

/* `first` is where the row's candidates begin: each vulnerability is one of them once. */
static size_t add_candidate(struct candidate *candidates, size_t first, size_t count,
                            const char *id, const struct database_row *row, int rank)
{
    for (size_t i = first; i < count; i++)
        if (mu_text_equal(candidates[i].id, id))
            return count;
    candidates[count] = (struct candidate){id, row, rank};
    return count + 1;
}

/* The vulnerabilities a record is about: its CVEs, else itself. */
static size_t add_row(const struct database *database, const struct database_row *row,
                      struct candidate *candidates, size_t count)
{
    const char *own = database_id(database, row), *cve = cve_in(own);
    size_t before = count;

    if (cve)
        count = add_candidate(candidates, before, count, cve, row, rank_of(own));
    for (size_t i = 0; i < database_related_count(row); i++) {
        cve = cve_in(database_related(database, row, i));
        if (cve)
            count = add_candidate(candidates, before, count, cve, row, rank_of(own));
    }
    return count > before ? count
                          : add_candidate(candidates, before, count, own, row, rank_of(own));
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    int order = strcmp(left->id, right->id);

    if (order == 0)
        order = left->rank - right->rank;
    return order ? order : (left->row > right->row) - (left->row < right->row);
}

/* All candidates of a source package, sorted by vulnerability, the deciding record first. */
static struct candidate *collect(struct matcher *matcher, const char *source, size_t *ret_count)
{
    size_t row_count = 0, count = 0, most = 0;
    const struct database_row *rows =
            database_find(matcher->database, matcher->result->ecosystem, source, &row_count);
    struct candidate *candidates;

    for (size_t i = 0; i < row_count; i++)
        most += 1 + database_related_count(database_row_at(rows, i));
    candidates = mu_arena_alloc(matcher->arena, (most + 1) * sizeof(struct candidate));
    for (size_t i = 0; candidates && i < row_count; i++)
        count = add_row(matcher->database, database_row_at(rows, i), candidates, count);
    if (candidates)
        qsort(candidates, count, sizeof(struct candidate), compare_candidates);
    *ret_count = count;
    return candidates;
}

/* ---- severity ---- */

static void rate(const struct database *database, const struct database_row *row,
                 struct finding *finding)
{
    static const struct {
        const char *urgency;
        enum severity severity;
    } urgencies[] = {{"low", SEVERITY_LOW}, {"medium", SEVERITY_MODERATE}, {"high", SEVERITY_HIGH}};
    const char *urgency = database_urgency(database, row);

    finding->cvss_v3 = database_cvss_v3(database, row);
    finding->cvss_v2 = database_cvss_v2(database, row);
    if (!cvss_v3_base(finding->cvss_v3, &finding->cvss_v3_tenths))
        finding->cvss_v3_tenths = -1;
    if (!cvss_v2_base(finding->cvss_v2, &finding->cvss_v2_tenths))
        finding->cvss_v2_tenths = -1;
    finding->severity_source = "none";
    for (size_t i = 0; i < sizeof(urgencies) / sizeof(urgencies[0]); i++) {
        if (mu_text_equal(urgency, urgencies[i].urgency)) {
            finding->severity = urgencies[i].severity;
            finding->severity_source = "debian";
        }
    }
    if (finding->cvss_v2_tenths >= 0) {
        finding->severity = severity_of_v2(finding->cvss_v2_tenths);
        finding->severity_source = "cvss_v2";
    }
    if (finding->cvss_v3_tenths >= 0) {
        finding->severity = severity_of_v3(finding->cvss_v3_tenths);
        finding->severity_source = "cvss_v3";
    }
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

/* ---- findings ---- */

static struct finding *new_finding(struct matcher *matcher)
{
    struct match_result *result = matcher->result;

    if (result->finding_count == matcher->capacity) {
        size_t capacity = matcher->capacity ? 2 * matcher->capacity : 64;
        struct finding *findings =
                mu_arena_alloc(matcher->arena, capacity * sizeof(struct finding));

        if (!findings)
            return NULL;
        if (result->finding_count > 0)
            memcpy(findings, result->findings, result->finding_count * sizeof(struct finding));
        result->findings = findings;
        matcher->capacity = capacity;
    }
    return &result->findings[result->finding_count++];
}

/* Whether `fixed` is further away than `than`; no fix (NULL) is furthest. */
static bool later_fix(const struct version_scheme *scheme, const char *fixed, const char *than)
{
    return than && (!fixed || scheme->compare(fixed, than) > 0);
}

/*
 * The row of the best rank that says "affected", with the latest fix; NULL: none does. A record may
 * have several ranges for one package, and a second advisory may fix what the first left open.
 */
static const struct database_row *deciding_row(const struct matcher *matcher, const char *version,
                                               const struct candidate *candidates, size_t count,
                                               const char **ret_fixed)
{
    const struct database_row *decides = NULL;

    for (size_t i = 0; i < count && candidates[i].rank == candidates[0].rank; i++) {
        const char *fixed;

        if (!database_affects(matcher->database, candidates[i].row, version, &fixed) ||
            (decides && !later_fix(matcher->scheme, fixed, *ret_fixed)))
            continue;
        decides = candidates[i].row;
        *ret_fixed = fixed;
    }
    return decides;
}

static enum mu_status add_references(const struct matcher *matcher, struct finding *finding,
                                     const struct candidate *candidates, size_t count)
{
    size_t most = count < MAX_REFERENCES ? count : MAX_REFERENCES;
    const char *last = NULL;

    if (count == 1)
        return MU_OK;
    finding->references = mu_arena_alloc(matcher->arena, most * sizeof(char *));
    if (!finding->references)
        return mu_fail(matcher->err, MU_E_NOMEM, "findings: out of memory");
    for (size_t i = 0; i < count && finding->reference_count < most; i++) {
        const char *id = database_id(matcher->database, candidates[i].row);

        if (!mu_text_equal(id, finding->advisory) && !mu_text_equal(id, last))
            finding->references[finding->reference_count++] = last = id;
    }
    return MU_OK;
}

/* The candidates are of one vulnerability, best rank first. */
static enum mu_status judge(struct matcher *matcher, const struct image_package *package,
                            size_t package_count, const struct candidate *candidates, size_t count)
{
    const char *fixed = NULL;
    const struct database_row *row =
            deciding_row(matcher, package->source_version, candidates, count, &fixed);
    struct finding *finding;

    if (!row)
        return MU_OK;
    if (mu_text_equal(database_urgency(matcher->database, row), "unimportant")) {
        matcher->result->suppressed++;
        return MU_OK;
    }
    finding = new_finding(matcher);
    if (!finding)
        return mu_fail(matcher->err, MU_E_NOMEM, "findings: out of memory");
    *finding = (struct finding){.id = candidates[0].id,
                                .advisory = database_id(matcher->database, row),
                                .package = package,
                                .package_count = package_count,
                                .fixed_version = fixed,
                                .summary = database_summary(matcher->database, row)};
    rate(matcher->database, row, finding);
    count_severity(&matcher->result->counts, finding->severity);
    return add_references(matcher, finding, candidates, count);
}

/* Packages come sorted by source name: its candidates serve all of its versions. */
static enum mu_status know_source(struct matcher *matcher, const char *source)
{
    if (matcher->source && mu_text_equal(matcher->source, source))
        return MU_OK;
    matcher->candidates = collect(matcher, source, &matcher->candidate_count);
    if (!matcher->candidates)
        return mu_fail(matcher->err, MU_E_NOMEM, "candidates: out of memory");
    matcher->source = source;
    return MU_OK;
}

static enum mu_status match_source(struct matcher *matcher, const struct image_package *package,
                                   size_t package_count)
{
    enum mu_status st = know_source(matcher, package->source_name);
    const struct candidate *candidates = matcher->candidates;
    size_t next;

    for (size_t i = 0; st == MU_OK && i < matcher->candidate_count; i = next) {
        for (next = i + 1; next < matcher->candidate_count &&
                           mu_text_equal(candidates[i].id, candidates[next].id);)
            next++;
        st = judge(matcher, package, package_count, candidates + i, next - i);
    }
    return st;
}

static int compare_sources(const void *a, const void *b)
{
    const struct image_package *const *left = a, *const *right = b;
    int order = strcmp((*left)->source_name, (*right)->source_name);

    if (order == 0)
        order = strcmp((*left)->source_version, (*right)->source_version);
    return order ? order : strcmp((*left)->name, (*right)->name);
}

static bool same_source(const struct image_package *a, const struct image_package *b)
{
    return mu_text_equal(a->source_name, b->source_name) &&
           mu_text_equal(a->source_version, b->source_version);
}

/* Debian packages sorted by source: each source is judged once. */
static enum mu_status match_packages(struct matcher *matcher, const struct image_analysis *image)
{
    const struct image_package **sorted =
            mu_arena_alloc(matcher->arena, (image->package_count + 1) * sizeof(void *));
    size_t count = 0, next;
    enum mu_status st = sorted ? MU_OK : mu_fail(matcher->err, MU_E_NOMEM, "out of memory");

    for (size_t i = 0; st == MU_OK && i < image->package_count; i++)
        if (mu_text_equal(image->packages[i].type, "deb"))
            sorted[count++] = &image->packages[i];
    if (st == MU_OK)
        qsort(sorted, count, sizeof(void *), compare_sources);
    for (size_t i = 0; st == MU_OK && i < count; i = next) {
        for (next = i + 1; next < count && same_source(sorted[i], sorted[next]);)
            next++;
        st = match_source(matcher, sorted[i], next - i);
    }
    return st;
}

enum mu_status match_image(const struct database *database, const struct image_analysis *image,
                           struct mu_arena *arena, struct match_result *ret_result,
                           struct mu_error *err)
{
    struct match_result result = {.ecosystem = ecosystem_of(&image->os, arena)};
    struct matcher matcher = {.database = database, .arena = arena, .result = &result, .err = err};
    enum mu_status st = MU_OK;

    result.counts.packages = (int64_t)image->package_count;
    if (result.ecosystem)
        matcher.scheme = version_scheme_of(result.ecosystem);
    if (matcher.scheme)
        st = match_packages(&matcher, image);
    if (st == MU_OK)
        *ret_result = result;
    return st;
}

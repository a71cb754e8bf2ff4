#include "match/judge.h"

#include "database/format.h"
#include "version/version.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { CANDIDATES_FIRST = 64 };

void judge_init(struct judge *judge, const struct database *database)
{
    *judge = (struct judge){.database = database};
}

void judge_done(struct judge *judge)
{
    free(judge->candidates);
    judge->candidates = NULL;
}

/* ---- which record decides ---- */

static int rank_of(const struct advisory *advisory)
{
    static const struct {
        const char *prefix;
        int rank;
    } ranks[] = {{"DEBIAN-CVE-", 1}, {"ALPINE-CVE-", 1}, {"UBUNTU-CVE-", 1},
                 {"DSA-", 3},        {"DLA-", 3},        {"USN-", 3}};
    int rank = advisory->feed == FEED_OSV ? 2 : 0;

    for (size_t i = 0; rank > 0 && i < sizeof(ranks) / sizeof(ranks[0]); i++)
        if (mu_text_starts(advisory->id, ranks[i].prefix))
            rank = ranks[i].rank;
    return advisory->withdrawn ? rank + JUDGE_WITHDRAWN : rank;
}

/* ---- which record is for the package at all ---- */

static const char *behind_epoch(const char *version)
{
    const char *colon = strchr(version, ':');

    return colon ? colon + 1 : version;
}

/* A SOURCERPM has no epoch: without it on either side only the rest counts. */
static int compare_without_epoch(const char *a, const char *b)
{
    const struct version_scheme *rpm = version_scheme_of("rpm");

    if (strchr(a, ':') && strchr(b, ':'))
        return rpm->compare(a, b);
    return rpm->compare(behind_epoch(a), behind_epoch(b));
}

/* "nodejs:16:9020...:rhel9" against "nodejs:16". */
static enum stream_relation relate_streams(const char *label, const char *stream)
{
    size_t name = strcspn(stream, ":"), whole = strlen(stream);

    if (!label || stream[0] == '\0' || strncmp(label, stream, name) != 0 || label[name] != ':')
        return STREAM_NOT_SAID; /* one that names another module of its: no word on this one */
    return strncmp(label, stream, whole) == 0 && (label[whole] == ':' || label[whole] == '\0')
                   ? STREAM_OWN
                   : STREAM_OTHER;
}

static bool is_modular(const struct package_key *key)
{
    return strstr(key->version, ".module") != NULL;
}

/* False: the record is for other packages of that name. */
static bool is_for(const struct judge *judge, const struct database_row *row,
                   const struct advisory *advisory, const struct package_key *key)
{
    if (!database_fits_architecture(judge->database, row, key->architecture))
        return false;
    if (!mu_text_equal(judge->scheme->name, "rpm"))
        return true;
    if (database_has_fix(judge->database, row) && advisory->modular != is_modular(key))
        return false;
    return advisory->feed == FEED_OSV ||
           relate_streams(key->module, advisory->module) != STREAM_OTHER;
}

/* ---- candidates ---- */

static enum mu_status add_candidate(struct judge *judge, const struct candidate *candidate,
                                    struct mu_error *err)
{
    if (judge->count == judge->capacity) {
        size_t capacity = judge->capacity ? 2 * judge->capacity : CANDIDATES_FIRST;
        struct candidate *candidates = realloc(judge->candidates, capacity * sizeof(*candidates));

        if (!candidates)
            return mu_fail(err, MU_E_NOMEM, "candidates: out of memory");
        judge->candidates = candidates;
        judge->capacity = capacity;
    }
    judge->candidates[judge->count++] = *candidate;
    return MU_OK;
}

static enum mu_status add_row(struct judge *judge, const struct database_row *row,
                              const struct package_key *key, bool by_source, struct mu_error *err)
{
    const char *version = by_source ? key->source_version : key->version;
    version_compare_fn *compare = by_source ? compare_without_epoch : judge->scheme->compare;
    struct candidate candidate = {.row = row, .by_source = by_source};
    enum mu_status st = MU_OK;
    struct advisory advisory;

    database_read(judge->database, row, &advisory);
    if (!is_for(judge, row, &advisory, key))
        return MU_OK;
    candidate.rank = rank_of(&advisory);
    candidate.affected = database_affects(judge->database, row, compare, version, &candidate.place);
    candidate.listed = candidate.affected && !candidate.place.introduced;
    candidate.module_unknown = advisory.modular && !key->module;
    candidate.stream = relate_streams(key->module, advisory.module);
    for (size_t i = 0; st == MU_OK && i < database_vulnerability_count(row); i++) {
        candidate.id = database_vulnerability(judge->database, row, i);
        st = add_candidate(judge, &candidate, err);
    }
    return st;
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    int order = strcmp(left->id, right->id);

    if (order == 0)
        order = left->rank - right->rank;
    return order ? order : (left->row > right->row) - (left->row < right->row);
}

static enum mu_status add_rows(struct judge *judge, const struct package_key *key, bool by_source,
                               struct mu_error *err)
{
    size_t count = 0;
    const struct database_row *rows = database_find(
            judge->database, key->ecosystem, by_source ? key->source_name : key->name, &count);
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < count; i++)
        st = add_row(judge, database_row_at(rows, i), key, by_source, err);
    return st;
}

enum mu_status judge_collect(struct judge *judge, const struct package_key *key,
                             struct mu_error *err)
{
    enum mu_status st;

    judge->count = 0;
    judge->scheme = key->ecosystem ? version_scheme_of(key->ecosystem) : NULL;
    if (!judge->scheme || key->no_version)
        return MU_OK;
    st = add_rows(judge, key, false, err);
    if (st == MU_OK && key->source_name)
        st = add_rows(judge, key, true, err);
    if (st == MU_OK && judge->count > 1)
        qsort(judge->candidates, judge->count, sizeof(struct candidate), compare_candidates);
    return st;
}

size_t judge_group(const struct judge *judge, size_t first)
{
    size_t next = first + 1;

    while (next < judge->count &&
           mu_text_equal(judge->candidates[first].id, judge->candidates[next].id))
        next++;
    return next - first;
}

/* Whether `fixed` is further away than `than`; no fix (NULL) is furthest. */
static bool later_fix(const struct judge *judge, const char *fixed, const char *than)
{
    return than && (!fixed || judge->scheme->compare(fixed, than) > 0);
}

/* Whether a record of the package's own stream is among those that decide. */
static bool own_stream_speaks(const struct candidate *candidates, size_t count)
{
    bool speaks = false;

    for (size_t i = 0; i < count && candidates[i].rank == candidates[0].rank; i++)
        speaks |= candidates[i].stream == STREAM_OWN;
    return speaks;
}

const struct candidate *judge_decide(const struct judge *judge, size_t first, size_t count)
{
    const struct candidate *candidates = judge->candidates + first, *decides = NULL;
    bool own_alone = own_stream_speaks(candidates, count);

    for (size_t i = 0; i < count && candidates[i].rank == candidates[0].rank; i++) {
        if (candidates[i].affected && !(own_alone && candidates[i].stream == STREAM_OTHER) &&
            (!decides || later_fix(judge, candidates[i].place.fixed, decides->place.fixed)))
            decides = &candidates[i];
    }
    return decides;
}

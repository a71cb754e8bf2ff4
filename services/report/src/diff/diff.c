#include "diff/diff.h"

#include "bundle/assets.h"
#include "diff/asset_face.h"

#include "base/stop.h"
#include "base/text.h"

#include <string.h>

enum { SIDE_BEFORE, SIDE_AFTER, SIDES };

const char *const diff_subjects[DIFF_SUBJECT_COUNT] = {"asset", "finding"};
const char *const diff_changes[DIFF_CHANGE_COUNT] = {"added", "removed", "changed"};
const char *const diff_causes[DIFF_CAUSE_COUNT] = {
        [DIFF_NEW_IMAGE] = "new_image",
        [DIFF_RETIRED] = "retired",
        [DIFF_REBUILT] = "rebuilt",
        [DIFF_VEX] = "vex",
        [DIFF_ANALYZER_CHANGE] = "analyzer_change",
        [DIFF_CVE_PUBLISHED] = "cve_published",
        [DIFF_DATABASE_CORRECTION] = "database_correction",
        [DIFF_DEVIATION] = "deviation",
        [DIFF_REOPENED] = "reopened",
        [DIFF_COVERAGE] = "coverage",
};

struct diff {
    struct asset_face faces[SIDES];
    enum mu_status (*tell)(void *opaque, const struct diff_line *line, struct mu_error *err);
    void *opaque;
    struct diff_sums *sums;
};

static enum mu_status tell(struct diff *diff, const struct diff_line *line, struct mu_error *err)
{
    diff->sums->counts[line->subject][line->change][line->cause]++;
    return diff->tell(diff->opaque, line, err);
}

static enum mu_status faces_of(struct diff *diff, const char *uai, struct mu_error *err)
{
    enum mu_status st = asset_face_of(&diff->faces[SIDE_BEFORE], uai, err);

    return st == MU_OK ? asset_face_of(&diff->faces[SIDE_AFTER], uai, err) : st;
}

static bool same_manifests(const struct diff *diff)
{
    return mu_text_equal(diff->faces[SIDE_BEFORE].manifests.data,
                         diff->faces[SIDE_AFTER].manifests.data);
}

/* The sides' next rows: below 0 when the first comes before the second, or the second has ended. */
static int order(bool first_there, const char *first, bool second_there, const char *second)
{
    if (!first_there || !second_there)
        return first_there ? -1 : second_there ? 1 : 0;
    return strcmp(first, second);
}

/* ---- assets ---- */

struct assets {
    struct asset_reader *reader;
    struct asset asset;
    bool there;
    size_t *count;
};

static enum mu_status next_asset(struct assets *side, struct mu_error *err)
{
    enum mu_status st = asset_next(side->reader, &side->asset, &side->there, err);

    if (st == MU_OK && side->there)
        ++*side->count;
    return st;
}

static const char *uai_of(const struct assets *side)
{
    return side->there ? side->asset.rows[0].uai : NULL;
}

/* Manifests, or the states where only they differ. */
static enum mu_status tell_asset(struct diff *diff, const char *uai, bool before, bool after,
                                 struct mu_error *err)
{
    struct asset_face *faces = diff->faces;
    struct diff_line line = {.subject = DIFF_ASSET, .change = DIFF_CHANGED, .uai = uai};
    enum mu_status st = faces_of(diff, uai, err);

    if (st != MU_OK)
        return st;
    line.before = before ? faces[SIDE_BEFORE].manifests.data : NULL;
    line.after = after ? faces[SIDE_AFTER].manifests.data : NULL;
    if (!before || !after) {
        line.change = before ? DIFF_REMOVED : DIFF_ADDED;
        line.cause = before ? DIFF_RETIRED : DIFF_NEW_IMAGE;
    } else if (!same_manifests(diff)) {
        line.cause = DIFF_REBUILT;
    } else if (!mu_text_equal(faces[SIDE_BEFORE].state.data, faces[SIDE_AFTER].state.data)) {
        line.cause = DIFF_COVERAGE;
        line.before = faces[SIDE_BEFORE].state.data;
        line.after = faces[SIDE_AFTER].state.data;
    } else {
        return MU_OK;
    }
    return tell(diff, &line, err);
}

static enum mu_status step_assets(struct diff *diff, struct assets sides[SIDES],
                                  struct mu_error *err)
{
    struct assets *before = &sides[SIDE_BEFORE], *after = &sides[SIDE_AFTER];
    const int way = order(before->there, uai_of(before), after->there, uai_of(after));
    enum mu_status st =
            tell_asset(diff, way <= 0 ? uai_of(before) : uai_of(after), way <= 0, way >= 0, err);

    if (st == MU_OK && way <= 0)
        st = next_asset(before, err);
    return st == MU_OK && way >= 0 ? next_asset(after, err) : st;
}

static enum mu_status diff_assets(struct diff *diff, struct mu_error *err)
{
    struct assets sides[SIDES] = {{.count = &diff->sums->before[DIFF_ASSET]},
                                  {.count = &diff->sums->after[DIFF_ASSET]}};
    enum mu_status st = MU_OK;

    for (int side = 0; st == MU_OK && side < SIDES; side++) {
        st = asset_reader_open(diff->faces[side].month->snapshot, &sides[side].reader, err);
        if (st == MU_OK)
            st = next_asset(&sides[side], err);
    }
    while (st == MU_OK && (sides[SIDE_BEFORE].there || sides[SIDE_AFTER].there))
        st = mu_stop_requested() ? mu_fail(err, MU_E_UNAVAILABLE, "stopping")
                                 : step_assets(diff, sides, err);
    for (int side = 0; side < SIDES; side++)
        asset_reader_free(sides[side].reader);
    return st;
}

/* ---- findings ---- */

struct findings {
    struct snapshot_cursor *cursor;
    struct finding_row row;
    bool there;
    size_t *count;
};

static enum mu_status next_finding(struct findings *side, struct mu_error *err)
{
    enum mu_status st = snapshot_next(side->cursor, &side->row, &side->there, err);

    if (st == MU_OK && side->there)
        ++*side->count;
    return st;
}

/* Whether anything had it in that month, open or closed by then. */
static enum mu_status had_vulnerability(const struct snapshot *snapshot, const char *vulnerability,
                                        bool *ret_had, struct mu_error *err)
{
    static const enum snapshot_list lists[] = {SNAPSHOT_LIST_FINDINGS_OF_VULNERABILITY,
                                               SNAPSHOT_LIST_CLOSED_OF_VULNERABILITY};
    union {
        struct finding_row finding;
        struct closed_finding_row closed;
    } row;
    enum mu_status st = MU_OK;

    *ret_had = false;
    for (size_t i = 0; st == MU_OK && !*ret_had && i < sizeof(lists) / sizeof(lists[0]); i++) {
        MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;

        st = snapshot_list(snapshot, lists[i], vulnerability, &cursor, err);
        if (st == MU_OK)
            st = snapshot_next(cursor, &row, ret_had, err);
    }
    return st;
}

/* Of a finding that one side has: the faces are the asset's; its image is the same on both. */
static enum mu_status cause_in_same_image(struct diff *diff, const struct finding_row *row,
                                          bool added, enum diff_cause *ret_cause,
                                          struct mu_error *err)
{
    /* The side that does not have it tells why. */
    struct asset_face *without = &diff->faces[added ? SIDE_BEFORE : SIDE_AFTER];
    struct asset_sight sight;
    bool had = true;
    enum mu_status st = asset_face_look(without, row->packages, row->vulnerability, &sight, err);

    if (st != MU_OK)
        return st;
    *ret_cause = DIFF_DATABASE_CORRECTION;
    if (sight.known && sight.vex) {
        *ret_cause = DIFF_VEX;
    } else if (sight.known && !sight.package) {
        *ret_cause = DIFF_ANALYZER_CHANGE;
    } else if (added) {
        st = had_vulnerability(without->month->snapshot, row->vulnerability, &had, err);
        if (!had)
            *ret_cause = DIFF_CVE_PUBLISHED;
    }
    return st;
}

static enum mu_status tell_one_sided(struct diff *diff, const struct finding_row *row, bool added,
                                     struct mu_error *err)
{
    struct diff_line line = {.subject = DIFF_FINDING,
                             .change = added ? DIFF_ADDED : DIFF_REMOVED,
                             .cause = DIFF_REBUILT,
                             .uai = row->uai,
                             .vulnerability = row->vulnerability,
                             .severity = row->effective_severity,
                             .before = added ? NULL : row->item,
                             .after = added ? row->item : NULL};
    enum mu_status st = faces_of(diff, row->uai, err);

    if (st != MU_OK)
        return st;
    if (asset_face_absent(&diff->faces[added ? SIDE_BEFORE : SIDE_AFTER]))
        line.cause = added ? DIFF_NEW_IMAGE : DIFF_RETIRED;
    else if (same_manifests(diff))
        st = cause_in_same_image(diff, row, added, &line.cause, err);
    return st == MU_OK ? tell(diff, &line, err) : st;
}

static enum mu_status tell_changed(struct diff *diff, const struct finding_row *before,
                                   const struct finding_row *after, struct mu_error *err)
{
    const struct diff_line line = {
            .subject = DIFF_FINDING,
            .change = DIFF_CHANGED,
            .cause = mu_text_equal(before->deviations ? before->deviations : "",
                                   after->deviations ? after->deviations : "")
                             ? DIFF_REOPENED
                             : DIFF_DEVIATION,
            .uai = after->uai,
            .vulnerability = after->vulnerability,
            .severity = after->effective_severity,
            .before = before->item,
            .after = after->item};

    return mu_text_equal(before->item, after->item) ? MU_OK : tell(diff, &line, err);
}

static enum mu_status step_findings(struct diff *diff, struct findings sides[SIDES],
                                    struct mu_error *err)
{
    struct findings *before = &sides[SIDE_BEFORE], *after = &sides[SIDE_AFTER];
    int way = order(before->there, before->row.uai, after->there, after->row.uai);
    enum mu_status st;

    if (way == 0)
        way = order(before->there, before->row.vulnerability, after->there,
                    after->row.vulnerability);
    if (way == 0)
        st = tell_changed(diff, &before->row, &after->row, err);
    else
        st = tell_one_sided(diff, way < 0 ? &before->row : &after->row, way > 0, err);
    if (st == MU_OK && way <= 0)
        st = next_finding(before, err);
    return st == MU_OK && way >= 0 ? next_finding(after, err) : st;
}

static enum mu_status diff_findings(struct diff *diff, struct mu_error *err)
{
    struct findings sides[SIDES] = {{.count = &diff->sums->before[DIFF_FINDING]},
                                    {.count = &diff->sums->after[DIFF_FINDING]}};
    enum mu_status st = MU_OK;

    for (int side = 0; st == MU_OK && side < SIDES; side++) {
        st = snapshot_list(diff->faces[side].month->snapshot, SNAPSHOT_LIST_FINDINGS_BY_ASSET, NULL,
                           &sides[side].cursor, err);
        if (st == MU_OK)
            st = next_finding(&sides[side], err);
    }
    while (st == MU_OK && (sides[SIDE_BEFORE].there || sides[SIDE_AFTER].there))
        st = mu_stop_requested() ? mu_fail(err, MU_E_UNAVAILABLE, "stopping")
                                 : step_findings(diff, sides, err);
    for (int side = 0; side < SIDES; side++)
        snapshot_cursor_free(sides[side].cursor);
    return st;
}

enum mu_status diff_months(const struct diff_month *before, const struct diff_month *after,
                           enum mu_status (*tell_line)(void *opaque, const struct diff_line *line,
                                                       struct mu_error *err),
                           void *opaque, struct diff_sums *ret_sums, struct mu_error *err)
{
    struct diff diff = {.tell = tell_line, .opaque = opaque, .sums = ret_sums};
    enum mu_status st;

    *ret_sums = (struct diff_sums){0};
    asset_face_init(&diff.faces[SIDE_BEFORE], before);
    asset_face_init(&diff.faces[SIDE_AFTER], after);
    st = diff_assets(&diff, err);
    if (st == MU_OK)
        st = diff_findings(&diff, err);
    for (int side = 0; side < SIDES; side++)
        asset_face_done(&diff.faces[side]);
    return st == MU_OK ? MU_OK : mu_wrap(err, "diff");
}

bool diff_reconciles(const struct diff_sums *sums, enum diff_subject subject)
{
    size_t added = 0, removed = 0;

    for (int cause = 0; cause < DIFF_CAUSE_COUNT; cause++) {
        added += sums->counts[subject][DIFF_ADDED][cause];
        removed += sums->counts[subject][DIFF_REMOVED][cause];
    }
    return sums->before[subject] + added - removed == sums->after[subject];
}

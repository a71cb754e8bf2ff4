/*
 * diff: two months side by side. Every asset and every finding (a vulnerability on an asset) that
 * came, went or changed is told once, with exactly one cause; what was there, plus what came, less
 * what went, is what is there now.
 *
 * Causes of a finding, the first that applies:
 *   new_image            nothing of the asset was there the month before
 *   retired              nothing of the asset is there any more
 *   rebuilt              the asset's manifests are others
 *   vex                  a VEX statement began, or ceased, to say that it does not apply
 *   analyzer_change      the package was not seen in the same image then, or is not seen now
 *   cve_published        nothing had that vulnerability the month before
 *   database_correction  the same package of the same image is judged otherwise
 *   deviation            (changed) other deviations apply: another item of the POA&M
 *   reopened             (changed) it was gone in between: another item of the POA&M
 * Assets: new_image, retired, rebuilt, coverage (only the coverage state is another).
 *
 * Both snapshots are read in order, side by side: memory does not grow with them. Raw scans are
 * read where an image is the same and its findings are not.
 */
#ifndef REPORT_DIFF_H
#define REPORT_DIFF_H

#include "snapshot/snapshot.h"

enum diff_subject { DIFF_ASSET, DIFF_FINDING, DIFF_SUBJECT_COUNT };
enum diff_change { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED, DIFF_CHANGE_COUNT };
enum diff_cause {
    DIFF_NEW_IMAGE,
    DIFF_RETIRED,
    DIFF_REBUILT,
    DIFF_VEX,
    DIFF_ANALYZER_CHANGE,
    DIFF_CVE_PUBLISHED,
    DIFF_DATABASE_CORRECTION,
    DIFF_DEVIATION,
    DIFF_REOPENED,
    DIFF_COVERAGE,
    DIFF_CAUSE_COUNT
};

extern const char *const diff_subjects[DIFF_SUBJECT_COUNT]; /* the words for them */
extern const char *const diff_changes[DIFF_CHANGE_COUNT];
extern const char *const diff_causes[DIFF_CAUSE_COUNT];

/* Texts are borrowed for the call. */
struct diff_line {
    enum diff_subject subject;
    enum diff_change change;
    enum diff_cause cause;
    const char *uai;
    const char *vulnerability; /* NULL of assets */
    const char *severity;      /* effective, as it is now, else as it was; NULL of assets */
    /* Manifests and coverage state of an asset, item of a finding; NULL where it is not there. */
    const char *before, *after;
};

struct diff_sums {
    size_t before[DIFF_SUBJECT_COUNT], after[DIFF_SUBJECT_COUNT];
    size_t counts[DIFF_SUBJECT_COUNT][DIFF_CHANGE_COUNT][DIFF_CAUSE_COUNT];
};

struct diff_month {
    const struct snapshot *snapshot;
    /* Puts the path of the raw scan of that digest; may be NULL: then analyzer_change and vex are
     * not told apart from database_correction. */
    enum mu_status (*raw_scan_path)(const void *opaque, const char *digest, char *ret_path,
                                    size_t size, struct mu_error *err);
    const void *opaque;
};

/* Assets first, then findings, each by UAI. Errors: MU_E_UNAVAILABLE, MU_E_LIMIT, MU_E_INVALID (a
 * raw scan), MU_E_NOT_FOUND (a raw scan), and what `tell_line` gives. */
enum mu_status diff_months(const struct diff_month *before, const struct diff_month *after,
                           enum mu_status (*tell_line)(void *opaque, const struct diff_line *line,
                                                       struct mu_error *err),
                           void *opaque, struct diff_sums *ret_sums,
                           struct mu_error *err) MU_MUST_CHECK;

/* What was there + what came - what went = what is there. */
bool diff_reconciles(const struct diff_sums *sums, enum diff_subject subject);

#endif

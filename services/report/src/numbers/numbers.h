/*
 * numbers: what a month comes to, counted once from the snapshot: numbers.json, the command
 * `numbers` and the human report all say these and nothing they counted themselves.
 *
 * A figure is one int64_t of struct numbers and one line of the table `figures`, with its label and
 * the source of its rule; NUMBERS_UNKNOWN where nothing tells.
 *
 * What counts as what (FedRAMP Continuous Monitoring Playbook, "Vulnerability Scanning" and Table
 * 1):
 *   - an approved false positive is no vulnerability: it is in no figure but its own;
 *   - an item (finding_row.item) has the worst rating and the earliest date of its assets;
 *   - age is counted on the clock that the database keeps (rev5_due_at): from the first detection,
 *     or from the vendor's release;
 *   - "the next submission" is the end of the following month: a forecast is what holds then when
 *     nothing is fixed, no vendor is asked again and no image is scanned again.
 *
 * Ownership: texts live in the arena given. Threads: none of its own.
 */
#ifndef REPORT_NUMBERS_H
#define REPORT_NUMBERS_H

#include "items/item_state.h"
#include "items/rating.h"
#include "numbers/numbers_files.h"
#include "numbers/triggers.h"
#include "snapshot/snapshot.h"
#include "system/system_file.h"

#include "base/memory.h"

#define NUMBERS_SCHEMA "muster.numbers.v1"

enum { NUMBERS_UNKNOWN = -1, NUMBERS_MAX_ITEMS = 100 };

enum coverage_state {
    COVERAGE_COVERED,
    COVERAGE_EXPIRED,
    COVERAGE_FAILED,
    COVERAGE_NEVER,
    COVERAGE_UNRESOLVED,
    COVERAGE_NOT_IN_REGISTRY,
    COVERAGE_EXCLUDED,
    COVERAGE_COUNT
};
extern const char *const coverage_names[COVERAGE_COUNT];

enum { AGE_STEPS = 4, SCAN_AGE_STEPS = 6 };
extern const int64_t age_days[AGE_STEPS - 1];           /* up to 30, 90, 180, more */
extern const int64_t scan_age_days[SCAN_AGE_STEPS - 1]; /* up to 1, 7, 14, 21, 30, more */

struct rating_numbers {
    int64_t unique, items, per_asset, per_instance;
    int64_t states[ITEM_STATES]; /* items */
    int64_t ages[AGE_STEPS];     /* items, by days since the first detection on any asset */
};

struct deviation_count {
    const char *kind, *state;
    int64_t count;
};
enum { NUMBERS_MAX_DEVIATION_KINDS = 64 };

struct numbers {
    const char *month, *system_name, *fedramp_id;
    int64_t as_of_us, known_at_us, next_us;

    struct rating_numbers ratings[RATING_COUNT], all;
    int64_t baseline, baseline_limit, new_items, closed_items, false_positives;
    int64_t late_30, late_90, late_180, late_kev, late_bod;
    int64_t kev, kev_per_asset, kev_per_instance, kev_due;

    int64_t containers, containers_in[COVERAGE_COUNT], images, images_in[COVERAGE_COUNT];
    int64_t scan_ages[SCAN_AGE_STEPS], scan_age_unknown, window_ends, floating;

    int64_t raw_scans, authenticated, unauthenticated, authentication_unknown;
    int64_t unauthenticated_per_mille;
    int64_t databases_stale, database_time_unknown;
    int64_t configurations, configuration_differs, configuration_unknown;

    int64_t failures_open, failures_opened, failures_closed;
    int64_t deviations_pending, deviations_approved, deviations_expiring, check_ins_due;
    struct deviation_count deviations[NUMBERS_MAX_DEVIATION_KINDS]; /* by kind, state */
    size_t deviation_count;

    struct trigger_result triggers[TRIGGER_COUNT];
    struct numbers_month *history; /* the months before, the oldest first */
    size_t history_count;
};

/* An earlier month, as its numbers.json says. */
struct numbers_month {
    char month[8]; /* "2026-10" */
    int64_t unique, items, late, kev, containers, covered;
    bool reached[TRIGGER_COUNT];
};

struct figure {
    const char *path; /* "late.kev": members of `figures` in numbers.json */
    const char *label;
    size_t offset; /* of the int64_t in struct numbers */
    const char *source;
};
extern const struct figure figures[];
extern const size_t figure_count;
int64_t figure_value(const struct numbers *numbers, size_t index);

struct numbers_request {
    const struct snapshot *snapshot;
    const struct system_file *system;
    const char *month; /* "2026-11" */
    struct numbers_files previous;
};

/* Errors: MU_E_UNAVAILABLE, MU_E_LIMIT, MU_E_INVALID (the baseline, a time, an earlier month's
 * file), MU_E_NOT_FOUND (such a file), MU_E_NOMEM. */
enum mu_status numbers_compute(const struct numbers_request *request, struct mu_arena *arena,
                               struct numbers *ret_numbers, struct mu_error *err) MU_MUST_CHECK;

#endif

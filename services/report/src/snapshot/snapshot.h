/*
 * snapshot: everything a bundle says, read from PostgreSQL in one repeatable-read
 * transaction through the functions of report_v1 (schemas/report-views.v1.md).
 * After snapshot_read nothing else is asked of the database.
 *
 * Ownership: rows and their texts live in the arena given.
 * Limits: at most SNAPSHOT_MAX_ROWS rows of each kind (MU_E_LIMIT).
 */
#ifndef REPORT_SNAPSHOT_H
#define REPORT_SNAPSHOT_H

#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SNAPSHOT_MAX_ROWS = 2000000 };

/* Texts are NULL where the database says NULL. */
struct inventory_row {
    const char *uai, *manifest_digest, *repository, *tag, *platform;
    const char *os_name, *image_title, *image_version, *image_vendor;
    int64_t running_containers;
    const char *state, *reason;
    const char *evidence_digest, *scan_finished_at;
    const char *reported_digest;
    bool floating;
};

struct instance_row {
    const char *cluster, *namespace_name, *pod, *container, *container_kind, *image;
    const char *uai, *manifest_digest, *state, *reason, *started_at, *node;
};

struct target_row {
    const char *uai, *manifest_digest;
};

/* Evidence that was made of another scanner's report, and that report. */
struct original_row {
    const char *evidence_digest, *original_digest;
};

struct total_row {
    const char *state;
    int64_t containers;
};

struct snapshot {
    int64_t as_of_us; /* min(end of the month, newest fact): the instant the workbook speaks of */
    int64_t known_at_us;             /* min(asked, newest fact): what had been learned by then */
    struct inventory_row *inventory; /* by uai, then manifest digest */
    size_t inventory_count;
    struct instance_row *instances; /* by cluster, namespace, pod, container */
    size_t instance_count;
    struct target_row *not_running; /* scanned, but nothing runs from it */
    size_t not_running_count;
    struct original_row *originals; /* by evidence digest */
    size_t original_count;
    struct total_row *totals; /* all coverage states in the order of design section 8 */
    size_t total_count;
};

struct snapshot_question {
    const char *conninfo;
    int64_t month_begin_us, month_end_us; /* [begin, end) */
    int64_t known_at_us;                  /* MU_TIME_NONE: everything known */
};

/* Errors: MU_E_UNAVAILABLE, MU_E_DENIED, MU_E_LIMIT, MU_E_NOT_FOUND (no facts by then). */
enum mu_status snapshot_read(const struct snapshot_question *question, struct mu_arena *arena,
                             struct snapshot *ret_snapshot, struct mu_error *err) MU_MUST_CHECK;

#endif

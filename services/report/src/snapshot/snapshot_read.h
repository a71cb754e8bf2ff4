/*
 * snapshot_read: a month's snapshot from PostgreSQL, in one repeatable-read transaction through
 * the functions of report_v1 (schemas/report-views.v1.md). Rows stream through; afterwards nothing
 * else is asked of the database.
 */
#ifndef REPORT_SNAPSHOT_READ_H
#define REPORT_SNAPSHOT_READ_H

#include "snapshot/snapshot.h"

struct snapshot_question {
    const char *conninfo;
    int64_t month_begin_us, month_end_us; /* [begin, end) */
    int64_t known_at_us;                  /* MU_TIME_NONE: everything known */
};

/* Errors: MU_E_UNAVAILABLE, MU_E_DENIED, MU_E_NOT_FOUND (no facts by then). */
enum mu_status snapshot_read(const struct snapshot_question *question,
                             struct snapshot **ret_snapshot, struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * snapshot: everything a bundle says, read once and then asked for in any order. Rows lie in a
 * private SQLite database on the disk, so that a fleet of any size takes the same memory; it goes
 * when the snapshot is freed, or with the process.
 *
 * Ownership: texts of a row are borrowed from the cursor until its next row, or its end.
 * Threads: one at a time per snapshot.
 * Errors: MU_E_UNAVAILABLE (the disk under SQLITE_TMPDIR, TMPDIR or /var/tmp).
 */
#ifndef REPORT_SNAPSHOT_H
#define REPORT_SNAPSHOT_H

#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Texts are NULL where the database says NULL. */
struct inventory_row {
    const char *uai, *manifest_digest, *repository, *tag, *platform;
    const char *os_name, *image_title, *image_version, *image_vendor;
    int64_t running_containers;
    const char *state, *reason;
    const char *evidence_digest, *scan_finished_at;
    const char *reported_digest;
    int64_t floating; /* 0 or 1 */
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

struct snapshot_instants {
    int64_t as_of_us; /* min(end of the month, newest fact): the instant the workbook speaks of */
    int64_t known_at_us; /* min(asked, newest fact): what had been learned by then */
};

struct snapshot;

/* Empty. */
enum mu_status snapshot_new(const struct snapshot_instants *instants,
                            struct snapshot **ret_snapshot, struct mu_error *err) MU_MUST_CHECK;
void snapshot_free(struct snapshot *snapshot); /* NULL is fine */
const struct snapshot_instants *snapshot_instants(const struct snapshot *snapshot);

/* A kind of row, and the order in which report_v1 gives it (schemas/report-views.v1.md). */
enum snapshot_rows {
    SNAPSHOT_INVENTORY,   /* struct inventory_row, by uai, then manifest digest */
    SNAPSHOT_INSTANCES,   /* struct instance_row, by cluster, namespace, pod, container */
    SNAPSHOT_NOT_RUNNING, /* struct target_row: scanned, but nothing runs from it */
    SNAPSHOT_TOTALS,      /* struct total_row: all coverage states in design section 8's order */
    SNAPSHOT_ORIGINALS,   /* struct original_row, by evidence digest */
    SNAPSHOT_ROWS_COUNT
};

/* Copies the row behind those of its kind. Errors: MU_E_UNAVAILABLE. */
enum mu_status snapshot_add(struct snapshot *snapshot, enum snapshot_rows kind, const void *row,
                            struct mu_error *err) MU_MUST_CHECK;

/* ---- reading ---- */

enum snapshot_list {
    SNAPSHOT_LIST_INVENTORY, /* kinds as they were added */
    SNAPSHOT_LIST_INSTANCES,
    SNAPSHOT_LIST_NOT_RUNNING,
    SNAPSHOT_LIST_TOTALS,
    SNAPSHOT_LIST_EVIDENCE,         /* inventory rows that have some, by its digest, then uai */
    SNAPSHOT_LIST_INSTANCES_OF_UAI, /* instance rows of the UAI that is the key */
    SNAPSHOT_LIST_ORIGINAL_OF       /* original row of the evidence digest that is the key */
};

struct snapshot_cursor;

/* `key`: NULL where the list has none. A cursor sees the rows of its opening. */
enum mu_status snapshot_list(const struct snapshot *snapshot, enum snapshot_list list,
                             const char *key, struct snapshot_cursor **ret_cursor,
                             struct mu_error *err) MU_MUST_CHECK;
void snapshot_cursor_free(struct snapshot_cursor *cursor); /* NULL is fine */
/* Fills the list's struct; `ret_found` false at the end. */
enum mu_status snapshot_next(struct snapshot_cursor *cursor, void *ret_row, bool *ret_found,
                             struct mu_error *err) MU_MUST_CHECK;
/* Different evidence of the inventory rows. */
enum mu_status snapshot_count_evidence(const struct snapshot *snapshot, size_t *ret_count,
                                       struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(snapshot, struct snapshot, snapshot_free)
MU_DEFINE_AUTO(snapshot_cursor, struct snapshot_cursor, snapshot_cursor_free)

#endif

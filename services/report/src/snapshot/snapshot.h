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
    const char *scanner_name, *scanner_version, *database_version, *database_built_at;
    const char *configuration_checksum, *first_running_at;
    const char *baseline;  /* names of valid hardening baselines, a line each; NULL: none */
    const char *is_public; /* yes, no; NULL: nobody stated it */
    const char *hardening; /* each baseline that was stated, a line each: state, who, when, drift */
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

/*
 * A vulnerability that an asset has. `item` is the number under which every deliverable speaks of
 * it: one per vulnerability and set of deviations, "V-CVE-2026-1", "V-CVE-2026-1.2" when it came
 * back after it had been gone from all assets, "V-CVE-2026-1-DR-7" where deviations apply.
 */
struct finding_row {
    const char *item, *uai, *repository, *vulnerability;
    const char *reported_as, *packages, *fixed_versions; /* a line each */
    const char *severity,
            *effective_severity;        /* critical, high, moderate, low, negligible, unknown */
    const char *severity_source, *cvss; /* nvd_cvss3, nvd_cvss2, scanner; "9.8" */
    const char *scanner_name;
    const char *kev_added, *kev_due, *epss, *exploitation;  /* dates YYYY-MM-DD */
    const char *is_public, *automatable, *technical_impact; /* yes, no; partial, total */
    const char *detected_at, *first_detected_at;            /* on this asset; on its repository */
    const char *item_detected_at; /* of the item, on any asset: never later than before */
    int64_t episode, instances;
    const char *deviations,
            *pending; /* numbers of deviations; kinds not yet decided; a line each */
    const char *rev5_due_at, *kev_due_at, *bod_due_at;
    int64_t forensic;
    const char *due_at, *due_by, *status; /* of the Rev5 clocks, as finding_clocks_known has them */
};

/* An episode of a vulnerability on an asset that has ended. */
struct closed_finding_row {
    const char *item, *uai, *repository, *vulnerability;
    int64_t episode;
    const char *detected_at, *first_detected_at, *item_detected_at;
    const char *closed_at, *closed_by; /* scan, gone */
    const char *item_closed_at;        /* NULL: another asset still has it */
    const char *severity, *cvss;
};

/* A statement of people about a vulnerability, as it stood. */
struct deviation_row {
    const char *deviation, *state, *kind, *vulnerability; /* the name that findings have */
    const char *asset, *package, *adjusted_severity, *rationale, *evidence;
    const char *requested_by, *requested_at, *decided_by, *decided_role, *decided_at;
    const char *decision_evidence, *expires_at, *checked_in_at, *released_at;
};

/* Detection that failed and was open at some time of the month. */
struct failure_row {
    const char *failure, *state, *code, *message, *repository, *digest, *source;
    int64_t attempts;
    const char *opened_at, *closed_at;
};

/* What the month's raw scans say of a vulnerability: of several the first by evidence digest. */
struct description_row {
    const char *vulnerability;                                     /* as reported */
    const char *summary, *references, *advisory, *evidence_digest; /* references a line each */
};

/* What a raw scan says the image itself gets wrong. */
struct issue_row {
    const char *evidence_digest, *check, *severity, *title, *source, *path, *evidence;
};

struct total_row {
    const char *state;
    int64_t containers;
};

/* How a raw scan was made, as it says itself. */
struct scan_row {
    const char *evidence_digest, *status; /* complete, partial, failed */
    const char *started_at, *finished_at;
    const char *authentication, *authorized; /* the method; yes, no; NULL: it does not say */
};

/* A source of events and what was last told of it. */
struct source_row {
    const char *source, *kind, *state; /* silent, speaking, removed */
    const char *since, *last_event_at, *last_error;
};

/* Events of the month that were quarantined, by their reason. */
struct quarantine_row {
    const char *reason_code, *source, *reason; /* the reason of the first of them */
    int64_t events;
    const char *first_known_at, *last_known_at;
};

/* The ledger's balance when the snapshot was read: received = applied + quarantined + duplicates.
 */
struct ledger_row {
    const char *topic;
    int64_t received, applied, quarantined, duplicates;
};

struct snapshot_instants {
    int64_t as_of_us;    /* min(end of the month, horizon): the instant the workbook speaks of */
    int64_t known_at_us; /* min(asked, horizon): what had been learned by then */
    int64_t month_begin_us;
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
    SNAPSHOT_FINDINGS,    /* struct finding_row, by item, then uai */
    SNAPSHOT_CLOSED,      /* struct closed_finding_row, by item, then uai, then episode */
    SNAPSHOT_DEVIATIONS,  /* struct deviation_row, by number */
    SNAPSHOT_FAILURES,    /* struct failure_row, by the time of opening */
    SNAPSHOT_SOURCES,     /* struct source_row, by name */
    SNAPSHOT_QUARANTINE,  /* struct quarantine_row, by reason code, then source */
    SNAPSHOT_LEDGER,      /* struct ledger_row, by topic */
    /* From the raw scans, once they are there (bundle/raw_scan_rows.h). */
    SNAPSHOT_DESCRIPTIONS, /* struct description_row */
    SNAPSHOT_ISSUES,       /* struct issue_row, by evidence digest, as the scan has them */
    SNAPSHOT_SCANS,        /* struct scan_row, by evidence digest */
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
    SNAPSHOT_LIST_ORIGINAL_OF,      /* original row of the evidence digest that is the key */
    SNAPSHOT_LIST_INVENTORY_OF_UAI, /* inventory rows of the UAI that is the key */
    SNAPSHOT_LIST_FINDINGS,
    SNAPSHOT_LIST_FINDINGS_OF_ITEM,
    SNAPSHOT_LIST_FINDINGS_OF_UAI,
    SNAPSHOT_LIST_FINDINGS_BY_ASSET,           /* by uai, then vulnerability */
    SNAPSHOT_LIST_FINDINGS_OF_VULNERABILITY,   /* of the name that is the key */
    SNAPSHOT_LIST_FINDINGS_OF_VULNERABILITIES, /* all, by vulnerability, item, uai */
    SNAPSHOT_LIST_FINDINGS_BY_DUE, /* all, the item that is due first first; items whole */
    SNAPSHOT_LIST_CLOSED,
    SNAPSHOT_LIST_CLOSED_OF_VULNERABILITY,
    SNAPSHOT_LIST_NOT_RUNNING_OF_UAI,
    SNAPSHOT_LIST_INSTANCES_BY_UAI, /* by uai, then as they were added */
    SNAPSHOT_LIST_CLOSED_OF_ITEM,
    SNAPSHOT_LIST_DEVIATIONS,
    SNAPSHOT_LIST_DEVIATION, /* that of the number that is the key */
    SNAPSHOT_LIST_FAILURES,
    SNAPSHOT_LIST_DESCRIPTION_OF, /* of the vulnerability, under any name in a finding */
    SNAPSHOT_LIST_ISSUES,
    SNAPSHOT_LIST_ISSUES_OF, /* of the evidence digest that is the key */
    SNAPSHOT_LIST_SOURCES,
    SNAPSHOT_LIST_QUARANTINE,
    SNAPSHOT_LIST_LEDGER,
    SNAPSHOT_LIST_SCANS,
    SNAPSHOT_LIST_ORIGINALS,
    SNAPSHOT_LIST_DESCRIPTIONS,
    SNAPSHOT_LIST_SCAN_OF, /* scan row of the evidence digest that is the key */
    /* Original rows whose evidence digest is that of a raw scan or a report of the month: all the
     * files it needs, each once, by digest. The other member is NULL. */
    SNAPSHOT_LIST_EVIDENCE_FILES,
    /* Inventory rows whose UAI is not theirs alone: another's but for the case of letters, or of
     * two repositories. */
    SNAPSHOT_LIST_TWINS,
    SNAPSHOT_LIST_CHECKS,             /* issue rows, the first of each check, by check */
    SNAPSHOT_LIST_INVENTORY_OF_CHECK, /* inventory rows with an issue of the check that is the key
                                       */
    SNAPSHOT_LIST_INVENTORY_OF_ISSUES /* inventory rows with any issue */
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
/* A row's time as an instant; MU_TIME_NONE for NULL. Errors: MU_E_INVALID. */
enum mu_status snapshot_time(const char *text, int64_t *ret_at_us,
                             struct mu_error *err) MU_MUST_CHECK;
/* Different evidence of the inventory rows. */
enum mu_status snapshot_count_evidence(const struct snapshot *snapshot, size_t *ret_count,
                                       struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(snapshot, struct snapshot, snapshot_free)
MU_DEFINE_AUTO(snapshot_cursor, struct snapshot_cursor, snapshot_cursor_free)

#endif

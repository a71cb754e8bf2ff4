#include "snapshot/columns.h"

#define COLUMN(row, member, type)                   \
    {                                               \
#        member, type, offsetof(struct row, member) \
    }
#define KIND(columns, row)                                                            \
    {                                                                                 \
#        columns, columns, sizeof(columns) / sizeof((columns)[0]), sizeof(struct row) \
    }

static const struct column inventory[] = {
        COLUMN(inventory_row, uai, VALUE_TEXT),
        COLUMN(inventory_row, manifest_digest, VALUE_TEXT),
        COLUMN(inventory_row, repository, VALUE_TEXT),
        COLUMN(inventory_row, tag, VALUE_TEXT),
        COLUMN(inventory_row, platform, VALUE_TEXT),
        COLUMN(inventory_row, os_name, VALUE_TEXT),
        COLUMN(inventory_row, image_title, VALUE_TEXT),
        COLUMN(inventory_row, image_version, VALUE_TEXT),
        COLUMN(inventory_row, image_vendor, VALUE_TEXT),
        COLUMN(inventory_row, running_containers, VALUE_NUMBER),
        COLUMN(inventory_row, state, VALUE_TEXT),
        COLUMN(inventory_row, reason, VALUE_TEXT),
        COLUMN(inventory_row, evidence_digest, VALUE_TEXT),
        COLUMN(inventory_row, scan_finished_at, VALUE_TIME),
        COLUMN(inventory_row, reported_digest, VALUE_TEXT),
        COLUMN(inventory_row, floating, VALUE_NUMBER),
        COLUMN(inventory_row, scanner_name, VALUE_TEXT),
        COLUMN(inventory_row, scanner_version, VALUE_TEXT),
        COLUMN(inventory_row, database_version, VALUE_TEXT),
        COLUMN(inventory_row, database_built_at, VALUE_TIME),
        COLUMN(inventory_row, configuration_checksum, VALUE_TEXT),
        COLUMN(inventory_row, first_running_at, VALUE_TIME),
        COLUMN(inventory_row, baseline, VALUE_TEXT),
        COLUMN(inventory_row, is_public, VALUE_TEXT),
        COLUMN(inventory_row, hardening, VALUE_TEXT),
};

static const struct column instances[] = {
        COLUMN(instance_row, cluster, VALUE_TEXT),
        COLUMN(instance_row, namespace_name, VALUE_TEXT),
        COLUMN(instance_row, pod, VALUE_TEXT),
        COLUMN(instance_row, container, VALUE_TEXT),
        COLUMN(instance_row, container_kind, VALUE_TEXT),
        COLUMN(instance_row, image, VALUE_TEXT),
        COLUMN(instance_row, uai, VALUE_TEXT),
        COLUMN(instance_row, manifest_digest, VALUE_TEXT),
        COLUMN(instance_row, state, VALUE_TEXT),
        COLUMN(instance_row, reason, VALUE_TEXT),
        COLUMN(instance_row, started_at, VALUE_TIME),
        COLUMN(instance_row, node, VALUE_TEXT),
};

static const struct column not_running[] = {
        COLUMN(target_row, uai, VALUE_TEXT),
        COLUMN(target_row, manifest_digest, VALUE_TEXT),
};

static const struct column totals[] = {
        COLUMN(total_row, state, VALUE_TEXT),
        COLUMN(total_row, containers, VALUE_NUMBER),
};

static const struct column originals[] = {
        COLUMN(original_row, evidence_digest, VALUE_TEXT),
        COLUMN(original_row, original_digest, VALUE_TEXT),
};

static const struct column findings[] = {
        COLUMN(finding_row, item, VALUE_TEXT),
        COLUMN(finding_row, uai, VALUE_TEXT),
        COLUMN(finding_row, repository, VALUE_TEXT),
        COLUMN(finding_row, vulnerability, VALUE_TEXT),
        COLUMN(finding_row, reported_as, VALUE_TEXT),
        COLUMN(finding_row, packages, VALUE_TEXT),
        COLUMN(finding_row, fixed_versions, VALUE_TEXT),
        COLUMN(finding_row, severity, VALUE_TEXT),
        COLUMN(finding_row, effective_severity, VALUE_TEXT),
        COLUMN(finding_row, severity_source, VALUE_TEXT),
        COLUMN(finding_row, cvss, VALUE_TEXT),
        COLUMN(finding_row, scanner_name, VALUE_TEXT),
        COLUMN(finding_row, kev_added, VALUE_TEXT),
        COLUMN(finding_row, kev_due, VALUE_TEXT),
        COLUMN(finding_row, epss, VALUE_TEXT),
        COLUMN(finding_row, exploitation, VALUE_TEXT),
        COLUMN(finding_row, is_public, VALUE_TEXT),
        COLUMN(finding_row, automatable, VALUE_TEXT),
        COLUMN(finding_row, technical_impact, VALUE_TEXT),
        COLUMN(finding_row, detected_at, VALUE_TIME),
        COLUMN(finding_row, first_detected_at, VALUE_TIME),
        COLUMN(finding_row, item_detected_at, VALUE_TIME),
        COLUMN(finding_row, episode, VALUE_NUMBER),
        COLUMN(finding_row, instances, VALUE_NUMBER),
        COLUMN(finding_row, deviations, VALUE_TEXT),
        COLUMN(finding_row, pending, VALUE_TEXT),
        COLUMN(finding_row, rev5_due_at, VALUE_TIME),
        COLUMN(finding_row, kev_due_at, VALUE_TIME),
        COLUMN(finding_row, bod_due_at, VALUE_TIME),
        COLUMN(finding_row, forensic, VALUE_NUMBER),
        COLUMN(finding_row, due_at, VALUE_TIME),
        COLUMN(finding_row, due_by, VALUE_TEXT),
        COLUMN(finding_row, status, VALUE_TEXT),
};

static const struct column closed[] = {
        COLUMN(closed_finding_row, item, VALUE_TEXT),
        COLUMN(closed_finding_row, uai, VALUE_TEXT),
        COLUMN(closed_finding_row, repository, VALUE_TEXT),
        COLUMN(closed_finding_row, vulnerability, VALUE_TEXT),
        COLUMN(closed_finding_row, episode, VALUE_NUMBER),
        COLUMN(closed_finding_row, detected_at, VALUE_TIME),
        COLUMN(closed_finding_row, first_detected_at, VALUE_TIME),
        COLUMN(closed_finding_row, item_detected_at, VALUE_TIME),
        COLUMN(closed_finding_row, closed_at, VALUE_TIME),
        COLUMN(closed_finding_row, closed_by, VALUE_TEXT),
        COLUMN(closed_finding_row, item_closed_at, VALUE_TIME),
        COLUMN(closed_finding_row, severity, VALUE_TEXT),
        COLUMN(closed_finding_row, cvss, VALUE_TEXT),
};

static const struct column deviations[] = {
        COLUMN(deviation_row, deviation, VALUE_TEXT),
        COLUMN(deviation_row, state, VALUE_TEXT),
        COLUMN(deviation_row, kind, VALUE_TEXT),
        COLUMN(deviation_row, vulnerability, VALUE_TEXT),
        COLUMN(deviation_row, asset, VALUE_TEXT),
        COLUMN(deviation_row, package, VALUE_TEXT),
        COLUMN(deviation_row, adjusted_severity, VALUE_TEXT),
        COLUMN(deviation_row, rationale, VALUE_TEXT),
        COLUMN(deviation_row, evidence, VALUE_TEXT),
        COLUMN(deviation_row, requested_by, VALUE_TEXT),
        COLUMN(deviation_row, requested_at, VALUE_TIME),
        COLUMN(deviation_row, decided_by, VALUE_TEXT),
        COLUMN(deviation_row, decided_role, VALUE_TEXT),
        COLUMN(deviation_row, decided_at, VALUE_TIME),
        COLUMN(deviation_row, decision_evidence, VALUE_TEXT),
        COLUMN(deviation_row, expires_at, VALUE_TIME),
        COLUMN(deviation_row, checked_in_at, VALUE_TIME),
        COLUMN(deviation_row, released_at, VALUE_TIME),
};

static const struct column failures[] = {
        COLUMN(failure_row, failure, VALUE_TEXT),    COLUMN(failure_row, state, VALUE_TEXT),
        COLUMN(failure_row, code, VALUE_TEXT),       COLUMN(failure_row, message, VALUE_TEXT),
        COLUMN(failure_row, repository, VALUE_TEXT), COLUMN(failure_row, digest, VALUE_TEXT),
        COLUMN(failure_row, source, VALUE_TEXT),     COLUMN(failure_row, attempts, VALUE_NUMBER),
        COLUMN(failure_row, opened_at, VALUE_TIME),  COLUMN(failure_row, closed_at, VALUE_TIME),
};

static const struct column descriptions[] = {
        COLUMN(description_row, vulnerability, VALUE_TEXT),
        COLUMN(description_row, summary, VALUE_TEXT),
        COLUMN(description_row, references, VALUE_TEXT),
        COLUMN(description_row, advisory, VALUE_TEXT),
        COLUMN(description_row, evidence_digest, VALUE_TEXT),
};

static const struct column issues[] = {
        COLUMN(issue_row, evidence_digest, VALUE_TEXT), COLUMN(issue_row, check, VALUE_TEXT),
        COLUMN(issue_row, severity, VALUE_TEXT),        COLUMN(issue_row, title, VALUE_TEXT),
        COLUMN(issue_row, source, VALUE_TEXT),          COLUMN(issue_row, path, VALUE_TEXT),
        COLUMN(issue_row, evidence, VALUE_TEXT),
};

static const struct column scans[] = {
        COLUMN(scan_row, evidence_digest, VALUE_TEXT), COLUMN(scan_row, status, VALUE_TEXT),
        COLUMN(scan_row, started_at, VALUE_TIME),      COLUMN(scan_row, finished_at, VALUE_TIME),
        COLUMN(scan_row, authentication, VALUE_TEXT),  COLUMN(scan_row, authorized, VALUE_TEXT),
};

static const struct column sources[] = {
        COLUMN(source_row, source, VALUE_TEXT),        COLUMN(source_row, kind, VALUE_TEXT),
        COLUMN(source_row, state, VALUE_TEXT),         COLUMN(source_row, since, VALUE_TIME),
        COLUMN(source_row, last_event_at, VALUE_TIME), COLUMN(source_row, last_error, VALUE_TEXT),
};

static const struct column quarantine[] = {
        COLUMN(quarantine_row, reason_code, VALUE_TEXT),
        COLUMN(quarantine_row, source, VALUE_TEXT),
        COLUMN(quarantine_row, reason, VALUE_TEXT),
        COLUMN(quarantine_row, events, VALUE_NUMBER),
        COLUMN(quarantine_row, first_known_at, VALUE_TIME),
        COLUMN(quarantine_row, last_known_at, VALUE_TIME),
};

static const struct column ledger[] = {
        COLUMN(ledger_row, topic, VALUE_TEXT),        COLUMN(ledger_row, received, VALUE_NUMBER),
        COLUMN(ledger_row, applied, VALUE_NUMBER),    COLUMN(ledger_row, quarantined, VALUE_NUMBER),
        COLUMN(ledger_row, duplicates, VALUE_NUMBER),
};

const struct row_kind row_kinds[SNAPSHOT_ROWS_COUNT] = {
        [SNAPSHOT_INVENTORY] = KIND(inventory, inventory_row),
        [SNAPSHOT_INSTANCES] = KIND(instances, instance_row),
        [SNAPSHOT_NOT_RUNNING] = KIND(not_running, target_row),
        [SNAPSHOT_TOTALS] = KIND(totals, total_row),
        [SNAPSHOT_ORIGINALS] = KIND(originals, original_row),
        [SNAPSHOT_FINDINGS] = KIND(findings, finding_row),
        [SNAPSHOT_CLOSED] = KIND(closed, closed_finding_row),
        [SNAPSHOT_DEVIATIONS] = KIND(deviations, deviation_row),
        [SNAPSHOT_FAILURES] = KIND(failures, failure_row),
        [SNAPSHOT_DESCRIPTIONS] = KIND(descriptions, description_row),
        [SNAPSHOT_ISSUES] = KIND(issues, issue_row),
        [SNAPSHOT_SCANS] = KIND(scans, scan_row),
        [SNAPSHOT_SOURCES] = KIND(sources, source_row),
        [SNAPSHOT_QUARANTINE] = KIND(quarantine, quarantine_row),
        [SNAPSHOT_LEDGER] = KIND(ledger, ledger_row),
};

const enum snapshot_list list_of_rows[SNAPSHOT_ROWS_COUNT] = {
        [SNAPSHOT_INVENTORY] = SNAPSHOT_LIST_INVENTORY,
        [SNAPSHOT_INSTANCES] = SNAPSHOT_LIST_INSTANCES,
        [SNAPSHOT_NOT_RUNNING] = SNAPSHOT_LIST_NOT_RUNNING,
        [SNAPSHOT_TOTALS] = SNAPSHOT_LIST_TOTALS,
        [SNAPSHOT_ORIGINALS] = SNAPSHOT_LIST_ORIGINALS,
        [SNAPSHOT_FINDINGS] = SNAPSHOT_LIST_FINDINGS,
        [SNAPSHOT_CLOSED] = SNAPSHOT_LIST_CLOSED,
        [SNAPSHOT_DEVIATIONS] = SNAPSHOT_LIST_DEVIATIONS,
        [SNAPSHOT_FAILURES] = SNAPSHOT_LIST_FAILURES,
        [SNAPSHOT_SOURCES] = SNAPSHOT_LIST_SOURCES,
        [SNAPSHOT_QUARANTINE] = SNAPSHOT_LIST_QUARANTINE,
        [SNAPSHOT_LEDGER] = SNAPSHOT_LIST_LEDGER,
        [SNAPSHOT_DESCRIPTIONS] = SNAPSHOT_LIST_DESCRIPTIONS,
        [SNAPSHOT_ISSUES] = SNAPSHOT_LIST_ISSUES,
        [SNAPSHOT_SCANS] = SNAPSHOT_LIST_SCANS,
};

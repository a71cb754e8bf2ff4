/*
 * metrics: what inventory counts, for GET /metrics.
 */
#ifndef INVENTORY_STORE_METRICS_H
#define INVENTORY_STORE_METRICS_H

#include "base/metrics.h"

#include <stddef.h>

extern struct mu_metric metric_events_applied;
extern struct mu_metric metric_events_quarantined;
extern struct mu_metric metric_events_duplicate;
extern struct mu_metric metric_events_lost;
extern struct mu_metric metric_batches;
extern struct mu_metric metric_batches_failed;
extern struct mu_metric metric_batches_retried;
extern struct mu_metric metric_batches_fenced;
extern struct mu_metric metric_findings_loaded;
extern struct mu_metric metric_scans_requested;
extern struct mu_metric metric_scans_retried;
extern struct mu_metric metric_scans_given_up;
extern struct mu_metric metric_scans_reopened;
extern struct mu_metric metric_outbox_sent;
extern struct mu_metric metric_outbox_waiting;
extern struct mu_metric metric_ledger_received;
extern struct mu_metric metric_ledger_applied;
extern struct mu_metric metric_ledger_quarantined;
extern struct mu_metric metric_ledger_duplicates;
extern struct mu_metric metric_ledger_unexplained;
extern struct mu_metric metric_facts_unkept;
extern struct mu_metric metric_images_unkept;
extern struct mu_metric metric_audit_written;
extern struct mu_metric metric_audit_logged;
extern struct mu_metric metric_api_refused;
extern struct mu_metric metric_api_forbidden;
extern struct mu_metric metric_api_limited;
extern struct mu_metric metric_verdict_approved;
extern struct mu_metric metric_verdict_rejected;
extern struct mu_metric metric_verdict_waiting;
extern struct mu_metric metric_webhooks_delivered;
extern struct mu_metric metric_webhooks_failed;

extern struct mu_metric *const inventory_metrics[];
extern const size_t inventory_metric_count;

#endif

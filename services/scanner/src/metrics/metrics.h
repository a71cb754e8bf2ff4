/*
 * metrics: what the scanner counts, for GET /metrics.
 */
#ifndef SCANNER_METRICS_H
#define SCANNER_METRICS_H

#include "base/metrics.h"

extern struct mu_metric metric_requests;
extern struct mu_metric metric_requests_quarantined;
extern struct mu_metric metric_scans_complete;
extern struct mu_metric metric_scans_resolved;
extern struct mu_metric metric_scans_not_scannable;
extern struct mu_metric metric_scans_failed;
extern struct mu_metric metric_findings;
extern struct mu_metric metric_layers_cached;
extern struct mu_metric metric_layers_read;
extern struct mu_metric metric_scans_running;
extern struct mu_metric metric_database_built_at;

extern struct mu_metric *const scanner_metrics[];
extern const size_t scanner_metric_count;

#endif

/*
 * gate_metrics: what a gate counts, for its GET /metrics.
 */
#ifndef INVENTORY_GATE_METRICS_H
#define INVENTORY_GATE_METRICS_H

#include "base/metrics.h"

extern struct mu_metric metric_gate_allowed;
extern struct mu_metric metric_gate_would_deny;
extern struct mu_metric metric_gate_denied;
extern struct mu_metric metric_gate_unlogged;
extern struct mu_metric metric_gate_late;
extern struct mu_metric metric_gate_refused;
extern struct mu_metric metric_gate_shipped;
extern struct mu_metric metric_gate_cache_generation;
extern struct mu_metric metric_gate_cache_age_seconds;
extern struct mu_metric metric_gate_unshipped;

extern struct mu_metric *const gate_metrics[];
extern const size_t gate_metric_count;

#endif

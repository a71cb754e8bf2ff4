#include "gate/gate_metrics.h"

#define METRIC(symbol, metric_name, label_text, kind, help_text) \
    struct mu_metric symbol = {                                  \
            .name = (metric_name), .labels = (label_text), .help = (help_text), .type = (kind)}

#define DECISIONS_NAME "muster_gate_decisions_total"
#define DECISIONS_HELP "Decisions about images, by what was said"

METRIC(metric_gate_allowed, DECISIONS_NAME, "answer=\"allowed\"", MU_METRIC_COUNTER,
       DECISIONS_HELP);
METRIC(metric_gate_would_deny, DECISIONS_NAME, "answer=\"would_deny\"", MU_METRIC_COUNTER,
       DECISIONS_HELP);
METRIC(metric_gate_denied, DECISIONS_NAME, "answer=\"denied\"", MU_METRIC_COUNTER, DECISIONS_HELP);
METRIC(metric_gate_unlogged, "muster_gate_unlogged_total", NULL, MU_METRIC_COUNTER,
       "Decisions that could not be written down");
METRIC(metric_gate_late, "muster_gate_late_total", NULL, MU_METRIC_COUNTER,
       "Answers that did not wait any longer for their decision to be written");
METRIC(metric_gate_refused, "muster_gate_refused_total", NULL, MU_METRIC_COUNTER,
       "Requests that were not understood");
METRIC(metric_gate_shipped, "muster_gate_shipped_total", NULL, MU_METRIC_COUNTER,
       "Decisions taken into the database");
METRIC(metric_gate_cache_generation, "muster_gate_cache_generation", NULL, MU_METRIC_GAUGE,
       "Generation of the cache in use; 0: none");
METRIC(metric_gate_cache_age_seconds, "muster_gate_cache_age_seconds", NULL, MU_METRIC_GAUGE,
       "Age of the cache in use");
METRIC(metric_gate_unshipped, "muster_gate_decisions_kept", NULL, MU_METRIC_GAUGE,
       "Decisions that are in the log's segments still");

struct mu_metric *const gate_metrics[] = {&metric_gate_allowed,
                                          &metric_gate_would_deny,
                                          &metric_gate_denied,
                                          &metric_gate_unlogged,
                                          &metric_gate_late,
                                          &metric_gate_refused,
                                          &metric_gate_shipped,
                                          &metric_gate_cache_generation,
                                          &metric_gate_cache_age_seconds,
                                          &metric_gate_unshipped};
const size_t gate_metric_count = sizeof(gate_metrics) / sizeof(gate_metrics[0]);

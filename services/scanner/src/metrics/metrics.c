#include "metrics/metrics.h"

#define SCANS "muster_scanner_scans_total"
static const char scans_help[] = "Scan results sent, by outcome.";

#define LAYERS "muster_scanner_layers_total"
static const char layers_help[] = "Layers of images, by where what they hold came from.";

#define METRIC(object, name_, labels_, help_, type_) \
    struct mu_metric object = {                      \
            .name = (name_), .labels = (labels_), .help = (help_), .type = (type_)}

METRIC(metric_requests, "muster_scanner_requests_total", "outcome=\"accepted\"",
       "Scan requests received.", MU_METRIC_COUNTER);
METRIC(metric_requests_quarantined, "muster_scanner_requests_total", "outcome=\"quarantined\"",
       "Scan requests received.", MU_METRIC_COUNTER);
METRIC(metric_scans_complete, SCANS, "outcome=\"complete\"", scans_help, MU_METRIC_COUNTER);
METRIC(metric_scans_resolved, SCANS, "outcome=\"resolved\"", scans_help, MU_METRIC_COUNTER);
METRIC(metric_scans_not_scannable, SCANS, "outcome=\"not_scannable\"", scans_help,
       MU_METRIC_COUNTER);
METRIC(metric_scans_failed, SCANS, "outcome=\"failed\"", scans_help, MU_METRIC_COUNTER);
METRIC(metric_findings, "muster_scanner_findings_total", NULL, "Findings in complete scans.",
       MU_METRIC_COUNTER);
METRIC(metric_layers_cached, LAYERS, "from=\"cache\"", layers_help, MU_METRIC_COUNTER);
METRIC(metric_layers_read, LAYERS, "from=\"image\"", layers_help, MU_METRIC_COUNTER);
METRIC(metric_scans_running, "muster_scanner_scans_running", NULL, "Scans under way.",
       MU_METRIC_GAUGE);
METRIC(metric_database_built_at, "muster_scanner_database_built_timestamp_seconds", NULL,
       "When the vulnerability database in use was built.", MU_METRIC_GAUGE);

struct mu_metric *const scanner_metrics[] = {
        &metric_requests,       &metric_requests_quarantined, &metric_scans_complete,
        &metric_scans_resolved, &metric_scans_not_scannable,  &metric_scans_failed,
        &metric_findings,       &metric_layers_cached,        &metric_layers_read,
        &metric_scans_running,  &metric_database_built_at,
};
const size_t scanner_metric_count = sizeof(scanner_metrics) / sizeof(scanner_metrics[0]);

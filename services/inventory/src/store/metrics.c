#include "store/metrics.h"

#define COUNTER(symbol, metric_name, label_text, help_text) \
    struct mu_metric symbol = {.name = (metric_name),       \
                               .labels = (label_text),      \
                               .help = (help_text),         \
                               .type = MU_METRIC_COUNTER}

#define EVENTS_HELP  "Events received, by what became of them"
#define AUDIT_HELP   "Audit records, by where they are kept"
#define REFUSED_HELP "Requests of the API that were refused, by reason"
#define SCANS_HELP   "Moves of scan jobs"

COUNTER(metric_events_applied, "muster_inventory_events_total", "outcome=\"applied\"", EVENTS_HELP);
COUNTER(metric_events_quarantined, "muster_inventory_events_total", "outcome=\"quarantined\"",
        EVENTS_HELP);
COUNTER(metric_events_duplicate, "muster_inventory_events_total", "outcome=\"duplicate\"",
        EVENTS_HELP);
COUNTER(metric_events_lost, "muster_inventory_events_lost_total", NULL,
        "Events that Kafka no longer had when it was their turn");
COUNTER(metric_batches, "muster_inventory_batches_total", "outcome=\"committed\"",
        "Apply transactions");
COUNTER(metric_batches_failed, "muster_inventory_batches_total", "outcome=\"rolled_back\"",
        "Apply transactions");
COUNTER(metric_batches_retried, "muster_inventory_batches_total", "outcome=\"retried\"",
        "Apply transactions");
COUNTER(metric_batches_fenced, "muster_inventory_batches_total", "outcome=\"fenced\"",
        "Apply transactions");
COUNTER(metric_findings_loaded, "muster_inventory_findings_loaded_total", NULL,
        "Findings loaded from evidence");
COUNTER(metric_scans_requested, "muster_inventory_scan_jobs_total", "move=\"requested\"",
        SCANS_HELP);
COUNTER(metric_scans_retried, "muster_inventory_scan_jobs_total", "move=\"retried\"", SCANS_HELP);
COUNTER(metric_scans_given_up, "muster_inventory_scan_jobs_total", "move=\"given_up\"", SCANS_HELP);
COUNTER(metric_scans_reopened, "muster_inventory_scan_jobs_total", "move=\"reopened\"", SCANS_HELP);
COUNTER(metric_outbox_sent, "muster_inventory_outbox_sent_total", NULL,
        "Outbox messages acknowledged by the broker");
COUNTER(metric_audit_written, "muster_inventory_audit_records_total", "kept=\"table\"", AUDIT_HELP);
COUNTER(metric_audit_logged, "muster_inventory_audit_records_total", "kept=\"log\"", AUDIT_HELP);
COUNTER(metric_api_refused, "muster_inventory_api_refused_total", "reason=\"credentials\"",
        REFUSED_HELP);
COUNTER(metric_api_forbidden, "muster_inventory_api_refused_total", "reason=\"role\"",
        REFUSED_HELP);
COUNTER(metric_api_limited, "muster_inventory_api_refused_total", "reason=\"rate\"", REFUSED_HELP);
#define VERDICT_HELP "Decisions told to pipelines over HTTP"
COUNTER(metric_verdict_approved, "muster_inventory_verdicts_total", "verdict=\"approved\"",
        VERDICT_HELP);
COUNTER(metric_verdict_rejected, "muster_inventory_verdicts_total", "verdict=\"rejected\"",
        VERDICT_HELP);
COUNTER(metric_verdict_waiting, "muster_inventory_verdicts_total", "verdict=\"waiting\"",
        VERDICT_HELP);
struct mu_metric metric_outbox_waiting = {.name = "muster_inventory_outbox_waiting",
                                          .help = "Outbox messages not yet acknowledged",
                                          .type = MU_METRIC_GAUGE};

#define LEDGER_HELP "What was received, as counted in the database; unexplained must be 0"
#define LEDGER(symbol, part)                                             \
    struct mu_metric symbol = {.name = "muster_inventory_ledger_events", \
                               .labels = "part=\"" part "\"",            \
                               .help = LEDGER_HELP,                      \
                               .type = MU_METRIC_GAUGE}
LEDGER(metric_ledger_received, "received");
LEDGER(metric_ledger_applied, "applied");
LEDGER(metric_ledger_quarantined, "quarantined");
LEDGER(metric_ledger_duplicates, "duplicates");
LEDGER(metric_ledger_unexplained, "unexplained");

#define UNKEPT_HELP "What questions compute from the facts, because it is not kept yet"
#define UNKEPT(symbol, of)                                        \
    struct mu_metric symbol = {.name = "muster_inventory_unkept", \
                               .labels = "of=\"" of "\"",         \
                               .help = UNKEPT_HELP,               \
                               .type = MU_METRIC_GAUGE}
UNKEPT(metric_facts_unkept, "facts");
UNKEPT(metric_images_unkept, "images");

COUNTER(metric_webhooks_delivered, "muster_inventory_webhook_posts_total", "outcome=\"delivered\"",
        "Posts to webhooks, by what became of them");
COUNTER(metric_webhooks_failed, "muster_inventory_webhook_posts_total", "outcome=\"failed\"",
        "Posts to webhooks, by what became of them");

struct mu_metric *const inventory_metrics[] = {
        &metric_events_applied,     &metric_events_quarantined,
        &metric_events_duplicate,   &metric_batches,
        &metric_batches_failed,     &metric_findings_loaded,
        &metric_batches_retried,    &metric_batches_fenced,
        &metric_scans_requested,    &metric_scans_retried,
        &metric_scans_given_up,     &metric_scans_reopened,
        &metric_outbox_sent,        &metric_outbox_waiting,
        &metric_ledger_received,    &metric_ledger_applied,
        &metric_ledger_quarantined, &metric_ledger_duplicates,
        &metric_ledger_unexplained, &metric_events_lost,
        &metric_facts_unkept,       &metric_images_unkept,
        &metric_audit_written,      &metric_audit_logged,
        &metric_api_refused,        &metric_api_forbidden,
        &metric_api_limited,        &metric_verdict_approved,
        &metric_verdict_rejected,   &metric_verdict_waiting,
        &metric_webhooks_delivered, &metric_webhooks_failed};
const size_t inventory_metric_count = sizeof(inventory_metrics) / sizeof(inventory_metrics[0]);

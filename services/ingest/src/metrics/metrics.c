#include "metrics/metrics.h"

#define COUNTER(object, name_, labels_, help_) \
    struct mu_metric object = {                \
            .name = (name_), .labels = (labels_), .help = (help_), .type = MU_METRIC_COUNTER}

#define REQUESTS "muster_ingest_requests_total"
#define EVENTS   "muster_ingest_events_total"
#define MESSAGES "muster_ingest_messages_total"
#define RELOADS  "muster_ingest_config_reloads_total"
static const char reloads_help[] = "Readings of the configuration at SIGHUP by outcome.";
static const char requests_help[] = "Webhook requests by outcome.";
static const char events_help[] = "Source events by what became of them.";
static const char messages_help[] = "Messages by where they were made durable.";

COUNTER(metric_requests_accepted, REQUESTS, "outcome=\"accepted\"", requests_help);
COUNTER(metric_requests_denied, REQUESTS, "outcome=\"denied\"", requests_help);
COUNTER(metric_requests_refused, REQUESTS, "outcome=\"unavailable\"", requests_help);
COUNTER(metric_requests_limited, REQUESTS, "outcome=\"limited\"", requests_help);
COUNTER(metric_events_accepted, EVENTS, "outcome=\"accepted\"", events_help);
COUNTER(metric_events_ignored, EVENTS, "outcome=\"ignored\"", events_help);
COUNTER(metric_events_quarantined, EVENTS, "outcome=\"quarantined\"", events_help);
COUNTER(metric_messages_delivered, MESSAGES, "outcome=\"delivered\"", messages_help);
COUNTER(metric_messages_spooled, MESSAGES, "outcome=\"spooled\"", messages_help);
COUNTER(metric_messages_refused, MESSAGES, "outcome=\"refused\"", messages_help);
COUNTER(metric_messages_kept, MESSAGES, "outcome=\"kept\"", messages_help);
COUNTER(metric_reloads_done, RELOADS, "outcome=\"done\"", reloads_help);
COUNTER(metric_reloads_refused, RELOADS, "outcome=\"refused\"", reloads_help);
COUNTER(metric_watch_vanished, "muster_ingest_watch_vanished_total", NULL,
        "Pods that a listing no longer had.");
COUNTER(metric_watch_relists, "muster_ingest_watch_relists_total", NULL,
        "Full listings of a cluster.");
#define LISTINGS "muster_ingest_listings_total"
static const char listings_help[] = "Listings of registries by outcome.";
COUNTER(metric_listings_complete, LISTINGS, "outcome=\"complete\"", listings_help);
COUNTER(metric_listings_partial, LISTINGS, "outcome=\"partial\"", listings_help);
COUNTER(metric_listings_failed, LISTINGS, "outcome=\"failed\"", listings_help);
COUNTER(metric_listing_changes, "muster_ingest_listing_changes_total", NULL,
        "Tags that a listing found new, moved or gone.");
#define LOOK_UPS "muster_ingest_look_ups_total"
static const char look_ups_help[] = "Single tags asked for after a push without digest.";
COUNTER(metric_look_ups_done, LOOK_UPS, "outcome=\"done\"", look_ups_help);
COUNTER(metric_look_ups_failed, LOOK_UPS, "outcome=\"failed\"", look_ups_help);
struct mu_metric metric_spool_bytes = {.name = "muster_ingest_spool_bytes",
                                       .help = "Bytes in the disk spool.",
                                       .type = MU_METRIC_GAUGE};

struct mu_metric *const ingest_metrics[] = {
        &metric_requests_accepted,  &metric_requests_denied,    &metric_requests_refused,
        &metric_requests_limited,   &metric_events_accepted,    &metric_events_ignored,
        &metric_events_quarantined, &metric_messages_delivered, &metric_messages_spooled,
        &metric_messages_refused,   &metric_messages_kept,      &metric_spool_bytes,
        &metric_watch_relists,      &metric_watch_vanished,     &metric_reloads_done,
        &metric_reloads_refused,    &metric_listings_complete,  &metric_listings_partial,
        &metric_listings_failed,    &metric_listing_changes,    &metric_look_ups_done,
        &metric_look_ups_failed,
};
const size_t ingest_metric_count = sizeof(ingest_metrics) / sizeof(ingest_metrics[0]);

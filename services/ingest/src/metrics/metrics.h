/*
 * metrics: what ingest counts, for GET /metrics.
 */
#ifndef INGEST_METRICS_H
#define INGEST_METRICS_H

#include "base/metrics.h"

extern struct mu_metric metric_requests_accepted;
extern struct mu_metric metric_requests_denied;
extern struct mu_metric metric_requests_refused;
extern struct mu_metric metric_requests_limited;
extern struct mu_metric metric_events_accepted;
extern struct mu_metric metric_events_ignored;
extern struct mu_metric metric_events_quarantined;
extern struct mu_metric metric_messages_delivered;
extern struct mu_metric metric_messages_spooled;
extern struct mu_metric
        metric_messages_refused;              /* neither Kafka nor the spool: the sender retries */
extern struct mu_metric metric_messages_kept; /* refused by Kafka for good: set aside */
extern struct mu_metric metric_spool_bytes;
extern struct mu_metric metric_reloads_done;
extern struct mu_metric metric_reloads_refused; /* the file is wrong: what was read before stays */
extern struct mu_metric metric_watch_relists;
extern struct mu_metric metric_watch_vanished;
extern struct mu_metric metric_listings_complete;
extern struct mu_metric metric_listings_partial; /* some repositories could not be read */
extern struct mu_metric metric_listings_failed;
extern struct mu_metric metric_listing_changes;
extern struct mu_metric metric_look_ups_done;
extern struct mu_metric metric_look_ups_failed;

extern struct mu_metric *const ingest_metrics[];
extern const size_t ingest_metric_count;

#endif

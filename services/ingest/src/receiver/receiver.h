/*
 * receiver: the webhooks of all sources over HTTP.
 *
 *   202  every event of the request is durable (Kafka's delivery report, or an fsync'd spool
 *        record); also when it was of no interest, or not understood and quarantined with the
 *        reason. 200 instead for senders that want to read something (reply.h)
 *   401  credentials missing or wrong
 *   413  body larger than the limit
 *   503  neither Kafka nor the spool takes it, or the sender's key is still being fetched;
 *        Retry-After says when to come again
 *   429  more requests than max_requests_per_second of the source; Retry-After likewise
 *
 * GET /v1/sources tells the health of every source, /metrics, /healthz and /readyz the service's.
 *
 * The sources may be replaced while requests are under way: those keep the ones they began with.
 *
 * A source whose registry is listed has one route of another kind, "POST /v1/sources/NAME/list":
 * 202 and a listing soon.
 *
 * A sender that gets 4xx for a body it will not change would send it forever; so only credentials
 * and size are answered with 4xx (CNCF Distribution retries any non-2xx for ever, in order).
 *
 * Threads: requests on the HTTP server's threads; replies from whoever made the last message
 * durable.
 */
#ifndef INGEST_RECEIVER_H
#define INGEST_RECEIVER_H

#include "config/ingest_config.h"
#include "delivery/delivery.h"
#include "health/health.h"

#include <stdint.h>

struct receiver;
struct listings;

struct receiver_config {
    const char *listen;
    const char *tls_cert_file, *tls_key_file, *tls_client_ca_file; /* httpd.h */
    size_t max_body_bytes;
    struct ingest_config *sources;                  /* their key ring is open */
    void (*release)(struct ingest_config *sources); /* when nothing uses them any more; NULL */
    struct delivery *delivery;
    struct health *health;              /* NULL: nothing is told of sources */
    const struct mu_producer *producer; /* for readiness */
    const struct spool *spool;
    struct listings *listings; /* NULL: no registry is listed */
};

/* What `config` points at outlives the receiver, but `sources`, which are released; on failure they
 * are still the caller's. Errors: as mu_httpd_start. */
enum mu_status receiver_start(const struct receiver_config *config, struct receiver **ret_receiver,
                              struct mu_error *err) MU_MUST_CHECK;
/* Requests that begin from now on are of these sources, which are released like the first. */
void receiver_replace(struct receiver *receiver, struct ingest_config *sources);
uint16_t receiver_port(const struct receiver *receiver); /* actually bound, for listen ":0" */
void receiver_stop(struct receiver *receiver);           /* NULL is fine */

#endif

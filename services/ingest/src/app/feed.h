/*
 * feed: messages into Kafka for a command that waits until they are there.
 *
 * Threads: one at a time.
 */
#ifndef INGEST_FEED_H
#define INGEST_FEED_H

#include "bus/bus.h"

#include <stdatomic.h>

struct feed {
    struct mu_producer *producer; /* NULL: nothing is sent */
    atomic_size_t delivered, failed;
};

/* Without brokers ("" or NULL) nothing is sent: a dry run. Errors: as mu_producer_open. */
enum mu_status feed_open(struct feed *feed, const char *brokers, const char *properties,
                         struct mu_error *err) MU_MUST_CHECK;
void feed_close(struct feed *feed);

/* MU_OK: every message is in Kafka. Errors: MU_E_UNAVAILABLE, MU_E_LIMIT, MU_E_INVALID; then some
 * may be, and sending them again does no harm. */
enum mu_status feed_send(struct feed *feed, const struct mu_outgoing *messages, size_t count,
                         struct mu_error *err) MU_MUST_CHECK;

#endif

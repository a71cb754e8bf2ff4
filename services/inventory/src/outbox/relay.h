/*
 * relay: the outbox into Kafka. A row goes when the broker has acknowledged its message; a crash in
 * between sends it again under the same id. Of several processes one sends, in the order of
 * commits.
 *
 * Threads: one at a time per relay. relay_run runs until a stop is requested.
 */
#ifndef INVENTORY_OUTBOX_RELAY_H
#define INVENTORY_OUTBOX_RELAY_H

#include "bus/bus.h"

struct relay_config {
    struct mu_producer *producer;
    const char *conninfo;
};

struct relay;

/* `config` is borrowed. Free it after the producer is closed: deliveries under way report to it. */
struct relay *relay_new(const struct relay_config *config);
void relay_free(struct relay *relay); /* NULL is fine */
MU_DEFINE_AUTO(relay, struct relay, relay_free)

/*
 * Sends the oldest messages and removes those that were acknowledged. MU_END: there is none, or
 * another process sends. Errors: MU_E_UNAVAILABLE (what is not removed is sent again), as
 * mu_pg_execute.
 */
enum mu_status relay_round(struct relay *relay, struct mu_error *err) MU_MUST_CHECK;

/* Rounds until a stop is requested, also while the broker is away. */
void relay_run(struct relay *relay);

#endif

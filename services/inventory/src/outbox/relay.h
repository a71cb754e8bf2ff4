/*
 * relay: the outbox into Kafka. A row goes when the broker has acknowledged its message; a crash in
 * between sends it again under the same id. Of several processes one sends, in the order of
 * commits.
 *
 * Threads: runs on the caller's thread until a stop is requested.
 */
#ifndef INVENTORY_OUTBOX_RELAY_H
#define INVENTORY_OUTBOX_RELAY_H

#include "bus/bus.h"

struct relay_config {
    struct mu_producer *producer;
    const char *conninfo;
};

void relay_run(const struct relay_config *config);

#endif

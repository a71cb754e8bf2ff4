/*
 * apply_loop: from Kafka into the database, for ever. Positions live in the database; Kafka's
 * offsets are a hint. Whatever is away is waited for with backoff; nothing is skipped.
 *
 * Threads: runs on the caller's thread until a stop is requested.
 */
#ifndef INVENTORY_APPLY_LOOP_H
#define INVENTORY_APPLY_LOOP_H

#include "evidence/evidence_store.h"

#include "bus/bus.h"

#include <stdatomic.h>

struct apply_config {
    const struct mu_bus_config *bus;
    const char *conninfo;
    const struct evidence_store *evidence;
    int64_t untagged_grace_ms;
    atomic_bool *ready; /* set while database and Kafka are there */
};

void apply_loop_run(const struct apply_config *config);

#endif

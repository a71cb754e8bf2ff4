/*
 * apply_loop: from Kafka into the database, for ever. Positions live in the database; Kafka's
 * offsets are a hint. Whatever is away is waited for with backoff; nothing is skipped.
 *
 * Threads: one at a time per loop. apply_loop_run runs until a stop is requested.
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

struct apply_loop;

/* `config` is borrowed. */
struct apply_loop *apply_loop_new(const struct apply_config *config);
void apply_loop_free(struct apply_loop *loop); /* NULL is fine */
MU_DEFINE_AUTO(apply_loop, struct apply_loop, apply_loop_free)

/*
 * Connects what is not connected, takes what is there within half a second, and applies it. After
 * a failure nothing newer is read before what failed is applied. Errors: as mu_pg_open,
 * mu_consumer_poll and batch_apply.
 */
enum mu_status apply_loop_step(struct apply_loop *loop, struct mu_error *err) MU_MUST_CHECK;

#endif

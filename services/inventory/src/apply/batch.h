/*
 * batch: a run of messages applied in one transaction: ledger, effects, outbox and positions
 * together (design.md section 4).
 *
 * An event id is applied once; a duplicate only counts. What is not understood is recorded and
 * quarantined. When the database refuses a batch for what is in it, the batch is halved until the
 * one offender is alone, and that is quarantined.
 *
 * Threads: one at a time per batch_applier.
 */
#ifndef INVENTORY_APPLY_BATCH_H
#define INVENTORY_APPLY_BATCH_H

#include "evidence/evidence_store.h"

#include "bus/bus.h"
#include "pg/pg.h"

struct batch_applier;

struct batch_applier *batch_applier_new(const struct evidence_store *evidence,
                                        int64_t untagged_grace_ms);
void batch_applier_free(struct batch_applier *applier); /* NULL is fine */
MU_DEFINE_AUTO(batch_applier, struct batch_applier, batch_applier_free)

/*
 * MU_OK: every message is durable in the database, applied or quarantined. MU_E_UNAVAILABLE:
 * nothing of what is not committed yet; read again from the positions. Errors otherwise:
 * MU_E_INTERNAL.
 */
enum mu_status batch_apply(struct batch_applier *applier, struct mu_pg *pg,
                           const struct mu_incoming *messages, size_t count,
                           struct mu_error *err) MU_MUST_CHECK;

#endif

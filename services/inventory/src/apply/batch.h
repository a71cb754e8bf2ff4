/*
 * batch: a run of messages applied in few transactions, each with ledger, effects, outbox and
 * positions together (design.md section 4). While one is written the rows of the next are made.
 *
 * An event id is applied once; a duplicate only counts. What is not understood is recorded and
 * quarantined. When the database refuses a batch for what is in it, the batch is halved until the
 * one offender is alone, and that is quarantined.
 *
 * A partition has one writer: who reads it claims it first (READ_POSITION_CLAIM counts the claims),
 * and each batch moves the position on only while its claim is the newest. A process that was
 * stopped and comes back with messages of a partition that another one has taken commits nothing.
 * What does not begin where the one before ended was lost by Kafka, which is told (apply/lost.h).
 *
 * Threads: one at a time per batch_applier.
 */
#ifndef INVENTORY_APPLY_BATCH_H
#define INVENTORY_APPLY_BATCH_H

#include "evidence/evidence_store.h"

#include "bus/bus.h"
#include "pg/pg.h"

#include <stdbool.h>

/* As many as are worth taking at once; as few as are worth being written apart. */
enum { BATCH_MAX_MESSAGES = 20000, BATCH_AHEAD_MIN = 1000 };

struct batch_applier;

struct batch_applier *batch_applier_new(const struct evidence_store *evidence,
                                        int64_t untagged_grace_ms);
/* Waits for what is being written. NULL is fine. */
void batch_applier_free(struct batch_applier *applier);
MU_DEFINE_AUTO(batch_applier, struct batch_applier, batch_applier_free)

/* The newest claim of a partition, and the offset that must come next (-1: any); batches of
 * partitions without one are not checked. */
void batch_applier_claim(struct batch_applier *applier, enum mu_topic topic, int32_t partition,
                         int64_t epoch, int64_t next_offset);
int64_t batch_applier_epoch(const struct batch_applier *applier, enum mu_topic topic,
                            int32_t partition);             /* -1: not claimed */
void batch_applier_disclaim(struct batch_applier *applier); /* forgets all */

/*
 * MU_OK: every message is durable in the database, applied or quarantined. MU_E_UNAVAILABLE:
 * nothing of what is not committed yet; read again from the positions. Deadlocks and failed
 * serialisations are tried again some times before. MU_E_CONFLICT: a partition is
 * another process's. Errors otherwise: MU_E_INTERNAL.
 */
enum mu_status batch_apply(struct batch_applier *applier, struct mu_pg *pg,
                           const struct mu_incoming *messages, size_t count,
                           struct mu_error *err) MU_MUST_CHECK;

/*
 * The same without waiting for the end: when it returns MU_OK, the messages of earlier calls are
 * durable, and some of this one are still being written. They are borrowed, and nobody else may use
 * the connection, until the next call or batch_finish has returned. When it fails nothing is being
 * written any more. Errors: as batch_apply, of messages of this call or of earlier ones.
 */
enum mu_status batch_apply_ahead(struct batch_applier *applier, struct mu_pg *pg,
                                 const struct mu_incoming *messages, size_t count,
                                 struct mu_error *err) MU_MUST_CHECK;
enum mu_status batch_finish(struct batch_applier *applier, struct mu_error *err) MU_MUST_CHECK;

/*
 * The derived tables' rows of one payload block (apply/payload_block.h), as they were written at
 * `known_at`; queued, in the caller's transaction. Errors: MU_E_NOT_FOUND (evidence that was there
 * is gone), MU_E_INVALID (a block or an event that is not understood), as mu_pg_queue.
 */
enum mu_status batch_replay(struct batch_applier *applier, struct mu_pg *pg, const char *known_at,
                            const void *bytes, size_t len, struct mu_error *err) MU_MUST_CHECK;

#endif

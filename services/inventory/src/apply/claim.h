/*
 * claim: a partition newly assigned is taken: its last owner, if it still lives, commits nothing
 * more. What Kafka holds of it is compared with where reading is to go on (apply/lost.h).
 *
 * Threads: that of the consumer.
 */
#ifndef INVENTORY_APPLY_CLAIM_H
#define INVENTORY_APPLY_CLAIM_H

#include "apply/lost.h"

#include "bus/bus.h"
#include "pg/pg.h"

struct claim_bid {
    enum mu_topic topic;
    int32_t partition;
    const char *owner; /* for people who look at the table */
};

struct claimed {
    int64_t next_offset, epoch; /* the epoch counts the claims */
};

/* Errors: as mu_pg_execute. */
enum mu_status claim_take(struct mu_pg *pg, const struct claim_bid *bid,
                          struct claimed *ret_claimed, struct mu_error *err) MU_MUST_CHECK;

/* The offset that must come next; -1: any, as what came before the first claim is not missed. */
int64_t claim_expects(const struct claimed *claimed);

/* Whether reading cannot go on there; then `ret_lost`. */
bool claim_is_lost(const struct claim_bid *bid, const struct claimed *claimed,
                   const struct mu_bounds *bounds, struct lost *ret_lost);

/* Moves the position, and tells of what is missed, in one transaction. Errors: MU_E_CONFLICT (the
 * partition is another process's now), as mu_pg_execute and lost_tell. */
enum mu_status claim_move(struct mu_pg *pg, struct claimed *claimed, const struct lost *lost,
                          struct mu_error *err) MU_MUST_CHECK;

#endif

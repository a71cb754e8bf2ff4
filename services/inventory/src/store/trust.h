/*
 * trust: of which tables a batch may take its rows to be new without asking the database.
 *
 * Asking before each COPY which rows are there costs more than the copy. Most rows that were not
 * seen before are new, and the unique key of the table proves it: when one was there after all,
 * nothing of the transaction is kept, and the batch is made again with that table asked first. So
 * are the next batches; each time the trust was wrong twice as many, so that a source that repeats
 * itself (a new start, events delivered again) costs few batches in vain.
 *
 * Only for tables of which nothing else is to be done with a row that is there.
 *
 * Threads: trust_in may be asked by one thread while no other changes anything.
 */
#ifndef INVENTORY_STORE_TRUST_H
#define INVENTORY_STORE_TRUST_H

#include "store/statements.h"

#include <stdbool.h>

struct trust {
    struct {
        unsigned batches;  /* still to be asked before; 0: trusted */
        unsigned patience; /* how many after the next mistake; 0: TRUST_PATIENCE_MIN */
        unsigned good;     /* trusted batches since the last mistake */
    } tables[WRITE_COUNT];
};

enum { TRUST_PATIENCE_MIN = 4, TRUST_PATIENCE_MAX = 4096 };

/* `trust` NULL: nothing is trusted. */
bool trust_in(const struct trust *trust, enum inventory_statement table);

/* A row was there. `relation` is the table that refused it, or one of its partitions. False when
 * it is none that was trusted: then somebody else is to blame. */
bool trust_broken(struct trust *trust, const char *relation);

/* A batch is committed. */
void trust_kept(struct trust *trust);

#endif

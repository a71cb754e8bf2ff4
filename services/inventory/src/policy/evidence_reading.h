/*
 * evidence_reading: reads the facts of each raw result from the evidence once; until then no image
 * is approved by a policy that asks for them.
 *
 * Evidence that is not there waits, longer each time, and others go on; what cannot be understood
 * is told and not tried again.
 *
 * Threads: evidence_reading_run on one of its own, until a stop is requested; several processes may
 * be at it, and then read some twice.
 */
#ifndef INVENTORY_POLICY_EVIDENCE_READING_H
#define INVENTORY_POLICY_EVIDENCE_READING_H

#include "evidence/evidence_store.h"
#include "policy/policy_statements.h"

struct evidence_reading {
    const struct evidence_store *store;
    int most;            /* new raw results of a round, and as many that are tried again */
    size_t write_bytes;  /* what is written at once, or a single one's facts; at most
                          * EVIDENCE_FACTS_MAX_BYTES */
    uint64_t told_at_ms; /* when the log said what cannot be read; 0: never */
    int64_t untold;      /* how often it could not be since */
};

/* `ret_busy`: there may be more. Errors: as mu_pg_execute. */
enum mu_status evidence_reading_round(struct mu_pg *pg, struct evidence_reading *reading,
                                      bool *ret_busy, struct mu_error *err) MU_MUST_CHECK;
void evidence_reading_run(const char *conninfo, const struct evidence_store *store);

#endif

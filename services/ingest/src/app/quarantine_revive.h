/*
 * quarantine_revive: what a quarantined record becomes today: the payload goes through the decoder
 * that its source has now, as if it had come when it came; ids are those it would have had, so that
 * nothing doubles. A message that inventory or the scanner did not understand goes back to its
 * topic as it was, in an envelope made of what it says.
 *
 * What cannot be had back: a payload that was cut; request headers beside Content-Type.
 */
#ifndef INGEST_QUARANTINE_REVIVE_H
#define INGEST_QUARANTINE_REVIVE_H

#include "config/ingest_config.h"

#include "bus/bus.h"

struct revived {
    struct mu_outgoing *messages; /* in the arena */
    size_t count;
    size_t ignored; /* facts of no interest */
};

/*
 * `config` NULL: only records of inventory and scanner. Errors: MU_E_INVALID (still not understood,
 * payload cut or not there, source not configured), MU_E_NOMEM, MU_E_LIMIT.
 */
enum mu_status quarantine_revive(const struct mu_quarantine_record *record,
                                 const struct ingest_config *config, struct mu_arena *arena,
                                 struct revived *ret_revived, struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * gate_ship: takes the gate's decisions from its log into the database, each once: the database
 * says which it has, so whatever breaks off is simply done again. Images that were asked for and
 * have no scan that counts become urgent scan jobs in the same transaction.
 *
 * Threads: gate_ship_run on one of its own, until a stop is requested.
 */
#ifndef INVENTORY_GATE_SHIP_H
#define INVENTORY_GATE_SHIP_H

#include "gate/decision_log.h"
#include "pg/pg.h"

struct gate_ship_config {
    const char *conninfo;
    struct decision_log *log;
    int64_t interval_ms;
};

void gate_ship_run(const struct gate_ship_config *config);

/* One batch. `ret_busy`: there is more. Errors: as mu_pg_execute; MU_E_CONFLICT when the database
 * knows more than the log ever held. */
enum mu_status gate_ship_round(struct decision_log *log, struct mu_pg *pg, bool *ret_busy,
                               struct mu_error *err) MU_MUST_CHECK;

#endif

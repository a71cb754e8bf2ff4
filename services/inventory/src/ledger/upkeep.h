/*
 * upkeep: months of the ledger and the logs made ahead of time, and the equation as metrics. Any
 * number of processes may do it.
 *
 * Threads: one at a time.
 */
#ifndef INVENTORY_LEDGER_UPKEEP_H
#define INVENTORY_LEDGER_UPKEEP_H

#include "base/error.h"
#include "pg/pg.h"

/* Errors: as mu_pg_execute. */
enum mu_status upkeep_round(struct mu_pg *pg, struct mu_error *err) MU_MUST_CHECK;

/* A round each minute until a stop is requested; what fails is logged and tried again. */
void upkeep_run(const char *conninfo);

#endif

/*
 * schedule: which digest is to be scanned, when, and again when (design.md section 7).
 *
 * Jobs live in the database. One round, in one transaction: what turned out to need no scan is
 * dropped; what got a new UAI or grew old is opened again; what was issued and did not come back is
 * tried again with backoff, or given up into a detection failure that people see, and tried again
 * later; what is due becomes a scan request in the outbox, as far as there is room under way;
 * registries take turns and keep their rates. What a newer vulnerability database has not been
 * applied to, and what comes near the end of its 30 days, is opened spread over time. Several
 * processes may run it: the ledger's clock lets one at a time.
 *
 * Threads: runs on the caller's thread until a stop is requested.
 */
#ifndef INVENTORY_SCHEDULE_H
#define INVENTORY_SCHEDULE_H

#include "schedule/registry_rates.h"

#include "pg/pg.h"

#include <stdbool.h>
#include <stdint.h>

struct schedule_config {
    const char *conninfo;
    int64_t interval_ms;
    int64_t lease_ms;
    int64_t retry_min_ms, retry_max_ms;
    int64_t max_attempts;
    int64_t reopen_min_ms, reopen_max_ms; /* of what was given up and may succeed */
    int64_t max_in_flight;                /* of each priority */
    int64_t rescan_after_ms, rescan_spread_ms;
    int64_t rematch_spread_ms;
    int64_t probe_after_ms;             /* without a scan; 0: never */
    int64_t max_per_registry;           /* under way; 0: no limit of its own */
    const struct registry_rates *rates; /* NULL: none */
};

void schedule_run(const struct schedule_config *config);

/* One round. `ret_busy`: a limit was reached, go on at once. */
enum mu_status schedule_round(const struct schedule_config *config, struct mu_pg *pg,
                              bool *ret_busy, struct mu_error *err) MU_MUST_CHECK;

#endif

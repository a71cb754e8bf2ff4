/*
 * watch: looks at what holds now and tells what people must know, each case once: scans about to
 * expire or expired, images never scanned or not in their registry, vulnerabilities known to be
 * exploited in production, containers that run another image than their tag, scans with an old
 * database (a detection failure, closed by the next good scan), failures that are over. A row of
 * `notifications` and a message in the outbox, committed together.
 *
 * Threads: runs on the caller's thread until a stop is requested. Several processes may.
 */
#ifndef INVENTORY_WATCH_H
#define INVENTORY_WATCH_H

#include "pg/pg.h"

#include <stdbool.h>
#include <stdint.h>

struct watch_config {
    const char *conninfo;
    int64_t interval_ms;
    int64_t warn_ms;  /* before a scan expires */
    int64_t grace_ms; /* how long something new may be unscanned or roll out */
};

void watch_run(const struct watch_config *config);

/* `ret_busy`: a limit was reached, look again at once. */
enum mu_status watch_round(const struct watch_config *config, struct mu_pg *pg, bool *ret_busy,
                           struct mu_error *err) MU_MUST_CHECK;

#endif

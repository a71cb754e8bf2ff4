#include "coverage/keep_runs.h"

#include "store/statements.h"

#include "base/log.h"
#include "base/stop.h"

#include <stdbool.h>
#include <stddef.h>

enum { INTERVAL_MS = 2000 };

static enum mu_status step(const char *conninfo, struct mu_pg **pg, bool *ret_busy,
                           struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = MU_OK;

    if (*pg && !mu_pg_alive(*pg)) {
        mu_pg_close(*pg);
        *pg = NULL;
    }
    if (!*pg)
        st = inventory_pg_open(conninfo, "muster-inventory runs", pg, err);
    if (st == MU_OK)
        st = mu_pg_execute(*pg, READ_DERIVE_RUNS, NULL, &result, err);
    if (st == MU_OK)
        *ret_busy = mu_pg_int(result, 0, 0) > 0;
    return st;
}

void keep_runs_run(const char *conninfo)
{
    struct mu_backoff backoff = {200, 5000, 0};
    struct mu_pg *pg = NULL;

    while (!mu_stop_requested()) {
        struct mu_error err;
        bool busy = false;

        if (step(conninfo, &pg, &busy, &err) != MU_OK) {
            MU_LOG(err.status == MU_E_UNAVAILABLE ? MU_LOG_WARN : MU_LOG_ERROR,
                   "keeping runs waits, retrying", MU_KV("error", err.message));
            (void)mu_backoff_wait(&backoff);
            continue;
        }
        backoff.attempt = 0;
        if (!busy)
            (void)mu_stop_wait(INTERVAL_MS);
    }
    mu_pg_close(pg);
}

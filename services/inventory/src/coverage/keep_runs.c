#include "coverage/keep_runs.h"

#include "store/rounds.h"
#include "store/statements.h"

enum { INTERVAL_MS = 2000 };

static enum mu_status open_runs(const void *conninfo, struct mu_pg **ret_pg, struct mu_error *err)
{
    return inventory_pg_open(conninfo, "muster-inventory runs", ret_pg, err);
}

static enum mu_status derive(const void *conninfo, struct mu_pg *pg, bool *ret_busy,
                             struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL, *images = NULL;
    enum mu_status st = mu_pg_execute(pg, READ_DERIVE_RUNS, NULL, &result, err);

    (void)conninfo;
    if (st == MU_OK && mu_pg_int(result, 0, 0) > 0) {
        *ret_busy = true; /* images are looked at when all runs are there */
        return MU_OK;
    }
    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_DERIVE_IMAGES, NULL, &images, err);
    if (st == MU_OK)
        *ret_busy = mu_pg_int(images, 0, 0) > 0;
    return st;
}

void keep_runs_run(const char *conninfo)
{
    const struct rounds rounds = {.open = open_runs,
                                  .round = derive,
                                  .opaque = conninfo,
                                  .waiting = "keeping runs waits, retrying",
                                  .pause_ms = INTERVAL_MS,
                                  .backoff = {200, 5000, 0}};

    rounds_run(&rounds);
}

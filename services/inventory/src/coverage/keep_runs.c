#include "coverage/keep_runs.h"

#include "store/metrics.h"
#include "store/rounds.h"
#include "store/statements.h"

#include "base/clock.h"
#include "base/log.h"

enum { INTERVAL_MS = 2000, TELL_MS = 10000, MANY_FACTS = 100000 };

/* What has been told of how much is left. */
struct progress {
    uint64_t told_at_ms; /* 0: nothing yet */
    bool is_long;        /* the log says that it began */
};

struct keeping {
    const char *conninfo;
    struct progress *progress;
};

static enum mu_status open_runs(const void *opaque, struct mu_pg **ret_pg, struct mu_error *err)
{
    const struct keeping *keeping = opaque;

    return inventory_pg_open(keeping->conninfo, "muster-inventory runs", ret_pg, err);
}

/* While much is left: how much, for metrics and log. What is kept as fast as it is learned is not
 * worth a line. */
static enum mu_status tell(struct progress *progress, struct mu_pg *pg, bool busy,
                           struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *behind = NULL;
    uint64_t now_ms = mu_monotonic_ms();

    if (now_ms < progress->told_at_ms + TELL_MS && (busy || !progress->is_long))
        return MU_OK;
    if (mu_pg_execute(pg, READ_KEPT_BEHIND, NULL, &behind, err) != MU_OK)
        return err->status;
    int64_t facts = mu_pg_int(behind, 0, 0), images = mu_pg_int(behind, 0, 1);

    progress->told_at_ms = now_ms;
    mu_metric_set(&metric_facts_unkept, facts);
    mu_metric_set(&metric_images_unkept, images);
    if (busy && facts + images >= (progress->is_long ? 1 : MANY_FACTS)) {
        progress->is_long = true;
        MU_LOG(MU_LOG_INFO, "runs and images are made anew; until then questions take longer",
               MU_KV_INT("facts_left", facts), MU_KV_INT("images_left", images));
    } else if (!busy && progress->is_long) {
        progress->is_long = false;
        MU_LOG(MU_LOG_INFO, "runs and images are kept");
    }
    return MU_OK;
}

static enum mu_status keep(const void *opaque, struct mu_pg *pg, bool *ret_busy,
                           struct mu_error *err)
{
    const struct keeping *keeping = opaque;
    MU_AUTO(pg_result) struct mu_pg_result *runs = NULL, *images = NULL;
    enum mu_status st = mu_pg_execute(pg, READ_DERIVE_RUNS, NULL, &runs, err);

    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_DERIVE_IMAGES, NULL, &images, err);
    if (st != MU_OK)
        return st;
    *ret_busy = mu_pg_int(runs, 0, 0) > 0 || mu_pg_int(images, 0, 0) > 0;
    return tell(keeping->progress, pg, *ret_busy, err);
}

void keep_runs_run(const char *conninfo)
{
    struct progress progress = {0};
    const struct keeping keeping = {.conninfo = conninfo, .progress = &progress};
    const struct rounds rounds = {.open = open_runs,
                                  .round = keep,
                                  .opaque = &keeping,
                                  .waiting = "keeping runs waits, retrying",
                                  .pause_ms = INTERVAL_MS,
                                  .backoff = {200, 5000, 0}};

    rounds_run(&rounds);
}

#include "store/rounds.h"

#include "base/log.h"

#include <stddef.h>

static enum mu_status once(const struct rounds *rounds, struct mu_pg **pg, bool *ret_busy,
                           struct mu_error *err)
{
    if (*pg && !mu_pg_alive(*pg)) {
        mu_pg_close(*pg);
        *pg = NULL;
    }
    if (!*pg && rounds->open(rounds->opaque, pg, err) != MU_OK)
        return err->status;
    return rounds->round(rounds->opaque, *pg, ret_busy, err);
}

void rounds_run(const struct rounds *rounds)
{
    struct mu_backoff backoff = rounds->backoff;
    struct mu_pg *pg = NULL;

    while (!mu_stop_requested()) {
        struct mu_error err;
        bool busy = false;

        if (once(rounds, &pg, &busy, &err) != MU_OK) {
            MU_LOG(err.status == MU_E_UNAVAILABLE ? MU_LOG_WARN : MU_LOG_ERROR, rounds->waiting,
                   MU_KV("error", err.message));
            (void)mu_backoff_wait(&backoff);
            continue;
        }
        backoff.attempt = 0;
        if (!busy)
            (void)mu_stop_wait(rounds->pause_ms);
    }
    mu_pg_close(pg);
}

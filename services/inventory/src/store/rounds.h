/*
 * rounds: work on the database that goes on until a stop is requested, on a thread of its own: a
 * round after the other while there is more to do, a pause when there is not, and a new connection
 * and growing pauses while the database is away.
 */
#ifndef INVENTORY_STORE_ROUNDS_H
#define INVENTORY_STORE_ROUNDS_H

#include "pg/pg.h"

#include "base/stop.h"

/* Opens a connection with the statements of the round. Errors: as mu_pg_open. */
typedef enum mu_status rounds_open_fn(const void *opaque, struct mu_pg **ret_pg,
                                      struct mu_error *err);
/* `ret_busy`, false before: there is more to do at once. */
typedef enum mu_status rounds_round_fn(const void *opaque, struct mu_pg *pg, bool *ret_busy,
                                       struct mu_error *err);

struct rounds {
    rounds_open_fn *open;
    rounds_round_fn *round;
    const void *opaque;  /* of both */
    const char *waiting; /* logged when a round fails: "scheduling waits, retrying" */
    int64_t pause_ms;    /* when there is nothing to do */
    struct mu_backoff backoff;
};

void rounds_run(const struct rounds *rounds);

#endif

/*
 * pool: database connections for request handlers.
 * Threads: any.
 */
#ifndef INVENTORY_API_POOL_H
#define INVENTORY_API_POOL_H

#include "pg/pg.h"

struct pool;

/* Opens a connection with its statements: inventory_query_open and the like. */
typedef enum mu_status pool_open_fn(const char *conninfo, struct mu_pg **ret_pg,
                                    struct mu_error *err);

/* `conninfo` must outlive it. */
struct pool *pool_new(const char *conninfo, pool_open_fn *open);
void pool_free(struct pool *pool); /* NULL is fine; nothing may be taken any more */

/* A living connection, opened when none is idle. Errors: as mu_pg_open, but for MU_E_DENIED: that
 * the database refuses us is no word on who asks (MU_E_UNAVAILABLE). */
enum mu_status pool_take(struct pool *pool, struct mu_pg **ret_pg,
                         struct mu_error *err) MU_MUST_CHECK;
/* Keeps a living one for the next taker; after a lost one the idle are not trusted either. NULL is
 * fine. */
void pool_give(struct pool *pool, struct mu_pg *pg);

#endif

/*
 * pool: database connections for request handlers.
 * Threads: any.
 */
#ifndef INVENTORY_API_POOL_H
#define INVENTORY_API_POOL_H

#include "pg/pg.h"

struct pool;

struct pool *pool_new(const char *conninfo);
void pool_free(struct pool *pool); /* NULL is fine; nothing may be taken any more */

/* A living connection, opened when none is idle. Errors: as mu_pg_open. */
enum mu_status pool_take(struct pool *pool, struct mu_pg **ret_pg,
                         struct mu_error *err) MU_MUST_CHECK;
/* Keeps a living one for the next taker; after a lost one the idle are not trusted either. NULL is
 * fine. */
void pool_give(struct pool *pool, struct mu_pg *pg);

#endif

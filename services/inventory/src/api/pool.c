#include "api/pool.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>

enum { POOL_MAX_IDLE = 8 };

struct pool {
    const char *conninfo;
    pool_open_fn *open;
    pthread_mutex_t lock;
    struct mu_pg *idle[POOL_MAX_IDLE];
    size_t idle_count;
};

struct pool *pool_new(const char *conninfo, pool_open_fn *open)
{
    struct pool *pool = mu_xcalloc(1, sizeof(*pool));

    pool->conninfo = conninfo;
    pool->open = open;
    (void)pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->idle_count; i++)
        mu_pg_close(pool->idle[i]);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

enum mu_status pool_take(struct pool *pool, struct mu_pg **ret_pg, struct mu_error *err)
{
    struct mu_pg *pg = NULL;
    enum mu_status st;

    (void)pthread_mutex_lock(&pool->lock);
    if (pool->idle_count > 0)
        pg = pool->idle[--pool->idle_count];
    (void)pthread_mutex_unlock(&pool->lock);
    if (pg) {
        *ret_pg = pg;
        return MU_OK;
    }
    st = pool->open(pool->conninfo, ret_pg, err);
    return st == MU_E_DENIED ? (err->status = MU_E_UNAVAILABLE) : st;
}

/* One lost connection: the server went, and with it all that were idle. */
static void drop_idle(struct pool *pool)
{
    while (pool->idle_count > 0)
        mu_pg_close(pool->idle[--pool->idle_count]);
}

void pool_give(struct pool *pool, struct mu_pg *pg)
{
    if (!pg)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    if (!mu_pg_alive(pg))
        drop_idle(pool);
    if (mu_pg_alive(pg) && pool->idle_count < POOL_MAX_IDLE) {
        pool->idle[pool->idle_count++] = pg;
        pg = NULL;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    mu_pg_close(pg);
}

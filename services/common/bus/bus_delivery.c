#include "bus/bus_delivery.h"

#include "base/memory.h"

#include <stdlib.h>
#include <time.h>

enum { SLAB_DELIVERIES = 512, SETTLE_DELIVERIES = 64 };

struct bus_delivery_slab {
    struct bus_delivery_slab *next;
    struct bus_delivery deliveries[SLAB_DELIVERIES];
};

void bus_delivery_pool_init(struct bus_delivery_pool *pool, size_t max_deliveries)
{
    pthread_condattr_t attributes;

    *pool = (struct bus_delivery_pool){.max_slabs = (max_deliveries + SLAB_DELIVERIES - 1) /
                                                    SLAB_DELIVERIES};
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&pool->settled, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void bus_delivery_pool_done(struct bus_delivery_pool *pool)
{
    while (pool->slabs != NULL) {
        struct bus_delivery_slab *next = pool->slabs->next;

        free(pool->slabs);
        pool->slabs = next;
    }
    (void)pthread_cond_destroy(&pool->settled);
    (void)pthread_mutex_destroy(&pool->lock);
}

static void add_slab(struct bus_delivery_pool *pool)
{
    struct bus_delivery_slab *slab;

    if (pool->slab_count >= pool->max_slabs)
        return;
    slab = calloc(1, sizeof(*slab));
    if (slab == NULL)
        return;
    for (size_t i = 0; i < SLAB_DELIVERIES; i++) {
        slab->deliveries[i].next_free = pool->free_list;
        pool->free_list = &slab->deliveries[i];
    }
    slab->next = pool->slabs;
    pool->slabs = slab;
    pool->slab_count++;
}

struct bus_delivery *bus_delivery_take(struct bus_delivery_pool *pool, mu_delivery_fn *on_delivery,
                                       void *opaque)
{
    struct bus_delivery *delivery;

    (void)pthread_mutex_lock(&pool->lock);
    if (pool->free_list == NULL)
        add_slab(pool);
    delivery = pool->free_list;
    if (delivery != NULL) {
        pool->free_list = delivery->next_free;
        *delivery = (struct bus_delivery){
                .on_delivery = on_delivery, .opaque = opaque, .era = pool->era, .taken = true};
        pool->under_way[pool->era]++;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return delivery;
}

void bus_delivery_cancel(struct bus_delivery_pool *pool, struct bus_delivery *delivery)
{
    (void)pthread_mutex_lock(&pool->lock);
    delivery->taken = false;
    delivery->next_free = pool->free_list;
    pool->free_list = delivery;
    if (--pool->under_way[delivery->era] == 0)
        (void)pthread_cond_broadcast(&pool->settled);
    (void)pthread_mutex_unlock(&pool->lock);
}

void bus_delivery_settle(struct bus_delivery_pool *pool)
{
    struct bus_delivery *last = pool->reported;

    if (last == NULL)
        return;
    while (last->next_free != NULL)
        last = last->next_free;
    (void)pthread_mutex_lock(&pool->lock);
    last->next_free = pool->free_list;
    pool->free_list = pool->reported;
    for (size_t era = 0; era < 2; era++) {
        pool->under_way[era] -= pool->reported_count[era];
        if (pool->reported_count[era] > 0 && pool->under_way[era] == 0)
            (void)pthread_cond_broadcast(&pool->settled);
        pool->reported_count[era] = 0;
    }
    pool->reported = NULL;
    (void)pthread_mutex_unlock(&pool->lock);
}

void bus_delivery_report(struct bus_delivery_pool *pool, struct bus_delivery *delivery,
                         enum mu_status status, const char *message)
{
    delivery->on_delivery(delivery->opaque, status, message);
    delivery->taken = false;
    delivery->next_free = pool->reported;
    pool->reported = delivery;
    pool->reported_count[delivery->era]++;
    if (pool->reported_count[0] + pool->reported_count[1] >= SETTLE_DELIVERIES)
        bus_delivery_settle(pool);
}

void bus_delivery_report_all(struct bus_delivery_pool *pool, enum mu_status status,
                             const char *message)
{
    for (struct bus_delivery_slab *slab = pool->slabs; slab != NULL; slab = slab->next)
        for (size_t i = 0; i < SLAB_DELIVERIES; i++)
            if (slab->deliveries[i].taken)
                bus_delivery_report(pool, &slab->deliveries[i], status, message);
    bus_delivery_settle(pool);
}

size_t bus_delivery_pool_under_way(struct bus_delivery_pool *pool)
{
    size_t count;

    (void)pthread_mutex_lock(&pool->lock);
    count = pool->under_way[0] + pool->under_way[1];
    (void)pthread_mutex_unlock(&pool->lock);
    return count;
}

static struct timespec deadline_after(int64_t timeout_ms)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += timeout_ms / 1000;
    at.tv_nsec += timeout_ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static bool wait_settled(struct bus_delivery_pool *pool, unsigned char era,
                         const struct timespec *deadline)
{
    while (pool->under_way[era] != 0)
        if (pthread_cond_timedwait(&pool->settled, &pool->lock, deadline) != 0)
            return pool->under_way[era] == 0;
    return true;
}

static bool take_turn(struct bus_delivery_pool *pool, const struct timespec *deadline)
{
    while (pool->waiting)
        if (pthread_cond_timedwait(&pool->settled, &pool->lock, deadline) != 0 && pool->waiting)
            return false;
    pool->waiting = true;
    return true;
}

/*
 * New records are counted in the current era. The other one must be empty before the
 * era moves on; then what was sent before is exactly what the old era still counts.
 */
bool bus_delivery_pool_wait(struct bus_delivery_pool *pool, int64_t timeout_ms)
{
    struct timespec deadline = deadline_after(timeout_ms < 0 ? 0 : timeout_ms);
    unsigned char before;
    bool done;

    (void)pthread_mutex_lock(&pool->lock);
    if (!take_turn(pool, &deadline)) {
        (void)pthread_mutex_unlock(&pool->lock);
        return false;
    }
    before = pool->era;
    done = wait_settled(pool, (unsigned char)(before ^ 1U), &deadline);
    if (done) {
        pool->era = (unsigned char)(before ^ 1U);
        done = wait_settled(pool, before, &deadline);
    }
    pool->waiting = false;
    (void)pthread_cond_broadcast(&pool->settled); /* whose turn comes next */
    (void)pthread_mutex_unlock(&pool->lock);
    return done;
}

/*
 * bus_delivery: what the producer remembers of each message under way: whom to tell.
 * It is the producer's own account, so that every accepted message is reported exactly
 * once whatever librdkafka does, and so that a flush can wait for what was sent before
 * it while others go on sending. Internal to the bus.
 *
 * Records come from slabs and are reused: no allocation per message in the steady state.
 *
 * Threads: all functions from any thread; a record belongs to whoever took it.
 */
#ifndef MU_BUS_DELIVERY_H
#define MU_BUS_DELIVERY_H

#include "bus/bus.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus_delivery {
    mu_delivery_fn *on_delivery;
    void *opaque;
    struct bus_delivery *next_free;
    unsigned char era; /* which of the pool's two counters it is counted in */
    bool taken;
};

struct bus_delivery_slab;

struct bus_delivery_pool {
    pthread_mutex_t lock;   /* everything below but `reported` */
    pthread_cond_t settled; /* a counter of `under_way` reached zero, or a waiter is done */
    bool waiting;           /* one waiter at a time moves `era` */
    struct bus_delivery *free_list;
    struct bus_delivery_slab *slabs;
    size_t slab_count, max_slabs;
    size_t under_way[2];
    unsigned char era;
    /* Of the thread that reports, without the lock: reported, and not given back yet. */
    struct bus_delivery *reported;
    size_t reported_count[2];
};

/* At most `max_deliveries` (rounded up to a slab) are under way together. */
void bus_delivery_pool_init(struct bus_delivery_pool *pool, size_t max_deliveries);
void bus_delivery_pool_done(struct bus_delivery_pool *pool);

/* NULL when the maximum is under way or memory is exhausted. */
struct bus_delivery *bus_delivery_take(struct bus_delivery_pool *pool, mu_delivery_fn *on_delivery,
                                       void *opaque);
/* Gives the record back without a report: the message was not accepted. */
void bus_delivery_cancel(struct bus_delivery_pool *pool, struct bus_delivery *delivery);
/*
 * Reports. Records are given back many at a time, so that senders seldom find the pool locked: by
 * bus_delivery_settle after a round of reports, and before it when they are many. Only from one
 * thread at a time.
 */
void bus_delivery_settle(struct bus_delivery_pool *pool);
void bus_delivery_report(struct bus_delivery_pool *pool, struct bus_delivery *delivery,
                         enum mu_status status, const char *message);
/* Reports every record still taken, and settles; only when nobody else can report any more. */
void bus_delivery_report_all(struct bus_delivery_pool *pool, enum mu_status status,
                             const char *message);

size_t bus_delivery_pool_under_way(struct bus_delivery_pool *pool);
/* Waits until everything taken before the call was given back; false at the deadline. */
bool bus_delivery_pool_wait(struct bus_delivery_pool *pool, int64_t timeout_ms);

#endif

/*
 * cache_slot: the cache that counts now, replaced while others read it. Readers never wait: they
 * announce themselves in one of two places; a replacement goes to the other place, once nobody is
 * left there from before the last one.
 *
 * Threads: cache_slot_acquire and cache_slot_release from any; cache_slot_replace from one.
 */
#ifndef INVENTORY_GATE_CACHE_SLOT_H
#define INVENTORY_GATE_CACHE_SLOT_H

#include "gate/gate_cache.h"

#include <stdatomic.h>

struct cache_slot {
    atomic_uint current;
    atomic_uint readers[2];
    struct gate_cache *caches[2];
};

struct cache_hold {
    const struct gate_cache *cache; /* NULL: there is none yet */
    unsigned place;
};

struct cache_hold cache_slot_acquire(struct cache_slot *slot);
void cache_slot_release(struct cache_slot *slot, struct cache_hold hold);

/* Takes the cache (NULL: none is trusted any more); waits for readers that are one replacement
 * behind. */
void cache_slot_replace(struct cache_slot *slot, struct gate_cache *cache);
/* No reader is left. */
void cache_slot_done(struct cache_slot *slot);

#endif

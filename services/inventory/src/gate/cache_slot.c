#include "gate/cache_slot.h"

#include <sched.h>

struct cache_hold cache_slot_acquire(struct cache_slot *slot)
{
    for (;;) {
        unsigned place = atomic_load(&slot->current);

        atomic_fetch_add(&slot->readers[place], 1);
        /* Whoever is announced while this place is current keeps it from being written. */
        if (atomic_load(&slot->current) == place)
            return (struct cache_hold){slot->caches[place], place};
        atomic_fetch_sub(&slot->readers[place], 1);
    }
}

void cache_slot_release(struct cache_slot *slot, struct cache_hold hold)
{
    atomic_fetch_sub(&slot->readers[hold.place], 1);
}

void cache_slot_replace(struct cache_slot *slot, struct gate_cache *cache)
{
    unsigned place = 1 - atomic_load(&slot->current);

    while (atomic_load(&slot->readers[place]) != 0)
        (void)sched_yield();
    gate_cache_close(slot->caches[place]);
    slot->caches[place] = cache;
    atomic_store(&slot->current, place);
}

void cache_slot_done(struct cache_slot *slot)
{
    for (unsigned i = 0; i < 2; i++)
        gate_cache_close(slot->caches[i]);
}

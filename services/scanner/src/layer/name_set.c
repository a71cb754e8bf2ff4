#include "layer/name_set.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 4096 }; /* a power of two */

void name_set_done(struct name_set *set)
{
    free(set->slots);
    *set = (struct name_set){.slots = NULL};
}

/* Where the hash is, or where it would be put. */
static uint64_t *slot_of(uint64_t *slots, size_t capacity, uint64_t hash)
{
    size_t at = (size_t)(hash >> 20) & (capacity - 1);

    while (slots[at] != 0 && ((slots[at] ^ hash) & ~(uint64_t)NAME_FLAGS) != 0)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static enum mu_status grow(struct name_set *set, struct mu_error *err)
{
    size_t capacity = set->capacity ? 2 * set->capacity : FIRST_CAPACITY;
    uint64_t *slots;

    if (capacity > NAME_SET_SLOTS_MAX)
        return mu_fail(err, MU_E_LIMIT, "more than %d links, evidence files and folders above them",
                       NAME_SET_SLOTS_MAX / 4 * 3);
    slots = calloc(capacity, sizeof(*slots));
    if (!slots)
        return mu_fail(err, MU_E_NOMEM, "no memory for %zu names", capacity);
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->slots[i] != 0)
            *slot_of(slots, capacity, set->slots[i]) = set->slots[i];
    }
    free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
    return MU_OK;
}

enum mu_status name_set_add(struct name_set *set, uint64_t hash, unsigned flags,
                            struct mu_error *err)
{
    uint64_t *slot;

    if (3 * set->capacity <= 4 * set->count && grow(set, err) != MU_OK)
        return err->status;
    slot = slot_of(set->slots, set->capacity, hash);
    if (*slot == 0) {
        *slot = hash & ~(uint64_t)NAME_FLAGS;
        set->count++;
    }
    *slot |= flags;
    return MU_OK;
}

unsigned name_set_flags(const struct name_set *set, uint64_t hash)
{
    return set->capacity == 0 ? 0
                              : (unsigned)(*slot_of(set->slots, set->capacity, hash) & NAME_FLAGS);
}

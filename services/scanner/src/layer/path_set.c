#include "layer/path_set.h"

#include "base/scratch.h"

#include <stdbool.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 1024, SMALL_COUNT = 24, MANY_COUNT = 64 * 1024 };

void path_set_init(struct path_set *set, size_t max_count)
{
    *set = (struct path_set){.max_count = max_count};
}

void path_set_done(struct path_set *set)
{
    mu_scratch_free(set->items);
    set->items = NULL;
}

static void insertion_sort(uint64_t *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint64_t item = items[i];
        size_t at = i;

        for (; at > 0 && items[at - 1] > item; at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

/* Exchange by one bit after the other: keyed hashes are spread evenly, and no memory is needed. */
static void bit_sort(uint64_t *items, size_t count, int bit)
{
    while (count > SMALL_COUNT && bit >= 0) {
        size_t low = 0, high = count;

        while (low < high) {
            if (items[low] >> bit & 1) {
                uint64_t moved = items[low];

                items[low] = items[--high];
                items[high] = moved;
            } else if ((++low & (MANY_COUNT - 1)) == 0) {
                mu_scratch_look();
            }
        }
        bit--;
        bit_sort(items, low, bit); /* at most 64 deep */
        items += low;
        count -= low;
    }
    insertion_sort(items, count);
}

void path_set_finish(struct path_set *set)
{
    const uint64_t hash_bits = ~(uint64_t)PATH_FLAGS;
    size_t kept = 0;

    bit_sort(set->items, set->count, 63);
    for (size_t i = 0; i < set->count; i++) {
        if (kept > 0 && ((set->items[kept - 1] ^ set->items[i]) & hash_bits) == 0)
            set->items[kept - 1] |= set->items[i];
        else
            set->items[kept++] = set->items[i];
    }
    set->count = kept;
}

enum mu_status path_set_add(struct path_set *set, uint64_t hash, unsigned flags,
                            struct mu_error *err)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity ? set->capacity + set->capacity / 2 : FIRST_CAPACITY;
        uint64_t *grown;

        if (capacity > set->max_count)
            capacity = set->max_count;
        if (set->count >= capacity)
            return mu_fail(err, MU_E_LIMIT, "more than %zu paths in a layer", set->max_count);
        grown = mu_scratch_realloc(set->items, set->count * sizeof(*grown),
                                   capacity * sizeof(*grown));
        if (!grown)
            return mu_fail(err, MU_E_NOMEM, "no memory for %zu paths", capacity);
        set->items = grown;
        set->capacity = capacity;
    }
    set->items[set->count++] = (hash & ~(uint64_t)PATH_FLAGS) | flags;
    return MU_OK;
}

unsigned path_set_flags(const uint64_t *items, size_t count, uint64_t hash)
{
    uint64_t wanted = hash & ~(uint64_t)PATH_FLAGS;
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (items[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count || (items[low] & ~(uint64_t)PATH_FLAGS) != wanted)
        return 0;
    return (unsigned)(items[low] & PATH_FLAGS);
}

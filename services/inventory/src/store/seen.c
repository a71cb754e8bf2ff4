#include "store/seen.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/uuid.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 1 << 16, MANY = 1 << 18 }; /* 1 MiB; MANY: 8 MiB a generation */

struct key {
    uint64_t low, high; /* both 0: empty */
};

struct generation {
    struct key *keys;
    size_t count, capacity; /* a power of two */
};

struct seen {
    struct mu_sha256 *hash;
    struct generation pending[2]; /* of the batches under way */
    struct generation young, old; /* what is asked for again becomes young again */
};

static struct generation generation_new(size_t capacity)
{
    return (struct generation){.keys = mu_xcalloc(capacity, sizeof(struct key)),
                               .capacity = capacity};
}

static void generation_done(struct generation *generation)
{
    free(generation->keys);
    *generation = (struct generation){.keys = NULL};
}

struct seen *seen_new(void)
{
    struct seen *seen = mu_xcalloc(1, sizeof(*seen));

    seen->hash = mu_sha256_new();
    seen->pending[0] = generation_new(CAPACITY);
    seen->pending[1] = generation_new(CAPACITY);
    seen->young = generation_new(CAPACITY);
    return seen;
}

void seen_free(struct seen *seen)
{
    if (!seen)
        return;
    mu_sha256_free(seen->hash);
    generation_done(&seen->pending[0]);
    generation_done(&seen->pending[1]);
    generation_done(&seen->young);
    generation_done(&seen->old);
    free(seen);
}

static void generation_empty(struct generation *generation)
{
    if (generation->count > 0)
        memset(generation->keys, 0, generation->capacity * sizeof(struct key));
    generation->count = 0;
}

/* The key's own place, or the empty one where it belongs. */
static struct key *place_of(const struct generation *generation, struct key key)
{
    size_t at = key.low & (generation->capacity - 1);

    while ((generation->keys[at].low != 0 || generation->keys[at].high != 0) &&
           (generation->keys[at].low != key.low || generation->keys[at].high != key.high))
        at = (at + 1) & (generation->capacity - 1);
    return &generation->keys[at];
}

static bool has(const struct generation *generation, struct key key)
{
    const struct key *place = generation->count > 0 ? place_of(generation, key) : NULL;

    return place && (place->low != 0 || place->high != 0);
}

/* False when it is there already. */
static bool put(struct generation *generation, struct key key)
{
    struct key *place = place_of(generation, key);

    if (place->low != 0 || place->high != 0)
        return false;
    *place = key;
    generation->count++;
    return true;
}

static void put_all(struct generation *generation, const struct generation *others)
{
    for (size_t i = 0; others->count > 0 && i < others->capacity; i++)
        if (others->keys[i].low != 0 || others->keys[i].high != 0)
            (void)put(generation, others->keys[i]);
}

static void grow(struct generation *generation)
{
    struct generation larger = generation_new(2 * generation->capacity);

    put_all(&larger, generation);
    generation_done(generation);
    *generation = larger;
}

void seen_keep(struct seen *seen, int batch)
{
    struct generation *pending = &seen->pending[batch];

    while (2 * (seen->young.count + pending->count) >= seen->young.capacity)
        grow(&seen->young);
    put_all(&seen->young, pending);
    generation_empty(pending);
    if (seen->young.count < MANY)
        return;
    generation_done(&seen->old);
    seen->old = seen->young;
    seen->young = generation_new(CAPACITY);
}

void seen_drop(struct seen *seen)
{
    generation_empty(&seen->pending[0]);
    generation_empty(&seen->pending[1]);
}

void seen_forget(struct seen *seen)
{
    generation_empty(&seen->pending[0]);
    generation_empty(&seen->pending[1]);
    generation_empty(&seen->young);
    generation_done(&seen->old);
}

/* NULL and "" differ; where one value ends is part of the hash. */
static struct key key_of(struct seen *seen, size_t table, const char *const *values, size_t count,
                         size_t skipped)
{
    uint8_t digest[MU_SHA256_BYTES];
    struct key key;

    mu_sha256_update(seen->hash, &table, sizeof(table));
    for (size_t i = 0; i < count; i++)
        if (i != skipped)
            mu_sha256_update(seen->hash, values[i] ? values[i] : "\1",
                             values[i] ? strlen(values[i]) + 1 : 2);
    mu_sha256_final(seen->hash, digest);
    memcpy(&key, digest, sizeof(key));
    return key;
}

static bool was_asked(struct seen *seen, int batch, struct key key)
{
    struct generation *pending = &seen->pending[batch];

    if (has(&seen->young, key) || has(&seen->pending[1 - batch], key))
        return true;
    if (2 * pending->count >= pending->capacity)
        grow(pending);
    return !put(pending, key) || has(&seen->old, key);
}

bool seen_before(struct seen *seen, int batch, size_t table, const char *const *values,
                 size_t count, size_t skipped)
{
    return was_asked(seen, batch, key_of(seen, table, values, count, skipped));
}

bool seen_before_id(struct seen *seen, int batch, size_t table, const char *id)
{
    uint8_t bytes[MU_UUID_BYTES];
    struct key key;

    if (!mu_uuid_decode(id, bytes))
        return seen_before(seen, batch, table, &id, 1, SIZE_MAX);
    memcpy(&key, bytes, sizeof(key));
    key.high ^= (uint64_t)table + 1; /* an id is one of its table */
    return was_asked(seen, batch, key);
}

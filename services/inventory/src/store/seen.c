#include "store/seen.h"

#include "base/memory.h"
#include "base/sha256.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 1 << 16, MANY = 1 << 19 }; /* 1 MiB; MANY: 16 MiB */

struct key {
    uint64_t low, high; /* both 0: empty */
};

struct seen {
    struct mu_sha256 *hash;
    struct key *keys;
    size_t count, capacity; /* a power of two */
};

struct seen *seen_new(void)
{
    struct seen *seen = mu_xcalloc(1, sizeof(*seen));

    seen->hash = mu_sha256_new();
    seen->keys = mu_xcalloc(CAPACITY, sizeof(*seen->keys));
    seen->capacity = CAPACITY;
    return seen;
}

void seen_free(struct seen *seen)
{
    if (!seen)
        return;
    mu_sha256_free(seen->hash);
    free(seen->keys);
    free(seen);
}

void seen_forget(struct seen *seen)
{
    if (seen->count > 0)
        memset(seen->keys, 0, seen->capacity * sizeof(*seen->keys));
    seen->count = 0;
}

void seen_trim(struct seen *seen)
{
    if (seen->count < MANY)
        return;
    free(seen->keys);
    seen->keys = mu_xcalloc(CAPACITY, sizeof(*seen->keys));
    seen->capacity = CAPACITY;
    seen->count = 0;
}

/* False when it is there already. */
static bool put(struct seen *seen, struct key key)
{
    size_t at = key.low & (seen->capacity - 1);

    while (seen->keys[at].low != 0 || seen->keys[at].high != 0) {
        if (seen->keys[at].low == key.low && seen->keys[at].high == key.high)
            return false;
        at = (at + 1) & (seen->capacity - 1);
    }
    seen->keys[at] = key;
    seen->count++;
    return true;
}

static void grow(struct seen *seen)
{
    struct key *keys = seen->keys;
    size_t capacity = seen->capacity;

    seen->capacity = 2 * capacity;
    seen->keys = mu_xcalloc(seen->capacity, sizeof(*seen->keys));
    seen->count = 0;
    for (size_t i = 0; i < capacity; i++)
        if (keys[i].low != 0 || keys[i].high != 0)
            (void)put(seen, keys[i]);
    free(keys);
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

bool seen_before(struct seen *seen, size_t table, const char *const *values, size_t count,
                 size_t skipped)
{
    if (2 * seen->count >= seen->capacity)
        grow(seen);
    return !put(seen, key_of(seen, table, values, count, skipped));
}

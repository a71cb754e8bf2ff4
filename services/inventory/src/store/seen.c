#include "store/seen.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/uuid.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* CAPACITY: twice what there is after MANY more, which are looked through; so it seldom grows. */
enum { CAPACITY = 1 << 20, MANY = 1 << 18, MOST = 1 << 20 };

struct key {
    uint64_t low, high; /* both 0: empty */
};

struct entry {
    struct key key;
    uint32_t since, asked; /* serials of the batches that asked for it first and last */
};

struct seen {
    struct mu_sha256 *hash;
    struct entry *entries;
    size_t count, capacity; /* a power of two */
    uint32_t serials[2];    /* of the batches under way */
    uint32_t last;          /* of the serials given */
    uint32_t kept;          /* whoever is not younger is committed */
    uint32_t mark;          /* the last serial when it was looked through */
    size_t count_at_mark;
};

struct seen *seen_new(void)
{
    struct seen *seen = mu_xcalloc(1, sizeof(*seen));

    seen->hash = mu_sha256_new();
    seen->capacity = CAPACITY;
    seen->entries = mu_xcalloc(CAPACITY, sizeof(struct entry));
    return seen;
}

void seen_free(struct seen *seen)
{
    if (!seen)
        return;
    mu_sha256_free(seen->hash);
    free(seen->entries);
    free(seen);
}

static bool is_empty(const struct entry *entry)
{
    return entry->key.low == 0 && entry->key.high == 0;
}

/* The key's own entry, or the empty one where it belongs. */
static struct entry *entry_of(const struct seen *seen, struct key key)
{
    size_t at = key.low & (seen->capacity - 1);

    while (!is_empty(&seen->entries[at]) &&
           (seen->entries[at].key.low != key.low || seen->entries[at].key.high != key.high))
        at = (at + 1) & (seen->capacity - 1);
    return &seen->entries[at];
}

/* Only what is no younger than `since` and was asked for behind `asked` stays. */
static void rebuild(struct seen *seen, size_t capacity, uint32_t since, uint32_t asked)
{
    struct entry *old = seen->entries;
    size_t old_capacity = seen->capacity;

    seen->entries = mu_xcalloc(capacity, sizeof(struct entry));
    seen->capacity = capacity;
    seen->count = 0;
    for (size_t i = 0; i < old_capacity; i++) {
        if (is_empty(&old[i]) || old[i].since > since || old[i].asked <= asked)
            continue;
        *entry_of(seen, old[i].key) = old[i];
        seen->count++;
    }
    free(old);
}

/* What nobody asked for since the last time; of too many more, but nothing of a batch under way. */
static void look_through(struct seen *seen)
{
    uint32_t asked = seen->mark;
    size_t capacity = CAPACITY;

    rebuild(seen, seen->capacity, UINT32_MAX, asked);
    while (seen->count > MOST && asked < seen->kept) {
        asked += (seen->kept - asked + 1) / 2;
        rebuild(seen, seen->capacity, UINT32_MAX, asked);
    }
    while (capacity < 2 * (seen->count + MANY))
        capacity *= 2;
    if (capacity < seen->capacity)
        rebuild(seen, capacity, UINT32_MAX, 0);
    seen->count_at_mark = seen->count;
    seen->mark = seen->last;
}

/* The serial of a batch is given when it first asks. */
static uint32_t serial_of(struct seen *seen, int batch)
{
    if (seen->serials[batch] != 0)
        return seen->serials[batch];
    if (seen->count >= seen->count_at_mark + MANY)
        look_through(seen);
    return seen->serials[batch] = ++seen->last;
}

void seen_keep(struct seen *seen, int batch)
{
    seen->kept = serial_of(seen, batch);
    seen->serials[batch] = 0;
}

void seen_drop(struct seen *seen)
{
    if (seen->serials[0] == 0 && seen->serials[1] == 0)
        return;
    seen->serials[0] = seen->serials[1] = 0;
    rebuild(seen, seen->capacity, seen->kept, 0);
}

void seen_forget(struct seen *seen)
{
    struct seen empty = {.hash = seen->hash, .capacity = CAPACITY};

    if (seen->last == 0)
        return;
    free(seen->entries);
    *seen = empty;
    seen->entries = mu_xcalloc(CAPACITY, sizeof(struct entry));
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
    uint32_t serial = serial_of(seen, batch);
    struct entry *entry = entry_of(seen, key);
    bool was = !is_empty(entry);

    if (!was) {
        *entry = (struct entry){key, serial, serial};
        if (2 * ++seen->count >= seen->capacity)
            rebuild(seen, 2 * seen->capacity, UINT32_MAX, 0);
        return false;
    }
    entry->asked = serial;
    return true;
}

bool seen_before(struct seen *seen, int batch, size_t table, const char *const *values,
                 size_t count, size_t skipped)
{
    return was_asked(seen, batch, key_of(seen, table, values, count, skipped));
}

/* FNV-1a; nobody outside chooses the words. */
static uint64_t word_hash(const char *word)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *word; word++)
        hash = (hash ^ (unsigned char)*word) * UINT64_C(0x100000001b3);
    return hash;
}

bool seen_before_id(struct seen *seen, int batch, size_t table, const char *id, const char *word)
{
    uint8_t bytes[MU_UUID_BYTES];
    struct key key;

    if (!mu_uuid_decode(id, bytes))
        return seen_before(seen, batch, table, (const char *const[]){id, word}, 2, SIZE_MAX);
    memcpy(&key, bytes, sizeof(key));
    key.high ^= (uint64_t)table + 1; /* an id is one of its table */
    if (word)
        key.high ^= word_hash(word);
    return was_asked(seen, batch, key);
}

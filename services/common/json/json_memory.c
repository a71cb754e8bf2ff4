#include "json/json_memory.h"

#include <jansson.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { POOLS = 16, POOL_BYTES = 64 * 1024 };

/* Its owner hands out, and takes back what it releases itself; others only count. */
struct pool {
    atomic_bool owned;
    size_t used, in_use;              /* bytes; values less those the owner took back */
    atomic_size_t released_elsewhere; /* of the values in use */
    /* The newest document, while all of it lies here. */
    const json_t *newest;
    size_t used_before, in_use_before; /* it */
    bool overflowed;                   /* since it began */
};

static alignas(max_align_t) unsigned char memory[POOLS][POOL_BYTES]; /* touched only when used */
static struct pool pools[POOLS];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Thread_local struct pool *own;
/* What is left of its memory while a document is read, else nothing. */
static _Thread_local unsigned char *left, *end;

static unsigned char *memory_of(const struct pool *pool)
{
    return memory[pool - pools];
}

/* The pool an address lies in, or NULL. */
static struct pool *pool_of(const void *bytes)
{
    uintptr_t offset = (uintptr_t)bytes - (uintptr_t)memory;

    return offset < sizeof(memory) ? &pools[offset / POOL_BYTES] : NULL;
}

static void *allocate_elsewhere(size_t size)
{
    if (left)
        own->overflowed = true;
    return malloc(size);
}

static void *allocate(size_t size)
{
    const size_t align = alignof(max_align_t);
    size_t taken = (size + align - 1) / align * align;
    void *bytes = left;

    if (size > POOL_BYTES || taken > (size_t)(end - left))
        return allocate_elsewhere(size);
    left += taken;
    own->in_use++;
    return bytes;
}

static void release(void *bytes)
{
    struct pool *pool = pool_of(bytes);

    if (!pool)
        free(bytes);
    else if (pool == own)
        pool->in_use--;
    else
        atomic_fetch_add_explicit(&pool->released_elsewhere, 1, memory_order_release);
}

static void leave(void *pool)
{
    own = NULL;
    atomic_store_explicit(&((struct pool *)pool)->owned, false, memory_order_release);
}

static void install(void)
{
    if (pthread_key_create(&key, leave) != 0)
        abort();
    json_set_alloc_funcs(allocate, release);
}

/* Under AddressSanitizer every value is its own, so that misuse is seen. */
static bool pools_wanted(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return false;
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
    return false;
#    endif
#endif
    return true;
}

static void find_pool(void)
{
    for (size_t i = 0; pools_wanted() && !own && i < POOLS; i++) {
        bool owned = false;

        if (atomic_compare_exchange_strong_explicit(&pools[i].owned, &owned, true,
                                                    memory_order_acquire, memory_order_relaxed))
            own = &pools[i];
    }
    if (own && pthread_setspecific(key, own) != 0)
        abort();
}

/* What others released they will not touch again: then nothing of the pool is in use. */
static void begin_document(struct pool *pool)
{
    if (pool->in_use == atomic_load_explicit(&pool->released_elsewhere, memory_order_acquire)) {
        pool->used = pool->in_use = 0;
        atomic_store_explicit(&pool->released_elsewhere, 0, memory_order_relaxed);
    }
    pool->newest = NULL;
    pool->overflowed = false;
    pool->used_before = pool->used;
    pool->in_use_before = pool->in_use;
    left = memory_of(pool) + pool->used;
    end = memory_of(pool) + POOL_BYTES;
}

void json_memory_begin(void)
{
    (void)pthread_once(&once, install);
    if (!own)
        find_pool();
    if (own)
        begin_document(own);
}

void json_memory_end(const json_t *root)
{
    if (!own)
        return;
    own->used = (size_t)(left - memory_of(own));
    left = end = NULL;
    if (!own->overflowed)
        own->newest = root;
}

void json_memory_drop(json_t *root)
{
    struct pool *pool = own;

    if (!root || !pool || pool->newest != root) {
        json_decref(root);
        return;
    }
    pool->newest = NULL;
    pool->used = pool->used_before;
    pool->in_use = pool->in_use_before;
}

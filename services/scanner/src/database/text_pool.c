#include "database/text_pool.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1 << 12 };

static uint64_t hash_text(const char *text, size_t len)
{
    uint64_t hash = 1469598103934665603U;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211U;
    return hash ^ hash >> 29;
}

void text_pool_init(struct text_pool *pool, size_t max_bytes)
{
    *pool = (struct text_pool){.slot_count = FIRST_SLOTS,
                               .slots = mu_xcalloc(FIRST_SLOTS, sizeof(uint32_t))};
    mu_buf_init(&pool->bytes, max_bytes);
    mu_buf_append(&pool->bytes, "", 1);
}

void text_pool_done(struct text_pool *pool)
{
    mu_buf_done(&pool->bytes);
    free(pool->slots);
    pool->slots = NULL;
}

const char *text_pool_at(const struct text_pool *pool, uint32_t offset)
{
    return pool->bytes.data + offset;
}

static void grow(struct text_pool *pool)
{
    size_t count = 2 * pool->slot_count;
    uint32_t *slots = mu_xcalloc(count, sizeof(uint32_t));

    for (size_t i = 0; i < pool->slot_count; i++) {
        const char *text = text_pool_at(pool, pool->slots[i]);
        size_t at;

        if (pool->slots[i] == 0)
            continue;
        at = hash_text(text, strlen(text)) & (count - 1);
        while (slots[at] != 0)
            at = (at + 1) & (count - 1);
        slots[at] = pool->slots[i];
    }
    free(pool->slots);
    pool->slots = slots;
    pool->slot_count = count;
}

uint32_t text_pool_add(struct text_pool *pool, const char *text, size_t len)
{
    uint32_t offset = (uint32_t)pool->bytes.len;
    size_t at;

    if (len == 0 || pool->bytes.failed)
        return 0;
    at = hash_text(text, len) & (pool->slot_count - 1);
    while (pool->slots[at] != 0) {
        const char *known = text_pool_at(pool, pool->slots[at]);

        if (strncmp(known, text, len) == 0 && known[len] == '\0')
            return pool->slots[at];
        at = (at + 1) & (pool->slot_count - 1);
    }
    mu_buf_append(&pool->bytes, text, len);
    mu_buf_append(&pool->bytes, "", 1);
    if (pool->bytes.failed)
        return 0;
    pool->slots[at] = offset;
    if (++pool->text_count * 2 > pool->slot_count)
        grow(pool);
    return offset;
}

#include "base/memory.h"

#include "base/scratch.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BLOCK_BYTES = 16 * 1024,
    SCRATCH_FROM_BYTES = 12 * 1024 * 1024, /* of an arena with scratch memory */
    SCRATCH_BLOCK_BYTES = 2 * MU_SCRATCH_MIN_BYTES,
    PRINTF_FEW_BYTES = 256 /* a longer text is printed twice */
};

struct block {
    struct block *next;
    size_t capacity, used;
    alignas(max_align_t) unsigned char bytes[];
};

struct mu_arena {
    struct block
            *blocks; /* the newest first; the oldest is kept by a reset if it is of ordinary size */
    size_t total, max_bytes;
    bool scratch;
};

void *mu_xcalloc(size_t count, size_t size_bytes)
{
    void *memory = calloc(count ? count : 1, size_bytes ? size_bytes : 1);

    if (!memory)
        abort();
    return memory;
}

char *mu_xstrdup(const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        abort();
    return copy;
}

struct mu_arena *mu_arena_new(size_t max_bytes)
{
    struct mu_arena *arena = mu_xcalloc(1, sizeof(*arena));

    arena->max_bytes = max_bytes;
    return arena;
}

struct mu_arena *mu_arena_new_scratch(size_t max_bytes)
{
    struct mu_arena *arena = mu_arena_new(max_bytes);

    arena->scratch = true;
    return arena;
}

static void free_block(const struct mu_arena *arena, struct block *block)
{
    if (arena->scratch)
        mu_scratch_free(block);
    else
        free(block);
}

void mu_arena_free(struct mu_arena *arena)
{
    if (!arena)
        return;
    for (struct block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free_block(arena, block);
    }
    free(arena);
}

void mu_arena_reset(struct mu_arena *arena)
{
    struct block *kept = arena->blocks;

    while (kept && (kept->next || kept->capacity > ARENA_BLOCK_BYTES)) {
        struct block *next = kept->next;

        free_block(arena, kept);
        kept = next;
    }
    if (kept)
        kept->used = 0;
    arena->blocks = kept;
    arena->total = 0;
}

/* Room for `size_bytes` in the newest block, or a new one. */
static struct block *block_for(struct mu_arena *arena, size_t size_bytes)
{
    struct block *block = arena->blocks;
    bool scratch = arena->scratch && arena->total >= SCRATCH_FROM_BYTES;
    size_t ordinary = scratch ? SCRATCH_BLOCK_BYTES : ARENA_BLOCK_BYTES;
    size_t capacity = size_bytes > ordinary ? size_bytes : ordinary;

    if (block && block->capacity - block->used >= size_bytes)
        return block;
    block = arena->scratch ? mu_scratch_realloc(NULL, 0, sizeof(*block) + capacity)
                           : malloc(sizeof(*block) + capacity);
    if (!block)
        return NULL;
    block->capacity = capacity;
    block->used = 0;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

/* Not zeroed; the size that was taken in `ret_size_bytes`. */
static void *take(struct mu_arena *arena, size_t size_bytes, size_t *ret_size_bytes)
{
    const size_t align = alignof(max_align_t);
    struct block *block;
    void *memory;

    if (size_bytes > SIZE_MAX - align)
        return NULL;
    size_bytes = (size_bytes + align - 1) / align * align;
    if (size_bytes > arena->max_bytes - arena->total)
        return NULL;
    block = block_for(arena, size_bytes);
    if (!block)
        return NULL;
    memory = block->bytes + block->used;
    block->used += size_bytes;
    arena->total += size_bytes;
    *ret_size_bytes = size_bytes;
    return memory;
}

void *mu_arena_alloc(struct mu_arena *arena, size_t size_bytes)
{
    void *memory = take(arena, size_bytes, &size_bytes);

    return memory ? memset(memory, 0, size_bytes) : NULL;
}

/* Room for a text of `len` bytes, ended; NULL when there is none. */
static char *take_text(struct mu_arena *arena, size_t len)
{
    size_t taken;
    char *text = len < SIZE_MAX ? take(arena, len + 1, &taken) : NULL;

    if (text)
        text[len] = '\0';
    return text;
}

char *mu_arena_strndup(struct mu_arena *arena, const char *text, size_t len)
{
    char *copy = take_text(arena, len);

    if (copy && len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *mu_arena_strdup(struct mu_arena *arena, const char *text)
{
    return mu_arena_strndup(arena, text, strlen(text));
}

static size_t length_of(const char *first, va_list rest)
{
    size_t len = 0;

    for (const char *part = first; part; part = va_arg(rest, const char *))
        len += strlen(part);
    return len;
}

char *mu_arena_concat(struct mu_arena *arena, const char *first, ...)
{
    va_list parts;
    char *text, *at;

    va_start(parts, first);
    text = at = take_text(arena, length_of(first, parts));
    va_end(parts);
    va_start(parts, first);
    for (const char *part = first; at && part; part = va_arg(parts, const char *)) {
        size_t len = strlen(part);

        memcpy(at, part, len);
        at += len;
    }
    va_end(parts);
    return text;
}

char *mu_arena_printf(struct mu_arena *arena, const char *fmt, ...)
{
    char few[PRINTF_FEW_BYTES], *text;
    va_list arguments;
    int len;

    va_start(arguments, fmt);
    len = vsnprintf(few, sizeof(few), fmt, arguments);
    va_end(arguments);
    if (len >= 0 && (size_t)len < sizeof(few))
        return mu_arena_strndup(arena, few, (size_t)len);
    text = len < 0 ? NULL : mu_arena_alloc(arena, (size_t)len + 1);
    if (!text)
        return NULL;
    va_start(arguments, fmt);
    (void)vsnprintf(text, (size_t)len + 1, fmt, arguments);
    va_end(arguments);
    return text;
}

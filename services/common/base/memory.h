/*
 * memory: allocation and the arena.
 *
 * mu_xcalloc and mu_xstrdup are for small, fixed-size objects of our own: they
 * abort when memory is exhausted. Anything sized by outside input is first
 * compared with a named limit and allocated with malloc or mu_arena_alloc, whose
 * failure is an error like any other.
 *
 * Arena: one per HTTP request or scan job, freed whole. Pointers live until
 * mu_arena_free or mu_arena_reset.
 *
 * Threads: an arena belongs to one thread at a time.
 */
#ifndef MU_BASE_MEMORY_H
#define MU_BASE_MEMORY_H

#include "base/scope.h"

#include <stddef.h>

void *mu_xcalloc(size_t count, size_t size_bytes);
char *mu_xstrdup(const char *text);

struct mu_arena;

/* `max_bytes` bounds everything the arena ever hands out together. */
struct mu_arena *mu_arena_new(size_t max_bytes);
/* The same; what it holds beyond some MiB is scratch memory (base/scratch.h). */
struct mu_arena *mu_arena_new_scratch(size_t max_bytes);
void mu_arena_free(struct mu_arena *arena); /* NULL is fine */
/* Gives everything back but keeps one block of ordinary size for reuse. */
void mu_arena_reset(struct mu_arena *arena);

/* Zeroed, aligned for any type; NULL when max_bytes or memory is exhausted. */
void *mu_arena_alloc(struct mu_arena *arena, size_t size_bytes);
char *mu_arena_strndup(struct mu_arena *arena, const char *text, size_t len);
char *mu_arena_strdup(struct mu_arena *arena, const char *text);
/* The texts one behind the other, up to a NULL. */
char *mu_arena_concat(struct mu_arena *arena, const char *first, ...) __attribute__((sentinel));
char *mu_arena_printf(struct mu_arena *arena, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));

MU_DEFINE_AUTO(arena, struct mu_arena, mu_arena_free)

#endif

#include "config/generation.h"

#include <stdlib.h>

enum { CONFIG_ARENA_MAX_BYTES = 64 * 1024 * 1024 };

static void end_one(struct generation *generation)
{
    key_ring_close(generation->keys);
    mu_arena_free(generation->arena);
    free(generation);
}

enum mu_status generation_read(const char *path, struct generation **ret_generation,
                               struct mu_error *err)
{
    struct generation *generation = mu_xcalloc(1, sizeof(*generation));
    enum mu_status st;

    atomic_init(&generation->holders, 0);
    generation->arena = mu_arena_new(CONFIG_ARENA_MAX_BYTES);
    st = ingest_config_read(path, generation->arena, &generation->config, err);
    if (st != MU_OK) {
        end_one(generation);
        return st;
    }
    *ret_generation = generation;
    return MU_OK;
}

enum mu_status generation_follow(struct generation *generation, struct generation *previous,
                                 struct mu_error *err)
{
    const struct ingest_config *config = &generation->config;
    enum mu_status st = key_ring_open(config->sources, config->source_count,
                                      previous ? previous->keys : NULL, &generation->keys, err);

    if (st == MU_OK)
        generation->previous = previous;
    return st;
}

void generation_end_unheld(struct generation *generation)
{
    while (generation && generation->previous) {
        struct generation *old = generation->previous;

        if (atomic_load(&old->holders) > 0) {
            generation = old;
            continue;
        }
        generation->previous = old->previous;
        end_one(old);
    }
}

void generation_end(struct generation *generation)
{
    while (generation) {
        struct generation *previous = generation->previous;

        end_one(generation);
        generation = previous;
    }
}

struct generation *generation_hold(struct generation *generation)
{
    atomic_fetch_add(&generation->holders, 1);
    return generation;
}

void generation_release(struct generation *generation)
{
    if (generation)
        atomic_fetch_sub(&generation->holders, 1);
}

/*
 * generation: one reading of the configuration file with the keys of its rules, which lives as long
 * as anybody uses it: the requests that began with it, the watches of its sources, the process
 * until the next reload.
 *
 * Threads: hold and release from any; the rest from one, which also ends generations that are no
 * longer held: that may wait for a fetch of keys under way.
 */
#ifndef INGEST_GENERATION_H
#define INGEST_GENERATION_H

#include "auth/key_ring.h"
#include "config/ingest_config.h"

#include <stdatomic.h>

struct generation {
    struct ingest_config config;
    struct mu_arena *arena;
    struct key_ring *keys;
    atomic_size_t holders;       /* beside the thread that reads and ends them */
    struct generation *previous; /* one that may still be held */
};

/* Reads the file; keys are not there yet. Errors: as ingest_config_read. */
enum mu_status generation_read(const char *path, struct generation **ret_generation,
                               struct mu_error *err) MU_MUST_CHECK;
/* Opens the keys of its rules, shared with `previous`, which comes behind it; on failure it does
 * not. Errors: as key_ring_open. */
enum mu_status generation_follow(struct generation *generation, struct generation *previous,
                                 struct mu_error *err) MU_MUST_CHECK;
/* Ends those behind `generation` that nobody holds. */
void generation_end_unheld(struct generation *generation);
/* Ends it and all behind it. NULL is fine. Nobody holds any. */
void generation_end(struct generation *generation);

struct generation *generation_hold(struct generation *generation);
void generation_release(struct generation *generation); /* NULL is fine */

#endif

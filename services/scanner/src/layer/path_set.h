/*
 * path_set: which paths a layer has, as hashes with what they are, eight bytes each.
 *
 * A path may be added any number of times, also with other flags; in the end it is there once with
 * all of them. The flags take the hash's lowest bits.
 *
 * Threads: one at a time per set. Trust: the count comes from outside and has a maximum.
 */
#ifndef SCANNER_LAYER_PATH_SET_H
#define SCANNER_LAYER_PATH_SET_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum path_flag {
    PATH_NO_DIRECTORY = 1 << 0, /* a file, link or device */
    PATH_DIRECTORY = 1 << 1,    /* an entry of its own */
    PATH_PARENT = 1 << 2,       /* something lies below it */
    PATH_FLAGS = 7
};

struct path_set {
    uint64_t *items;
    size_t count, capacity, max_count;
};

void path_set_init(struct path_set *set, size_t max_count);
void path_set_done(struct path_set *set);

/* Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status path_set_add(struct path_set *set, uint64_t hash, unsigned flags,
                            struct mu_error *err) MU_MUST_CHECK;
/* Sorts; `items` then ascend and no two have the same hash. */
void path_set_finish(struct path_set *set);

/* The flags of a path among sorted items; 0: it is not there. */
unsigned path_set_flags(const uint64_t *items, size_t count, uint64_t hash);

#endif

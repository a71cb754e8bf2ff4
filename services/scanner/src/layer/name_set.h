/*
 * name_set: which paths of a layer were put into its summary by name so far, as hashes with flags.
 *
 * Threads: one at a time per set. Trust: the count is bounded by who adds.
 */
#ifndef SCANNER_LAYER_NAME_SET_H
#define SCANNER_LAYER_NAME_SET_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum name_flag {
    NAME_ENTRY = 1 << 0,
    NAME_PARENT = 1 << 1, /* such an entry lies below */
    NAME_SYMLINK = 1 << 2,
    NAME_FLAGS = 7
};

enum { NAME_SET_SLOTS_MAX = 2 * 1024 * 1024 }; /* three quarters are used at most */

struct name_set {
    uint64_t *slots; /* 0: free */
    size_t count, capacity;
};

void name_set_done(struct name_set *set);
/* Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status name_set_add(struct name_set *set, uint64_t hash, unsigned flags,
                            struct mu_error *err) MU_MUST_CHECK;
unsigned name_set_flags(const struct name_set *set, uint64_t hash); /* 0: not there */

#endif

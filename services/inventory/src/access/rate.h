/*
 * rate: how many requests each principal may make: a bucket of tokens each, that holds two seconds'
 * worth and fills at the rate.
 *
 * Threads: any. Memory is fixed: of more principals than there are places, who was away for longest
 * gives up his bucket, which is then full again.
 */
#ifndef INVENTORY_RATE_H
#define INVENTORY_RATE_H

#include "base/scope.h"

#include <stdbool.h>
#include <stdint.h>

struct rate;

/* `per_second` 0: no limit. */
struct rate *rate_new(int64_t per_second);
void rate_free(struct rate *rate); /* NULL is fine */

/* Takes one; false when there is none, with the whole seconds after which there will be, at least
 * 1. `now_ms` is monotonic. */
bool rate_take(struct rate *rate, const char *principal, uint64_t now_ms, unsigned *ret_wait_s);

MU_DEFINE_AUTO(rate, struct rate, rate_free)

#endif

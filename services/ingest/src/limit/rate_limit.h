/*
 * rate_limit: how many requests a second a source may send: a bucket of one second's worth of
 * tokens, as the generic cell rate algorithm (ITU-T I.371, annex A): one time stamp says it all.
 *
 * Threads: any, wait-free but for retries.
 */
#ifndef INGEST_RATE_LIMIT_H
#define INGEST_RATE_LIMIT_H

#include <stdatomic.h>
#include <stdint.h>

struct rate_limit {
    int64_t per_second;            /* from 1 to 1,000,000 */
    _Atomic(int64_t) full_from_us; /* monotonic: when the bucket is full again; 0 at first */
};

/* Takes a token: 0; or, when there is none, the microseconds until there is one. */
int64_t rate_limit_take(struct rate_limit *limit, int64_t now_us);

#endif

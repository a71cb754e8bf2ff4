#include "access/rate.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>

enum { PLACES = 4096, PROBES = 8, SCALE = 1000, BURST_S = 2 };

/* FNV-1a, 64 bits: two principals are taken for one once in 2^64. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_STEP  UINT64_C(0x100000001b3)

struct bucket {
    uint64_t principal; /* 0: free */
    uint64_t level;     /* thousandths of a request */
    uint64_t at_ms;
};

struct rate {
    uint64_t per_second;
    pthread_mutex_t lock;
    struct bucket buckets[PLACES];
};

struct rate *rate_new(int64_t per_second)
{
    struct rate *rate = mu_xcalloc(1, sizeof(*rate));

    rate->per_second = (uint64_t)(per_second > 0 ? per_second : 0);
    (void)pthread_mutex_init(&rate->lock, NULL);
    return rate;
}

void rate_free(struct rate *rate)
{
    if (!rate)
        return;
    (void)pthread_mutex_destroy(&rate->lock);
    free(rate);
}

static uint64_t hash_of(const char *principal)
{
    uint64_t hash = HASH_START;

    for (; *principal; principal++)
        hash = (hash ^ (unsigned char)*principal) * HASH_STEP;
    return hash | 1;
}

/* The principal's bucket; else a free one, or that of who was away for longest. */
static struct bucket *find(struct rate *rate, uint64_t principal)
{
    struct bucket *oldest = NULL;

    for (uint64_t i = 0; i < PROBES; i++) {
        struct bucket *bucket = &rate->buckets[(principal + i) % PLACES];

        if (bucket->principal == principal)
            return bucket;
        if (!oldest || (oldest->principal && bucket->at_ms < oldest->at_ms))
            oldest = bucket;
    }
    return oldest;
}

static void fill(const struct rate *rate, struct bucket *bucket, uint64_t now_ms)
{
    uint64_t full = rate->per_second * BURST_S * SCALE;
    uint64_t passed_ms = now_ms > bucket->at_ms ? now_ms - bucket->at_ms : 0;

    if (passed_ms > (uint64_t)BURST_S * 1000)
        passed_ms = (uint64_t)BURST_S * 1000;
    bucket->level += passed_ms * rate->per_second; /* a thousandth a millisecond */
    if (bucket->level > full)
        bucket->level = full;
    bucket->at_ms = now_ms;
}

bool rate_take(struct rate *rate, const char *principal, uint64_t now_ms, unsigned *ret_wait_s)
{
    uint64_t own = hash_of(principal);
    struct bucket *bucket;
    bool there;

    if (rate->per_second == 0)
        return true;
    (void)pthread_mutex_lock(&rate->lock);
    bucket = find(rate, own);
    if (bucket->principal != own)
        *bucket = (struct bucket){own, rate->per_second * BURST_S * SCALE, now_ms};
    fill(rate, bucket, now_ms);
    there = bucket->level >= SCALE;
    if (there)
        bucket->level -= SCALE;
    (void)pthread_mutex_unlock(&rate->lock);
    if (!there)
        *ret_wait_s = 1; /* the rate is one a second at least */
    return there;
}

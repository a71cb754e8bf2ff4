#include "limit/rate_limit.h"

static const int64_t second_us = 1000000;

int64_t rate_limit_take(struct rate_limit *limit, int64_t now_us)
{
    const int64_t token_us = second_us / limit->per_second;
    int64_t full_from_us = atomic_load_explicit(&limit->full_from_us, memory_order_relaxed);
    int64_t from_us;

    do {
        from_us = full_from_us > now_us ? full_from_us : now_us;
        if (from_us + token_us - now_us > second_us)
            return from_us + token_us - now_us - second_us;
    } while (!atomic_compare_exchange_weak_explicit(&limit->full_from_us, &full_from_us,
                                                    from_us + token_us, memory_order_relaxed,
                                                    memory_order_relaxed));
    return 0;
}

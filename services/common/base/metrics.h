/*
 * metrics: counters and gauges in the Prometheus text format (version 0.0.4).
 *
 * A metric is a static object, registered by its first use in mu_metrics_render's
 * list; labels are fixed per object ("source=\"main\""), so cardinality is bounded by the code.
 *
 * Threads: mu_metric_add and mu_metric_set from any thread, wait-free.
 */
#ifndef MU_BASE_METRICS_H
#define MU_BASE_METRICS_H

#include "base/buf.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { MU_CACHE_LINE_BYTES = 64 };

enum mu_metric_type { MU_METRIC_COUNTER, MU_METRIC_GAUGE };

struct mu_metric {
    const char *name; /* "muster_ingest_events_total" */
    const char
            *labels; /* "outcome=\"accepted\"" or NULL; adjacent entries of one name share help */
    const char *help;
    enum mu_metric_type type;
    /* In a cache line of its own: threads that count different things do not disturb each other. */
    alignas(MU_CACHE_LINE_BYTES) _Atomic int64_t value;
};

static inline void mu_metric_add(struct mu_metric *metric, int64_t delta)
{
    atomic_fetch_add_explicit(&metric->value, delta, memory_order_relaxed);
}

static inline void mu_metric_set(struct mu_metric *metric, int64_t value)
{
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void mu_metrics_render(struct mu_metric *const *metrics, size_t metric_count, struct mu_buf *out);

#endif

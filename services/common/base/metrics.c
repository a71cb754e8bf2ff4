#include "base/metrics.h"

#include "base/text.h"

static const char *type_name(enum mu_metric_type type)
{
    switch (type) {
    case MU_METRIC_COUNTER:
        return "counter";
    case MU_METRIC_GAUGE:
        return "gauge";
    }
    return "untyped";
}

void mu_metrics_render(struct mu_metric *const *metrics, size_t metric_count, struct mu_buf *out)
{
    const char *previous = NULL;

    for (size_t i = 0; i < metric_count; i++) {
        const struct mu_metric *metric = metrics[i];
        long long value = atomic_load_explicit(&metric->value, memory_order_relaxed);

        if (!mu_text_equal(metric->name, previous))
            mu_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                          metric->name, type_name(metric->type));
        if (metric->labels)
            mu_buf_printf(out, "%s{%s} %lld\n", metric->name, metric->labels, value);
        else
            mu_buf_printf(out, "%s %lld\n", metric->name, value);
        previous = metric->name;
    }
}

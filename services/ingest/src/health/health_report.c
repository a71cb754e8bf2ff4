/* The rows for people and programs. */
#include "health/health.h"

#include "json/json_doc.h"

static const int64_t second_us = INT64_C(1000000);

/* ---- GET /v1/sources ---- */

static json_t *time_json(int64_t at_us)
{
    char text[MU_TIME_TEXT_SIZE];

    if (at_us == MU_TIME_NONE)
        return json_null();
    mu_time_format(at_us, text);
    return json_string(text);
}

static json_t *seconds_json(int64_t us, bool known)
{
    return known ? json_real((double)us / (double)second_us) : json_null();
}

static json_t *row_json(const struct health_row *row)
{
    return json_pack(
            "{s:s, s:s, s:s, s:o, s:I, s:I, s:f, s:o, s:o, s:o, s:I, s:o, s:o}", "name", row->name,
            "kind", row->kind, "state", health_state_name(row->state), "last_event_at",
            time_json(row->last_event_at_us), "events_total", (json_int_t)row->events_total,
            "events_last_hour", (json_int_t)row->events_last_hour, "events_per_minute",
            (double)row->events_last_5_minutes / 5.0, "lag_seconds",
            seconds_json(row->lag_us, row->lag_us >= 0), "usual_interval_seconds",
            seconds_json(row->usual_interval_us, row->usual_interval_us > 0),
            "silent_after_seconds", seconds_json(row->silent_after_us, row->silent_after_us > 0),
            "errors_total", (json_int_t)row->errors_total, "last_error",
            row->last_error[0] ? json_string(row->last_error) : json_null(), "last_error_at",
            time_json(row->last_error_at_us));
}

enum mu_status health_to_json(struct health *health, int64_t now_us, struct mu_buf *out,
                              struct mu_error *err)
{
    json_auto_t *root = json_pack("{s:[]}", "sources");
    struct health_row row;

    for (size_t i = 0; health_row_at(health, i, now_us, &row); i++)
        if (row.kind &&
            json_array_append_new(json_object_get(root, "sources"), row_json(&row)) != 0)
            return mu_fail(err, MU_E_NOMEM, "out of memory");
    return root ? mu_json_print(root, out, err) : mu_fail(err, MU_E_NOMEM, "out of memory");
}

/* ---- GET /metrics ---- */

static double last_event(const struct health_row *row)
{
    return row->last_event_at_us == MU_TIME_NONE
                   ? 0
                   : (double)row->last_event_at_us / (double)second_us;
}

static double events(const struct health_row *row)
{
    return (double)row->events_total;
}

static double errors(const struct health_row *row)
{
    return (double)row->errors_total;
}

static double lag(const struct health_row *row)
{
    return row->lag_us < 0 ? 0 : (double)row->lag_us / (double)second_us;
}

static double silent(const struct health_row *row)
{
    return row->state == HEALTH_SILENT;
}

static double silent_after(const struct health_row *row)
{
    return (double)row->silent_after_us / (double)second_us;
}

static const struct source_metric {
    const char *name, *type, *help;
    double (*value)(const struct health_row *row);
} source_metrics[] = {
        {"events_total", "counter", "Events of a source, kept over restarts.", events},
        {"errors_total", "counter", "What a source sent and could not be taken.", errors},
        {"last_event_timestamp_seconds", "gauge", "When a source last sent an event; 0: never.",
         last_event},
        {"lag_seconds", "gauge", "Between a source's last event and its arrival.", lag},
        {"silent", "gauge", "1 when a source has said nothing for longer than it may.", silent},
        {"silent_after_seconds", "gauge", "How long a source may say nothing; 0: for ever.",
         silent_after},
};

static void render_one(struct health *health, const struct source_metric *metric, int64_t now_us,
                       struct mu_buf *out)
{
    struct health_row row;

    mu_buf_printf(out, "# HELP muster_ingest_source_%s %s\n# TYPE muster_ingest_source_%s %s\n",
                  metric->name, metric->help, metric->name, metric->type);
    for (size_t i = 0; health_row_at(health, i, now_us, &row); i++)
        if (row.kind) /* names hold nothing that a label would have to escape */
            mu_buf_printf(out, "muster_ingest_source_%s{source=\"%s\",kind=\"%s\"} %.15g\n",
                          metric->name, row.name, row.kind, metric->value(&row));
}

void health_render(struct health *health, int64_t now_us, struct mu_buf *out)
{
    for (size_t i = 0; i < sizeof(source_metrics) / sizeof(source_metrics[0]); i++)
        render_one(health, &source_metrics[i], now_us, out);
}

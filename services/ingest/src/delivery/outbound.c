#include "delivery/outbound.h"

#include "health/health.h"
#include "metrics/metrics.h"

#include "base/sha256.h"

#include <string.h>

/* Identity of an event: what makes the same webhook, delivered twice, one event (design.md section
 * 3). */
static void identify(const struct source_input *input, const struct source_event *event,
                     struct mu_msg_envelope *envelope, char id[MU_UUID_TEXT_SIZE])
{
    const char *parts[3] = {input->source->name, NULL, NULL};

    envelope->time_us = input->received_at_us;
    if (event->type == MU_MSG_REGISTRY_EVENT) {
        const struct mu_registry_event *registry = event->message;

        parts[1] = registry->source_event_id;
        envelope->time_us = registry->occurred_at_us;
    } else if (event->type == MU_MSG_WORKLOAD_EVENT) {
        const struct mu_workload_event *workload = event->message;

        parts[1] = workload->source_event_id;
        envelope->time_us = workload->occurred_at_us;
    } else {
        const struct mu_quarantine_record *record = event->message;

        parts[1] = record->payload_digest;
        parts[2] = record->reason;
    }
    mu_stable_id(mu_msg_descriptor(event->type)->ce_type, parts, 3, id);
}

static enum mu_topic topic_of(enum mu_msg_type type)
{
    if (type == MU_MSG_REGISTRY_EVENT)
        return MU_TOPIC_REGISTRY_EVENTS;
    return type == MU_MSG_WORKLOAD_EVENT ? MU_TOPIC_WORKLOAD_EVENTS : MU_TOPIC_QUARANTINE;
}

static enum mu_status encode(const struct source_input *input, const struct source_event *event,
                             struct mu_outgoing *ret_message, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf value;
    enum mu_status st;

    mu_buf_init(&value, 4 * MU_MSG_MAX_BYTES);
    st = mu_msg_encode(event->type, event->message, &value, err);
    if (st != MU_OK)
        return st;
    ret_message->value = mu_arena_strndup(input->arena, value.data, value.len);
    ret_message->value_len = value.len;
    return ret_message->value ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");
}

static enum mu_status make_one(const struct source_input *input, const struct source_event *event,
                               const char *parent, struct mu_outgoing *ret_message,
                               struct mu_error *err)
{
    struct mu_msg_envelope *envelope = &ret_message->envelope;
    char id[MU_UUID_TEXT_SIZE], traceparent[MU_TRACEPARENT_SIZE];
    enum mu_status st = encode(input, event, ret_message, err);

    if (st != MU_OK)
        return st;
    identify(input, event, envelope, id);
    mu_traceparent_new(parent, traceparent);
    envelope->type = event->type;
    envelope->id = mu_arena_strdup(input->arena, id);
    envelope->source = mu_arena_concat(input->arena, "/muster/ingest/", input->source->name, NULL);
    envelope->traceparent = mu_arena_strdup(input->arena, traceparent);
    ret_message->topic = topic_of(event->type);
    ret_message->key = event->key;
    if (!envelope->id || !envelope->source || !envelope->traceparent)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    return MU_OK;
}

/* Encodes what can be; `ret_bad` events are taken out, the first one's reason in `why`. */
static enum mu_status make_good(const struct source_input *input, struct source_events *events,
                                const char *parent, struct mu_outgoing *messages, size_t *ret_bad,
                                struct mu_error *why)
{
    size_t kept = 0, bad = 0;

    for (size_t i = 0; i < events->count; i++) {
        struct mu_error failure;
        enum mu_status st = make_one(input, &events->items[i], parent, &messages[kept], &failure);

        if (st == MU_OK) {
            events->items[kept++] = events->items[i];
            continue;
        }
        if (bad++ == 0 || st == MU_E_NOMEM)
            *why = failure;
        if (st == MU_E_NOMEM)
            return st;
        messages[kept] = (struct mu_outgoing){0};
    }
    events->count = kept;
    *ret_bad = bad;
    return MU_OK;
}

static void count_events(const struct source_events *events)
{
    for (size_t i = 0; i < events->count; i++)
        mu_metric_add(events->items[i].type == MU_MSG_QUARANTINE_RECORD ? &metric_events_quarantined
                                                                        : &metric_events_accepted,
                      1);
    mu_metric_add(&metric_events_ignored, (int64_t)events->ignored);
}

/* True of what the source said itself; its time in `ret_occurred_at_us`. */
static bool is_told(const struct source_event *event, int64_t *ret_occurred_at_us)
{
    if (event->type == MU_MSG_REGISTRY_EVENT) {
        const struct mu_registry_event *registry = event->message;

        *ret_occurred_at_us = registry->occurred_at_us;
        return !registry->reconcile;
    }
    if (event->type == MU_MSG_WORKLOAD_EVENT) {
        const struct mu_workload_event *workload = event->message;

        *ret_occurred_at_us = workload->occurred_at_us;
        return !workload->reconcile;
    }
    return false;
}

/* What is of no interest is a sign of life too; what only a listing found is none. */
static void note_health(const struct source_input *input, const struct source_events *events)
{
    struct source_health *row = input->source->health;
    int64_t occurred_at_us, newest_us = MU_TIME_NONE;
    size_t told = 0, rejected = 0;

    for (size_t i = 0; row && i < events->count; i++) {
        if (events->items[i].type == MU_MSG_QUARANTINE_RECORD) {
            const struct mu_quarantine_record *record = events->items[i].message;

            source_health_failed(row, input->received_at_us, record->reason);
            rejected++;
        } else if (is_told(&events->items[i], &occurred_at_us)) {
            newest_us = occurred_at_us > newest_us ? occurred_at_us : newest_us;
            told++;
        }
    }
    if (told > 0 || rejected == events->count)
        source_health_heard(row, input->received_at_us, told, newest_us);
}

enum mu_status outbound_make(const struct source_input *input, struct source_events *events,
                             const char *parent, struct mu_outgoing **ret_messages,
                             struct mu_error *err)
{
    struct mu_outgoing *messages =
            mu_arena_alloc(input->arena, (events->count + 1) * sizeof(struct mu_outgoing));
    struct mu_error why;
    size_t bad = 0;
    enum mu_status st = messages ? make_good(input, events, parent, messages, &bad, err)
                                 : mu_fail(err, MU_E_NOMEM, "out of memory");

    if (st == MU_OK && bad > 0) {
        why = *err;
        st = source_events_reject(input, events, input->body, input->len, &why, err);
        if (st == MU_OK)
            st = make_one(input, &events->items[events->count - 1], parent,
                          &messages[events->count - 1], err);
    }
    if (st != MU_OK)
        return st;
    count_events(events);
    note_health(input, events);
    *ret_messages = messages;
    return MU_OK;
}

#include "delivery/outbound.h"

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
    envelope->source = mu_arena_printf(input->arena, "/muster/ingest/%s", input->source->name);
    envelope->traceparent = mu_arena_strdup(input->arena, traceparent);
    ret_message->topic = topic_of(event->type);
    ret_message->key = event->key;
    if (!envelope->id || !envelope->source || !envelope->traceparent)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    return MU_OK;
}

/* An event that breaks its own schema (a name too long, too many members) goes where people see it.
 */
static enum mu_status quarantine_instead(const struct source_input *input,
                                         struct source_events *events, size_t index,
                                         const struct mu_error *why, struct mu_error *err)
{
    enum mu_status st = source_events_reject(input, events, input->body, input->len, why, err);

    if (st == MU_OK)
        events->items[index] = events->items[--events->count];
    return st;
}

static void count_event(const struct source_event *event)
{
    mu_metric_add(event->type == MU_MSG_QUARANTINE_RECORD ? &metric_events_quarantined
                                                          : &metric_events_accepted,
                  1);
}

enum mu_status outbound_make(const struct source_input *input, struct source_events *events,
                             const char *parent, struct mu_outgoing **ret_messages,
                             struct mu_error *err)
{
    struct mu_outgoing *messages =
            mu_arena_alloc(input->arena, (events->count + 1) * sizeof(struct mu_outgoing));
    enum mu_status st = messages ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");

    for (size_t i = 0; st == MU_OK && i < events->count; i++) {
        struct mu_error why;

        st = make_one(input, &events->items[i], parent, &messages[i], &why);
        if ((st == MU_E_INVALID || st == MU_E_LIMIT) &&
            events->items[i].type != MU_MSG_QUARANTINE_RECORD) {
            st = quarantine_instead(input, events, i, &why, err);
            if (st == MU_OK)
                st = make_one(input, &events->items[i], parent, &messages[i], err);
        } else if (st != MU_OK) {
            *err = why;
        }
        if (st == MU_OK)
            count_event(&events->items[i]);
    }
    mu_metric_add(&metric_events_ignored, (int64_t)events->ignored);
    if (st == MU_OK)
        *ret_messages = messages;
    return st;
}

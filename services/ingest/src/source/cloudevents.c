/*
 * CloudEvents 1.0 over HTTP: structured, batched and binary (CloudEvents HTTP protocol binding,
 * section 3).
 *
 * Understood types are Muster's own: muster.registry-event.v1 and muster.workload-event.v1, with
 * their schema's data. The sender's (source, id) is the event's identity.
 */
#include "source/source.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>
#include <strings.h>

static const struct mu_json_limits limits = {SOURCE_MAX_BODY_BYTES, 32};

struct attributes {
    const char *id, *source, *type, *specversion;
};

enum { EVENT_ID_MAX_BYTES = 512 }; /* schemas/registry-event.v1.schema.json, source_event_id */

/* "source#id"; where that is too long, or could be read in two ways, a hash of both. */
static const char *source_event_id(const struct source_input *input,
                                   const struct attributes *attributes)
{
    size_t len = strlen(attributes->source) + 1 + strlen(attributes->id);
    char id[MU_UUID_TEXT_SIZE];

    if (len <= EVENT_ID_MAX_BYTES && !strchr(attributes->source, '#'))
        return mu_arena_printf(input->arena, "%s#%s", attributes->source, attributes->id);
    mu_stable_id("cloudevents", (const char *const[]){attributes->source, attributes->id}, 2, id);
    return mu_arena_strdup(input->arena, id);
}

static enum mu_status check_attributes(const struct attributes *attributes, struct mu_error *err)
{
    const struct {
        const char *name, *value;
    } required[] = {{"specversion", attributes->specversion},
                    {"id", attributes->id},
                    {"source", attributes->source},
                    {"type", attributes->type}};

    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
        if (!required[i].value || !*required[i].value)
            return mu_fail(err, MU_E_INVALID, "CloudEvents attribute '%s' is missing",
                           required[i].name);
    if (!mu_text_equal(attributes->specversion, "1.0"))
        return mu_fail(err, MU_E_INVALID, "CloudEvents specversion '%.20s' is not 1.0",
                       attributes->specversion);
    return MU_OK;
}

/* What is ours to say is not the sender's: source, kind, id and the time we learned of it. */
static enum mu_status add_registry(const struct source_input *input, const json_t *data,
                                   const struct attributes *attributes,
                                   struct source_events *events, struct mu_error *err)
{
    struct mu_registry_event *message = mu_arena_alloc(input->arena, sizeof(*message));
    enum mu_status st =
            message ? mu_json_decode(&mu_registry_event_object, data, input->arena, message, err)
                    : mu_fail(err, MU_E_NOMEM, "out of memory");

    if (st != MU_OK)
        return st;
    message->source = input->source->name;
    message->source_kind = "cloudevents";
    message->source_event_id = source_event_id(input, attributes);
    message->received_at_us = input->received_at_us;
    message->repository = source_alias(input, message->repository);
    return source_events_add(events, MU_MSG_REGISTRY_EVENT, message, message->repository, err);
}

static enum mu_status add_workload(const struct source_input *input, const json_t *data,
                                   const struct attributes *attributes,
                                   struct source_events *events, struct mu_error *err)
{
    struct mu_workload_event *message = mu_arena_alloc(input->arena, sizeof(*message));
    enum mu_status st =
            message ? mu_json_decode(&mu_workload_event_object, data, input->arena, message, err)
                    : mu_fail(err, MU_E_NOMEM, "out of memory");

    if (st != MU_OK)
        return st;
    message->source = input->source->name;
    message->source_kind = "cloudevents";
    message->source_event_id = source_event_id(input, attributes);
    message->received_at_us = input->received_at_us;
    return source_events_add(events, MU_MSG_WORKLOAD_EVENT, message, message->pod_uid, err);
}

static enum mu_status add_event(const struct source_input *input, const json_t *data,
                                const struct attributes *attributes, struct source_events *events,
                                struct mu_error *err)
{
    enum mu_status st = check_attributes(attributes, err);

    if (st != MU_OK)
        return st;
    if (!data)
        return mu_fail(err, MU_E_INVALID, "data: is missing");
    switch (mu_msg_type_of(attributes->type)) {
    case MU_MSG_REGISTRY_EVENT:
        return add_registry(input, data, attributes, events, err);
    case MU_MSG_WORKLOAD_EVENT:
        return add_workload(input, data, attributes, events, err);
    case MU_MSG_SCAN_REQUEST:
    case MU_MSG_SCAN_RESULT:
    case MU_MSG_QUARANTINE_RECORD:
    case MU_MSG_NOTIFICATION:
    case MU_MSG_TYPE_COUNT:
        break;
    }
    return mu_fail(err, MU_E_INVALID, "type '%.100s' is not understood", attributes->type);
}

static enum mu_status add_structured(const struct source_input *input, const json_t *event,
                                     struct source_events *events, struct mu_error *err)
{
    struct attributes attributes = {.id = mu_json_text_at(event, "id"),
                                    .source = mu_json_text_at(event, "source"),
                                    .type = mu_json_text_at(event, "type"),
                                    .specversion = mu_json_text_at(event, "specversion")};

    return add_event(input, json_object_get(event, "data"), &attributes, events, err);
}

static enum mu_status decode_structured(const struct source_input *input,
                                        struct source_events *events, struct mu_error *err)
{
    json_auto_t *root = NULL;
    enum mu_status st = mu_json_parse(input->body, input->len, &limits, &root, err);

    return st == MU_OK ? add_structured(input, root, events, err) : st;
}

static enum mu_status reject_one(const struct source_input *input, const json_t *event,
                                 size_t index, struct mu_error *why, struct source_events *events,
                                 struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st;

    (void)mu_wrap(why, "event %zu of the batch", index);
    mu_buf_init(&text, SOURCE_MAX_BODY_BYTES);
    st = mu_json_print(event, &text, err);
    return st == MU_OK ? source_events_reject(input, events, text.data, text.len, why, err) : st;
}

static enum mu_status decode_batch(const struct source_input *input, struct source_events *events,
                                   struct mu_error *err)
{
    json_auto_t *root = NULL;
    const json_t *event;
    size_t index;
    enum mu_status st = mu_json_parse(input->body, input->len, &limits, &root, err);

    if (st != MU_OK)
        return st;
    if (!json_is_array(root))
        return mu_fail(err, MU_E_INVALID, "a CloudEvents batch must be an array");
    json_array_foreach (root, index, event) {
        struct mu_error why;

        st = add_structured(input, event, events, &why);
        if (st == MU_E_INVALID || st == MU_E_LIMIT)
            st = reject_one(input, event, index, &why, events, err);
        else if (st != MU_OK)
            *err = why;
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

static const char *header(const struct source_input *input, const char *name)
{
    return input->header ? input->header(input->opaque, name) : NULL;
}

/* Header values are percent-encoded (HTTP protocol binding, section 3.1.3.2). */
static const char *attribute(const struct source_input *input, const char *name)
{
    const char *value = header(input, name);
    char *text = value ? mu_arena_strdup(input->arena, value) : NULL, *to = text;
    uint8_t byte;

    for (const char *at = text; at && *at; at++) {
        bool escape =
                *at == '%' && mu_hex_decode(at + 1, strnlen(at + 1, 2), &byte, 1) && byte != 0;

        *to++ = escape ? (char)byte : *at;
        at += escape ? 2 : 0;
    }
    if (to)
        *to = '\0';
    return text;
}

static enum mu_status decode_binary(const struct source_input *input, struct source_events *events,
                                    struct mu_error *err)
{
    struct attributes attributes = {.id = attribute(input, "ce-id"),
                                    .source = attribute(input, "ce-source"),
                                    .type = attribute(input, "ce-type"),
                                    .specversion = attribute(input, "ce-specversion")};
    json_auto_t *root = NULL;
    enum mu_status st = mu_json_parse(input->body, input->len, &limits, &root, err);

    return st == MU_OK ? add_event(input, root, &attributes, events, err) : st;
}

static bool is_type(const struct source_input *input, const char *media_type)
{
    return input->content_type &&
           strncasecmp(input->content_type, media_type, strlen(media_type)) == 0;
}

enum mu_status cloudevents_decode(const struct source_input *input,
                                  struct source_events *ret_events, struct mu_error *err)
{
    if (is_type(input, "application/cloudevents-batch+json"))
        return decode_batch(input, ret_events, err);
    if (is_type(input, "application/cloudevents+json"))
        return decode_structured(input, ret_events, err);
    if (header(input, "ce-specversion"))
        return decode_binary(input, ret_events, err);
    /* Senders that forget the media type are common; what the body looks like decides. */
    if (input->body[strspn(input->body, " \t\r\n")] == '[')
        return decode_batch(input, ret_events, err);
    return decode_structured(input, ret_events, err);
}

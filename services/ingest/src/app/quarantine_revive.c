#include "app/quarantine_revive.h"

#include "delivery/outbound.h"
#include "source/kept_headers.h"
#include "source/kind.h"
#include "source/source.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- a webhook's body, or an event of it ---- */

/* The shape's list, when the record is one event of it: its reason begins "events[3]". */
static const char *list_of(const struct source_kind *kind, const char *reason)
{
    for (size_t i = 0; i < kind->shape_count; i++) {
        const char *each = kind->shapes[i].each;

        if (each && mu_text_starts(reason, each) && reason[strlen(each)] == '[')
            return each;
    }
    return NULL;
}

/* {"a":{"b":[EVENT]}} around one event that was in the list "a.b", or "/a.b" from the root. */
static const char *wrap(struct mu_arena *arena, const char *each, const struct mu_buf *payload,
                        size_t *ret_len)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    size_t depth = 0;

    mu_buf_init(&body, SOURCE_MAX_BODY_BYTES);
    each += *each == '/';
    for (const char *at = each; *at; depth++) {
        size_t len = strcspn(at, ".");

        mu_buf_puts(&body, "{");
        mu_text_to_json(at, len, &body);
        mu_buf_puts(&body, ":");
        at += len + (at[len] == '.');
    }
    mu_buf_puts(&body, "[");
    mu_buf_append(&body, payload->data, payload->len);
    mu_buf_puts(&body, "]");
    while (depth-- > 0)
        mu_buf_puts(&body, "}");
    *ret_len = body.len;
    return body.failed ? NULL : mu_arena_strndup(arena, body.data, body.len);
}

/* The reason why a part of it is still refused; NULL when all is understood. */
static const char *still_refused(const struct source_events *events)
{
    for (size_t i = 0; i < events->count; i++)
        if (events->items[i].type == MU_MSG_QUARANTINE_RECORD)
            return ((const struct mu_quarantine_record *)events->items[i].message)->reason;
    return NULL;
}

static enum mu_status decode(const struct source_input *input, struct revived *ret_revived,
                             struct mu_error *err)
{
    struct source_events events = {.arena = input->arena};
    const char *refused;
    enum mu_status st = source_decode(input, &events, err);

    if (st == MU_OK)
        st = outbound_make(input, &events, NULL, &ret_revived->messages, err);
    if (st != MU_OK)
        return st;
    refused = still_refused(&events);
    if (refused)
        return mu_fail(err, MU_E_INVALID, "still not understood: %s", refused);
    ret_revived->count = events.count;
    ret_revived->ignored = events.ignored;
    return MU_OK;
}

static enum mu_status revive_body(const struct mu_quarantine_record *record,
                                  const struct ingest_config *config, const struct mu_buf *payload,
                                  struct mu_arena *arena, struct revived *ret_revived,
                                  struct mu_error *err)
{
    const struct source_config *source = config ? ingest_config_find(config, record->source) : NULL;
    struct source_config quiet;
    struct mu_json_map headers = record->headers;
    struct source_input input = {.source = &quiet,
                                 .content_type = record->content_type,
                                 .header = kept_headers_find,
                                 .opaque = &headers,
                                 .body = payload->data,
                                 .len = payload->len,
                                 .received_at_us = record->received_at_us,
                                 .arena = arena};
    const char *each;

    if (!source)
        return mu_fail(err, MU_E_INVALID, "source '%.64s' is not in the file of --config",
                       record->source);
    quiet = *source;
    quiet.health = NULL;
    each = list_of(source->kind, record->reason);
    if (each)
        input.body = wrap(arena, each, payload, &input.len);
    return input.body ? decode(&input, ret_revived, err)
                      : mu_fail(err, MU_E_NOMEM, "out of memory");
}

/* ---- a message ---- */

/* What a message says of itself becomes the envelope it had (delivery/outbound.c). */
static enum mu_status revive_event(enum mu_msg_type type, void *message, int64_t received_at_us,
                                   const char *source_name, const char *key, struct mu_arena *arena,
                                   struct revived *ret_revived, struct mu_error *err)
{
    struct source_config source = {.name = source_name};
    struct source_input input = {
            .source = &source, .body = "", .received_at_us = received_at_us, .arena = arena};
    struct source_event event = {type, message, key};
    struct source_events events = {.arena = arena, .items = &event, .count = 1, .capacity = 1};

    source.kind = source_kinds[0]; /* a name for a quarantine record that is not made */
    ret_revived->count = 1;
    return outbound_make(&input, &events, NULL, &ret_revived->messages, err);
}

static enum mu_status revive_registry(const struct mu_buf *payload, struct mu_arena *arena,
                                      struct revived *ret_revived, struct mu_error *err)
{
    struct mu_registry_event *event = mu_arena_alloc(arena, sizeof(*event));
    enum mu_status st = event ? mu_msg_decode(MU_MSG_REGISTRY_EVENT, payload->data, payload->len,
                                              arena, event, err)
                              : mu_fail(err, MU_E_NOMEM, "out of memory");

    return st == MU_OK ? revive_event(MU_MSG_REGISTRY_EVENT, event, event->received_at_us,
                                      event->source, event->repository, arena, ret_revived, err)
                       : st;
}

static enum mu_status revive_workload(const struct mu_buf *payload, struct mu_arena *arena,
                                      struct revived *ret_revived, struct mu_error *err)
{
    struct mu_workload_event *event = mu_arena_alloc(arena, sizeof(*event));
    enum mu_status st = event ? mu_msg_decode(MU_MSG_WORKLOAD_EVENT, payload->data, payload->len,
                                              arena, event, err)
                              : mu_fail(err, MU_E_NOMEM, "out of memory");

    return st == MU_OK ? revive_event(MU_MSG_WORKLOAD_EVENT, event, event->received_at_us,
                                      event->source, event->pod_uid, arena, ret_revived, err)
                       : st;
}

static enum mu_status envelope_of(enum mu_msg_type type, const char *id, const char *source,
                                  const char *key, int64_t time_us, struct mu_arena *arena,
                                  struct revived *ret_revived, struct mu_error *err)
{
    struct mu_outgoing *message = mu_arena_alloc(arena, sizeof(*message));
    char traceparent[MU_TRACEPARENT_SIZE];

    if (!message)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    mu_traceparent_new(NULL, traceparent);
    message->key = key;
    message->envelope =
            (struct mu_msg_envelope){.type = type,
                                     .id = mu_arena_strdup(arena, id),
                                     .source = source,
                                     .time_us = time_us,
                                     .traceparent = mu_arena_strdup(arena, traceparent)};
    ret_revived->messages = message;
    ret_revived->count = 1;
    return MU_OK;
}

static enum mu_status revive_result(const struct mu_buf *payload, struct mu_arena *arena,
                                    struct revived *ret_revived, struct mu_error *err)
{
    struct mu_scan_result result;
    char id[MU_UUID_TEXT_SIZE];
    enum mu_status st =
            mu_msg_decode(MU_MSG_SCAN_RESULT, payload->data, payload->len, arena, &result, err);

    if (st != MU_OK)
        return st;
    mu_stable_id("muster.scan-result.v1", (const char *const[]){result.request_id}, 1, id);
    return envelope_of(MU_MSG_SCAN_RESULT, id, "/muster/scanner", result.digest,
                       result.finished_at_us, arena, ret_revived, err);
}

static enum mu_status revive_request(const struct mu_buf *payload, struct mu_arena *arena,
                                     struct revived *ret_revived, struct mu_error *err)
{
    struct mu_scan_request request;
    enum mu_status st =
            mu_msg_decode(MU_MSG_SCAN_REQUEST, payload->data, payload->len, arena, &request, err);

    return st == MU_OK
                   ? envelope_of(MU_MSG_SCAN_REQUEST, request.request_id, "/muster/inventory",
                                 request.digest, request.requested_at_us, arena, ret_revived, err)
                   : st;
}

static const struct {
    enum mu_topic topic;
    enum mu_status (*revive)(const struct mu_buf *payload, struct mu_arena *arena,
                             struct revived *ret_revived, struct mu_error *err);
} topics[] = {
        {MU_TOPIC_REGISTRY_EVENTS, revive_registry},
        {MU_TOPIC_WORKLOAD_EVENTS, revive_workload},
        {MU_TOPIC_SCAN_RESULTS, revive_result},
        {MU_TOPIC_SCAN_REQUESTS_URGENT, revive_request},
        {MU_TOPIC_SCAN_REQUESTS_NORMAL, revive_request},
        {MU_TOPIC_SCAN_REQUESTS_BULK, revive_request},
};

/* Back to its topic, byte for byte. */
static enum mu_status revive_message(const struct mu_quarantine_record *record,
                                     const struct mu_buf *payload, struct mu_arena *arena,
                                     struct revived *ret_revived, struct mu_error *err)
{
    enum mu_topic topic = mu_topic_of(record->source);

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        if (topics[i].topic != topic)
            continue;
        if (topics[i].revive(payload, arena, ret_revived, err) != MU_OK)
            return mu_wrap(err, "still not understood");
        ret_revived->messages->topic = topic;
        ret_revived->messages->value = mu_arena_strndup(arena, payload->data, payload->len);
        ret_revived->messages->value_len = payload->len;
        return ret_revived->messages->value ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");
    }
    return mu_fail(err, MU_E_INVALID, "messages of '%.64s' cannot be put back", record->source);
}

/* ---- either ---- */

enum mu_status quarantine_revive(const struct mu_quarantine_record *record,
                                 const struct ingest_config *config, struct mu_arena *arena,
                                 struct revived *ret_revived, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf payload;
    struct revived revived = {0};
    const char *text = record->payload_base64 ? record->payload_base64 : "";
    enum mu_status st;

    mu_buf_init(&payload, MU_MSG_MAX_BYTES);
    if (record->payload_truncated)
        return mu_fail(
                err, MU_E_INVALID,
                "only the first part of its %lld bytes was kept: the sender must send it again",
                (long long)record->payload_size_bytes);
    st = mu_base64_decode(text, strlen(text), &payload, err);
    if (st != MU_OK)
        return mu_wrap(err, "payload_base64");
    if (mu_text_equal(record->stage, "ingest"))
        st = revive_body(record, config, &payload, arena, &revived, err);
    else
        st = revive_message(record, &payload, arena, &revived, err);
    if (st == MU_OK)
        *ret_revived = revived;
    return st;
}

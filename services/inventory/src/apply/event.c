#include "apply/event.h"

#include "base/text.h"
#include "identity/identity.h"

#include <inttypes.h>
#include <string.h>

enum { CE_TEXT_MAX = 1024 };

static bool usable_text(const char *text)
{
    size_t len = text != NULL ? strnlen(text, CE_TEXT_MAX + 1) : 0;

    return len > 0 && len <= CE_TEXT_MAX && mu_utf8_valid(text, len);
}

int64_t event_happened(const struct event *event, int64_t told_us)
{
    return told_us <= event->received_at_us + CLOCK_TOLERANCE_US ? told_us : event->received_at_us;
}

void event_reject(struct event *event, struct mu_arena *arena, const struct mu_error *why)
{
    char *reason = mu_arena_strdup(arena, why->message);
    bool is_text = reason != NULL && mu_utf8_valid(reason, strlen(reason));

    /* A hostile text may have been cut in the middle of a character. */
    for (char *at = is_text ? NULL : reason; at != NULL && *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    event->message = NULL;
    event->status = why->status;
    event->reason = reason != NULL && reason[0] != '\0' ? reason : mu_status_name(why->status);
}

/* Names an event that does not name itself: its place in the log and its bytes. */
static void identify_by_place(struct event *event, struct mu_arena *arena)
{
    const struct mu_incoming *in = event->incoming;
    char digest[MU_DIGEST_TEXT_SIZE];
    const char *id;

    mu_sha256_text(in->value != NULL ? in->value : "", in->value_len, digest);
    id = mu_arena_printf(arena, "%" PRId32 "/%" PRId64 "/%s", in->partition, in->offset, digest);
    event->ce_source = mu_topic_name(in->topic);
    event->ce_id = id != NULL ? id : "";
}

static enum mu_status decode_message(struct event *event, struct mu_arena *arena,
                                     struct mu_error *err)
{
    const struct mu_incoming *in = event->incoming;
    void *message;

    if (!usable_text(in->envelope.id) || !usable_text(in->envelope.source))
        return mu_fail(err, MU_E_INVALID, "no usable ce_id and ce_source");
    if (event->type == MU_MSG_TYPE_COUNT)
        return mu_fail(err, MU_E_INVALID, "ce_type '%.200s' is not known here", event->ce_type);
    message = mu_arena_alloc(arena, mu_msg_descriptor(event->type)->object->struct_size);
    if (message == NULL)
        return mu_fail(err, MU_E_NOMEM, "message of %zu bytes", in->value_len);
    if (mu_msg_decode(event->type, in->value, in->value_len, arena, message, err) != MU_OK)
        return err->status;
    event->message = message;
    return MU_OK;
}

static enum mu_status check_registry(struct event *event, struct mu_error *err)
{
    const struct mu_registry_event *r = event->message;

    event->source = r->source;
    event->occurred_at_us = r->occurred_at_us;
    event->received_at_us = r->received_at_us;
    if (r->action == MU_REGISTRY_PUSH && r->digest == NULL)
        return mu_fail(err, MU_E_INVALID, "push of '%s' without a digest", r->repository);
    if (r->action == MU_REGISTRY_DELETE && r->digest == NULL && r->tag == NULL)
        return mu_fail(err, MU_E_INVALID, "delete in '%s' names no tag or digest", r->repository);
    return MU_OK;
}

static enum mu_status check_workload(struct event *event, struct mu_error *err)
{
    const struct mu_workload_event *w = event->message;

    (void)err;
    event->source = w->source;
    event->occurred_at_us = w->occurred_at_us;
    event->received_at_us = w->received_at_us;
    return MU_OK;
}

static enum mu_status check_scan_result(struct event *event, struct mu_error *err)
{
    const struct mu_scan_result *s = event->message;

    event->occurred_at_us = s->finished_at_us;
    if (s->outcome == MU_SCAN_COMPLETE && s->evidence_digest == NULL)
        return mu_fail(err, MU_E_INVALID, "complete scan of '%s' without evidence", s->digest);
    if (s->outcome == MU_SCAN_FAILED && !s->has_failure)
        return mu_fail(err, MU_E_INVALID, "failed scan of '%s' says not why", s->digest);
    return MU_OK;
}

static enum mu_status check_source_health(struct event *event, struct mu_error *err)
{
    const struct mu_source_health *h = event->message;

    (void)err;
    event->occurred_at_us = event->received_at_us = h->observed_at_us;
    return MU_OK;
}

static enum mu_status check_message(struct event *event, struct mu_error *err)
{
    switch (event->type) {
    case MU_MSG_REGISTRY_EVENT:
        return check_registry(event, err);
    case MU_MSG_WORKLOAD_EVENT:
        return check_workload(event, err);
    case MU_MSG_SCAN_RESULT:
        return check_scan_result(event, err);
    case MU_MSG_SOURCE_HEALTH:
        return check_source_health(event, err);
    case MU_MSG_SCAN_REQUEST:
    case MU_MSG_QUARANTINE_RECORD:
    case MU_MSG_NOTIFICATION:
    case MU_MSG_TYPE_COUNT:
        break;
    }
    return mu_fail(err, MU_E_INVALID, "ce_type '%.200s' does not belong on this topic",
                   event->ce_type);
}

void event_identify(const struct mu_incoming *incoming, int64_t now_us, struct mu_arena *arena,
                    struct event *ret_event)
{
    const struct mu_msg_envelope *envelope = &incoming->envelope;

    *ret_event = (struct event){
            .incoming = incoming,
            .ce_source = envelope->source,
            .ce_id = envelope->id,
            .ce_type = usable_text(incoming->ce_type) ? incoming->ce_type : "",
            .traceparent = envelope->traceparent,
            .occurred_at_us = envelope->time_us == MU_TIME_NONE ? now_us : envelope->time_us,
            .received_at_us = now_us,
            .type = envelope->type,
    };
    if (ret_event->traceparent != NULL && !mu_traceparent_valid(ret_event->traceparent))
        ret_event->traceparent = NULL;
    if (!usable_text(envelope->id) || !usable_text(envelope->source))
        identify_by_place(ret_event, arena);
    identity_event(ret_event->ce_source, ret_event->ce_id, ret_event->event_id);
}

void event_read(struct event *event, struct mu_arena *arena)
{
    struct mu_error err;

    if (event->is_read)
        return;
    event->is_read = true;
    if (decode_message(event, arena, &err) != MU_OK || check_message(event, &err) != MU_OK)
        event_reject(event, arena, &err);
}

void event_decode(const struct mu_incoming *incoming, int64_t now_us, struct mu_arena *arena,
                  struct event *ret_event)
{
    event_identify(incoming, now_us, arena, ret_event);
    event_read(ret_event, arena);
}

/*
 * CNCF Distribution notifications (2.x v1 and 3.x v2 envelopes; GitLab's registry sends the same).
 *
 * Of interest: push and delete of manifests. Blob uploads are pushes of application/octet-stream,
 * HEAD counts as pull, a manifest deleted by digest gives {digest, repository} and one {tag,
 * repository} per tag, a blob deleted by digest looks the same as a manifest: the digest is then of
 * unknown kind.
 */
#include "source/source.h"

#include "base/text.h"
#include "oci/reference.h"
#include "json/json_doc.h"

#include <string.h>

enum { REMARK_MAX_BYTES = 255 }; /* schemas/registry-event.v1.schema.json */

struct action_row {
    const char *name;
    enum mu_registry_action action; /* MU_REGISTRY_NONE: of no interest */
};

static const struct action_row actions[] = {{"push", MU_REGISTRY_PUSH},
                                            {"delete", MU_REGISTRY_DELETE},
                                            {"pull", MU_REGISTRY_NONE},
                                            {"mount", MU_REGISTRY_NONE},
                                            {"rename", MU_REGISTRY_NONE}};

static enum mu_status find_action(const json_t *event, enum mu_registry_action *ret_action,
                                  struct mu_error *err)
{
    const char *name = mu_json_text_at(event, "action");

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (mu_text_equal(name, actions[i].name)) {
            *ret_action = actions[i].action;
            return MU_OK;
        }
    }
    return mu_fail(err, MU_E_INVALID, "action: '%.40s' is unknown", name ? name : "(none)");
}

/* The registry's name as its clients write it, else the host of target.url. */
static const char *registry_host(const struct source_input *input, const json_t *event)
{
    const char *host = mu_json_text_at(event, "request.host");
    const char *url = mu_json_text_at(event, "target.url"), *scheme;

    if (host && *host)
        return host;
    scheme = url ? strstr(url, "://") : NULL;
    if (!scheme)
        return NULL;
    return mu_arena_strndup(input->arena, scheme + 3, strcspn(scheme + 3, "/"));
}

static const char *copy_text(const struct source_input *input, const json_t *event,
                             const char *path)
{
    const char *text = mu_json_text_at(event, path);

    return text && *text ? mu_arena_strdup(input->arena, text) : NULL;
}

/* What is nice to know is left out rather than let it keep a push from being seen. */
static const char *copy_remark(const struct source_input *input, const json_t *event,
                               const char *path)
{
    const char *text = mu_json_text_at(event, path);

    return text && strlen(text) <= REMARK_MAX_BYTES ? copy_text(input, event, path) : NULL;
}

/* Text parts; checks what must have a form. */
static enum mu_status fill_target(const struct source_input *input, const json_t *event,
                                  struct mu_registry_event *message, struct mu_error *err)
{
    const json_t *size = mu_json_at(event, "target.size");

    message->tag = copy_text(input, event, "target.tag");
    message->digest = copy_text(input, event, "target.digest");
    message->media_type = copy_remark(input, event, "target.mediaType");
    message->actor = copy_remark(input, event, "actor.name");
    message->size_bytes = json_is_integer(size) ? json_integer_value(size) : -1;
    if (message->tag && !mu_oci_tag_valid(message->tag, strlen(message->tag)))
        return mu_fail(err, MU_E_INVALID, "target.tag: '%.100s' is no tag", message->tag);
    if (message->digest && !mu_oci_digest_valid(message->digest, strlen(message->digest)))
        return mu_fail(err, MU_E_INVALID, "target.digest: '%.100s' is no digest", message->digest);
    if (!message->digest && message->action == MU_REGISTRY_PUSH)
        return mu_fail(err, MU_E_INVALID, "target.digest: is missing");
    message->digest_kind =
            message->digest ? mu_media_type_kind(message->media_type) : MU_DIGEST_KIND_NONE;
    return MU_OK;
}

/* A repository deleted as a whole names neither tag nor digest: its manifests are told one by one.
 */
static bool is_of_interest(const struct mu_registry_event *message)
{
    if (message->action == MU_REGISTRY_NONE || (!message->tag && !message->digest))
        return false;
    return message->digest_kind != MU_DIGEST_KIND_BLOB &&
           message->digest_kind != MU_DIGEST_KIND_CONFIG;
}

static enum mu_status decode_event(const struct source_input *input, const json_t *event,
                                   struct source_events *events, struct mu_error *err)
{
    struct mu_registry_event *message = mu_arena_alloc(input->arena, sizeof(*message));
    enum mu_registry_action action = MU_REGISTRY_NONE;
    const char *host = registry_host(input, event);
    const char *path = mu_json_text_at(event, "target.repository");
    enum mu_status st = find_action(event, &action, err);

    if (st != MU_OK)
        return st;
    if (!message)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    message->action = action;
    message->source = input->source->name;
    message->source_kind = "distribution";
    message->source_event_id = copy_text(input, event, "id");
    message->received_at_us = input->received_at_us;
    message->occurred_at_us =
            source_time(mu_json_text_at(event, "timestamp"), input->received_at_us);
    if (action == MU_REGISTRY_NONE) {
        events->ignored++;
        return MU_OK;
    }
    if (!message->source_event_id)
        return mu_fail(err, MU_E_INVALID, "id: is missing");
    if (!host || !path)
        return mu_fail(err, MU_E_INVALID, "%s: is missing",
                       host ? "target.repository" : "request.host");
    st = fill_target(input, event, message, err);
    if (st == MU_OK && !is_of_interest(message)) {
        events->ignored++;
        return MU_OK;
    }
    if (st == MU_OK)
        st = source_repository(input, host, path, &message->repository, err);
    if (st == MU_OK)
        st = source_events_add(events, MU_MSG_REGISTRY_EVENT, message, message->repository, err);
    return st;
}

/* One event among many that is not understood does not take the others with it. */
static enum mu_status reject_event(const struct source_input *input, const json_t *event,
                                   size_t index, struct mu_error *why, struct source_events *events,
                                   struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st;

    (void)mu_wrap(why, "events[%zu]", index);
    mu_buf_init(&text, SOURCE_MAX_BODY_BYTES);
    st = mu_json_print(event, &text, err);
    return st == MU_OK ? source_events_reject(input, events, text.data, text.len, why, err) : st;
}

enum mu_status distribution_decode(const struct source_input *input,
                                   struct source_events *ret_events, struct mu_error *err)
{
    static const struct mu_json_limits limits = {SOURCE_MAX_BODY_BYTES, 32};
    json_auto_t *root = NULL;
    const json_t *events, *event;
    size_t index;
    enum mu_status st = mu_json_parse(input->body, input->len, &limits, &root, err);

    if (st != MU_OK)
        return st;
    events = json_object_get(root, "events");
    if (json_is_null(events) || (json_is_object(root) && json_object_size(root) == 0)) {
        ret_events->ignored++; /* Go writes an empty list so */
        return MU_OK;
    }
    if (!json_is_array(events))
        return mu_fail(err, MU_E_INVALID, "no member 'events' with an array: not a notification");
    json_array_foreach (events, index, event) {
        struct mu_error why;

        st = decode_event(input, event, ret_events, &why);
        if (st == MU_E_INVALID || st == MU_E_LIMIT)
            st = reject_event(input, event, index, &why, ret_events, err);
        else if (st != MU_OK)
            *err = why;
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

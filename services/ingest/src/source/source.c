#include "source/source.h"

#include "base/clock.h"
#include "base/text.h"
#include "oci/reference.h"

#include <string.h>

enum { QUARANTINE_MAX_PAYLOAD_BYTES = 40 * 1024 };

const struct source_kind source_kinds[] = {
        {"distribution", "webhook", "application/vnd.docker.distribution.events.v1+json, v2+json",
         "push and delete of manifests", distribution_decode},
        {"cloudevents", "webhook",
         "application/cloudevents+json, application/cloudevents-batch+json, binary mode",
         "muster.registry-event.v1, muster.workload-event.v1", cloudevents_decode},
        {"kubernetes", "watch", "application/json, one watch event a line",
         "Pods: every run of every container", kubernetes_decode},
};
const size_t source_kind_count = sizeof(source_kinds) / sizeof(source_kinds[0]);

const struct source_kind *source_kind_find(const char *name)
{
    for (size_t i = 0; i < source_kind_count; i++)
        if (mu_text_equal(source_kinds[i].name, name))
            return &source_kinds[i];
    return NULL;
}

enum mu_status source_events_add(struct source_events *events, enum mu_msg_type type,
                                 const void *message, const char *key, struct mu_error *err)
{
    if (events->count == SOURCE_MAX_EVENTS)
        return mu_fail(err, MU_E_LIMIT, "more than %d events in one request", SOURCE_MAX_EVENTS);
    if (events->count == events->capacity) {
        size_t capacity = events->capacity ? 2 * events->capacity : 8;
        struct source_event *items =
                mu_arena_alloc(events->arena, capacity * sizeof(struct source_event));

        if (!items)
            return mu_fail(err, MU_E_NOMEM, "out of memory");
        if (events->count > 0)
            memcpy(items, events->items, events->count * sizeof(struct source_event));
        events->items = items;
        events->capacity = capacity;
    }
    events->items[events->count++] = (struct source_event){type, message, key};
    return MU_OK;
}

static const char *base64_of(const struct source_input *input, const char *bytes, size_t len)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    mu_buf_init(&text, 2 * QUARANTINE_MAX_PAYLOAD_BYTES);
    mu_base64_encode(bytes, len, &text);
    return mu_arena_strndup(input->arena, text.data, text.len);
}

/* Messages quote what came, and may cut a character in two. */
static const char *reason_text(const struct source_input *input, const struct mu_error *why)
{
    char *text = mu_arena_strdup(input->arena, why->message);

    if (text && !mu_utf8_valid(text, strlen(text)))
        for (char *at = text; *at; at++)
            if ((unsigned char)*at > 0x7f)
                *at = '?';
    return text;
}

enum mu_status source_events_reject(const struct source_input *input, struct source_events *events,
                                    const char *part, size_t part_len, const struct mu_error *why,
                                    struct mu_error *err)
{
    struct mu_quarantine_record *record = mu_arena_alloc(input->arena, sizeof(*record));
    char *digest = mu_arena_alloc(input->arena, MU_DIGEST_TEXT_SIZE);
    size_t kept = part_len < QUARANTINE_MAX_PAYLOAD_BYTES ? part_len : QUARANTINE_MAX_PAYLOAD_BYTES;
    const char *content_type = input->content_type;

    if (!record || !digest)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    mu_sha256_text(part, part_len, digest);
    if (content_type &&
        (strlen(content_type) > 255 || !mu_utf8_valid(content_type, strlen(content_type))))
        content_type = NULL;
    *record = (struct mu_quarantine_record){
            .stage = "ingest",
            .source = input->source->name,
            .source_kind = input->source->kind->name,
            .reason_code = mu_status_name(why->status),
            .reason = reason_text(input, why),
            .received_at_us = input->received_at_us,
            .content_type = content_type,
            .payload_base64 = base64_of(input, part, kept),
            .payload_digest = digest,
            .payload_size_bytes = (int64_t)part_len,
            .payload_truncated = kept < part_len,
    };
    if (!record->reason || !record->payload_base64)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    return source_events_add(events, MU_MSG_QUARANTINE_RECORD, record, digest, err);
}

enum mu_status source_decode(const struct source_input *input, struct source_events *events,
                             struct mu_error *err)
{
    struct mu_error why;
    enum mu_status st = input->source->kind->decode(input, events, &why);

    if (st == MU_E_INVALID || st == MU_E_LIMIT) {
        events->count = 0;
        return source_events_reject(input, events, input->body, input->len, &why, err);
    }
    if (st != MU_OK)
        *err = why;
    return st;
}

/* "from" matches the whole name or whole components at its beginning. */
const char *source_alias(const struct source_input *input, const char *repository)
{
    for (size_t i = 0; i < input->source->alias_count; i++) {
        const struct source_alias_pair *alias = &input->source->aliases[i];
        size_t len = strlen(alias->from);

        if (mu_text_starts(repository, alias->from) &&
            (repository[len] == '/' || repository[len] == '\0'))
            return mu_arena_printf(input->arena, "%s%s", alias->to, repository + len);
    }
    return repository;
}

enum mu_status source_repository(const struct source_input *input, const char *host,
                                 const char *path, const char **ret_repository,
                                 struct mu_error *err)
{
    char *repository = mu_arena_alloc(input->arena, MU_OCI_REPOSITORY_SIZE);
    const char *canonical;
    enum mu_status st;

    if (!repository)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    st = mu_oci_repository_join(host, path, repository, err);
    if (st != MU_OK)
        return st;
    canonical = source_alias(input, repository);
    if (!canonical || strlen(canonical) >= MU_OCI_REPOSITORY_SIZE)
        return mu_fail(err, MU_E_LIMIT, "repository name '%.100s...' is too long", repository);
    *ret_repository = canonical;
    return MU_OK;
}

int64_t source_time(const char *text, int64_t otherwise)
{
    struct mu_error ignored;
    int64_t at_us;

    if (!text || mu_time_parse(text, strlen(text), &at_us, &ignored) != MU_OK)
        return otherwise;
    return at_us;
}

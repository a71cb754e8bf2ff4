#include "source/source.h"

#include "source/fact.h"
#include "source/kept_headers.h"

#include "base/text.h"
#include "oci/reference.h"

#include <string.h>

/* ---- what was read ---- */

/* Room for one more in an array of the arena; NULL when memory is exhausted. */
static void *grow(struct mu_arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    size_t wanted = *capacity ? 2 * *capacity : 8;
    void *grown;

    if (count < *capacity)
        return items;
    grown = mu_arena_alloc(arena, wanted * size);
    if (!grown)
        return NULL;
    if (count > 0)
        memcpy(grown, items, count * size);
    *capacity = wanted;
    return grown;
}

static enum mu_status too_many(struct mu_error *err)
{
    return mu_fail(err, MU_E_LIMIT, "more than %d events in one request", SOURCE_MAX_EVENTS);
}

enum mu_status source_events_add(struct source_events *events, enum mu_msg_type type,
                                 const void *message, const char *key, struct mu_error *err)
{
    struct source_event *items;

    if (events->count == SOURCE_MAX_EVENTS)
        return too_many(err);
    items = grow(events->arena, events->items, events->count, &events->capacity,
                 sizeof(struct source_event));
    if (!items)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    events->items = items;
    events->items[events->count++] = (struct source_event){type, message, key};
    return MU_OK;
}

enum mu_status source_events_keep(struct source_events *events, const struct fact *fact,
                                  struct mu_error *err)
{
    struct fact **facts, *copy;

    if (events->fact_count == SOURCE_MAX_EVENTS)
        return too_many(err);
    facts = grow(events->arena, events->facts, events->fact_count, &events->fact_capacity,
                 sizeof(struct fact *));
    copy = mu_arena_alloc(events->arena, sizeof(*copy));
    if (!facts || !copy)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    *copy = *fact;
    events->facts = facts;
    events->facts[events->fact_count++] = copy;
    events->ignored += fact->event_count == 0;
    return MU_OK;
}

/* ---- what was not understood ---- */

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static bool is_header(const char *text, size_t len)
{
    return len >= 3 && memcmp(text, "eyJ", 3) == 0;
}

/* Length of "header.payload.signature" at `text`, also when it is cut off, or 0. A header and a
 * payload begin with {" in base64url: eyJ; encrypted tokens have five parts. */
static size_t token_length(const char *text, size_t len)
{
    size_t at = 0, dots = 0;
    bool payload = false;

    if (!is_header(text, len))
        return 0;
    for (; at < len && (is_token_char(text[at]) || (text[at] == '.' && dots < 4)); at++) {
        dots += text[at] == '.';
        payload |= text[at] == '.' && is_header(text + at + 1, len - at - 1);
    }
    return payload || dots >= 2 || at == len ? at : 0;
}

void source_redact(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        size_t token = token_length(text + i, len - i);

        if (token == 0)
            continue;
        memset(text + i, '*', token);
        i += token - 1;
    }
}

static const char *payload_of(const struct source_input *input, const char *part, size_t len)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    char *copy = mu_arena_strndup(input->arena, "", 0);

    mu_buf_init(&text, 2 * MU_QUARANTINE_MAX_PAYLOAD_BYTES);
    if (len > 0) {
        copy = mu_arena_alloc(input->arena, len);
        if (copy)
            memcpy(copy, part, len);
    }
    if (!copy)
        return NULL;
    source_redact(copy, len);
    mu_base64_encode(copy, len, &text);
    return mu_arena_strndup(input->arena, text.data, text.len);
}

/* Messages quote what came, and may cut a character in two. */
static const char *reason_of(struct mu_arena *arena, const struct mu_error *why)
{
    char *text = mu_arena_strdup(arena, why->message);

    if (text) {
        mu_utf8_clean(text);
        source_redact(text, strlen(text));
    }
    return text;
}

static const char *plain_content_type(const char *content_type)
{
    if (content_type &&
        (strlen(content_type) > 255 || !mu_utf8_valid(content_type, strlen(content_type))))
        return NULL;
    return content_type;
}

static enum mu_status keep_rejection(struct source_events *events, const struct mu_error *why,
                                     struct mu_error *err)
{
    struct fact fact;

    fact_init(&fact);
    fact.class_ = FACT_REJECT;
    fact.quarantined = true;
    fact.why = reason_of(events->arena, why);
    fact.first_event = events->count - 1;
    fact.event_count = 1;
    return source_events_keep(events, &fact, err);
}

enum mu_status source_quarantine(const struct source_input *input, struct source_events *events,
                                 const char *part, size_t part_len, const struct mu_error *why,
                                 struct mu_error *err)
{
    struct mu_quarantine_record *record = mu_arena_alloc(input->arena, sizeof(*record));
    char *digest = mu_arena_alloc(input->arena, MU_DIGEST_TEXT_SIZE);
    size_t kept =
            part_len < MU_QUARANTINE_MAX_PAYLOAD_BYTES ? part_len : MU_QUARANTINE_MAX_PAYLOAD_BYTES;

    if (!record || !digest)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    mu_sha256_text(part, part_len, digest);
    *record = (struct mu_quarantine_record){
            .stage = "ingest",
            .source = input->source->name,
            .source_kind = input->source->kind->name,
            .reason_code = mu_status_name(why->status),
            .reason = reason_of(input->arena, why),
            .received_at_us = input->received_at_us,
            .content_type = plain_content_type(input->content_type),
            .payload_base64 = payload_of(input, part, kept),
            .payload_digest = digest,
            .payload_size_bytes = (int64_t)part_len,
            .payload_truncated = kept < part_len,
    };
    record->has_headers = kept_headers_take(input, &record->headers);
    if (!record->reason || !record->payload_base64)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    return source_events_add(events, MU_MSG_QUARANTINE_RECORD, record, digest, err);
}

enum mu_status source_events_reject(const struct source_input *input, struct source_events *events,
                                    const char *part, size_t part_len, const struct mu_error *why,
                                    struct mu_error *err)
{
    enum mu_status st = source_quarantine(input, events, part, part_len, why, err);

    return st == MU_OK ? keep_rejection(events, why, err) : st;
}

/* ---- names ---- */

/* "from" matches the whole name or whole components at its beginning. */
const char *source_alias(const struct source_input *input, const char *repository)
{
    for (size_t i = 0; i < input->source->alias_count; i++) {
        const struct source_alias_pair *alias = &input->source->aliases[i];
        size_t len = strlen(alias->from);

        if (mu_text_starts(repository, alias->from) &&
            (repository[len] == '/' || repository[len] == '\0'))
            return mu_arena_concat(input->arena, alias->to, repository + len, NULL);
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

#include "gate/decision.h"

#include "base/text.h"

#include <string.h>

enum { TEXT_MAX_BYTES = 1024 };

struct record {
    bool allowed, would_deny;
    int64_t at_us, generation, lost_before;
    const char *cluster, *config, *container, *database_version, *digest, *image, *kind,
            *namespace_name, *object, *operation, *policy, *reason, *repository, *rule, *scan_id,
            *scope, *source, *tag, *uid, *user, *verdict;
};

#define AT(member) offsetof(struct record, member)
#define TEXT(key, member)                                         \
    {                                                             \
        .name = (key), .type = MU_JSON_TEXT, .offset = AT(member) \
    }

static const struct mu_json_field fields[] = {
        {.name = "allowed", .type = MU_JSON_BOOL, .offset = AT(allowed)},
        {.name = "at", .type = MU_JSON_TIME, .offset = AT(at_us)},
        TEXT("cluster", cluster),
        TEXT("config", config),
        TEXT("container", container),
        TEXT("database_version", database_version),
        TEXT("digest", digest),
        {.name = "generation", .type = MU_JSON_INT, .offset = AT(generation), .max = INT64_MAX},
        TEXT("image", image),
        TEXT("kind", kind),
        {.name = "lost_before", .type = MU_JSON_INT, .offset = AT(lost_before), .max = INT64_MAX},
        TEXT("namespace", namespace_name),
        TEXT("object", object),
        TEXT("operation", operation),
        TEXT("policy", policy),
        TEXT("reason", reason),
        TEXT("repository", repository),
        TEXT("rule", rule),
        TEXT("scan_id", scan_id),
        TEXT("scope", scope),
        TEXT("source", source),
        TEXT("tag", tag),
        TEXT("uid", uid),
        TEXT("user", user),
        TEXT("verdict", verdict),
        {.name = "would_deny", .type = MU_JSON_BOOL, .offset = AT(would_deny)},
};
static const struct mu_json_object record_object = {
        "a decision", fields, sizeof(fields) / sizeof(fields[0]), sizeof(struct record)};

/* What is longer is cut at a character; NULL (left out) when it is empty. */
static const char *cut(struct mu_arena *arena, const char *text)
{
    size_t len = strnlen(text, TEXT_MAX_BYTES + 1);

    if (len == 0)
        return NULL;
    if (len <= TEXT_MAX_BYTES)
        return text;
    for (len = TEXT_MAX_BYTES; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
        len--;
    return mu_arena_strndup(arena, text, len);
}

enum mu_status decision_encode(const struct decision_asker *asker, const struct gate_answer *answer,
                               const char *policy, const char *config, struct mu_arena *arena,
                               struct mu_buf *out, struct mu_error *err)
{
    const struct record record = {.allowed = answer->allowed,
                                  .would_deny = answer->would_deny,
                                  .at_us = asker->at_us,
                                  .generation = (int64_t)answer->generation,
                                  .lost_before = (int64_t)asker->lost_before,
                                  .cluster = cut(arena, asker->cluster),
                                  .config = config,
                                  .container = cut(arena, asker->container),
                                  .database_version = cut(arena, answer->database_version),
                                  .digest = cut(arena, answer->digest),
                                  .image = cut(arena, asker->image),
                                  .kind = cut(arena, asker->kind),
                                  .namespace_name = cut(arena, asker->namespace_name),
                                  .object = cut(arena, asker->object),
                                  .operation = cut(arena, asker->operation),
                                  .policy = policy,
                                  .reason = verdict_reason_word(answer->reason),
                                  .repository = cut(arena, answer->repository),
                                  .rule = cut(arena, answer->rule),
                                  .scan_id = cut(arena, answer->scan_id),
                                  .scope = cut(arena, answer->scope),
                                  .source = asker->source,
                                  .tag = cut(arena, answer->tag),
                                  .uid = cut(arena, asker->uid),
                                  .user = cut(arena, asker->user),
                                  .verdict = verdict_word(answer->verdict)};

    return mu_json_encode(&record_object, &record, out, err);
}

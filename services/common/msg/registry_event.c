#include "msg/field.h"

static const char *const actions[] = {"", "push", "delete", NULL};

#define M mu_registry_event
static const struct mu_json_field fields[] = {
        ENUM(M, action, "action", MUST, actions),
        TEXT(M, actor, "actor", MAY, FIELD_NAME_MAX),
        DIGEST(M, digest, "digest", MAY),
        ENUM(M, digest_kind, "digest_kind", MAY, mu_digest_kind_words),
        TEXT(M, media_type, "media_type", MAY, FIELD_NAME_MAX),
        TIME(M, occurred_at_us, "occurred_at", MUST),
        TIME(M, received_at_us, "received_at", MUST),
        BOOL(M, reconcile, "reconcile", MAY),
        NAME(M, repository, "repository", MUST, FIELD_REPOSITORY_MAX),
        INT(M, size_bytes, "size_bytes", MAY, -1, INT64_MAX),
        TEXT(M, source, "source", MUST, FIELD_NAME_MAX),
        TEXT(M, source_event_id, "source_event_id", MUST, FIELD_ID_MAX),
        TEXT(M, source_kind, "source_kind", MUST, FIELD_NAME_MAX),
        NAME(M, tag, "tag", MAY, FIELD_TAG_MAX),
};

const struct mu_json_object mu_registry_event_object =
        MESSAGE_OBJECT(fields, "registry event", mu_registry_event);

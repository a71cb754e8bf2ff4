#include "msg/field.h"

static const char *const states[] = {"", "silent", "speaking", "removed", NULL};

#define M mu_source_health
static const struct mu_json_field fields[] = {
        TEXT(M, last_error, "last_error", MAY, FIELD_MESSAGE_MAX),
        TIME(M, last_event_at_us, "last_event_at", MAY),
        TIME(M, observed_at_us, "observed_at", MUST),
        COUNT(M, silent_after_seconds, "silent_after_seconds", MAY),
        TEXT(M, source, "source", MUST, FIELD_NAME_MAX),
        TEXT(M, source_kind, "source_kind", MUST, FIELD_NAME_MAX),
        ENUM(M, state, "state", MUST, states),
        COUNT(M, usual_interval_seconds, "usual_interval_seconds", MAY),
};

const struct mu_json_object mu_source_health_object =
        MESSAGE_OBJECT(fields, "source health", mu_source_health);

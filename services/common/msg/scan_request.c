#include "msg/field.h"

static const char *const priorities[] = {"", "urgent", "normal", "bulk", NULL};

enum { SCAN_MAX_UAIS = 64 };

#define M mu_scan_request
static const struct mu_json_field fields[] = {
        INT(M, attempt, "attempt", MUST, 1, INT64_MAX),
        DIGEST(M, digest, "digest", MUST),
        TEXT(M, job_id, "job_id", MUST, FIELD_NAME_MAX),
        ENUM(M, priority, "priority", MUST, priorities),
        TEXT(M, reason, "reason", MUST, FIELD_NAME_MAX),
        NAME(M, repository, "repository", MUST, FIELD_REPOSITORY_MAX),
        TEXT(M, request_id, "request_id", MUST, FIELD_NAME_MAX),
        TIME(M, requested_at_us, "requested_at", MUST),
        TEXTS(M, uais, "uais", MUST, SCAN_MAX_UAIS),
};

const struct mu_json_object mu_scan_request_object =
        MESSAGE_OBJECT(fields, "scan request", mu_scan_request);

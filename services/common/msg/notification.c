#include "msg/field.h"

static const char *const severities[] = {"", "info", "warning", "critical", NULL};

enum { NOTIFICATION_MAX_DETAILS = 32 };

#define M mu_notification
static const struct mu_json_field fields[] = {
        MAP(M, details, "details", MAY, NOTIFICATION_MAX_DETAILS),
        TEXT(M, kind, "kind", MUST, FIELD_NAME_MAX),
        TEXT(M, message, "message", MUST, FIELD_MESSAGE_MAX),
        TIME(M, occurred_at_us, "occurred_at", MUST),
        ENUM(M, severity, "severity", MUST, severities),
        TEXT(M, subject, "subject", MUST, FIELD_MESSAGE_MAX),
};

const struct mu_json_object mu_notification_object =
        MESSAGE_OBJECT(fields, "notification", mu_notification);

#include "msg/field.h"

static const char *const outcomes[] = {"", "complete", "resolved", "not_scannable", "failed", NULL};

enum { SCAN_MAX_UAIS = 64, SCAN_MAX_CHILDREN = 256 };

#define F mu_scan_failure
static const struct mu_json_field failure_fields[] = {
        TEXT(F, code, "code", MUST, FIELD_NAME_MAX),
        TEXT(F, message, "message", MUST, FIELD_MESSAGE_MAX),
        BOOL(F, retryable, "retryable", MUST),
};
static const struct mu_json_object failure_object =
        MESSAGE_OBJECT(failure_fields, "failure", mu_scan_failure);

#define K mu_scan_child
static const struct mu_json_field child_fields[] = {
        DIGEST(K, digest, "digest", MUST),
        ENUM(K, kind, "kind", MUST, mu_digest_kind_words),
        TEXT(K, media_type, "media_type", MAY, FIELD_NAME_MAX),
        TEXT(K, platform, "platform", MAY, FIELD_NAME_MAX),
        INT(K, size_bytes, "size_bytes", MAY, -1, INT64_MAX),
};
static const struct mu_json_object child_object =
        MESSAGE_OBJECT(child_fields, "child", mu_scan_child);

#define N mu_scan_counts
static const struct mu_json_field count_fields[] = {
        COUNT(N, critical, "critical", MUST), COUNT(N, findings, "findings", MUST),
        COUNT(N, high, "high", MUST),         COUNT(N, low, "low", MUST),
        COUNT(N, moderate, "moderate", MUST), COUNT(N, packages, "packages", MUST),
        COUNT(N, unknown, "unknown", MUST),
};
static const struct mu_json_object counts_object =
        MESSAGE_OBJECT(count_fields, "counts", mu_scan_counts);

#define M mu_scan_result
static const struct mu_json_field fields[] = {
        INT(M, attempt, "attempt", MUST, 1, INT64_MAX),
        ARRAY(M, children, "children", MAY, SCAN_MAX_CHILDREN, &child_object),
        DIGEST(M, config_digest, "config_digest", MAY),
        TEXT(M, configuration_checksum, "configuration_checksum", MUST, FIELD_NAME_MAX),
        OBJECT(M, counts, "counts", &counts_object, has_counts),
        TIME(M, database_built_at_us, "database_built_at", MAY),
        TEXT(M, database_version, "database_version", MAY, FIELD_NAME_MAX),
        DIGEST(M, digest, "digest", MUST),
        ENUM(M, digest_kind, "digest_kind", MAY, mu_digest_kind_words),
        DIGEST(M, evidence_digest, "evidence_digest", MAY),
        COUNT(M, evidence_size_bytes, "evidence_size_bytes", MAY),
        OBJECT(M, failure, "failure", &failure_object, has_failure),
        TIME(M, finished_at_us, "finished_at", MUST),
        TEXT(M, image_title, "image_title", MAY, FIELD_NAME_MAX),
        TEXT(M, image_vendor, "image_vendor", MAY, FIELD_NAME_MAX),
        TEXT(M, image_version, "image_version", MAY, FIELD_NAME_MAX),
        TEXT(M, job_id, "job_id", MUST, FIELD_NAME_MAX),
        TEXT(M, os_name, "os_name", MAY, FIELD_NAME_MAX),
        ENUM(M, outcome, "outcome", MUST, outcomes),
        TEXT(M, platform, "platform", MAY, FIELD_NAME_MAX),
        NAME(M, repository, "repository", MUST, FIELD_REPOSITORY_MAX),
        TEXT(M, request_id, "request_id", MUST, FIELD_NAME_MAX),
        TEXT(M, scanner_name, "scanner_name", MUST, FIELD_NAME_MAX),
        TEXT(M, scanner_version, "scanner_version", MUST, FIELD_NAME_MAX),
        TIME(M, started_at_us, "started_at", MUST),
        TEXTS(M, uais, "uais", MUST, SCAN_MAX_UAIS),
};

const struct mu_json_object mu_scan_result_object =
        MESSAGE_OBJECT(fields, "scan result", mu_scan_result);

/*
 * Harbor webhooks: the default format, CloudEvents, and the two older shapes of 1.10.
 *
 * An artifact without a tag is told with its digest as the tag; deleting an artifact names one of
 * its tags and takes the digest; the registry's host stands only in resource_url, which has no
 * scheme.
 */
#include "source/kind.h"

static const struct source_class_word default_classes[] = {
        {"PUSH_ARTIFACT", FACT_IMAGE_PUSH},
        {"DELETE_ARTIFACT", FACT_IMAGE_DELETE},
        {"PULL_ARTIFACT", FACT_IGNORE},
        {"SCANNING_COMPLETED", FACT_SCAN_COMPLETED},
        {"SCANNING_FAILED", FACT_SCAN_FAILED},
        {"SCANNING_STOPPED", FACT_SCAN_STOPPED},
        {"QUOTA_EXCEED", FACT_IGNORE},
        {"QUOTA_WARNING", FACT_IGNORE},
        {"REPLICATION", FACT_REPLICATION},
        {"TAG_RETENTION", FACT_TAG_RETENTION},
        {"UPLOAD_CHART", FACT_IGNORE},
        {"DELETE_CHART", FACT_IGNORE},
        {"DOWNLOAD_CHART", FACT_IGNORE},
        {"pushImage", FACT_IMAGE_PUSH},
        {"deleteImage", FACT_IMAGE_DELETE},
        {"pullImage", FACT_IGNORE},
        {"scanningCompleted", FACT_SCAN_COMPLETED},
        {"scanningFailed", FACT_SCAN_FAILED},
};

static const struct source_class_word cloudevent_classes[] = {
        {"harbor.artifact.pushed", FACT_IMAGE_PUSH},
        {"harbor.artifact.deleted", FACT_IMAGE_DELETE},
        {"harbor.artifact.pulled", FACT_IGNORE},
        {"harbor.scan.completed", FACT_SCAN_COMPLETED},
        {"harbor.scan.failed", FACT_SCAN_FAILED},
        {"harbor.scan.stopped", FACT_SCAN_STOPPED},
        {"harbor.quota.exceeded", FACT_IGNORE},
        {"harbor.quota.warned", FACT_IGNORE},
        {"harbor.replication.status.changed", FACT_REPLICATION},
        {"harbor.tag_retention.finished", FACT_TAG_RETENTION},
};

static const struct source_field default_fields[] = {
        {0, FORM_TIME, "/occur_at"},
        {FACT_ACTOR, FORM_TEXT, "/operator"},
        {FACT_REGISTRY, FORM_HOST, "resource_url"},
        {FACT_REPOSITORY, FORM_TEXT, "/event_data.repository.repo_full_name"},
        {FACT_TAG, FORM_TEXT, "tag"},
        {FACT_DIGEST, FORM_TEXT, "digest"},
};

static const struct source_field bare_fields[] = {
        {0, FORM_TIME, "/occur_at"},
        {FACT_ACTOR, FORM_TEXT, "/operator"},
        {FACT_REPOSITORY, FORM_TEXT, "/event_data.repository.repo_full_name"},
};

static const struct source_field cloudevent_fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "%id"},
        {0, FORM_TIME, "%time"},
        {FACT_ACTOR, FORM_TEXT, "%operator"},
        {FACT_REGISTRY, FORM_HOST, "resource_url"},
        {FACT_REPOSITORY, FORM_TEXT, "/repository.repo_full_name"},
        {FACT_TAG, FORM_TEXT, "tag"},
        {FACT_DIGEST, FORM_TEXT, "digest"},
};

/* image_id is the config's digest: it names no manifest. */
static const struct source_field legacy_fields[] = {
        {0, FORM_TIME, "trigger_time"},
        {FACT_REPOSITORY, FORM_TEXT, "full_name"},
        {FACT_TAG, FORM_TEXT, "tag"},
};

static const struct source_shape shapes[] = {
        {.when = "/event_data.resources",
         .each = "/event_data.resources",
         .class_path = "/type",
         SOURCE_CLASSES(default_classes),
         .otherwise = FACT_REJECT,
         SOURCE_FIELDS(default_fields)},
        {.when = "/event_data",
         .class_path = "/type",
         SOURCE_CLASSES(default_classes),
         .otherwise = FACT_REJECT,
         SOURCE_FIELDS(bare_fields)},
        {.when = "/resources",
         .each = "/resources",
         .class_path = "%type",
         SOURCE_CLASSES(cloudevent_classes),
         .otherwise = FACT_REJECT,
         SOURCE_FIELDS(cloudevent_fields)},
        {.when = "%type",
         .class_path = "%type",
         SOURCE_CLASSES(cloudevent_classes),
         .otherwise = FACT_REJECT,
         SOURCE_FIELDS(cloudevent_fields)},
        {.when = "/events",
         .each = "/events",
         .class_path = "/event_type",
         SOURCE_CLASSES(default_classes),
         .otherwise = FACT_REJECT,
         SOURCE_FIELDS(legacy_fields)},
};

const struct source_kind harbor_kind = {
        .name = "harbor",
        .transport = "webhook",
        .sender = "Harbor 1.10 and 2.x, default format or CloudEvents",
        .events = "push and delete of artifacts",
        .auth = SOURCE_AUTH_HEADER | SOURCE_AUTH_BEARER | SOURCE_AUTH_BASIC,
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_CLOUDEVENTS | ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

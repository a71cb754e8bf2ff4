/*
 * Amazon ECR through EventBridge (API destination, or SNS): {detail-type, account, region, detail}.
 *
 * The host follows from account and region. detail.result tells failures, which changed nothing.
 * Inspector gives the repository as an ARN. Several tags of one digest are several events.
 */
#include "source/kind.h"

#include "base/text.h"

#include <string.h>

static const struct source_class_word actions[] = {
        {"PUSH", FACT_IMAGE_PUSH},
        {"DELETE", FACT_IMAGE_DELETE},
        {"UPDATE_STORAGE_CLASS", FACT_IMAGE_UPDATE},
};

static const struct source_class_word detail_types[] = {
        {"ECR Image Action", FACT_IMAGE_PUSH}, /* then by detail.action-type */
        {"ECR Pull Through Cache Action", FACT_IMAGE_PUSH},
        {"ECR Replication Action", FACT_IMAGE_PUSH},
        {"ECR Image Scan", FACT_SCAN_COMPLETED},
        {"Inspector2 Scan", FACT_SCAN_COMPLETED},
        {"Inspector2 Finding", FACT_FINDING},
        {"ECR Referrer Action", FACT_IGNORE},
        {"ECR Scan Resource Change", FACT_IGNORE},
};

/* Of an Inspector finding. */
#define IMAGE "detail.resources.0.details.awsEcrContainerImage."

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "id"},
        {0, FORM_TIME, "time"},
        {FACT_REPOSITORY, FORM_TEXT, "detail.repository-name"},
        {FACT_REPOSITORY, FORM_TEXT, IMAGE "repositoryName"},
        {FACT_TAG, FORM_TEXT, "detail.image-tag"},
        {FACT_TAG, FORM_TEXT, "detail.image-tags.0"},
        {FACT_TAG, FORM_TEXT, IMAGE "imageTags.0"},
        {FACT_DIGEST, FORM_TEXT, "detail.image-digest"},
        {FACT_DIGEST, FORM_TEXT, IMAGE "imageHash"},
        {FACT_MEDIA_TYPE, FORM_TEXT, "detail.manifest-media-type"},
        {FACT_PLATFORM, FORM_TEXT, IMAGE "architecture"},
};

/* "arn:aws:ecr:us-east-2:123456789012:repository/amazon/sample" is amazon/sample. */
static const char *path_of(const char *repository)
{
    const char *path = repository ? strstr(repository, ":repository/") : NULL;

    return path ? path + strlen(":repository/") : repository;
}

static const char *host_of(const struct source_reader *reader)
{
    const char *account = source_read_text(reader, "account");
    const char *region = source_read_text(reader, "region");

    if (!account || !region)
        return NULL;
    return mu_arena_printf(reader->input->arena, "%.20s.dkr.ecr.%.40s.amazonaws.com%s", account,
                           region, mu_text_starts(region, "cn-") ? ".cn" : "");
}

static bool failed(const struct source_reader *reader)
{
    static const char *const paths[] = {"detail.result", "detail.sync-status"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const char *told = source_read_text(reader, paths[i]);

        if (told && strcmp(told, "SUCCESS") != 0)
            return true;
    }
    return false;
}

static enum mu_status classify_action(const struct source_reader *reader, struct fact *fact,
                                      struct mu_error *err)
{
    const char *action = source_read_text(reader, "detail.action-type");

    fact->text[FACT_ACTION] = action;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (mu_text_equal(action, actions[i].word)) {
            fact->class_ = actions[i].class_;
            return MU_OK;
        }
    }
    return mu_fail(err, MU_E_INVALID, "detail.action-type: '%.40s' is unknown",
                   action ? action : "(none)");
}

static void classify_scan(const struct source_reader *reader, struct fact *fact)
{
    const char *status = source_read_text(reader, "detail.scan-status");

    if (status && (strstr(status, "FAIL") || strstr(status, "UNSUPPORTED")))
        fact->class_ = FACT_SCAN_FAILED;
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    fact->text[FACT_REPOSITORY] = path_of(fact->text[FACT_REPOSITORY]);
    fact->text[FACT_REGISTRY] = host_of(reader);
    if (mu_text_equal(source_read_text(reader, "detail-type"), "ECR Image Action"))
        st = classify_action(reader, fact, err);
    if (fact->class_ == FACT_SCAN_COMPLETED)
        classify_scan(reader, fact);
    if (st == MU_OK && failed(reader)) {
        fact->class_ = FACT_IGNORE;
        fact->why = "the action failed: nothing changed";
    }
    return st;
}

static const struct source_shape shapes[] = {{.when = "detail-type",
                                              .class_path = "detail-type",
                                              SOURCE_CLASSES(detail_types),
                                              .otherwise = FACT_REJECT,
                                              SOURCE_FIELDS(fields),
                                              .finish = finish}};

const struct source_kind ecr_kind = {
        .name = "ecr",
        .transport = "webhook",
        .sender = "Amazon ECR: EventBridge API destination, or SNS",
        .events = "push, delete, pull-through and replication of images",
        .auth = SOURCE_AUTH_HEADER | SOURCE_AUTH_BASIC | SOURCE_AUTH_BEARER | SOURCE_AUTH_SNS,
        .auth_header = "X-Api-Key",
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_SNS | ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

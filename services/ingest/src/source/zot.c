/*
 * zot: CloudEvents in binary mode. Its source is a constant, so the registry's host is the source's
 * `registry`. `reference` may be a digest; lint_failed is a push that was refused.
 */
#include "source/kind.h"

#include "oci/reference.h"

#include <string.h>

static const struct source_class_word classes[] = {
        {"zotregistry.image.updated", FACT_IMAGE_PUSH},
        {"zotregistry.image.deleted", FACT_IMAGE_DELETE},
        {"zotregistry.image.scanned", FACT_SCAN_COMPLETED},
        {"zotregistry.image.lint_failed", FACT_IGNORE},
        {"zotregistry.repository.created", FACT_IGNORE},
};

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "%id"},     {0, FORM_TIME, "%time"},
        {FACT_REPOSITORY, FORM_TEXT, "name"},  {FACT_TAG, FORM_TEXT, "reference"},
        {FACT_DIGEST, FORM_TEXT, "digest"},    {FACT_MEDIA_TYPE, FORM_TEXT, "mediaType"},
        {FACT_ACTOR, FORM_TEXT, "actor.name"},
};

/* Deleting by tag leaves the image when another tag names it. */
static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *reference = fact->text[FACT_TAG];

    (void)reader, (void)err;
    fact->tag_only = reference && mu_oci_tag_valid(reference, strlen(reference));
    return MU_OK;
}

static const struct source_shape shapes[] = {{.when = "%type",
                                              .class_path = "%type",
                                              SOURCE_CLASSES(classes),
                                              .otherwise = FACT_REJECT,
                                              SOURCE_FIELDS(fields),
                                              .finish = finish}};

const struct source_kind zot_kind = {
        .name = "zot",
        .transport = "webhook",
        .sender = "zot 2.x events over HTTP",
        .events = "push and delete of images",
        .auth = SOURCE_AUTH_BASIC | SOURCE_AUTH_BEARER | SOURCE_AUTH_HEADER | SOURCE_AUTH_MTLS,
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_CLOUDEVENTS,
        SOURCE_SHAPES(shapes),
};

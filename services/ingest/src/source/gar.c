/*
 * Google Artifact Registry and Container Registry: Pub/Sub push, wrapped, unwrapped or through
 * Eventarc.
 *
 * digest and tag are whole references; either may be missing; a deleted tag comes without a digest.
 */
#include "source/kind.h"

static const struct source_class_word classes[] = {
        {"INSERT", FACT_IMAGE_PUSH},
        {"DELETE", FACT_IMAGE_DELETE},
};

/* The tag first: what it does not say (the digest) the digest's reference fills in. */
static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "%id"},
        {0, FORM_TIME, "%time"},
        {0, FORM_REFERENCE, "tag"},
        {0, FORM_REFERENCE, "digest"},
};

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    (void)reader, (void)err;
    if (fact->class_ == FACT_IMAGE_DELETE && !fact->text[FACT_DIGEST])
        fact->class_ = FACT_TAG_DELETE;
    return MU_OK;
}

static const struct source_shape shapes[] = {{.when = "action",
                                              .class_path = "action",
                                              SOURCE_CLASSES(classes),
                                              .otherwise = FACT_REJECT,
                                              SOURCE_FIELDS(fields),
                                              .finish = finish}};

const struct source_kind gar_kind = {
        .name = "gar",
        .transport = "webhook",
        .sender = "Google Artifact Registry, GCR: Pub/Sub push, Eventarc",
        .events = "insert and delete of digests and tags",
        .auth = SOURCE_AUTH_JWT | SOURCE_AUTH_URL,
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_PUBSUB | ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

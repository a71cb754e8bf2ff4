/*
 * What a listing of a registry finds: of our own making (listing/tag_events.c), so that it takes
 * the same way as what is sent.
 *
 *   {"listed": [{"id": "...", "action": "push", "repository": "team/app", "tag": "1.0",
 *                "digest": "sha256:...", "media_type": "...", "previous": "sha256:...",
 *                "time": "..."}]}
 */
#include "source/kind.h"

static const struct source_class_word classes[] = {{"push", FACT_TAG_PUSH},
                                                   {"delete", FACT_TAG_DELETE}};

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "id"},
        {FACT_REPOSITORY, FORM_TEXT, "repository"},
        {FACT_TAG, FORM_TEXT, "tag"},
        {FACT_DIGEST, FORM_TEXT, "digest"},
        {FACT_MEDIA_TYPE, FORM_TEXT, "media_type"},
        {0, FORM_TIME, "time"},
};

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    (void)reader, (void)err;
    fact->reconcile = true;
    return MU_OK;
}

static const struct source_shape shapes[] = {{.when = "listed",
                                              .each = "listed",
                                              .class_path = "action",
                                              SOURCE_CLASSES(classes),
                                              .otherwise = FACT_REJECT,
                                              SOURCE_FIELDS(fields),
                                              .finish = finish}};

const struct source_kind registry_kind = {
        .name = "registry",
        .transport = "listing",
        .sender = "any registry with the OCI distribution API: catalog, tags, manifests",
        .events = "tags that are new, moved or gone since the last listing",
        .auth = SOURCE_AUTH_BEARER,
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

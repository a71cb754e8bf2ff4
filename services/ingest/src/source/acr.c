/*
 * Azure Container Registry: its own webhooks, and the same object inside Event Grid events (Event
 * Grid schema or CloudEvents). Event Grid's own id is the event's; charts and quarantine are of no
 * interest.
 */
#include "source/kind.h"

static const struct source_class_word classes[] = {
        {"push", FACT_IMAGE_PUSH},   {"delete", FACT_IMAGE_DELETE}, {"ping", FACT_NOOP},
        {"chart_push", FACT_IGNORE}, {"chart_delete", FACT_IGNORE}, {"quarantine", FACT_IGNORE},
};

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "%id"},
        {FACT_EVENT_ID, FORM_TEXT, "id"},
        {0, FORM_TIME, "timestamp"},
        {0, FORM_TIME, "%time"},
        {FACT_REGISTRY, FORM_TEXT, "request.host"},
        {FACT_REPOSITORY, FORM_TEXT, "target.repository"},
        {FACT_TAG, FORM_TEXT, "target.tag"},
        {FACT_DIGEST, FORM_TEXT, "target.digest"},
        {FACT_MEDIA_TYPE, FORM_TEXT, "target.mediaType"},
        {0, FORM_SIZE, "target.size"},
        {FACT_ACTOR, FORM_TEXT, "actor.name"},
};

/* What Event Grid says of the subscription itself. */
static const struct source_class_word grid_classes[] = {
        {"Microsoft.EventGrid.SubscriptionDeletedEvent", FACT_NOOP},
};

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    (void)reader, (void)err;
    if (fact->class_ == FACT_IMAGE_DELETE && fact->text[FACT_TAG] && !fact->text[FACT_DIGEST])
        fact->class_ = FACT_TAG_DELETE;
    return MU_OK;
}

static const struct source_shape shapes[] = {
        {.when = "action",
         .class_path = "action",
         SOURCE_CLASSES(classes),
         .otherwise = FACT_REJECT,
         SOURCE_FIELDS(fields),
         .finish = finish},
        {.when = "%eventType",
         .class_path = "%eventType",
         SOURCE_CLASSES(grid_classes),
         .otherwise = FACT_REJECT},
        {.when = "%type",
         .class_path = "%type",
         SOURCE_CLASSES(grid_classes),
         .otherwise = FACT_REJECT},
};

const struct source_kind acr_kind = {
        .name = "acr",
        .transport = "webhook",
        .sender = "Azure Container Registry: webhook, Event Grid, Event Grid CloudEvents",
        .events = "push and delete of images",
        .auth = SOURCE_AUTH_HEADER | SOURCE_AUTH_BEARER | SOURCE_AUTH_JWT | SOURCE_AUTH_URL,
        .handshake_origin = "eventgrid.azure.net",
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_EVENTGRID | ENVELOPE_CLOUDEVENTS | ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

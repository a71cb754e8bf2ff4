/*
 * Sonatype Nexus Repository webhooks of components and assets. The registry's host is not told: it
 * is the source's `registry`. A component is name and tag without a digest; an asset's path may
 * hold one.
 */
#include "source/kind.h"

#include "base/text.h"

#include <string.h>

static const struct source_class_word component_classes[] = {
        {"CREATED", FACT_IMAGE_PUSH}, {"UPDATED", FACT_IMAGE_PUSH},
        {"DELETED", FACT_TAG_DELETE}, {"PURGED", FACT_IGNORE}, /* ids only */
        {"QUARANTINED", FACT_IGNORE},                          /* a firewall kept a download back */
        {"BLOCKED", FACT_IGNORE},
};

static const struct source_class_word asset_classes[] = {
        {"CREATED", FACT_IMAGE_PUSH},
        {"UPDATED", FACT_IGNORE}, /* downloads touch them too */
        {"DELETED", FACT_IMAGE_DELETE},
        {"PURGED", FACT_IGNORE},
};

static const struct source_field component_fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "@X-Nexus-Webhook-Delivery"},
        {0, FORM_TIME, "timestamp"},
        {FACT_REPOSITORY, FORM_TEXT, "component.name"},
        {FACT_TAG, FORM_TEXT, "component.version"},
};

static const struct source_field asset_fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "@X-Nexus-Webhook-Delivery"},
        {0, FORM_TIME, "timestamp"},
};

/* "user/address". */
static void set_actor(const struct source_reader *reader, struct fact *fact)
{
    const char *initiator = source_read_text(reader, "initiator");

    if (initiator)
        fact->text[FACT_ACTOR] =
                mu_arena_strndup(reader->input->arena, initiator, strcspn(initiator, "/"));
}

static enum mu_status finish_component(struct source_reader *reader, struct fact *fact,
                                       struct mu_error *err)
{
    (void)err;
    set_actor(reader, fact);
    if (!mu_text_equal(source_read_text(reader, "component.format"), "docker"))
        fact->class_ = FACT_IGNORE;
    return MU_OK;
}

/* "v2/NAME/manifests/REFERENCE", with or without a slash before it. */
static enum mu_status finish_asset(struct source_reader *reader, struct fact *fact,
                                   struct mu_error *err)
{
    static const char middle[] = "/manifests/";
    const char *path = source_read_text(reader, "asset.name");
    const char *name = path ? path + (*path == '/') : "";
    const char *reference = strstr(name, middle);

    (void)err;
    set_actor(reader, fact);
    if (!mu_text_equal(source_read_text(reader, "asset.format"), "docker") || !reference ||
        !mu_text_starts(name, "v2/")) {
        fact->class_ = FACT_IGNORE;
        return MU_OK;
    }
    fact->text[FACT_REPOSITORY] =
            mu_arena_strndup(reader->input->arena, name + 3, (size_t)(reference - name) - 3);
    reference += strlen(middle);
    fact->text[strchr(reference, ':') ? FACT_DIGEST : FACT_TAG] = reference;
    if (fact->class_ == FACT_IMAGE_DELETE && !fact->text[FACT_DIGEST])
        fact->class_ = FACT_TAG_DELETE;
    return MU_OK;
}

static const struct source_shape shapes[] = {
        {.when = "component",
         .class_path = "action",
         SOURCE_CLASSES(component_classes),
         .otherwise = FACT_REJECT,
         SOURCE_FIELDS(component_fields),
         .finish = finish_component},
        {.when = "asset",
         .class_path = "action",
         SOURCE_CLASSES(asset_classes),
         .otherwise = FACT_REJECT,
         SOURCE_FIELDS(asset_fields),
         .finish = finish_asset},
        /* Audit, repository and purge notifications. */
        {.when = "nodeId", .otherwise = FACT_IGNORE, SOURCE_FIELDS(asset_fields)},
};

const struct source_kind nexus_kind = {
        .name = "nexus",
        .transport = "webhook",
        .sender = "Sonatype Nexus Repository: component and asset webhooks",
        .events = "push and delete of Docker components",
        .auth = SOURCE_AUTH_HMAC_SHA1,
        .auth_header = "X-Nexus-Webhook-Signature",
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

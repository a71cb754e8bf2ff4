/*
 * CloudEvents 1.0 of any sender: structured, batched and binary.
 *
 * Muster's own types carry their schema's data and are taken as they are; types of a sender that
 * has a kind of its own are read as that kind reads them. Of others the type's words tell what
 * happened ("com.example.image.pushed"), and the data is read by the names that senders commonly
 * use; the subject "repository:tag" fills in. The sender's (source, id) is the event's identity.
 */
#include "source/kind.h"

#include "base/text.h"
#include "json/json_doc.h"
#include "json/json_table.h"

#include <string.h>

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "%id"},
        {0, FORM_TIME, "%time"},
        {FACT_REGISTRY, FORM_HOST, "registry"},
        {FACT_REGISTRY, FORM_HOST, "registryUrl"},
        {FACT_REGISTRY, FORM_HOST, "registry_url"},
        {FACT_REGISTRY, FORM_HOST, "host"},
        {FACT_REPOSITORY, FORM_TEXT, "repository"},
        {FACT_REPOSITORY, FORM_TEXT, "repositoryName"},
        {FACT_REPOSITORY, FORM_TEXT, "repository_name"},
        {FACT_REPOSITORY, FORM_TEXT, "name"},
        {FACT_TAG, FORM_TEXT, "tag"},
        {FACT_TAG, FORM_TEXT, "imageTag"},
        {FACT_TAG, FORM_TEXT, "image_tag"},
        {FACT_DIGEST, FORM_TEXT, "digest"},
        {FACT_DIGEST, FORM_TEXT, "imageDigest"},
        {FACT_DIGEST, FORM_TEXT, "image_digest"},
        {FACT_MEDIA_TYPE, FORM_TEXT, "mediaType"},
        {FACT_MEDIA_TYPE, FORM_TEXT, "media_type"},
        {0, FORM_SIZE, "size"},
        {FACT_ACTOR, FORM_TEXT, "actor"},
        {FACT_ACTOR, FORM_TEXT, "actor.name"},
        {0, FORM_REFERENCE, "image"},
        {0, FORM_REFERENCE, "reference"},
};

/* How the last word of a type says what happened. */
static const struct source_class_word endings[] = {
        {"push", FACT_IMAGE_PUSH},
        {"pushed", FACT_IMAGE_PUSH},
        {"published", FACT_IMAGE_PUSH},
        {"updated", FACT_IMAGE_PUSH},
        {"delete", FACT_IMAGE_DELETE},
        {"deleted", FACT_IMAGE_DELETE},
        {"pull", FACT_IGNORE},
        {"pulled", FACT_IGNORE},
        {"scanned", FACT_SCAN_COMPLETED},
};

enum { EVENT_ID_MAX_BYTES = 512 }; /* schemas/registry-event.v1.schema.json, source_event_id */

/* Source and id are unique together (CloudEvents 1.0, "id"): "source#id"; where that is too long,
 * or could be read in two ways, a hash of both. */
static enum mu_status set_key(const struct source_reader *reader, struct fact *fact,
                              struct mu_error *err)
{
    const char *const parts[] = {source_read_text(reader, "%source"),
                                 source_read_text(reader, "%id")};
    char id[MU_UUID_TEXT_SIZE];

    if (!parts[0] || !parts[1])
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    if (strlen(parts[0]) + 1 + strlen(parts[1]) <= EVENT_ID_MAX_BYTES && !strchr(parts[0], '#')) {
        fact->text[FACT_KEY] = mu_arena_printf(reader->input->arena, "%s#%s", parts[0], parts[1]);
    } else {
        mu_stable_id("cloudevents", parts, 2, id);
        fact->text[FACT_KEY] = mu_arena_strdup(reader->input->arena, id);
    }
    return fact->text[FACT_KEY] ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");
}

static enum mu_status classify(const char *type, struct fact *fact, struct mu_error *err)
{
    const char *dot = strrchr(type, '.');
    const char *ending = dot ? dot + 1 : type;

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (strcasecmp(ending, endings[i].word) == 0) {
            fact->class_ = endings[i].class_;
            return MU_OK;
        }
    }
    return mu_fail(err, MU_E_INVALID, "type '%.100s' is not understood", type);
}

/* ---- Muster's own types ---- */

static enum mu_status add_message(struct source_reader *reader, struct fact *fact,
                                  enum mu_msg_type type, const void *message, const char *key,
                                  struct mu_error *err)
{
    enum mu_status st = source_events_add(reader->events, type, message, key, err);

    if (st != MU_OK)
        return st;
    fact->first_event = reader->events->count - 1;
    fact->event_count = 1;
    st = source_events_keep(reader->events, fact, err);
    return st == MU_OK ? MU_END : st;
}

static enum mu_status own_data(const struct source_reader *reader,
                               const struct mu_json_object *object, void **ret_message,
                               struct mu_error *err)
{
    void *message = mu_arena_alloc(reader->input->arena, object->struct_size);
    enum mu_status st =
            message ? mu_json_decode(object, reader->root, reader->input->arena, message, err)
                    : mu_fail(err, MU_E_NOMEM, "out of memory");

    if (st == MU_OK)
        *ret_message = message;
    return st;
}

/* What is ours to say is not the sender's: source, kind, id and the time we learned of it. Both
 * messages begin their say with these. */
#define SAY_OURS(message, reader, fact)                               \
    do {                                                              \
        (message)->source = (reader)->input->source->name;            \
        (message)->source_kind = (reader)->input->source->kind->name; \
        (message)->source_event_id = (fact)->text[FACT_KEY];          \
        (message)->received_at_us = (reader)->input->received_at_us;  \
    } while (0)

static enum mu_status own_registry(struct source_reader *reader, struct fact *fact,
                                   struct mu_error *err)
{
    struct mu_registry_event *message = NULL;
    enum mu_status st = own_data(reader, &mu_registry_event_object, (void **)&message, err);

    if (st != MU_OK)
        return st;
    SAY_OURS(message, reader, fact);
    message->repository = source_alias(reader->input, message->repository);
    fact->class_ = message->action == MU_REGISTRY_DELETE ? FACT_IMAGE_DELETE : FACT_IMAGE_PUSH;
    return add_message(reader, fact, MU_MSG_REGISTRY_EVENT, message, message->repository, err);
}

static enum mu_status own_workload(struct source_reader *reader, struct fact *fact,
                                   struct mu_error *err)
{
    struct mu_workload_event *message = NULL;
    enum mu_status st = own_data(reader, &mu_workload_event_object, (void **)&message, err);

    if (st != MU_OK)
        return st;
    SAY_OURS(message, reader, fact);
    fact->class_ = message->action == MU_WORKLOAD_REMOVED ? FACT_POD_DELETE : FACT_CONTAINER_START;
    return add_message(reader, fact, MU_MSG_WORKLOAD_EVENT, message, message->pod_uid, err);
}

/* ---- types of senders that have a kind of their own, through a broker or a sink of all ---- */

static const struct {
    const char *beginning, *kind;
} known_types[] = {
        {"harbor.", "harbor"},
        {"Microsoft.ContainerRegistry.", "acr"},
        {"dev.cdevents.", "cdevents"},
        {"dev.knative.apiserver.", "knative"},
        {"google.cloud.audit.log.", "cloudrun"},
        {"zotregistry.", "zot"},
};

static const struct source_kind *kind_of(const char *type)
{
    for (size_t i = 0; i < sizeof(known_types) / sizeof(known_types[0]); i++)
        if (mu_text_starts(type, known_types[i].beginning))
            return source_kind_find(known_types[i].kind);
    return NULL;
}

/* As that kind reads it; the event's identity is source and id all the same. */
static enum mu_status read_as(struct source_reader *reader, const struct source_kind *kind,
                              const char *key, struct mu_error *err)
{
    struct source_attributes attributes = *reader->attributes;
    enum mu_status st;

    attributes.id = key;
    st = source_read_document(reader->input, kind, reader->root, &attributes, reader->events, err);
    return st == MU_OK ? MU_END : st;
}

/* ---- others ---- */

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *type = source_read_text(reader, "%type");
    const char *subject = source_read_text(reader, "%subject");
    const struct source_kind *kind = kind_of(type);
    enum mu_status st = set_key(reader, fact, err);

    if (st != MU_OK)
        return st;
    if (!reader->root)
        return mu_fail(err, MU_E_INVALID, "data: is missing");
    if (mu_msg_type_of(type) == MU_MSG_REGISTRY_EVENT)
        return own_registry(reader, fact, err);
    if (mu_msg_type_of(type) == MU_MSG_WORKLOAD_EVENT)
        return own_workload(reader, fact, err);
    if (kind)
        return read_as(reader, kind, fact->text[FACT_KEY], err);
    st = classify(type ? type : "", fact, err);
    if (st == MU_OK && subject && !fact->text[FACT_REPOSITORY])
        source_fill_reference(reader, subject, fact);
    return st;
}

static const struct source_shape shapes[] = {
        {.when = "%type", SOURCE_FIELDS(fields), .otherwise = FACT_IGNORE, .finish = finish}};

const struct source_kind cloudevents_kind = {
        .name = "cloudevents",
        .transport = "webhook",
        .sender = "any CloudEvents 1.0 sender: structured, batch, binary",
        .events = "Muster's own types; those of other kinds; others that end in push, pushed, "
                  "deleted and the like",
        .auth = SOURCE_AUTH_BEARER | SOURCE_AUTH_BASIC | SOURCE_AUTH_HEADER | SOURCE_AUTH_JWT |
                SOURCE_AUTH_URL | SOURCE_AUTH_MTLS,
        .auth_header = "X-Webhook-Secret",
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_CLOUDEVENTS,
        SOURCE_SHAPES(shapes),
};

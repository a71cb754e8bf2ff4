#include "source/emit.h"

#include "base/text.h"
#include "oci/reference.h"

#include <string.h>

enum { REMARK_MAX_BYTES = 255 }; /* schemas/registry-event.v1.schema.json */

struct emission {
    const struct source_input *input;
    struct source_events *events;
    struct fact *fact;
    const char *id;
};

/* ---- identity ---- */

static const char *identity(const struct emission *emission, const char *content_id, size_t fanned)
{
    const struct fact *fact = emission->fact;
    const char *id = fact->text[FACT_KEY];

    if (!id && emission->input->source->kind->id == SOURCE_ID_TOLD)
        id = fact->text[FACT_EVENT_ID];
    if (!id)
        id = content_id;
    return fanned > 0 ? mu_arena_printf(emission->input->arena, "%.490s#%zu", id, fanned)
                      : mu_arena_strndup(emission->input->arena, id, strnlen(id, 512));
}

/* ---- registry events ---- */

/* Several senders write the digest where a tag belongs when there is no tag. */
static void move_digest_out_of_tag(struct fact *fact)
{
    const char *tag = fact->text[FACT_TAG];

    if (!tag || !mu_oci_digest_valid(tag, strlen(tag)))
        return;
    if (!fact->text[FACT_DIGEST])
        fact->text[FACT_DIGEST] = tag;
    fact->text[FACT_TAG] = NULL;
}

/* A digest that is none (documentation samples, masks) is not passed on; the tag still says what
 * moved. */
static const char *usable_digest(struct fact *fact)
{
    const char *digest = fact->text[FACT_DIGEST];

    if (!digest)
        return NULL;
    if (mu_oci_digest_valid(digest, strlen(digest)))
        return digest;
    fact->why = "the digest is malformed and was left out";
    return NULL;
}

static enum mu_status check_names(const struct fact *fact, const char *digest, const char *host,
                                  struct mu_error *err)
{
    const char *tag = fact->text[FACT_TAG];

    if (!fact->text[FACT_REPOSITORY])
        return mu_fail(err, MU_E_INVALID, "repository: is missing");
    if (!host)
        return mu_fail(err, MU_E_INVALID,
                       "the event names no registry: set 'registry' of the source to its host");
    if (tag && !mu_oci_tag_valid(tag, strlen(tag)))
        return mu_fail(err, MU_E_INVALID, "tag: '%.100s' is no tag", tag);
    if (!tag && !digest && fact->text[FACT_DIGEST])
        return mu_fail(err, MU_E_INVALID, "digest: '%.100s' is no digest", fact->text[FACT_DIGEST]);
    if (!tag && !digest)
        return mu_fail(err, MU_E_INVALID, "tag and digest: are missing");
    return MU_OK;
}

static enum mu_digest_kind kind_of(const struct fact *fact, const char *digest)
{
    if (!digest)
        return MU_DIGEST_KIND_NONE;
    if (fact->digest_kind != MU_DIGEST_KIND_NONE)
        return fact->digest_kind;
    return mu_media_type_kind(fact->text[FACT_MEDIA_TYPE]);
}

/* What is nice to know is left out rather than let it keep an event from being seen. */
static const char *remark(const char *text)
{
    return text && strlen(text) <= REMARK_MAX_BYTES ? text : NULL;
}

static enum mu_status emit_registry(struct emission *emission, enum mu_registry_action action,
                                    struct mu_error *err)
{
    const struct source_input *input = emission->input;
    struct fact *fact = emission->fact;
    struct mu_registry_event *message = mu_arena_alloc(input->arena, sizeof(*message));
    const char *digest, *host = fact->text[FACT_REGISTRY];
    enum mu_status st;

    if (!message)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    move_digest_out_of_tag(fact);
    digest = usable_digest(fact);
    if (!host)
        host = input->source->registry;
    st = check_names(fact, digest, host, err);
    *message = (struct mu_registry_event){
            .source = input->source->name,
            .source_kind = input->source->kind->name,
            .source_event_id = emission->id,
            .action = (int)action,
            .occurred_at_us = fact->occurred_at_us,
            .received_at_us = input->received_at_us,
            .tag = fact->text[FACT_TAG],
            .digest = digest,
            .digest_kind = kind_of(fact, digest),
            .media_type = remark(fact->text[FACT_MEDIA_TYPE]),
            .size_bytes = fact->size_bytes,
            .actor = remark(fact->text[FACT_ACTOR]),
            .reconcile = fact->reconcile,
    };
    /* A deleted manifest takes every tag with it; a deleted tag leaves the manifest. */
    if ((fact->class_ == FACT_TAG_DELETE || fact->tag_only) && message->tag)
        message->digest = NULL, message->digest_kind = MU_DIGEST_KIND_NONE;
    else if (action == MU_REGISTRY_DELETE && message->digest)
        message->tag = NULL;
    if (st == MU_OK)
        st = source_repository(input, host, fact->text[FACT_REPOSITORY], &message->repository, err);
    if (st == MU_OK)
        st = source_events_add(emission->events, MU_MSG_REGISTRY_EVENT, message,
                               message->repository, err);
    return st;
}

/* ---- workload events ---- */

static const char *first_of(const char *a, const char *b, const char *c)
{
    if (a && *a)
        return a;
    return b && *b ? b : c;
}

/* What is declared has no uid: its name stands in for one, and nothing is said to run under it. */
static const char *declared_uid(const struct emission *emission)
{
    const struct fact *fact = emission->fact;

    return mu_arena_printf(emission->input->arena, "declared:%.60s/%.80s/%.100s",
                           first_of(fact->text[FACT_KIND], NULL, "workload"),
                           first_of(fact->text[FACT_NAMESPACE], NULL, "-"),
                           first_of(fact->text[FACT_NAME], NULL, "-"));
}

static void fill_workload(const struct emission *emission, enum mu_workload_action action,
                          struct mu_workload_event *event)
{
    const struct source_input *input = emission->input;
    const struct source_config *source = input->source;
    const struct fact *fact = emission->fact;

    *event = (struct mu_workload_event){
            .source = source->name,
            .source_kind = source->kind->name,
            .action = (int)action,
            .received_at_us = input->received_at_us,
            .occurred_at_us = fact->occurred_at_us,
            .cluster = first_of(fact->text[FACT_CLUSTER], source->cluster, source->name),
            .namespace_name = first_of(fact->text[FACT_NAMESPACE], NULL, "default"),
            .pod = first_of(fact->text[FACT_NAME], fact->text[FACT_UID], "unnamed"),
            .pod_uid =
                    action == MU_WORKLOAD_DECLARED ? declared_uid(emission) : fact->text[FACT_UID],
            .owner_kind = fact->text[FACT_OWNER_KIND],
            .owner_name = fact->text[FACT_OWNER_NAME],
            .node = fact->text[FACT_NODE],
            .platform = fact->text[FACT_PLATFORM],
            .sequence = fact->sequence,
            .reconcile = fact->reconcile,
    };
}

/* One message of at most MU_WORKLOAD_MAX_CONTAINERS runs. */
static enum mu_status emit_part(struct emission *emission, const struct mu_workload_event *whole,
                                size_t first, struct mu_error *err)
{
    const struct fact *fact = emission->fact;
    struct mu_arena *arena = emission->input->arena;
    struct mu_workload_event *event = mu_arena_alloc(arena, sizeof(*event));
    size_t left = fact->container_count - first;
    size_t taken = left < MU_WORKLOAD_MAX_CONTAINERS ? left : MU_WORKLOAD_MAX_CONTAINERS;

    if (!event)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    *event = *whole;
    event->source_event_id = mu_arena_printf(arena, "%s:%s%zu", emission->id,
                                             event->action == MU_WORKLOAD_REMOVED ? "removed." : "",
                                             first / MU_WORKLOAD_MAX_CONTAINERS);
    event->containers =
            (struct mu_json_array){fact->containers ? fact->containers + first : NULL, taken};
    return source_events_add(emission->events, MU_MSG_WORKLOAD_EVENT, event, event->pod_uid, err);
}

/* Whether every container says its image; some streams name it only elsewhere. */
static bool images_are_known(const struct fact *fact)
{
    for (size_t i = 0; i < fact->container_count; i++)
        if (!fact->containers[i].image)
            return false;
    return true;
}

static enum mu_status emit_workload(struct emission *emission, enum mu_workload_action action,
                                    struct mu_error *err)
{
    struct mu_workload_event whole;
    size_t first = 0;
    enum mu_status st;

    if (!images_are_known(emission->fact)) {
        emission->fact->why = "the event does not name the image";
        return MU_OK;
    }
    fill_workload(emission, action, &whole);
    do {
        st = emit_part(emission, &whole, first, err);
        first += MU_WORKLOAD_MAX_CONTAINERS;
    } while (st == MU_OK && first < emission->fact->container_count);
    return st;
}

/* Some platforms tell no instances: what is deployed runs, and has a uid. */
static bool runs_as_declared(const struct fact *fact)
{
    return fact->text[FACT_UID] && fact->container_count > 0 &&
           fact->containers[0].state == MU_CONTAINER_RUNNING;
}

static enum mu_status emit_declared(struct emission *emission, struct mu_error *err)
{
    if (runs_as_declared(emission->fact))
        return emit_workload(emission, MU_WORKLOAD_OBSERVED, err);
    return emission->fact->container_count > 0 ? emit_workload(emission, MU_WORKLOAD_DECLARED, err)
                                               : MU_OK;
}

static enum mu_status emit_observed(struct emission *emission, enum mu_workload_action action,
                                    struct mu_error *err)
{
    if (emission->fact->text[FACT_UID])
        return emit_workload(emission, action, err);
    return action == MU_WORKLOAD_OBSERVED ? emit_declared(emission, err) : MU_OK;
}

static enum mu_status emit(struct emission *emission, struct mu_error *err)
{
    switch (fact_classes[emission->fact->class_].effect) {
    case FACT_EFFECT_PUSH:
        return emit_registry(emission, MU_REGISTRY_PUSH, err);
    case FACT_EFFECT_DELETE:
        return emit_registry(emission, MU_REGISTRY_DELETE, err);
    case FACT_EFFECT_DECLARE:
        return emit_declared(emission, err);
    case FACT_EFFECT_OBSERVE:
        return emit_observed(emission, MU_WORKLOAD_OBSERVED, err);
    case FACT_EFFECT_REMOVE:
        return emit_observed(emission, MU_WORKLOAD_REMOVED, err);
    case FACT_EFFECT_NONE:
        break;
    }
    return MU_OK;
}

enum mu_status emit_fact(const struct source_input *input, const char *content_id, size_t fanned,
                         struct source_events *events, struct fact *fact, struct mu_error *err)
{
    struct emission emission = {.input = input, .events = events, .fact = fact};
    size_t before = events->count;
    enum mu_status st;

    emission.id = identity(&emission, content_id, fanned);
    if (!emission.id)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    if (fact->occurred_at_us == MU_TIME_NONE)
        fact->occurred_at_us = input->received_at_us;
    st = fact->told_only ? MU_OK : emit(&emission, err);
    fact->first_event = before;
    fact->event_count = events->count - before;
    return st;
}

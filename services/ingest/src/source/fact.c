#include "source/fact.h"

#include <string.h>

enum { CONTAINERS_MAX = 32 * MU_WORKLOAD_MAX_CONTAINERS };

const struct fact_class_row fact_classes[FACT_CLASS_COUNT] = {
        [FACT_IGNORE] = {"ignore", FACT_EFFECT_NONE, "no image and no container changed"},
        [FACT_REJECT] = {"reject", FACT_EFFECT_NONE, NULL},
        [FACT_NOOP] = {"noop", FACT_EFFECT_NONE, "says nothing"},
        [FACT_HANDSHAKE] = {"handshake", FACT_EFFECT_NONE,
                            "asks for a proof before it sends events"},
        [FACT_RESYNC] = {"resync", FACT_EFFECT_NONE, "the stream lost its place: list again"},
        [FACT_ENRICHMENT] = {"enrichment", FACT_EFFECT_NONE, "completes other events"},
        [FACT_IMAGE_PUSH] = {"image.push", FACT_EFFECT_PUSH, NULL},
        [FACT_IMAGE_UPDATE] = {"image.update", FACT_EFFECT_NONE, "the image stayed the same"},
        [FACT_IMAGE_DELETE] = {"image.delete", FACT_EFFECT_DELETE, NULL},
        [FACT_AMBIGUOUS_DELETE] = {"ambiguous-delete", FACT_EFFECT_DELETE, NULL},
        [FACT_TAG_PUSH] = {"tag.push", FACT_EFFECT_PUSH, NULL},
        [FACT_TAG_DELETE] = {"tag.delete", FACT_EFFECT_DELETE, NULL},
        [FACT_ARTIFACT_PUBLISHED] = {"artifact.published", FACT_EFFECT_PUSH, NULL},
        [FACT_ARTIFACT_DELETED] = {"artifact.deleted", FACT_EFFECT_DELETE, NULL},
        [FACT_SCAN_COMPLETED] = {"scan.completed", FACT_EFFECT_NONE,
                                 "another scanner's result is no evidence of ours"},
        [FACT_SCAN_FAILED] = {"scan.failed", FACT_EFFECT_NONE,
                              "another scanner's result is no evidence of ours"},
        [FACT_SCAN_STOPPED] = {"scan.stopped", FACT_EFFECT_NONE,
                               "another scanner's result is no evidence of ours"},
        [FACT_FINDING] = {"finding", FACT_EFFECT_NONE,
                          "another scanner's result is no evidence of ours"},
        [FACT_REPLICATION] = {"replication", FACT_EFFECT_NONE,
                              "what was copied is told by its own pushes"},
        [FACT_TAG_RETENTION] = {"tag_retention", FACT_EFFECT_NONE,
                                "what was removed is told by its own deletes"},
        [FACT_WORKLOAD_DEPLOY] = {"workload.deploy", FACT_EFFECT_DECLARE, "names no image"},
        [FACT_WORKLOAD_DEPLOYED] = {"workload.deployed", FACT_EFFECT_DECLARE, "names no image"},
        [FACT_WORKLOAD_DEPLOY_NO_IMAGE] = {"workload.deploy-no-image", FACT_EFFECT_NONE,
                                           "names no image"},
        [FACT_WORKLOAD_DELETE] = {"workload.delete", FACT_EFFECT_REMOVE,
                                  "nothing was said to run under its name"},
        [FACT_SERVICE_DEPLOYED] = {"service.deployed", FACT_EFFECT_DECLARE, "names no image"},
        [FACT_SERVICE_UPGRADED] = {"service.upgraded", FACT_EFFECT_DECLARE, "names no image"},
        [FACT_SERVICE_ROLLEDBACK] = {"service.rolledback", FACT_EFFECT_DECLARE, "names no image"},
        [FACT_SERVICE_REMOVED] = {"service.removed", FACT_EFFECT_NONE,
                                  "nothing was said to run under its name"},
        [FACT_POD_CREATE] = {"pod.create", FACT_EFFECT_OBSERVE, "names no image"},
        [FACT_POD_DELETE] = {"pod.delete", FACT_EFFECT_REMOVE, "names no uid"},
        [FACT_CONTAINER_START] = {"container.start", FACT_EFFECT_OBSERVE, "names no image"},
        [FACT_CONTAINER_STOP] = {"container.stop", FACT_EFFECT_OBSERVE, "names no image"},
};

static const char *const fact_slot_names[FACT_SLOT_COUNT] = {
        [FACT_EVENT_ID] = "event_id",
        [FACT_ACTION] = "action",
        [FACT_KEY] = "key",
        [FACT_ACTOR] = "actor",
        [FACT_REGISTRY] = "registry",
        [FACT_REPOSITORY] = "repository",
        [FACT_TAG] = "tag",
        [FACT_DIGEST] = "digest",
        [FACT_MEDIA_TYPE] = "media_type",
        [FACT_PLATFORM] = "platform",
        [FACT_CLUSTER] = "cluster",
        [FACT_NAMESPACE] = "namespace",
        [FACT_KIND] = "kind",
        [FACT_NAME] = "name",
        [FACT_UID] = "uid",
        [FACT_OWNER_KIND] = "owner_kind",
        [FACT_OWNER_NAME] = "owner_name",
        [FACT_NODE] = "node",
        [FACT_EXIT_CODE] = "exit_code",
};

void fact_init(struct fact *fact)
{
    *fact = (struct fact){.occurred_at_us = MU_TIME_NONE, .size_bytes = -1};
}

struct mu_workload_container *fact_container_add(struct fact *fact, struct mu_arena *arena)
{
    struct mu_workload_container *container;

    if (fact->container_count == fact->container_capacity) {
        size_t capacity = fact->container_capacity ? 2 * fact->container_capacity : 8;
        struct mu_workload_container *grown;

        if (capacity > CONTAINERS_MAX)
            return NULL;
        grown = mu_arena_alloc(arena, capacity * sizeof(*grown));
        if (!grown)
            return NULL;
        if (fact->container_count > 0)
            memcpy(grown, fact->containers, fact->container_count * sizeof(*grown));
        fact->containers = grown;
        fact->container_capacity = capacity;
    }
    container = &fact->containers[fact->container_count++];
    *container = (struct mu_workload_container){.kind = MU_CONTAINER_REGULAR,
                                                .state = MU_CONTAINER_WAITING,
                                                .started_at_us = MU_TIME_NONE,
                                                .finished_at_us = MU_TIME_NONE};
    return container;
}

/* ---- printing ---- */

const char *fact_outcome(const struct fact *fact)
{
    if (fact->class_ == FACT_REJECT && fact->event_count == 0)
        return "denied";
    if (fact->quarantined)
        return "quarantined";
    return fact->event_count > 0 ? "event" : "ignored";
}

static const char *const container_kinds[] = {"container", "container", "init", "sidecar",
                                              "ephemeral"};
static const char *const container_states[] = {"waiting", "waiting", "running", "terminated"};

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text && *text)
        (void)json_object_set_new(object, name, json_string(text));
}

static void set_time(json_t *object, const char *name, int64_t at_us)
{
    char text[MU_TIME_TEXT_SIZE];

    if (at_us == MU_TIME_NONE)
        return;
    mu_time_format(at_us, text);
    set_text(object, name, text);
}

static json_t *container_json(const struct mu_workload_container *container)
{
    json_t *object = json_object();

    set_text(object, "container", container->name);
    set_text(object, "kind", container_kinds[container->kind]);
    set_text(object, "state", container_states[container->state]);
    set_text(object, "image", container->image);
    set_text(object, "image_id", container->image_id);
    set_text(object, "repository", container->repository);
    set_text(object, "tag", container->tag);
    set_text(object, "digest", container->digest);
    set_text(object, "container_id", container->container_id);
    set_time(object, "started", container->started_at_us);
    set_time(object, "finished", container->finished_at_us);
    return object;
}

static void set_containers(json_t *object, const struct fact *fact)
{
    json_t *list = json_array();

    for (size_t i = 0; i < fact->container_count; i++)
        (void)json_array_append_new(list, container_json(&fact->containers[i]));
    (void)json_object_set_new(object, "containers", list);
}

/* What is not passed on says why. */
static const char *why_of(const struct fact *fact)
{
    if (fact->why || fact->event_count > 0)
        return fact->why;
    return fact_classes[fact->class_].quiet;
}

json_t *fact_json(const struct fact *fact)
{
    json_t *object = json_object();

    set_text(object, "class", fact_classes[fact->class_].word);
    set_text(object, "why", why_of(fact));
    set_time(object, "time", fact->occurred_at_us);
    for (size_t i = 0; i < FACT_SLOT_COUNT; i++)
        set_text(object, fact_slot_names[i], fact->text[i]);
    if (fact->digest_kind != MU_DIGEST_KIND_NONE)
        set_text(object, "digest_kind", mu_digest_kind_words[fact->digest_kind]);
    if (fact->size_bytes >= 0)
        (void)json_object_set_new(object, "size", json_integer(fact->size_bytes));
    if (fact->sequence > 0)
        (void)json_object_set_new(object, "sequence", json_integer(fact->sequence));
    if (fact->container_count > 0)
        set_containers(object, fact);
    return object;
}

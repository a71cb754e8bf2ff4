/*
 * Kubernetes watch events of Pods, one JSON object a line (API concepts, "Efficient detection of
 * changes"). One object over several lines does as well, and so does a Pod or a list of Pods, which
 * is what people have at hand.
 *
 * Every run of every container that the status tells becomes an entry: the current state, and the
 * last termination, which is an earlier run. imageID is what the runtime says it runs; its digest
 * may be of an index, a manifest or a config.
 */
#include "source/source.h"

#include "base/text.h"
#include "oci/reference.h"
#include "json/json_doc.h"

#include <stdlib.h>
#include <string.h>

static const struct mu_json_limits limits = {SOURCE_MAX_BODY_BYTES, 64};

struct group {
    const char *spec, *status;
    enum mu_container_kind kind;
};

static const struct group groups[] = {
        {"containers", "containerStatuses", MU_CONTAINER_REGULAR},
        {"initContainers", "initContainerStatuses", MU_CONTAINER_INIT},
        {"ephemeralContainers", "ephemeralContainerStatuses", MU_CONTAINER_EPHEMERAL},
};

/* What a line tells of its pod. ABSENT is of our own making: a listing no longer has the pod. */
struct line_type {
    const char *name;
    enum mu_workload_action action;
    bool reconcile;
};

static const struct line_type line_types[] = {
        {"ADDED", MU_WORKLOAD_OBSERVED, false},
        {"MODIFIED", MU_WORKLOAD_OBSERVED, false},
        {"DELETED", MU_WORKLOAD_REMOVED, false},
        {"ABSENT", MU_WORKLOAD_REMOVED, true},
};

enum { VERSION_MAX_BYTES = 128 };

struct pod {
    const struct source_input *input;
    const struct line_type *type;
    const json_t *object;
    const char *version; /* of this state: resourceVersion, else the hash of the line */
    struct mu_workload_container *containers;
    size_t count, capacity;
};

static const char *text(const struct source_input *input, const json_t *root, const char *path)
{
    const char *found = mu_json_text_at(root, path);

    return found && *found ? mu_arena_strdup(input->arena, found) : NULL;
}

static const json_t *status_of(const struct pod *pod, const struct group *group, const char *name)
{
    const json_t *statuses = json_object_get(json_object_get(pod->object, "status"), group->status);
    const json_t *status;
    size_t index;

    json_array_foreach (statuses, index, status) {
        if (mu_text_equal(mu_json_text_at(status, "name"), name))
            return status;
    }
    return NULL;
}

/* What the spec asked for, then what the runtime reports, which wins. A name nobody can parse stays
 * a name. */
static void fill_image(const struct pod *pod, struct mu_workload_container *container)
{
    struct mu_oci_reference reference;
    struct mu_error ignored;

    if (mu_oci_reference_parse(container->image, strlen(container->image), &reference, &ignored) ==
        MU_OK) {
        container->repository = reference.repository[0]
                                        ? mu_arena_strdup(pod->input->arena, reference.repository)
                                        : NULL;
        container->tag =
                reference.tag[0] ? mu_arena_strdup(pod->input->arena, reference.tag) : NULL;
        container->digest =
                reference.digest[0] ? mu_arena_strdup(pod->input->arena, reference.digest) : NULL;
    }
    if (container->image_id &&
        mu_oci_reference_parse(container->image_id, strlen(container->image_id), &reference,
                               &ignored) == MU_OK &&
        reference.digest[0]) {
        container->digest = mu_arena_strdup(pod->input->arena, reference.digest);
        if (!container->repository && reference.repository[0])
            container->repository = mu_arena_strdup(pod->input->arena, reference.repository);
    }
    if (container->repository)
        container->repository = source_alias(pod->input, container->repository);
}

static struct mu_workload_container *new_container(struct pod *pod)
{
    if (pod->count == pod->capacity) {
        size_t capacity = pod->capacity ? 2 * pod->capacity : 8;
        struct mu_workload_container *containers =
                mu_arena_alloc(pod->input->arena, capacity * sizeof(struct mu_workload_container));

        if (!containers)
            return NULL;
        if (pod->count > 0)
            memcpy(containers, pod->containers, pod->count * sizeof(struct mu_workload_container));
        pod->containers = containers;
        pod->capacity = capacity;
    }
    return &pod->containers[pod->count++];
}

/* "1970-01-01T00:00:00Z" is how kubelets write "never": source_time gives it back as a time of 0.
 */
static int64_t time_or_none(const json_t *root, const char *path)
{
    int64_t at_us = source_time(mu_json_text_at(root, path), MU_TIME_NONE);

    return at_us == 0 ? MU_TIME_NONE : at_us;
}

static enum mu_status add_run(struct pod *pod, const struct mu_workload_container *base,
                              const json_t *state, const char *container_id, struct mu_error *err)
{
    struct mu_workload_container *container = new_container(pod);
    const json_t *running = json_object_get(state, "running");
    const json_t *terminated = json_object_get(state, "terminated");

    if (!container)
        return mu_fail(err, MU_E_LIMIT, "the pod has too many containers");
    *container = *base;
    container->container_id =
            container_id && *container_id ? mu_arena_strdup(pod->input->arena, container_id) : NULL;
    container->state = MU_CONTAINER_WAITING;
    container->started_at_us = MU_TIME_NONE;
    container->finished_at_us = MU_TIME_NONE;
    if (terminated) {
        container->state = MU_CONTAINER_TERMINATED;
        container->started_at_us = time_or_none(terminated, "startedAt");
        container->finished_at_us = time_or_none(terminated, "finishedAt");
    } else if (running) {
        container->state = MU_CONTAINER_RUNNING;
        container->started_at_us = time_or_none(running, "startedAt");
    }
    return MU_OK;
}

static enum mu_status add_container(struct pod *pod, const struct group *group, const json_t *spec,
                                    struct mu_error *err)
{
    const struct source_input *input = pod->input;
    struct mu_workload_container base = {.kind = (int)group->kind,
                                         .name = text(input, spec, "name"),
                                         .image = text(input, spec, "image")};
    const json_t *status, *earlier;
    enum mu_status st;

    if (!base.name || !base.image)
        return mu_fail(err, MU_E_INVALID, "a container of spec.%s has no name or image",
                       group->spec);
    if (group->kind == MU_CONTAINER_INIT &&
        mu_text_equal(mu_json_text_at(spec, "restartPolicy"), "Always"))
        base.kind = MU_CONTAINER_SIDECAR;
    status = status_of(pod, group, base.name);
    base.image_id = text(input, status, "imageID");
    fill_image(pod, &base);
    st = add_run(pod, &base, json_object_get(status, "state"),
                 mu_json_text_at(status, "containerID"), err);
    earlier = json_object_get(status, "lastState");
    if (st == MU_OK && mu_json_at(earlier, "terminated.startedAt"))
        st = add_run(pod, &base, earlier, mu_json_text_at(earlier, "terminated.containerID"), err);
    return st;
}

static enum mu_status add_containers(struct pod *pod, struct mu_error *err)
{
    for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
        const json_t *specs = json_object_get(json_object_get(pod->object, "spec"), groups[g].spec);
        const json_t *spec;
        size_t index;

        json_array_foreach (specs, index, spec) {
            enum mu_status st = add_container(pod, &groups[g], spec, err);

            if (st != MU_OK)
                return st;
        }
    }
    return MU_OK;
}

static const json_t *controller_of(const json_t *object)
{
    const json_t *owner;
    size_t index;

    json_array_foreach (json_object_get(json_object_get(object, "metadata"), "ownerReferences"),
                        index, owner) {
        if (json_is_true(json_object_get(owner, "controller")))
            return owner;
    }
    return NULL;
}

/* When this version of the pod became true: the newest time its status tells, else its creation. */
static int64_t occurred_at(const struct pod *pod)
{
    int64_t deleted_us = time_or_none(pod->object, "metadata.deletionTimestamp");
    int64_t newest_us = time_or_none(pod->object, "metadata.creationTimestamp");

    if (pod->type->action == MU_WORKLOAD_REMOVED)
        return deleted_us != MU_TIME_NONE ? deleted_us : pod->input->received_at_us;
    for (size_t i = 0; i < pod->count; i++) {
        const struct mu_workload_container *container = &pod->containers[i];

        if (container->started_at_us > newest_us)
            newest_us = container->started_at_us;
        if (container->finished_at_us > newest_us)
            newest_us = container->finished_at_us;
    }
    return newest_us != MU_TIME_NONE ? newest_us : pod->input->received_at_us;
}

/* Everything but containers and id. */
static enum mu_status fill_event(const struct pod *pod, struct mu_workload_event *event,
                                 struct mu_error *err)
{
    const struct source_input *input = pod->input;
    const json_t *owner = controller_of(pod->object);

    *event = (struct mu_workload_event){
            .source = input->source->name,
            .source_kind = "kubernetes",
            .action = (int)pod->type->action,
            .received_at_us = input->received_at_us,
            .occurred_at_us = occurred_at(pod),
            .cluster = input->source->cluster ? input->source->cluster : input->source->name,
            .namespace_name = text(input, pod->object, "metadata.namespace"),
            .pod = text(input, pod->object, "metadata.name"),
            .pod_uid = text(input, pod->object, "metadata.uid"),
            .owner_kind = text(input, owner, "kind"),
            .owner_name = text(input, owner, "name"),
            .node = text(input, pod->object, "spec.nodeName"),
            .sequence = (int64_t)strtoll(pod->version, NULL, 10),
            .reconcile = pod->type->reconcile,
    };
    if (event->sequence < 0)
        event->sequence = 0;
    if (!event->namespace_name || !event->pod || !event->pod_uid)
        return mu_fail(err, MU_E_INVALID, "metadata.namespace, name or uid: is missing");
    return MU_OK;
}

/* A pod with more runs than a message holds is told in several. */
static enum mu_status add_events(const struct pod *pod, const struct mu_workload_event *whole,
                                 struct source_events *events, struct mu_error *err)
{
    size_t first = 0;
    enum mu_status st;

    do {
        struct mu_workload_event *event = mu_arena_alloc(pod->input->arena, sizeof(*event));
        size_t left = pod->count - first;
        size_t taken = left < MU_WORKLOAD_MAX_CONTAINERS ? left : MU_WORKLOAD_MAX_CONTAINERS;

        if (!event)
            return mu_fail(err, MU_E_NOMEM, "out of memory");
        *event = *whole;
        event->source_event_id =
                mu_arena_printf(pod->input->arena, "%s:%s:%s%zu", event->pod_uid, pod->version,
                                event->action == MU_WORKLOAD_REMOVED ? "removed." : "",
                                first / MU_WORKLOAD_MAX_CONTAINERS);
        event->containers =
                (struct mu_json_array){pod->containers ? pod->containers + first : NULL, taken};
        st = source_events_add(events, MU_MSG_WORKLOAD_EVENT, event, event->pod_uid, err);
        first += taken;
    } while (st == MU_OK && first < pod->count);
    return st;
}

/* resourceVersion is opaque (API concepts, "Resource versions"); two states never share one. */
static const char *version_of(const struct source_input *input, const json_t *object,
                              const char *line, size_t len)
{
    const char *version = mu_json_text_at(object, "metadata.resourceVersion");
    char *digest;

    if (version && *version && strlen(version) <= VERSION_MAX_BYTES)
        return mu_arena_strdup(input->arena, version);
    digest = mu_arena_alloc(input->arena, MU_DIGEST_TEXT_SIZE);
    if (digest)
        mu_sha256_text(line, len, digest);
    return digest;
}

static enum mu_status decode_pod(struct pod *pod, struct source_events *events,
                                 struct mu_error *err)
{
    struct mu_workload_event event;
    enum mu_status st = add_containers(pod, err);

    if (st == MU_OK)
        st = fill_event(pod, &event, err);
    return st == MU_OK ? add_events(pod, &event, events, err) : st;
}

static const struct line_type *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof(line_types) / sizeof(line_types[0]); i++)
        if (mu_text_equal(line_types[i].name, name))
            return &line_types[i];
    return NULL;
}

/* A part of the body: its JSON, and its text for ids and quarantine. */
struct part {
    const json_t *root;
    const char *text;
    size_t len;
};

static enum mu_status decode_object(const struct source_input *input, const struct part *part,
                                    const struct line_type *type, const json_t *object,
                                    struct source_events *events, struct mu_error *err)
{
    struct pod pod = {.input = input, .type = type, .object = object};

    pod.version = version_of(input, object, part->text, part->len);
    return pod.version ? decode_pod(&pod, events, err) : mu_fail(err, MU_E_NOMEM, "out of memory");
}

/* {"type":..., "object":...} */
static enum mu_status decode_event(const struct source_input *input, const struct part *part,
                                   struct source_events *events, struct mu_error *err)
{
    const char *name = mu_json_text_at(part->root, "type");
    const json_t *object = json_object_get(part->root, "object");
    const char *message = mu_json_text_at(object, "message");
    const struct line_type *type = find_type(name);

    if (mu_text_equal(name, "BOOKMARK")) {
        events->ignored++;
        return MU_OK;
    }
    if (mu_text_equal(name, "ERROR"))
        return mu_fail(err, MU_E_INVALID, "the watch ended with an error: %.200s",
                       message ? message : "");
    if (!mu_text_equal(mu_json_text_at(object, "kind"), "Pod"))
        return mu_fail(err, MU_E_INVALID, "object.kind: is not Pod");
    if (!type)
        return mu_fail(err, MU_E_INVALID, "type: '%.40s' is unknown", name ? name : "(none)");
    return decode_object(input, part, type, object, events, err);
}

/* One pod of a list that is not understood does not take the others with it. */
static enum mu_status decode_item(const struct source_input *input, const json_t *pod,
                                  struct source_events *events, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct part part = {.root = pod};
    struct mu_error why;
    enum mu_status st;

    mu_buf_init(&text, SOURCE_MAX_BODY_BYTES);
    st = mu_json_print(pod, &text, err);
    if (st != MU_OK)
        return st;
    part.text = text.data;
    part.len = text.len;
    st = decode_object(input, &part, &line_types[0], pod, events, &why);
    if (st == MU_E_INVALID || st == MU_E_LIMIT)
        return source_events_reject(input, events, text.data, text.len, &why, err);
    if (st != MU_OK)
        *err = why;
    return st;
}

static enum mu_status decode_part(const struct source_input *input, const struct part *part,
                                  struct source_events *events, struct mu_error *err)
{
    const char *kind = mu_json_text_at(part->root, "kind");
    const json_t *pod;
    size_t index;

    if (mu_text_equal(kind, "Pod"))
        return decode_object(input, part, &line_types[0], part->root, events, err);
    if (!mu_text_equal(kind, "PodList") && !mu_text_equal(kind, "List"))
        return decode_event(input, part, events, err);
    json_array_foreach (json_object_get(part->root, "items"), index, pod) {
        enum mu_status st = decode_item(input, pod, events, err);

        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

static enum mu_status decode_text(const struct source_input *input, const char *text, size_t len,
                                  struct source_events *events, struct mu_error *err)
{
    json_auto_t *root = NULL;
    enum mu_status st = mu_json_parse(text, len, &limits, &root, err);

    return st == MU_OK ? decode_part(input, &(struct part){root, text, len}, events, err) : st;
}

/* What is not understood goes where people see it. */
static enum mu_status decode_line(const struct source_input *input, const char *line, size_t len,
                                  struct source_events *events, struct mu_error *err)
{
    struct mu_error why;
    enum mu_status st = decode_text(input, line, len, events, &why);

    if (st == MU_E_INVALID || st == MU_E_LIMIT)
        return source_events_reject(input, events, line, len, &why, err);
    if (st != MU_OK)
        *err = why;
    return st;
}

static enum mu_status decode_lines(const struct source_input *input, struct source_events *events,
                                   struct mu_error *err)
{
    const char *at = input->body, *end = input->body + input->len;
    enum mu_status st = MU_OK;

    while (st == MU_OK && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);

        if (len > 0 && strspn(at, " \t\r") < len)
            st = decode_line(input, at, len, events, err);
        at += len + (newline != NULL);
    }
    return st;
}

enum mu_status kubernetes_decode(const struct source_input *input, struct source_events *ret_events,
                                 struct mu_error *err)
{
    struct part whole = {.text = input->body, .len = input->len};
    json_auto_t *root = NULL;

    /* Many lines are no JSON as a whole, which the first of them shows: it ends too early. */
    if (mu_json_parse(input->body, input->len, &limits, &root, err) != MU_OK)
        return decode_lines(input, ret_events, err);
    whole.root = root;
    return decode_part(input, &whole, ret_events, err);
}

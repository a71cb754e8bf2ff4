#include "source/pod.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

struct group {
    const char *spec, *status;
    enum mu_container_kind kind;
};

static const struct group groups[] = {
        {"containers", "containerStatuses", MU_CONTAINER_REGULAR},
        {"initContainers", "initContainerStatuses", MU_CONTAINER_INIT},
        {"ephemeralContainers", "ephemeralContainerStatuses", MU_CONTAINER_EPHEMERAL},
};

enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

/* Where the pod's spec is, by how the object is built: CronJob, the workloads with a template, Pod.
 */
static const char *const spec_paths[] = {"spec.jobTemplate.spec.template.spec",
                                         "spec.template.spec", "spec"};

struct pod {
    const struct source_input *input;
    const json_t *object;
    struct fact *fact;
};

/* ---- names ---- */

static const json_t *controller_of(const json_t *object)
{
    const json_t *owner;
    size_t index;

    json_array_foreach (mu_json_at(object, "metadata.ownerReferences"), index, owner) {
        if (json_is_true(json_object_get(owner, "controller")))
            return owner;
    }
    return NULL;
}

/* A Deployment names its ReplicaSets after itself and the hash of the pod's template, which each
 * pod has as a label: known without asking anybody. */
static void guess_deployment(const struct source_input *input, const json_t *object,
                             struct fact *fact)
{
    const json_t *labels = mu_json_at(object, "metadata.labels");
    const char *hash = json_string_value(json_object_get(labels, "pod-template-hash"));
    const char *name = fact->text[FACT_OWNER_NAME];
    size_t hash_len = hash ? strlen(hash) : 0, name_len = name ? strlen(name) : 0;

    if (!mu_text_equal(fact->text[FACT_OWNER_KIND], "ReplicaSet") || hash_len == 0 ||
        name_len < hash_len + 2 || name[name_len - hash_len - 1] != '-' ||
        !mu_text_ends(name, hash))
        return;
    fact->text[FACT_OWNER_KIND] = "Deployment";
    fact->text[FACT_OWNER_NAME] = mu_arena_strndup(input->arena, name, name_len - hash_len - 1);
}

void pod_metadata_read(const struct source_input *input, const json_t *object, struct fact *fact)
{
    static const struct {
        enum fact_slot slot;
        const char *path;
    } members[] = {{FACT_NAMESPACE, "metadata.namespace"},
                   {FACT_NAME, "metadata.name"},
                   {FACT_NAME, "metadata.generateName"},
                   {FACT_UID, "metadata.uid"},
                   {FACT_KIND, "kind"},
                   {FACT_NODE, "spec.nodeName"}};
    const char *version = mu_json_text_at(object, "metadata.resourceVersion");
    const json_t *owner = controller_of(object);
    struct mu_error ignored;
    uint64_t number;

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (!fact->text[members[i].slot])
            fact->text[members[i].slot] = source_text_at(input, object, members[i].path);
    fact->text[FACT_OWNER_KIND] = source_text_at(input, owner, "kind");
    fact->text[FACT_OWNER_NAME] = source_text_at(input, owner, "name");
    guess_deployment(input, object, fact);
    if (version && mu_text_to_u64(version, "resourceVersion", &number, &ignored) == MU_OK &&
        number <= INT64_MAX)
        fact->sequence = (int64_t)number;
}

/* ---- containers ---- */

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

static enum mu_status base_container(const struct pod *pod, const struct group *group,
                                     const json_t *spec, const json_t *status,
                                     struct mu_workload_container *ret_base, struct mu_error *err)
{
    const char *name = source_text_at(pod->input, spec, "name"),
               *image = source_text_at(pod->input, spec, "image");

    if (!name || !image)
        return mu_fail(err, MU_E_INVALID, "%s: one has no name or image", group->spec);
    *ret_base = (struct mu_workload_container){.name = name,
                                               .kind = (int)group->kind,
                                               .state = MU_CONTAINER_WAITING,
                                               .started_at_us = MU_TIME_NONE,
                                               .finished_at_us = MU_TIME_NONE};
    if (group->kind == MU_CONTAINER_INIT &&
        mu_text_equal(mu_json_text_at(spec, "restartPolicy"), "Always"))
        ret_base->kind = MU_CONTAINER_SIDECAR;
    source_fill_image(pod->input, image, source_text_at(pod->input, status, "imageID"), ret_base);
    return MU_OK;
}

static void fill_state(struct mu_workload_container *container, const json_t *state)
{
    const json_t *running = json_object_get(state, "running");
    const json_t *terminated = json_object_get(state, "terminated");

    if (json_is_object(terminated)) {
        container->state = MU_CONTAINER_TERMINATED;
        container->started_at_us = source_time_at(terminated, "startedAt");
        container->finished_at_us = source_time_at(terminated, "finishedAt");
    } else if (json_is_object(running)) {
        container->state = MU_CONTAINER_RUNNING;
        container->started_at_us = source_time_at(running, "startedAt");
    }
}

static enum mu_status add_run(struct pod *pod, const struct mu_workload_container *base,
                              const json_t *state, const char *container_id, struct mu_error *err)
{
    struct mu_workload_container *container = fact_container_add(pod->fact, pod->input->arena);

    if (!container)
        return mu_fail(err, MU_E_LIMIT, "the pod has too many containers");
    *container = *base;
    container->container_id = container_id;
    fill_state(container, state);
    return MU_OK;
}

static enum mu_status add_container(struct pod *pod, const struct group *group, const json_t *spec,
                                    struct mu_error *err)
{
    struct mu_workload_container base;
    const json_t *status = status_of(pod, group, mu_json_text_at(spec, "name"));
    const json_t *earlier = json_object_get(status, "lastState");
    enum mu_status st = base_container(pod, group, spec, status, &base, err);

    if (st == MU_OK)
        st = add_run(pod, &base, json_object_get(status, "state"),
                     source_text_at(pod->input, status, "containerID"), err);
    if (st == MU_OK && mu_json_at(earlier, "terminated.startedAt"))
        st = add_run(pod, &base, earlier,
                     source_text_at(pod->input, earlier, "terminated.containerID"), err);
    return st;
}

static enum mu_status add_containers(struct pod *pod, const json_t *pod_spec, struct mu_error *err)
{
    for (size_t g = 0; g < GROUPS; g++) {
        const json_t *spec;
        size_t index;

        json_array_foreach (json_object_get(pod_spec, groups[g].spec), index, spec) {
            enum mu_status st = add_container(pod, &groups[g], spec, err);

            if (st != MU_OK)
                return st;
        }
    }
    return MU_OK;
}

/* ---- a Pod ---- */

static size_t count_in_state(const struct fact *fact, enum mu_container_state state)
{
    size_t count = 0;

    for (size_t i = 0; i < fact->container_count; i++)
        count += fact->containers[i].state == (int)state;
    return count;
}

/*
 * Phase Failed or Succeeded: nothing of the pod runs any more (Kubernetes docs, "Pod Lifecycle"),
 * whatever the containers' statuses say. An evicted pod may have none left, and one of a lost node
 * has the last it told; both stay, as objects, for long.
 */
static bool has_ended_untold(const struct pod *pod)
{
    const char *phase = mu_json_text_at(pod->object, "status.phase");

    if (!mu_text_equal(phase, "Failed") && !mu_text_equal(phase, "Succeeded"))
        return false;
    return count_in_state(pod->fact, MU_CONTAINER_RUNNING) > 0 ||
           count_in_state(pod->fact, MU_CONTAINER_TERMINATED) == 0;
}

static enum fact_class class_of(const struct fact *fact, enum fact_class without_runs)
{
    if (count_in_state(fact, MU_CONTAINER_RUNNING) > 0)
        return FACT_CONTAINER_START;
    return count_in_state(fact, MU_CONTAINER_TERMINATED) > 0 ? FACT_CONTAINER_STOP : without_runs;
}

static int64_t later(int64_t a_us, int64_t b_us)
{
    return a_us > b_us ? a_us : b_us;
}

static int64_t newest_start(const struct pod *pod)
{
    int64_t newest_us = later(source_time_at(pod->object, "metadata.creationTimestamp"),
                              source_time_at(pod->object, "status.startTime"));

    for (size_t i = 0; i < pod->fact->container_count; i++)
        newest_us = later(newest_us, pod->fact->containers[i].started_at_us);
    return newest_us;
}

static int64_t newest_end(const struct pod *pod)
{
    int64_t newest_us = MU_TIME_NONE;

    for (size_t i = 0; i < pod->fact->container_count; i++)
        newest_us = later(newest_us, pod->fact->containers[i].finished_at_us);
    return newest_us;
}

/* When this version of the pod became true: the newest time its status tells, else its creation. */
static int64_t newest_time(const struct pod *pod)
{
    return later(newest_start(pod), newest_end(pod));
}

/* When a pod ended whose containers do not say: a condition that fell, else when we learned it. */
static int64_t ended_time(const struct pod *pod)
{
    int64_t ended_us = newest_end(pod);
    const json_t *condition;
    size_t index;

    json_array_foreach (mu_json_at(pod->object, "status.conditions"), index, condition) {
        if (mu_text_equal(mu_json_text_at(condition, "status"), "False") ||
            mu_text_equal(mu_json_text_at(condition, "type"), "DisruptionTarget"))
            ended_us = later(ended_us, source_time_at(condition, "lastTransitionTime"));
    }
    return ended_us > newest_start(pod) ? ended_us : pod->input->received_at_us;
}

enum mu_status pod_read(const struct source_input *input, const json_t *object,
                        enum fact_class without_runs, struct fact *fact, struct mu_error *err)
{
    struct pod pod = {.input = input, .object = object, .fact = fact};
    enum mu_status st;

    pod_metadata_read(input, object, fact);
    if (!fact->text[FACT_NAMESPACE] || !fact->text[FACT_NAME])
        return mu_fail(err, MU_E_INVALID, "metadata.namespace or name: is missing");
    st = add_containers(&pod, json_object_get(object, "spec"), err);
    if (st != MU_OK)
        return st;
    fact->class_ = has_ended_untold(&pod) ? FACT_POD_DELETE : class_of(fact, without_runs);
    if (fact->occurred_at_us == MU_TIME_NONE)
        fact->occurred_at_us =
                fact->class_ == FACT_POD_DELETE ? ended_time(&pod) : newest_time(&pod);
    return MU_OK;
}

/* ---- a status alone ---- */

static enum mu_status add_status(struct pod *pod, const struct group *group, const json_t *status,
                                 struct mu_error *err)
{
    struct mu_workload_container base = {.kind = (int)group->kind,
                                         .name = source_text_at(pod->input, status, "name"),
                                         .state = MU_CONTAINER_WAITING,
                                         .started_at_us = MU_TIME_NONE,
                                         .finished_at_us = MU_TIME_NONE};
    const char *image = source_text_at(pod->input, status, "image");

    if (!base.name || !image)
        return MU_OK; /* a fragment that changes something else */
    source_fill_image(pod->input, image, source_text_at(pod->input, status, "imageID"), &base);
    return add_run(pod, &base, json_object_get(status, "state"),
                   source_text_at(pod->input, status, "containerID"), err);
}

enum mu_status pod_status_read(const struct source_input *input, const json_t *object,
                               struct fact *fact, struct mu_error *err)
{
    struct pod pod = {.input = input, .object = object, .fact = fact};

    pod_metadata_read(input, object, fact);
    for (size_t g = 0; g < GROUPS; g++) {
        const json_t *status;
        size_t index;

        json_array_foreach (json_object_get(json_object_get(object, "status"), groups[g].status),
                            index, status) {
            enum mu_status st = add_status(&pod, &groups[g], status, err);

            if (st != MU_OK)
                return st;
        }
    }
    fact->class_ = fact->text[FACT_UID] ? class_of(fact, FACT_IGNORE) : FACT_IGNORE;
    return MU_OK;
}

/* ---- any workload ---- */

const json_t *pod_spec_of(const json_t *object)
{
    for (size_t i = 0; i < sizeof(spec_paths) / sizeof(spec_paths[0]); i++) {
        const json_t *spec = mu_json_at(object, spec_paths[i]);

        if (json_is_array(json_object_get(spec, "containers")))
            return spec;
    }
    return NULL;
}

enum mu_status pod_template_read(const struct source_input *input, const json_t *object,
                                 struct fact *fact, struct mu_error *err)
{
    /* Without a status, whatever the object says of it: a template runs nothing. */
    struct pod pod = {.input = input, .object = NULL, .fact = fact};

    pod_metadata_read(input, object, fact);
    return add_containers(&pod, pod_spec_of(object), err);
}

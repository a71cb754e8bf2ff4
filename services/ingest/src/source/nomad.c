/*
 * Nomad event stream, one frame a line: {"Index", "Events"}; {} is a heartbeat.
 *
 * An allocation does not carry its job, so it names no image: that stands in the job's event, or
 * behind the API. Images exist for the container drivers only. Several events share an Index.
 *
 * What is followed (stream/nomad_stream.c) comes completed: {"Alloc": ...} is an allocation with
 * the runs of its tasks and their images.
 */
#include "source/kind.h"
#include "source/nomad_image.h"

#include "base/text.h"
#include "json/json_doc.h"

static const struct source_class_word topics[] = {
        {"Allocation", FACT_IGNORE}, {"Job", FACT_WORKLOAD_DEPLOY}, {"Node", FACT_IGNORE},
        {"Deployment", FACT_IGNORE}, {"Evaluation", FACT_IGNORE},   {"Service", FACT_IGNORE},
        {"NodePool", FACT_IGNORE},   {"NodeDrain", FACT_IGNORE},    {"Operator", FACT_IGNORE},
};

static const struct source_class_word client_status[] = {
        {"running", FACT_CONTAINER_START}, {"complete", FACT_CONTAINER_STOP},
        {"failed", FACT_CONTAINER_STOP},   {"lost", FACT_CONTAINER_STOP},
        {"unknown", FACT_IGNORE},          {"pending", FACT_IGNORE},
};

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "Index"},
        {FACT_NAMESPACE, FORM_TEXT, "Namespace"},
        {0, FORM_SEQUENCE, "Index"},
};

static const struct source_field allocation_fields[] = {
        {FACT_UID, FORM_TEXT, "Payload.Allocation.ID"},
        {FACT_NAME, FORM_TEXT, "Payload.Allocation.Name"},
        {FACT_OWNER_NAME, FORM_TEXT, "Payload.Allocation.JobID"},
        {FACT_OWNER_KIND, FORM_TEXT, "=Job"},
        {FACT_KIND, FORM_TEXT, "=Allocation"},
        {FACT_NODE, FORM_TEXT, "Payload.Allocation.NodeName"},
        {FACT_NODE, FORM_TEXT, "Payload.Allocation.NodeID"},
        {0, FORM_TIME, "Payload.Allocation.ModifyTime"},
};

/* ---- allocations ---- */

static enum mu_status add_task(const struct source_reader *reader, const char *name,
                               const json_t *state, struct fact *fact, struct mu_error *err)
{
    struct mu_workload_container *container = fact_container_add(fact, reader->input->arena);
    const char *word = mu_json_text_at(state, "State");

    if (!container)
        return mu_fail(err, MU_E_LIMIT, "the allocation has too many tasks");
    container->name = mu_arena_strdup(reader->input->arena, name);
    container->started_at_us = source_time_at(state, "StartedAt");
    if (mu_text_equal(word, "running")) {
        container->state = MU_CONTAINER_RUNNING;
    } else if (mu_text_equal(word, "dead")) {
        container->state = MU_CONTAINER_TERMINATED;
        container->finished_at_us = source_time_at(state, "FinishedAt");
    }
    return MU_OK;
}

static enum mu_status finish_allocation(struct source_reader *reader, struct fact *fact,
                                        struct mu_error *err)
{
    const char *status = source_read_text(reader, "Payload.Allocation.ClientStatus");
    json_t *tasks = (json_t *)(uintptr_t)source_read_json(reader, "Payload.Allocation.TaskStates");
    const char *name;
    json_t *state;
    enum mu_status st;

    st = source_read_fields(reader, allocation_fields,
                            sizeof(allocation_fields) / sizeof(allocation_fields[0]), fact, err);
    if (st == MU_OK && !fact->text[FACT_UID])
        return mu_fail(err, MU_E_INVALID, "Payload.Allocation.ID: is missing");
    for (size_t i = 0; i < sizeof(client_status) / sizeof(client_status[0]); i++)
        if (mu_text_equal(status, client_status[i].word))
            fact->class_ = client_status[i].class_;
    json_object_foreach (tasks, name, state) {
        if (st == MU_OK)
            st = add_task(reader, name, state, fact, err);
    }
    return st;
}

/* ---- jobs ---- */

const char *nomad_task_image(const json_t *task)
{
    static const char *const drivers[] = {"docker", "podman", "containerd-driver"};
    const char *driver = mu_json_text_at(task, "Driver"),
               *image = mu_json_text_at(task, "Config.image");

    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
        if (mu_text_equal(driver, drivers[i]))
            return image && *image ? image : NULL;
    return NULL;
}

static enum mu_status add_image(const struct source_reader *reader, const json_t *task,
                                struct fact *fact, struct mu_error *err)
{
    const char *image = nomad_task_image(task);
    struct mu_workload_container *container;

    if (!image)
        return MU_OK;
    container = fact_container_add(fact, reader->input->arena);
    if (!container)
        return mu_fail(err, MU_E_LIMIT, "the job has too many tasks");
    container->name = source_text_at(reader->input, task, "Name");
    if (!container->name)
        return mu_fail(err, MU_E_INVALID, "a task has no Name");
    source_fill_image(reader->input, mu_arena_strdup(reader->input->arena, image), NULL, container);
    return MU_OK;
}

static enum mu_status finish_job(struct source_reader *reader, struct fact *fact,
                                 struct mu_error *err)
{
    const json_t *group, *task;
    size_t g, t;

    fact->text[FACT_KIND] = "Job";
    fact->text[FACT_NAME] = source_read_text(reader, "Key");
    fact->reconcile = json_is_true(source_read_json(reader, "Reconcile"));
    if (mu_text_equal(source_read_text(reader, "Type"), "JobDeregistered")) {
        fact->class_ = FACT_WORKLOAD_DELETE;
        return MU_OK;
    }
    json_array_foreach (source_read_json(reader, "Payload.Job.TaskGroups"), g, group) {
        json_array_foreach (json_object_get(group, "Tasks"), t, task) {
            enum mu_status st = add_image(reader, task, fact, err);

            if (st != MU_OK)
                return st;
        }
    }
    if (fact->container_count == 0)
        fact->class_ = FACT_IGNORE;
    return MU_OK;
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *topic = source_read_text(reader, "Topic"), *type = source_read_text(reader, "Type");
    const char *key = source_read_text(reader, "Key");
    enum mu_status st = MU_OK;

    if (mu_text_equal(topic, "Allocation"))
        st = finish_allocation(reader, fact, err);
    else if (mu_text_equal(topic, "Job"))
        st = finish_job(reader, fact, err);
    fact->text[FACT_KEY] =
            mu_arena_printf(reader->input->arena, "%.30s:%.200s:%.100s",
                            fact->text[FACT_EVENT_ID] ? fact->text[FACT_EVENT_ID] : "",
                            key ? key : "", type ? type : "");
    return st;
}

/* ---- allocations, completed ---- */

static const struct source_field told_fields[] = {
        {FACT_KIND, FORM_TEXT, "=Allocation"}, {FACT_UID, FORM_TEXT, "Alloc.Id"},
        {FACT_NAME, FORM_TEXT, "Alloc.Name"},  {FACT_NAMESPACE, FORM_TEXT, "Alloc.Namespace"},
        {FACT_OWNER_KIND, FORM_TEXT, "=Job"},  {FACT_OWNER_NAME, FORM_TEXT, "Alloc.Job"},
        {FACT_NODE, FORM_TEXT, "Alloc.Node"},  {0, FORM_TIME, "Alloc.At"},
        {0, FORM_SEQUENCE, "Alloc.Index"},
};

static const struct source_class_word told_states[] = {
        {"seen", FACT_CONTAINER_STOP}, /* until a task is found that runs */
        {"gone", FACT_POD_DELETE},
};

static enum mu_status add_run(const struct source_reader *reader, const json_t *task,
                              struct fact *fact, struct mu_error *err)
{
    struct mu_arena *arena = reader->input->arena;
    const char *image = source_text_at(reader->input, task, "Image");
    struct mu_workload_container *container = fact_container_add(fact, arena);
    int64_t start_ns = json_integer_value(json_object_get(task, "Start")),
            finish_ns = json_integer_value(json_object_get(task, "Finish"));

    if (!container)
        return mu_fail(err, MU_E_LIMIT, "the allocation has too many tasks");
    container->name = source_text_at(reader->input, task, "Name");
    if (!container->name || !image || start_ns <= 0)
        return mu_fail(err, MU_E_INVALID, "Alloc.Tasks: one has no Name, Image or Start");
    container->container_id = mu_arena_printf(arena, "%.60s/%.120s@%lld", fact->text[FACT_UID],
                                              container->name, (long long)start_ns);
    container->started_at_us = start_ns / 1000;
    container->state = finish_ns > 0 ? MU_CONTAINER_TERMINATED : MU_CONTAINER_RUNNING;
    if (finish_ns > 0)
        container->finished_at_us = finish_ns / 1000;
    else if (fact->class_ == FACT_CONTAINER_STOP)
        fact->class_ = FACT_CONTAINER_START;
    source_fill_image(reader->input, image, NULL, container);
    return MU_OK;
}

static enum mu_status finish_told(struct source_reader *reader, struct fact *fact,
                                  struct mu_error *err)
{
    const char *index = source_read_text(reader, "Alloc.Index");
    const json_t *task;
    size_t i;

    if (!fact->text[FACT_UID])
        return mu_fail(err, MU_E_INVALID, "Alloc.Id: is missing");
    fact->reconcile = json_is_true(source_read_json(reader, "Alloc.Reconcile"));
    fact->text[FACT_KEY] =
            mu_arena_printf(reader->input->arena, "%.60s:%.30s%s", fact->text[FACT_UID],
                            index ? index : "", fact->class_ == FACT_POD_DELETE ? ":gone" : "");
    json_array_foreach (source_read_json(reader, "Alloc.Tasks"), i, task) {
        enum mu_status st = add_run(reader, task, fact, err);

        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

static const struct source_shape shapes[] = {{.when = "Alloc",
                                              .class_path = "Alloc.State",
                                              SOURCE_CLASSES(told_states),
                                              .otherwise = FACT_REJECT,
                                              SOURCE_FIELDS(told_fields),
                                              .finish = finish_told},
                                             {.when = "Events",
                                              .each = "Events",
                                              .class_path = "Topic",
                                              SOURCE_CLASSES(topics),
                                              .otherwise = FACT_REJECT,
                                              SOURCE_FIELDS(fields),
                                              .finish = finish}};

const struct source_kind nomad_kind = {
        .name = "nomad",
        .transport = "stream",
        .sender = "HashiCorp Nomad event stream",
        .events = "jobs and allocations of the container drivers",
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_LINES,
        SOURCE_SHAPES(shapes),
};

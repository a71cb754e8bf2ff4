/*
 * Amazon ECS task state changes through EventBridge. One event tells all containers of a task;
 * events come twice, also with another envelope id, and out of order: task ARN and detail.version
 * are the identity and the order.
 */
#include "source/kind.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

static const struct source_class_word detail_types[] = {
        {"ECS Task State Change", FACT_IGNORE}, /* then by what the containers do */
        {"ECS Deployment State Change", FACT_WORKLOAD_DEPLOYED},
        {"ECS Service Action", FACT_IGNORE},
        {"ECS Container Instance State Change", FACT_IGNORE},
};

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "id"},
        {0, FORM_TIME, "detail.updatedAt"},
        {0, FORM_TIME, "time"},
        {FACT_CLUSTER, FORM_BASENAME, "detail.clusterArn"},
        {FACT_UID, FORM_TEXT, "detail.taskArn"},
        {FACT_NAME, FORM_BASENAME, "detail.taskArn"},
        {FACT_NODE, FORM_BASENAME, "detail.containerInstanceArn"},
        {0, FORM_SEQUENCE, "detail.version"},
};

/* "service:NAME" or "family:NAME". */
static void set_owner(const struct source_reader *reader, struct fact *fact)
{
    const char *group = source_read_text(reader, "detail.group");
    const char *colon = group ? strchr(group, ':') : NULL;

    fact->text[FACT_KIND] = "Task";
    fact->text[FACT_NAMESPACE] = "ecs";
    if (!colon)
        return;
    fact->text[FACT_OWNER_KIND] = mu_text_starts(group, "service:") ? "Service" : "TaskDefinition";
    fact->text[FACT_OWNER_NAME] = colon + 1;
}

static void set_platform(const struct source_reader *reader, struct fact *fact)
{
    const json_t *attribute;
    size_t index;

    json_array_foreach (source_read_json(reader, "detail.attributes"), index, attribute) {
        const char *value = mu_json_text_at(attribute, "value");

        if (!mu_text_equal(mu_json_text_at(attribute, "name"), "ecs.cpu-architecture") || !value)
            continue;
        fact->text[FACT_PLATFORM] =
                mu_text_equal(value, "x86_64")
                        ? "linux/amd64"
                        : mu_arena_printf(reader->input->arena, "linux/%.40s", value);
    }
}

static void set_state(const struct source_reader *reader, const json_t *told,
                      struct mu_workload_container *container)
{
    const char *status = mu_json_text_at(told, "lastStatus");
    const char *started = source_read_text(reader, "detail.startedAt");
    const char *stopped = source_read_text(reader, "detail.stoppedAt");

    if (mu_text_equal(status, "RUNNING"))
        container->state = MU_CONTAINER_RUNNING;
    else if (mu_text_equal(status, "STOPPED"))
        container->state = MU_CONTAINER_TERMINATED;
    if (container->state != MU_CONTAINER_WAITING && started)
        container->started_at_us = source_form_time(started);
    if (container->state == MU_CONTAINER_TERMINATED && stopped)
        container->finished_at_us = source_form_time(stopped);
}

static enum mu_status add_container(const struct source_reader *reader, const json_t *told,
                                    struct fact *fact, struct mu_error *err)
{
    const char *digest = source_text_at(reader->input, told, "imageDigest");
    struct mu_workload_container *container = fact_container_add(fact, reader->input->arena);

    if (!container)
        return mu_fail(err, MU_E_LIMIT, "the task has too many containers");
    container->name = source_text_at(reader->input, told, "name");
    if (!container->name)
        return mu_fail(err, MU_E_INVALID, "detail.containers: one has no name");
    source_fill_image(reader->input, source_text_at(reader->input, told, "image"), digest,
                      container);
    container->container_id = source_text_at(reader->input, told, "runtimeId");
    set_state(reader, told, container);
    return MU_OK;
}

static enum fact_class class_of(const struct fact *fact)
{
    enum fact_class class_ = FACT_IGNORE;

    for (size_t i = 0; i < fact->container_count; i++) {
        if (fact->containers[i].state == MU_CONTAINER_RUNNING)
            return FACT_CONTAINER_START;
        if (fact->containers[i].state == MU_CONTAINER_TERMINATED)
            class_ = FACT_CONTAINER_STOP;
    }
    return class_;
}

static enum mu_status finish_task(const struct source_reader *reader, struct fact *fact,
                                  struct mu_error *err)
{
    const json_t *told;
    size_t index;

    if (!fact->text[FACT_UID])
        return mu_fail(err, MU_E_INVALID, "detail.taskArn: is missing");
    set_owner(reader, fact);
    set_platform(reader, fact);
    json_array_foreach (source_read_json(reader, "detail.containers"), index, told) {
        enum mu_status st = add_container(reader, told, fact, err);

        if (st != MU_OK)
            return st;
    }
    fact->class_ = class_of(fact);
    fact->text[FACT_KEY] = mu_arena_printf(reader->input->arena, "%.400s:%lld",
                                           fact->text[FACT_UID], (long long)fact->sequence);
    return fact->text[FACT_KEY] ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *name = source_read_text(reader, "detail.eventName");

    if (mu_text_equal(source_read_text(reader, "detail-type"), "ECS Task State Change"))
        return finish_task(reader, fact, err);
    if (fact->class_ == FACT_WORKLOAD_DEPLOYED &&
        !mu_text_equal(name, "SERVICE_DEPLOYMENT_COMPLETED"))
        fact->class_ = FACT_IGNORE;
    return MU_OK;
}

static const struct source_shape shapes[] = {{.when = "detail-type",
                                              .class_path = "detail-type",
                                              SOURCE_CLASSES(detail_types),
                                              .otherwise = FACT_REJECT,
                                              SOURCE_FIELDS(fields),
                                              .finish = finish}};

const struct source_kind ecs_kind = {
        .name = "ecs",
        .transport = "webhook",
        .sender = "Amazon ECS: EventBridge API destination, or SNS",
        .events = "tasks: every run of every container",
        .auth = SOURCE_AUTH_HEADER | SOURCE_AUTH_BASIC | SOURCE_AUTH_BEARER | SOURCE_AUTH_SNS,
        .auth_header = "X-Api-Key",
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_SNS | ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

/*
 * Docker Engine and Swarm events, and the API objects that complete them.
 *
 * A run begins with `start` and ends with `die`; kill, stop, oom, exec and health say nothing more.
 * Labels share the map of attributes and may forge all but `image` and `name`. The image is what
 * somebody typed; Swarm pins it to an index's digest. Older APIs repeat status, id and from at the
 * top: only Type, Action and Actor are read.
 */
#include "source/kind.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

static const struct source_class_word container_actions[] = {
        {"start", FACT_CONTAINER_START},
        {"die", FACT_CONTAINER_STOP},
};

static const struct source_class_word service_actions[] = {
        {"create", FACT_WORKLOAD_DEPLOY},
        {"remove", FACT_WORKLOAD_DELETE},
};

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "timeNano"},
        {0, FORM_TIME, "timeNano"},
        {0, FORM_TIME, "time"},
        {FACT_KIND, FORM_TEXT, "Type"},
        {FACT_NAME, FORM_TEXT, "Actor.Attributes.name"},
        {FACT_UID, FORM_TEXT, "Actor.ID"},
        {FACT_ACTION, FORM_TEXT, "Action"},
        {FACT_EXIT_CODE, FORM_TEXT, "Actor.Attributes.exitCode"},
};

/* A label: its name holds dots, so it is no path. */
static const char *label(const struct source_reader *reader, const char *name)
{
    const json_t *attributes = source_read_json(reader, "Actor.Attributes");
    const char *found = json_string_value(json_object_get(attributes, name));

    return found && *found ? mu_arena_strdup(reader->input->arena, found) : NULL;
}

static enum fact_class class_of(const struct source_class_word *words, size_t count,
                                const char *action)
{
    for (size_t i = 0; i < count; i++)
        if (mu_text_equal(words[i].word, action))
            return words[i].class_;
    return FACT_IGNORE;
}

static enum mu_status finish_container(struct source_reader *reader, struct fact *fact,
                                       struct mu_error *err)
{
    const char *image = source_read_text(reader, "Actor.Attributes.image");
    struct mu_workload_container *container = fact_container_add(fact, reader->input->arena);

    if (!container || !fact->text[FACT_UID])
        return mu_fail(err, MU_E_INVALID, "Actor.ID: is missing");
    fact->text[FACT_NAMESPACE] = "docker";
    fact->text[FACT_OWNER_NAME] = label(reader, "com.docker.swarm.service.name");
    fact->text[FACT_OWNER_KIND] = fact->text[FACT_OWNER_NAME] ? "Service" : NULL;
    fact->text[FACT_NODE] = label(reader, "com.docker.swarm.node.id");
    container->name = fact->text[FACT_NAME] ? fact->text[FACT_NAME] : "container";
    container->container_id = fact->text[FACT_UID];
    source_fill_image(reader->input, image, NULL, container);
    if (fact->class_ == FACT_CONTAINER_START) {
        container->state = MU_CONTAINER_RUNNING;
        container->started_at_us = fact->occurred_at_us;
    } else {
        container->state = MU_CONTAINER_TERMINATED;
        container->finished_at_us = fact->occurred_at_us;
    }
    return MU_OK;
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *type = source_read_text(reader, "Type"),
               *action = source_read_text(reader, "Action");

    if (!action)
        return mu_fail(err, MU_E_INVALID, "Action: is missing");
    fact->text[FACT_KEY] =
            mu_arena_printf(reader->input->arena, "%.100s:%.30s:%.100s",
                            fact->text[FACT_UID] ? fact->text[FACT_UID] : "",
                            fact->text[FACT_EVENT_ID] ? fact->text[FACT_EVENT_ID] : "", action);
    if (mu_text_equal(type, "container"))
        fact->class_ = class_of(container_actions, 2, action);
    else if (mu_text_equal(type, "service"))
        fact->class_ = class_of(service_actions, 2, action);
    if (fact->class_ == FACT_CONTAINER_START || fact->class_ == FACT_CONTAINER_STOP)
        return finish_container(reader, fact, err);
    if (fact->class_ != FACT_IGNORE)
        fact->told_only = true, fact->why = "the event does not name the image";
    return MU_OK;
}

static const struct source_shape shapes[] = {
        {.when = "Type", .otherwise = FACT_IGNORE, SOURCE_FIELDS(fields), .finish = finish},
        /* What inspect and the lists of the API answer. */
        {.when = "RepoDigests", .otherwise = FACT_ENRICHMENT},
        {.when = "State.Status", .otherwise = FACT_ENRICHMENT},
        {.when = "0.Spec", .otherwise = FACT_ENRICHMENT},
        {.when = "Spec.TaskTemplate", .otherwise = FACT_ENRICHMENT},
};

const struct source_kind docker_kind = {
        .name = "docker",
        .transport = "stream",
        .sender = "Docker Engine events",
        .events = "start and end of containers",
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_LINES,
        SOURCE_SHAPES(shapes),
};

const struct source_kind swarm_kind = {
        .name = "swarm",
        .transport = "stream",
        .sender = "Docker Swarm events of a manager",
        .events = "services, start and end of tasks' containers",
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_LINES,
        SOURCE_SHAPES(shapes),
};

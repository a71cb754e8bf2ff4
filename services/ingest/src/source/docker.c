/*
 * Docker Engine and Swarm events, and the API objects that complete them.
 *
 * A run begins with `start` and ends with `die`; kill, stop, oom, exec and health say nothing more.
 * Labels share the map of attributes and may forge all but `image` and `name`. The image is what
 * somebody typed; Swarm pins it to an index's digest. Older APIs repeat status, id and from at the
 * top: only Type, Action and Actor are read.
 *
 * What is followed (stream/docker_stream.c) comes completed: {"Run": ...} is one run of a container
 * with what inspect says of it and its image, {"Service": ...} what a Swarm service wants.
 */
#include "source/kind.h"

#include "base/text.h"
#include "oci/reference.h"
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

/* ---- events as the engine tells them ---- */

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

/* ---- runs, completed ---- */

static const struct source_field run_fields[] = {
        {FACT_KIND, FORM_TEXT, "=container"},
        {FACT_UID, FORM_TEXT, "Run.Id"},
        {FACT_NAME, FORM_TEXT, "Run.Name"},
        {FACT_NODE, FORM_TEXT, "Run.Node"},
        {FACT_PLATFORM, FORM_TEXT, "Run.Platform"},
        {FACT_NAMESPACE, FORM_TEXT, "=docker"},
        {0, FORM_TIME, "Run.At"},
};

static const struct source_class_word run_states[] = {
        {"running", FACT_CONTAINER_START},
        {"ended", FACT_CONTAINER_STOP},
        {"gone", FACT_POD_DELETE},
};

static bool parse(const char *text, struct mu_oci_reference *ret_reference)
{
    struct mu_error ignored;

    return text && mu_oci_reference_parse(text, strlen(text), ret_reference, &ignored) == MU_OK;
}

/* Whether somebody typed a piece of the image's id in place of a name. */
static bool is_image_id(const char *image, const char *image_id, const json_t *tags)
{
    const char *hex = image_id ? strchr(image_id, ':') : NULL;
    const json_t *tag;
    size_t i;

    if (!image || mu_text_equal(image, image_id))
        return image != NULL;
    if (!hex || strlen(image) < 4 || !mu_text_starts(hex + 1, image))
        return false;
    json_array_foreach (tags, i, tag) {
        const char *name = json_string_value(tag);

        if (name && mu_text_starts(name, image) && name[strlen(image)] == ':')
            return false; /* there is an image of that name */
    }
    return true;
}

/* The first of `list` that has the repository (NULL: any, but the same in all). */
static const char *named(const json_t *list, const char *repository)
{
    struct mu_oci_reference first, other;
    const char *found = NULL;
    const json_t *entry;
    size_t i;

    json_array_foreach (list, i, entry) {
        if (!parse(json_string_value(entry), &other))
            continue;
        if (repository && mu_text_equal(other.repository, repository))
            return json_string_value(entry);
        if (!repository && found && !mu_text_equal(other.repository, first.repository))
            return NULL;
        if (!repository && !found) {
            found = json_string_value(entry);
            first = other;
        }
    }
    return found;
}

/*
 * RepoDigests lists what the image is called in every registry it was pulled from or pushed to:
 * only an entry of the repository that was asked for is what this container was started from.
 * Without one, the image's id remains: the digest of its config.
 */
static void fill_run_image(const struct source_reader *reader,
                           struct mu_workload_container *container)
{
    const char *image = source_read_text(reader, "Run.Image"),
               *id = source_read_text(reader, "Run.ImageId"), *name, *digest = NULL;
    const json_t *tags = source_read_json(reader, "Run.Tags"),
                 *digests = source_read_json(reader, "Run.Digests");
    struct mu_oci_reference asked;

    if (is_image_id(image, id, tags)) {
        name = named(tags, NULL);
        digest = named(digests, NULL);
        image = mu_arena_strdup(reader->input->arena, name ? name : digest ? digest : id);
    }
    if (parse(image, &asked) && !asked.digest[0])
        digest = named(digests, asked.repository);
    else if (parse(image, &asked))
        id = NULL; /* pinned: nothing knows it better */
    source_fill_image(reader->input, image,
                      digest ? mu_arena_strdup(reader->input->arena, digest) : id, container);
}

/* Labels never change in a container's life, unlike its name. */
static const char *run_label(const struct source_reader *reader, const char *name)
{
    const char *found =
            json_string_value(json_object_get(source_read_json(reader, "Run.Labels"), name));

    return found && *found ? mu_arena_strdup(reader->input->arena, found) : NULL;
}

static void name_run(const struct source_reader *reader, struct fact *fact,
                     struct mu_workload_container *container)
{
    const char *service = run_label(reader, "com.docker.swarm.service.name"),
               *composed = run_label(reader, "com.docker.compose.service");

    container->name = service ? service : composed ? composed : "container";
    fact->text[FACT_OWNER_NAME] =
            service ? service : run_label(reader, "com.docker.compose.project");
    if (fact->text[FACT_OWNER_NAME])
        fact->text[FACT_OWNER_KIND] = service ? "Service" : "Project";
}

static int64_t run_time(const struct source_reader *reader, const char *path)
{
    const char *text = source_read_text(reader, path);

    return text ? source_form_time(text) : MU_TIME_NONE;
}

static enum mu_status finish_run(struct source_reader *reader, struct fact *fact,
                                 struct mu_error *err)
{
    struct mu_arena *arena = reader->input->arena;
    const char *start = source_read_text(reader, "Run.Start"),
               *state = source_read_text(reader, "Run.State");
    struct mu_workload_container *container = fact_container_add(fact, arena);

    if (!container)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    if (!fact->text[FACT_UID])
        return mu_fail(err, MU_E_INVALID, "Run.Id: is missing");
    fact->reconcile = json_is_true(source_read_json(reader, "Run.Reconcile"));
    container->container_id =
            mu_arena_printf(arena, "%.200s@%.30s", fact->text[FACT_UID], start ? start : "unknown");
    fact->text[FACT_KEY] = mu_arena_printf(arena, "%.230s:%.20s", container->container_id, state);
    container->state =
            fact->class_ == FACT_CONTAINER_START ? MU_CONTAINER_RUNNING : MU_CONTAINER_TERMINATED;
    container->started_at_us = run_time(reader, "Run.Start");
    container->finished_at_us = run_time(reader, "Run.Finish");
    if (fact->class_ == FACT_POD_DELETE)
        container->finished_at_us = fact->occurred_at_us;
    name_run(reader, fact, container);
    fill_run_image(reader, container);
    return MU_OK;
}

/* ---- services, completed ---- */

static const struct source_field service_fields[] = {
        {FACT_KIND, FORM_TEXT, "=Service"},           {FACT_NAME, FORM_TEXT, "Service.Name"},
        {FACT_NAMESPACE, FORM_TEXT, "=docker"},       {FACT_OWNER_KIND, FORM_TEXT, "=Service"},
        {FACT_OWNER_NAME, FORM_TEXT, "Service.Name"}, {0, FORM_TIME, "Service.At"},
        {0, FORM_SEQUENCE, "Service.Version"},
};

static enum mu_status finish_service(struct source_reader *reader, struct fact *fact,
                                     struct mu_error *err)
{
    const char *id = source_read_text(reader, "Service.Id"),
               *version = source_read_text(reader, "Service.Version");
    const json_t *image;
    size_t i;

    if (!id)
        return mu_fail(err, MU_E_INVALID, "Service.Id: is missing");
    json_array_foreach (source_read_json(reader, "Service.Images"), i, image) {
        struct mu_workload_container *container =
                json_string_value(image) ? fact_container_add(fact, reader->input->arena) : NULL;

        if (!container)
            return mu_fail(err, MU_E_INVALID, "Service.Images: too many, or no texts");
        container->name = fact->text[FACT_NAME] ? fact->text[FACT_NAME] : id;
        source_fill_image(reader->input,
                          mu_arena_strdup(reader->input->arena, json_string_value(image)), NULL,
                          container);
    }
    fact->reconcile = json_is_true(source_read_json(reader, "Service.Reconcile"));
    fact->text[FACT_KEY] = mu_arena_printf(reader->input->arena, "service:%.100s:%.30s:%zu", id,
                                           version ? version : "", fact->container_count);
    return MU_OK;
}

static const struct source_shape shapes[] = {
        {.when = "Run",
         .class_path = "Run.State",
         SOURCE_CLASSES(run_states),
         .otherwise = FACT_REJECT,
         SOURCE_FIELDS(run_fields),
         .finish = finish_run},
        {.when = "Service.Images",
         .otherwise = FACT_WORKLOAD_DEPLOY,
         SOURCE_FIELDS(service_fields),
         .finish = finish_service},
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

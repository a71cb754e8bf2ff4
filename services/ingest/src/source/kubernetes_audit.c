/*
 * Kubernetes audit events: EventList of a webhook backend, or single events of a log.
 *
 * Only ResponseComplete of what succeeded counts (stages of one request share the auditID). Pods
 * tell containers; workloads tell the images they want; ReplicaSets are ignored, for each of their
 * pods is told. A patch is a fragment of the object, or a list of operations.
 */
#include "source/kind.h"
#include "source/pod.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <stdlib.h>
#include <string.h>

static const struct source_class_word resources[] = {
        {"pods", FACT_POD_CREATE},
        {"deployments", FACT_WORKLOAD_DEPLOY},
        {"daemonsets", FACT_WORKLOAD_DEPLOY},
        {"statefulsets", FACT_WORKLOAD_DEPLOY},
        {"jobs", FACT_WORKLOAD_DEPLOY},
        {"cronjobs", FACT_WORKLOAD_DEPLOY},
        {"replicationcontrollers", FACT_WORKLOAD_DEPLOY},
        {"deploymentconfigs", FACT_WORKLOAD_DEPLOY},
};

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "auditID"},
        {0, FORM_TIME, "stageTimestamp"},
        {0, FORM_TIME, "requestReceivedTimestamp"},
        {FACT_ACTOR, FORM_TEXT, "impersonatedUser.username"},
        {FACT_ACTOR, FORM_TEXT, "user.username"},
        {FACT_CLUSTER, FORM_TEXT, "%cluster"},
        {FACT_NAMESPACE, FORM_TEXT, "objectRef.namespace"},
        {FACT_NAME, FORM_TEXT, "objectRef.name"},
        {FACT_ACTION, FORM_TEXT, "verb"},
};

/* ---- what does not count ---- */

static const char *reason_to_ignore(const struct source_reader *reader)
{
    const char *stage = source_read_text(reader, "stage");
    const char *code = source_read_text(reader, "responseStatus.code");
    const char *uri = source_read_text(reader, "requestURI");

    if (!mu_text_equal(stage, "ResponseComplete"))
        return "not the last stage of the request";
    if (code && strtol(code, NULL, 10) >= 400)
        return "the request failed";
    if (uri && strstr(uri, "dryRun="))
        return "a dry run";
    return NULL;
}

static bool is_change(const char *verb)
{
    return mu_text_equal(verb, "create") || mu_text_equal(verb, "update") ||
           mu_text_equal(verb, "patch");
}

static enum fact_class class_of_resource(const char *resource)
{
    for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
        if (mu_text_equal(resource, resources[i].word))
            return resources[i].class_;
    return FACT_IGNORE;
}

/* ---- images ---- */

/* The operations of a JSON patch that set an image. */
static enum mu_status read_operations(const struct source_reader *reader, const json_t *operations,
                                      struct fact *fact, struct mu_error *err)
{
    const json_t *operation;
    size_t index;

    json_array_foreach (operations, index, operation) {
        const char *path = mu_json_text_at(operation, "path");
        const char *image = mu_json_text_at(operation, "value");
        struct mu_workload_container *container;

        if (!image || !mu_text_ends(path, "/image"))
            continue;
        container = fact_container_add(fact, reader->input->arena);
        if (!container)
            return mu_fail(err, MU_E_LIMIT, "the patch has too many images");
        container->name = mu_arena_strdup(reader->input->arena, path);
        source_fill_image(reader->input, mu_arena_strdup(reader->input->arena, image), NULL,
                          container);
    }
    return MU_OK;
}

/* What came of the request, else what was asked for. */
static enum mu_status read_images(const struct source_reader *reader, struct fact *fact,
                                  struct mu_error *err)
{
    const json_t *request = source_read_json(reader, "requestObject");
    const json_t *response = source_read_json(reader, "responseObject");

    if (pod_spec_of(response))
        return pod_template_read(reader->input, response, fact, err);
    if (json_is_array(request))
        return read_operations(reader, request, fact, err);
    return pod_template_read(reader->input, request, fact, err);
}

/* A kubelet's patch of pods/status: the only place of an audit log that says what a runtime runs.
 */
static enum mu_status read_status(const struct source_reader *reader, struct fact *fact,
                                  struct mu_error *err)
{
    const json_t *response = source_read_json(reader, "responseObject");
    const json_t *request = source_read_json(reader, "requestObject");

    if (pod_spec_of(response))
        return pod_read(reader->input, response, FACT_IGNORE, fact, err);
    return pod_status_read(reader->input, request, fact, err);
}

/* ---- one event ---- */

static enum mu_status finish_delete(const struct source_reader *reader, struct fact *fact)
{
    const json_t *response = source_read_json(reader, "responseObject");

    if (!fact->text[FACT_NAME]) {
        fact->class_ = FACT_IGNORE;
        fact->why = "names no object";
        return MU_OK;
    }
    if (fact->class_ == FACT_POD_CREATE) {
        fact->class_ = FACT_POD_DELETE;
        pod_metadata_read(reader->input, response, fact);
        if (mu_text_equal(fact->text[FACT_KIND], "Status"))
            fact->text[FACT_KIND] = "Pod";
        if (!fact->text[FACT_UID])
            fact->text[FACT_UID] = source_read_text(reader, "responseObject.details.uid");
        if (!fact->text[FACT_UID])
            fact->text[FACT_UID] = source_read_text(reader, "objectRef.uid");
    } else {
        fact->class_ = FACT_WORKLOAD_DELETE;
    }
    return MU_OK;
}

static bool operations_set_images(const json_t *operations)
{
    const json_t *operation;
    size_t index;

    json_array_foreach (operations, index, operation) {
        const char *path = mu_json_text_at(operation, "path");

        if (path && (strstr(path, "ontainers/") || mu_text_ends(path, "ontainers")))
            return true;
    }
    return false;
}

/* A patch that names images, or a debugging container that was added; other changes keep them. */
static bool changes_images(const struct source_reader *reader, const char *verb)
{
    const json_t *request = source_read_json(reader, "requestObject");

    if (source_read_is(reader, "objectRef.subresource"))
        return true;
    if (!mu_text_equal(verb, "patch"))
        return false;
    return json_is_array(request) ? operations_set_images(request) : pod_spec_of(request) != NULL;
}

static const char *reason_without_images(const struct source_reader *reader)
{
    if (source_read_is(reader, "requestObject") || source_read_is(reader, "responseObject"))
        return NULL;
    return "the audit policy leaves the object out";
}

static enum mu_status finish_change(const struct source_reader *reader, const char *verb,
                                    struct fact *fact, struct mu_error *err)
{
    bool created = mu_text_equal(verb, "create");
    enum mu_status st;

    if (fact->class_ == FACT_POD_CREATE && !created) {
        fact->class_ = changes_images(reader, verb) ? FACT_WORKLOAD_DEPLOY : FACT_IGNORE;
        if (fact->class_ == FACT_IGNORE)
            return MU_OK;
    }
    st = read_images(reader, fact, err);
    if (st == MU_OK && fact->container_count == 0) {
        fact->class_ = FACT_IGNORE;
        fact->why = reason_without_images(reader);
    }
    return st;
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *verb = source_read_text(reader, "verb");
    const char *subresource = source_read_text(reader, "objectRef.subresource");
    enum fact_class class_ = class_of_resource(source_read_text(reader, "objectRef.resource"));

    if (!fact->text[FACT_EVENT_ID] || !verb)
        return mu_fail(err, MU_E_INVALID, "auditID or verb: is missing");
    fact->class_ = FACT_IGNORE;
    fact->why = reason_to_ignore(reader);
    if (fact->why || class_ == FACT_IGNORE)
        return MU_OK;
    if (mu_text_equal(subresource, "status") && class_ == FACT_POD_CREATE && is_change(verb))
        return read_status(reader, fact, err);
    if (subresource && !mu_text_equal(subresource, "ephemeralcontainers"))
        return MU_OK;
    fact->class_ = class_;
    if (mu_text_equal(verb, "delete"))
        return finish_delete(reader, fact);
    if (is_change(verb))
        return finish_change(reader, verb, fact, err);
    fact->class_ = FACT_IGNORE;
    if (mu_text_equal(verb, "deletecollection"))
        fact->why = "names no object";
    return MU_OK;
}

static const struct source_shape shapes[] = {
        {.when = "items",
         .each = "items",
         .otherwise = FACT_IGNORE,
         SOURCE_FIELDS(fields),
         .finish = finish},
        {.when = "auditID", .otherwise = FACT_IGNORE, SOURCE_FIELDS(fields), .finish = finish},
};

const struct source_kind kubernetes_audit_kind = {
        .name = "kubernetes-audit",
        .transport = "webhook",
        .sender = "Kubernetes audit webhook backend",
        .events = "Pods and workloads created, changed, deleted",
        .auth = SOURCE_AUTH_BEARER | SOURCE_AUTH_BASIC | SOURCE_AUTH_MTLS,
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

/*
 * Google Cloud Run: audit LogEntries through a log sink and Pub/Sub, or Eventarc. There are no
 * events of instances: what is deployed runs until it is replaced or deleted. The image is as
 * typed; the digest stands only on the Revision.
 */
#include "source/kind.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

struct method_row {
    const char *part;
    enum fact_class class_;
};

static const struct method_row methods[] = {
        {".Services.CreateService", FACT_WORKLOAD_DEPLOY},
        {".Services.ReplaceService", FACT_WORKLOAD_DEPLOY},
        {".Services.UpdateService", FACT_WORKLOAD_DEPLOY},
        {".Services.DeleteService", FACT_WORKLOAD_DELETE},
        {".Jobs.CreateJob", FACT_WORKLOAD_DEPLOY},
        {".Jobs.ReplaceJob", FACT_WORKLOAD_DEPLOY},
        {".Jobs.UpdateJob", FACT_WORKLOAD_DEPLOY},
        {".Jobs.DeleteJob", FACT_WORKLOAD_DELETE},
        {".InternalServices.ReplaceInternalService", FACT_WORKLOAD_DEPLOY_NO_IMAGE},
        {".InternalServices.CreateInternalService", FACT_WORKLOAD_DEPLOY_NO_IMAGE},
};

/* Where containers stand: API v1 and v2, services and jobs. */
static const char *const container_paths[] = {
        "protoPayload.request.service.spec.template.spec.containers",
        "protoPayload.request.service.template.containers",
        "protoPayload.request.job.spec.template.spec.template.spec.containers",
        "protoPayload.request.job.template.template.containers",
};

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "insertId"},
        {0, FORM_TIME, "timestamp"},
        {FACT_ACTOR, FORM_TEXT, "protoPayload.authenticationInfo.principalEmail"},
        {FACT_NAME, FORM_BASENAME, "protoPayload.resourceName"},
        {FACT_UID, FORM_TEXT, "protoPayload.resourceName"},
        {FACT_CLUSTER, FORM_TEXT, "protoPayload.resourceLocation.currentLocations.0"},
        {FACT_NAMESPACE, FORM_TEXT, "protoPayload.request.service.metadata.namespace"},
        {FACT_NAMESPACE, FORM_TEXT, "=cloud-run"},
};

/* "PROJECT/REGION/Service/NAME": versions of the API spell the resource's name in two ways, one of
 * them without the region. */
static void set_names(const struct source_reader *reader, struct fact *fact)
{
    const char *method = source_read_text(reader, "protoPayload.methodName");
    const char *project = source_read_text(reader, "resource.labels.project_id");
    const char *region = source_read_text(reader, "resource.labels.location");

    fact->text[FACT_ACTION] = method;
    fact->text[FACT_KIND] = method && strstr(method, ".Jobs.") ? "Job" : "Service";
    if (!region)
        region = fact->text[FACT_CLUSTER];
    if (fact->text[FACT_NAME] && project && region)
        fact->text[FACT_UID] =
                mu_arena_printf(reader->input->arena, "%.60s/%.40s/%s/%.100s", project, region,
                                fact->text[FACT_KIND], fact->text[FACT_NAME]);
}

static enum fact_class class_of(const char *method)
{
    for (size_t i = 0; method && i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strstr(method, methods[i].part))
            return methods[i].class_;
    return FACT_IGNORE;
}

static enum mu_status add_container(const struct source_reader *reader, const json_t *told,
                                    struct fact *fact, struct mu_error *err)
{
    const char *image = mu_json_text_at(told, "image"), *name = mu_json_text_at(told, "name");
    struct mu_workload_container *container;

    if (!image)
        return mu_fail(err, MU_E_INVALID, "a container has no image");
    container = fact_container_add(fact, reader->input->arena);
    if (!container)
        return mu_fail(err, MU_E_LIMIT, "the service has too many containers");
    container->name = mu_arena_strdup(reader->input->arena, name && *name ? name : "container");
    if (fact->text[FACT_UID]) {
        container->state = MU_CONTAINER_RUNNING;
        container->started_at_us = fact->occurred_at_us;
        container->container_id = fact->text[FACT_KEY];
    }
    source_fill_image(reader->input, mu_arena_strdup(reader->input->arena, image), NULL, container);
    return MU_OK;
}

static enum mu_status add_containers(const struct source_reader *reader, struct fact *fact,
                                     struct mu_error *err)
{
    for (size_t i = 0; i < sizeof(container_paths) / sizeof(container_paths[0]); i++) {
        const json_t *told;
        size_t index;

        json_array_foreach (source_read_json(reader, container_paths[i]), index, told) {
            enum mu_status st = add_container(reader, told, fact, err);

            if (st != MU_OK)
                return st;
        }
    }
    return MU_OK;
}

/* insertId is unique only together with time and log (Cloud Logging, LogEntry). */
static enum mu_status set_key(const struct source_reader *reader, struct fact *fact,
                              struct mu_error *err)
{
    const char *time = source_read_text(reader, "timestamp");
    const char *log = source_read_text(reader, "logName");

    if (!fact->text[FACT_EVENT_ID] || !time)
        return mu_fail(err, MU_E_INVALID, "insertId or timestamp: is missing");
    fact->text[FACT_KEY] = mu_arena_printf(reader->input->arena, "%.100s:%.40s:%.200s",
                                           fact->text[FACT_EVENT_ID], time, log ? log : "");
    return fact->text[FACT_KEY] ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *code = source_read_text(reader, "protoPayload.status.code");
    enum mu_status st = set_key(reader, fact, err);

    if (st != MU_OK)
        return st;
    set_names(reader, fact);
    if (mu_text_equal(fact->text[FACT_KIND], "Job"))
        fact->text[FACT_UID] = NULL; /* runs only when somebody executes it */
    fact->class_ = class_of(source_read_text(reader, "protoPayload.methodName"));
    if (code && !mu_text_equal(code, "0")) {
        fact->class_ = FACT_IGNORE;
        fact->why = "the call failed: nothing changed";
    }
    if (fact->class_ != FACT_WORKLOAD_DEPLOY)
        return MU_OK;
    st = add_containers(reader, fact, err);
    if (st == MU_OK && fact->container_count == 0)
        fact->class_ = FACT_WORKLOAD_DEPLOY_NO_IMAGE;
    return st;
}

static const struct source_shape shapes[] = {{.when = "protoPayload",
                                              .otherwise = FACT_IGNORE,
                                              SOURCE_FIELDS(fields),
                                              .finish = finish}};

const struct source_kind cloudrun_kind = {
        .name = "cloudrun",
        .transport = "webhook",
        .sender = "Google Cloud Run audit log: Pub/Sub push, Eventarc",
        .events = "services and jobs deployed and deleted",
        .auth = SOURCE_AUTH_JWT | SOURCE_AUTH_URL,
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_CLOUDEVENTS | ENVELOPE_PUBSUB | ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

/*
 * Kubernetes AdmissionReview as a source: what somebody asks for, before anything runs.
 *
 * Another webhook may still refuse it, and the same object may be reviewed twice: images are
 * declared, nothing is said to run or to be gone. An object has no uid, and with generateName no
 * name.
 */
#include "source/kind.h"
#include "source/pod.h"

#include "base/text.h"
#include "json/json_doc.h"

static const struct source_class_word kinds[] = {
        {"Pod", FACT_POD_CREATE},
        {"Deployment", FACT_WORKLOAD_DEPLOY},
        {"DaemonSet", FACT_WORKLOAD_DEPLOY},
        {"StatefulSet", FACT_WORKLOAD_DEPLOY},
        {"Job", FACT_WORKLOAD_DEPLOY},
        {"CronJob", FACT_WORKLOAD_DEPLOY},
        {"ReplicationController", FACT_WORKLOAD_DEPLOY},
        {"DeploymentConfig", FACT_WORKLOAD_DEPLOY},
};

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "request.uid"},
        {FACT_ACTOR, FORM_TEXT, "request.userInfo.username"},
        {FACT_NAMESPACE, FORM_TEXT, "request.namespace"},
        {FACT_KIND, FORM_TEXT, "request.kind.kind"},
        {FACT_NAME, FORM_TEXT, "request.name"},
};

static const char *reason_to_ignore(const struct source_reader *reader)
{
    const char *subresource = source_read_text(reader, "request.subResource");

    if (json_is_true(source_read_json(reader, "request.dryRun")))
        return "a dry run";
    if (subresource && !mu_text_equal(subresource, "ephemeralcontainers"))
        return "a subresource without images";
    return NULL;
}

static enum mu_status finish_delete(const struct source_reader *reader, struct fact *fact)
{
    const json_t *old = source_read_json(reader, "request.oldObject");

    fact->class_ = fact->class_ == FACT_POD_CREATE ? FACT_POD_DELETE : FACT_WORKLOAD_DELETE;
    if (json_is_object(old))
        pod_metadata_read(reader->input, old, fact);
    fact->told_only = true;
    fact->why = "asked for, not done";
    return MU_OK;
}

static bool same_images(const struct fact *a, const struct fact *b)
{
    if (a->container_count != b->container_count)
        return false;
    for (size_t i = 0; i < a->container_count; i++)
        if (!mu_text_equal(a->containers[i].image, b->containers[i].image))
            return false;
    return true;
}

/* A pod changes often and its images seldom. */
static enum mu_status finish_pod_update(const struct source_reader *reader, struct fact *fact,
                                        struct mu_error *err)
{
    struct fact old;
    enum mu_status st;

    fact_init(&old);
    st = pod_template_read(reader->input, source_read_json(reader, "request.oldObject"), &old, err);
    if (st != MU_OK)
        return st;
    fact->class_ = FACT_WORKLOAD_DEPLOY;
    if (same_images(fact, &old)) {
        fact->class_ = FACT_IGNORE;
        fact->why = "the pod keeps its images";
    }
    return MU_OK;
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *operation = source_read_text(reader, "request.operation");
    enum mu_status st;

    if (!fact->text[FACT_EVENT_ID] || !operation)
        return mu_fail(err, MU_E_INVALID, "request.uid or operation: is missing");
    fact->text[FACT_ACTION] = operation;
    fact->why = reason_to_ignore(reader);
    if (fact->why)
        fact->class_ = FACT_IGNORE;
    if (fact->class_ == FACT_IGNORE)
        return MU_OK;
    if (mu_text_equal(operation, "DELETE"))
        return finish_delete(reader, fact);
    st = pod_template_read(reader->input, source_read_json(reader, "request.object"), fact, err);
    fact->text[FACT_UID] = NULL;
    if (st != MU_OK)
        return st;
    if (fact->container_count == 0)
        fact->class_ = FACT_IGNORE;
    else if (fact->class_ == FACT_POD_CREATE && mu_text_equal(operation, "UPDATE"))
        return finish_pod_update(reader, fact, err);
    return MU_OK;
}

static const struct source_shape shapes[] = {{.when = "request",
                                              .class_path = "request.kind.kind",
                                              SOURCE_CLASSES(kinds),
                                              .otherwise = FACT_IGNORE,
                                              SOURCE_FIELDS(fields),
                                              .finish = finish}};

const struct source_kind kubernetes_admission_kind = {
        .name = "kubernetes-admission",
        .transport = "webhook",
        .sender = "Kubernetes AdmissionReview v1, v1beta1",
        .events = "images of Pods and workloads that are asked for",
        .auth = SOURCE_AUTH_MTLS | SOURCE_AUTH_BEARER,
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

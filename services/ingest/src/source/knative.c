/*
 * Knative ApiServerSource in resource mode: CloudEvents whose data is a Kubernetes object; in
 * reference mode there is only its name. The source is the API server's URL. It begins with
 * everything there is and repeats after a restart, so an object's uid and version are the identity,
 * as for a watch.
 */
#include "source/kind.h"
#include "source/pod.h"

#include "base/text.h"

static const struct source_class_word classes[] = {
        {"dev.knative.apiserver.resource.add", FACT_POD_CREATE},
        {"dev.knative.apiserver.resource.update", FACT_IGNORE},
        {"dev.knative.apiserver.resource.delete", FACT_POD_DELETE},
        {"dev.knative.apiserver.ref.add", FACT_IGNORE},
        {"dev.knative.apiserver.ref.update", FACT_IGNORE},
        {"dev.knative.apiserver.ref.delete", FACT_IGNORE},
};

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "%id"},
};

static enum mu_status finish_pod(const struct source_reader *reader, struct fact *fact,
                                 struct mu_error *err)
{
    enum fact_class told = fact->class_;
    enum mu_status st;

    if (told == FACT_POD_DELETE)
        fact->occurred_at_us = reader->input->received_at_us;
    st = pod_read(reader->input, reader->root, told, fact, err);
    if (st != MU_OK)
        return st;
    if (!fact->text[FACT_UID])
        return mu_fail(err, MU_E_INVALID, "metadata.uid: is missing");
    if (told == FACT_POD_DELETE)
        fact->class_ = told;
    fact->text[FACT_KEY] = mu_arena_printf(reader->input->arena, "%.250s:%lld",
                                           fact->text[FACT_UID], (long long)fact->sequence);
    return fact->text[FACT_KEY] ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *type = source_read_text(reader, "%type");
    enum mu_status st;

    if (mu_text_starts(type, "dev.knative.apiserver.ref."))
        return MU_OK;
    if (mu_text_equal(source_read_text(reader, "/kind"), "Pod"))
        return finish_pod(reader, fact, err);
    st = pod_template_read(reader->input, reader->root, fact, err);
    if (fact->class_ == FACT_POD_DELETE)
        fact->class_ = FACT_WORKLOAD_DELETE;
    else
        fact->class_ = fact->container_count > 0 ? FACT_WORKLOAD_DEPLOY : FACT_IGNORE;
    fact->text[FACT_UID] = NULL;
    return st;
}

static const struct source_shape shapes[] = {{.when = "%type",
                                              .class_path = "%type",
                                              SOURCE_CLASSES(classes),
                                              .otherwise = FACT_REJECT,
                                              SOURCE_FIELDS(fields),
                                              .finish = finish}};

const struct source_kind knative_kind = {
        .name = "knative",
        .transport = "webhook",
        .sender = "Knative ApiServerSource, resource mode",
        .events = "Pods: every run of every container; images of workloads",
        .auth = SOURCE_AUTH_JWT | SOURCE_AUTH_BEARER | SOURCE_AUTH_URL,
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_CLOUDEVENTS,
        SOURCE_SHAPES(shapes),
};

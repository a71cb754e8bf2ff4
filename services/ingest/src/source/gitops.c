/*
 * What GitOps controllers say after a deployment: Argo CD notifications (by the template of our
 * page: the whole application) and Flux's notification controller.
 *
 * Argo CD lists images without containers. Flux names none: it tells that something was applied,
 * not what.
 */
#include "source/kind.h"

#include "base/text.h"
#include "json/json_doc.h"

/* ---- Argo CD ---- */

static const struct source_class_word phases[] = {
        {"Succeeded", FACT_WORKLOAD_DEPLOYED},
        {"Failed", FACT_IGNORE},
        {"Error", FACT_IGNORE},
        {"Running", FACT_IGNORE},
        {"Terminating", FACT_IGNORE},
};

static const struct source_field argocd_fields[] = {
        {FACT_KIND, FORM_TEXT, "=Application"},
        {FACT_NAMESPACE, FORM_TEXT, "app.spec.destination.namespace"},
        {FACT_NAMESPACE, FORM_TEXT, "app.metadata.namespace"},
        {FACT_NAME, FORM_TEXT, "app.metadata.name"},
        {0, FORM_TIME, "app.status.operationState.finishedAt"},
};

static enum mu_status argocd_finish(struct source_reader *reader, struct fact *fact,
                                    struct mu_error *err)
{
    const json_t *image;
    size_t index;

    /* Long after its last operation an application may no longer tell it. */
    if (!fact->text[FACT_ACTION] &&
        mu_text_equal(source_read_text(reader, "app.status.sync.status"), "Synced"))
        fact->class_ = FACT_WORKLOAD_DEPLOYED;
    if (fact->class_ == FACT_IGNORE)
        return MU_OK;
    json_array_foreach (source_read_json(reader, "app.status.summary.images"), index, image) {
        struct mu_workload_container *container = fact_container_add(fact, reader->input->arena);

        if (!container)
            return mu_fail(err, MU_E_LIMIT, "the application has too many images");
        if (!json_is_string(image))
            return mu_fail(err, MU_E_INVALID, "app.status.summary.images: one is no text");
        container->name = mu_arena_printf(reader->input->arena, "image-%zu", index);
        source_fill_image(reader->input,
                          mu_arena_strdup(reader->input->arena, json_string_value(image)), NULL,
                          container);
    }
    return MU_OK;
}

static const struct source_shape argocd_shapes[] = {
        {.when = "app.metadata",
         .class_path = "app.status.operationState.phase",
         SOURCE_CLASSES(phases),
         .otherwise = FACT_IGNORE,
         SOURCE_FIELDS(argocd_fields),
         .finish = argocd_finish}};

const struct source_kind argocd_kind = {
        .name = "argocd",
        .transport = "webhook",
        .sender = "Argo CD notifications, with our template",
        .events = "images of applications that were deployed",
        .auth = SOURCE_AUTH_BEARER | SOURCE_AUTH_BASIC | SOURCE_AUTH_HEADER,
        .id = SOURCE_ID_CONTENT,
        .envelopes = ENVELOPE_PLAIN,
        SOURCE_SHAPES(argocd_shapes),
};

/* ---- Flux ---- */

static const struct source_class_word reasons[] = {
        {"ReconciliationSucceeded", FACT_WORKLOAD_DEPLOYED},
        {"UpgradeSucceeded", FACT_WORKLOAD_DEPLOYED},
        {"InstallSucceeded", FACT_WORKLOAD_DEPLOYED},
        {"RollbackSucceeded", FACT_WORKLOAD_DEPLOYED},
};

static const struct source_field flux_fields[] = {
        {FACT_KIND, FORM_TEXT, "involvedObject.kind"},
        {FACT_NAMESPACE, FORM_TEXT, "involvedObject.namespace"},
        {FACT_NAME, FORM_TEXT, "involvedObject.name"},
        {FACT_ACTOR, FORM_TEXT, "reportingController"},
        {0, FORM_TIME, "timestamp"},
};

static enum mu_status flux_finish(struct source_reader *reader, struct fact *fact,
                                  struct mu_error *err)
{
    (void)reader;
    if (!fact->text[FACT_KIND] || !fact->text[FACT_NAME])
        return mu_fail(err, MU_E_INVALID, "involvedObject.kind or name: is missing");
    if (!mu_text_equal(fact->text[FACT_KIND], "Kustomization") &&
        !mu_text_equal(fact->text[FACT_KIND], "HelmRelease"))
        fact->class_ = FACT_IGNORE;
    if (fact->class_ == FACT_WORKLOAD_DEPLOYED)
        fact->why = "Flux names no image";
    return MU_OK;
}

static const struct source_shape flux_shapes[] = {{.when = "involvedObject",
                                                   .class_path = "reason",
                                                   SOURCE_CLASSES(reasons),
                                                   .otherwise = FACT_IGNORE,
                                                   SOURCE_FIELDS(flux_fields),
                                                   .finish = flux_finish}};

const struct source_kind flux_kind = {
        .name = "flux",
        .transport = "webhook",
        .sender = "Flux notification controller, provider generic or generic-hmac",
        .events = "none: tells that something was applied",
        .auth = SOURCE_AUTH_HMAC_SHA256 | SOURCE_AUTH_HEADER,
        .auth_header = "X-Signature",
        .auth_prefix = "sha256=",
        .id = SOURCE_ID_CONTENT,
        .envelopes = ENVELOPE_PLAIN,
        SOURCE_SHAPES(flux_shapes),
};

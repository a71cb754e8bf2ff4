/*
 * OpenShift: watch events of ImageStreams (the internal registry's pushes), Builds and
 * DeploymentConfigs, and its audit events. The newest item of a tag is what it points at; the same
 * registry has an internal and a public name, which an alias of the source makes one.
 */
#include "source/kind.h"
#include "source/pod.h"

#include "base/text.h"
#include "json/json_doc.h"

extern const struct source_kind kubernetes_audit_kind;

/* One tag, by its newest item. */
static enum mu_status add_tag(struct source_reader *reader, const struct fact *stream,
                              const json_t *tag, struct mu_error *err)
{
    struct fact fact = *stream;
    const char *reference = source_text_at(reader->input, tag, "items.0.dockerImageReference");
    const char *created = source_text_at(reader->input, tag, "items.0.created");

    if (!reference)
        return MU_OK;
    fact.class_ = FACT_IMAGE_PUSH;
    fact.text[FACT_TAG] = source_text_at(reader->input, tag, "tag");
    fact.text[FACT_DIGEST] = source_text_at(reader->input, tag, "items.0.image");
    fact.occurred_at_us = created ? source_form_time(created) : MU_TIME_NONE;
    fact.text[FACT_NAME] = fact.text[FACT_NAMESPACE] = fact.text[FACT_KIND] = NULL;
    source_fill_reference(reader, reference, &fact);
    /* A stream that changes tells all its tags again: the same tag and image is the same event. */
    fact.text[FACT_KEY] = mu_arena_printf(
            reader->input->arena, "%.200s/%.200s:%.128s@%.80s:%.40s",
            stream->text[FACT_NAMESPACE] ? stream->text[FACT_NAMESPACE] : "",
            stream->text[FACT_NAME] ? stream->text[FACT_NAME] : "",
            fact.text[FACT_TAG] ? fact.text[FACT_TAG] : "",
            fact.text[FACT_DIGEST] ? fact.text[FACT_DIGEST] : "", created ? created : "");
    reader->fanned = 0; /* the key says which of them it is */
    return source_fact_add(reader, &fact, err);
}

static enum mu_status finish_image_stream(struct source_reader *reader, struct fact *fact,
                                          struct mu_error *err)
{
    const json_t *tags = source_read_json(reader, "object.status.tags"), *tag;
    size_t index, before = reader->events->fact_count;

    json_array_foreach (tags, index, tag) {
        enum mu_status st = add_tag(reader, fact, tag, err);

        if (st != MU_OK)
            return st;
    }
    return reader->events->fact_count > before ? MU_END : MU_OK;
}

static enum mu_status finish_object(struct source_reader *reader, struct fact *fact,
                                    struct mu_error *err)
{
    const json_t *object = source_read_json(reader, "object");
    const char *type = source_read_text(reader, "type");
    const char *kind = source_read_text(reader, "object.kind");
    enum mu_status st;

    if (mu_text_equal(type, "ERROR")) {
        fact->class_ = FACT_RESYNC;
        return MU_OK;
    }
    pod_metadata_read(reader->input, object, fact);
    if (mu_text_equal(kind, "ImageStream") && !mu_text_equal(type, "DELETED"))
        return finish_image_stream(reader, fact, err);
    if (!mu_text_equal(kind, "DeploymentConfig"))
        return MU_OK;
    fact->text[FACT_UID] = NULL;
    if (mu_text_equal(type, "DELETED")) {
        fact->class_ = FACT_WORKLOAD_DELETE;
        return MU_OK;
    }
    st = pod_template_read(reader->input, object, fact, err);
    fact->text[FACT_UID] = NULL;
    fact->class_ = fact->container_count > 0 ? FACT_WORKLOAD_DEPLOY : FACT_IGNORE;
    return st;
}

static enum mu_status finish_audit(struct source_reader *reader, struct fact *fact,
                                   struct mu_error *err)
{
    enum mu_status st = source_read_document(reader->input, &kubernetes_audit_kind, reader->root,
                                             reader->attributes, reader->events, err);

    (void)fact;
    return st == MU_OK ? MU_END : st;
}

static const struct source_shape shapes[] = {
        {.when = "object", .otherwise = FACT_IGNORE, .finish = finish_object},
        {.when = "auditID", .otherwise = FACT_IGNORE, .finish = finish_audit},
        {.when = "items", .otherwise = FACT_IGNORE, .finish = finish_audit},
};

const struct source_kind openshift_kind = {
        .name = "openshift",
        .transport = "webhook",
        .sender = "OpenShift: watch events of ImageStreams and DeploymentConfigs, audit events",
        .events = "tags of the internal registry, images of workloads",
        .auth = SOURCE_AUTH_BEARER | SOURCE_AUTH_MTLS,
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_LINES,
        SOURCE_SHAPES(shapes),
};

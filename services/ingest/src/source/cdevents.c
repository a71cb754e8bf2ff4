/*
 * CDEvents 0.3 to 0.6, usually in CloudEvents binary mode; the type carries a version at its end.
 *
 * Artifacts are package URLs: pkg:oci/NAME@sha256%3A...?repository_url=HOST/PATH&tag=TAG, where
 * repository_url may or may not hold the name. Artifacts of other ecosystems are told and lead to
 * nothing.
 */
#include "source/kind.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

struct type_row {
    const char *prefix;
    enum fact_class class_;
};

static const struct type_row types[] = {
        {"dev.cdevents.artifact.published.", FACT_ARTIFACT_PUBLISHED},
        {"dev.cdevents.artifact.deleted.", FACT_ARTIFACT_DELETED},
        {"dev.cdevents.service.deployed.", FACT_SERVICE_DEPLOYED},
        {"dev.cdevents.service.upgraded.", FACT_SERVICE_UPGRADED},
        {"dev.cdevents.service.rolledback.", FACT_SERVICE_ROLLEDBACK},
        {"dev.cdevents.service.removed.", FACT_SERVICE_REMOVED},
        {"dev.cdevents.", FACT_IGNORE},
        {"dev.cdeventsx.", FACT_IGNORE}, /* somebody's own */
};

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "context.id"},
        {0, FORM_TIME, "context.timestamp"},
        {FACT_ACTOR, FORM_TEXT, "subject.content.user"},
        {FACT_NAME, FORM_TEXT, "subject.id"},
        {FACT_CLUSTER, FORM_TEXT, "subject.content.environment.id"},
};

/* ---- package URLs ---- */

static const char *qualifier(const struct source_reader *reader, const char *purl, const char *name)
{
    const char *at = strchr(purl, '?');
    size_t len = strlen(name);

    while (at) {
        at++;
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return source_without_percent(reader, at + len + 1, strcspn(at + len + 1, "&#"));
        at = strchr(at, '&');
    }
    return NULL;
}

/* host/path of the image; "" where no repository_url says the host. */
static const char *image_name(const struct source_reader *reader, const char *name,
                              const char *repository_url)
{
    if (!repository_url)
        return name;
    if (mu_text_ends(repository_url, name))
        return repository_url;
    return mu_arena_printf(reader->input->arena, "%.250s/%.250s", repository_url, name);
}

/* What follows the type of a package URL of container images; NULL when it is another type. */
static const char *after_type(const char *purl)
{
    static const char *const types_of_images[] = {"pkg:oci/", "pkg:docker/"};

    for (size_t i = 0; i < sizeof(types_of_images) / sizeof(types_of_images[0]); i++)
        if (mu_text_starts(purl, types_of_images[i]))
            return purl + strlen(types_of_images[i]);
    return NULL;
}

/* "host/path:tag@digest" of a package URL; NULL when it is of no image. The version of pkg:docker
 * may be a tag. */
static const char *reference_of(const struct source_reader *reader, const char *purl)
{
    const char *rest = after_type(purl), *name, *tag, *version = "";
    size_t name_len;

    if (!rest)
        return NULL;
    name_len = strcspn(rest, "@?#");
    name = source_without_percent(reader, rest, name_len);
    if (rest[name_len] == '@')
        version = source_without_percent(reader, rest + name_len + 1,
                                         strcspn(rest + name_len + 1, "?#"));
    tag = qualifier(reader, purl, "tag");
    if (!name || !version)
        return NULL;
    if (*version && !strchr(version, ':')) {
        tag = version;
        version = "";
    }
    return mu_arena_printf(reader->input->arena, "%.400s%s%.128s%s%.140s",
                           image_name(reader, name, qualifier(reader, purl, "repository_url")),
                           tag ? ":" : "", tag ? tag : "", *version ? "@" : "", version);
}

/* ---- what they say ---- */

static enum mu_status no_image(struct fact *fact)
{
    fact->told_only = true;
    fact->why = "the artifact is no container image";
    return MU_OK;
}

static enum mu_status finish_artifact(const struct source_reader *reader, struct fact *fact)
{
    const char *purl = fact->text[FACT_NAME];
    const char *reference = purl ? reference_of(reader, purl) : NULL;

    if (!reference)
        return no_image(fact);
    if (!qualifier(reader, purl, "repository_url")) {
        /* A host to tell the name by, so that none is assumed; then the source's counts. */
        reference = mu_arena_printf(reader->input->arena, "registry.invalid/%s", reference);
        source_fill_reference(reader, reference ? reference : "", fact);
        fact->text[FACT_REGISTRY] = NULL;
        return MU_OK;
    }
    source_fill_reference(reader, reference, fact);
    return MU_OK;
}

static enum mu_status finish_service(const struct source_reader *reader, struct fact *fact,
                                     struct mu_error *err)
{
    const char *purl = source_read_text(reader, "subject.content.artifactId");
    const char *reference = purl ? reference_of(reader, purl) : NULL;
    struct mu_workload_container *container;
    bool named = purl && qualifier(reader, purl, "repository_url");

    fact->text[FACT_KIND] = "Service";
    if (fact->class_ == FACT_SERVICE_REMOVED)
        return MU_OK;
    if (!reference)
        return no_image(fact);
    container = fact_container_add(fact, reader->input->arena);
    if (!container)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    container->name = fact->text[FACT_NAME];
    if (!named && reader->input->source->registry)
        reference = mu_arena_printf(reader->input->arena, "%.250s/%s",
                                    reader->input->source->registry, reference);
    source_fill_image(reader->input, reference, NULL, container);
    if (!named && !reader->input->source->registry)
        container->repository = NULL; /* docker.io would be a guess */
    return MU_OK;
}

static enum mu_status set_key(const struct source_reader *reader, struct fact *fact,
                              struct mu_error *err)
{
    const char *source = source_read_text(reader, "context.source");

    fact->text[FACT_KEY] = mu_arena_printf(reader->input->arena, "%.240s#%.240s",
                                           source ? source : "", fact->text[FACT_EVENT_ID]);
    return fact->text[FACT_KEY] ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *type = source_read_text(reader, "context.type");
    size_t i = 0, count = sizeof(types) / sizeof(types[0]);
    enum mu_status st;

    while (i < count && !mu_text_starts(type, types[i].prefix))
        i++;
    if (i == count)
        return mu_fail(err, MU_E_INVALID, "context.type: '%.100s' is unknown", type ? type : "");
    fact->class_ = types[i].class_;
    fact->text[FACT_ACTION] = type;
    if (fact->class_ == FACT_IGNORE)
        return MU_OK;
    if (!fact->text[FACT_EVENT_ID])
        return mu_fail(err, MU_E_INVALID, "context.id: is missing");
    st = set_key(reader, fact, err);
    if (st != MU_OK)
        return st;
    if (fact->class_ == FACT_ARTIFACT_PUBLISHED || fact->class_ == FACT_ARTIFACT_DELETED)
        return finish_artifact(reader, fact);
    return finish_service(reader, fact, err);
}

static const struct source_shape shapes[] = {{.when = "context.type",
                                              .otherwise = FACT_IGNORE,
                                              SOURCE_FIELDS(fields),
                                              .finish = finish}};

const struct source_kind cdevents_kind = {
        .name = "cdevents",
        .transport = "webhook",
        .sender = "CDEvents 0.3 to 0.6",
        .events = "artifacts published and deleted, services deployed",
        .auth = SOURCE_AUTH_BEARER | SOURCE_AUTH_BASIC | SOURCE_AUTH_HEADER | SOURCE_AUTH_JWT |
                SOURCE_AUTH_URL | SOURCE_AUTH_MTLS,
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_CLOUDEVENTS | ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

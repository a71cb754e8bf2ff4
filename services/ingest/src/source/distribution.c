/*
 * CNCF Distribution notifications (2.x v1 and 3.x v2 envelopes), and GitLab's registry, a fork that
 * sends the same.
 *
 * Of interest: push and delete of manifests. Blob uploads are pushes of application/octet-stream,
 * HEAD counts as pull, a manifest deleted by digest gives {digest, repository} and one {tag,
 * repository} per tag; a blob deleted by digest looks the same as a manifest, so the digest is then
 * of unknown kind.
 */
#include "source/kind.h"

#include "oci/reference.h"

#include <string.h>

static const struct source_class_word classes[] = {
        {"push", FACT_IMAGE_PUSH}, {"delete", FACT_IMAGE_DELETE}, {"pull", FACT_IGNORE},
        {"mount", FACT_IGNORE},    {"rename", FACT_IGNORE},
};

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "id"},
        {0, FORM_TIME, "timestamp"},
        {FACT_REGISTRY, FORM_TEXT, "request.host"},
        {FACT_REGISTRY, FORM_HOST, "target.url"},
        {FACT_REPOSITORY, FORM_TEXT, "target.repository"},
        {FACT_TAG, FORM_TEXT, "target.tag"},
        {FACT_DIGEST, FORM_TEXT, "target.digest"},
        {FACT_MEDIA_TYPE, FORM_TEXT, "target.mediaType"},
        {0, FORM_SIZE, "target.size"},
        {0, FORM_SIZE, "target.length"},
        {FACT_ACTOR, FORM_TEXT, "actor.name"},
};

static bool is_blob(const struct fact *fact)
{
    enum mu_digest_kind kind = mu_media_type_kind(fact->text[FACT_MEDIA_TYPE]);

    return kind == MU_DIGEST_KIND_BLOB || kind == MU_DIGEST_KIND_CONFIG;
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *digest;

    if (fact->class_ == FACT_IGNORE)
        return MU_OK;
    if (!fact->text[FACT_EVENT_ID])
        return mu_fail(err, MU_E_INVALID, "id: is missing");
    if (is_blob(fact)) {
        fact->class_ = FACT_IGNORE;
        return MU_OK;
    }
    digest = fact->text[FACT_DIGEST];
    if (digest && !mu_oci_digest_valid(digest, strlen(digest)))
        return mu_fail(err, MU_E_INVALID, "target.digest: '%.100s' is no digest", digest);
    if (fact->class_ == FACT_IMAGE_PUSH)
        return fact->text[FACT_DIGEST] ? MU_OK
                                       : mu_fail(err, MU_E_INVALID, "target.digest: is missing");
    if (fact->text[FACT_TAG] && !fact->text[FACT_DIGEST])
        fact->class_ = FACT_TAG_DELETE;
    if (!fact->text[FACT_TAG] && !fact->text[FACT_DIGEST] && source_read_is(reader, "target")) {
        /* A repository deleted as a whole: its manifests are told one by one. */
        fact->class_ = FACT_IGNORE;
    }
    return MU_OK;
}

static const struct source_shape shapes[] = {{.when = "events",
                                              .each = "events",
                                              .class_path = "action",
                                              SOURCE_CLASSES(classes),
                                              .otherwise = FACT_REJECT,
                                              SOURCE_FIELDS(fields),
                                              .finish = finish}};

const struct source_kind distribution_kind = {
        .name = "distribution",
        .transport = "webhook",
        .sender = "CNCF Distribution 2.x and 3.x (docker-registry)",
        .events = "push and delete of manifests",
        .auth = SOURCE_AUTH_BEARER | SOURCE_AUTH_BASIC | SOURCE_AUTH_HEADER | SOURCE_AUTH_MTLS,
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

const struct source_kind gitlab_kind = {
        .name = "gitlab",
        .transport = "webhook",
        .sender = "GitLab container registry",
        .events = "push and delete of manifests",
        .auth = SOURCE_AUTH_HEADER | SOURCE_AUTH_BEARER,
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

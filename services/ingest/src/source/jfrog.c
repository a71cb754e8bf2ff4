/*
 * JFrog Artifactory, domain "docker". The domain "artifact" tells every layer and the manifest once
 * more. The digest has no "sha256:"; list.manifest.json is an index; what clients pull is
 * host/repo_key/image_name.
 */
#include "source/kind.h"

#include "base/text.h"

static const struct source_class_word classes[] = {
        {"pushed", FACT_IMAGE_PUSH},
        {"promoted", FACT_IMAGE_PUSH},
        {"deleted", FACT_TAG_DELETE},
        {"tagDeleted", FACT_TAG_DELETE},
};

static const struct source_field fields[] = {
        {FACT_REGISTRY, FORM_HOST, "jpd_origin"},  {FACT_TAG, FORM_TEXT, "data.tag"},
        {FACT_DIGEST, FORM_HEX, "data.sha256"},    {0, FORM_SIZE, "data.size"},
        {FACT_ACTOR, FORM_TEXT, "userContext.id"}, {FACT_ACTOR, FORM_BASENAME, "source"},
};

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *key = source_read_text(reader, "data.repo_key");
    const char *name = source_read_text(reader, "data.image_name");

    if (!key || !name)
        return mu_fail(err, MU_E_INVALID, "data.repo_key or image_name: is missing");
    fact->text[FACT_REPOSITORY] = mu_arena_concat(reader->input->arena, key, "/", name, NULL);
    fact->digest_kind = mu_text_equal(source_read_text(reader, "data.name"), "list.manifest.json")
                                ? MU_DIGEST_KIND_INDEX
                                : MU_DIGEST_KIND_MANIFEST;
    if (mu_text_equal(source_read_text(reader, "data.image_type"), "oci") &&
        fact->digest_kind == MU_DIGEST_KIND_MANIFEST)
        fact->digest_kind = MU_DIGEST_KIND_UNKNOWN; /* may be a chart */
    return MU_OK;
}

static enum mu_status choose(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    if (mu_text_equal(source_read_text(reader, "domain"), "docker"))
        return finish(reader, fact, err);
    fact->class_ = FACT_IGNORE;
    return MU_OK;
}

static const struct source_shape shapes[] = {
        {.when = "data.image_name",
         .class_path = "event_type",
         SOURCE_CLASSES(classes),
         .otherwise = FACT_REJECT,
         SOURCE_FIELDS(fields),
         .finish = choose},
        {.when = "domain", .otherwise = FACT_IGNORE, SOURCE_FIELDS(fields)},
};

const struct source_kind jfrog_kind = {
        .name = "jfrog",
        .transport = "webhook",
        .sender = "JFrog Artifactory, domain docker",
        .events = "push, promotion and delete of images",
        .auth = SOURCE_AUTH_HEADER | SOURCE_AUTH_HMAC_SHA256,
        .auth_header = "X-JFrog-Event-Auth",
        .id = SOURCE_ID_CONTENT_AND_TIME,
        .envelopes = ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

/*
 * Quay's repo_push: one delivery, several tags; no id, no time, no digest, and no word for the kind
 * of event in the body: only updated_tags tells a push from the other notifications.
 */
#include "source/kind.h"

#include <string.h>

#include "json/json_doc.h"

static const struct source_field fields[] = {
        {FACT_REGISTRY, FORM_HOST, "docker_url"},
        {FACT_REPOSITORY, FORM_TEXT, "repository"},
};

static enum mu_status add_tag(struct source_reader *reader, const struct fact *push,
                              const char *tag, struct mu_error *err)
{
    struct fact fact = *push;

    if (!tag)
        return mu_fail(err, MU_E_INVALID, "updated_tags: holds something that is no text");
    fact.text[FACT_TAG] = mu_arena_strdup(reader->input->arena, tag);
    return source_fact_add(reader, &fact, err);
}

/* Older versions: {tag: id of an image}. */
static enum mu_status add_members(struct source_reader *reader, const struct fact *push,
                                  const json_t *tags, struct mu_error *err)
{
    const char *tag;
    json_t *id;

    json_object_foreach ((json_t *)(uintptr_t)tags, tag, id) {
        enum mu_status st = add_tag(reader, push, tag, err);

        if (st != MU_OK)
            return st;
    }
    return MU_END;
}

static enum mu_status finish_push(struct source_reader *reader, struct fact *fact,
                                  struct mu_error *err)
{
    const json_t *tags = source_read_json(reader, "updated_tags"), *tag;
    size_t index;

    if (json_object_size(tags) > 0)
        return add_members(reader, fact, tags, err);
    if (json_array_size(tags) == 0) {
        fact->class_ = FACT_NOOP;
        fact->why = "no tag was updated";
        return MU_OK;
    }
    json_array_foreach (tags, index, tag) {
        enum mu_status st = add_tag(reader, fact, json_string_value(tag), err);

        if (st != MU_OK)
            return st;
    }
    return MU_END;
}

/* "tags" may hold a digest. */
static enum mu_status finish_finding(struct source_reader *reader, struct fact *fact,
                                     struct mu_error *err)
{
    const char *tag = source_read_text(reader, "tags.0");

    (void)err;
    fact->text[tag && strchr(tag, ':') ? FACT_DIGEST : FACT_TAG] = tag;
    return MU_OK;
}

static const struct source_shape shapes[] = {
        {.when = "updated_tags",
         .otherwise = FACT_IMAGE_PUSH,
         SOURCE_FIELDS(fields),
         .finish = finish_push},
        {.when = "vulnerability",
         .otherwise = FACT_FINDING,
         SOURCE_FIELDS(fields),
         .finish = finish_finding},
        /* Builds, expiry, mirroring: another notification of the same repository. */
        {.when = "docker_url", .otherwise = FACT_IGNORE, SOURCE_FIELDS(fields)},
};

const struct source_kind quay_kind = {
        .name = "quay",
        .transport = "webhook",
        .sender = "Quay.io and Red Hat Quay: repo_push",
        .events = "push of tags",
        .auth = SOURCE_AUTH_URL | SOURCE_AUTH_MTLS,
        .id = SOURCE_ID_CONTENT_AND_TIME,
        .envelopes = ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

/* Docker Hub webhooks: pushes only; no id and no digest. callback_url is never called. */
#include "source/kind.h"

#include <string.h>

static const struct source_field fields[] = {
        {FACT_REGISTRY, FORM_TEXT, "=docker.io"},
        {FACT_REPOSITORY, FORM_TEXT, "repository.repo_name"},
        {FACT_TAG, FORM_TEXT, "push_data.tag"},
        {FACT_MEDIA_TYPE, FORM_TEXT, "push_data.media_type"},
        {0, FORM_TIME, "push_data.pushed_at"},
        {FACT_ACTOR, FORM_TEXT, "push_data.pusher"},
};

/* Stars and comments are counted in the body too: they would make a repeated delivery look new. */
static enum mu_status set_key(const struct source_reader *reader, struct fact *fact,
                              struct mu_error *err)
{
    const char *pushed_at = source_read_text(reader, "push_data.pushed_at");

    if (!pushed_at || !fact->text[FACT_REPOSITORY])
        return MU_OK;
    fact->text[FACT_KEY] =
            mu_arena_printf(reader->input->arena, "%.300s:%.130s@%.30s",
                            fact->text[FACT_REPOSITORY], fact->text[FACT_TAG], pushed_at);
    return fact->text[FACT_KEY] ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *name = source_read_text(reader, "repository.name");
    const char *owner = source_read_text(reader, "repository.namespace");

    if (!fact->text[FACT_REPOSITORY] && name)
        fact->text[FACT_REPOSITORY] =
                owner && !strchr(name, '/')
                        ? mu_arena_printf(reader->input->arena, "%.200s/%.200s", owner, name)
                        : name;
    if (!fact->text[FACT_TAG])
        return mu_fail(err, MU_E_INVALID, "push_data.tag: is missing");
    return set_key(reader, fact, err);
}

static const struct source_shape shapes[] = {{.when = "push_data",
                                              .otherwise = FACT_IMAGE_PUSH,
                                              SOURCE_FIELDS(fields),
                                              .finish = finish}};

const struct source_kind dockerhub_kind = {
        .name = "dockerhub",
        .transport = "webhook",
        .sender = "Docker Hub",
        .events = "push of tags",
        .auth = SOURCE_AUTH_URL,
        .id = SOURCE_ID_CONTENT,
        .envelopes = ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};

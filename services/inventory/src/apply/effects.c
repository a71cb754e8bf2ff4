#include "apply/effects.h"

#include "identity/identity.h"

#include <inttypes.h>

const char *effects_text(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

const char *effects_time(struct effects *effects, int64_t at_us)
{
    char text[MU_TIME_TEXT_SIZE];

    if (at_us == MU_TIME_NONE)
        return NULL;
    mu_time_format(at_us, text);
    return mu_arena_strdup(effects->arena, text);
}

const char *effects_int(struct effects *effects, int64_t value)
{
    return value < 0 ? NULL : mu_arena_printf(effects->arena, "%" PRId64, value);
}

void effects_asset(struct effects *effects, const struct event *event, const char *repository,
                   const char *tag, const char *digest)
{
    struct asset_name name;

    tag = effects_text(tag);
    identity_asset(repository, tag, digest, &name);
    WRITE_SET_ADD(effects->set, WRITE_REPOSITORIES, event->event_id, repository);
    WRITE_SET_ADD(effects->set, WRITE_ASSETS, name.asset_id, name.uai, repository, tag,
                  tag != NULL ? NULL : digest, name.floating ? "true" : "false", event->event_id);
    if (tag == NULL || digest == NULL)
        return;
    WRITE_SET_ADD(effects->set, WRITE_ASSET_DIGESTS, name.asset_id, digest, event->event_id);
}

void effects_digest(struct effects *effects, const struct event *event,
                    const struct digest_fact *fact)
{
    const char *parts[] = {fact->digest,
                           fact->kind,
                           effects_text(fact->media_type),
                           effects_int(effects, fact->size_bytes),
                           effects_text(fact->platform),
                           effects_text(fact->config_digest),
                           effects_text(fact->os_name),
                           effects_text(fact->image_title),
                           effects_text(fact->image_version),
                           effects_text(fact->image_vendor)};
    char fact_id[MU_UUID_TEXT_SIZE];

    mu_stable_id("muster.digest-fact", parts, 10, fact_id);
    WRITE_SET_ADD(effects->set, WRITE_DIGEST_FACTS, parts[0], fact_id, parts[1], parts[2], parts[3],
                  parts[4], parts[5], parts[6], parts[7], parts[8], parts[9], event->event_id);
}

void effects_job(struct effects *effects, const struct event *event, const struct job_wish *wish)
{
    struct job_wish whole = *wish;

    whole.traceparent = event->traceparent;
    if (effects->wishes)
        job_wishes_add(effects->wishes, &whole);
}

/* What a push or a delete in a registry teaches. */
#include "apply/effects.h"

/* Whether a digest of this kind can name or hold something to scan. */
static bool kind_is_image(int kind)
{
    return kind != MU_DIGEST_KIND_ATTESTATION && kind != MU_DIGEST_KIND_CONFIG &&
           kind != MU_DIGEST_KIND_BLOB;
}

static void observe_tag(struct effects *effects, const struct event *event,
                        const struct mu_registry_event *r, const char *digest)
{
    WRITE_SET_ADD(effects->set, WRITE_TAG_OBSERVATIONS, event->event_id, r->repository, r->tag,
                  digest,
                  effects_time(effects, effects_happened(effects, event, r->occurred_at_us)));
}

static void observe_digest(struct effects *effects, const struct event *event,
                           const struct mu_registry_event *r, const char *state)
{
    WRITE_SET_ADD(effects->set, WRITE_REGISTRY_FACTS, event->event_id, r->repository, r->digest,
                  state,
                  effects_time(effects, effects_happened(effects, event, r->occurred_at_us)));
}

static void effects_push(struct effects *effects, const struct event *event,
                         const struct mu_registry_event *r)
{
    bool tagged = effects_text(r->tag) != NULL;
    const char *kind = r->digest_kind == MU_DIGEST_KIND_NONE
                               ? mu_digest_kind_words[MU_DIGEST_KIND_UNKNOWN]
                               : mu_digest_kind_words[r->digest_kind];
    struct digest_fact fact = {.digest = r->digest,
                               .kind = kind,
                               .media_type = r->media_type,
                               .size_bytes = r->size_bytes};
    struct job_wish wish = {.repository = r->repository,
                            .digest = r->digest,
                            .priority = MU_SCAN_NORMAL,
                            .reason = "new_digest",
                            .grace_ms = tagged ? 0 : effects->untagged_grace_ms};

    if (r->digest == NULL) { /* some registries do not say it: a listing will */
        effects_asset(effects, event, r->repository, r->tag, NULL);
        return;
    }
    effects_digest(effects, event, &fact);
    observe_digest(effects, event, r, "pushed");
    if (tagged)
        observe_tag(effects, event, r, r->digest);
    if (!kind_is_image(r->digest_kind))
        return;
    effects_asset(effects, event, r->repository, r->tag, r->digest);
    effects_job(effects, event, &wish);
}

/* With a digest the manifest goes and every tag on it (see tag_history_known); without, one tag. */
static void effects_delete(struct effects *effects, const struct event *event,
                           const struct mu_registry_event *r)
{
    if (r->digest != NULL && r->tag == NULL)
        observe_digest(effects, event, r, "deleted");
    if (r->tag != NULL)
        observe_tag(effects, event, r, NULL);
}

void effects_registry(struct effects *effects, const struct event *event)
{
    const struct mu_registry_event *r = event->message;

    if (r->action == MU_REGISTRY_DELETE)
        effects_delete(effects, event, r);
    else
        effects_push(effects, event, r);
}

/* What a scanner's answer teaches. */
#include "apply/effects.h"

#include "base/text.h"
#include "identity/identity.h"

static const char *const outcome_words[] = {[MU_SCAN_COMPLETE] = "complete",
                                            [MU_SCAN_RESOLVED] = "resolved",
                                            [MU_SCAN_NOT_SCANNABLE] = "not_scannable",
                                            [MU_SCAN_FAILED] = "failed"};

static const char *count_of(struct effects *effects, const struct mu_scan_result *s, int64_t count)
{
    return s->has_counts ? effects_int(effects, count) : NULL;
}

static bool named_before(const struct mu_scan_result *s, size_t place)
{
    for (size_t i = 0; i < place; i++)
        if (mu_text_equal(s->uais.items[i], s->uais.items[place]))
            return true;
    return false;
}

static void observe_scan(struct effects *effects, const struct event *event,
                         const struct mu_scan_result *s, const struct mu_scan_failure *failure)
{
    const char *outcome = outcome_words[failure != NULL ? MU_SCAN_FAILED : s->outcome];
    const char *retryable = failure == NULL ? NULL : failure->retryable ? "true" : "false";

    WRITE_SET_ADD(effects->set, WRITE_SCANS, event->event_id, s->request_id, s->job_id,
                  effects_int(effects, s->attempt), s->repository, s->digest, outcome,
                  failure != NULL ? failure->code : NULL, failure != NULL ? failure->message : NULL,
                  retryable, s->scanner_name, s->scanner_version, effects_text(s->database_version),
                  effects_time(effects, s->database_built_at_us), s->configuration_checksum,
                  effects_time(effects, s->started_at_us), effects_time(effects, s->finished_at_us),
                  effects_text(s->evidence_digest),
                  s->evidence_digest != NULL ? effects_int(effects, s->evidence_size_bytes) : NULL,
                  count_of(effects, s, s->counts.packages),
                  count_of(effects, s, s->counts.findings),
                  count_of(effects, s, s->counts.critical), count_of(effects, s, s->counts.high),
                  count_of(effects, s, s->counts.moderate), count_of(effects, s, s->counts.low),
                  count_of(effects, s, s->counts.unknown));
    for (size_t i = 0; i < s->uais.count; i++)
        if (!named_before(s, i))
            WRITE_SET_ADD(effects->set, WRITE_SCAN_UAIS, event->event_id, s->uais.items[i]);
}

/* Not of what is no image: whether it was looked at before that was known depends on what came
 * first. */
static void observe_registry(struct effects *effects, const struct event *event,
                             const struct mu_scan_result *s, const char *state)
{
    WRITE_SET_ADD(effects->set, WRITE_REGISTRY_FACTS, event->event_id, s->repository, s->digest,
                  state, effects_time(effects, s->finished_at_us));
}

static void observe_child(struct effects *effects, const struct event *event,
                          const struct mu_scan_result *s, const struct mu_scan_child *child)
{
    struct digest_fact fact = {.digest = child->digest,
                               .kind = child->kind == MU_DIGEST_KIND_NONE
                                               ? mu_digest_kind_words[MU_DIGEST_KIND_UNKNOWN]
                                               : mu_digest_kind_words[child->kind],
                               .media_type = child->media_type,
                               .size_bytes = child->size_bytes > 0 ? child->size_bytes : -1,
                               .platform = child->platform};
    struct job_wish wish = {.repository = s->repository,
                            .digest = child->digest,
                            .priority = MU_SCAN_NORMAL,
                            .reason = "new_digest"};

    effects_digest(effects, event, &fact);
    WRITE_SET_ADD(effects->set, WRITE_DIGEST_EDGES, s->digest, child->digest,
                  child->platform != NULL ? child->platform : "", event->event_id);
    if (child->kind != MU_DIGEST_KIND_ATTESTATION)
        effects_job(effects, event, &wish);
}

/* What the scanner saw of the digest itself; not scannable counts as attestation kind. */
static void observe_digest(struct effects *effects, const struct event *event,
                           const struct mu_scan_result *s)
{
    int kind = s->digest_kind;
    struct digest_fact fact = {.digest = s->digest,
                               .size_bytes = -1,
                               .platform = s->platform,
                               .config_digest = s->config_digest,
                               .os_name = s->os_name,
                               .image_title = s->image_title,
                               .image_version = s->image_version,
                               .image_vendor = s->image_vendor};

    if (s->outcome == MU_SCAN_NOT_SCANNABLE)
        kind = MU_DIGEST_KIND_ATTESTATION;
    else if (s->outcome == MU_SCAN_RESOLVED)
        kind = MU_DIGEST_KIND_INDEX;
    else if (s->outcome == MU_SCAN_COMPLETE)
        kind = MU_DIGEST_KIND_MANIFEST;
    if (kind == MU_DIGEST_KIND_NONE)
        return;
    fact.kind = mu_digest_kind_words[kind];
    effects_digest(effects, event, &fact);
    if (effects_text(s->config_digest) != NULL) {
        struct digest_fact config = {.digest = s->config_digest,
                                     .kind = mu_digest_kind_words[MU_DIGEST_KIND_CONFIG],
                                     .size_bytes = -1};

        effects_digest(effects, event, &config);
    }
}

static void close_job(struct effects *effects, const struct mu_scan_result *s, const char *job_id)
{
    const char *state = s->outcome == MU_SCAN_NOT_SCANNABLE ? "not_scannable" : "complete";

    WRITE_SET_ADD(effects->set, WRITE_JOBS_CLOSED, job_id, s->repository, s->digest, state,
                  effects_time(effects, s->finished_at_us));
    WRITE_SET_ADD(effects->set, WRITE_FAILURES_CLOSED, job_id,
                  effects_time(effects, s->finished_at_us));
}

static void fail_job(struct effects *effects, const struct mu_scan_result *s, const char *job_id,
                     const struct mu_scan_failure *failure)
{
    WRITE_SET_ADD(effects->set, WRITE_JOBS_FAILED, job_id, s->request_id, failure->code,
                  failure->message, failure->retryable ? "false" : "true");
}

void effects_scan_result(struct effects *effects, const struct event *event,
                         const struct mu_scan_failure *failure)
{
    const struct mu_scan_result *s = event->message;
    const struct mu_scan_child *children = s->children.items;
    char job_id[MU_UUID_TEXT_SIZE];

    if (s->outcome == MU_SCAN_FAILED)
        failure = &s->failure;
    identity_job(s->repository, s->digest, job_id);
    observe_scan(effects, event, s, failure);
    observe_digest(effects, event, s);
    if (s->outcome == MU_SCAN_COMPLETE || s->outcome == MU_SCAN_RESOLVED)
        observe_registry(effects, event, s, "pulled");
    else if (failure && mu_text_equal(failure->code, "manifest_missing"))
        observe_registry(effects, event, s, "missing");
    for (size_t i = 0; i < s->children.count; i++)
        observe_child(effects, event, s, &children[i]);
    if (failure != NULL)
        fail_job(effects, s, job_id, failure);
    else
        close_job(effects, s, job_id);
}

/* What a pod or task, as last seen, teaches. */
#include "apply/effects.h"

#include "identity/identity.h"

static const char *const container_kinds[] = {[MU_CONTAINER_NONE] = "regular",
                                              [MU_CONTAINER_REGULAR] = "regular",
                                              [MU_CONTAINER_INIT] = "init",
                                              [MU_CONTAINER_SIDECAR] = "sidecar",
                                              [MU_CONTAINER_EPHEMERAL] = "ephemeral"};

enum { RUN_IMAGE_WORDS = 5 }; /* image, image_id, repository, tag, digest */

static void observe_pod(struct effects *effects, const struct event *event,
                        const struct mu_workload_event *w)
{
    const char *parts[] = {w->cluster,
                           w->pod_uid,
                           w->namespace_name,
                           w->pod,
                           effects_text(w->owner_kind),
                           effects_text(w->owner_name),
                           effects_text(w->node),
                           effects_text(w->platform)};
    char fact_id[MU_UUID_TEXT_SIZE];

    mu_stable_id("muster.pod-fact", parts, 8, fact_id);
    WRITE_SET_ADD(effects->set, WRITE_POD_FACTS, w->pod_uid, w->cluster, fact_id, parts[2],
                  parts[3], parts[4], parts[5], parts[6], parts[7], event->event_id);
}

/* The runtime's id of the run; else its start; else one run for all that is said. */
static const char *run_key(struct effects *effects, const struct mu_workload_container *c)
{
    if (effects_text(c->container_id) != NULL)
        return c->container_id;
    if (c->started_at_us == MU_TIME_NONE)
        return "unknown";
    return effects_time(effects, c->started_at_us);
}

/* What was said of the image, once for all runs of which it is said. True: it was not before. */
static bool observe_run_image(struct effects *effects, const struct event *event,
                              const char *const words[RUN_IMAGE_WORDS],
                              char ret_image_fact_id[MU_UUID_TEXT_SIZE])
{
    mu_stable_id("muster.run-image-fact", words, RUN_IMAGE_WORDS, ret_image_fact_id);
    return write_set_add(effects->set, WRITE_RUN_IMAGE_FACTS,
                         (const char *const[]){ret_image_fact_id, words[0], words[1], words[2],
                                               words[3], words[4], event->event_id});
}

/* True: its image was not told of before in these words. */
static bool observe_run(struct effects *effects, const struct event *event,
                        const struct mu_workload_container *c, const char *instance_id,
                        char ret_image_fact_id[MU_UUID_TEXT_SIZE])
{
    int64_t told_at = effects_happened(effects, event, event->occurred_at_us);
    int64_t started_at = effects_happened(effects, event, c->started_at_us);
    int64_t seen_at = started_at != MU_TIME_NONE ? MU_TIME_NONE : told_at;
    int64_t finished_at = effects_happened(effects, event, c->finished_at_us);
    char fact_id[MU_UUID_TEXT_SIZE];

    if (c->state == MU_CONTAINER_TERMINATED && finished_at == MU_TIME_NONE)
        finished_at = told_at;
    if (c->state == MU_CONTAINER_RUNNING)
        finished_at = MU_TIME_NONE;
    {
        const char *row[] = {instance_id,
                             run_key(effects, c),
                             c->image,
                             effects_text(c->image_id),
                             effects_text(c->repository),
                             effects_text(c->tag),
                             effects_text(c->digest),
                             effects_time(effects, started_at),
                             effects_time(effects, finished_at),
                             effects_time(effects, seen_at)};

        bool is_new = observe_run_image(effects, event, row + 2, ret_image_fact_id);

        mu_stable_id("muster.run-fact", row, 10, fact_id);
        WRITE_SET_ADD(effects->set, WRITE_RUN_FACTS, instance_id, fact_id, row[1],
                      ret_image_fact_id, row[7], row[8], row[9], event->event_id);
        return is_new;
    }
}

static bool is_asset(const struct mu_workload_container *c)
{
    return effects_text(c->repository) != NULL &&
           (effects_text(c->tag) != NULL || effects_text(c->digest) != NULL);
}

/* An image that runs is something to scan when nothing has scanned it. */
static void wish_scan(struct effects *effects, const struct event *event,
                      const struct mu_workload_container *c)
{
    const struct job_wish wish = {.repository = c->repository,
                                  .digest = c->digest,
                                  .priority = MU_SCAN_URGENT,
                                  .reason = "running_unscanned",
                                  .grace_ms = effects->untagged_grace_ms};

    if (effects_text(c->digest) != NULL)
        effects_job(effects, event, &wish);
}

/* Many containers run one image: what one of them says of it was said for all, and what it wishes
 * for a while. */
static void observe_run_and_image(struct effects *effects, const struct event *event,
                                  const struct mu_workload_container *c, const char *instance_id)
{
    char image_fact_id[MU_UUID_TEXT_SIZE];
    bool is_new = observe_run(effects, event, c, instance_id, image_fact_id);

    if (!is_asset(c))
        return;
    if (is_new)
        effects_asset(effects, event, c->repository, c->tag, effects_text(c->digest));
    if (!write_set_said(effects->set, WRITE_JOBS_WANTED, image_fact_id, effects->moment))
        wish_scan(effects, event, c);
}

/* Told again it may be of another kind. */
static void observe_instance(struct effects *effects, const struct event *event,
                             const struct mu_workload_event *w,
                             const struct mu_workload_container *c, const char *instance_id)
{
    const char *row[] = {instance_id, container_kinds[c->kind], w->cluster, w->pod_uid,
                         c->name,     event->event_id};

    if (write_set_add(effects->set, WRITE_INSTANCES, row))
        write_set_note(effects->set, WRITE_INSTANCE_KINDS, row);
    else
        WRITE_SET_ADD(effects->set, WRITE_INSTANCE_KINDS, row[0], row[1]);
}

static void observe_container(struct effects *effects, const struct event *event,
                              const struct mu_workload_event *w,
                              const struct mu_workload_container *c)
{
    char instance_id[MU_UUID_TEXT_SIZE];

    identity_instance(w->cluster, w->pod_uid, c->name, instance_id);
    observe_instance(effects, event, w, c, instance_id);
    if (c->state != MU_CONTAINER_WAITING && c->state != MU_CONTAINER_STATE_NONE)
        observe_run_and_image(effects, event, c, instance_id);
}

/* Of what is declared and does not run yet. */
static void observe_declared(struct effects *effects, const struct event *event,
                             const struct mu_workload_container *c)
{
    if (!is_asset(c))
        return;
    effects_asset(effects, event, c->repository, c->tag, effects_text(c->digest));
    wish_scan(effects, event, c);
}

void effects_workload(struct effects *effects, const struct event *event)
{
    const struct mu_workload_event *w = event->message;
    const struct mu_workload_container *containers = w->containers.items;

    if (w->action == MU_WORKLOAD_DECLARED) {
        for (size_t i = 0; i < w->containers.count; i++)
            observe_declared(effects, event, &containers[i]);
        return;
    }
    observe_pod(effects, event, w);
    for (size_t i = 0; i < w->containers.count; i++)
        observe_container(effects, event, w, &containers[i]);
    if (w->action == MU_WORKLOAD_REMOVED)
        WRITE_SET_ADD(effects->set, WRITE_POD_REMOVALS, event->event_id, w->cluster, w->pod_uid,
                      effects_time(effects, effects_happened(effects, event, w->occurred_at_us)));
}

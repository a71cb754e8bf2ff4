#include "watch/kube_watch.h"

#include "delivery/outbound.h"
#include "health/health.h"
#include "metrics/metrics.h"
#include "source/source.h"
#include "watch/known_pods.h"
#include "watch/kube_access.h"
#include "watch/kube_names.h"
#include "watch/kube_reflect.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_MAX_BYTES = SOURCE_MAX_BODY_BYTES,
    ARENA_MAX_BYTES = 64 * 1024 * 1024,
    MAX_UNDER_WAY = 1000, /* lines sent and not yet durable */
    MAX_LEAVING = 1000,   /* pods gone and not yet forgotten */
    SAVE_MS = 5000,
    NAMES_WAIT_MS = 30000
};

struct kube_watch {
    struct kube_watch_config config;
    struct kube_reflect *reflect;
    struct kube_names *names;
    struct known_pods *known; /* for what a list no longer has */
    json_t *listed;           /* uids of the list that runs */
    bool file_failed;         /* a file could not be written; logged once */
    struct mu_arena *arena;   /* of one line */
    char *position_path;      /* NULL: nothing is kept */
    char *url;                /* of the API: the position is of that one */
    char saved_version[KUBE_VERSION_SIZE];
    uint64_t saved_at_ms;

    /* deliveries under way */
    pthread_mutex_t lock;
    pthread_cond_t settled;
    size_t under_way;
    bool lost; /* one was not made durable: the position may not move */
};

/* ---- durability ---- */

static void on_durable(void *opaque, enum mu_status status)
{
    struct kube_watch *watch = opaque;

    (void)pthread_mutex_lock(&watch->lock);
    watch->under_way--;
    watch->lost |= status != MU_OK;
    (void)pthread_cond_signal(&watch->settled);
    (void)pthread_mutex_unlock(&watch->lock);
}

/* Waits until at most `most` are under way; false when one was lost. */
static bool wait_settled(struct kube_watch *watch, size_t most)
{
    bool lost;

    (void)pthread_mutex_lock(&watch->lock);
    while (watch->under_way > most)
        (void)pthread_cond_wait(&watch->settled, &watch->lock);
    lost = watch->lost;
    (void)pthread_mutex_unlock(&watch->lock);
    return !lost;
}

/* The files are a help: without them the watch goes on. */
static void note_file(struct kube_watch *watch, enum mu_status st, const struct mu_error *err)
{
    if (st != MU_OK && !watch->file_failed)
        MU_LOG(MU_LOG_ERROR,
               "the state of a watch cannot be written: a pod that goes while ingest is down "
               "may stay open",
               MU_KV("source", watch->config.source->name), MU_KV("error", err->message));
    watch->file_failed = st != MU_OK;
}

/*
 * Waits for everything sent. When something was lost, the pods that left are missing again for the
 * next list, which the failure makes the next thing to do.
 */
static enum mu_status settle(struct kube_watch *watch, struct mu_error *err)
{
    struct mu_error file_err;
    bool durable = wait_settled(watch, 0);
    enum mu_status st = known_pods_settle(watch->known, durable, &file_err);

    note_file(watch, st, &file_err);
    (void)pthread_mutex_lock(&watch->lock);
    watch->lost = false;
    (void)pthread_mutex_unlock(&watch->lock);
    return durable ? MU_OK : mu_fail(err, MU_E_UNAVAILABLE, "events could not be made durable");
}

/* ---- position ---- */

/* Keeps what is durable: first the pods it knows of, then the position. */
static enum mu_status save(struct kube_watch *watch, const struct kube_position *position,
                           struct mu_error *err)
{
    struct mu_error file_err;
    enum mu_status st = settle(watch, err);

    if (st != MU_OK || !watch->position_path || !position->version[0] ||
        mu_text_equal(watch->saved_version, position->version))
        return st;
    st = known_pods_sync(watch->known, &file_err);
    if (st == MU_OK)
        st = kube_position_write(watch->position_path, watch->config.source->cluster, watch->url,
                                 position, &file_err);
    note_file(watch, st, &file_err);
    watch->saved_at_ms = mu_monotonic_ms();
    if (st == MU_OK)
        (void)snprintf(watch->saved_version, sizeof(watch->saved_version), "%s", position->version);
    return MU_OK;
}

/* The position in memory may run ahead of what is durable: when something was lost it is forgotten.
 * The one on disk may not. */
static enum mu_status on_moved(void *opaque, const struct kube_position *position,
                               struct mu_error *err)
{
    struct kube_watch *watch = opaque;
    int64_t save_ms = watch->config.save_ms ? watch->config.save_ms : SAVE_MS;

    if (!wait_settled(watch, MAX_UNDER_WAY))
        return mu_fail(err, MU_E_UNAVAILABLE, "events could not be made durable");
    source_health_heard(watch->config.source->health, mu_now_us(), 0, MU_TIME_NONE);
    return (int64_t)(mu_monotonic_ms() - watch->saved_at_ms) >= save_ms ? save(watch, position, err)
                                                                        : MU_OK;
}

static enum mu_status on_ended(void *opaque, const struct kube_position *position,
                               const struct mu_error *failure, struct mu_error *err)
{
    const struct kube_watch *watch = opaque;

    if (failure && !mu_stop_requested())
        source_health_failed(watch->config.source->health, mu_now_us(), failure->message);
    return save(opaque, position, err);
}

/* ---- events ---- */

/* Makes messages of one watch line and sends them. */
static enum mu_status send_line(struct kube_watch *watch, const char *line, size_t len,
                                struct mu_error *err)
{
    struct source_input input = {.source = watch->config.source,
                                 .body = line,
                                 .len = len,
                                 .received_at_us = mu_now_us(),
                                 .arena = watch->arena};
    struct source_events events = {.arena = watch->arena};
    struct mu_outgoing *messages = NULL;
    enum mu_status st = source_decode(&input, &events, err);

    if (st == MU_OK)
        st = outbound_make(&input, &events, NULL, &messages, err);
    if (st == MU_OK && events.count > 0) {
        (void)pthread_mutex_lock(&watch->lock);
        watch->under_way++;
        (void)pthread_mutex_unlock(&watch->lock);
        delivery_send(watch->config.delivery, messages, events.count, on_durable, watch);
        (void)wait_settled(watch, MAX_UNDER_WAY);
    }
    mu_arena_reset(watch->arena);
    return st;
}

/* With what the pod does not say itself. */
static enum mu_status send_event(struct kube_watch *watch, json_t *event, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf line;
    enum mu_status st;

    mu_buf_init(&line, LINE_MAX_BYTES);
    kube_names_add(watch->names, event);
    st = mu_json_print(event, &line, err);
    if (st == MU_OK)
        return send_line(watch, line.data, line.len, err);
    if (st != MU_E_LIMIT)
        return st;
    MU_LOG(MU_LOG_ERROR, "a pod is too large and is left out",
           MU_KV("source", watch->config.source->name),
           MU_KV("uid", mu_json_text_at(event, "object.metadata.uid")),
           MU_KV("error", err->message)); /* no other pod waits for this one */
    return MU_OK;
}

static enum mu_status send_object(struct kube_watch *watch, const char *type, json_t *object,
                                  struct mu_error *err)
{
    json_auto_t *event = json_pack("{s:s, s:O}", "type", type, "object", object);

    return event ? send_event(watch, event, err) : mu_fail(err, MU_E_NOMEM, "out of memory");
}

static enum mu_status remember(struct kube_watch *watch, const char *type, const json_t *object,
                               struct mu_error *err)
{
    const char *uid = mu_json_text_at(object, "metadata.uid");
    struct mu_error file_err;

    if (!uid)
        return MU_OK;
    if (!mu_text_equal(type, "DELETED")) {
        note_file(watch, known_pods_see(watch->known, object, &file_err), &file_err);
        return MU_OK;
    }
    known_pods_leave(watch->known, uid);
    return known_pods_leaving(watch->known) > MAX_LEAVING ? settle(watch, err) : MU_OK;
}

/* What is no JSON goes to quarantine like everything that is not understood. */
static enum mu_status on_event(void *opaque, json_t *event, const char *line, size_t len,
                               struct mu_error *err)
{
    struct kube_watch *watch = opaque;
    json_t *object = json_object_get(event, "object");
    enum mu_status st;

    if (!json_is_object(object))
        return send_line(watch, line, len, err);
    st = send_event(watch, event, err);
    return st == MU_OK ? remember(watch, mu_json_text_at(event, "type"), object, err) : st;
}

/* ---- list ---- */

static void on_listing(void *opaque)
{
    struct kube_watch *watch = opaque;

    mu_metric_add(&metric_watch_relists, 1);
    (void)json_object_clear(watch->listed);
}

static enum mu_status on_item(void *opaque, json_t *pod, struct mu_error *err)
{
    struct kube_watch *watch = opaque;
    const char *uid = mu_json_text_at(pod, "metadata.uid");
    enum mu_status st;

    (void)json_object_set_new(pod, "kind", json_string("Pod")); /* items of a list leave it out */
    st = send_object(watch, "ADDED", pod, err);
    if (st == MU_OK)
        st = remember(watch, "ADDED", pod, err);
    if (st == MU_OK && uid)
        (void)json_object_set_new(watch->listed, uid, json_true());
    return st;
}

struct missing {
    struct kube_watch *watch;
    const char *version; /* of the list that has it no more */
};

/* A pod that was known and that the list does not have any more. */
static enum mu_status send_missing(void *opaque, const char *uid, json_t *pod, struct mu_error *err)
{
    const struct missing *missing = opaque;
    json_auto_t *object = json_deep_copy(pod);
    enum mu_status st;

    (void)json_object_set_new(json_object_get(object, "metadata"), "resourceVersion",
                              json_string(missing->version));
    st = send_object(missing->watch, "ABSENT", object, err);
    if (st != MU_OK)
        return st;
    known_pods_leave(missing->watch->known, uid);
    mu_metric_add(&metric_watch_vanished, 1);
    return MU_OK;
}

static enum mu_status on_listed(void *opaque, const char *version, struct mu_error *err)
{
    struct kube_watch *watch = opaque;
    struct missing missing = {watch, version};
    struct mu_error file_err;
    enum mu_status st =
            known_pods_each_missing(watch->known, watch->listed, send_missing, &missing, err);

    (void)json_object_clear(watch->listed);
    if (st == MU_OK)
        st = settle(watch, err);
    if (st == MU_OK)
        note_file(watch, known_pods_compact(watch->known, &file_err), &file_err);
    return st;
}

/* ---- life ---- */

/* Pods are told with their platform and owner from the first. */
static void on_began(void *opaque)
{
    const struct kube_watch *watch = opaque;

    kube_names_wait(watch->names, NAMES_WAIT_MS);
}

static const struct kube_resource pods = {.name = "pods", .path = "/api/v1/pods"};
static const struct kube_handler handler = {.began = on_began,
                                            .listing = on_listing,
                                            .item = on_item,
                                            .listed = on_listed,
                                            .event = on_event,
                                            .moved = on_moved,
                                            .ended = on_ended};

/* What an earlier process left. A position is worth nothing without the pods it knew. */
static enum mu_status open_state(struct kube_watch *watch, struct kube_position *position,
                                 struct mu_error *err)
{
    MU_AUTO_FREE char *known_path =
            known_pods_path(watch->config.state_folder, watch->config.source->name);
    bool knew = false;
    struct mu_error none;
    enum mu_status st = known_pods_open(known_path, &watch->known, &knew, err);

    watch->position_path =
            kube_position_path(watch->config.state_folder, watch->config.source->name);
    if (st != MU_OK || !knew || !watch->position_path)
        return st;
    if (kube_position_read(watch->position_path, watch->config.source->cluster, watch->url,
                           position, &none) == MU_OK)
        MU_LOG(MU_LOG_INFO, "the watch goes on where it was",
               MU_KV("source", watch->config.source->name),
               MU_KV("resource_version", position->version));
    return MU_OK;
}

/* A mistake in the access is told at once, not retried. */
static enum mu_status check_access(struct kube_watch *watch, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_MAX_BYTES);
    struct kube_access access;
    enum mu_status st = kube_access_read(watch->config.source, arena, &access, err);

    if (st == MU_OK)
        watch->url = mu_xstrdup(access.url);
    return st;
}

static enum mu_status start_threads(struct kube_watch *watch, const struct kube_position *position,
                                    struct mu_error *err)
{
    const struct kube_watch_config *config = &watch->config;
    const struct kube_names_config names = {.source = config->source,
                                            .retry_min_ms = config->retry_min_ms,
                                            .stall_ms = config->stall_ms};
    const struct kube_reflect_config reflect = {.source = config->source,
                                                .resource = &pods,
                                                .handler = &handler,
                                                .opaque = watch,
                                                .position = *position,
                                                .retry_min_ms = config->retry_min_ms,
                                                .stall_ms = config->stall_ms,
                                                .relist_ms = config->relist_ms};
    enum mu_status st = kube_names_start(&names, &watch->names, err);

    return st == MU_OK ? kube_reflect_start(&reflect, &watch->reflect, err) : st;
}

enum mu_status kube_watch_start(const struct kube_watch_config *config,
                                struct kube_watch **ret_watch, struct mu_error *err)
{
    struct kube_watch *watch = mu_xcalloc(1, sizeof(*watch));
    struct kube_position position = {0};
    enum mu_status st;

    watch->config = *config;
    watch->arena = mu_arena_new(ARENA_MAX_BYTES);
    watch->listed = json_object();
    (void)pthread_mutex_init(&watch->lock, NULL);
    (void)pthread_cond_init(&watch->settled, NULL);
    st = check_access(watch, err);
    if (st == MU_OK)
        st = open_state(watch, &position, err);
    if (st == MU_OK)
        st = start_threads(watch, &position, err);
    if (st != MU_OK) {
        kube_watch_stop(watch);
        return mu_wrap(err, "source '%s'", config->source->name);
    }
    *ret_watch = watch;
    return MU_OK;
}

void kube_watch_stop(struct kube_watch *watch)
{
    if (!watch)
        return;
    kube_reflect_cancel(watch->reflect);
    if (watch->names)
        kube_names_cancel(watch->names); /* the thread of the pods may wait for it */
    kube_reflect_stop(watch->reflect);
    kube_names_stop(watch->names);
    known_pods_close(watch->known);
    mu_arena_free(watch->arena);
    json_decref(watch->listed);
    (void)pthread_cond_destroy(&watch->settled);
    (void)pthread_mutex_destroy(&watch->lock);
    free(watch->position_path);
    free(watch->url);
    free(watch);
}

#include "watch/kube_names.h"

#include "watch/kube_client.h"
#include "watch/kube_reflect.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ANSWER_MAX_BYTES = 4 * 1024 * 1024,
    PATH_MAX_BYTES = 8 * 1024,
    ASK_DEADLINE_MS = 5000,
    KNOWN_MAX = 1000000 /* of one resource: beyond, the rest is asked for by name */
};

/* ---- what is watched ---- */

/* The value kept of an object, and the key it is found by. New reference; NULL: nothing to keep. */
typedef json_t *value_fn(const json_t *object);

struct row {
    struct kube_resource resource;
    const char *owner_kind; /* of a pod's controller that is one of these; NULL: nodes */
    const char *key_path;
    value_fn *value;
    const char *missing; /* what pods lack without it */
};

static json_t *platform_of(const json_t *node)
{
    const char *os = mu_json_text_at(node, "status.nodeInfo.operatingSystem");
    const char *architecture = mu_json_text_at(node, "status.nodeInfo.architecture");

    if (!os || !*os || !architecture || !*architecture)
        return NULL;
    return json_sprintf("%.60s/%.60s", os, architecture);
}

/* {"kind", "name"} of the controller; true: it has none. */
static json_t *controller_of(const json_t *object)
{
    const json_t *owner;
    size_t index;

    json_array_foreach (mu_json_at(object, "metadata.ownerReferences"), index, owner) {
        const char *kind = mu_json_text_at(owner, "kind"), *name = mu_json_text_at(owner, "name");

        if (json_is_true(json_object_get(owner, "controller")) && kind && name)
            return json_pack("{s:s, s:s}", "kind", kind, "name", name);
    }
    return json_true();
}

static const struct row rows[] = {
        {{"nodes", "/api/v1/nodes", false, true},
         NULL,
         "metadata.name",
         platform_of,
         "pods are told without their platform"},
        {{"replicasets", "/apis/apps/v1/replicasets", true, true},
         "ReplicaSet",
         "metadata.uid",
         controller_of,
         "Deployments are guessed from the names of ReplicaSets"},
        {{"jobs", "/apis/batch/v1/jobs", true, true},
         "Job",
         "metadata.uid",
         controller_of,
         "pods of CronJobs are told as those of their Jobs"},
};
enum { NODES, ROWS = sizeof(rows) / sizeof(rows[0]) };

struct known {
    struct kube_names *names;
    const struct row *row;
    struct kube_reflect *reflect;
    json_t *values;  /* by key */
    json_t *listing; /* of the list that runs; NULL: none */
    bool tried;      /* listed, or failed once */
    bool refused;    /* no right to it: nothing is asked */
};

struct kube_names {
    struct kube_names_config config;
    struct known known[ROWS];
    atomic_bool cancelled;
    pthread_mutex_t lock; /* of everything in `known` but `reflect` */
    pthread_cond_t tried;
};

/* ---- what the watches say ---- */

static void keep(json_t *values, const struct row *row, const json_t *object)
{
    const char *key = mu_json_text_at(object, row->key_path);

    if (key && *key && json_object_size(values) < KNOWN_MAX)
        (void)json_object_set_new(values, key, row->value(object));
}

static void on_listing(void *opaque)
{
    struct known *known = opaque;

    (void)pthread_mutex_lock(&known->names->lock);
    json_decref(known->listing);
    known->listing = json_object();
    (void)pthread_mutex_unlock(&known->names->lock);
}

static enum mu_status on_item(void *opaque, json_t *item, struct mu_error *err)
{
    struct known *known = opaque;

    (void)err;
    (void)pthread_mutex_lock(&known->names->lock);
    keep(known->listing, known->row, item);
    (void)pthread_mutex_unlock(&known->names->lock);
    return MU_OK;
}

static void set_tried(struct known *known, bool refused)
{
    (void)pthread_mutex_lock(&known->names->lock);
    known->tried = true;
    known->refused = refused;
    (void)pthread_cond_broadcast(&known->names->tried);
    (void)pthread_mutex_unlock(&known->names->lock);
}

static enum mu_status on_listed(void *opaque, const char *version, struct mu_error *err)
{
    struct known *known = opaque;

    (void)version, (void)err;
    (void)pthread_mutex_lock(&known->names->lock);
    json_decref(known->values);
    known->values = known->listing;
    known->listing = NULL;
    (void)pthread_mutex_unlock(&known->names->lock);
    return MU_OK;
}

static enum mu_status on_event(void *opaque, json_t *event, const char *line, size_t len,
                               struct mu_error *err)
{
    struct known *known = opaque;
    const json_t *object = json_object_get(event, "object");
    const char *key = mu_json_text_at(object, known->row->key_path);

    (void)line, (void)len, (void)err;
    if (!key)
        return MU_OK;
    (void)pthread_mutex_lock(&known->names->lock);
    if (mu_text_equal(mu_json_text_at(event, "type"), "DELETED"))
        (void)json_object_del(known->values, key);
    else
        keep(known->values, known->row, object);
    (void)pthread_mutex_unlock(&known->names->lock);
    return MU_OK;
}

static enum mu_status on_ended(void *opaque, const struct kube_position *position,
                               const struct mu_error *failure, struct mu_error *err)
{
    struct known *known = opaque;
    bool refused = failure && failure->status == MU_E_DENIED;

    (void)position, (void)err;
    if (refused && !known->refused)
        MU_LOG(MU_LOG_WARN, "no right to a resource",
               MU_KV("source", known->names->config.source->name),
               MU_KV("resource", known->row->resource.name), MU_KV("so", known->row->missing),
               MU_KV("fix", "allow the service account get, list and watch"));
    set_tried(known, refused);
    return MU_OK;
}

static const struct kube_handler handler = {.listing = on_listing,
                                            .item = on_item,
                                            .listed = on_listed,
                                            .event = on_event,
                                            .ended = on_ended};

/* ---- asking ---- */

/* A value that is known; a copy, since each thread has its own JSON. */
static json_t *known_value(struct known *known, const char *key, bool *ret_refused)
{
    json_t *value;

    (void)pthread_mutex_lock(&known->names->lock);
    value = json_deep_copy(json_object_get(known->values, key));
    *ret_refused = known->refused;
    (void)pthread_mutex_unlock(&known->names->lock);
    return value;
}

/* GET by name: a pod may be told before what it names. */
static json_t *ask(struct known *known, const char *key, const char *path)
{
    const struct kube_resource *resource = &known->row->resource;
    const struct kube_client_config config = {.source = known->names->config.source,
                                              .deadline_ms = ASK_DEADLINE_MS,
                                              .cancel = &known->names->cancelled};
    MU_AUTO(kube_client) struct kube_client *client = NULL;
    json_auto_t *object = NULL;
    struct kube_answer answer;
    struct mu_error err;
    json_t *value = NULL;
    enum mu_status st = kube_client_open(&config, &client, &err);

    if (st == MU_OK)
        st = kube_get(client, path, resource->metadata_only ? kube_accept_metadata : NULL,
                      ANSWER_MAX_BYTES, &object, &answer, &err);
    if (st != MU_OK) {
        MU_LOG(MU_LOG_DEBUG, "not found by name",
               MU_KV("source", known->names->config.source->name), MU_KV("path", path),
               MU_KV("error", err.message));
        return NULL;
    }
    if (!mu_text_equal(mu_json_text_at(object, known->row->key_path), key))
        return NULL; /* another one of that name */
    (void)pthread_mutex_lock(&known->names->lock);
    if (!json_object_get(known->values, key)) /* what the watch said meanwhile is newer */
        keep(known->values, known->row, object);
    value = json_deep_copy(json_object_get(known->values, key));
    (void)pthread_mutex_unlock(&known->names->lock);
    return value;
}

static json_t *ask_by_name(struct known *known, const char *key, const char *name_space,
                           const char *name)
{
    const char *path = known->row->resource.path, *last = strrchr(path, '/');
    MU_AUTO_DONE(mu_buf_done) struct mu_buf url;

    mu_buf_init(&url, PATH_MAX_BYTES);
    mu_buf_append(&url, path, (size_t)(last - path));
    if (name_space) {
        mu_buf_puts(&url, "/namespaces/");
        mu_text_percent(name_space, "", &url);
    }
    mu_buf_printf(&url, "%s/", last);
    mu_text_percent(name, "", &url);
    return url.failed ? NULL : ask(known, key, url.data);
}

/* `name_space` NULL: not in one. A copy; NULL: not known. */
static json_t *find(struct known *known, const char *key, const char *name_space, const char *name)
{
    bool refused = false;
    json_t *value = known_value(known, key, &refused);

    if (value || refused || atomic_load(&known->names->cancelled))
        return value;
    return ask_by_name(known, key, name_space, name);
}

static const json_t *controlling_reference(const json_t *pod)
{
    const json_t *owner;
    size_t index;

    json_array_foreach (mu_json_at(pod, "metadata.ownerReferences"), index, owner)
        if (json_is_true(json_object_get(owner, "controller")))
            return owner;
    return NULL;
}

static json_t *find_owner(struct kube_names *names, const json_t *pod)
{
    const json_t *owner = controlling_reference(pod);
    const char *kind = mu_json_text_at(owner, "kind"), *uid = mu_json_text_at(owner, "uid");
    const char *name = mu_json_text_at(owner, "name");
    const char *name_space = mu_json_text_at(pod, "metadata.namespace");

    for (size_t i = 0; kind && uid && *uid && name && name_space && i < ROWS; i++)
        if (mu_text_equal(rows[i].owner_kind, kind))
            return find(&names->known[i], uid, name_space, name);
    return NULL;
}

void kube_names_add(struct kube_names *names, json_t *event)
{
    const json_t *pod = json_object_get(event, "object");
    const char *node = mu_json_text_at(pod, "spec.nodeName");
    json_auto_t *platform = node && *node ? find(&names->known[NODES], node, NULL, node) : NULL;
    json_auto_t *owner = find_owner(names, pod);
    json_t *context = json_object();

    if (json_is_string(platform))
        (void)json_object_set(context, "platform", platform);
    if (json_is_object(owner))
        (void)json_object_set(context, "owner", owner);
    else if (json_is_true(owner)) /* it is the top itself */
        (void)json_object_set_new(context, "owner",
                                  json_pack("{s:s?, s:s?}", "kind",
                                            mu_json_text_at(controlling_reference(pod), "kind"),
                                            "name",
                                            mu_json_text_at(controlling_reference(pod), "name")));
    (void)json_object_set_new(event, "context", context);
}

/* ---- life ---- */

static bool all_tried(const struct kube_names *names)
{
    for (size_t i = 0; i < ROWS; i++)
        if (!names->known[i].tried)
            return false;
    return true;
}

void kube_names_wait(struct kube_names *names, int64_t timeout_ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    (void)pthread_mutex_lock(&names->lock);
    while (!all_tried(names) && !atomic_load(&names->cancelled) &&
           pthread_cond_timedwait(&names->tried, &names->lock, &until) != ETIMEDOUT)
        continue;
    (void)pthread_mutex_unlock(&names->lock);
}

void kube_names_cancel(struct kube_names *names)
{
    (void)pthread_mutex_lock(&names->lock);
    atomic_store(&names->cancelled, true);
    (void)pthread_cond_broadcast(&names->tried);
    (void)pthread_mutex_unlock(&names->lock);
    for (size_t i = 0; i < ROWS; i++)
        kube_reflect_cancel(names->known[i].reflect);
}

static enum mu_status start_rows(struct kube_names *names, struct mu_error *err)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct known *known = &names->known[i];
        const struct kube_reflect_config config = {.source = names->config.source,
                                                   .resource = &rows[i].resource,
                                                   .handler = &handler,
                                                   .opaque = known,
                                                   .retry_min_ms = names->config.retry_min_ms,
                                                   .stall_ms = names->config.stall_ms};

        *known = (struct known){.names = names, .row = &rows[i], .values = json_object()};
        if (kube_reflect_start(&config, &known->reflect, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

enum mu_status kube_names_start(const struct kube_names_config *config,
                                struct kube_names **ret_names, struct mu_error *err)
{
    struct kube_names *names = mu_xcalloc(1, sizeof(*names));
    pthread_condattr_t monotonic;

    names->config = *config;
    (void)pthread_mutex_init(&names->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&names->tried, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (start_rows(names, err) != MU_OK) {
        kube_names_stop(names);
        return err->status;
    }
    *ret_names = names;
    return MU_OK;
}

void kube_names_stop(struct kube_names *names)
{
    if (!names)
        return;
    kube_names_cancel(names);
    for (size_t i = 0; i < ROWS; i++)
        kube_reflect_stop(names->known[i].reflect);
    for (size_t i = 0; i < ROWS; i++) {
        json_decref(names->known[i].values);
        json_decref(names->known[i].listing);
    }
    (void)pthread_cond_destroy(&names->tried);
    (void)pthread_mutex_destroy(&names->lock);
    free(names);
}

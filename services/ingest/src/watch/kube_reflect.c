#include "watch/kube_reflect.h"

#include "watch/kube_client.h"
#include "watch/line_splitter.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LINE_MAX_BYTES = 4 * 1024 * 1024,
    PAGE_MAX_BYTES = 256 * 1024 * 1024,
    PATH_MAX_BYTES = 32 * 1024,
    TOKEN_MAX_BYTES = 16 * 1024,
    PAGE_LIMIT_MAX = 10000,
    REFUSALS_MAX = 3, /* of one position */
    CALM_MS = 5000,   /* a watch that lasted so long was no failure */
    BACKOFF_MIN_MS = 500,
    BACKOFF_MAX_TIMES = 20,
    RETRY_AFTER_MAX_MS = 60 * 1000,
    DENIED_WAIT_TIMES = 600, /* of the shortest wait: five minutes */
    RELIST_MS = 60 * 60 * 1000,
    WATCH_TIMEOUT_S = 300, /* the server ends the watch then, or up to a fifth later */
    WATCH_STALL_MS = (WATCH_TIMEOUT_S + WATCH_TIMEOUT_S / 5 + 60) * 1000,
    HTTP_GONE = 410
};

#define AS_METADATA(kind) "application/json;as=" kind ";g=meta.k8s.io;v=v1"
const char kube_accept_metadata[] = AS_METADATA("PartialObjectMetadata");
static const char accept_metadata_list[] = AS_METADATA("PartialObjectMetadataList");

struct kube_reflect {
    struct kube_reflect_config config;
    struct kube_position position;
    int64_t page_limit;
    int timeout_s;     /* of each watch */
    bool plain;        /* without bookmarks: the server refused a watch with them */
    unsigned refusals; /* watches in a row that the server refused */
    bool progress;     /* of the watch that runs */
    struct kube_answer answer;
    char last_failure[MU_ERROR_MESSAGE_MAX]; /* logged once */

    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
};

static const struct kube_handler *handler_of(const struct kube_reflect *reflect)
{
    return reflect->config.handler;
}

static bool is_stopping(const struct kube_reflect *reflect)
{
    return atomic_load(&reflect->stopping) || mu_stop_requested();
}

static enum mu_status open_client(const struct kube_reflect *reflect, int64_t deadline_ms,
                                  struct kube_client **ret_client, struct mu_error *err)
{
    int64_t stall_ms = reflect->config.stall_ms;
    struct kube_client_config config = {.source = reflect->config.source,
                                        .deadline_ms = deadline_ms,
                                        .stall_ms = stall_ms,
                                        .cancel = &reflect->stopping};

    if (stall_ms == 0 && deadline_ms < 0)
        config.stall_ms = WATCH_STALL_MS;
    return kube_client_open(&config, ret_client, err);
}

/* ---- position ---- */

static enum mu_status set_position(struct kube_reflect *reflect, const char *version,
                                   struct mu_error *err)
{
    if (strlen(version) >= sizeof(reflect->position.version))
        return mu_fail(err, MU_E_INVALID, "a resourceVersion is too long");
    (void)snprintf(reflect->position.version, sizeof(reflect->position.version), "%s", version);
    return handler_of(reflect)->moved
                   ? handler_of(reflect)->moved(reflect->config.opaque, &reflect->position, err)
                   : MU_OK;
}

static void forget_position(struct kube_reflect *reflect)
{
    reflect->position.version[0] = '\0';
    reflect->refusals = 0;
}

/* ---- list ---- */

struct list {
    struct kube_reflect *reflect;
    struct kube_client *client;
    char token[TOKEN_MAX_BYTES];
    char version[KUBE_VERSION_SIZE]; /* of the first page: all are of that moment */
};

static enum mu_status take_text(const json_t *page, const char *path, char *ret_text, size_t size,
                                struct mu_error *err)
{
    const char *found = mu_json_text_at(page, path);

    if (found && strlen(found) >= size)
        return mu_fail(err, MU_E_LIMIT, "%s is too long", path);
    (void)snprintf(ret_text, size, "%s", found ? found : "");
    return MU_OK;
}

static enum mu_status fetch_page(struct list *list, json_t **ret_page, struct mu_error *err)
{
    struct kube_reflect *reflect = list->reflect;
    const struct kube_resource *resource = reflect->config.resource;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf path;

    mu_buf_init(&path, PATH_MAX_BYTES + 3 * TOKEN_MAX_BYTES);
    mu_buf_printf(&path, "%s?limit=%lld", resource->path, (long long)reflect->page_limit);
    if (list->token[0]) {
        mu_buf_puts(&path, "&continue=");
        mu_text_percent(list->token, "", &path);
    }
    return kube_get(list->client, path.data, resource->metadata_only ? accept_metadata_list : NULL,
                    PAGE_MAX_BYTES, ret_page, &reflect->answer, err);
}

static enum mu_status tell_items(struct kube_reflect *reflect, const json_t *page,
                                 struct mu_error *err)
{
    const json_t *items = json_object_get(page, "items");
    json_t *item;
    size_t index;

    if (items && !json_is_array(items) && !json_is_null(items))
        return mu_fail(err, MU_E_INVALID, "items: is no list");
    json_array_foreach (items, index, item) {
        enum mu_status st = json_is_object(item)
                                    ? handler_of(reflect)->item(reflect->config.opaque, item, err)
                                    : mu_fail(err, MU_E_INVALID, "items: one is no object");

        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

/* One page; MU_END: it was the last. */
static enum mu_status take_page(struct list *list, struct mu_error *err)
{
    json_auto_t *page = NULL;
    enum mu_status st = fetch_page(list, &page, err);

    if (st == MU_OK && !list->version[0])
        st = take_text(page, "metadata.resourceVersion", list->version, sizeof(list->version), err);
    if (st == MU_OK && !list->version[0])
        st = mu_fail(err, MU_E_INVALID, "the list has no metadata.resourceVersion");
    if (st == MU_OK)
        st = take_text(page, "metadata.continue", list->token, sizeof(list->token), err);
    if (st == MU_OK)
        st = tell_items(list->reflect, page, err);
    return st == MU_OK && !list->token[0] ? MU_END : st;
}

/* All pages of one moment; MU_E_CONFLICT when a token expired on the way. */
static enum mu_status take_pages(struct list *list, struct mu_error *err)
{
    struct kube_reflect *reflect = list->reflect;
    enum mu_status st;

    list->token[0] = list->version[0] = '\0';
    if (handler_of(reflect)->listing)
        handler_of(reflect)->listing(reflect->config.opaque);
    do
        st = take_page(list, err);
    while (st == MU_OK && !is_stopping(reflect));
    if (st == MU_OK)
        return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    if (reflect->answer.status == HTTP_GONE && list->token[0]) {
        MU_LOG(MU_LOG_INFO, "a page came too late, listing from the beginning",
               MU_KV("source", reflect->config.source->name),
               MU_KV("resource", reflect->config.resource->name),
               MU_KV_INT("page_limit", reflect->page_limit));
        return mu_fail(err, MU_E_CONFLICT, "pages expire faster than they can be read");
    }
    return st == MU_END ? MU_OK : st;
}

static enum mu_status list_all(struct kube_reflect *reflect, struct mu_error *err)
{
    MU_AUTO(kube_client) struct kube_client *client = NULL;
    MU_AUTO_FREE struct list *list = mu_xcalloc(1, sizeof(*list));
    int64_t began_us = mu_now_us();
    enum mu_status st = open_client(reflect, 0, &client, err);

    if (st != MU_OK)
        return st;
    *list = (struct list){.reflect = reflect, .client = client};
    reflect->page_limit = reflect->config.source->page_limit;
    while ((st = take_pages(list, err)) == MU_E_CONFLICT && reflect->page_limit < PAGE_LIMIT_MAX)
        reflect->page_limit = 2 * reflect->page_limit;
    if (st == MU_OK && handler_of(reflect)->listed)
        st = handler_of(reflect)->listed(reflect->config.opaque, list->version, err);
    if (st != MU_OK)
        return st;
    reflect->position.listed_at_us = began_us;
    return set_position(reflect, list->version, err);
}

/* ---- watch ---- */

/* What the server says when it will not go on. */
static enum mu_status take_error(struct kube_reflect *reflect, const json_t *status,
                                 struct mu_error *err)
{
    const char *message = mu_json_text_at(status, "message");
    json_int_t code = json_integer_value(json_object_get(status, "code"));

    reflect->answer.status = code > 0 && code < 1000 ? (int)code : 500;
    if (code == HTTP_GONE)
        return mu_fail(err, MU_E_NOT_FOUND, "410: the position is too old");
    return mu_fail(err, MU_E_UNAVAILABLE, "the watch ended with %d: %.200s", reflect->answer.status,
                   message ? message : "");
}

static enum mu_status on_line(void *opaque, const char *line, size_t len, struct mu_error *err)
{
    static const struct mu_json_limits limits = {LINE_MAX_BYTES, 64};
    struct kube_reflect *reflect = opaque;
    json_auto_t *event = NULL;
    struct mu_error ignored;
    enum mu_status st = mu_json_parse(line, len, &limits, &event, &ignored);
    const char *type = st == MU_OK ? mu_json_text_at(event, "type") : NULL;
    const json_t *object = json_object_get(event, "object");
    const char *version = mu_json_text_at(object, "metadata.resourceVersion");

    if (mu_text_equal(type, "ERROR"))
        return take_error(reflect, object, err);
    reflect->progress = true;
    st = MU_OK;
    if (!mu_text_equal(type, "BOOKMARK"))
        st = handler_of(reflect)->event(reflect->config.opaque, event, line, len, err);
    return st == MU_OK && version && *version ? set_position(reflect, version, err) : st;
}

static enum mu_status on_body(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    return line_splitter_feed(opaque, bytes, len, err);
}

static enum mu_status watch_from(struct kube_reflect *reflect, struct mu_error *err)
{
    MU_AUTO(kube_client) struct kube_client *client = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf path;
    MU_AUTO_DONE(line_splitter_done) struct line_splitter splitter;
    const struct kube_resource *resource = reflect->config.resource;
    enum mu_status st;

    line_splitter_init(&splitter, LINE_MAX_BYTES, on_line, reflect);
    mu_buf_init(&path, PATH_MAX_BYTES);
    mu_buf_printf(&path, "%s?watch=true%s&resourceVersion=", resource->path,
                  reflect->plain ? "" : "&allowWatchBookmarks=true");
    mu_text_percent(reflect->position.version, "", &path);
    mu_buf_printf(&path, "&timeoutSeconds=%d", reflect->timeout_s);
    st = open_client(reflect, -1, &client, err);
    if (st == MU_OK)
        st = kube_stream(client, path.data, resource->metadata_only ? kube_accept_metadata : NULL,
                         on_body, &splitter, &reflect->answer, err);
    return st;
}

/* ---- the loop ---- */

static bool is_refusal(const struct kube_reflect *reflect)
{
    int status = reflect->answer.status;

    return !reflect->progress && status >= 400 && status != 401 && status != 403 &&
           status != HTTP_GONE && status != 429 && status != 503;
}

/* What a watch's failure says about the position. */
static void judge_watch(struct kube_reflect *reflect, enum mu_status st)
{
    if (st == MU_OK || reflect->progress)
        reflect->refusals = 0;
    if (st == MU_OK)
        reflect->plain = false; /* a restart may have brought a server that has them */
    if (st != MU_OK && is_refusal(reflect)) {
        reflect->refusals++;
        reflect->plain = !reflect->plain; /* perhaps it was the bookmarks */
    }
    if (st == MU_E_NOT_FOUND || st == MU_E_INVALID || st == MU_E_LIMIT ||
        reflect->refusals >= REFUSALS_MAX)
        forget_position(reflect);
}

static int64_t relist_us(const struct kube_reflect *reflect)
{
    return 1000 * (reflect->config.relist_ms ? reflect->config.relist_ms : (int64_t)RELIST_MS);
}

static bool must_list(const struct kube_reflect *reflect)
{
    int64_t since_us = mu_now_us() - reflect->position.listed_at_us;

    return !reflect->position.version[0] || since_us < 0 || since_us >= relist_us(reflect);
}

/* A list that was only due and failed: until the next try, watching goes on. */
static void postpone_list(struct kube_reflect *reflect)
{
    reflect->position.listed_at_us = mu_now_us() - relist_us(reflect) + relist_us(reflect) / 10;
}

/* One list or one watch, and what the handler says at its end. */
static enum mu_status step(struct kube_reflect *reflect, bool listing, struct mu_error *err)
{
    struct mu_error end_err;
    enum mu_status st, end_st = MU_OK;

    reflect->answer = (struct kube_answer){0, -1};
    reflect->progress = false;
    st = listing ? list_all(reflect, err) : watch_from(reflect, err);
    if (st != MU_OK)
        st = mu_wrap(err, "%s %s", listing ? "list" : "watch", reflect->config.resource->name);
    if (handler_of(reflect)->ended)
        end_st = handler_of(reflect)->ended(reflect->config.opaque, &reflect->position,
                                            st == MU_OK ? NULL : err, &end_err);
    if (end_st != MU_OK && st == MU_OK) {
        *err = end_err;
        st = end_st;
    }
    if (!listing)
        judge_watch(reflect, st);
    else if (st != MU_OK)
        postpone_list(reflect);
    if (end_st != MU_OK)
        forget_position(reflect);
    return st;
}

static void log_failure(struct kube_reflect *reflect, const struct mu_error *err)
{
    bool again = strcmp(reflect->last_failure, err->message) == 0;
    enum mu_log_level level = again ? MU_LOG_DEBUG : MU_LOG_WARN;

    (void)snprintf(reflect->last_failure, sizeof(reflect->last_failure), "%s", err->message);
    if (err->status == MU_E_NOT_FOUND && !reflect->position.version[0])
        MU_LOG(MU_LOG_INFO, "listing the cluster again",
               MU_KV("source", reflect->config.source->name),
               MU_KV("resource", reflect->config.resource->name), MU_KV("reason", err->message));
    else
        MU_LOG(level, "cluster not reachable, retrying",
               MU_KV("source", reflect->config.source->name),
               MU_KV("resource", reflect->config.resource->name), MU_KV("error", err->message));
}

/* Waits, but not for what shall stop. */
static void wait_ms(struct kube_reflect *reflect, int64_t ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&reflect->lock);
    while (!is_stopping(reflect) &&
           pthread_cond_timedwait(&reflect->stopped, &reflect->lock, &until) != ETIMEDOUT)
        continue;
    (void)pthread_mutex_unlock(&reflect->lock);
}

static int64_t delay_ms(const struct kube_reflect *reflect, struct mu_backoff *backoff,
                        enum mu_status st)
{
    int64_t ms = mu_backoff_next_ms(backoff), told_ms = reflect->answer.retry_after_ms;

    if (st == MU_E_DENIED && reflect->config.resource->optional)
        ms = backoff->min_ms * DENIED_WAIT_TIMES;
    if (told_ms > RETRY_AFTER_MAX_MS)
        told_ms = RETRY_AFTER_MAX_MS;
    return ms > told_ms ? ms : told_ms;
}

static void *reflect_loop(void *opaque)
{
    struct kube_reflect *reflect = opaque;
    const int64_t min_ms =
            reflect->config.retry_min_ms ? reflect->config.retry_min_ms : BACKOFF_MIN_MS;
    struct mu_backoff backoff = {min_ms, BACKOFF_MAX_TIMES * min_ms, 0};

    if (handler_of(reflect)->began)
        handler_of(reflect)->began(reflect->config.opaque);
    while (!is_stopping(reflect)) {
        bool listing = must_list(reflect), calm;
        uint64_t began_ms = mu_monotonic_ms();
        struct mu_error err;
        enum mu_status st = step(reflect, listing, &err);

        calm = !listing && mu_monotonic_ms() - began_ms >= CALM_MS;
        if (calm || reflect->progress)
            backoff.attempt = 0;
        if (st == MU_OK)
            reflect->last_failure[0] = '\0';
        if (is_stopping(reflect) || (st == MU_OK && (listing || calm)))
            continue;
        if (st != MU_OK)
            log_failure(reflect, &err);
        wait_ms(reflect, delay_ms(reflect, &backoff, st));
    }
    return NULL;
}

/* Watches of a fleet of ingests do not end together. */
static int watch_timeout_s(void)
{
    struct mu_backoff draw = {2 * WATCH_TIMEOUT_S / 5, 2 * WATCH_TIMEOUT_S / 5, 0};

    return WATCH_TIMEOUT_S - WATCH_TIMEOUT_S / 5 + (int)mu_backoff_next_ms(&draw);
}

static void free_reflect(struct kube_reflect *reflect)
{
    (void)pthread_cond_destroy(&reflect->stopped);
    (void)pthread_mutex_destroy(&reflect->lock);
    free(reflect);
}

enum mu_status kube_reflect_start(const struct kube_reflect_config *config,
                                  struct kube_reflect **ret_reflect, struct mu_error *err)
{
    struct kube_reflect *reflect = mu_xcalloc(1, sizeof(*reflect));
    pthread_condattr_t monotonic;

    reflect->config = *config;
    reflect->position = config->position;
    reflect->timeout_s = watch_timeout_s();
    (void)pthread_mutex_init(&reflect->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&reflect->stopped, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    *ret_reflect = reflect; /* before the thread, whose handler may ask kube_reflect_stopping */
    if (pthread_create(&reflect->thread, NULL, reflect_loop, reflect) != 0) {
        *ret_reflect = NULL;
        free_reflect(reflect);
        return mu_fail(err, MU_E_UNAVAILABLE, "no thread");
    }
    return MU_OK;
}

void kube_reflect_cancel(struct kube_reflect *reflect)
{
    if (!reflect)
        return;
    (void)pthread_mutex_lock(&reflect->lock);
    atomic_store(&reflect->stopping, true);
    (void)pthread_cond_broadcast(&reflect->stopped);
    (void)pthread_mutex_unlock(&reflect->lock);
}

void kube_reflect_stop(struct kube_reflect *reflect)
{
    if (!reflect)
        return;
    kube_reflect_cancel(reflect);
    (void)pthread_join(reflect->thread, NULL);
    free_reflect(reflect);
}

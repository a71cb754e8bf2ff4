#include "watch/kube_watch.h"

#include "delivery/outbound.h"
#include "metrics/metrics.h"
#include "source/source.h"
#include "watch/known_pods.h"
#include "watch/line_splitter.h"

#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"
#include "base/text.h"
#include "http/http_client.h"
#include "json/json_doc.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WATCH_LINE_MAX_BYTES = 4 * 1024 * 1024,
    WATCH_PAGE_MAX_BYTES = 256 * 1024 * 1024,
    WATCH_ARENA_MAX_BYTES = 64 * 1024 * 1024,
    WATCH_MAX_UNDER_WAY = 1000, /* lines sent and not yet durable */
    WATCH_MAX_LEAVING = 1000,   /* pods gone and not yet forgotten */
    WATCH_CALM_MS = 5000,       /* a watch that lasted so long was no failure */
    WATCH_BACKOFF_MIN_MS = 500,
    WATCH_BACKOFF_MAX_TIMES = 60,
    WATCH_SERVER_TIMEOUT_S = 300, /* the server ends the watch then, and we go on */
    WATCH_STALL_MS = (WATCH_SERVER_TIMEOUT_S + 60) * 1000,
    VERSION_SIZE = 64,
    URL_SIZE = 4096,
    TOKEN_MAX_BYTES = 64 * 1024
};

struct kube_watch {
    struct kube_watch_config config;
    pthread_t thread;
    atomic_bool stopping;
    char version[VERSION_SIZE]; /* where to go on; "" list first */
    struct known_pods *known;   /* for what a list no longer has */
    bool file_failed;           /* their file could not be written; logged once */
    struct mu_arena *arena;     /* of one line */

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

/* The file of known pods is a help: without it the watch goes on. */
static void note_file(struct kube_watch *watch, enum mu_status st, const struct mu_error *err)
{
    if (st != MU_OK && !watch->file_failed)
        MU_LOG(MU_LOG_ERROR,
               "known pods cannot be written: a pod that goes while ingest is down "
               "will stay open",
               MU_KV("source", watch->config.source->name), MU_KV("error", err->message));
    watch->file_failed = st != MU_OK;
}

/*
 * Waits for everything sent. When something was lost, the position is forgotten, and the pods that
 * left are missing again for the next listing.
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
    if (durable)
        return MU_OK;
    watch->version[0] = '\0';
    return mu_fail(err, MU_E_UNAVAILABLE, "events could not be made durable");
}

/* ---- position ---- */

/*
 * Where to go on when the watch ends. It may run ahead of what is durable: when something was lost,
 * the cluster is listed again from the beginning.
 */
static enum mu_status move_position(struct kube_watch *watch, const char *version,
                                    struct mu_error *err)
{
    if (!wait_settled(watch, WATCH_MAX_UNDER_WAY))
        return mu_fail(err, MU_E_UNAVAILABLE, "events could not be made durable");
    (void)snprintf(watch->version, sizeof(watch->version), "%s", version);
    return MU_OK;
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
        (void)wait_settled(watch, WATCH_MAX_UNDER_WAY);
    }
    mu_arena_reset(watch->arena);
    return st;
}

static enum mu_status send_event(struct kube_watch *watch, const char *type, json_t *object,
                                 struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf line;
    json_auto_t *event = json_pack("{s:s, s:O}", "type", type, "object", object);
    enum mu_status st;

    mu_buf_init(&line, WATCH_LINE_MAX_BYTES);
    st = mu_json_print(event, &line, err);
    return st == MU_OK ? send_line(watch, line.data, line.len, err) : st;
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
    return known_pods_leaving(watch->known) > WATCH_MAX_LEAVING ? settle(watch, err) : MU_OK;
}

/* ---- requests ---- */

static enum mu_status read_token(const struct source_config *source, struct mu_buf *authorization,
                                 struct mu_error *err)
{
    enum mu_status st;

    if (!source->token_file)
        return MU_OK;
    /* Read again each time: mounted tokens rotate. */
    mu_buf_puts(authorization, "Bearer ");
    st = mu_file_read(source->token_file, authorization, err);
    while (st == MU_OK && authorization->len > 0 &&
           strchr("\r\n", authorization->data[authorization->len - 1]))
        authorization->data[--authorization->len] = '\0';
    return st;
}

static enum mu_status new_client(const struct kube_watch *watch, int64_t deadline_ms,
                                 struct mu_http_client **ret_client, struct mu_error *err)
{
    struct mu_http_client_config config = {.user_agent = "muster-ingest",
                                           .deadline_ms = deadline_ms,
                                           .stall_timeout_ms = WATCH_STALL_MS,
                                           .ca_file = watch->config.source->ca_file};

    return mu_http_client_new(&config, ret_client, err);
}

/* ---- list ---- */

static enum mu_status send_page(struct kube_watch *watch, const json_t *page, json_t *seen,
                                struct mu_error *err)
{
    json_t *pod;
    size_t index;

    json_array_foreach (json_object_get(page, "items"), index, pod) {
        const char *uid = mu_json_text_at(pod, "metadata.uid");
        enum mu_status st;

        (void)json_object_set_new(pod, "kind",
                                  json_string("Pod")); /* items of a list leave it out */
        st = send_event(watch, "ADDED", pod, err);
        if (st == MU_E_LIMIT) { /* no other pod waits for this one */
            MU_LOG(MU_LOG_ERROR, "a pod is too large and is left out",
                   MU_KV("source", watch->config.source->name), MU_KV("uid", uid),
                   MU_KV("error", err->message));
            st = MU_OK;
        }
        if (st == MU_OK)
            st = remember(watch, "ADDED", pod, err);
        if (st != MU_OK)
            return st;
        if (uid)
            (void)json_object_set_new(seen, uid, json_true());
    }
    return MU_OK;
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
    st = send_event(missing->watch, "ABSENT", object, err);
    if (st != MU_OK)
        return st;
    known_pods_leave(missing->watch->known, uid);
    mu_metric_add(&metric_watch_vanished, 1);
    return MU_OK;
}

/* One page; `continue_token` in and out ("" at the end). */
static enum mu_status fetch_page(struct kube_watch *watch, struct mu_http_client *client,
                                 char continue_token[URL_SIZE], json_t **ret_page,
                                 struct mu_error *err)
{
    static const struct mu_json_limits limits = {WATCH_PAGE_MAX_BYTES, 64};
    const struct source_config *source = watch->config.source;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body, authorization;
    struct mu_http_request request = {.method = "GET"};
    struct mu_http_response response;
    char url[2 * URL_SIZE];
    const char *token;
    enum mu_status st;

    mu_buf_init(&body, WATCH_PAGE_MAX_BYTES);
    mu_buf_init(&authorization, TOKEN_MAX_BYTES);
    (void)snprintf(url, sizeof(url), "%s/api/v1/pods?limit=%lld%s%s", source->url,
                   (long long)source->page_limit, continue_token[0] ? "&continue=" : "",
                   continue_token);
    st = read_token(source, &authorization, err);
    request.url = url;
    request.authorization = authorization.len > 0 ? authorization.data : NULL;
    request.max_body_bytes = WATCH_PAGE_MAX_BYTES;
    if (st == MU_OK)
        st = mu_http_fetch(client, &request, &body, &response, err);
    if (st == MU_OK && response.status != 200)
        st = mu_http_status_error(&request, &response, err);
    if (st == MU_OK)
        st = mu_json_parse(body.data, body.len, &limits, ret_page, err);
    if (st != MU_OK)
        return st;
    token = mu_json_text_at(*ret_page, "metadata.continue");
    (void)snprintf(continue_token, URL_SIZE, "%s", token ? token : "");
    return MU_OK;
}

static enum mu_status finish_list(struct kube_watch *watch, const json_t *seen, const char *version,
                                  struct mu_error *err)
{
    struct missing missing = {watch, version};
    struct mu_error file_err;
    enum mu_status st = known_pods_each_missing(watch->known, seen, send_missing, &missing, err);

    if (st == MU_OK)
        st = settle(watch, err);
    if (st != MU_OK)
        return st;
    note_file(watch, known_pods_compact(watch->known, &file_err), &file_err);
    return move_position(watch, version, err);
}

static enum mu_status list_pods(struct kube_watch *watch, struct mu_error *err)
{
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    json_auto_t *seen = json_object();
    char continue_token[URL_SIZE] = "", version[VERSION_SIZE] = "";
    enum mu_status st = new_client(watch, 0, &client, err);

    mu_metric_add(&metric_watch_relists, 1);
    while (st == MU_OK) {
        json_auto_t *page = NULL;
        const char *found;

        st = fetch_page(watch, client, continue_token, &page, err);
        found = st == MU_OK ? mu_json_text_at(page, "metadata.resourceVersion") : NULL;
        if (found && !version[0])
            (void)snprintf(version, sizeof(version), "%s", found);
        if (st == MU_OK)
            st = send_page(watch, page, seen, err);
        if (!continue_token[0])
            break;
    }
    if (st == MU_OK && !version[0])
        st = mu_fail(err, MU_E_INVALID, "the list has no metadata.resourceVersion");
    if (st == MU_OK)
        st = finish_list(watch, seen, version, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "list pods");
}

/* ---- watch ---- */

static enum mu_status on_line(void *opaque, const char *line, size_t len, struct mu_error *err)
{
    static const struct mu_json_limits limits = {WATCH_LINE_MAX_BYTES, 64};
    struct kube_watch *watch = opaque;
    json_auto_t *event = NULL;
    enum mu_status st = mu_json_parse(line, len, &limits, &event, err);
    const char *type = st == MU_OK ? mu_json_text_at(event, "type") : NULL;
    const json_t *object = json_object_get(event, "object");
    const char *version = mu_json_text_at(object, "metadata.resourceVersion");

    if (mu_text_equal(type, "ERROR") && json_integer_value(json_object_get(object, "code")) == 410)
        return mu_fail(err, MU_E_NOT_FOUND, "410: the position is too old");
    if (mu_text_equal(type, "ERROR"))
        return mu_fail(err, MU_E_UNAVAILABLE, "%.200s",
                       mu_json_text_at(object, "message") ? mu_json_text_at(object, "message")
                                                          : "");
    /* What is no JSON goes to quarantine like everything that is not understood. */
    st = send_line(watch, line, len, err);
    if (st == MU_OK && object)
        st = remember(watch, type, object, err);
    if (st == MU_OK && version)
        st = move_position(watch, version, err);
    return st;
}

static enum mu_status on_body(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    return line_splitter_feed(opaque, bytes, len, err);
}

static enum mu_status watch_pods(struct kube_watch *watch, struct mu_error *err)
{
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf authorization;
    struct line_splitter splitter;
    struct mu_http_request request = {
            .method = "GET", .on_body = on_body, .opaque = &splitter, .max_body_bytes = UINT64_MAX};
    struct mu_http_response response;
    char url[URL_SIZE];
    enum mu_status st = new_client(watch, -1, &client, err);

    mu_buf_init(&authorization, TOKEN_MAX_BYTES);
    (void)snprintf(url, sizeof(url),
                   "%s/api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=%s"
                   "&timeoutSeconds=%d",
                   watch->config.source->url, watch->version, WATCH_SERVER_TIMEOUT_S);
    if (st == MU_OK)
        st = read_token(watch->config.source, &authorization, err);
    request.url = url;
    request.authorization = authorization.len > 0 ? authorization.data : NULL;
    line_splitter_init(&splitter, WATCH_LINE_MAX_BYTES, on_line, watch);
    if (st == MU_OK)
        st = mu_http_request(client, &request, &response, err);
    line_splitter_done(&splitter);
    if (st == MU_OK && response.status == 410)
        return mu_fail(err, MU_E_NOT_FOUND, "410: the position is too old");
    if (st == MU_OK && response.status != 200)
        st = mu_http_status_error(&request, &response, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "watch pods");
}

/* ---- the loop ---- */

/* One list or one watch, and everything it sent is durable. */
static enum mu_status step(struct kube_watch *watch, struct mu_error *err)
{
    bool listing = !watch->version[0];
    enum mu_status st = listing ? list_pods(watch, err) : watch_pods(watch, err);
    struct mu_error settle_err;

    if (settle(watch, &settle_err) != MU_OK && st == MU_OK) {
        *err = settle_err;
        st = settle_err.status;
    }
    if (!listing && (st == MU_E_NOT_FOUND || st == MU_E_INVALID || st == MU_E_LIMIT))
        watch->version[0] = '\0';
    return st;
}

static bool is_stopping(const struct kube_watch *watch)
{
    return atomic_load(&watch->stopping) || mu_stop_requested();
}

static void log_failure(const struct kube_watch *watch, const struct mu_error *err)
{
    if (!watch->version[0] && err->status == MU_E_NOT_FOUND)
        MU_LOG(MU_LOG_INFO, "listing the cluster again",
               MU_KV("source", watch->config.source->name), MU_KV("reason", err->message));
    else
        MU_LOG(MU_LOG_WARN, "cluster not reachable, retrying",
               MU_KV("source", watch->config.source->name), MU_KV("error", err->message));
}

static void *watch_loop(void *opaque)
{
    struct kube_watch *watch = opaque;
    const int64_t min_ms =
            watch->config.retry_min_ms ? watch->config.retry_min_ms : WATCH_BACKOFF_MIN_MS;
    struct mu_backoff backoff = {min_ms, WATCH_BACKOFF_MAX_TIMES * min_ms, 0};

    while (!is_stopping(watch)) {
        bool listing = !watch->version[0], calm;
        uint64_t began_ms = mu_monotonic_ms();
        struct mu_error err;
        enum mu_status st = step(watch, &err);

        /* A server that ends every watch at once, or calls every position too old, is not asked in
         * a tight loop. */
        calm = !listing && mu_monotonic_ms() - began_ms >= WATCH_CALM_MS;
        if (calm)
            backoff.attempt = 0;
        if (is_stopping(watch) || (st == MU_OK && (listing || calm)))
            continue;
        if (st != MU_OK)
            log_failure(watch, &err);
        (void)mu_backoff_wait(&backoff);
    }
    return NULL;
}

static void free_watch(struct kube_watch *watch)
{
    known_pods_close(watch->known);
    mu_arena_free(watch->arena);
    (void)pthread_cond_destroy(&watch->settled);
    (void)pthread_mutex_destroy(&watch->lock);
    free(watch);
}

static enum mu_status open_known(struct kube_watch *watch, struct mu_error *err)
{
    char path[PATH_MAX];
    const char *folder = watch->config.state_folder;

    (void)snprintf(path, sizeof(path), "%s/known-%s.jsonl", folder ? folder : "",
                   watch->config.source->name);
    return known_pods_open(folder ? path : NULL, &watch->known, err);
}

enum mu_status kube_watch_start(const struct kube_watch_config *config,
                                struct kube_watch **ret_watch, struct mu_error *err)
{
    struct kube_watch *watch = mu_xcalloc(1, sizeof(*watch));
    enum mu_status st;

    watch->config = *config;
    watch->arena = mu_arena_new(WATCH_ARENA_MAX_BYTES);
    (void)pthread_mutex_init(&watch->lock, NULL);
    (void)pthread_cond_init(&watch->settled, NULL);
    st = open_known(watch, err);
    if (st == MU_OK && pthread_create(&watch->thread, NULL, watch_loop, watch) != 0)
        st = mu_fail(err, MU_E_UNAVAILABLE, "no thread");
    if (st != MU_OK) {
        free_watch(watch);
        return mu_wrap(err, "source '%s'", config->source->name);
    }
    *ret_watch = watch;
    return MU_OK;
}

void kube_watch_stop(struct kube_watch *watch)
{
    if (!watch)
        return;
    atomic_store(&watch->stopping, true);
    (void)pthread_join(watch->thread, NULL);
    free_watch(watch);
}

#include "stream/stream.h"

#include "delivery/outbound.h"
#include "health/health.h"
#include "metrics/metrics.h"
#include "source/source.h"
#include "stream/json_splitter.h"
#include "stream/stream_protocol.h"

#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"
#include "base/text.h"
#include "http/http_client.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STREAM_FRAME_MAX_BYTES = 64 * 1024 * 1024, /* what comes; one frame may hold many events */
    STREAM_ARENA_MAX_BYTES = 64 * 1024 * 1024,
    STREAM_MAX_UNDER_WAY = 1000, /* documents sent and not yet durable */
    STREAM_CALM_MS = 5000,       /* a round that lasted so long was no failure */
    STREAM_BACKOFF_MIN_MS = 500,
    STREAM_BACKOFF_MAX_TIMES = 60,
    STREAM_URL_SIZE = 4096 + STREAM_PATH_SIZE,
    TOKEN_MAX_BYTES = 64 * 1024
};

static const struct stream_protocol *const protocols[] = {&docker_protocol, &swarm_protocol,
                                                          &nomad_protocol};

struct stream {
    struct stream_config config;
    const struct stream_protocol *protocol;
    pthread_t thread;
    atomic_bool stopping;
    char base[4096];         /* of every URL */
    const char *unix_socket; /* NULL: none */
    struct stream_state *state;
    bool file_failed; /* it could not be written; logged once */
    struct mu_arena *arena;
    struct mu_http_client *client; /* of a round's short requests */
    json_t *session;               /* what the protocol learned in this round */

    /* deliveries under way */
    pthread_mutex_t lock;
    pthread_cond_t settled;
    size_t under_way;
    bool lost;
};

const struct source_config *stream_source(const struct stream *stream)
{
    return stream->config.source;
}

struct stream_state *stream_state_of(struct stream *stream)
{
    return stream->state;
}

json_t *stream_session(struct stream *stream)
{
    return stream->session;
}

void stream_count_vanished(void)
{
    mu_metric_add(&metric_watch_vanished, 1);
}

/* ---- durability ---- */

static void on_durable(void *opaque, enum mu_status status)
{
    struct stream *stream = opaque;

    (void)pthread_mutex_lock(&stream->lock);
    stream->under_way--;
    stream->lost |= status != MU_OK;
    (void)pthread_cond_signal(&stream->settled);
    (void)pthread_mutex_unlock(&stream->lock);
}

static void wait_settled(struct stream *stream, size_t most)
{
    (void)pthread_mutex_lock(&stream->lock);
    while (stream->under_way > most)
        (void)pthread_cond_wait(&stream->settled, &stream->lock);
    (void)pthread_mutex_unlock(&stream->lock);
}

static bool take_lost(struct stream *stream)
{
    bool lost;

    (void)pthread_mutex_lock(&stream->lock);
    lost = stream->lost;
    stream->lost = false;
    (void)pthread_mutex_unlock(&stream->lock);
    return lost;
}

static void commit(struct stream *stream)
{
    struct mu_error err;
    enum mu_status st = stream_state_commit(stream->state, &err);

    if (st != MU_OK && !stream->file_failed)
        MU_LOG(MU_LOG_ERROR,
               "the state of a stream cannot be written: after a restart more is told again",
               MU_KV("source", stream->config.source->name), MU_KV("error", err.message));
    stream->file_failed = st != MU_OK;
}

/* Waits for everything sent; then what was told counts as told, or not when something was lost. */
static enum mu_status settle(struct stream *stream, struct mu_error *err)
{
    wait_settled(stream, 0);
    if (take_lost(stream)) {
        stream_state_rollback(stream->state);
        return mu_fail(err, MU_E_UNAVAILABLE, "events could not be made durable");
    }
    commit(stream);
    return MU_OK;
}

static enum mu_status send_text(struct stream *stream, const char *text, size_t len,
                                struct mu_error *err)
{
    struct source_input input = {.source = stream->config.source,
                                 .body = text,
                                 .len = len,
                                 .received_at_us = mu_now_us(),
                                 .arena = stream->arena};
    struct source_events events = {.arena = stream->arena};
    struct mu_outgoing *messages = NULL;
    enum mu_status st = source_decode(&input, &events, err);

    if (st == MU_OK)
        st = outbound_make(&input, &events, NULL, &messages, err);
    if (st == MU_OK && events.count > 0) {
        (void)pthread_mutex_lock(&stream->lock);
        stream->under_way++;
        (void)pthread_mutex_unlock(&stream->lock);
        delivery_send(stream->config.delivery, messages, events.count, on_durable, stream);
        wait_settled(stream, STREAM_MAX_UNDER_WAY);
    }
    mu_arena_reset(stream->arena);
    return st;
}

enum mu_status stream_send(struct stream *stream, json_t *document, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st = document ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");

    mu_buf_init(&text, SOURCE_MAX_BODY_BYTES);
    if (st == MU_OK)
        st = mu_json_print(document, &text, err);
    json_decref(document);
    if (st == MU_OK)
        st = send_text(stream, text.data, text.len, err);
    if (st != MU_E_LIMIT)
        return st;
    /* Nothing else waits for this one. */
    MU_LOG(MU_LOG_ERROR, "an event is too large and is left out",
           MU_KV("source", stream->config.source->name), MU_KV("error", err->message));
    return MU_OK;
}

/* ---- requests ---- */

static enum mu_status new_client(const struct stream *stream, int64_t deadline_ms,
                                 struct mu_http_client **ret_client, struct mu_error *err)
{
    const struct source_config *source = stream->config.source;
    /* A redirect would carry the token elsewhere. */
    struct mu_http_client_config config = {.user_agent = "muster-ingest",
                                           .deadline_ms = deadline_ms,
                                           .stall_timeout_ms = stream->protocol->stall_ms,
                                           .ca_file = source->ca_file,
                                           .client_cert_file = source->client_cert_file,
                                           .client_key_file = source->client_key_file,
                                           .unix_socket = stream->unix_socket,
                                           .cancel = &stream->stopping,
                                           .no_redirects = true};

    return mu_http_client_new(&config, ret_client, err);
}

struct call {
    char url[STREAM_URL_SIZE];
    struct mu_buf token;
    const char *headers[2];
};

static void call_done(struct call *call)
{
    mu_buf_done(&call->token);
}

/* The token is read again each time: mounted ones rotate. */
static enum mu_status call_init(const struct stream *stream, const char *path, struct call *call,
                                struct mu_http_request *ret_request, struct mu_error *err)
{
    const char *file = stream->config.source->token_file;
    enum mu_status st = MU_OK;

    mu_buf_init(&call->token, TOKEN_MAX_BYTES);
    call->headers[0] = call->headers[1] = NULL;
    (void)snprintf(call->url, sizeof(call->url), "%s%s", stream->base, path);
    if (file) {
        mu_buf_puts(&call->token, "X-Nomad-Token: ");
        st = mu_file_read(file, &call->token, err);
        while (st == MU_OK && strchr("\r\n", call->token.data[call->token.len - 1]))
            call->token.data[--call->token.len] = '\0';
        call->headers[0] = call->token.data;
    }
    *ret_request =
            (struct mu_http_request){.method = "GET", .url = call->url, .headers = call->headers};
    return st;
}

enum mu_status stream_get(struct stream *stream, const char *path, size_t max_bytes,
                          json_t **ret_answer, struct mu_error *err)
{
    const struct mu_json_limits limits = {max_bytes, SOURCE_MAX_DEPTH};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    MU_AUTO_DONE(call_done) struct call call;
    struct mu_http_request request;
    struct mu_http_response response;
    enum mu_status st = call_init(stream, path, &call, &request, err);

    mu_buf_init(&body, max_bytes);
    if (st == MU_OK)
        st = mu_http_fetch(stream->client, &request, &body, &response, err);
    if (st == MU_OK && response.status != 200)
        st = mu_http_status_error(&request, &response, err);
    if (st != MU_OK)
        return st;
    st = mu_json_parse(body.data, body.len, &limits, ret_answer, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "answer of %.200s", path);
}

/* ---- events ---- */

static enum mu_status on_document(void *opaque, const char *document, size_t len,
                                  struct mu_error *err)
{
    static const struct mu_json_limits limits = {STREAM_FRAME_MAX_BYTES, SOURCE_MAX_DEPTH};
    struct stream *stream = opaque;
    json_auto_t *root = NULL;
    struct mu_error ignored;

    if (mu_json_parse(document, len, &limits, &root, &ignored) == MU_OK)
        return stream->protocol->take(stream, root, err);
    /* It goes to quarantine like everything that is not understood. */
    return send_text(stream, document, len, err);
}

/* What came together is made durable together: nothing is left over when the stream falls silent.
 */
static enum mu_status on_body(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct json_splitter *splitter = opaque;
    enum mu_status st = json_splitter_feed(splitter, bytes, len, err);

    return st == MU_OK ? settle(splitter->opaque, err) : st;
}

enum mu_status stream_replay(struct stream *stream, const char *path, struct mu_error *err)
{
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    MU_AUTO_DONE(call_done) struct call call;
    struct json_splitter splitter;
    struct mu_http_request request;
    struct mu_http_response response;
    enum mu_status st = call_init(stream, path, &call, &request, err);

    if (st == MU_OK)
        st = new_client(stream, -1, &client, err);
    json_splitter_init(&splitter, STREAM_FRAME_MAX_BYTES, on_document, stream);
    request.on_body = on_body;
    request.opaque = &splitter;
    request.max_body_bytes = UINT64_MAX;
    if (st == MU_OK)
        st = mu_http_request(client, &request, &response, err);
    json_splitter_done(&splitter);
    if (st == MU_OK && response.status != 200)
        st = mu_http_status_error(&request, &response, err);
    return st;
}

/* ---- small things for the protocols ---- */

bool stream_path_append(char path[STREAM_PATH_SIZE], const char *text)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf escaped;
    size_t len = strlen(path);

    mu_buf_init(&escaped, STREAM_PATH_SIZE - 1 - len);
    mu_text_percent(text, "", &escaped);
    if (escaped.failed)
        return false;
    memcpy(path + len, escaped.data, escaped.len + 1);
    return true;
}

/* mu_time_parse cuts to microseconds; two starts may be closer. */
int64_t stream_time_ns(const char *text)
{
    const char *fraction = text ? strchr(text, '.') : NULL;
    int64_t at_us, below_ns = 0;
    size_t digits = fraction ? strspn(fraction + 1, "0123456789") : 0;
    struct mu_error ignored;

    if (!text || mu_time_parse(text, strlen(text), &at_us, &ignored) != MU_OK ||
        at_us > INT64_MAX / 1000)
        return 0;
    for (size_t i = 6; i < 9; i++)
        below_ns = below_ns * 10 + (i < digits ? fraction[1 + i] - '0' : 0);
    return at_us * 1000 + below_ns;
}

/* ---- the loop ---- */

static enum mu_status sync_peer(struct stream *stream, struct mu_error *err)
{
    enum mu_status st;
    struct mu_error settle_err;

    mu_metric_add(&metric_watch_relists, 1);
    (void)json_object_clear(stream->session);
    st = new_client(stream, 0, &stream->client, err);
    if (st == MU_OK)
        st = stream->protocol->sync(stream, err);
    if (st != MU_OK) {
        /* Half a list is no reason to forget what it told. */
        (void)settle(stream, &settle_err);
        return mu_wrap(err, "list");
    }
    return settle(stream, err);
}

static enum mu_status follow(struct stream *stream, struct mu_error *err)
{
    char path[STREAM_PATH_SIZE];
    enum mu_status st = stream->protocol->follow(stream, path, err);
    struct mu_error settle_err;

    if (st == MU_OK)
        st = stream_replay(stream, path, err);
    if (settle(stream, &settle_err) != MU_OK && st == MU_OK) {
        *err = settle_err;
        st = settle_err.status;
    }
    return st == MU_OK ? MU_OK : mu_wrap(err, "follow");
}

static enum mu_status run_round(struct stream *stream, struct mu_error *err)
{
    enum mu_status st = sync_peer(stream, err);

    if (st == MU_OK) {
        source_health_heard(stream->config.source->health, mu_now_us(), 0, MU_TIME_NONE);
        st = follow(stream, err);
    }
    mu_http_client_free(stream->client);
    stream->client = NULL;
    return st;
}

static bool is_stopping(const struct stream *stream)
{
    return atomic_load(&stream->stopping) || mu_stop_requested();
}

static void *stream_loop(void *opaque)
{
    struct stream *stream = opaque;
    const int64_t min_ms =
            stream->config.retry_min_ms ? stream->config.retry_min_ms : STREAM_BACKOFF_MIN_MS;
    struct mu_backoff backoff = {min_ms, STREAM_BACKOFF_MAX_TIMES * min_ms, 0};

    while (!is_stopping(stream)) {
        uint64_t began_ms = mu_monotonic_ms();
        struct mu_error err;
        enum mu_status st = run_round(stream, &err);
        bool calm = mu_monotonic_ms() - began_ms >= STREAM_CALM_MS;

        if (calm)
            backoff.attempt = 0;
        if (is_stopping(stream) || (st == MU_OK && calm))
            continue;
        if (st != MU_OK) {
            source_health_failed(stream->config.source->health, mu_now_us(), err.message);
            MU_LOG(MU_LOG_WARN, "stream broken, retrying",
                   MU_KV("source", stream->config.source->name), MU_KV("error", err.message));
        }
        (void)mu_backoff_wait(&backoff);
    }
    return NULL;
}

/* ---- start and stop ---- */

static void set_address(struct stream *stream)
{
    const struct source_config *source = stream->config.source;
    bool secure = source->ca_file || source->client_cert_file;

    if (mu_text_starts(source->url, "unix://")) {
        stream->unix_socket = source->url + strlen("unix://");
        (void)snprintf(stream->base, sizeof(stream->base), "http://localhost");
    } else if (mu_text_starts(source->url, "tcp://")) {
        (void)snprintf(stream->base, sizeof(stream->base), "%s://%s", secure ? "https" : "http",
                       source->url + strlen("tcp://"));
    } else {
        (void)snprintf(stream->base, sizeof(stream->base), "%s", source->url);
    }
}

static void free_stream(struct stream *stream)
{
    stream_state_close(stream->state);
    json_decref(stream->session);
    mu_arena_free(stream->arena);
    (void)pthread_cond_destroy(&stream->settled);
    (void)pthread_mutex_destroy(&stream->lock);
    free(stream);
}

static enum mu_status prepare(struct stream *stream, struct mu_error *err)
{
    const char *folder = stream->config.state_folder;
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
        if (mu_text_equal(protocols[i]->kind, stream->config.source->kind->name))
            stream->protocol = protocols[i];
    if (!stream->protocol)
        return mu_fail(err, MU_E_INVALID, "kind '%s' is no stream",
                       stream->config.source->kind->name);
    set_address(stream);
    (void)snprintf(path, sizeof(path), "%s/stream-%s.jsonl", folder ? folder : "",
                   stream->config.source->name);
    return stream_state_open(folder ? path : NULL, &stream->state, err);
}

enum mu_status stream_start(const struct stream_config *config, struct stream **ret_stream,
                            struct mu_error *err)
{
    struct stream *stream = mu_xcalloc(1, sizeof(*stream));
    enum mu_status st;

    stream->config = *config;
    stream->session = json_object();
    stream->arena = mu_arena_new(STREAM_ARENA_MAX_BYTES);
    (void)pthread_mutex_init(&stream->lock, NULL);
    (void)pthread_cond_init(&stream->settled, NULL);
    st = prepare(stream, err);
    if (st == MU_OK && pthread_create(&stream->thread, NULL, stream_loop, stream) != 0)
        st = mu_fail(err, MU_E_UNAVAILABLE, "no thread");
    if (st != MU_OK) {
        free_stream(stream);
        return mu_wrap(err, "source '%s'", config->source->name);
    }
    *ret_stream = stream;
    return MU_OK;
}

void stream_stop(struct stream *stream)
{
    if (!stream)
        return;
    atomic_store(&stream->stopping, true);
    (void)pthread_join(stream->thread, NULL);
    free_stream(stream);
}

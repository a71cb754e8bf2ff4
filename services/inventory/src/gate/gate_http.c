#include "gate/gate_http.h"

#include "gate/admission.h"
#include "gate/gate_metrics.h"
#include "gate/gate_review.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_MAX_BYTES = 256 * 1024,
    GATE_MAX_IMAGES = 1000,
    GATE_BODY_MAX_BYTES = 1024 * 1024,
    GATE_ANSWER_MAX_BYTES = 8 * 1024 * 1024,
    METRICS_MAX_BYTES = 64 * 1024,
    STOP_GRACE_MS = 5000,
    CONNECTIONS = 4096
};

struct gate_http {
    struct gate_http_config config;
    struct cache_slot slot;
    struct mu_httpd *server;
    atomic_bool ready; /* the cache was looked for */
};

static const char *given(const char *text)
{
    return text && *text ? text : NULL;
}

/* ---- what both ways of asking share ---- */

static void begin(struct gate_http *http, struct mu_request *request,
                  struct gate_review *ret_review)
{
    *ret_review = (struct gate_review){.config = mu_request_context(request),
                                       .slot = &http->slot,
                                       .log = http->config.log,
                                       .arena = mu_request_arena(request),
                                       .asker = {.source = "api",
                                                 .cluster = "",
                                                 .namespace_name = "",
                                                 .kind = "",
                                                 .object = "",
                                                 .container = "",
                                                 .user = "",
                                                 .operation = "",
                                                 .uid = "",
                                                 .image = "",
                                                 .at_us = mu_now_us()}};
    gate_review_begin(ret_review);
}

/* The records of a request are one group: the last is written after the others. */
static void wait_for_log(const struct gate_http *http, const struct gate_review *review)
{
    if (review->last > 0 &&
        !decision_log_wait(http->config.log, review->last, http->config.log_wait_us))
        mu_metric_add(&metric_gate_late, 1);
}

static void refuse(struct mu_request *request, const struct mu_error *err)
{
    mu_metric_add(&metric_gate_refused, 1);
    mu_httpd_reply_failure(request, err);
}

/* A certificate of the client CA, where there is one; else, of who asks by the simple way, the
 * token.
 */
static bool may_ask(const struct gate_http *http, struct mu_request *request, const char *token)
{
    static const char scheme[] = "Bearer ";
    const char *sent = mu_request_header(request, "Authorization");
    bool has_ca = given(http->config.tls_client_ca) != NULL;

    if (has_ca && mu_request_client_subject(request))
        return true;
    if (!given(token))
        return !has_ca;
    return mu_text_starts(sent, scheme) &&
           mu_secret_equal(token, strlen(token), sent + strlen(scheme),
                           strlen(sent + strlen(scheme)));
}

/* ---- AdmissionReview ---- */

static enum mu_status review_admission(struct gate_review *review,
                                       const struct admission_request *asked, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < asked->image_count; i++)
        st = gate_review_image(review, asked->images[i].container, asked->images[i].image, NULL,
                               err);
    if (!asked->known_kind)
        gate_review_warn(review,
                         "muster does not know where objects of this kind have their images: it "
                         "looks at the pods that they make");
    return st;
}

static void reply_admission(const struct gate_http *http, struct mu_request *request,
                            const struct gate_review *review, const char *uid)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    struct admission_answer answer = {.uid = uid,
                                      .allowed = review->allowed,
                                      .message = review->message.data,
                                      .warnings = review->warnings,
                                      .warning_count = review->warning_count,
                                      .decisions = ""};
    struct mu_error err;
    const char *decisions = NULL;

    if (review->last > 0)
        decisions = mu_arena_printf(review->arena, "%s/%" PRIu64 "-%" PRIu64,
                                    decision_log_instance(http->config.log), review->first,
                                    review->last);
    if (decisions)
        answer.decisions = decisions;
    mu_buf_init(&body, ANSWER_MAX_BYTES);
    if (admission_write(&answer, &body, &err) != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else
        mu_httpd_reply(request, 200, NULL, body.data, body.len, NULL);
}

static void fill_asker(struct gate_review *review, const struct admission_request *asked,
                       const char *cluster)
{
    struct decision_asker *asker = &review->asker;

    asker->source = "admission";
    asker->cluster = cluster && *cluster ? cluster : review->config->cluster;
    asker->namespace_name = asked->namespace_name;
    asker->kind = asked->kind;
    asker->object = asked->name;
    asker->user = asked->user;
    asker->operation = asked->operation;
    asker->uid = asked->uid;
    if (asked->dry_run)
        review->log = NULL; /* sideEffects: NoneOnDryRun */
}

static void post_admission(void *opaque, struct mu_request *request)
{
    MU_AUTO_DONE(admission_request_done) struct admission_request asked = {0};
    MU_AUTO_DONE(gate_review_done) struct gate_review review;
    struct gate_http *http = opaque;
    struct mu_error err;
    size_t len = 0;
    const char *body = mu_request_body(request, &len);
    enum mu_status st;

    begin(http, request, &review);
    st = may_ask(http, request, NULL)
                 ? admission_parse(body, len, mu_request_arena(request), &asked, &err)
                 : mu_fail(&err, MU_E_DENIED, "no client certificate of the gate's client CA");
    if (st == MU_OK) {
        fill_asker(&review, &asked, mu_request_path_rest(request));
        st = review_admission(&review, &asked, &err);
    }
    if (st != MU_OK) {
        refuse(request, &err);
        return;
    }
    wait_for_log(http, &review);
    reply_admission(http, request, &review, asked.uid);
}

/* ---- POST /v1/gate ---- */

struct gate_ask {
    const char *cluster, *namespace_name, *user;
    struct mu_json_texts images;
};

#define ASK(member) offsetof(struct gate_ask, member)
static const struct mu_json_field ask_fields[] = {
        {.name = "cluster", .type = MU_JSON_TEXT, .offset = ASK(cluster), .max = 255},
        {.name = "images",
         .type = MU_JSON_TEXTS,
         .flags = MU_JSON_REQUIRED,
         .offset = ASK(images),
         .min = 1,
         .max = GATE_MAX_IMAGES},
        {.name = "namespace", .type = MU_JSON_TEXT, .offset = ASK(namespace_name), .max = 255},
        {.name = "user", .type = MU_JSON_TEXT, .offset = ASK(user), .max = 255},
};
static const struct mu_json_object ask_object = {"a question to the gate", ask_fields,
                                                 sizeof(ask_fields) / sizeof(ask_fields[0]),
                                                 sizeof(struct gate_ask)};

static enum mu_status read_ask(struct mu_request *request, struct gate_ask *ret_ask,
                               struct mu_error *err)
{
    json_auto_t *root = NULL;
    size_t len = 0;
    const char *body = mu_request_body(request, &len);
    enum mu_status st = mu_json_parse(body, len, &mu_json_message_limits, &root, err);

    if (st == MU_OK)
        st = mu_json_decode(&ask_object, root, mu_request_arena(request), ret_ask, err);
    return st;
}

struct shown {
    bool allowed, would_deny;
    int64_t generation;
    const char *database_version, *digest, *image, *message, *reason, *rule, *scan_id, *scope,
            *verdict;
};

#define SHOWN(member) offsetof(struct shown, member)
static const struct mu_json_field shown_fields[] = {
        {.name = "allowed", .type = MU_JSON_BOOL, .offset = SHOWN(allowed)},
        {.name = "cache_generation",
         .type = MU_JSON_INT,
         .offset = SHOWN(generation),
         .max = INT64_MAX},
        {.name = "database_version", .type = MU_JSON_TEXT, .offset = SHOWN(database_version)},
        {.name = "digest", .type = MU_JSON_TEXT, .offset = SHOWN(digest)},
        {.name = "image", .type = MU_JSON_TEXT, .offset = SHOWN(image)},
        {.name = "message", .type = MU_JSON_TEXT, .offset = SHOWN(message)},
        {.name = "reason", .type = MU_JSON_TEXT, .offset = SHOWN(reason)},
        {.name = "rule", .type = MU_JSON_TEXT, .offset = SHOWN(rule)},
        {.name = "scan_id", .type = MU_JSON_TEXT, .offset = SHOWN(scan_id)},
        {.name = "scope", .type = MU_JSON_TEXT, .offset = SHOWN(scope)},
        {.name = "verdict", .type = MU_JSON_TEXT, .offset = SHOWN(verdict)},
        {.name = "would_deny", .type = MU_JSON_BOOL, .offset = SHOWN(would_deny)},
};
static const struct mu_json_object shown_object = {"a verdict", shown_fields,
                                                   sizeof(shown_fields) / sizeof(shown_fields[0]),
                                                   sizeof(struct shown)};

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static enum mu_status show(const char *image, const struct gate_answer *answer, struct mu_buf *out,
                           struct mu_error *err)
{
    const struct shown shown = {.allowed = answer->allowed,
                                .would_deny = answer->would_deny,
                                .generation = (int64_t)answer->generation,
                                .database_version = or_null(answer->database_version),
                                .digest = or_null(answer->digest),
                                .image = image,
                                .message = or_null(answer->message),
                                .reason = verdict_reason_word(answer->reason),
                                .rule = or_null(answer->rule),
                                .scan_id = or_null(answer->scan_id),
                                .scope = answer->scope,
                                .verdict = verdict_word(answer->verdict)};

    return mu_json_encode(&shown_object, &shown, out, err);
}

static enum mu_status answer_all(struct gate_review *review, const struct gate_ask *ask,
                                 struct mu_buf *out, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    mu_buf_puts(out, "{\"verdicts\":[");
    for (size_t i = 0; st == MU_OK && i < ask->images.count; i++) {
        struct gate_answer answer;

        mu_buf_puts(out, i > 0 ? "," : "");
        st = gate_review_image(review, "", ask->images.items[i], &answer, err);
        if (st == MU_OK)
            st = show(ask->images.items[i], &answer, out, err);
    }
    mu_buf_printf(out, "],\"allowed\":%s}\n", review->allowed ? "true" : "false");
    return st == MU_OK ? mu_buf_status(out, "the gate's answer", err) : st;
}

static void post_gate(void *opaque, struct mu_request *request)
{
    MU_AUTO_DONE(gate_review_done) struct gate_review review;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    struct gate_http *http = opaque;
    struct gate_ask ask;
    struct mu_error err;
    enum mu_status st;

    mu_buf_init(&body, GATE_ANSWER_MAX_BYTES);
    begin(http, request, &review);
    st = may_ask(http, request, http->config.token)
                 ? read_ask(request, &ask, &err)
                 : mu_fail(&err, MU_E_DENIED, "the gate wants its bearer token");
    if (st == MU_OK) {
        review.asker.cluster = ask.cluster ? ask.cluster : review.config->cluster;
        review.asker.namespace_name = ask.namespace_name ? ask.namespace_name : "";
        review.asker.user = ask.user ? ask.user : "";
        st = answer_all(&review, &ask, &body, &err);
    }
    if (st != MU_OK) {
        refuse(request, &err);
        return;
    }
    wait_for_log(http, &review);
    mu_httpd_reply(request, 200, NULL, body.data, body.len, NULL);
}

/* ---- how it is ---- */

static void get_ok(void *opaque, struct mu_request *request)
{
    (void)opaque;
    mu_httpd_reply(request, 200, "text/plain", "ok\n", 3, NULL);
}

static void get_readyz(void *opaque, struct mu_request *request)
{
    struct gate_http *http = opaque;

    if (atomic_load(&http->ready))
        get_ok(opaque, request);
    else
        mu_httpd_reply_error(request, 503, "the cache was not looked for yet");
}

static void write_cache_status(struct gate_http *http, struct mu_buf *out)
{
    struct cache_hold hold = cache_slot_acquire(&http->slot);
    char built_at[MU_TIME_TEXT_SIZE];

    mu_buf_puts(out, "\"cache\":");
    if (hold.cache) {
        const struct gate_cache_info *info = gate_cache_info(hold.cache);

        mu_time_format(info->built_at_us, built_at);
        mu_buf_printf(out,
                      "{\"generation\":%" PRIu64 ",\"built_at\":\"%s\",\"age_seconds\":%" PRId64
                      ",\"records\":%u,\"policy\":\"%s\"}",
                      info->generation, built_at, (mu_now_us() - info->built_at_us) / 1000000,
                      info->records, info->policy);
    } else {
        mu_buf_puts(out, "null");
    }
    cache_slot_release(&http->slot, hold);
}

static void get_status(void *opaque, struct mu_request *request)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    struct gate_http *http = opaque;
    const struct gate_config *gate = mu_request_context(request);
    const char *instance = decision_log_instance(http->config.log);
    struct decision_log_state state;

    decision_log_state(http->config.log, &state);
    mu_buf_init(&body, ANSWER_MAX_BYTES);
    mu_buf_puts(&body, "{\"instance\":");
    mu_text_to_json(instance, strlen(instance), &body);
    mu_buf_printf(&body, ",\"configuration\":\"%s\",", gate->digest);
    write_cache_status(http, &body);
    mu_buf_printf(&body,
                  ",\"log\":{\"next\":%" PRIu64 ",\"written\":%" PRIu64 ",\"synced\":%" PRIu64
                  ",\"kept_from\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"bytes\":%" PRIu64
                  ",\"failing\":%s}}\n",
                  state.next, state.written, state.synced, state.kept_from, state.lost, state.bytes,
                  state.failing ? "true" : "false");
    mu_httpd_reply(request, 200, NULL, body.data, body.len, NULL);
}

void gate_http_measure(struct gate_http *http)
{
    struct cache_hold hold = cache_slot_acquire(&http->slot);
    struct decision_log_state state;
    int64_t age_us = 0, generation = 0;

    if (hold.cache) {
        generation = (int64_t)gate_cache_info(hold.cache)->generation;
        age_us = mu_now_us() - gate_cache_info(hold.cache)->built_at_us;
    }
    cache_slot_release(&http->slot, hold);
    decision_log_state(http->config.log, &state);
    mu_metric_set(&metric_gate_cache_generation, generation);
    mu_metric_set(&metric_gate_cache_age_seconds, age_us / 1000000);
    mu_metric_set(&metric_gate_unshipped, (int64_t)(state.next - state.kept_from));
}

static void get_metrics(void *opaque, struct mu_request *request)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    gate_http_measure(opaque);
    mu_buf_init(&text, METRICS_MAX_BYTES);
    mu_metrics_render(gate_metrics, gate_metric_count, &text);
    mu_httpd_reply(request, 200, "text/plain; version=0.0.4", text.data, text.len, NULL);
}

/* ---- life ---- */

static const struct mu_route routes[] = {
        {"POST", "/v1/admission", post_admission, NULL, ADMISSION_MAX_BYTES},
        {"POST", "/v1/admission/*", post_admission, NULL, ADMISSION_MAX_BYTES},
        {"POST", "/v1/gate", post_gate, NULL, GATE_BODY_MAX_BYTES},
        {"GET", "/v1/gate/status", get_status, NULL, 0},
        {"GET", "/healthz", get_ok, NULL, 0},
        {"GET", "/readyz", get_readyz, NULL, 0},
        {"GET", "/metrics", get_metrics, NULL, 0},
};
enum { ROUTE_COUNT = sizeof(routes) / sizeof(routes[0]) };

static void release_config(void *config)
{
    gate_config_free(config);
}

enum mu_status gate_http_start(const struct gate_http_config *config, struct gate_config *gate,
                               struct gate_http **ret_http, struct mu_error *err)
{
    struct gate_http *http = mu_xcalloc(1, sizeof(*http));
    const struct mu_httpd_config server = {.listen = config->listen,
                                           .routes = routes,
                                           .route_count = ROUTE_COUNT,
                                           .owner = {gate, release_config},
                                           .opaque = http,
                                           .threads = config->threads,
                                           .max_connections = CONNECTIONS,
                                           .tls_cert_file = given(config->tls_cert),
                                           .tls_key_file = given(config->tls_key),
                                           .tls_client_ca_file = given(config->tls_client_ca)};
    enum mu_status st;

    http->config = *config;
    st = mu_httpd_start(&server, &http->server, err);
    if (st != MU_OK) {
        free(http);
        return st;
    }
    *ret_http = http;
    return MU_OK;
}

uint16_t gate_http_port(const struct gate_http *http)
{
    return mu_httpd_port(http->server);
}

void gate_http_stop(struct gate_http *http)
{
    if (!http)
        return;
    mu_httpd_stop(http->server, STOP_GRACE_MS);
    cache_slot_done(&http->slot);
    free(http);
}

void gate_http_set_cache(struct gate_http *http, struct gate_cache *cache)
{
    cache_slot_replace(&http->slot, cache);
}

void gate_http_set_ready(struct gate_http *http)
{
    atomic_store(&http->ready, true);
}

void gate_http_set_config(struct gate_http *http, struct gate_config *gate)
{
    const struct mu_route_owner owner = {gate, release_config};

    mu_httpd_set_routes(http->server, routes, ROUTE_COUNT, &owner);
}

enum mu_status gate_http_reload_tls(struct gate_http *http, struct mu_error *err)
{
    return mu_httpd_reload_tls(http->server, err);
}

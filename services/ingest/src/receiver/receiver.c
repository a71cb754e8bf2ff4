#include "receiver/receiver.h"

#include "auth/auth.h"
#include "auth/sns.h"
#include "delivery/outbound.h"
#include "limit/rate_limit.h"
#include "listing/listing.h"
#include "metrics/metrics.h"
#include "receiver/reply.h"
#include "source/fact.h"
#include "source/source.h"

#include "base/log.h"
#include "base/text.h"
#include "httpd/httpd.h"

#include <stdlib.h>
#include <string.h>

enum {
    RECEIVER_THREADS = 2,
    RECEIVER_CONNECTIONS = 4096,
    RECEIVER_STOP_GRACE_MS = 15000,
    METRICS_MAX_BYTES = 1024 * 1024,
    URL_MAX_BYTES = 4096,
    LIST_MAX_BYTES = 1024
};

struct receiver {
    struct receiver_config config; /* `sources`: only the first */
    struct mu_httpd *server;
};

/* What a table of routes was made of. */
struct served {
    struct ingest_config *sources;
    void (*release)(struct ingest_config *sources);
};

/* ---- requests ---- */

/* Of the sources with which the request began. */
static const struct source_config *source_of(const struct mu_request *request)
{
    const struct served *served = mu_request_context(request);
    const struct ingest_config *sources = served->sources;

    for (size_t i = 0; i < sources->source_count; i++)
        if (mu_text_equal(sources->sources[i].path, mu_request_path(request)))
            return &sources->sources[i];
    return NULL;
}

static const char *request_header(void *opaque, const char *name)
{
    return mu_request_header(opaque, name);
}

static const char *request_query(void *opaque, const char *name)
{
    return mu_request_query(opaque, name);
}

/* ---- credentials ---- */

static struct auth_request credentials_of(struct mu_request *request, int64_t now_us)
{
    struct auth_request given = {.header = request_header,
                                 .query = request_query,
                                 .opaque = request,
                                 .client_subject = mu_request_client_subject(request),
                                 .now_us = now_us};

    given.body = mu_request_body(request, &given.len);
    return given;
}

/* False when the request has been answered. */
static bool is_authorised(const struct source_config *source, struct mu_request *request,
                          int64_t now_us)
{
    const struct auth_request given = credentials_of(request, now_us);
    const char *why;

    switch (auth_check(source->rules, source->rule_count, &given, &why)) {
    case AUTH_ALLOWED:
        return true;
    case AUTH_LATER:
        mu_metric_add(&metric_requests_refused, 1);
        mu_httpd_reply_error(request, 503, why);
        return false;
    case AUTH_DENIED:
        break;
    }
    mu_metric_add(&metric_requests_denied, 1);
    source_health_failed(source->health, given.now_us, why);
    MU_LOG(MU_LOG_DEBUG, "request denied", MU_KV("source", source->name), MU_KV("why", why));
    mu_httpd_reply_denied(request, auth_challenge(source->rules, source->rule_count), why);
    return false;
}

/* ---- limits ---- */

/* Answers when the source has sent more than it may. */
static bool is_too_fast(const struct source_config *source, struct mu_request *request)
{
    static const char body[] = "{\"type\":\"about:blank\",\"title\":\"Too Many Requests\","
                               "\"status\":429,\"detail\":\"max_requests_per_second of the "
                               "source is reached\"}\n";
    static const char *const headers[] = {"Retry-After", "1", NULL};

    if (!source->rate ||
        rate_limit_take(source->rate, (int64_t)mu_monotonic_ms() * INT64_C(1000)) == 0)
        return false;
    mu_metric_add(&metric_requests_limited, 1);
    source_health_failed(source->health, mu_now_us(), "max_requests_per_second is reached");
    mu_httpd_reply(request, 429, "application/problem+json", body, sizeof(body) - 1, headers);
    return true;
}

/* ---- Amazon SNS: a topic asks whether it may send ("Confirm the subscription") ---- */

/* Looked at again by the SNS rule alone: other credentials do not make its URL one to visit. */
static void confirm(const struct source_config *source, struct mu_request *request)
{
    const struct auth_request given = credentials_of(request, mu_now_us());
    MU_AUTO_DONE(mu_buf_done) struct mu_buf url;
    const char *why;

    mu_buf_init(&url, URL_MAX_BYTES);
    for (size_t i = 0; i < source->rule_count; i++) {
        const struct auth_rule *rule = &source->rules[i];

        if (rule->kind == SOURCE_AUTH_SNS && auth_check(rule, 1, &given, &why) == AUTH_ALLOWED &&
            sns_confirmation_url(given.body, given.len, &url)) {
            mu_key_store_visit(rule->keys, url.data);
            return;
        }
    }
    MU_LOG(MU_LOG_WARN, "subscription not confirmed: no rule 'sns' allows it",
           MU_KV("source", source->name));
}

static void confirm_handshakes(const struct source_input *input, const struct source_events *events,
                               struct mu_request *request)
{
    if (!(input->source->kind->auth & SOURCE_AUTH_SNS))
        return;
    for (size_t i = 0; i < events->fact_count; i++)
        if (events->facts[i]->class_ == FACT_HANDSHAKE) {
            confirm(input->source, request);
            return;
        }
}

/* ---- one webhook ---- */

static void on_durable(void *opaque, enum mu_status status)
{
    struct mu_request *request = opaque;
    const struct reply *reply = mu_request_state(request);

    if (status == MU_OK) {
        mu_metric_add(&metric_requests_accepted, 1);
        mu_httpd_reply(request, reply->status, NULL, reply->body, reply->len, NULL);
    } else {
        mu_metric_add(&metric_requests_refused, 1);
        mu_httpd_reply_error(request, 503, "not durable yet: send it again");
    }
}

/* Pushes that do not say what was pushed. */
static void look_up(const struct receiver *receiver, const struct source_events *events)
{
    for (size_t i = 0; i < events->count; i++)
        if (events->items[i].type == MU_MSG_REGISTRY_EVENT)
            listings_look_up(receiver->config.listings, events->items[i].message);
}

/* Keeps the answer for when everything is durable. */
static enum mu_status prepare_reply(const struct source_input *input,
                                    const struct source_events *events, struct mu_request *request,
                                    struct mu_error *err)
{
    struct reply *reply = mu_arena_alloc(input->arena, sizeof(*reply));

    if (!reply)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    *reply = reply_make(input, events);
    mu_request_set_state(request, reply, NULL);
    return MU_OK;
}

static void post_event(void *opaque, struct mu_request *request)
{
    struct receiver *receiver = opaque;
    struct source_input input = {.source = source_of(request),
                                 .content_type = mu_request_header(request, "Content-Type"),
                                 .header = request_header,
                                 .opaque = request,
                                 .received_at_us = mu_now_us(),
                                 .arena = mu_request_arena(request)};
    struct source_events events = {.arena = input.arena};
    struct mu_outgoing *messages = NULL;
    struct mu_error err;
    enum mu_status st;

    if (!is_authorised(input.source, request, input.received_at_us) ||
        is_too_fast(input.source, request))
        return;
    input.body = mu_request_body(request, &input.len);
    st = source_decode(&input, &events, &err);
    if (st == MU_OK)
        st = outbound_make(&input, &events, mu_request_header(request, "traceparent"), &messages,
                           &err);
    if (st == MU_OK)
        st = prepare_reply(&input, &events, request, &err);
    if (st != MU_OK) {
        mu_metric_add(&metric_requests_refused, 1);
        mu_httpd_reply_error(request, 503, err.message);
        return;
    }
    confirm_handshakes(&input, &events, request);
    look_up(receiver, &events);
    delivery_send_kept(receiver->config.delivery, messages, events.count, input.arena, on_durable,
                       request);
}

/* ---- a listing on demand ---- */

static void post_list(void *opaque, struct mu_request *request)
{
    static const char accepted[] = "{\"listing\":\"requested\"}\n";
    const struct receiver *receiver = opaque;
    const struct source_config *source = source_of(request);

    if (!source || source->rule_count == 0) {
        mu_httpd_reply_error(request, 403,
                             "the source has no 'auth': nobody may ask for a listing");
        return;
    }
    if (!is_authorised(source, request, mu_now_us()))
        return;
    (void)listings_request(receiver->config.listings, source->name);
    mu_httpd_reply(request, 202, NULL, accepted, sizeof(accepted) - 1, NULL);
}

/* ---- CloudEvents webhook handshake (HTTP 1.1 Web Hooks for Event Delivery, section 4) ---- */

/* The origin as the configuration has it; NULL when it may not send. Host names have no case. */
static const char *allowed_origin(const struct source_config *source, const char *asked)
{
    for (size_t i = 0; asked && i < source->origin_count; i++)
        if (strcasecmp(source->origins[i], asked) == 0)
            return source->origins[i];
    return NULL;
}

/* WebHook-Request-Callback is never visited: an answer says the same. */
static void options_event(void *opaque, struct mu_request *request)
{
    const struct source_config *source = source_of(request);
    const char *headers[] = {"Allow", "POST, OPTIONS", NULL, NULL, NULL, NULL, NULL};

    (void)opaque;
    if (!is_authorised(source, request, mu_now_us()))
        return;
    headers[3] = allowed_origin(source, mu_request_header(request, "WebHook-Request-Origin"));
    if (headers[3]) {
        headers[2] = "WebHook-Allowed-Origin";
        if (mu_request_header(request, "WebHook-Request-Rate")) {
            headers[4] = "WebHook-Allowed-Rate";
            headers[5] = "*";
        }
    }
    mu_httpd_reply(request, 200, NULL, "", 0, headers);
}

/* ---- health ---- */

static void get_healthz(void *opaque, struct mu_request *request)
{
    (void)opaque;
    mu_httpd_reply(request, 200, "text/plain", "ok\n", 3, NULL);
}

static void get_readyz(void *opaque, struct mu_request *request)
{
    const struct receiver *receiver = opaque;

    if (mu_producer_connected(receiver->config.producer) || spool_has_room(receiver->config.spool))
        mu_httpd_reply(request, 200, "text/plain", "ready\n", 6, NULL);
    else
        mu_httpd_reply_error(request, 503, "Kafka is not reachable and the spool is full");
}

static void get_metrics(void *opaque, struct mu_request *request)
{
    const struct receiver *receiver = opaque;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    mu_buf_init(&text, METRICS_MAX_BYTES);
    mu_metrics_render(ingest_metrics, ingest_metric_count, &text);
    if (receiver->config.health)
        health_render(receiver->config.health, mu_now_us(), &text);
    mu_httpd_reply(request, 200, "text/plain; version=0.0.4", text.data, text.len, NULL);
}

static void get_sources(void *opaque, struct mu_request *request)
{
    const struct receiver *receiver = opaque;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct mu_error err;

    mu_buf_init(&text, METRICS_MAX_BYTES);
    if (health_to_json(receiver->config.health, mu_now_us(), &text, &err) != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else
        mu_httpd_reply(request, 200, NULL, text.data, text.len, NULL);
}

/* ---- start and stop ---- */

static const struct mu_route fixed_routes[] = {
        {"GET", "/healthz", get_healthz, NULL, 0},
        {"GET", "/readyz", get_readyz, NULL, 0},
        {"GET", "/metrics", get_metrics, NULL, 0},
        {"GET", "/v1/sources", get_sources, NULL, 0}, /* last: only with a health */
};
enum { FIXED_ROUTES = sizeof(fixed_routes) / sizeof(fixed_routes[0]) };

static size_t max_body_of(const struct receiver *receiver, const struct source_config *source)
{
    size_t own = (size_t)source->max_body_bytes;

    return own > 0 && own < receiver->config.max_body_bytes ? own : receiver->config.max_body_bytes;
}

/* The fixed ones and two for each webhook. The caller frees them. */
static struct mu_route *make_routes(const struct receiver *receiver,
                                    const struct ingest_config *sources, size_t *ret_count)
{
    struct mu_route *routes =
            mu_xcalloc(FIXED_ROUTES + 2 * sources->source_count, sizeof(struct mu_route));
    size_t count = receiver->config.health ? FIXED_ROUTES : FIXED_ROUTES - 1;

    memcpy(routes, fixed_routes, count * sizeof(struct mu_route));
    for (size_t i = 0; i < sources->source_count; i++) {
        const struct source_config *source = &sources->sources[i];

        if (mu_text_equal(source->kind->transport, "listing"))
            routes[count++] =
                    (struct mu_route){"POST", source->path, post_list, NULL, LIST_MAX_BYTES};
        if (!mu_text_equal(source->kind->transport, "webhook"))
            continue;
        routes[count++] = (struct mu_route){"POST", source->path, post_event, NULL,
                                            max_body_of(receiver, source)};
        routes[count++] = (struct mu_route){"OPTIONS", source->path, options_event, NULL, 0};
    }
    *ret_count = count;
    return routes;
}

static void release_served(void *context)
{
    struct served *served = context;

    if (served->release)
        served->release(served->sources);
    free(served);
}

static struct mu_route_owner owner_of(const struct receiver *receiver,
                                      struct ingest_config *sources)
{
    struct served *served = mu_xcalloc(1, sizeof(*served));

    *served = (struct served){sources, receiver->config.release};
    return (struct mu_route_owner){served, release_served};
}

enum mu_status receiver_start(const struct receiver_config *config, struct receiver **ret_receiver,
                              struct mu_error *err)
{
    struct receiver *receiver = mu_xcalloc(1, sizeof(*receiver));
    struct mu_httpd_config server = {.listen = config->listen,
                                     .opaque = receiver,
                                     .threads = RECEIVER_THREADS,
                                     .max_connections = RECEIVER_CONNECTIONS,
                                     .tls_cert_file = config->tls_cert_file,
                                     .tls_key_file = config->tls_key_file,
                                     .tls_client_ca_file = config->tls_client_ca_file};
    MU_AUTO_FREE struct mu_route *routes = NULL;
    enum mu_status st;

    receiver->config = *config;
    routes = make_routes(receiver, config->sources, &server.route_count);
    server.routes = routes;
    server.owner = owner_of(receiver, config->sources);
    st = mu_httpd_start(&server, &receiver->server, err);
    if (st != MU_OK) {
        free(server.owner.context);
        free(receiver);
        return st;
    }
    *ret_receiver = receiver;
    return MU_OK;
}

void receiver_replace(struct receiver *receiver, struct ingest_config *sources)
{
    size_t count = 0;
    MU_AUTO_FREE struct mu_route *routes = make_routes(receiver, sources, &count);
    struct mu_route_owner owner = owner_of(receiver, sources);

    mu_httpd_set_routes(receiver->server, routes, count, &owner);
}

uint16_t receiver_port(const struct receiver *receiver)
{
    return mu_httpd_port(receiver->server);
}

void receiver_stop(struct receiver *receiver)
{
    if (!receiver)
        return;
    mu_httpd_stop(receiver->server, RECEIVER_STOP_GRACE_MS);
    free(receiver);
}

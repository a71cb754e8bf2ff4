#include "receiver/receiver.h"

#include "delivery/outbound.h"
#include "metrics/metrics.h"
#include "source/source.h"

#include "base/text.h"
#include "httpd/httpd.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RECEIVER_THREADS = 2, RECEIVER_STOP_GRACE_MS = 15000, METRICS_MAX_BYTES = 64 * 1024 };

struct receiver {
    struct receiver_config config;
    struct mu_route *routes;
    struct mu_httpd *server;
};

/* ---- one webhook ---- */

static const struct source_config *source_of(const struct receiver *receiver,
                                             const struct mu_request *request)
{
    const struct ingest_config *sources = receiver->config.sources;

    for (size_t i = 0; i < sources->source_count; i++)
        if (mu_text_equal(sources->sources[i].path, mu_request_path(request)))
            return &sources->sources[i];
    return NULL;
}

/* Every secret is compared, whatever the first says. */
static bool is_authorised(const struct source_config *source, const struct mu_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *given = mu_request_header(request, "Authorization");
    bool right = false;

    if (source->secret_count == 0)
        return true;
    if (!given || strncasecmp(given, scheme, strlen(scheme)) != 0)
        return false;
    given += strlen(scheme);
    for (size_t i = 0; i < source->secret_count; i++)
        right |= mu_secret_equal(source->secrets[i], strlen(source->secrets[i]), given,
                                 strlen(given));
    return right;
}

static void on_durable(void *opaque, enum mu_status status)
{
    struct mu_request *request = opaque;

    if (status == MU_OK) {
        mu_metric_add(&metric_requests_accepted, 1);
        mu_httpd_reply(request, 202, NULL, "", 0, NULL);
    } else {
        mu_metric_add(&metric_requests_refused, 1);
        mu_httpd_reply_error(request, 503, "not durable yet: send it again");
    }
}

static const char *request_header(void *opaque, const char *name)
{
    return mu_request_header(opaque, name);
}

static void post_event(void *opaque, struct mu_request *request)
{
    struct receiver *receiver = opaque;
    struct source_input input = {.source = source_of(receiver, request),
                                 .content_type = mu_request_header(request, "Content-Type"),
                                 .header = request_header,
                                 .opaque = request,
                                 .received_at_us = mu_now_us(),
                                 .arena = mu_request_arena(request)};
    struct source_events events = {.arena = input.arena};
    struct mu_outgoing *messages = NULL;
    struct mu_error err;
    enum mu_status st;

    if (!is_authorised(input.source, request)) {
        mu_metric_add(&metric_requests_denied, 1);
        mu_httpd_reply_error(request, 401, "credentials are missing or wrong");
        return;
    }
    input.body = mu_request_body(request, &input.len);
    st = source_decode(&input, &events, &err);
    if (st == MU_OK)
        st = outbound_make(&input, &events, mu_request_header(request, "traceparent"), &messages,
                           &err);
    if (st != MU_OK) {
        mu_metric_add(&metric_requests_refused, 1);
        mu_httpd_reply_error(request, 503, err.message);
        return;
    }
    delivery_send(receiver->config.delivery, messages, events.count, on_durable, request);
}

/* ---- CloudEvents webhook handshake (HTTP 1.1 Web Hooks for Event Delivery, section 4) ---- */

static void options_event(void *opaque, struct mu_request *request)
{
    const struct receiver *receiver = opaque;
    const struct source_config *source = source_of(receiver, request);
    const char *origin = mu_request_header(request, "WebHook-Request-Origin");
    const char *headers[] = {"Allow", "POST, OPTIONS", "WebHook-Allowed-Origin", origin, NULL};

    if (!is_authorised(source, request)) {
        mu_metric_add(&metric_requests_denied, 1);
        mu_httpd_reply_error(request, 401, "credentials are missing or wrong");
        return;
    }
    if (!origin)
        headers[2] = NULL;
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
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    (void)opaque;
    mu_buf_init(&text, METRICS_MAX_BYTES);
    mu_metrics_render(ingest_metrics, ingest_metric_count, &text);
    mu_httpd_reply(request, 200, "text/plain; version=0.0.4", text.data, text.len, NULL);
}

/* ---- start and stop ---- */

static const struct mu_route fixed_routes[] = {
        {"GET", "/healthz", get_healthz, NULL, 0},
        {"GET", "/readyz", get_readyz, NULL, 0},
        {"GET", "/metrics", get_metrics, NULL, 0},
};
enum { FIXED_ROUTES = sizeof(fixed_routes) / sizeof(fixed_routes[0]) };

/* The fixed ones and two for each webhook. */
static size_t make_routes(struct receiver *receiver)
{
    const struct ingest_config *sources = receiver->config.sources;
    size_t count = FIXED_ROUTES;

    receiver->routes =
            mu_xcalloc(FIXED_ROUTES + 2 * sources->source_count, sizeof(struct mu_route));
    memcpy(receiver->routes, fixed_routes, sizeof(fixed_routes));
    for (size_t i = 0; i < sources->source_count; i++) {
        const struct source_config *source = &sources->sources[i];

        if (!mu_text_equal(source->kind->transport, "webhook"))
            continue;
        receiver->routes[count++] = (struct mu_route){"POST", source->path, post_event, NULL,
                                                      receiver->config.max_body_bytes};
        receiver->routes[count++] =
                (struct mu_route){"OPTIONS", source->path, options_event, NULL, 0};
    }
    return count;
}

enum mu_status receiver_start(const struct receiver_config *config, struct receiver **ret_receiver,
                              struct mu_error *err)
{
    struct receiver *receiver = mu_xcalloc(1, sizeof(*receiver));
    struct mu_httpd_config server = {
            .listen = config->listen, .opaque = receiver, .threads = RECEIVER_THREADS};
    enum mu_status st;

    receiver->config = *config;
    server.route_count = make_routes(receiver);
    server.routes = receiver->routes;
    st = mu_httpd_start(&server, &receiver->server, err);
    if (st != MU_OK) {
        receiver_stop(receiver);
        return st;
    }
    *ret_receiver = receiver;
    return MU_OK;
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
    free(receiver->routes);
    free(receiver);
}

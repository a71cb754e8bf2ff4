#include "httpd/connections.h"
#include "httpd/descriptors.h"
#include "httpd/listener.h"
#include "httpd/request.h"
#include "httpd/request_pool.h"
#include "httpd/tls.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DEFAULT_THREADS = 2,
    DEFAULT_CONNECTIONS = 1024,
    DEFAULT_IDLE_MS = 15000,
    CONNECTION_MEMORY_BYTES = 16 * 1024, /* request line and headers; more is 431 */
    HEAD_DEADLINE_FACTOR = 2,            /* of the idle timeout, for a whole head */
    BODY_DEADLINE_FACTOR = 8,            /* of the idle timeout, for a whole body */
    GIVE_UP_MS = 500,                    /* for the last 503s to go out */
    ALLOW_SIZE = 128
};

static const char stopping_text[] = "the service is stopping";

/* Milliseconds of a clock that is cheap to read: deadlines are seconds away. */
static uint64_t coarse_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- routes ---- */

static bool path_matches(const struct mu_route *route, const char *path, const char **ret_rest)
{
    size_t len = strlen(route->path);

    if (len > 0 && route->path[len - 1] == '*') {
        if (strncmp(path, route->path, len - 1) != 0)
            return false;
        *ret_rest = path + len - 1;
        return true;
    }
    return strcmp(path, route->path) == 0;
}

static bool method_matches(const struct mu_route *route, const char *method)
{
    return mu_text_equal(route->method, method) ||
           (mu_text_equal(method, "HEAD") && mu_text_equal(route->method, "GET"));
}

/* Sets the route, or the refusal. */
static void find_route(struct mu_request *request)
{
    const struct route_table *table = request->table;
    bool path_known = false;

    for (size_t i = 0; i < table->count; i++) {
        const char *rest = NULL;

        if (!path_matches(&table->routes[i], request->path, &rest))
            continue;
        path_known = true;
        if (method_matches(&table->routes[i], request->method)) {
            request->route = &table->routes[i];
            request->path_rest = rest;
            return;
        }
    }
    request->refusal = path_known ? MHD_HTTP_METHOD_NOT_ALLOWED : MHD_HTTP_NOT_FOUND;
    (void)mu_fail(&request->refusal_error, MU_E_NOT_FOUND, "%s: '%.200s'",
                  path_known ? "method not allowed on" : "no such resource", request->path);
}

/* "GET, HEAD, POST" of every route that has the path. */
static void allowed_methods(const struct mu_request *request, char allow[ALLOW_SIZE])
{
    const struct route_table *table = request->table;
    const char *rest;
    size_t len = 0;

    allow[0] = '\0';
    for (size_t i = 0; i < table->count && len < ALLOW_SIZE; i++)
        if (path_matches(&table->routes[i], request->path, &rest))
            len += (size_t)snprintf(allow + len, ALLOW_SIZE - len, "%s%s%s", len ? ", " : "",
                                    table->routes[i].method,
                                    mu_text_equal(table->routes[i].method, "GET") ? ", HEAD" : "");
}

/* ---- bodies ---- */

static void refuse_too_large(struct mu_request *request)
{
    request->refusal = MHD_HTTP_CONTENT_TOO_LARGE;
    (void)mu_fail(&request->refusal_error, MU_E_LIMIT, "the body is larger than %zu bytes",
                  request->route->max_body_bytes);
}

static void check_content_length(struct mu_request *request)
{
    const char *text = mu_request_header(request, "Content-Length");
    struct mu_error ignored;
    uint64_t len = 0;

    if (!text || request->refusal)
        return;
    if (mu_text_to_u64(text, "Content-Length", &len, &ignored) != MU_OK ||
        len > request->route->max_body_bytes)
        refuse_too_large(request);
}

static void take_body(struct mu_request *request, const char *bytes, size_t len)
{
    enum mu_status st;

    if (request->refusal)
        return; /* read and dropped, so that the client can read the answer */
    if (!request->route->on_body) {
        mu_buf_append(&request->body, bytes, len);
        if (request->body.failed)
            refuse_too_large(request);
        return;
    }
    st = request->route->on_body(request->server->config.opaque, request, bytes, len,
                                 &request->refusal_error);
    if (st != MU_OK)
        request->refusal = request_http_status(st);
}

/*
 * Ends a connection whose body does not come to its end. libmicrohttpd takes no answer in the
 * middle of a body, so a bare status line says why; what the socket does not take at once is not
 * said, nor is anything under TLS.
 */
static enum MHD_Result cut_off(struct mu_request *request)
{
    const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int status = request->refusal ? request->refusal : MHD_HTTP_REQUEST_TIMEOUT;
    char head[128];
    int len = snprintf(head, sizeof(head),
                       "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", status,
                       MHD_get_reason_phrase_for((unsigned)status));

    if (info && !request->server->config.tls_cert_file && len > 0 && (size_t)len < sizeof(head))
        (void)send(info->connect_fd, head, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return MHD_NO;
}

/* ---- the connection ---- */

/* With "Connection: close" once the server stops. */
static struct MHD_Response *response_of(struct mu_request *request)
{
    struct MHD_Response *response = request->response;
    static char empty[1];

    request->response = NULL;
    if (!response || !atomic_load(&request->server->stopping))
        return response;
    if (response == request_pool_nothing(request->pool)) /* others send it too */
        response = MHD_create_response_from_buffer(0, empty, MHD_RESPMEM_PERSISTENT);
    if (response)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    return response;
}

static enum MHD_Result send_answer(struct mu_request *request)
{
    struct MHD_Response *response = response_of(request);
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    result = MHD_queue_response(request->connection, (unsigned)request->response_status, response);
    request_free_response(request, response);
    return result;
}

static enum MHD_Result send_refusal(struct mu_request *request)
{
    struct MHD_Response *response =
            request_error_response(request->refusal, request->refusal_error.message);
    char allow[ALLOW_SIZE];
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    request_tell(request, request->refusal);
    if (request->refusal == MHD_HTTP_METHOD_NOT_ALLOWED) {
        allowed_methods(request, allow);
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
    }
    result = MHD_queue_response(request->connection, (unsigned)request->refusal, response);
    MHD_destroy_response(response);
    return result;
}

/* What connections.h keeps of it; NULL when there was no memory. */
static struct connection *connection_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

/* Runs the handler, unless the server gave up meanwhile; without an answer yet, suspends the
 * connection until there is one. */
static enum MHD_Result run_handler(struct mu_request *request)
{
    int running = REQUEST_RUNNING;

    connection_whole(connection_of(request->connection));
    request->handled = true;
    if (atomic_load(&request->phase) == REQUEST_RUNNING) {
        atomic_fetch_add(&request->holders, 1);
        request->route->handler(request->server->config.opaque, request);
    }
    if (atomic_load(&request->phase) == REQUEST_REPLIED)
        return send_answer(request);
    MHD_suspend_connection(request->connection);
    if (!atomic_compare_exchange_strong(&request->phase, &running, REQUEST_SUSPENDED))
        MHD_resume_connection(request->connection); /* answered in between */
    return MHD_YES;
}

/* Whatever it is, the server gave up before it had begun. */
static void refuse_too_late(struct mu_request *request)
{
    request->refusal = MHD_HTTP_SERVICE_UNAVAILABLE;
    (void)mu_fail(&request->refusal_error, MU_E_UNAVAILABLE, "%s", stopping_text);
}

/* Whether the server's owner lets it in; else it has been answered. */
static bool admit(struct mu_request *request)
{
    struct mu_httpd *server = request->server;

    if (!request->route || !server->config.admit)
        return true;
    atomic_fetch_add(&request->holders, 1);
    if (!server->config.admit(server->config.opaque, request))
        return false; /* the reply gave up our hold */
    request_drop(request);
    return true;
}

static enum MHD_Result begin(struct mu_httpd *server, struct MHD_Connection *connection,
                             const char *url, const char *method, void **context)
{
    struct mu_request *request = request_open(server, connection, method, url);
    int begins = REQUEST_BEGINS;

    if (!request)
        return MHD_NO;
    *context = request;
    atomic_init(&request->holders, 1);
    connection_head(connection_of(connection));
    request->deadline_ms =
            coarse_ms() + BODY_DEADLINE_FACTOR * (uint64_t)server->config.idle_timeout_ms;
    find_route(request);
    if (!admit(request))
        return send_answer(request);
    if (request->route)
        request->body.max_bytes = request->route->max_body_bytes;
    check_content_length(request);
    if (!atomic_compare_exchange_strong(&request->beginning, &begins, REQUEST_BEGAN))
        refuse_too_late(request);
    /* Refused before the body is read: the connection closes after the answer. */
    return request->refusal ? send_refusal(request) : MHD_YES;
}

static enum MHD_Result on_access(void *opaque, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_len, void **context)
{
    struct mu_request *request = *context;

    (void)version;
    if (!request)
        return begin(opaque, connection, url, method, context);
    if (*upload_len > 0) {
        if (coarse_ms() > request->deadline_ms)
            return cut_off(request);
        take_body(request, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    if (request->refusal)
        return send_refusal(request);
    return request->handled ? send_answer(request) : run_handler(request);
}

static void on_completed(void *opaque, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct mu_request *request = *context;

    (void)opaque, (void)code;
    if (!request)
        return;
    *context = NULL;
    connection_answered(connection_of(connection));
    request_pool_end(request->pool, request);
    request_drop(request);
}

static void on_connection(void *opaque, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct mu_httpd *server = opaque;
    const union MHD_ConnectionInfo *info;

    switch (code) {
    case MHD_CONNECTION_NOTIFY_STARTED:
        httpd_tls_enter(server);
        info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = info ? connections_opened(server->connections, info->connect_fd) : NULL;
        return;
    case MHD_CONNECTION_NOTIFY_CLOSED:
        connections_closed(server->connections, *context);
        *context = NULL;
        return;
    }
}

/* ---- start and stop ---- */

static struct mu_httpd *server_new(const struct mu_httpd_config *config, struct route_table *table)
{
    struct mu_httpd *server = mu_xcalloc(1, sizeof(*server));

    server->config = *config;
    if (server->config.threads == 0)
        server->config.threads = DEFAULT_THREADS;
    if (server->config.threads > HTTPD_MAX_THREADS)
        server->config.threads = HTTPD_MAX_THREADS;
    if (server->config.max_connections == 0)
        server->config.max_connections = DEFAULT_CONNECTIONS;
    if (server->config.idle_timeout_ms == 0)
        server->config.idle_timeout_ms = DEFAULT_IDLE_MS;
    server->config.max_connections = descriptors_for(server->config.max_connections);
    for (unsigned i = 0; i < server->config.threads; i++)
        server->pools[i] = request_pool_new(table);
    return server;
}

static void server_free(struct mu_httpd *server)
{
    httpd_tls_release(server);
    connections_free(server->connections);
    for (unsigned i = 0; i < server->config.threads; i++)
        request_pool_close(server->pools[i]);
    free(server);
}

enum { TLS_OPTIONS = 6 };

/* The rows of `tls`, ended; libmicrohttpd reads the texts while it starts. */
static void tls_options(const struct httpd_tls *tls, struct MHD_OptionItem ret_options[TLS_OPTIONS])
{
    struct MHD_OptionItem *at = ret_options;

    if (tls->cert.len > 0) {
        *at++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, tls->cert.data};
        *at++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key.data};
        *at++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0,
                                        (void *)(uintptr_t)httpd_tls_priorities};
        *at++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, httpd_tls_giver()};
    }
    if (tls->client_ca.len > 0)
        *at++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, tls->client_ca.data};
    *at = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

static struct MHD_Daemon *start_daemon(struct mu_httpd *server, int fd, const struct httpd_tls *tls)
{
    const struct mu_httpd_config *config = &server->config;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     (tls->cert.len > 0 ? MHD_USE_TLS : 0);
    unsigned timeout_s = (unsigned)((config->idle_timeout_ms + 999) / 1000);
    struct MHD_OptionItem tls_rows[TLS_OPTIONS];
    /* A pool of one is no pool: libmicrohttpd refuses it. */
    enum MHD_OPTION pool = config->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END;

    tls_options(tls, tls_rows);
    return MHD_start_daemon(flags, 0, NULL, NULL, on_access, server, MHD_OPTION_LISTEN_SOCKET, fd,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
                            MHD_OPTION_CONNECTION_LIMIT, config->max_connections,
                            MHD_OPTION_CONNECTION_TIMEOUT, timeout_s,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
                            MHD_OPTION_ARRAY, tls_rows, pool, config->threads, MHD_OPTION_END);
}

static enum mu_status watch_connections(struct mu_httpd *server, struct mu_error *err)
{
    uint64_t idle_ms = (uint64_t)server->config.idle_timeout_ms;
    const struct connections_limits limits = {
            .max_connections = server->config.max_connections,
            .head_ms = HEAD_DEADLINE_FACTOR * idle_ms,
            .body_ms = (HEAD_DEADLINE_FACTOR + BODY_DEADLINE_FACTOR) * idle_ms};

    return connections_new(&limits, &server->connections, err);
}

static enum mu_status start_server(const struct mu_httpd_config *config,
                                   const struct httpd_tls *tls, struct mu_httpd **ret_server,
                                   struct mu_error *err)
{
    static const struct mu_route_owner nobody = {0};
    struct route_table *table;
    struct mu_httpd *server;
    int fd = -1;
    enum mu_status st = listener_open(config->listen, &fd, err);

    if (st != MU_OK)
        return st;
    table = route_table_new(config->routes, config->route_count, &config->owner);
    server = server_new(config, table);
    server->listener = fd;
    server->port = listener_port(fd);
    st = watch_connections(server, err);
    if (st == MU_OK && tls->cert.len > 0)
        st = httpd_tls_use(server, tls, err);
    if (st == MU_OK)
        server->daemon = start_daemon(server, fd, tls);
    if (!server->daemon) {
        (void)close(fd);
        table->owner = nobody; /* not taken */
        server_free(server);
        route_table_drop(table);
        return st != MU_OK ? st
                           : mu_fail(err, MU_E_UNAVAILABLE, "the HTTP server on '%s' did not start",
                                     config->listen);
    }
    route_table_drop(table); /* the pools hold it */
    *ret_server = server;
    return MU_OK;
}

enum mu_status mu_httpd_start(const struct mu_httpd_config *config, struct mu_httpd **ret_server,
                              struct mu_error *err)
{
    MU_AUTO_DONE(httpd_tls_done) struct httpd_tls tls;
    enum mu_status st = MU_OK;

    httpd_tls_init(&tls);
    if (config->tls_cert_file || config->tls_key_file || config->tls_client_ca_file)
        st = httpd_tls_read(config, &tls, err);
    return st == MU_OK ? start_server(config, &tls, ret_server, err) : st;
}

enum mu_status mu_httpd_reload_tls(struct mu_httpd *server, struct mu_error *err)
{
    MU_AUTO_DONE(httpd_tls_done) struct httpd_tls tls;
    enum mu_status st = MU_OK;

    httpd_tls_init(&tls);
    if (server->config.tls_cert_file)
        st = httpd_tls_read(&server->config, &tls, err);
    return st == MU_OK && tls.cert.len > 0 ? httpd_tls_use(server, &tls, err) : st;
}

uint16_t mu_httpd_port(const struct mu_httpd *server)
{
    return server->port;
}

void mu_httpd_set_routes(struct mu_httpd *server, const struct mu_route *routes, size_t route_count,
                         const struct mu_route_owner *owner)
{
    struct route_table *table = route_table_new(routes, route_count, owner);

    for (unsigned i = 0; i < server->config.threads; i++)
        request_pool_set_table(server->pools[i], table);
    route_table_drop(table); /* the pools hold it */
}

static size_t open_requests(struct mu_httpd *server)
{
    size_t count = 0;

    for (unsigned i = 0; i < server->config.threads; i++)
        count += request_pool_open_count(server->pools[i]);
    return count;
}

/* libmicrohttpd cannot stop with suspended connections: whoever still waits for a reply gets 503.
 */
static void give_up_open(struct mu_httpd *server)
{
    for (unsigned i = 0; i < server->config.threads; i++)
        request_pool_give_up(server->pools[i], stopping_text);
}

/* A thread with all the connections it may have takes the listener out of its set: it must not be
 * vacated before. While it is shut their number only falls, but for one that each thread has in
 * hand. */
static bool may_vacate(const struct mu_httpd *server)
{
    unsigned threads = server->config.threads;
    const union MHD_DaemonInfo *info =
            MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

    return info && info->num_connections + threads < server->config.max_connections / threads;
}

static void vacate_listener(struct mu_httpd *server)
{
    if (!server->vacated && may_vacate(server))
        server->vacated = listener_vacate(server->listener);
}

/* Not mu_stop_wait: at this point the stop flag is set already. */
static void wait_for_requests(struct mu_httpd *server, int64_t grace_ms)
{
    uint64_t deadline_ms = mu_monotonic_ms() + (uint64_t)(grace_ms > 0 ? grace_ms : 0);
    struct timespec pause = {0, 5 * 1000 * 1000};

    while (open_requests(server) > 0 && mu_monotonic_ms() < deadline_ms) {
        vacate_listener(server);
        (void)pselect(0, NULL, NULL, NULL, &pause, NULL);
    }
}

void mu_httpd_stop(struct mu_httpd *server, int64_t grace_ms)
{
    if (!server)
        return;
    atomic_store(&server->stopping, true);
    listener_refuse(server->listener);
    wait_for_requests(server, grace_ms);
    give_up_open(server);
    wait_for_requests(server, GIVE_UP_MS);
    MHD_stop_daemon(server->daemon);
    server_free(server);
}

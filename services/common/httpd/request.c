#include "httpd/request.h"

#include "httpd/request_pool.h"
#include "httpd/tls.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REQUEST_ARENA_MAX_BYTES = 64 * 1024 * 1024, PROBLEM_MAX_BYTES = 4096 };

struct route_table *route_table_new(const struct mu_route *routes, size_t count,
                                    const struct mu_route_owner *owner)
{
    struct route_table *table = mu_xcalloc(1, sizeof(*table) + count * sizeof(struct mu_route));

    atomic_init(&table->holders, 1); /* who makes it */
    table->owner = *owner;
    table->count = count;
    if (count > 0)
        memcpy(table->routes, routes, count * sizeof(struct mu_route));
    return table;
}

void route_table_drop(struct route_table *table)
{
    if (!table || atomic_fetch_sub(&table->holders, 1) != 1)
        return;
    if (table->owner.release)
        table->owner.release(table->owner.context);
    free(table);
}

/* Threads that serve requests are counted; this one's number among them. */
static unsigned thread_number(void)
{
    static atomic_uint count;
    static _Thread_local unsigned number; /* from 1 */

    if (number == 0)
        number = atomic_fetch_add(&count, 1) + 1;
    return number;
}

struct mu_request *request_open(struct mu_httpd *server, struct MHD_Connection *connection,
                                const char *method, const char *path)
{
    struct mu_request *request =
            request_pool_open(server->pools[thread_number() % server->config.threads]);

    if (!request)
        return NULL;
    request->server = server;
    request->connection = connection;
    request->method = method;
    request->path = path;
    return request;
}

void request_drop(struct mu_request *request)
{
    struct route_table *table = request->table;

    if (atomic_fetch_sub(&request->holders, 1) != 1)
        return;
    if (request->release)
        request->release(request->state);
    request_free_response(request, request->response);
    request_pool_give(request->pool, request);
    route_table_drop(table); /* last: state and arena may point into its owner */
}

/* ---- what a handler may ask ---- */

const char *mu_request_method(const struct mu_request *request)
{
    return request->method;
}

size_t mu_request_route(const struct mu_request *request)
{
    return (size_t)(request->route - request->table->routes);
}

const char *mu_request_path(const struct mu_request *request)
{
    return request->path;
}

const char *mu_request_path_rest(const struct mu_request *request)
{
    return request->path_rest;
}

const char *mu_request_header(const struct mu_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *mu_request_query(const struct mu_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

struct query_walk {
    mu_query_fn *each;
    void *opaque;
    bool stopped;
};

static enum MHD_Result walk_query(void *opaque, enum MHD_ValueKind kind, const char *name,
                                  size_t name_len, const char *value, size_t value_len)
{
    struct query_walk *walk = opaque;

    (void)kind;
    walk->stopped = !walk->each(walk->opaque, name, name_len, value, value_len);
    return walk->stopped ? MHD_NO : MHD_YES;
}

bool mu_request_each_query(const struct mu_request *request, mu_query_fn *each, void *opaque)
{
    struct query_walk walk = {each, opaque, false};

    (void)MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, walk_query,
                                      &walk);
    return !walk.stopped;
}

const char *mu_request_client_subject(struct mu_request *request)
{
    return httpd_tls_subject(request->connection, mu_request_arena(request));
}

const void *mu_request_body(const struct mu_request *request, size_t *ret_len)
{
    *ret_len = request->body.len;
    return request->body.data;
}

void *mu_request_context(const struct mu_request *request)
{
    return request->table->owner.context;
}

struct mu_arena *mu_request_arena(struct mu_request *request)
{
    if (!request->arena)
        request->arena = mu_arena_new(REQUEST_ARENA_MAX_BYTES);
    return request->arena;
}

void mu_request_set_state(struct mu_request *request, void *state, void (*release)(void *))
{
    request->state = state;
    request->release = release;
}

void *mu_request_state(const struct mu_request *request)
{
    return request->state;
}

void mu_request_set_caller(struct mu_request *request, const void *caller)
{
    request->caller = caller;
}

const void *mu_request_caller(const struct mu_request *request)
{
    return request->caller;
}

/* ---- the reply ---- */

void request_free_response(const struct mu_request *request, struct MHD_Response *response)
{
    if (response && response != request_pool_nothing(request->pool))
        MHD_destroy_response(response);
}

void request_tell(struct mu_request *request, int status)
{
    if (request->route && request->server->config.answered)
        request->server->config.answered(request->server->config.opaque, request, status);
}

void request_answer(struct mu_request *request, int status, struct MHD_Response *response)
{
    if (atomic_exchange(&request->answered, true)) {
        request_free_response(request, response);
        return;
    }
    request->response_status = status;
    request->response = response;
    request_tell(request, status);
    if (atomic_exchange(&request->phase, REQUEST_REPLIED) == REQUEST_SUSPENDED)
        MHD_resume_connection(request->connection);
}

static void add_headers(struct MHD_Response *response, const char *const *headers)
{
    for (; headers && headers[0] && headers[1]; headers += 2)
        (void)MHD_add_response_header(response, headers[0], headers[1]);
}

void mu_httpd_reply(struct mu_request *request, int status, const char *content_type,
                    const void *body, size_t len, const char *const *extra_headers)
{
    bool nothing = len == 0 && !extra_headers;
    struct MHD_Response *response =
            nothing ? request_pool_nothing(request->pool)
                    : MHD_create_response_from_buffer(len, (void *)(uintptr_t)body,
                                                      MHD_RESPMEM_MUST_COPY);

    if (response) {
        if (len > 0)
            (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                          content_type ? content_type : "application/json");
        add_headers(response, extra_headers);
    }
    request_answer(request, status, response);
    request_drop(request);
}

void mu_httpd_reply_file(struct mu_request *request, int status, const char *content_type, int fd,
                         uint64_t size_bytes, const char *const *extra_headers)
{
    struct MHD_Response *response = MHD_create_response_from_fd64(size_bytes, fd);

    if (response) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
        add_headers(response, extra_headers);
    } else {
        (void)close(fd);
    }
    request_answer(request, status, response);
    request_drop(request);
}

struct MHD_Response *request_error_response(int status, const char *detail)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    const char *title = MHD_get_reason_phrase_for((unsigned)status);
    struct MHD_Response *response;

    mu_buf_init(&body, PROBLEM_MAX_BYTES);
    mu_buf_puts(&body, "{\"type\":\"about:blank\",\"title\":");
    mu_text_to_json(title, strlen(title), &body);
    mu_buf_printf(&body, ",\"status\":%d,\"detail\":", status);
    mu_text_to_json(detail, strnlen(detail, MU_ERROR_MESSAGE_MAX), &body);
    mu_buf_puts(&body, "}\n");
    response = MHD_create_response_from_buffer(body.len, body.data, MHD_RESPMEM_MUST_COPY);
    if (response)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                      "application/problem+json");
    return response;
}

void mu_httpd_reply_problem(struct mu_request *request, int http_status, const char *detail,
                            const char *const *extra_headers)
{
    struct MHD_Response *response = request_error_response(http_status, detail);

    if (response)
        add_headers(response, extra_headers);
    request_answer(request, http_status, response);
    request_drop(request);
}

void mu_httpd_reply_error(struct mu_request *request, int http_status, const char *detail)
{
    static const char *const again[] = {MHD_HTTP_HEADER_RETRY_AFTER, "5", NULL};

    if (http_status == MHD_HTTP_UNAUTHORIZED)
        mu_httpd_reply_denied(request, "Bearer", detail);
    else
        mu_httpd_reply_problem(request, http_status, detail,
                               http_status == MHD_HTTP_SERVICE_UNAVAILABLE ? again : NULL);
}

void mu_httpd_reply_denied(struct mu_request *request, const char *challenge, const char *detail)
{
    const char *const headers[] = {MHD_HTTP_HEADER_WWW_AUTHENTICATE, challenge, NULL};

    mu_httpd_reply_problem(request, MHD_HTTP_UNAUTHORIZED, detail, headers);
}

int request_http_status(enum mu_status status)
{
    switch (status) {
    case MU_OK:
    case MU_END:
        return MHD_HTTP_OK;
    case MU_E_INVALID:
        return MHD_HTTP_BAD_REQUEST;
    case MU_E_LIMIT:
        return MHD_HTTP_CONTENT_TOO_LARGE;
    case MU_E_NOT_FOUND:
        return MHD_HTTP_NOT_FOUND;
    case MU_E_DENIED:
        return MHD_HTTP_UNAUTHORIZED;
    case MU_E_CONFLICT:
        return MHD_HTTP_CONFLICT;
    case MU_E_UNAVAILABLE:
    case MU_E_NOMEM:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    case MU_E_INTERNAL:
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

void mu_httpd_reply_failure(struct mu_request *request, const struct mu_error *err)
{
    mu_httpd_reply_error(request, request_http_status(err->status), err->message);
}

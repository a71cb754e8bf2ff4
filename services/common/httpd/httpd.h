/*
 * httpd: the HTTP server of every service. The only place that includes microhttpd.h.
 *
 * A table of routes; a handler gets the whole request body (bounded) or, for large
 * uploads, its pieces; it answers at once or later from another thread (ingest
 * answers from Kafka's delivery report).
 *
 * The server itself answers 404, 405 (with Allow), 413, 431 and 408 (a body that takes longer than
 * eight idle timeouts), and 503 to requests still waiting for their reply when it stops. It closes
 * connections that have sent no whole head within two idle timeouts and, when it runs short of
 * places for connections, those that have sent no request for longest.
 *
 * Threads: handlers run on the server's threads, each request on one thread at a
 * time. mu_httpd_reply may be called from any thread, exactly once per request.
 */
#ifndef MU_HTTPD_H
#define MU_HTTPD_H

#include "base/error.h"
#include "base/memory.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mu_httpd;
struct mu_request;

/* Runs when the request is complete. It must lead to exactly one mu_httpd_reply*, now or later. */
typedef void mu_handler_fn(void *opaque, struct mu_request *request);

/* For `streaming` routes: each piece of the body as it comes. A failure makes the server answer
 * (413 for MU_E_LIMIT, 400 for MU_E_INVALID, else 503) and the handler is not run. */
typedef enum mu_status mu_body_fn(void *opaque, struct mu_request *request, const void *bytes,
                                  size_t len, struct mu_error *err);

struct mu_route {
    const char *method; /* "GET", "POST", "PUT", "OPTIONS" */
    const char *path; /* exact, or with one trailing "*" that matches the rest: "/v1/evidence/" and
                         a star */
    mu_handler_fn *handler;
    mu_body_fn *on_body; /* NULL: the body is collected */
    size_t max_body_bytes;
};

/*
 * What a table of routes belongs to (a configuration that may be replaced while requests are under
 * way): `release` runs with `context` when the table is no longer the server's and the last of its
 * requests has ended.
 */
struct mu_route_owner {
    void *context;
    void (*release)(void *context); /* NULL: nothing to do */
};

struct mu_httpd_config {
    const char *listen; /* "127.0.0.1:8080", "[::]:8080", ":8080" */
    const struct mu_route *routes;
    size_t route_count;
    struct mu_route_owner owner; /* of `routes`; taken only when the server starts */
    void *opaque;                /* given to every handler */
    unsigned threads;            /* 0: 2 */
    unsigned max_connections;    /* 0: 1024; fewer when the process may not open so many */
    int64_t idle_timeout_ms;     /* 0: 15000 */
    /* PEM: the server speaks https alone; NULL: http. The names live as long as the server. */
    const char *tls_cert_file, *tls_key_file;
    const char *tls_client_ca_file; /* PEM of who vouches for clients; NULL: none is asked for */
    /* Asked when the head of a request is there, before its body is read: true lets it in, else it
     * has been replied to. NULL: everybody is let in. */
    bool (*admit)(void *opaque, struct mu_request *request);
    /* Told once of every request that found its route, when its status is decided; from any thread,
     * perhaps under a lock of the server: it must not call the server. NULL: nobody asks. */
    void (*answered)(void *opaque, struct mu_request *request, int status);
};

/* Errors: MU_E_INVALID (address, certificate or key), MU_E_NOT_FOUND, MU_E_UNAVAILABLE. */
enum mu_status mu_httpd_start(const struct mu_httpd_config *config, struct mu_httpd **ret_server,
                              struct mu_error *err) MU_MUST_CHECK;
/* Reads certificate and key again, for connections that begin from now on; on an error those in use
 * stay. Who vouches for clients stays too. One thread at a time. Errors: as mu_httpd_start. */
enum mu_status mu_httpd_reload_tls(struct mu_httpd *server, struct mu_error *err) MU_MUST_CHECK;
/* Port actually bound (for listen ":0"). */
uint16_t mu_httpd_port(const struct mu_httpd *server);
/* Requests that begin from now on see these routes (copied; their paths are not, as at the start);
 * requests under way keep theirs. Takes the owner. From any thread. */
void mu_httpd_set_routes(struct mu_httpd *server, const struct mu_route *routes, size_t route_count,
                         const struct mu_route_owner *owner);
/* Stops accepting, waits up to `grace_ms` for requests under way; then they get 503. A handler may
 * still call mu_httpd_reply* afterwards, and must. */
void mu_httpd_stop(struct mu_httpd *server, int64_t grace_ms);

/* ---- a request; pointers live until the reply ---- */

const char *mu_request_method(const struct mu_request *request); /* "GET", "HEAD", ... */
/* Place of the request's route in the table as it was given. */
size_t mu_request_route(const struct mu_request *request);
const char *mu_request_path(const struct mu_request *request); /* decoded, without query */
const char *mu_request_path_rest(
        const struct mu_request *request); /* what "*" matched, without the slash before it */
const char *mu_request_header(const struct mu_request *request,
                              const char *name); /* NULL when absent */
const char *mu_request_query(const struct mu_request *request,
                             const char *name); /* NULL when absent */
/* Every parameter of the query in its order; `value` is NULL when there is no '='. `each` returning
 * false ends it. Gives whether all were seen. */
typedef bool mu_query_fn(void *opaque, const char *name, size_t name_len, const char *value,
                         size_t value_len);
bool mu_request_each_query(const struct mu_request *request, mu_query_fn *each, void *opaque);
/* Subject (RFC 4514: "CN=client,O=example") of a client certificate that tls_client_ca_file vouches
 * for; NULL when there is none, or it is not trusted. */
const char *mu_request_client_subject(struct mu_request *request);
const void *mu_request_body(const struct mu_request *request, size_t *ret_len);
/* Context of the owner of the table in which the request's route stands. */
void *mu_request_context(const struct mu_request *request);
struct mu_arena *mu_request_arena(struct mu_request *request); /* freed after the reply */
/* State of the handler for this request; `release` runs when the request ends, however it ends. */
void mu_request_set_state(struct mu_request *request, void *state, void (*release)(void *));
void *mu_request_state(const struct mu_request *request);
/* What `admit` found out about who asks; it lives as long as the request, in its arena or beyond.
 */
void mu_request_set_caller(struct mu_request *request, const void *caller);
const void *mu_request_caller(const struct mu_request *request);

/* ---- the reply ---- */

/* `extra_headers`: NULL or "Name", "value", ..., NULL. Body is copied; content type NULL:
 * application/json. */
void mu_httpd_reply(struct mu_request *request, int status, const char *content_type,
                    const void *body, size_t len, const char *const *extra_headers);
/* {"error": "...", "status": 404} as application/problem+json (RFC 9457): title from status, detail
 * = message. */
void mu_httpd_reply_error(struct mu_request *request, int http_status, const char *detail);
/* The same with headers, as mu_httpd_reply takes them. */
void mu_httpd_reply_problem(struct mu_request *request, int http_status, const char *detail,
                            const char *const *extra_headers);
/* The same as 401 with what WWW-Authenticate shall ask for. */
void mu_httpd_reply_denied(struct mu_request *request, const char *challenge, const char *detail);
/* The HTTP status that fits err->status. */
void mu_httpd_reply_failure(struct mu_request *request, const struct mu_error *err);
/* Sends a file's bytes from `fd`, which the server then owns. */
void mu_httpd_reply_file(struct mu_request *request, int status, const char *content_type, int fd,
                         uint64_t size_bytes, const char *const *extra_headers);

#endif

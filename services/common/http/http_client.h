/*
 * http_client: requests to registries, cluster APIs and our own services, streamed
 * and bounded. The only place that includes curl.h.
 *
 * - Response bodies go to a callback in pieces; nothing is buffered unless asked for.
 * - Redirects are followed up to 5, https stays https. When scheme, host or port change,
 *   Authorization, cookies and the client certificate stay behind for good.
 * - HTTP/2 where TLS offers it. Proxies as curl's environment has them (https_proxy, no_proxy).
 * - Every request has a connect timeout, a low-speed limit and a deadline (all redirects
 *   together), and ends within a second once a stop is requested (base/stop.h).
 *
 * Threads: a client belongs to one thread at a time; separate clients are independent.
 * Trust: the peer is hostile; header and body sizes are bounded.
 */
#ifndef MU_HTTP_CLIENT_H
#define MU_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/scope.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mu_http_client;

struct mu_http_client_config {
    const char *user_agent;
    int64_t connect_timeout_ms; /* 0: 5000 */
    int64_t deadline_ms;        /* whole request; 0: 60000; -1: none (watch streams) */
    int64_t stall_timeout_ms;   /* less than min_bytes_per_s for so long; 0: 30000; -1: none */
    int64_t min_bytes_per_s;    /* 0: 1 */
    const char *ca_file;        /* optional PEM bundle; nothing else is then trusted */
    const char *client_cert_file, *client_key_file;        /* optional */
    const char *ca_pem, *client_cert_pem, *client_key_pem; /* the same from memory, preferred */
    const atomic_bool *cancel; /* optional: once true, a request ends within a second */
    const char *unix_socket;   /* optional path: every request goes there, whatever host it names */
    bool no_redirects; /* for URLs that must not lead elsewhere: a redirect is MU_E_INVALID */
    bool public_only; /* for URLs that somebody else chose: a name that leads to a loopback, private
                         or otherwise special address is MU_E_INVALID; a proxy's address counts */
    bool public_redirects; /* the same for a redirect to another host than the request's */
};

enum mu_status mu_http_client_new(const struct mu_http_client_config *config,
                                  struct mu_http_client **ret_client,
                                  struct mu_error *err) MU_MUST_CHECK;
void mu_http_client_free(struct mu_http_client *client);
MU_DEFINE_AUTO(http_client, struct mu_http_client, mu_http_client_free)

/* Returns MU_OK to go on; any failure ends the transfer and is what mu_http_request returns. */
typedef enum mu_status mu_http_body_fn(void *opaque, const void *bytes, size_t len,
                                       struct mu_error *err);

struct mu_http_response;
/* The same for the head, once it is complete. */
typedef enum mu_status mu_http_head_fn(void *opaque, const struct mu_http_response *response,
                                       struct mu_error *err);

struct mu_http_request {
    const char *method; /* "GET" "HEAD" "PUT" "POST" */
    const char *url;
    const char *const *headers; /* "Name: value"; NULL-terminated; may be NULL */
    const char *home; /* optional URL on whose word we go to `url`: with public_redirects another
                         host needs a public address, unless that URL's own host has none */
    const char *authorization; /* header value or NULL; dropped on a redirect to another host */
    const char *keep; /* optional: name of one more header of the answer, for response.kept */
    const void *body; /* may be NULL */
    size_t body_len;
    mu_http_head_fn *on_head; /* optional: called for 2xx before the body */
    mu_http_body_fn *on_body; /* called only for 2xx; other bodies go to response.error_body */
    void *opaque;
    uint64_t max_body_bytes; /* 0: 4 MiB */
};

enum { MU_HTTP_ERROR_BODY_MAX = 1024 };

struct mu_http_response {
    int status;
    char content_type[128];
    char docker_content_digest[136];
    char www_authenticate[1024];
    char etag[256];         /* as sent, with its quotes */
    char last_modified[64]; /* as sent */
    char kept[128];         /* value of the header that request.keep names */
    char link_next[1024];   /* target of Link rel="next", absolute; the peer may name any host */
    int64_t content_length; /* -1 unknown */
    int64_t range_start;    /* of a 206, first byte of what is sent; -1 not said */
    int64_t retry_after_ms; /* -1 none */
    int64_t rate_remaining; /* requests the peer still allows; -1 not said */
    int64_t rate_reset_ms;  /* until it allows more, at most a day; -1 not said */
    char error_body[MU_HTTP_ERROR_BODY_MAX]; /* head of a non-2xx body, printable, NUL-terminated */
};

/*
 * MU_OK whenever a complete response came, whatever its status. Header values that are too long
 * for their field or malformed count as absent. Errors: MU_E_UNAVAILABLE (connect, TLS, timeout,
 * torn transfer, stopping), MU_E_LIMIT (body or head too large, too many redirects), MU_E_INVALID
 * (no http(s) URL, user name in a URL, redirect from https to http, control byte in a header,
 * an address that public_only or public_redirects refuses),
 * or what on_head or on_body returned.
 */
enum mu_status mu_http_request(struct mu_http_client *client, const struct mu_http_request *request,
                               struct mu_http_response *ret_response,
                               struct mu_error *err) MU_MUST_CHECK;

/* Whether the last request failed because nobody who is trusted vouches for the peer's certificate:
 * a certificate may be renewed (MU_E_UNAVAILABLE), but who is asked by a person need not wait. */
bool mu_http_client_distrusts(const struct mu_http_client *client);

/* mu_http_request with the whole body in `out` (its max_bytes is the limit). */
enum mu_status mu_http_fetch(struct mu_http_client *client, const struct mu_http_request *request,
                             struct mu_buf *out, struct mu_http_response *ret_response,
                             struct mu_error *err) MU_MUST_CHECK;

/* "GET url answered 503: <error body>" with the status a caller should act on:
 * 401/403 DENIED, 404 NOT_FOUND, 408/429/5xx UNAVAILABLE, else INVALID. */
enum mu_status mu_http_status_error(const struct mu_http_request *request,
                                    const struct mu_http_response *response, struct mu_error *err);

#endif

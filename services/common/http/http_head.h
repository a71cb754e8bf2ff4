/*
 * http_head: the head of a response, line by line, kept to what Muster uses.
 * Internal to http_client.
 *
 * Threads: plain data, no shared state.
 * Trust:   lines come from a hostile peer, need not be NUL-terminated and may hold any byte.
 *          A value that does not fit, or is malformed, counts as absent: half a token or
 *          half a URL would be worse than none.
 * Sources: RFC 9110 (fields, 10.2.3 Retry-After, 10.2.2 Location, 11.6.1 WWW-Authenticate,
 *          14.4 Content-Range),
 *          RFC 8288 section 3 (Link), OCI distribution-spec (Docker-Content-Digest);
 *          draft-ietf-httpapi-ratelimit-headers-03 and what came before it (RateLimit-*).
 */
#ifndef MU_HTTP_HEAD_H
#define MU_HTTP_HEAD_H

#include "http/http_client.h"

#include <stddef.h>
#include <stdint.h>

enum { HTTP_LOCATION_SIZE = 8192 };

struct http_head {
    struct mu_http_response response;
    char location[HTTP_LOCATION_SIZE]; /* as sent: may be relative */
};

void http_head_reset(struct http_head *head);
/* One line with or without its CRLF. A status line starts the head over (100 Continue, proxies). */
void http_head_line(struct http_head *head, const char *line, size_t len);
/* The same line, into response.kept when it is the header `name`. */
void http_head_keep(struct http_head *head, const char *name, const char *line, size_t len);

/* Target of the first link with relation "next" in a Link value; false when there is none that
 * fits. */
bool http_link_next(const char *value, size_t len, char *ret_target, size_t size);
/* Milliseconds from `now_us`, between 0 and a day; -1 when it is neither seconds nor a date. */
int64_t http_retry_after_ms(const char *value, size_t len, int64_t now_us);

#endif

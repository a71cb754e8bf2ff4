/*
 * http_exchange: one request and one response over a curl handle; no redirects.
 * Internal to http_client.
 */
#ifndef MU_HTTP_EXCHANGE_H
#define MU_HTTP_EXCHANGE_H

#include "http/http_head.h"

#include <curl/curl.h>

struct mu_http_client {
    CURL *curl;                          /* kept between requests: its connections stay open */
    struct mu_http_client_config config; /* texts copied, defaults filled in */
    char curl_error[CURL_ERROR_SIZE];
    bool distrusts;    /* the last exchange ended with a certificate that is not trusted */
    bool home_private; /* a host that was asked for by itself has a private address */
};

enum exchange_flag {
    EXCHANGE_FOREIGN = 1 << 0, /* a redirect left the origin: no credentials */
    EXCHANGE_TO_GET = 1 << 1,  /* a redirect turned the request into GET without body */
    EXCHANGE_ABROAD = 1 << 2   /* a redirect leads to another host than the request's */
};

struct http_exchange {
    const struct mu_http_request *request;
    const char *url;
    unsigned flags;
    uint64_t deadline_at_ms; /* monotonic; 0: none */
    struct http_head head;   /* result */
    /* while it runs */
    const atomic_bool *cancel;
    struct mu_http_client *client;
    uint64_t body_bytes;
    uint64_t head_bytes;
    size_t error_len;
    enum mu_status stopped; /* why a callback ended the transfer */
    struct mu_error *err;
};

/* MU_OK when a complete response came. Errors: as mu_http_request. */
enum mu_status http_exchange_run(struct mu_http_client *client, struct http_exchange *exchange,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif

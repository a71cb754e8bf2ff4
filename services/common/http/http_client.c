#include "http/http_client.h"

#include "base/clock.h"
#include "base/memory.h"
#include "http/http_exchange.h"
#include "http/http_url.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_REDIRECTS = 5,
    CONNECT_TIMEOUT_MS = 5000,
    DEADLINE_MS = 60000,
    STALL_TIMEOUT_MS = 30000
};

/* ---- client ---- */

static void init_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static const char *copy_text(const char *text)
{
    return text != NULL ? mu_xstrdup(text) : NULL;
}

static void copy_config(struct mu_http_client_config *own,
                        const struct mu_http_client_config *config)
{
    *own = *config;
    own->user_agent = copy_text(config->user_agent);
    own->ca_file = copy_text(config->ca_file);
    own->client_cert_file = copy_text(config->client_cert_file);
    own->client_key_file = copy_text(config->client_key_file);
    own->ca_pem = copy_text(config->ca_pem);
    own->client_cert_pem = copy_text(config->client_cert_pem);
    own->client_key_pem = copy_text(config->client_key_pem);
    own->unix_socket = copy_text(config->unix_socket);
    if (own->connect_timeout_ms == 0)
        own->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    if (own->deadline_ms == 0)
        own->deadline_ms = DEADLINE_MS;
    if (own->stall_timeout_ms == 0)
        own->stall_timeout_ms = STALL_TIMEOUT_MS;
    if (own->min_bytes_per_s == 0)
        own->min_bytes_per_s = 1;
}

static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

static void free_secret(const char *text)
{
    if (text != NULL)
        explicit_bzero((void *)(uintptr_t)text, strlen(text));
    free_text(text);
}

enum mu_status mu_http_client_new(const struct mu_http_client_config *config,
                                  struct mu_http_client **ret_client, struct mu_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    MU_AUTO(http_client) struct mu_http_client *client = mu_xcalloc(1, sizeof(*client));

    (void)pthread_once(&once, init_curl);
    copy_config(&client->config, config);
    client->curl = curl_easy_init();
    if (client->curl == NULL)
        return mu_fail(err, MU_E_NOMEM, "HTTP client");
    *ret_client = client;
    client = NULL;
    return MU_OK;
}

void mu_http_client_free(struct mu_http_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl); /* NULL is fine */
    free_text(client->config.user_agent);
    free_text(client->config.ca_file);
    free_text(client->config.client_cert_file);
    free_text(client->config.client_key_file);
    free_text(client->config.ca_pem);
    free_text(client->config.client_cert_pem);
    free_secret(client->config.client_key_pem);
    free_text(client->config.unix_socket);
    free(client);
}

bool mu_http_client_distrusts(const struct mu_http_client *client)
{
    return client->distrusts;
}

/* ---- redirects ---- */

static bool is_redirect(const struct http_head *head)
{
    int status = head->response.status;

    return head->location[0] != '\0' &&
           (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

/* RFC 9110 15.4: 303 always leads to a GET, 301 and 302 after a POST as every client does it. */
static bool turns_to_get(const struct http_exchange *exchange)
{
    int status = exchange->head.response.status;
    const char *method = exchange->request->method;

    if (strcmp(method, "HEAD") == 0)
        return false;
    return status == 303 || ((status == 301 || status == 302) && strcmp(method, "POST") == 0);
}

static const char *home_of(const struct mu_http_request *request)
{
    return request->home ? request->home : request->url;
}

static enum mu_status follow(struct http_exchange *exchange, char **url, struct mu_error *err)
{
    char *next = NULL;

    if (http_url_resolve(exchange->url, exchange->head.location, &next, err) != MU_OK)
        return mu_wrap(err, "redirect");
    if (!http_url_may_lead_to(exchange->url, next)) {
        (void)mu_fail(err, MU_E_INVALID, "redirect from https to '%.200s'", next);
        free(next);
        return err->status;
    }
    if (!http_url_same_origin(exchange->url, next))
        exchange->flags |= EXCHANGE_FOREIGN; /* for good: a way back proves nothing */
    exchange->flags &= ~(unsigned)EXCHANGE_ABROAD;
    if (!http_url_same_host(home_of(exchange->request), next))
        exchange->flags |= EXCHANGE_ABROAD;
    if (turns_to_get(exchange))
        exchange->flags |= EXCHANGE_TO_GET;
    free(*url);
    exchange->url = *url = next;
    return MU_OK;
}

/* A peer's next page as an absolute URL, so that no caller needs to know where a redirect led. */
static void resolve_link(struct http_exchange *exchange)
{
    struct mu_http_response *response = &exchange->head.response;
    MU_AUTO_FREE char *url = NULL;
    struct mu_error ignored;

    if (response->link_next[0] == '\0')
        return;
    if (http_url_resolve(exchange->url, response->link_next, &url, &ignored) == MU_OK &&
        strlen(url) < sizeof(response->link_next))
        memcpy(response->link_next, url, strlen(url) + 1);
    else
        response->link_next[0] = '\0';
}

/* ---- request ---- */

static enum mu_status run_request(struct mu_http_client *client, struct http_exchange *exchange,
                                  struct mu_error *err)
{
    MU_AUTO_FREE char *url = NULL;
    enum mu_status st;

    for (int redirects = 0;; redirects++) {
        st = http_exchange_run(client, exchange, err);
        if (st != MU_OK || !is_redirect(&exchange->head))
            break;
        if (client->config.no_redirects)
            return mu_fail(err, MU_E_INVALID, "a redirect, which is not followed here");
        if (redirects == MAX_REDIRECTS)
            return mu_fail(err, MU_E_LIMIT, "more than %d redirects", MAX_REDIRECTS);
        st = follow(exchange, &url, err);
        if (st != MU_OK)
            return st;
    }
    if (st == MU_OK)
        resolve_link(exchange);
    exchange->url = NULL;
    return st;
}

enum mu_status mu_http_request(struct mu_http_client *client, const struct mu_http_request *request,
                               struct mu_http_response *ret_response, struct mu_error *err)
{
    MU_AUTO_FREE struct http_exchange *exchange = mu_xcalloc(1, sizeof(*exchange));
    int64_t deadline_ms = client->config.deadline_ms;

    exchange->request = request;
    exchange->url = request->url;
    if (request->home && !http_url_same_host(request->home, request->url))
        exchange->flags |= EXCHANGE_ABROAD;
    exchange->deadline_at_ms = deadline_ms > 0 ? mu_monotonic_ms() + (uint64_t)deadline_ms : 0;
    if (run_request(client, exchange, err) != MU_OK)
        return mu_wrap(err, "%s %.300s", request->method, request->url);
    *ret_response = exchange->head.response;
    return MU_OK;
}

static enum mu_status append_body(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct mu_buf *out = opaque;

    mu_buf_append(out, bytes, len);
    return mu_buf_status(out, "body", err);
}

enum mu_status mu_http_fetch(struct mu_http_client *client, const struct mu_http_request *request,
                             struct mu_buf *out, struct mu_http_response *ret_response,
                             struct mu_error *err)
{
    struct mu_http_request buffered = *request;

    mu_buf_reset(out);
    buffered.on_body = append_body;
    buffered.opaque = out;
    buffered.max_body_bytes = out->max_bytes;
    return mu_http_request(client, &buffered, ret_response, err);
}

static enum mu_status answer_status(int status)
{
    switch (status) {
    case 401:
    case 403:
        return MU_E_DENIED;
    case 404:
        return MU_E_NOT_FOUND;
    case 408:
    case 429:
        return MU_E_UNAVAILABLE;
    default:
        return status >= 500 ? MU_E_UNAVAILABLE : MU_E_INVALID;
    }
}

enum mu_status mu_http_status_error(const struct mu_http_request *request,
                                    const struct mu_http_response *response, struct mu_error *err)
{
    return mu_fail(err, answer_status(response->status), "%s %.200s answered %d%s%.200s",
                   request->method, request->url, response->status,
                   response->error_body[0] ? ": " : "", response->error_body);
}

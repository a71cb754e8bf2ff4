#include "watch/kube_client.h"

#include "watch/kube_access.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    ACCESS_ARENA_MAX_BYTES = 16 * 1024 * 1024,
    URL_MAX_BYTES = 64 * 1024,
    JSON_MAX_DEPTH = 64,
    GONE = 410
};

struct kube_client {
    struct mu_arena *arena;
    struct kube_access access;
    struct mu_http_client *http;
};

enum mu_status kube_client_open(const struct kube_client_config *config,
                                struct kube_client **ret_client, struct mu_error *err)
{
    MU_AUTO(kube_client) struct kube_client *client = mu_xcalloc(1, sizeof(*client));
    const struct kube_access *access = &client->access;
    struct mu_http_client_config http = {.user_agent = "muster-ingest",
                                         .deadline_ms = config->deadline_ms,
                                         .stall_timeout_ms = config->stall_ms,
                                         .cancel = config->cancel};
    enum mu_status st;

    client->arena = mu_arena_new(ACCESS_ARENA_MAX_BYTES);
    st = kube_access_read(config->source, client->arena, &client->access, err);
    if (st != MU_OK)
        return st;
    http.ca_file = access->ca_file;
    http.ca_pem = access->ca_pem;
    http.client_cert_file = access->client_cert_file;
    http.client_cert_pem = access->client_cert_pem;
    http.client_key_file = access->client_key_file;
    http.client_key_pem = access->client_key_pem;
    st = mu_http_client_new(&http, &client->http, err);
    if (st != MU_OK)
        return st;
    *ret_client = client;
    client = NULL;
    return MU_OK;
}

void kube_client_close(struct kube_client *client)
{
    if (!client)
        return;
    mu_http_client_free(client->http);
    mu_arena_free(client->arena);
    free(client);
}

/* One exchange; a status that is not 200 is an error. */
static enum mu_status exchange(struct kube_client *client, const char *path,
                               struct mu_http_request *request, struct mu_buf *body,
                               const char *accept, struct kube_answer *ret_answer,
                               struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf url, header;
    const char *headers[] = {"Accept: application/json", NULL};
    struct mu_http_response response;
    enum mu_status st;

    mu_buf_init(&url, URL_MAX_BYTES);
    mu_buf_init(&header, URL_MAX_BYTES);
    mu_buf_printf(&url, "%s%s", client->access.url, path);
    mu_buf_printf(&header, "Accept: %s", accept ? accept : "application/json");
    *ret_answer = (struct kube_answer){0, -1};
    st = mu_buf_status(&url, "URL", err);
    if (st != MU_OK)
        return st;
    headers[0] = header.data;
    request->method = "GET";
    request->url = url.data;
    request->headers = headers;
    request->authorization = client->access.authorization;
    st = body ? mu_http_fetch(client->http, request, body, &response, err)
              : mu_http_request(client->http, request, &response, err);
    if (st != MU_OK)
        return st;
    *ret_answer = (struct kube_answer){response.status, response.retry_after_ms};
    if (response.status == GONE)
        return mu_fail(err, MU_E_NOT_FOUND, "410: the position is too old");
    return response.status == 200 ? MU_OK : mu_http_status_error(request, &response, err);
}

enum mu_status kube_get(struct kube_client *client, const char *path, const char *accept,
                        size_t max_bytes, json_t **ret_root, struct kube_answer *ret_answer,
                        struct mu_error *err)
{
    const struct mu_json_limits limits = {max_bytes, JSON_MAX_DEPTH};
    struct mu_http_request request = {.max_body_bytes = max_bytes};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    enum mu_status st;

    mu_buf_init(&body, max_bytes);
    st = exchange(client, path, &request, &body, accept, ret_answer, err);
    return st == MU_OK ? mu_json_parse(body.data, body.len, &limits, ret_root, err) : st;
}

enum mu_status kube_stream(struct kube_client *client, const char *path, const char *accept,
                           mu_http_body_fn *on_body, void *opaque, struct kube_answer *ret_answer,
                           struct mu_error *err)
{
    struct mu_http_request request = {
            .on_body = on_body, .opaque = opaque, .max_body_bytes = UINT64_MAX};

    return exchange(client, path, &request, NULL, accept, ret_answer, err);
}

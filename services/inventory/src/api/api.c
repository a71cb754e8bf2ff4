#include "api/api.h"

#include "api/server.h"
#include "deviation/statement_store.h"
#include "policy/policy_statements.h"
#include "query/queries.h"

#include <stdlib.h>

enum { API_THREADS = 4, API_TRIES = 2, API_STOP_GRACE_MS = 5000, STRANGERS_PER_SECOND = 10 };

static enum mu_status ask_on(struct pool *pool, api_ask_fn *ask, void *opaque, struct mu_error *err)
{
    enum mu_status st = MU_E_UNAVAILABLE;
    bool lost = true;

    for (int try = 0; lost && try < API_TRIES; try++) {
        struct mu_pg *pg = NULL;

        st = pool_take(pool, &pg, err);
        if (st == MU_OK)
            st = ask(opaque, pg, err);
        lost = pg && !mu_pg_alive(pg);
        pool_give(pool, pg);
    }
    return st;
}

enum mu_status api_ask(struct api *api, api_ask_fn *ask, void *opaque, struct mu_error *err)
{
    return ask_on(api->pool, ask, opaque, err);
}

enum mu_status api_decide(struct api *api, api_ask_fn *ask, void *opaque, struct mu_error *err)
{
    return ask_on(api->deciders, ask, opaque, err);
}

enum mu_status api_state(struct api *api, api_ask_fn *ask, void *opaque, struct mu_error *err)
{
    return ask_on(api->staters, ask, opaque, err);
}

/* ---- from route to endpoint ---- */

static void run_endpoint(void *opaque, struct mu_request *request)
{
    struct api *api = opaque;
    size_t place = mu_request_route(request);
    const struct endpoint *endpoint = api->endpoints[place];

    if (endpoint->handler)
        endpoint->handler(api->opaques[place], request);
    else
        api_reply_list(api, request, endpoint->list);
}

static enum mu_status run_body(void *opaque, struct mu_request *request, const void *bytes,
                               size_t len, struct mu_error *err)
{
    struct api *api = opaque;
    size_t place = mu_request_route(request);

    return api->endpoints[place]->on_body(api->opaques[place], request, bytes, len, err);
}

static enum mu_status add_group(struct api *api, const struct endpoint_group *group,
                                struct mu_route *routes, struct mu_error *err)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct endpoint *endpoint = &group->endpoints[i];

        if (api->endpoint_count == API_MAX_ENDPOINTS)
            return mu_fail(err, MU_E_INTERNAL, "more than %d endpoints", API_MAX_ENDPOINTS);
        routes[api->endpoint_count] =
                (struct mu_route){endpoint->method, endpoint->path, run_endpoint,
                                  endpoint->on_body ? run_body : NULL, endpoint->max_body_bytes};
        api->opaques[api->endpoint_count] = group->opaque ? group->opaque : api;
        api->endpoints[api->endpoint_count++] = endpoint;
    }
    return MU_OK;
}

/* ---- life ---- */

static enum mu_status open_reader(const char *conninfo, struct mu_pg **ret_pg, struct mu_error *err)
{
    return inventory_query_open(conninfo, "muster-inventory api", ret_pg, err);
}

static enum mu_status start(struct api *api, struct mu_error *err)
{
    struct mu_route routes[API_MAX_ENDPOINTS];
    struct mu_httpd_config server = {.listen = api->config.listen,
                                     .routes = routes,
                                     .opaque = api,
                                     .threads = API_THREADS,
                                     .tls_cert_file = api->config.tls_cert_file,
                                     .tls_key_file = api->config.tls_key_file,
                                     .tls_client_ca_file = api->config.tls_client_ca_file,
                                     .admit = api_admit,
                                     .answered = api_answered};
    enum mu_status st = add_group(api, &api_endpoints, routes, err);

    for (size_t i = 0; st == MU_OK && i < api->config.more_count; i++)
        st = add_group(api, &api->config.more[i], routes, err);
    server.route_count = api->endpoint_count;
    if (st == MU_OK)
        st = audit_open(api->config.conninfo, &api->audit, err);
    if (st == MU_OK)
        st = mu_httpd_start(&server, &api->server, err);
    return st;
}

enum mu_status api_start(const struct api_config *config, struct api **ret_api,
                         struct mu_error *err)
{
    struct api *api = mu_xcalloc(1, sizeof(*api));
    enum mu_status st;

    api->config = *config;
    api->pool = pool_new(config->conninfo, open_reader);
    api->deciders = pool_new(config->conninfo, policy_pg_open);
    api->staters = pool_new(config->conninfo, statement_store_open);
    api->rate = rate_new(config->rate_limit);
    api->stranger_rate = rate_new(config->rate_limit > 0 ? STRANGERS_PER_SECOND : 0);
    st = start(api, err);
    if (st != MU_OK) {
        api_stop(api);
        return st;
    }
    *ret_api = api;
    return MU_OK;
}

uint16_t api_port(const struct api *api)
{
    return mu_httpd_port(api->server);
}

void api_stop(struct api *api)
{
    if (!api)
        return;
    mu_httpd_stop(api->server, API_STOP_GRACE_MS);
    audit_close(api->audit);
    pool_free(api->pool);
    pool_free(api->deciders);
    pool_free(api->staters);
    rate_free(api->rate);
    rate_free(api->stranger_rate);
    free(api);
}

/* Whether the process lives and works, and what it counts: for everybody. */
#include "api/server.h"

#include "store/metrics.h"

#include "base/buf.h"

enum { METRICS_MAX_BYTES = 64 * 1024 };

void api_get_healthz(void *opaque, struct mu_request *request)
{
    (void)opaque;
    mu_httpd_reply(request, 200, "text/plain", "ok\n", 3, NULL);
}

static enum mu_status ping(void *opaque, struct mu_pg *pg, struct mu_error *err)
{
    (void)opaque;
    return mu_pg_execute(pg, QUERY_PING, NULL, NULL, err);
}

void api_get_readyz(void *opaque, struct mu_request *request)
{
    struct api *api = opaque;
    struct mu_error err;
    enum mu_status st = api_ask(api, ping, NULL, &err);

    if (st == MU_OK && api->config.ready && !api->config.ready(api->config.opaque))
        st = mu_fail(&err, MU_E_UNAVAILABLE, "Kafka is not reachable, or migrations are under way");
    if (st != MU_OK)
        mu_httpd_reply_error(request, 503, err.message);
    else
        mu_httpd_reply(request, 200, "text/plain", "ready\n", 6, NULL);
}

void api_get_metrics(void *opaque, struct mu_request *request)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    (void)opaque;
    mu_buf_init(&text, METRICS_MAX_BYTES);
    mu_metrics_render(inventory_metrics, inventory_metric_count, &text);
    mu_httpd_reply(request, 200, "text/plain; version=0.0.4", text.data, text.len, NULL);
}

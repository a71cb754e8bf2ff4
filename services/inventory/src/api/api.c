#include "api/api.h"

#include "api/pool.h"
#include "query/text_query.h"
#include "store/metrics.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    API_THREADS = 4,
    API_TRIES = 2,
    API_PAGE_DEFAULT = 100,
    API_PAGE_MAX = 1000,
    API_METRICS_MAX_BYTES = 64 * 1024,
    API_STOP_GRACE_MS = 5000
};

struct api {
    struct api_config config;
    struct pool *pool;
    struct mu_httpd *server;
};

/* ---- JSON straight from the database ---- */

/* The rows of a query. A connection that was lost while it was idle costs a second try, no error.
 */
static enum mu_status run_query(struct api *api, enum inventory_query query,
                                const char *const *values, struct mu_pg_result **ret_result,
                                struct mu_error *err)
{
    enum mu_status st = MU_E_UNAVAILABLE;
    bool lost = true;

    for (int try = 0; lost && try < API_TRIES; try++) {
        struct mu_pg *pg = NULL;

        st = pool_take(api->pool, &pg, err);
        if (st == MU_OK)
            st = mu_pg_execute(pg, (int)query, values, ret_result, err);
        lost = pg && !mu_pg_alive(pg);
        pool_give(api->pool, pg);
    }
    return st;
}

/* Runs a query that gives one JSON text; NULL is 404. */
static void reply_query(struct api *api, struct mu_request *request, enum inventory_query query,
                        const char *const *values)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    struct mu_error err;
    enum mu_status st = run_query(api, query, values, &result, &err);
    const char *json = NULL;

    if (st == MU_OK && mu_pg_rows(result) > 0)
        json = mu_pg_text(result, 0, 0);
    if (st != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else if (!json)
        mu_httpd_reply_error(request, 404, "nothing is known of it");
    else
        mu_httpd_reply(request, 200, NULL, json, strlen(json), NULL);
}

struct page {
    const char *after, *limit;
};

/* ?after=KEY&limit=N; replies itself when the limit is wrong. */
static bool read_page(struct mu_request *request, struct page *ret_page)
{
    const char *after = mu_request_query(request, "after");
    const char *limit = mu_request_query(request, "limit");
    uint64_t number = API_PAGE_DEFAULT;
    struct mu_error err;

    if (limit && mu_text_to_u64(limit, "limit", &number, &err) != MU_OK) {
        mu_httpd_reply_failure(request, &err);
        return false;
    }
    if (number < 1 || number > API_PAGE_MAX) {
        mu_httpd_reply_error(request, 400, "limit must be between 1 and 1000");
        return false;
    }
    ret_page->after = after ? after : "";
    ret_page->limit =
            mu_arena_printf(mu_request_arena(request), "%llu", (unsigned long long)number);
    return true;
}

/* ?as_of=TIME; replies itself when it is no time. */
static bool read_as_of(struct mu_request *request, char as_of[QUERY_TIME_SIZE])
{
    struct mu_error err;

    if (text_query_time(mu_request_query(request, "as_of"), as_of, &err) == MU_OK)
        return true;
    mu_httpd_reply_failure(request, &err);
    return false;
}

static void get_assets(void *opaque, struct mu_request *request)
{
    const char *uai = mu_request_query(request, "uai");
    struct page page;

    if (uai)
        reply_query(opaque, request, QUERY_ASSET_JSON, &uai);
    else if (read_page(request, &page))
        reply_query(opaque, request, QUERY_ASSETS_JSON,
                    (const char *const[]){page.after, page.limit});
}

static void get_digest(void *opaque, struct mu_request *request)
{
    const char *digest = mu_request_path_rest(request);

    reply_query(opaque, request, QUERY_DIGEST_JSON, &digest);
}

static void get_instances(void *opaque, struct mu_request *request)
{
    const char *uai = mu_request_query(request, "uai");
    char as_of[QUERY_TIME_SIZE];
    struct page page;

    if (!read_as_of(request, as_of) || !read_page(request, &page))
        return;
    reply_query(opaque, request, QUERY_INSTANCES_JSON,
                (const char *const[]){page.after, page.limit, as_of, uai ? uai : ""});
}

static void get_coverage(void *opaque, struct mu_request *request)
{
    char as_of[QUERY_TIME_SIZE];

    if (read_as_of(request, as_of))
        reply_query(opaque, request, QUERY_COVERAGE_JSON, (const char *const[]){as_of});
}

/* ---- evidence ---- */

static bool may_write(const struct api *api, const struct mu_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *token = api->config.evidence_token;
    const char *given = mu_request_header(request, "Authorization");

    if (!token || !*token)
        return true;
    return mu_text_starts(given, scheme) &&
           mu_secret_equal(token, strlen(token), given + strlen(scheme),
                           strlen(given + strlen(scheme)));
}

static void release_writer(void *writer)
{
    evidence_writer_free(writer);
}

/* The writer of this upload, opened with its first piece. */
static enum mu_status writer_of(struct api *api, struct mu_request *request,
                                struct evidence_writer **ret_writer, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    *ret_writer = mu_request_state(request);
    if (*ret_writer)
        return MU_OK;
    if (!may_write(api, request))
        return mu_fail(err, MU_E_DENIED, "writing evidence needs the bearer token");
    st = evidence_writer_open(api->config.evidence, mu_request_path_rest(request), ret_writer, err);
    if (st == MU_OK)
        mu_request_set_state(request, *ret_writer, release_writer);
    return st;
}

static enum mu_status put_evidence_piece(void *opaque, struct mu_request *request,
                                         const void *bytes, size_t len, struct mu_error *err)
{
    struct evidence_writer *writer = NULL;
    enum mu_status st = writer_of(opaque, request, &writer, err);

    return st == MU_OK ? evidence_writer_append(writer, bytes, len, err) : st;
}

static void put_evidence(void *opaque, struct mu_request *request)
{
    struct evidence_writer *writer = NULL;
    enum evidence_outcome outcome = EVIDENCE_CREATED;
    struct mu_error err;
    enum mu_status st = writer_of(opaque, request, &writer, &err); /* an empty body has no piece */

    if (st == MU_OK)
        st = evidence_writer_commit(writer, &outcome, &err);
    if (st != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else
        mu_httpd_reply(request, outcome == EVIDENCE_CREATED ? 201 : 200, NULL, "{}\n", 3, NULL);
}

static void get_evidence(void *opaque, struct mu_request *request)
{
    const struct api *api = opaque;
    uint64_t size_bytes = 0;
    struct mu_error err;
    int fd = -1;

    if (evidence_store_open_file(api->config.evidence, mu_request_path_rest(request), &fd,
                                 &size_bytes, &err) != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else
        mu_httpd_reply_file(request, 200, "application/json", fd, size_bytes, NULL);
}

/* ---- health ---- */

static void get_healthz(void *opaque, struct mu_request *request)
{
    (void)opaque;
    mu_httpd_reply(request, 200, "text/plain", "ok\n", 3, NULL);
}

static void get_readyz(void *opaque, struct mu_request *request)
{
    struct api *api = opaque;
    struct mu_error err;
    enum mu_status st = run_query(api, QUERY_PING, NULL, NULL, &err);

    if (st == MU_OK && api->config.ready && !api->config.ready(api->config.opaque))
        st = mu_fail(&err, MU_E_UNAVAILABLE, "Kafka is not reachable, or migrations are under way");
    if (st != MU_OK)
        mu_httpd_reply_error(request, 503, err.message);
    else
        mu_httpd_reply(request, 200, "text/plain", "ready\n", 6, NULL);
}

static void get_metrics(void *opaque, struct mu_request *request)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    (void)opaque;
    mu_buf_init(&text, API_METRICS_MAX_BYTES);
    mu_metrics_render(inventory_metrics, inventory_metric_count, &text);
    mu_httpd_reply(request, 200, "text/plain; version=0.0.4", text.data, text.len, NULL);
}

static const struct mu_route routes[] = {
        {"GET", "/healthz", get_healthz, NULL, 0},
        {"GET", "/readyz", get_readyz, NULL, 0},
        {"GET", "/metrics", get_metrics, NULL, 0},
        {"GET", "/v1/assets", get_assets, NULL, 0},
        {"GET", "/v1/digests/*", get_digest, NULL, 0},
        {"GET", "/v1/instances", get_instances, NULL, 0},
        {"GET", "/v1/coverage", get_coverage, NULL, 0},
        {"GET", "/v1/evidence/*", get_evidence, NULL, 0},
        {"PUT", "/v1/evidence/*", put_evidence, put_evidence_piece, EVIDENCE_MAX_BYTES},
};

enum mu_status api_start(const struct api_config *config, struct api **ret_api,
                         struct mu_error *err)
{
    struct api *api = mu_xcalloc(1, sizeof(*api));
    struct mu_httpd_config server = {.listen = config->listen,
                                     .routes = routes,
                                     .route_count = sizeof(routes) / sizeof(routes[0]),
                                     .opaque = api,
                                     .threads = API_THREADS};
    enum mu_status st;

    api->config = *config;
    api->pool = pool_new(config->conninfo);
    st = mu_httpd_start(&server, &api->server, err);
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
    pool_free(api->pool);
    free(api);
}

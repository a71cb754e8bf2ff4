#include "app/commands.h"

#include "job/feeder.h"
#include "metrics/metrics.h"

#include "base/log.h"
#include "base/stop.h"
#include "httpd/httpd.h"

#include <stdio.h>
#include <stdlib.h>

/* A stop waits DELIVERY_MS for a result that Kafka does not take: whoever comes next scans it. */
enum {
    TOPIC_PARTITIONS = 3,
    TOPIC_TIMEOUT_MS = 5000,
    METRICS_MAX_BYTES = 64 * 1024,
    DELIVERY_MS = 5000
};

#define OPTION(member) offsetof(struct run_config, member)

const struct mu_option run_options[RUN_OPTION_COUNT] = {
        {"kafka-brokers", MU_OPTION_TEXT, OPTION(kafka_brokers), NULL, 0, 0, MU_OPTION_REQUIRED,
         "brokers to start from, host:port,host:port"},
        {"kafka-properties", MU_OPTION_TEXT, OPTION(kafka_properties), "", 0, 0, 0,
         "librdkafka settings, key=value,key=value"},
        {"database", MU_OPTION_TEXT, OPTION(database), "", 0, 0, 0,
         "vulnerability database, made by 'muster-scanner db build'; needed but with "
         "--external-scanner"},
        {"database-max-age", MU_OPTION_DURATION_MS, OPTION(database_max_age_ms), "0", 0, INT64_MAX,
         0, "refuse to start with an older database; 0: any"},
        {"database-stale-after", MU_OPTION_DURATION_MS, OPTION(database_stale_after_ms), "24h", 0,
         INT64_MAX, 0, "a scan with an older database has failed (stale_database); 0: any age"},
        {"vex", MU_OPTION_TEXT, OPTION(vex), NULL, 0, 0, 0,
         "OpenVEX or CycloneDX file, or folder of them; several with a comma between"},
        {"external-scanner", MU_OPTION_TEXT, OPTION(external_scanner), "", 0, 0, 0,
         "command of another scanner that judges each image: 'grype registry:{ref} -o json'"},
        {"external-memory", MU_OPTION_BYTES, OPTION(external_memory), "4GiB", 64 * 1024 * 1024,
         INT64_MAX, 0, "memory that the other scanner may have"},
        {"inventory-url", MU_OPTION_TEXT, OPTION(inventory_url), NULL, 0, 0, MU_OPTION_REQUIRED,
         "where the evidence API answers"},
        {"registries", MU_OPTION_TEXT, OPTION(registries), "", 0, 0, 0,
         "JSON file: how registries are reached"},
        {"workers", MU_OPTION_INT, OPTION(workers), "2", 1, 32, 0, "images scanned at once"},
        {"listen", MU_OPTION_TEXT, OPTION(listen), "127.0.0.1:8082", 0, 0, 0,
         "address for health and metrics"},
        {"evidence-token", MU_OPTION_TEXT, OPTION(evidence_token), NULL, 0, 0, MU_OPTION_SECRET,
         "bearer token for writing evidence"},
        {"log-level", MU_OPTION_TEXT, OPTION(log_level), "info", 0, 0, 0,
         "debug, info, warn or error"},
        ENGINE_OPTIONS(run_config),
        LIMIT_OPTIONS(run_config),
};

struct app {
    const struct run_config *config;
    struct mu_bus_config bus;
    struct scan_context context;
    struct registry_book *book;
    struct database_slot *databases;
    struct vex_set *vex;
    struct external_scanner *external;
    struct layer_engine *engine;
    struct mu_producer *producer;
    struct worker_pool *pool;
    struct mu_httpd *server;
};

/* ---- health ---- */

static void get_healthz(void *opaque, struct mu_request *request)
{
    (void)opaque;
    mu_httpd_reply(request, 200, "text/plain", "ok\n", 3, NULL);
}

static void get_readyz(void *opaque, struct mu_request *request)
{
    const struct app *app = opaque;

    if (mu_producer_connected(app->producer))
        mu_httpd_reply(request, 200, "text/plain", "ready\n", 6, NULL);
    else
        mu_httpd_reply_error(request, 503, "Kafka is not reachable");
}

static void get_metrics(void *opaque, struct mu_request *request)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    (void)opaque;
    mu_buf_init(&text, METRICS_MAX_BYTES);
    mu_metrics_render(scanner_metrics, scanner_metric_count, &text);
    mu_httpd_reply(request, 200, "text/plain; version=0.0.4", text.data, text.len, NULL);
}

static const struct mu_route routes[] = {
        {"GET", "/healthz", get_healthz, NULL, 0},
        {"GET", "/readyz", get_readyz, NULL, 0},
        {"GET", "/metrics", get_metrics, NULL, 0},
};

/* ---- starting ---- */

static enum mu_status open_database(struct app *app, struct mu_error *err)
{
    const struct database_holder *holder;
    struct database_facts facts;
    int64_t age_ms;
    int swapped;
    enum mu_status st = database_slot_open(app->config->database, &app->databases, err);

    if (st != MU_OK)
        return st;
    holder = database_slot_take(app->databases, &swapped, err);
    database_facts(holder->database, &facts);
    database_slot_give(app->databases, holder);
    age_ms = (mu_now_us() - facts.built_at_us) / 1000;
    if (app->config->database_max_age_ms > 0 && age_ms > app->config->database_max_age_ms)
        return mu_fail(err, MU_E_INVALID,
                       "the vulnerability database is %lld hours old, --database-max-age allows "
                       "%lld: build a new one with 'muster-scanner db build'",
                       (long long)(age_ms / 3600000),
                       (long long)(app->config->database_max_age_ms / 3600000));
    mu_metric_set(&metric_database_built_at, facts.built_at_us / 1000000);
    app->context.databases = app->databases;
    app->context.stale_after_ms = app->config->database_stale_after_ms;
    return MU_OK;
}

/* Another scanner has a database of its own. */
static enum mu_status open_external(struct app *app, struct mu_error *err)
{
    const struct run_config *config = app->config;
    const struct external_limits limits = {.deadline_ms = config->limits.deadline_ms,
                                           .memory_bytes = (uint64_t)config->external_memory,
                                           .file_bytes =
                                                   (uint64_t)config->limits.max_image_unpacked,
                                           .temp_dir = config->engine.temp_dir};

    if (config->vex)
        return mu_fail(err, MU_E_INVALID,
                       "--vex does not reach another scanner: give it to --external-scanner");
    if (external_scanner_new(config->external_scanner, &limits, &app->external, err) != MU_OK)
        return err->status;
    app->context.external = app->external;
    return MU_OK;
}

static enum mu_status open_judge(struct app *app, struct mu_error *err)
{
    const struct run_config *config = app->config;
    enum mu_status st;

    if (config->external_scanner[0] != '\0')
        return open_external(app, err);
    if (config->database[0] == '\0')
        return mu_fail(err, MU_E_INVALID,
                       "--database is missing: make one with 'muster-scanner db build'");
    st = open_database(app, err);
    if (st == MU_OK)
        st = vex_option_load(config->vex, &app->vex, err);
    app->context.vex = app->vex;
    return st;
}

static enum mu_status prepare(struct app *app, struct mu_error *err)
{
    enum mu_status st = open_judge(app, err);

    if (st == MU_OK)
        st = registry_book_load(app->config->registries, &app->book, err);
    app->context.book = app->book;
    app->context.temp_dir = app->config->engine.temp_dir;
    app->context.evidence.inventory_url = app->config->inventory_url;
    app->context.evidence.token = app->config->evidence_token;
    if (st == MU_OK)
        st = evidence_target_check(&app->context.evidence, err);
    if (st == MU_OK)
        st = raw_scan_check_folder(app->config->engine.temp_dir, err);
    if (st == MU_OK)
        st = engine_from(&app->config->engine, &app->engine, err);
    app->context.engine = app->engine;
    limits_from(&app->config->limits, &app->context.limits);
    if (st == MU_OK)
        scan_context_checksum(&app->context);
    app->bus = (struct mu_bus_config){.brokers = app->config->kafka_brokers,
                                      .client_id = "muster-scanner",
                                      .message_timeout_ms = DELIVERY_MS,
                                      .properties = app->config->kafka_properties};
    return st;
}

static enum mu_status start(struct app *app, struct mu_error *err)
{
    struct worker_pool_config pool = {.context = &app->context,
                                      .workers = (unsigned)app->config->workers};
    struct mu_httpd_config server = {.listen = app->config->listen,
                                     .routes = routes,
                                     .route_count = sizeof(routes) / sizeof(routes[0]),
                                     .opaque = app};
    enum mu_status st = mu_producer_open(&app->bus, &app->producer, err);

    pool.producer = app->producer;
    if (st == MU_OK)
        st = mu_httpd_start(&server, &app->server, err);
    if (st == MU_OK)
        st = worker_pool_start(&pool, &app->pool, err);
    return st;
}

/* Kafka may come later than we do. */
static void make_topics(const struct app *app)
{
    struct mu_backoff backoff = {200, 5000, 0};
    struct mu_error err;

    while (!mu_stop_requested() &&
           mu_bus_ensure_topics(&app->bus, TOPIC_PARTITIONS, TOPIC_TIMEOUT_MS, &err) != MU_OK) {
        MU_LOG(MU_LOG_WARN, "Kafka not reachable, retrying", MU_KV("error", err.message));
        (void)mu_backoff_wait(&backoff);
    }
}

static enum mu_status serve(struct app *app, struct mu_error *err)
{
    struct feeder_config feeder = {.bus = &app->bus, .workers = (unsigned)app->config->workers};
    enum mu_status st = start(app, err);

    if (st != MU_OK)
        return st;
    MU_LOG(MU_LOG_INFO, "listening", MU_KV("address", app->config->listen),
           MU_KV_INT("workers", app->config->workers),
           MU_KV("configuration_checksum", app->context.configuration_checksum));
    make_topics(app);
    feeder.pool = app->pool;
    return feeder_run(&feeder, err);
}

static void release(struct app *app)
{
    mu_stop_request();
    worker_pool_free(app->pool);
    mu_httpd_stop(app->server, 1000);
    mu_producer_close(app->producer);
    layer_engine_free(app->engine);
    registry_book_free(app->book);
    database_slot_close(app->databases);
    vex_set_free(app->vex);
    external_scanner_free(app->external);
}

int run_command(void *config_struct, int argc, char **argv)
{
    const struct run_config *config = config_struct;
    struct app app = {.config = config};
    enum mu_log_level level;
    struct mu_error err;
    int code = MU_EXIT_OK;

    (void)argc, (void)argv;
    if (mu_log_level_parse(config->log_level, &level, &err) != MU_OK ||
        prepare(&app, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-scanner: %s\n", err.message);
        release(&app);
        return MU_EXIT_USAGE;
    }
    mu_log_init("muster-scanner", level);
    mu_stop_install();
    if (serve(&app, &err) != MU_OK) {
        MU_LOG(MU_LOG_ERROR, "cannot go on", MU_KV("error", err.message));
        code = MU_EXIT_FAILURE;
    }
    release(&app);
    return code;
}

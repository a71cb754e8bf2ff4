#include "app/commands.h"

#include "app/silence.h"
#include "app/watches.h"
#include "auth/auth.h"
#include "config/generation.h"
#include "delivery/delivery.h"
#include "listing/listing.h"
#include "metrics/metrics.h"
#include "receiver/receiver.h"
#include "source/source.h"

#include "base/log.h"
#include "base/stop.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { TICK_MS = 2000, SAVE_MS = 30000, TOPIC_TIMEOUT_MS = 5000 };

#define OPTION(member) offsetof(struct run_config, member)

const struct mu_option run_options[RUN_OPTION_COUNT] = {
        {"kafka-brokers", MU_OPTION_TEXT, OPTION(kafka_brokers), NULL, 0, 0, MU_OPTION_REQUIRED,
         "brokers to start from, host:port,host:port"},
        {"kafka-properties", MU_OPTION_TEXT, OPTION(kafka_properties), "", 0, 0, 0,
         "librdkafka settings, key=value,key=value"},
        {"config", MU_OPTION_TEXT, OPTION(config), NULL, 0, 0, MU_OPTION_REQUIRED,
         "YAML file of sources"},
        {"listen", MU_OPTION_TEXT, OPTION(listen), "127.0.0.1:8081", 0, 0, 0,
         "address for webhooks, health and metrics"},
        {"tls-cert-file", MU_OPTION_TEXT, OPTION(tls_cert_file), NULL, 0, 0, 0,
         "PEM chain of the certificate: listen with https alone"},
        {"tls-key-file", MU_OPTION_TEXT, OPTION(tls_key_file), NULL, 0, 0, 0,
         "PEM of the certificate's key"},
        {"tls-client-ca-file", MU_OPTION_TEXT, OPTION(tls_client_ca_file), NULL, 0, 0, 0,
         "PEM of who vouches for client certificates, for sources with 'mtls'"},
        {"spool-dir", MU_OPTION_TEXT, OPTION(spool_dir), NULL, 0, 0, MU_OPTION_REQUIRED,
         "folder for events while Kafka is away"},
        {"spool-max-bytes", MU_OPTION_BYTES, OPTION(spool_max_bytes), "1GiB", 1024 * 1024,
         INT64_C(1) << 50, 0, "bound of the spool; beyond it senders get 503"},
        {"max-body-bytes", MU_OPTION_BYTES, OPTION(max_body_bytes), "4MiB", 1024,
         SOURCE_MAX_BODY_BYTES, 0, "largest webhook body; beyond it 413"},
        {"delivery-timeout", MU_OPTION_DURATION_MS, OPTION(delivery_timeout_ms), "5s", 1000, 300000,
         0, "how long Kafka may take for a message before it goes to the spool"},
        {"partitions", MU_OPTION_INT, OPTION(partitions), "3", 1, 10000, 0,
         "partitions of topics that do not exist yet"},
        {"log-level", MU_OPTION_TEXT, OPTION(log_level), "info", 0, 0, 0,
         "debug, info, warn or error"},
};

struct app {
    const struct run_config *config;
    struct generation *generation;
    struct mu_bus_config bus;
    struct mu_producer *producer;
    struct spool *spool;
    struct delivery *delivery;
    struct health *health;
    struct listings *listings;
    struct silence *silence;
    struct receiver *receiver;
    struct watches *watches;
    bool topics_made;
    struct mu_backoff topics_backoff;
    uint64_t saved_at_ms;
};

static void release_sources(struct ingest_config *sources)
{
    generation_release(
            (struct generation *)(void *)((char *)sources - offsetof(struct generation, config)));
}

static enum mu_status open_health(struct app *app, struct mu_error *err)
{
    char path[PATH_MAX];
    enum mu_status st;

    (void)snprintf(path, sizeof(path), "%s/health.json", app->config->spool_dir);
    st = health_open(path, mu_now_us(), &app->health, err);
    if (st == MU_E_INVALID || st == MU_E_LIMIT) { /* what was learnt is lost, no event is */
        MU_LOG(MU_LOG_ERROR, "the health of sources is learnt anew", MU_KV("error", err->message));
        if (rename(path, mu_arena_printf(app->generation->arena, "%s.damaged", path)) == 0)
            st = health_open(path, mu_now_us(), &app->health, err);
    }
    if (st == MU_OK)
        health_watch(app->health, &app->generation->config, mu_now_us());
    return st;
}

static enum mu_status start_receiver(struct app *app, struct mu_error *err)
{
    struct receiver_config receiver = {.listen = app->config->listen,
                                       .tls_cert_file = app->config->tls_cert_file,
                                       .tls_key_file = app->config->tls_key_file,
                                       .tls_client_ca_file = app->config->tls_client_ca_file,
                                       .max_body_bytes = (size_t)app->config->max_body_bytes,
                                       .sources = &generation_hold(app->generation)->config,
                                       .release = release_sources,
                                       .delivery = app->delivery,
                                       .health = app->health,
                                       .listings = app->listings,
                                       .producer = app->producer,
                                       .spool = app->spool};
    enum mu_status st = receiver_start(&receiver, &app->receiver, err);

    if (st != MU_OK)
        generation_release(app->generation);
    return st;
}

/* Of no source yet: watches.h adds and removes them. */
static enum mu_status start_listings(struct app *app, struct mu_error *err)
{
    const struct listings_config config = {.delivery = app->delivery,
                                           .state_folder = app->config->spool_dir};

    return listings_start(&config, &app->listings, err);
}

static enum mu_status start(struct app *app, struct mu_error *err)
{
    struct spool_config spool = {.folder = app->config->spool_dir,
                                 .max_bytes = app->config->spool_max_bytes};
    enum mu_status st = mu_producer_open(&app->bus, &app->producer, err);

    if (st == MU_OK)
        st = spool_open(&spool, &app->spool, err);
    if (st == MU_OK)
        st = delivery_start(app->producer, app->spool, &app->delivery, err);
    if (st == MU_OK)
        st = open_health(app, err);
    if (st == MU_OK)
        st = start_listings(app, err);
    if (st == MU_OK)
        st = generation_follow(app->generation, NULL, err);
    if (st == MU_OK)
        st = start_receiver(app, err);
    if (st != MU_OK)
        return st;
    app->silence = silence_new(app->health, app->delivery, app->config->spool_dir);
    app->watches = watches_new(app->delivery, app->listings, app->config->spool_dir);
    return watches_set(app->watches, app->generation, err);
}

static void save_health(struct app *app)
{
    struct mu_error err;

    if (health_save(app->health, mu_now_us(), &err) != MU_OK)
        MU_LOG(MU_LOG_WARN, "the health of sources is not saved, retrying",
               MU_KV("error", err.message));
    app->saved_at_ms = mu_monotonic_ms();
}

/* The order matters: first nothing new comes, then what is under way settles in Kafka or the spool.
 */
static void stop(struct app *app)
{
    mu_stop_request();
    receiver_stop(app->receiver);
    watches_free(app->watches);
    listings_stop(app->listings);
    delivery_stop(app->delivery);
    mu_producer_close(app->producer);
    spool_close(app->spool);
    delivery_free(app->delivery);
    silence_free(app->silence);
    if (app->health)
        save_health(app);
    health_free(app->health);
    generation_end(app->generation);
}

/* What only both together say: the file of sources and the command line. */
static enum mu_status check_tls(const struct run_config *config,
                                const struct ingest_config *sources, struct mu_error *err)
{
    if (!config->tls_cert_file != !config->tls_key_file)
        return mu_fail(err, MU_E_INVALID, "--tls-cert-file and --tls-key-file belong together");
    if (config->tls_client_ca_file && !config->tls_cert_file)
        return mu_fail(err, MU_E_INVALID, "--tls-client-ca-file needs --tls-cert-file");
    for (size_t i = 0; i < sources->source_count; i++)
        for (size_t rule = 0; rule < sources->sources[i].rule_count; rule++)
            if (sources->sources[i].rules[rule].kind == SOURCE_AUTH_MTLS &&
                !config->tls_client_ca_file)
                return mu_fail(err, MU_E_INVALID,
                               "source '%s' asks for client certificates ('mtls'), which needs "
                               "--tls-client-ca-file",
                               sources->sources[i].name);
    return MU_OK;
}

/* ---- SIGHUP ---- */

static enum mu_status read_next(struct app *app, struct generation **ret_next, struct mu_error *err)
{
    struct generation *next = NULL;
    enum mu_status st = generation_read(app->config->config, &next, err);

    if (st != MU_OK)
        return st;
    st = check_tls(app->config, &next->config, err);
    if (st == MU_OK)
        st = generation_follow(next, app->generation, err);
    if (st != MU_OK) {
        generation_end(next);
        return st;
    }
    *ret_next = next;
    return MU_OK;
}

/* A file that is wrong changes nothing. */
static void reload(struct app *app)
{
    struct generation *next = NULL;
    struct mu_error err;

    if (read_next(app, &next, &err) != MU_OK) {
        mu_metric_add(&metric_reloads_refused, 1);
        MU_LOG(MU_LOG_ERROR, "configuration not read, the one before stays",
               MU_KV("error", err.message));
        return;
    }
    app->generation = next;
    health_watch(app->health, &next->config, mu_now_us());
    receiver_replace(app->receiver, &generation_hold(next)->config);
    mu_metric_add(&metric_reloads_done, 1);
    MU_LOG(MU_LOG_INFO, "configuration read", MU_KV_INT("sources", next->config.source_count));
    if (watches_set(app->watches, next, &err) != MU_OK)
        MU_LOG(MU_LOG_ERROR, "a watch did not start", MU_KV("error", err.message));
}

/* ---- the loop ---- */

/* Kafka may come later than we do; until then events go to the spool. */
static void make_topics(struct app *app)
{
    struct mu_error err;

    if (mu_bus_ensure_topics(&app->bus, (int)app->config->partitions, TOPIC_TIMEOUT_MS, &err) ==
        MU_OK) {
        MU_LOG(MU_LOG_INFO, "topics are there", MU_KV("brokers", app->config->kafka_brokers));
        app->topics_made = true;
        return;
    }
    MU_LOG(MU_LOG_WARN, "Kafka not reachable, events go to the spool, retrying",
           MU_KV("error", err.message));
}

/* What is done every few seconds. How long until the next time. */
static int64_t tick(struct app *app)
{
    silence_check(app->silence, mu_now_us());
    generation_end_unheld(app->generation);
    if (mu_monotonic_ms() - app->saved_at_ms >= SAVE_MS)
        save_health(app);
    if (!app->topics_made)
        make_topics(app);
    return app->topics_made ? TICK_MS : mu_backoff_next_ms(&app->topics_backoff);
}

static int run(struct app *app)
{
    enum mu_wake wake = MU_WAKE_TIME;
    struct mu_error err;

    if (start(app, &err) != MU_OK) {
        MU_LOG(MU_LOG_ERROR, "cannot start", MU_KV("error", err.message));
        stop(app);
        return MU_EXIT_FAILURE;
    }
    MU_LOG(MU_LOG_INFO, "listening", MU_KV("address", app->config->listen),
           MU_KV_INT("port", receiver_port(app->receiver)),
           MU_KV_INT("sources", app->generation->config.source_count));
    while (wake != MU_WAKE_STOP) {
        if (wake == MU_WAKE_RELOAD)
            reload(app);
        wake = mu_wake_wait(tick(app));
    }
    MU_LOG(MU_LOG_INFO, "stopping", MU_KV_INT("spool_bytes", spool_bytes(app->spool)));
    stop(app);
    return MU_EXIT_OK;
}

int run_command(void *config_struct, int argc, char **argv)
{
    const struct run_config *config = config_struct;
    MU_AUTO_FREE struct app *app = mu_xcalloc(1, sizeof(*app));
    enum mu_log_level level;
    struct mu_error err;

    (void)argc, (void)argv;
    mu_reload_install(); /* first: a SIGHUP must never end us */
    if (mu_log_level_parse(config->log_level, &level, &err) != MU_OK ||
        generation_read(config->config, &app->generation, &err) != MU_OK ||
        check_tls(config, &app->generation->config, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-ingest: %s\n", err.message);
        generation_end(app->generation);
        return MU_EXIT_USAGE;
    }
    app->config = config;
    app->topics_backoff = (struct mu_backoff){200, 5000, 0};
    app->bus = (struct mu_bus_config){.brokers = config->kafka_brokers,
                                      .client_id = "muster-ingest",
                                      .message_timeout_ms = config->delivery_timeout_ms,
                                      .properties = config->kafka_properties};
    mu_log_init("muster-ingest", level);
    mu_stop_install();
    return run(app);
}

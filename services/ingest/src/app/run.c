#include "app/commands.h"

#include "auth/key_ring.h"
#include "delivery/delivery.h"
#include "listing/listing.h"
#include "receiver/receiver.h"
#include "source/source.h"
#include "stream/stream.h"
#include "watch/kube_watch.h"

#include "base/log.h"
#include "base/stop.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { STOP_POLL_MS = 60000, TOPIC_TIMEOUT_MS = 5000, CONFIG_ARENA_MAX_BYTES = 64 * 1024 * 1024 };

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
    struct ingest_config sources;
    struct mu_bus_config bus;
    struct mu_producer *producer;
    struct spool *spool;
    struct delivery *delivery;
    struct key_ring *keys;
    struct listings *listings;
    struct receiver *receiver;
    struct kube_watch *watches[SOURCES_MAX];
    size_t watch_count;
    struct stream *streams[SOURCES_MAX];
    size_t stream_count;
    bool topics_made;
};

static enum mu_status start_watches(struct app *app, struct mu_error *err)
{
    for (size_t i = 0; i < app->sources.source_count; i++) {
        struct kube_watch_config watch = {.source = &app->sources.sources[i],
                                          .delivery = app->delivery,
                                          .state_folder = app->config->spool_dir};
        enum mu_status st;

        if (!mu_text_equal(watch.source->kind->transport, "watch"))
            continue;
        st = kube_watch_start(&watch, &app->watches[app->watch_count], err);
        if (st != MU_OK)
            return st;
        app->watch_count++;
    }
    return MU_OK;
}

static enum mu_status start_streams(struct app *app, struct mu_error *err)
{
    for (size_t i = 0; i < app->sources.source_count; i++) {
        struct stream_config stream = {.source = &app->sources.sources[i],
                                       .delivery = app->delivery,
                                       .state_folder = app->config->spool_dir};
        enum mu_status st;

        if (!mu_text_equal(stream.source->kind->transport, "stream"))
            continue;
        st = stream_start(&stream, &app->streams[app->stream_count], err);
        if (st != MU_OK)
            return st;
        app->stream_count++;
    }
    return MU_OK;
}

static enum mu_status start_listings(struct app *app, struct mu_error *err)
{
    const struct listings_config config = {.sources = &app->sources,
                                           .delivery = app->delivery,
                                           .state_folder = app->config->spool_dir};

    return listings_start(&config, &app->listings, err);
}

static enum mu_status start(struct app *app, struct mu_error *err)
{
    struct spool_config spool = {.folder = app->config->spool_dir,
                                 .max_bytes = app->config->spool_max_bytes};
    struct receiver_config receiver = {.listen = app->config->listen,
                                       .tls_cert_file = app->config->tls_cert_file,
                                       .tls_key_file = app->config->tls_key_file,
                                       .tls_client_ca_file = app->config->tls_client_ca_file,
                                       .max_body_bytes = (size_t)app->config->max_body_bytes,
                                       .sources = &app->sources};
    enum mu_status st = mu_producer_open(&app->bus, &app->producer, err);

    if (st == MU_OK)
        st = spool_open(&spool, &app->spool, err);
    if (st == MU_OK)
        st = delivery_start(app->producer, app->spool, &app->delivery, err);
    if (st == MU_OK)
        st = start_listings(app, err);
    receiver.delivery = app->delivery;
    receiver.listings = app->listings;
    receiver.producer = app->producer;
    receiver.spool = app->spool;
    if (st == MU_OK)
        st = key_ring_open(app->sources.sources, app->sources.source_count, &app->keys, err);
    if (st == MU_OK)
        st = receiver_start(&receiver, &app->receiver, err);
    if (st == MU_OK)
        st = start_watches(app, err);
    if (st == MU_OK)
        st = start_streams(app, err);
    return st;
}

/* The order matters: first nothing new comes, then what is under way settles in Kafka or the spool.
 */
static void stop(struct app *app)
{
    mu_stop_request();
    receiver_stop(app->receiver);
    key_ring_close(app->keys);
    listings_stop(app->listings);
    for (size_t i = 0; i < app->watch_count; i++)
        kube_watch_stop(app->watches[i]);
    for (size_t i = 0; i < app->stream_count; i++)
        stream_stop(app->streams[i]);
    delivery_stop(app->delivery);
    mu_producer_close(app->producer);
    spool_close(app->spool);
    delivery_free(app->delivery);
}

/* Kafka may come later than we do; until then events go to the spool. */
static void make_topics(struct app *app)
{
    struct mu_backoff backoff = {200, 5000, 0};
    struct mu_error err;

    while (!mu_stop_requested()) {
        if (mu_bus_ensure_topics(&app->bus, (int)app->config->partitions, TOPIC_TIMEOUT_MS, &err) ==
            MU_OK) {
            MU_LOG(MU_LOG_INFO, "topics are there", MU_KV("brokers", app->config->kafka_brokers));
            return;
        }
        MU_LOG(MU_LOG_WARN, "Kafka not reachable, events go to the spool, retrying",
               MU_KV("error", err.message));
        (void)mu_backoff_wait(&backoff);
    }
}

static int run(struct app *app)
{
    struct mu_error err;

    if (start(app, &err) != MU_OK) {
        MU_LOG(MU_LOG_ERROR, "cannot start", MU_KV("error", err.message));
        stop(app);
        return MU_EXIT_FAILURE;
    }
    MU_LOG(MU_LOG_INFO, "listening", MU_KV("address", app->config->listen),
           MU_KV_INT("port", receiver_port(app->receiver)),
           MU_KV_INT("sources", app->sources.source_count));
    make_topics(app);
    while (!mu_stop_wait(STOP_POLL_MS))
        continue;
    MU_LOG(MU_LOG_INFO, "stopping", MU_KV_INT("spool_bytes", spool_bytes(app->spool)));
    stop(app);
    return MU_EXIT_OK;
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

int run_command(void *config_struct, int argc, char **argv)
{
    const struct run_config *config = config_struct;
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(CONFIG_ARENA_MAX_BYTES);
    MU_AUTO_FREE struct app *app = mu_xcalloc(1, sizeof(*app));
    enum mu_log_level level;
    struct mu_error err;

    (void)argc, (void)argv;
    if (mu_log_level_parse(config->log_level, &level, &err) != MU_OK ||
        ingest_config_read(config->config, arena, &app->sources, &err) != MU_OK ||
        check_tls(config, &app->sources, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-ingest: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    app->config = config;
    app->bus = (struct mu_bus_config){.brokers = config->kafka_brokers,
                                      .client_id = "muster-ingest",
                                      .message_timeout_ms = config->delivery_timeout_ms,
                                      .properties = config->kafka_properties};
    mu_log_init("muster-ingest", level);
    mu_stop_install();
    return run(app);
}

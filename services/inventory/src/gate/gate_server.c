#include "gate/gate_server.h"

#include "gate/cache_keeper.h"
#include "gate/gate_ship.h"

#include "base/log.h"
#include "base/stop.h"

#include <pthread.h>
#include <stdio.h>

enum { SEGMENT_BYTES = 4 * 1024 * 1024, WAIT_MS = 3600000, US_IN_MS = 1000 };

#define OPTION(member) offsetof(struct gate_server_config, member)
#define GIB            (INT64_C(1024) * 1024 * 1024)

const struct mu_option gate_server_options[GATE_SERVER_OPTION_COUNT] = {
        {"config", MU_OPTION_TEXT, OPTION(config), NULL, 0, 0, MU_OPTION_REQUIRED,
         "file of scopes, allowances and aliases (schemas/gate-config.v1); read again on SIGHUP"},
        {"cache", MU_OPTION_TEXT, OPTION(cache), NULL, 0, 0, MU_OPTION_REQUIRED,
         "file of verdicts that the gate answers from"},
        {"cache-key", MU_OPTION_TEXT, OPTION(cache_key), NULL, 0, 0, MU_OPTION_REQUIRED,
         "PEM file of the Ed25519 key: the public one to read the cache, the private one to build "
         "it"},
        {"cache-interval", MU_OPTION_DURATION_MS, OPTION(cache_interval_ms), "30s", 100, 86400000,
         0, "time between two builds of the cache"},
        {"log-dir", MU_OPTION_TEXT, OPTION(log_dir), NULL, 0, 0, MU_OPTION_REQUIRED,
         "folder of the decisions that the database does not have yet; one gate each"},
        {"log-max", MU_OPTION_BYTES, OPTION(log_max_bytes), "4GiB", 1048576, 1024 * GIB, 0,
         "bytes that decisions may take there; beyond, none can be written down"},
        {"log-queue", MU_OPTION_BYTES, OPTION(log_queue_bytes), "16MiB", 65536, GIB, 0,
         "bytes of decisions that may wait in memory for a slow disk"},
        {"log-wait", MU_OPTION_DURATION_MS, OPTION(log_wait_ms), "1ms", 0, 10000, 0,
         "how long an answer may wait until its decision is written"},
        {"log-sync", MU_OPTION_DURATION_MS, OPTION(log_sync_ms), "5ms", 0, 60000, 0,
         "time between two fdatasync of the decisions"},
        {"name", MU_OPTION_TEXT, OPTION(name), "gate", 0, 0, 0,
         "of this gate, first part of its instance"},
        {"listen", MU_OPTION_TEXT, OPTION(listen), "127.0.0.1:8443", 0, 0, 0,
         "address for admission, verdicts, health and metrics"},
        {"tls-cert", MU_OPTION_TEXT, OPTION(tls_cert), "", 0, 0, 0,
         "PEM file of the certificate, read again on SIGHUP; Kubernetes asks over https only"},
        {"tls-key", MU_OPTION_TEXT, OPTION(tls_key), "", 0, 0, 0,
         "PEM file of its key, read again on SIGHUP"},
        {"tls-client-ca", MU_OPTION_TEXT, OPTION(tls_client_ca), "", 0, 0, 0,
         "PEM file of who vouches for clients; who asks for admission must then have a "
         "certificate"},
        {"gate-token", MU_OPTION_TEXT, OPTION(gate_token), NULL, 0, 0, MU_OPTION_SECRET,
         "bearer token that POST /v1/gate must give"},
        {"threads", MU_OPTION_INT, OPTION(threads), "2", 1, 64, 0, "threads that answer"},
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), "", 0, 0, 0,
         "connection string of the database, to build the cache and to ship decisions"},
        {"ship-interval", MU_OPTION_DURATION_MS, OPTION(ship_interval_ms), "1s", 10, 3600000, 0,
         "time between two looks for decisions to ship"},
        {"log-level", MU_OPTION_TEXT, OPTION(log_level), "info", 0, 0, 0,
         "debug, info, warn or error"},
};

struct gate {
    const struct gate_server_config *config;
    struct mu_ed25519 *key;
    struct decision_log *log;
    struct gate_http *http;
    struct cache_keeper_config keeper;
    struct gate_ship_config ship;
};

static void *run_keeper(void *opaque)
{
    cache_keeper_run(&((struct gate *)opaque)->keeper);
    return NULL;
}

static void *run_ship(void *opaque)
{
    gate_ship_run(&((struct gate *)opaque)->ship);
    return NULL;
}

/* ---- start ---- */

static enum mu_status open_log(struct gate *gate, struct mu_error *err)
{
    const struct gate_server_config *config = gate->config;
    const struct decision_log_config log = {.folder = config->log_dir,
                                            .name = config->name,
                                            .max_bytes = (uint64_t)config->log_max_bytes,
                                            .segment_bytes = SEGMENT_BYTES,
                                            .queue_bytes = (size_t)config->log_queue_bytes,
                                            .sync_ms = config->log_sync_ms};

    return decision_log_open(&log, &gate->log, err);
}

static enum mu_status listen_there(struct gate *gate, struct mu_error *err)
{
    const struct gate_server_config *config = gate->config;
    MU_AUTO(gate_config) struct gate_config *rules = NULL;
    const struct gate_http_config http = {.listen = config->listen,
                                          .tls_cert = config->tls_cert,
                                          .tls_key = config->tls_key,
                                          .tls_client_ca = config->tls_client_ca,
                                          .token = config->gate_token,
                                          .threads = (unsigned)config->threads,
                                          .log = gate->log,
                                          .log_wait_us = config->log_wait_ms * US_IN_MS};
    enum mu_status st = gate_config_load(config->config, &rules, err);

    if (st == MU_OK)
        st = gate_http_start(&http, rules, &gate->http, err);
    if (st == MU_OK)
        rules = NULL; /* the server's now */
    return st;
}

static enum mu_status start(struct gate *gate, struct mu_error *err)
{
    enum mu_status st = cache_key_load(gate->config->cache_key, &gate->key, err);

    if (st == MU_OK)
        st = open_log(gate, err);
    return st == MU_OK ? listen_there(gate, err) : st;
}

/* ---- while it runs ---- */

static void reload_rules(struct gate *gate)
{
    struct gate_config *rules = NULL;
    struct mu_error err;

    if (gate_config_load(gate->config->config, &rules, &err) != MU_OK) {
        MU_LOG(MU_LOG_ERROR, "configuration refused, the one in use stays",
               MU_KV("error", err.message));
        return;
    }
    MU_LOG(MU_LOG_INFO, "configuration in use", MU_KV("digest", rules->digest));
    gate_http_set_config(gate->http, rules);
}

static void reload(struct gate *gate)
{
    struct mu_error err;

    if (gate_http_reload_tls(gate->http, &err) != MU_OK)
        MU_LOG(MU_LOG_ERROR, "certificate refused, the one in use stays",
               MU_KV("error", err.message));
    reload_rules(gate);
}

static void wait_for_stop(struct gate *gate)
{
    enum mu_wake wake;

    while ((wake = mu_wake_wait(WAIT_MS)) != MU_WAKE_STOP)
        if (wake == MU_WAKE_RELOAD)
            reload(gate);
}

/* Gives the exit code. */
static int serve(struct gate *gate)
{
    const struct gate_server_config *config = gate->config;
    const char *postgres = config->postgres && *config->postgres ? config->postgres : NULL;
    pthread_t keeper, ship;
    int code = MU_EXIT_OK;

    gate->keeper = (struct cache_keeper_config){
            .path = config->cache,
            .key = gate->key,
            .conninfo = mu_ed25519_can_sign(gate->key) ? postgres : NULL,
            .interval_ms = config->cache_interval_ms,
            .http = gate->http};
    gate->ship = (struct gate_ship_config){postgres, gate->log, config->ship_interval_ms};
    MU_LOG(MU_LOG_INFO, "listening", MU_KV("address", config->listen),
           MU_KV_INT("port", gate_http_port(gate->http)),
           MU_KV("instance", decision_log_instance(gate->log)));
    if (pthread_create(&keeper, NULL, run_keeper, gate) != 0)
        return MU_EXIT_FAILURE;
    if (postgres && pthread_create(&ship, NULL, run_ship, gate) != 0) {
        postgres = NULL;
        code = MU_EXIT_FAILURE;
        mu_stop_request();
    }
    wait_for_stop(gate);
    if (postgres)
        (void)pthread_join(ship, NULL);
    (void)pthread_join(keeper, NULL);
    return code;
}

int gate_server_command(void *config_struct, int argc, char **argv)
{
    const struct gate_server_config *config = config_struct;
    struct gate gate = {.config = config};
    enum mu_log_level level;
    struct mu_error err;
    int code;

    (void)argc, (void)argv;
    if (mu_log_level_parse(config->log_level, &level, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    mu_log_init("muster-gate", level);
    mu_stop_install();
    mu_reload_install();
    if (start(&gate, &err) == MU_OK) {
        code = serve(&gate);
    } else {
        MU_LOG(MU_LOG_ERROR, "cannot start", MU_KV("error", err.message));
        code = err.status == MU_E_INVALID ? MU_EXIT_USAGE : MU_EXIT_FAILURE;
    }
    MU_LOG(MU_LOG_INFO, "stopping");
    gate_http_stop(gate.http);
    decision_log_close(gate.log);
    mu_ed25519_free(gate.key);
    return code;
}

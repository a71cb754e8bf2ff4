#include "app/commands.h"

#include "access/access.h"
#include "api/api.h"
#include "apply/apply_loop.h"
#include "coverage/keep_runs.h"
#include "evidence/evidence_store.h"
#include "ledger/upkeep.h"
#include "notify/watch.h"
#include "notify/webhook_sender.h"
#include "outbox/relay.h"
#include "policy/evidence_reading.h"
#include "schedule/schedule.h"
#include "store/migrations.h"
#include "store/statements.h"

#include "base/log.h"
#include "base/stop.h"

#include <pthread.h>
#include <stdio.h>

/* What Kafka does not take within DELIVERY_MS stays in the outbox; a stop waits that long. */
enum { TOPIC_TIMEOUT_MS = 5000, DELIVERY_MS = 5000 };

#define OPTION(member) offsetof(struct run_config, member)
#define FOREVER        (INT64_C(3650) * 24 * 3600 * 1000) /* ten years */

const struct mu_option run_options[RUN_OPTION_COUNT] = {
        {"kafka-brokers", MU_OPTION_TEXT, OPTION(kafka_brokers), NULL, 0, 0, MU_OPTION_REQUIRED,
         "brokers to start from, host:port,host:port"},
        {"kafka-properties", MU_OPTION_TEXT, OPTION(kafka_properties), "", 0, 0, 0,
         "librdkafka settings, key=value,key=value"},
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), NULL, 0, 0, MU_OPTION_REQUIRED,
         "connection string of the database; the password comes from PGPASSFILE"},
        {"listen", MU_OPTION_TEXT, OPTION(listen), "127.0.0.1:8080", 0, 0, 0,
         "address for API, evidence, health and metrics"},
        {"evidence-dir", MU_OPTION_TEXT, OPTION(evidence_dir), NULL, 0, 0, MU_OPTION_REQUIRED,
         "folder of raw scan results"},
        {"evidence-token", MU_OPTION_TEXT, OPTION(evidence_token), NULL, 0, 0, MU_OPTION_SECRET,
         "bearer token of the scanners, who write evidence"},
        {"auth", MU_OPTION_TEXT, OPTION(auth), "required", 0, 0, 0,
         "required, or none: who has no credentials may read everything"},
        {"access-file", MU_OPTION_TEXT, OPTION(access_file), NULL, 0, 0, 0,
         "who may use the API: tokens, client certificates and claims, with their roles"},
        {"tls-cert-file", MU_OPTION_TEXT, OPTION(tls_cert_file), NULL, 0, 0, 0,
         "certificate chain, PEM: the API speaks https alone"},
        {"tls-key-file", MU_OPTION_TEXT, OPTION(tls_key_file), NULL, 0, 0, 0, "its key, PEM"},
        {"tls-client-ca-file", MU_OPTION_TEXT, OPTION(tls_client_ca_file), NULL, 0, 0, 0,
         "who vouches for client certificates, PEM"},
        {"oidc-issuer", MU_OPTION_TEXT, OPTION(oidc_issuer), NULL, 0, 0, 0,
         "OpenID Connect: the issuer whose tokens are taken"},
        {"oidc-audience", MU_OPTION_TEXT, OPTION(oidc_audience), NULL, 0, 0, 0,
         "the audience that its tokens must have"},
        {"oidc-jwks-url", MU_OPTION_TEXT, OPTION(oidc_jwks_url), NULL, 0, 0, 0,
         "where its keys are, https; or"},
        {"oidc-jwks-file", MU_OPTION_TEXT, OPTION(oidc_jwks_file), NULL, 0, 0, 0,
         "the file they are in"},
        {"oidc-ca-file", MU_OPTION_TEXT, OPTION(oidc_ca_file), NULL, 0, 0, 0,
         "who vouches for the host of the keys, PEM (default: the system's)"},
        {"oidc-role-claim", MU_OPTION_TEXT, OPTION(oidc_role_claim), "roles", 0, 0, 0,
         "the claim with the roles, dotted when it is within others"},
        {"rate-limit", MU_OPTION_INT, OPTION(rate_limit), "100", 0, 1000000, 0,
         "requests a second that each principal may make; 0: any number"},
        {"partitions", MU_OPTION_INT, OPTION(partitions), "3", 1, 10000, 0,
         "partitions of topics that do not exist yet"},
        {"untagged-grace", MU_OPTION_DURATION_MS, OPTION(untagged_grace_ms), "15s", 0, FOREVER, 0,
         "how long a digest without a tag waits for the index or tag that names it"},
        {"schedule-interval", MU_OPTION_DURATION_MS, OPTION(schedule_interval_ms), "500ms", 10,
         3600000, 0, "time between looks at the scan jobs"},
        {"lease", MU_OPTION_DURATION_MS, OPTION(lease_ms), "15m", 1000, FOREVER, 0,
         "how long a scanner may take before the request is issued again"},
        {"retry-min", MU_OPTION_DURATION_MS, OPTION(retry_min_ms), "10s", 10, FOREVER, 0,
         "first delay after a failed scan; doubles each time"},
        {"retry-max", MU_OPTION_DURATION_MS, OPTION(retry_max_ms), "1h", 10, FOREVER, 0,
         "longest such delay"},
        {"max-attempts", MU_OPTION_INT, OPTION(max_attempts), "5", 1, 1000, 0,
         "attempts before a scan is given up into a detection failure"},
        {"reopen-min", MU_OPTION_DURATION_MS, OPTION(reopen_min_ms), "1h", 1000, FOREVER, 0,
         "time after which what was given up is tried again; doubles each time"},
        {"reopen-max", MU_OPTION_DURATION_MS, OPTION(reopen_max_ms), "1d", 1000, FOREVER, 0,
         "longest such time; what another try cannot help waits for rescan-after"},
        {"max-in-flight", MU_OPTION_INT, OPTION(max_in_flight), "100", 1, 100000, 0,
         "requests of one priority that may be with the scanners at a time"},
        {"rescan-after", MU_OPTION_DURATION_MS, OPTION(rescan_after_ms), "25d", 1000, FOREVER, 0,
         "age from which a scan is repeated"},
        {"rescan-spread", MU_OPTION_DURATION_MS, OPTION(rescan_spread_ms), "3d", 0, FOREVER, 0,
         "time over which scans of one age are repeated; with rescan-after less than 30 days"},
        {"rematch-spread", MU_OPTION_DURATION_MS, OPTION(rematch_spread_ms), "6h", 0, FOREVER, 0,
         "time over which a new vulnerability database is applied to what was scanned before"},
        {"probe-after", MU_OPTION_DURATION_MS, OPTION(probe_after_ms), "6h", 0, FOREVER, 0,
         "time without a scan after which one image is scanned, to hear of a new database; 0: "
         "never"},
        {"max-per-registry", MU_OPTION_INT, OPTION(max_per_registry), "0", 0, 100000, 0,
         "requests of one registry that may be with the scanners at a time; 0: as max-in-flight"},
        {"registry-rate", MU_OPTION_INT, OPTION(registry_rate), "0", 0, 1000000, 0,
         "requests of one registry in a minute; 0: no limit"},
        {"registry-rates", MU_OPTION_TEXT, OPTION(registry_rates), "", 0, 0, 0,
         "the same for some, registry.example=60,..."},
        {"webhooks", MU_OPTION_TEXT, OPTION(webhooks), "", 0, 0, 0,
         "file of webhooks that are told notifications"},
        {"watch-interval", MU_OPTION_DURATION_MS, OPTION(watch_interval_ms), "1m", 100, FOREVER, 0,
         "time between looks at what people must be told"},
        {"expiry-warning", MU_OPTION_DURATION_MS, OPTION(expiry_warning_ms), "2d", 0, FOREVER, 0,
         "how long before a scan expires people are told"},
        {"watch-grace", MU_OPTION_DURATION_MS, OPTION(watch_grace_ms), "15m", 0, FOREVER, 0,
         "how long a new container may be unscanned, and a moved tag roll out, untold"},
        {"log-level", MU_OPTION_TEXT, OPTION(log_level), "info", 0, 0, 0,
         "debug, info, warn or error"},
};

struct app {
    const struct run_config *config;
    struct mu_bus_config bus;
    struct evidence_store *evidence;
    struct mu_producer *producer;
    struct relay_config relay_config;
    struct relay *relay;
    struct access *access;
    struct api *api;
    struct webhook_config *webhooks;
    struct webhook_sender *sender;
    struct registry_rates rates;
    atomic_bool applying;
};

/* ---- threads ---- */

static void *run_schedule(void *opaque)
{
    const struct app *app = opaque;
    const struct run_config *config = app->config;
    struct schedule_config schedule = {.conninfo = config->postgres,
                                       .interval_ms = config->schedule_interval_ms,
                                       .lease_ms = config->lease_ms,
                                       .retry_min_ms = config->retry_min_ms,
                                       .retry_max_ms = config->retry_max_ms,
                                       .max_attempts = config->max_attempts,
                                       .reopen_min_ms = config->reopen_min_ms,
                                       .reopen_max_ms = config->reopen_max_ms,
                                       .max_in_flight = config->max_in_flight,
                                       .rescan_after_ms = config->rescan_after_ms,
                                       .rescan_spread_ms = config->rescan_spread_ms,
                                       .rematch_spread_ms = config->rematch_spread_ms,
                                       .probe_after_ms = config->probe_after_ms,
                                       .max_per_registry = config->max_per_registry,
                                       .rates = &app->rates};

    schedule_run(&schedule);
    return NULL;
}

static void *run_relay(void *opaque)
{
    relay_run(((struct app *)opaque)->relay);
    return NULL;
}

static void *run_upkeep(void *opaque)
{
    upkeep_run(((struct app *)opaque)->config->postgres);
    return NULL;
}

static void *run_keep_runs(void *opaque)
{
    keep_runs_run(((struct app *)opaque)->config->postgres);
    return NULL;
}

static void *run_watch(void *opaque)
{
    const struct run_config *config = ((struct app *)opaque)->config;
    struct watch_config watch = {.conninfo = config->postgres,
                                 .interval_ms = config->watch_interval_ms,
                                 .warn_ms = config->expiry_warning_ms,
                                 .grace_ms = config->watch_grace_ms};

    watch_run(&watch);
    return NULL;
}

static void *run_sender(void *opaque)
{
    struct app *app = opaque;

    if (app->sender)
        webhook_sender_run(app->sender);
    return NULL;
}

static void *run_evidence_facts(void *opaque)
{
    const struct app *app = opaque;

    evidence_reading_run(app->config->postgres, app->evidence);
    return NULL;
}

static void run_apply(struct app *app)
{
    struct apply_config apply = {.bus = &app->bus,
                                 .conninfo = app->config->postgres,
                                 .evidence = app->evidence,
                                 .untagged_grace_ms = app->config->untagged_grace_ms,
                                 .ready = &app->applying};

    apply_loop_run(&apply);
}

/* ---- start ---- */

static bool is_ready(void *opaque)
{
    struct app *app = opaque;

    return atomic_load(&app->applying) && mu_producer_connected(app->producer);
}

/* Who may remove facts has more rights than this program needs. */
static void tell_of_rights(const char *conninfo)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *roles = NULL;
    struct mu_error ignored;

    if (inventory_pg_open(conninfo, "muster-inventory", &pg, &ignored) == MU_OK &&
        mu_pg_execute(pg, READ_ROLES, NULL, &roles, &ignored) == MU_OK && mu_pg_bool(roles, 0, 1))
        MU_LOG(MU_LOG_WARN,
               "this user of the database may change and remove facts and audit records: log in "
               "as a member of muster_inventory",
               MU_KV("user", mu_pg_text(roles, 0, 0)));
}

/* Database and Kafka may come later than we do. Errors: MU_END (stopped before), MU_E_INVALID and
 * MU_E_CONFLICT (no waiting helps: a wrong option, a database of another program). */
static enum mu_status prepare_backing(struct app *app)
{
    struct mu_backoff backoff = {200, 5000, 0};
    struct mu_error err;
    int applied = 0;

    while (!mu_stop_requested()) {
        enum mu_status st = mu_pg_migrate(app->config->postgres, inventory_migrations,
                                          inventory_migration_count, &applied, &err);

        if (st == MU_OK)
            st = mu_bus_ensure_topics(&app->bus, (int)app->config->partitions, TOPIC_TIMEOUT_MS,
                                      &err);
        if (st == MU_OK) {
            MU_LOG(MU_LOG_INFO, "database and topics are there",
                   MU_KV_INT("migrations_applied", applied));
            tell_of_rights(app->config->postgres);
            return MU_OK;
        }
        if (st == MU_E_INVALID || st == MU_E_CONFLICT) {
            MU_LOG(MU_LOG_ERROR, "cannot start", MU_KV("error", err.message));
            return st;
        }
        MU_LOG(st == MU_E_UNAVAILABLE ? MU_LOG_WARN : MU_LOG_ERROR,
               "database or Kafka not ready, retrying", MU_KV("error", err.message));
        (void)mu_backoff_wait(&backoff);
    }
    return MU_END;
}

static enum mu_status start_webhooks(struct app *app, struct mu_error *err)
{
    struct webhook_sender_config config = {.conninfo = app->config->postgres};

    if (!app->config->webhooks || !*app->config->webhooks)
        return MU_OK;
    if (webhook_config_load(app->config->webhooks, &app->webhooks, err) != MU_OK)
        return mu_wrap(err, "--webhooks");
    config.webhooks = app->webhooks;
    return webhook_sender_new(&config, &app->sender, err);
}

static enum mu_status start(struct app *app, struct mu_error *err)
{
    struct api_config api = {.listen = app->config->listen,
                             .conninfo = app->config->postgres,
                             .tls_cert_file = app->config->tls_cert_file,
                             .tls_key_file = app->config->tls_key_file,
                             .tls_client_ca_file = app->config->tls_client_ca_file,
                             .access = app->access,
                             .rate_limit = app->config->rate_limit,
                             .ready = is_ready,
                             .opaque = app};
    enum mu_status st = evidence_store_open(app->config->evidence_dir, &app->evidence, err);

    api.evidence = app->evidence;
    if (st == MU_OK)
        st = mu_producer_open(&app->bus, &app->producer, err);
    app->relay_config = (struct relay_config){app->producer, app->config->postgres};
    app->relay = relay_new(&app->relay_config);
    if (st == MU_OK)
        st = start_webhooks(app, err);
    if (st == MU_OK)
        st = api_start(&api, &app->api, err);
    return st;
}

/* What goes on beside the applying of events. */
static void *(*const tasks[])(void *) = {run_schedule, run_upkeep,         run_keep_runs, run_watch,
                                         run_sender,   run_evidence_facts, run_relay};
enum { TASK_COUNT = sizeof(tasks) / sizeof(tasks[0]) };

/* Gives the exit code. */
static int serve(struct app *app)
{
    pthread_t threads[TASK_COUNT];
    size_t started = 0;
    enum mu_status st;

    MU_LOG(MU_LOG_INFO, "listening", MU_KV("address", app->config->listen),
           MU_KV_INT("port", api_port(app->api)));
    st = prepare_backing(app);
    if (st != MU_OK)
        return st == MU_END ? MU_EXIT_OK : MU_EXIT_FAILURE;
    while (started < TASK_COUNT &&
           pthread_create(&threads[started], NULL, tasks[started], app) == 0)
        started++;
    if (started == TASK_COUNT)
        run_apply(app);
    mu_stop_request();
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    return started == TASK_COUNT ? MU_EXIT_OK : MU_EXIT_FAILURE;
}

/* Who may use the API; a configuration that lets nobody do so is wrong. */
static enum mu_status open_access(struct app *app, struct mu_error *err)
{
    const struct run_config *config = app->config;
    const struct access_config access = {.mode = config->auth,
                                         .access_file = config->access_file,
                                         .evidence_token = config->evidence_token,
                                         .oidc_issuer = config->oidc_issuer,
                                         .oidc_audience = config->oidc_audience,
                                         .oidc_role_claim = config->oidc_role_claim,
                                         .oidc_jwks_url = config->oidc_jwks_url,
                                         .oidc_jwks_file = config->oidc_jwks_file,
                                         .oidc_ca_file = config->oidc_ca_file,
                                         .certificates = config->tls_client_ca_file != NULL};
    enum mu_status st = access_open(&access, &app->access, err);

    if (st == MU_OK && access_is_open(app->access))
        MU_LOG(MU_LOG_WARN, "--auth=none: whoever reaches the address may read everything",
               MU_KV("address", config->listen));
    return st;
}

int run_command(void *config_struct, int argc, char **argv)
{
    const struct run_config *config = config_struct;
    struct app app = {.config = config,
                      .bus = {.brokers = config->kafka_brokers,
                              .client_id = "muster-inventory",
                              .message_timeout_ms = DELIVERY_MS,
                              .properties = config->kafka_properties}};
    enum mu_log_level level;
    struct mu_error err;
    int code = MU_EXIT_OK;

    (void)argc, (void)argv;
    if (mu_log_level_parse(config->log_level, &level, &err) != MU_OK ||
        registry_rates_parse(config->registry_rates, config->registry_rate, &app.rates, &err) !=
                MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    mu_log_init("muster-inventory", level);
    mu_stop_install();
    if (open_access(&app, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    if (start(&app, &err) == MU_OK) {
        code = serve(&app);
    } else {
        MU_LOG(MU_LOG_ERROR, "cannot start", MU_KV("error", err.message));
        code = MU_EXIT_FAILURE;
    }
    MU_LOG(MU_LOG_INFO, "stopping");
    api_stop(app.api);
    mu_producer_close(app.producer);
    relay_free(app.relay);
    webhook_sender_free(app.sender);
    webhook_config_free(app.webhooks);
    evidence_store_close(app.evidence);
    access_close(app.access);
    return code;
}

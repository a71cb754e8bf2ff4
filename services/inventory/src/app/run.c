#include "app/commands.h"

#include "api/api.h"
#include "apply/apply_loop.h"
#include "evidence/evidence_store.h"
#include "outbox/relay.h"
#include "policy/evidence_facts.h"
#include "schedule/schedule.h"
#include "store/migrations.h"

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
         "bearer token that writers of evidence must give"},
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
        {"max-in-flight", MU_OPTION_INT, OPTION(max_in_flight), "100", 1, 100000, 0,
         "requests of one priority that may be with the scanners at a time"},
        {"rescan-after", MU_OPTION_DURATION_MS, OPTION(rescan_after_ms), "25d", 1000, FOREVER, 0,
         "age at which a scan is repeated"},
        {"log-level", MU_OPTION_TEXT, OPTION(log_level), "info", 0, 0, 0,
         "debug, info, warn or error"},
};

const struct mu_option migrate_options[MIGRATE_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, offsetof(struct migrate_config, postgres), NULL, 0, 0,
         MU_OPTION_REQUIRED, "connection string of the database, with the right to make tables"},
};

struct app {
    const struct run_config *config;
    struct mu_bus_config bus;
    struct evidence_store *evidence;
    struct mu_producer *producer;
    struct relay_config relay_config;
    struct relay *relay;
    struct api *api;
    atomic_bool applying;
};

/* ---- threads ---- */

static void *run_schedule(void *opaque)
{
    const struct run_config *config = ((struct app *)opaque)->config;
    struct schedule_config schedule = {.conninfo = config->postgres,
                                       .interval_ms = config->schedule_interval_ms,
                                       .lease_ms = config->lease_ms,
                                       .retry_min_ms = config->retry_min_ms,
                                       .retry_max_ms = config->retry_max_ms,
                                       .max_attempts = config->max_attempts,
                                       .max_in_flight = config->max_in_flight,
                                       .rescan_after_ms = config->rescan_after_ms};

    schedule_run(&schedule);
    return NULL;
}

static void *run_relay(void *opaque)
{
    relay_run(((struct app *)opaque)->relay);
    return NULL;
}

static void *run_evidence_facts(void *opaque)
{
    const struct app *app = opaque;

    evidence_facts_run(app->config->postgres, app->evidence);
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

static enum mu_status start(struct app *app, struct mu_error *err)
{
    struct api_config api = {.listen = app->config->listen,
                             .conninfo = app->config->postgres,
                             .evidence_token = app->config->evidence_token,
                             .ready = is_ready,
                             .opaque = app};
    enum mu_status st = evidence_store_open(app->config->evidence_dir, &app->evidence, err);

    api.evidence = app->evidence;
    if (st == MU_OK)
        st = mu_producer_open(&app->bus, &app->producer, err);
    app->relay_config = (struct relay_config){app->producer, app->config->postgres};
    app->relay = relay_new(&app->relay_config);
    if (st == MU_OK)
        st = api_start(&api, &app->api, err);
    return st;
}

/* Gives the exit code. */
static int serve(struct app *app)
{
    pthread_t schedule, relay, evidence_facts;
    enum mu_status st;
    int code = MU_EXIT_FAILURE;

    MU_LOG(MU_LOG_INFO, "listening", MU_KV("address", app->config->listen),
           MU_KV_INT("port", api_port(app->api)));
    st = prepare_backing(app);
    if (st != MU_OK)
        return st == MU_END ? MU_EXIT_OK : MU_EXIT_FAILURE;
    if (pthread_create(&schedule, NULL, run_schedule, app) != 0)
        return MU_EXIT_FAILURE;
    if (pthread_create(&evidence_facts, NULL, run_evidence_facts, app) != 0) {
        mu_stop_request();
        (void)pthread_join(schedule, NULL);
        return MU_EXIT_FAILURE;
    }
    if (pthread_create(&relay, NULL, run_relay, app) == 0) {
        run_apply(app);
        (void)pthread_join(relay, NULL);
        code = MU_EXIT_OK;
    }
    mu_stop_request();
    (void)pthread_join(evidence_facts, NULL);
    (void)pthread_join(schedule, NULL);
    return code;
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
    if (mu_log_level_parse(config->log_level, &level, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    mu_log_init("muster-inventory", level);
    mu_stop_install();
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
    evidence_store_close(app.evidence);
    return code;
}

int migrate_command(void *config_struct, int argc, char **argv)
{
    const struct migrate_config *config = config_struct;
    struct mu_error err;
    int applied = 0;

    (void)argc, (void)argv;
    if (mu_pg_migrate(config->postgres, inventory_migrations, inventory_migration_count, &applied,
                      &err) != MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
        return MU_EXIT_FAILURE;
    }
    (void)printf("%d migrations applied, %zu in all\n", applied, inventory_migration_count);
    return MU_EXIT_OK;
}

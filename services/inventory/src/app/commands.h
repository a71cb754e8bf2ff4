/*
 * commands: the verbs of muster-inventory that run it; the reading ones are in coverage/ and
 * explain/.
 */
#ifndef INVENTORY_COMMANDS_H
#define INVENTORY_COMMANDS_H

#include "base/config.h"

#include <stdbool.h>

struct run_config {
    const char *kafka_brokers, *kafka_properties, *postgres, *listen, *evidence_dir,
            *evidence_token, *webhooks, *registry_rates, *log_level;
    const char *auth, *access_file, *tls_cert_file, *tls_key_file, *tls_client_ca_file;
    const char *oidc_issuer, *oidc_audience, *oidc_role_claim, *oidc_jwks_url, *oidc_jwks_file,
            *oidc_ca_file;
    int64_t rate_limit;
    int64_t partitions, untagged_grace_ms, schedule_interval_ms, lease_ms, retry_min_ms,
            retry_max_ms, max_attempts, reopen_min_ms, reopen_max_ms, max_in_flight,
            rescan_after_ms, rescan_spread_ms, rematch_spread_ms, probe_after_ms, max_per_registry,
            registry_rate, watch_interval_ms, expiry_warning_ms, watch_grace_ms;
};

struct migrate_config {
    const char *postgres;
    int64_t wait_ms;
    bool dry_run;
};

enum { RUN_OPTION_COUNT = 40, MIGRATE_OPTION_COUNT = 3 };
extern const struct mu_option run_options[RUN_OPTION_COUNT];
extern const struct mu_option migrate_options[MIGRATE_OPTION_COUNT];

int run_command(void *config_struct, int argc, char **argv);
int migrate_command(void *config_struct, int argc, char **argv);

extern const struct mu_program inventory_program;

#endif

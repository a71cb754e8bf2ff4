/*
 * gate_server: `muster-inventory gate-server`: a process of its own that answers from its cache and
 * needs nothing else. With a database, when that is there, it builds the cache and ships decisions.
 */
#ifndef INVENTORY_GATE_SERVER_H
#define INVENTORY_GATE_SERVER_H

#include "base/config.h"

struct gate_server_config {
    const char *config, *cache, *cache_key, *log_dir, *name, *listen, *tls_cert, *tls_key,
            *tls_client_ca, *gate_token, *postgres, *log_level;
    int64_t threads, log_wait_ms, log_sync_ms, log_max_bytes, log_queue_bytes, cache_interval_ms,
            ship_interval_ms;
};

enum { GATE_SERVER_OPTION_COUNT = 19 };
extern const struct mu_option gate_server_options[GATE_SERVER_OPTION_COUNT];

int gate_server_command(void *config_struct, int argc, char **argv);

#endif

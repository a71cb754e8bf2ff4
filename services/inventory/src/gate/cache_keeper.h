/*
 * cache_keeper: keeps the gate's cache young: opens the file when it is replaced, and, with a
 * database and a private key, replaces it. A file that is refused leaves the one in use; that
 * grows old, which the gate's bound ends.
 *
 * Threads: cache_keeper_run on one of its own, until a stop is requested.
 */
#ifndef INVENTORY_GATE_CACHE_KEEPER_H
#define INVENTORY_GATE_CACHE_KEEPER_H

#include "gate/gate_http.h"

struct cache_keeper_config {
    const char *path;
    const struct mu_ed25519 *key;
    const char *conninfo; /* NULL: others replace the file */
    int64_t interval_ms;  /* between two builds */
    struct gate_http *http;
};

void cache_keeper_run(const struct cache_keeper_config *config);
/* Reads a PEM file. Errors: MU_E_NOT_FOUND, MU_E_UNAVAILABLE, MU_E_INVALID, naming it. */
enum mu_status cache_key_load(const char *path, struct mu_ed25519 **ret_key,
                              struct mu_error *err) MU_MUST_CHECK;

#endif

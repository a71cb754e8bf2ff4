/*
 * gate_build: the gate's cache from the database: every name an image may be asked for by, judged
 * by the policy in use and by what people decided.
 */
#ifndef INVENTORY_GATE_BUILD_H
#define INVENTORY_GATE_BUILD_H

#include "gate/gate_cache.h"

struct gate_build_config {
    const char *conninfo, *path;
    const struct mu_ed25519 *key; /* private */
};

/* Reads one snapshot and replaces the file. Errors: as mu_pg_open, mu_pg_stream and
 * gate_cache_builder_write. */
enum mu_status gate_build(const struct gate_build_config *config, struct gate_cache_info *ret_info,
                          struct mu_error *err) MU_MUST_CHECK;

#endif

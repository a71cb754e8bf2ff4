/*
 * ingest_config: the event sources of this ingest, from a YAML file.
 *
 *   sources:
 *     - name: main-registry          # part of ce_source; a-z 0-9 - . _
 *       kind: distribution           # see `muster-ingest sources`
 *       path: /v1/sources/main-registry   # default
 *       auth: {bearer_file: /run/secrets/registry}   # auth_config.h
 *       handshake_origins: [eventgrid.azure.net]     # may ask with OPTIONS whether they may send
 *       repository_aliases: {"127.0.0.1:5000": registry.example.gov}
 *     - name: production
 *       kind: kubernetes
 *       cluster: production
 *       kubeconfig: ...              # with `context`; or `in_cluster: true`; or `url` with
 *       context: ...                 #   `token_file` and `ca_file`
 *       page_limit: 500
 *     - name: everything
 *       kind: registry
 *       registry: registry.example.gov    # as in names of images
 *       url: https://registry.example.gov
 *       username: reader                  # with password_file; or token_file; or nothing
 *       password_file: ...
 *       repositories: [team/app, base-*]  # default: the registry's catalog
 *       interval: 6h
 *       tags_per_page: 100
 *
 * Of any source: silent_after (health/health.h); of webhooks: max_requests_per_second,
 * max_body_bytes.
 *
 * Unknown keys are errors with file, line and key. Secrets come only from files or the environment.
 * Ownership: everything lives in the arena given.
 */
#ifndef INGEST_CONFIG_H
#define INGEST_CONFIG_H

#include "base/error.h"
#include "base/memory.h"
#include "source/source_config.h"

#include <stddef.h>

struct ingest_config {
    struct source_config *sources;
    size_t source_count;
};

/* Errors: MU_E_NOT_FOUND, MU_E_LIMIT, MU_E_INVALID. */
enum mu_status ingest_config_read(const char *path, struct mu_arena *arena,
                                  struct ingest_config *ret_config,
                                  struct mu_error *err) MU_MUST_CHECK;
/* The same from memory; `path` is for messages. */
enum mu_status ingest_config_parse(const char *path, const char *bytes, size_t len,
                                   struct mu_arena *arena, struct ingest_config *ret_config,
                                   struct mu_error *err) MU_MUST_CHECK;

/* The source of a name; NULL when there is none. */
const struct source_config *ingest_config_find(const struct ingest_config *config,
                                               const char *name);

#endif

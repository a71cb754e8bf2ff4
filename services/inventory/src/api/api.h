/*
 * api: inventory's HTTP side (schemas/inventory-api.v1.yaml): assets, digests, instances, coverage,
 * evidence, health and metrics.
 *
 * Threads: handlers run on the HTTP server's threads; each takes a database connection from a
 * small pool and gives it back, and opens it again when it was lost.
 */
#ifndef INVENTORY_API_H
#define INVENTORY_API_H

#include "evidence/evidence_store.h"

#include "httpd/httpd.h"

struct api_config {
    const char *listen;
    const char *conninfo;
    const char *evidence_token; /* NULL or "": PUT needs no credentials */
    struct evidence_store *evidence;
    /* Whether the writing side works; may be NULL. Called from server threads. */
    bool (*ready)(void *opaque);
    void *opaque;
};

struct api;

/* `config` texts must outlive the api. Errors: as mu_httpd_start. */
enum mu_status api_start(const struct api_config *config, struct api **ret_api,
                         struct mu_error *err) MU_MUST_CHECK;
uint16_t api_port(const struct api *api); /* bound, for a listen address with port 0 */
void api_stop(struct api *api);           /* NULL is fine */

#endif

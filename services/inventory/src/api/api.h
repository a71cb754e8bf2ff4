/*
 * api: inventory's HTTP side (schemas/inventory-api.v1.yaml): lists, single things, evidence,
 * health and metrics; who may ask stands in endpoints.c.
 *
 * Threads: handlers run on the HTTP server's threads; each takes a database connection from a
 * small pool and gives it back, and opens it again when it was lost.
 * Memory:  a page has at most LIST_MAX_ROWS rows; lists go on by cursor.
 */
#ifndef INVENTORY_API_H
#define INVENTORY_API_H

#include "access/access.h"
#include "api/endpoints.h"
#include "evidence/evidence_store.h"

#include "httpd/httpd.h"

struct api_config {
    const char *listen;
    const char *conninfo;
    const char *tls_cert_file, *tls_key_file, *tls_client_ca_file; /* NULL: plain HTTP */
    struct access *access;                                         /* borrowed */
    int64_t rate_limit; /* requests a second of one principal; 0: none */
    struct evidence_store *evidence;
    const struct endpoint_group *more; /* endpoints beside the API's own; outlive it */
    size_t more_count;
    /* Whether the writing side works; may be NULL. Called from server threads. */
    bool (*ready)(void *opaque);
    void *opaque;
};

struct api;

/* `config` texts must outlive the api. Errors: as mu_httpd_start; MU_E_INTERNAL (too many
 * endpoints). */
enum mu_status api_start(const struct api_config *config, struct api **ret_api,
                         struct mu_error *err) MU_MUST_CHECK;
uint16_t api_port(const struct api *api); /* bound, for a listen address with port 0 */
void api_stop(struct api *api);           /* NULL is fine */

#endif

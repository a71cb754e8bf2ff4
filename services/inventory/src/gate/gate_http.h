/*
 * gate_http: the gate's HTTP side.
 *
 *   POST /v1/admission, /v1/admission/CLUSTER   AdmissionReview v1 of Kubernetes
 *   POST /v1/gate                               {"images": [...], "cluster", "namespace", "user"}
 *   GET  /v1/gate/status                        cache, log and configuration in use
 *   GET  /healthz, /readyz, /metrics
 *
 * A verdict reads the configuration and the cache and appends to the log, no more: nothing else
 * can hold it up. It waits for its record to be written, not longer than `log_wait_us`.
 *
 * Threads: those of the HTTP server; gate_http_set_cache and gate_http_set_config from one.
 */
#ifndef INVENTORY_GATE_HTTP_H
#define INVENTORY_GATE_HTTP_H

#include "gate/cache_slot.h"
#include "gate/decision_log.h"
#include "gate/gate_config.h"

#include "httpd/httpd.h"

struct gate_http_config {
    const char *listen, *tls_cert, *tls_key, *tls_client_ca; /* NULL or "": none */
    const char *token; /* that POST /v1/gate must give; NULL or "": none */
    unsigned threads;
    struct decision_log *log;
    int64_t log_wait_us;
};

struct gate_http;

/* Takes the gate's configuration, on success. Errors: as mu_httpd_start. */
enum mu_status gate_http_start(const struct gate_http_config *config, struct gate_config *gate,
                               struct gate_http **ret_http, struct mu_error *err) MU_MUST_CHECK;
uint16_t gate_http_port(const struct gate_http *http);
void gate_http_stop(struct gate_http *http); /* NULL is fine */

/* Take what they are given. A NULL cache: none is trusted. */
void gate_http_set_cache(struct gate_http *http, struct gate_cache *cache);
void gate_http_set_config(struct gate_http *http, struct gate_config *gate);
/* The cache was looked for, and one was tried to be built: GET /readyz says so from now on. */
void gate_http_set_ready(struct gate_http *http);
/* Reads certificate and key again. Errors: as mu_httpd_reload_tls. */
enum mu_status gate_http_reload_tls(struct gate_http *http, struct mu_error *err) MU_MUST_CHECK;
/* Sets the gauges that GET /metrics shows. */
void gate_http_measure(struct gate_http *http);

#endif

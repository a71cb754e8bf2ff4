/*
 * kube_client: GET requests to one cluster's API, with the access read afresh when it is opened.
 *
 * Threads: one at a time. Trust: the API server's answers are hostile and bounded.
 */
#ifndef INGEST_KUBE_CLIENT_H
#define INGEST_KUBE_CLIENT_H

#include "source/source_config.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/scope.h"
#include "http/http_client.h"
#include "json/json_doc.h"

#include <stdatomic.h>

struct kube_client;

struct kube_client_config {
    const struct source_config *source;
    int64_t deadline_ms, stall_ms; /* as http_client */
    const atomic_bool *cancel;     /* optional */
};

/* Errors: as kube_access_read. */
enum mu_status kube_client_open(const struct kube_client_config *config,
                                struct kube_client **ret_client,
                                struct mu_error *err) MU_MUST_CHECK;
void kube_client_close(struct kube_client *client); /* NULL is fine */
MU_DEFINE_AUTO(kube_client, struct kube_client, kube_client_close)

struct kube_answer {
    int status;             /* HTTP */
    int64_t retry_after_ms; /* -1: none */
};

/*
 * One object. `accept` NULL: plain JSON. `ret_answer` is filled whenever there was an answer, and
 * has status 0 before. Errors: MU_E_NOT_FOUND (404, 410), MU_E_DENIED (401, 403), MU_E_UNAVAILABLE,
 * MU_E_INVALID, MU_E_LIMIT.
 */
enum mu_status kube_get(struct kube_client *client, const char *path, const char *accept,
                        size_t max_bytes, json_t **ret_root, struct kube_answer *ret_answer,
                        struct mu_error *err) MU_MUST_CHECK;
/* The same, handed to `on_body` as it comes. */
enum mu_status kube_stream(struct kube_client *client, const char *path, const char *accept,
                           mu_http_body_fn *on_body, void *opaque, struct kube_answer *ret_answer,
                           struct mu_error *err) MU_MUST_CHECK;

#endif

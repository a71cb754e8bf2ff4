/*
 * kube_access: how a cluster's API is reached and who we are there: by `url`, by a kubeconfig file,
 * or from inside the cluster (Kubernetes docs, "Accessing the API from within a Pod": token and
 * ca.crt of the service account's folder, address in KUBERNETES_SERVICE_HOST and _PORT).
 *
 * Read again before each list and each watch, since tokens and certificates rotate.
 *
 * Ownership: everything lives in the arena given. Secrets are in there: never log it.
 */
#ifndef INGEST_KUBE_ACCESS_H
#define INGEST_KUBE_ACCESS_H

#include "source/source_config.h"

#include "base/error.h"
#include "base/memory.h"

struct kube_access {
    const char *url;              /* without a slash at the end */
    const char *ca_file, *ca_pem; /* the second wins; neither: the system's */
    const char *client_cert_file, *client_cert_pem;
    const char *client_key_file, *client_key_pem;
    const char *authorization; /* value of the header; NULL: none */
};

/* Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOT_FOUND (file, context), MU_E_UNAVAILABLE (file),
 * MU_E_NOMEM. */
enum mu_status kube_access_read(const struct source_config *source, struct mu_arena *arena,
                                struct kube_access *ret_access, struct mu_error *err) MU_MUST_CHECK;

/* "Bearer <what is in the file>". Errors: MU_E_NOT_FOUND, MU_E_UNAVAILABLE, MU_E_LIMIT,
 * MU_E_INVALID (empty), MU_E_NOMEM. */
enum mu_status kube_access_bearer_file(const char *path, struct mu_arena *arena,
                                       const char **ret_authorization,
                                       struct mu_error *err) MU_MUST_CHECK;

#endif

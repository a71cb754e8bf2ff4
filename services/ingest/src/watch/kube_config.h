/*
 * kube_config: a kubeconfig file (Kubernetes docs, "Organizing Cluster Access Using kubeconfig
 * Files"; client-go's clientcmd/api/v1): one context's cluster and user.
 *
 * Understood: server, certificate-authority(-data), client-certificate(-data), client-key(-data),
 * token, tokenFile, username and password. What would make us trust or be somebody else, and is not
 * supported, is an error that names it and the way out: exec, auth-provider, as*,
 * insecure-skip-tls-verify, tls-server-name, proxy-url. Other members are ignored, as kubectl does.
 *
 * Trust: the file is the operator's, but bounded: a damaged one must give an error with its line.
 * Files it names are relative to its own folder; a token file is read here, the others by who
 * connects.
 */
#ifndef INGEST_KUBE_CONFIG_H
#define INGEST_KUBE_CONFIG_H

#include "watch/kube_access.h"

#include <stddef.h>

/*
 * `path` is for messages and relative names. `context` NULL: current-context. Everything in
 * `ret_access` lives in `arena`. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOT_FOUND (no such context,
 * cluster, user, token file), MU_E_UNAVAILABLE (token file), MU_E_NOMEM.
 */
enum mu_status kube_config_parse(const char *path, const char *bytes, size_t len,
                                 const char *context, struct mu_arena *arena,
                                 struct kube_access *ret_access,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif

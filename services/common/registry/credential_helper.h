/*
 * credential_helper: the protocol of docker-credential-NAME: `get`, the server's name on standard
 * input, JSON on standard output.
 *
 * The child has ten seconds, bounded output, files and processor time, no core file, and nothing of
 * our own environment that starts with MUSTER_, nor any file of ours. It and its children end with
 * the time.
 *
 * Threads: any. Trust: the program is the operator's; its output is hostile, never logged but for
 * the first line of one that failed.
 * Source: docker login "Credential helper protocol"; docker/docker-credential-helpers README.
 */
#ifndef MU_REGISTRY_CREDENTIAL_HELPER_H
#define MU_REGISTRY_CREDENTIAL_HELPER_H

#include "registry/registry_login.h"

/* `name` is looked for as docker-credential-NAME in PATH. A helper that knows nothing of the server
 * is MU_OK with CREDENTIAL_NONE. Errors: MU_E_DENIED (no such program, it failed), MU_E_UNAVAILABLE
 * (time, system), MU_E_INVALID (its answer; the name), MU_E_LIMIT. */
enum mu_status credential_helper_get(const char *name, const char *server,
                                     struct registry_credential *credential,
                                     struct mu_error *err) MU_MUST_CHECK;

/* The answer's JSON: {"ServerURL", "Username", "Secret"}; the user "<token>" means an identity
 * token. Errors: MU_E_INVALID, MU_E_LIMIT. */
enum mu_status credential_helper_parse(const char *json, size_t len,
                                       struct registry_credential *credential,
                                       struct mu_error *err) MU_MUST_CHECK;

#endif

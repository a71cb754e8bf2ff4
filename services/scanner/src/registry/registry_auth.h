/*
 * registry_auth: what goes into the Authorization header for one repository. Internal to
 * registry_pull.
 *
 * Threads: one at a time per object. Trust: challenges and token answers are hostile.
 */
#ifndef SCANNER_REGISTRY_REGISTRY_AUTH_H
#define SCANNER_REGISTRY_REGISTRY_AUTH_H

#include "base/buf.h"
#include "http/http_client.h"
#include "registry/registry.h"

#include <stdbool.h>

struct registry_auth {
    struct registry_access access;
    const char *path;    /* of the repository; borrowed */
    struct mu_buf basic; /* "Basic ..." when there are credentials; else empty */
    struct mu_buf value; /* the header's value; empty: anonymous */
    const char *kind;    /* "anonymous" "basic" "bearer" */
};

/* Reads the password. Errors: MU_E_DENIED naming the file. */
enum mu_status registry_auth_init(struct registry_auth *auth, const struct registry_access *access,
                                  const char *path, struct mu_error *err) MU_MUST_CHECK;
void registry_auth_done(struct registry_auth *auth);

/* NULL: none. Borrowed until the next call. */
const char *registry_auth_value(const struct registry_auth *auth);

/*
 * Answers the challenge of a 401; then the request is worth another try.
 * Errors: MU_E_DENIED (nothing we can answer, or the token service refuses), MU_E_UNAVAILABLE,
 * MU_E_INVALID, MU_E_LIMIT.
 */
enum mu_status registry_auth_answer(struct registry_auth *auth, struct mu_http_client *http,
                                    const char *www_authenticate,
                                    struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * registry_auth: what goes into the Authorization header for one repository, or for the catalog.
 * Internal to registry_client.
 *
 * Tokens are kept in the access' registry_tokens for as long as the token service says
 * (`expires_in`, 60 s when it does not), and so are credentials that a login got.
 *
 * Threads: one at a time per object. Trust: challenges and token answers are hostile.
 * Sources: CNCF Distribution "Token Authentication Specification" and "OAuth2 Token
 *          Authentication".
 */
#ifndef MU_REGISTRY_AUTH_H
#define MU_REGISTRY_AUTH_H

#include "base/buf.h"
#include "http/http_client.h"
#include "registry/registry_access.h"

#include <stdbool.h>

struct registry_auth {
    struct mu_registry_access access;
    const char *path; /* of the repository; borrowed; NULL: the catalog */
    struct registry_credential credential;
    bool has_credential; /* it was asked for, even if there is none */
    bool from_cache;     /* credential: it may be out of date */
    struct mu_buf basic; /* "Basic ..." when there are credentials; else empty */
    struct mu_buf value; /* the header's value; empty: anonymous */
    const char *kind;    /* "anonymous" "basic" "bearer" "token" (as configured) */
};

/* Reads the password or token; a login is asked when the registry asks us. Errors: MU_E_DENIED
 * naming the file. */
enum mu_status registry_auth_init(struct registry_auth *auth,
                                  const struct mu_registry_access *access, const char *path,
                                  struct mu_error *err) MU_MUST_CHECK;
void registry_auth_done(struct registry_auth *auth);

/* Turns to another repository, or to the catalog: what was got for the last one is forgotten. */
void registry_auth_turn(struct registry_auth *auth, const char *path);

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

/*
 * jwt: JSON Web Tokens of OpenID Connect issuers, as Google, Azure and Kubernetes sign them.
 *
 * RS256 and ES256 only: "none" and the symmetric kinds are refused whatever the token says (RFC
 * 8725 section 3.1). The audience must be ours; issuer, email (verified) and subject when the rule
 * names them; exp and nbf with a minute of leeway. Sources: RFC 7519, RFC 7515, OpenID Connect
 * Core 1.0 section 2.
 */
#ifndef MU_OIDC_JWT_H
#define MU_OIDC_JWT_H

#include "oidc/key_store.h"
#include "json/json_doc.h"

#include <stdint.h>

struct mu_jwt_rule {
    const char *issuer, *audience, *email, *subject; /* NULL: any, but for the audience */
    struct mu_key_store *keys;
};

enum mu_jwt_verdict {
    MU_JWT_RIGHT,
    MU_JWT_WRONG,
    MU_JWT_LATER /* a key is being fetched: who sent it should come again */
};

/*
 * `ret_why` is set when the token is wrong: a constant text. `ret_claims`, when it is right: a new
 * reference; may be NULL.
 */
enum mu_jwt_verdict mu_jwt_check(const struct mu_jwt_rule *rule, const char *text, int64_t now_us,
                                 json_t **ret_claims, const char **ret_why);

#endif

/*
 * jwt: JSON Web Tokens of OpenID Connect issuers, as Google, Azure and Kubernetes sign them.
 *
 * RS256 and ES256 only: "none" and the symmetric kinds are refused whatever the token says (RFC
 * 8725 section 3.1). The audience must be ours; issuer, email (verified) and subject when the rule
 * names them; exp and nbf with a minute of leeway. Sources: RFC 7519, RFC 7515, OpenID Connect
 * Core 1.0 section 2.
 */
#ifndef INGEST_JWT_H
#define INGEST_JWT_H

#include "auth/auth.h"

/* `ret_why` is set when the token is denied: a constant text. */
enum auth_verdict jwt_check(const struct auth_rule *rule, const char *text, int64_t now_us,
                            const char **ret_why);

#endif

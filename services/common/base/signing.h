/*
 * signing: what we sign ourselves with a private key, and base64url to write it.
 *
 * Sources: RFC 7515 appendix C (base64url without padding), RFC 7518 section 3.3 (RS256).
 * Trust: the key is the operator's; it is wiped by who read it.
 */
#ifndef MU_BASE_SIGNING_H
#define MU_BASE_SIGNING_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>

/* Without padding. */
void mu_base64url_encode(const void *bytes, size_t len, struct mu_buf *out);

/*
 * RS256: appends the base64url of the RSASSA-PKCS1-v1_5 signature with SHA-256 to `out`.
 * `key_pem` is an RSA key of at least 2048 bits (PKCS#8 or PKCS#1). Errors: MU_E_INVALID (no such
 * key), MU_E_LIMIT from `out`, MU_E_INTERNAL.
 */
enum mu_status mu_sign_rs256(const char *key_pem, size_t key_len, const void *bytes, size_t len,
                             struct mu_buf *out, struct mu_error *err) MU_MUST_CHECK;

#endif

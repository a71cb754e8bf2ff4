/*
 * signature: keyed hashes and public-key signatures over bytes, as senders of webhooks use them.
 *
 * Sources: RFC 2104 (HMAC), RFC 8017 section 8.2 (RSASSA-PKCS1-v1_5), RFC 7518 sections 3.3, 3.4
 * and 6.3 (RS256, ES256, keys as JWK), RFC 4648 section 5 (base64url).
 *
 * Trust: keys and signatures may be hostile: RSA moduli are 2048 to 8192 bits.
 * Threads: a public key may be used by several threads at once.
 */
#ifndef MU_BASE_SIGNATURE_H
#define MU_BASE_SIGNATURE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mu_hash { MU_HASH_SHA1, MU_HASH_SHA256 };

enum { MU_HMAC_MAX_BYTES = 32, MU_HMAC_HEX_SIZE = 65 };

/* Lower-case hex of the HMAC and NUL. Aborts when OpenSSL lacks the hash. */
void mu_hmac_hex(enum mu_hash hash, const void *secret, size_t secret_len, const void *bytes,
                 size_t len, char ret_hex[MU_HMAC_HEX_SIZE]);

/* Without padding; with padding is accepted. Errors: MU_E_INVALID; MU_E_LIMIT from `out`. */
enum mu_status mu_base64url_decode(const char *text, size_t len, struct mu_buf *out,
                                   struct mu_error *err) MU_MUST_CHECK;

struct mu_public_key;

/* Big-endian modulus and exponent, as in a JWK of type RSA. Errors: MU_E_INVALID. */
enum mu_status mu_public_key_rsa(const void *modulus, size_t modulus_len, const void *exponent,
                                 size_t exponent_len, struct mu_public_key **ret_key,
                                 struct mu_error *err) MU_MUST_CHECK;
/* Coordinates on P-256, 32 bytes each, as in a JWK of type EC. Errors: MU_E_INVALID. */
enum mu_status mu_public_key_p256(const uint8_t x[32], const uint8_t y[32],
                                  struct mu_public_key **ret_key,
                                  struct mu_error *err) MU_MUST_CHECK;
/* The key of the first certificate of a PEM text that is valid at `now_us`. Errors: MU_E_INVALID.
 */
enum mu_status mu_public_key_certificate(const char *pem, size_t len, int64_t now_us,
                                         struct mu_public_key **ret_key,
                                         struct mu_error *err) MU_MUST_CHECK;
void mu_public_key_free(struct mu_public_key *key); /* NULL is fine */

/* RSA: PKCS#1 v1.5. P-256: R and S, 32 bytes each (RFC 7518 section 3.4). */
bool mu_public_key_verifies(const struct mu_public_key *key, enum mu_hash hash, const void *bytes,
                            size_t len, const void *signature, size_t signature_len);

MU_DEFINE_AUTO(public_key, struct mu_public_key, mu_public_key_free)

#endif

/*
 * ed25519: signatures over our own files, so that who only reads them needs no secret.
 *
 * Source: RFC 8032 (Ed25519). Keys are PEM: private as PKCS#8, public as SubjectPublicKeyInfo, as
 * `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them.
 *
 * Threads: a key may be used by several threads at once.
 */
#ifndef MU_BASE_ED25519_H
#define MU_BASE_ED25519_H

#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MU_ED25519_SIGNATURE_BYTES = 64, MU_ED25519_PUBLIC_BYTES = 32 };

struct mu_ed25519;

/* A private key, which also verifies, or a public one. Errors: MU_E_INVALID. */
enum mu_status mu_ed25519_from_pem(const char *pem, size_t len, struct mu_ed25519 **ret_key,
                                   struct mu_error *err) MU_MUST_CHECK;
void mu_ed25519_free(struct mu_ed25519 *key); /* NULL is fine */

bool mu_ed25519_can_sign(const struct mu_ed25519 *key); /* it is a private one */

/* The 32 bytes of the public key, which name it. */
void mu_ed25519_public(const struct mu_ed25519 *key, uint8_t ret_public[MU_ED25519_PUBLIC_BYTES]);

/* Errors: MU_E_DENIED (it is a public key), MU_E_INTERNAL. */
enum mu_status mu_ed25519_sign(const struct mu_ed25519 *key, const void *bytes, size_t len,
                               uint8_t ret_signature[MU_ED25519_SIGNATURE_BYTES],
                               struct mu_error *err) MU_MUST_CHECK;
bool mu_ed25519_verifies(const struct mu_ed25519 *key, const void *bytes, size_t len,
                         const uint8_t signature[MU_ED25519_SIGNATURE_BYTES]);

MU_DEFINE_AUTO(ed25519, struct mu_ed25519, mu_ed25519_free)

#endif

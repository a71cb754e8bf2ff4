/*
 * signing_key: a private key to sign our own files with, from a PEM file or behind PKCS#11.
 *
 * A file must belong to us or root and be readable by its owner alone; with a passphrase it may be
 * encrypted. A "pkcs11:" URI (RFC 7512) is asked of OpenSSL's provider "pkcs11", or where that is
 * not installed of its engine "pkcs11"; the module is the one they are set up for
 * (PKCS11_PROVIDER_MODULE, PKCS11_MODULE_PATH).
 *
 * Threads: one at a time per key.
 */
#ifndef MU_BASE_SIGNING_KEY_H
#define MU_BASE_SIGNING_KEY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>

struct mu_signing_key;

/* `place`: path or URI; `secret`: passphrase or PIN, NULL: none. Errors: MU_E_NOT_FOUND,
 * MU_E_DENIED (who else may read the file, a wrong secret), MU_E_INVALID (no private key),
 * MU_E_UNAVAILABLE (no provider and no engine). */
enum mu_status mu_signing_key_open(const char *place, const char *secret,
                                   struct mu_signing_key **ret_key,
                                   struct mu_error *err) MU_MUST_CHECK;
void mu_signing_key_free(struct mu_signing_key *key); /* NULL is fine */
MU_DEFINE_AUTO(signing_key, struct mu_signing_key, mu_signing_key_free)

bool mu_signing_key_is_ed25519(const struct mu_signing_key *key);
/* Appends the 64 bytes of an Ed25519 signature (RFC 8032). Errors: MU_E_INVALID (another kind of
 * key), MU_E_UNAVAILABLE (the token does not sign). */
enum mu_status mu_signing_key_sign_ed25519(const struct mu_signing_key *key, const void *bytes,
                                           size_t len, struct mu_buf *out,
                                           struct mu_error *err) MU_MUST_CHECK;

/*
 * Appends a detached CMS signature of the bytes in DER (RFC 5652), with the certificates of the
 * PEM file `certificates`, of which the first is the key's own. No signed attributes: no clock of
 * ours is in it, and an RSA key gives the same bytes again. Errors: MU_E_NOT_FOUND, MU_E_INVALID
 * (no certificate, or not the key's), MU_E_UNAVAILABLE.
 */
enum mu_status mu_signing_key_sign_cms(const struct mu_signing_key *key, const char *certificates,
                                       const void *bytes, size_t len, struct mu_buf *out,
                                       struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * sha256: one streaming SHA-256, the OCI digest form of it, and the one-shot.
 * The digest string is "sha256:" and 64 lower-case hex digits (OCI image-spec,
 * descriptor.md, "Digests").
 */
#ifndef MU_BASE_SHA256_H
#define MU_BASE_SHA256_H

#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MU_SHA256_BYTES = 32,
    MU_SHA256_HEX_SIZE = 65, /* hex digits and NUL */
    MU_DIGEST_TEXT_SIZE = 72 /* "sha256:" + hex + NUL */
};

struct mu_sha256;

struct mu_sha256 *mu_sha256_new(void); /* aborts when OpenSSL has no SHA-256 */
void mu_sha256_update(struct mu_sha256 *hash, const void *bytes, size_t len);
/* Writes the digest; the object starts over. */
void mu_sha256_final(struct mu_sha256 *hash, uint8_t ret_digest[MU_SHA256_BYTES]);
void mu_sha256_final_text(struct mu_sha256 *hash, char ret_text[MU_DIGEST_TEXT_SIZE]);
void mu_sha256_free(struct mu_sha256 *hash);

MU_DEFINE_AUTO(sha256, struct mu_sha256, mu_sha256_free)

/* "sha256:" and 64, or "sha512:" and 128 lower-case hex digits. */
bool mu_digest_valid(const char *text, size_t len);

/* "sha256:<hex>" of the bytes. */
void mu_sha256_text(const void *bytes, size_t len, char ret_text[MU_DIGEST_TEXT_SIZE]);

/*
 * Deterministic identifier: the first 16 bytes of SHA-256 over `domain` and the
 * parts, each followed by a NUL byte, written as a UUID (version 8, RFC 9562 section 5.8).
 * NULL parts count as empty. Same input, same id, on any machine.
 */
enum { MU_UUID_TEXT_SIZE = 37 };
void mu_stable_id(const char *domain, const char *const *parts, size_t part_count,
                  char ret_uuid[MU_UUID_TEXT_SIZE]);

#endif

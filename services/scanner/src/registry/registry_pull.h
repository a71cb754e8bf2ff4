/*
 * registry_pull: manifests and blobs of one repository over the OCI distribution API.
 *
 * Authenticates when the registry asks for it: Bearer with a token from the challenge's realm
 * (kept for the client's life and renewed once when it is refused), or Basic. Every byte handed
 * out is hashed; a wrong digest or size is an error, never a result.
 *
 * A 429 or 503 with Retry-After is asked again after the time the registry wants, a few times and
 * after not more than a minute each; without it the caller's own retry must do.
 *
 * Threads: one thread at a time per client; separate clients are independent.
 * Trust:   the registry is hostile. Manifests are at most REGISTRY_MANIFEST_MAX_BYTES; blobs end at
 *          the size the caller expects. A token realm over plain http is used only when the
 *          registry itself is reached so; a token is asked for pulling from this repository only,
 *          whatever scope the challenge names. Redirects are http_client's matter.
 * Errors:  MU_E_NOT_FOUND (404), MU_E_DENIED (401, 403), MU_E_UNAVAILABLE (no answer, 429, 5xx),
 *          MU_E_CONFLICT (the bytes are not what the digest or size says), MU_E_LIMIT, MU_E_INVALID
 *          (an answer that makes no sense; a digest that is no sha256).
 * Sources: OCI distribution-spec 1.1 "Pulling manifests", "Pulling blobs"; CNCF Distribution "Token
 *          Authentication Specification"; RFC 9110 section 10.2.3 (Retry-After).
 */
#ifndef SCANNER_REGISTRY_REGISTRY_PULL_H
#define SCANNER_REGISTRY_REGISTRY_PULL_H

#include "base/buf.h"
#include "base/error.h"
#include "base/sha256.h"
#include "registry/registry.h"

#include <stdint.h>

enum { REGISTRY_MANIFEST_MAX_BYTES = 4 * 1024 * 1024 };

struct registry_client;

struct registry_manifest {
    char media_type[128]; /* Content-Type without parameters; "" when not sent */
    char digest[72];      /* of the bytes */
};

/*
 * `access` is copied but for what it borrows; `path` is the repository without its host.
 * `deadline_ms` bounds each request. Errors: MU_E_DENIED (password file), MU_E_INVALID, as
 * http_client.
 */
enum mu_status registry_client_new(const struct registry_access *access, const char *path,
                                   int64_t deadline_ms, struct registry_client **ret_client,
                                   struct mu_error *err) MU_MUST_CHECK;
void registry_client_free(struct registry_client *client); /* NULL is fine */
MU_DEFINE_AUTO(registry_client, struct registry_client, registry_client_free)

/* "anonymous", "basic" or "bearer": how the last request was let in; never NULL. */
const char *registry_client_authentication(const struct registry_client *client);

/* Appends the manifest's bytes to `out` (of at least REGISTRY_MANIFEST_MAX_BYTES). */
enum mu_status registry_fetch_manifest(struct registry_client *client, const char *digest,
                                       struct mu_buf *out, struct registry_manifest *ret_manifest,
                                       struct mu_error *err) MU_MUST_CHECK;

/* The digest of the manifest a tag leads to now, by its bytes. Errors: MU_E_INVALID (no tag); as
 * above. */
enum mu_status registry_resolve_tag(struct registry_client *client, const char *tag,
                                    char ret_digest[MU_DIGEST_TEXT_SIZE],
                                    struct mu_error *err) MU_MUST_CHECK;

/* A failure ends the transfer and is what registry_fetch_blob returns. */
typedef enum mu_status registry_blob_fn(void *opaque, const void *bytes, size_t len,
                                        struct mu_error *err);

struct registry_blob {
    const char *digest;
    uint64_t size_bytes; /* as its descriptor says */
};

/* Streams the blob; what `on_bytes` got counts only when MU_OK is returned. */
enum mu_status registry_fetch_blob(struct registry_client *client, const struct registry_blob *blob,
                                   registry_blob_fn *on_bytes, void *opaque,
                                   struct mu_error *err) MU_MUST_CHECK;

#endif

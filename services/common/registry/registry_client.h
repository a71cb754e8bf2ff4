/*
 * registry_client: manifests and blobs of one repository, and lists of what there is, over the
 * OCI distribution API.
 *
 * Authenticates when the registry asks for it: Bearer with a token from the challenge's realm
 * (kept for the client's life and renewed once when it is refused), or Basic. Every byte handed
 * out is hashed; a wrong digest or size is an error, never a result.
 *
 * A 429 or 503 with Retry-After, of the registry or its token service, is asked again after the
 * time it wants, a few times and after not more than a minute each; without it the caller's own
 * retry must do.
 *
 * Threads: one thread at a time per client; separate clients are independent.
 * Trust:   the registry is hostile. Manifests are at most MU_REGISTRY_MANIFEST_MAX_BYTES; blobs end
 * at the size the caller expects. A token realm over plain http is used only when the registry
 * itself is reached so; a token is asked for pulling from this repository only, whatever scope the
 * challenge names (for the catalog: registry:catalog:*). Redirects are http_client's matter; one to
 * another host with a private address is refused unless the access allows it. Less than 1 KiB/s for
 * half a minute is no answer.
 * Errors:  MU_E_NOT_FOUND (404), MU_E_DENIED (401, 403), MU_E_UNAVAILABLE (no answer, 429, 5xx),
 *          MU_E_CONFLICT (the bytes are not what the digest or size says), MU_E_LIMIT, MU_E_INVALID
 *          (an answer that makes no sense; a digest that is no sha256).
 * Sources: OCI distribution-spec 1.1 "Pulling manifests", "Pulling blobs", "Listing Referrers";
 * CNCF Distribution "Token Authentication Specification"; RFC 9110 section 10.2.3 (Retry-After).
 */
#ifndef MU_REGISTRY_CLIENT_H
#define MU_REGISTRY_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/sha256.h"
#include "http/http_client.h"
#include "oci/reference.h"
#include "registry/registry_access.h"

#include <stdint.h>

enum { MU_REGISTRY_MANIFEST_MAX_BYTES = 4 * 1024 * 1024, MU_REGISTRY_URL_SIZE = 1400 };

struct mu_registry_client;

struct mu_registry_manifest {
    char media_type[128]; /* Content-Type without parameters; "" when not sent */
    char digest[MU_OCI_DIGEST_SIZE];
};

/*
 * `access` is copied but for what it borrows; `path` is the repository without its host, NULL for
 * the catalog. `deadline_ms` bounds each request. Errors: MU_E_DENIED (password or token file),
 * MU_E_INVALID, as http_client.
 */
enum mu_status mu_registry_client_new(const struct mu_registry_access *access, const char *path,
                                      int64_t deadline_ms, struct mu_registry_client **ret_client,
                                      struct mu_error *err) MU_MUST_CHECK;
void mu_registry_client_free(struct mu_registry_client *client); /* NULL is fine */
MU_DEFINE_AUTO(registry_client, struct mu_registry_client, mu_registry_client_free)

/* Turns to another repository of the same registry (NULL: the catalog), on the same connections. */
void mu_registry_client_turn(struct mu_registry_client *client, const char *path);

/* "anonymous", "basic", "token" or "bearer": how the last request was let in; never NULL. */
const char *mu_registry_client_authentication(const struct mu_registry_client *client);

/*
 * A request to the registry with what it takes to be let in, as often as it asks for patience.
 * `request` is complete but for the authorization. Another status than 200 is an error, but for 206
 * where on_head looks at it.
 */
enum mu_status mu_registry_request(struct mu_registry_client *client,
                                   struct mu_http_request *request,
                                   struct mu_http_response *ret_response,
                                   struct mu_error *err) MU_MUST_CHECK;

/* Appends the manifest's bytes to `out` (of at least MU_REGISTRY_MANIFEST_MAX_BYTES). */
enum mu_status mu_registry_fetch_manifest(struct mu_registry_client *client, const char *digest,
                                          struct mu_buf *out,
                                          struct mu_registry_manifest *ret_manifest,
                                          struct mu_error *err) MU_MUST_CHECK;

/* The digest of the manifest a tag leads to now, by its bytes. Errors: MU_E_INVALID (no tag); as
 * above. */
enum mu_status mu_registry_resolve_tag(struct mu_registry_client *client, const char *tag,
                                       char ret_digest[MU_DIGEST_TEXT_SIZE],
                                       struct mu_error *err) MU_MUST_CHECK;

/*
 * What a tag leads to now, with one HEAD; only a registry that does not say the digest then is
 * asked for the manifest's bytes. `ret_response` is the last answer, for its headers.
 * Errors: MU_E_INVALID (no tag, or the registry says a digest that is none); as above.
 */
enum mu_status mu_registry_look_up_tag(struct mu_registry_client *client, const char *tag,
                                       struct mu_registry_manifest *ret_manifest,
                                       struct mu_http_response *ret_response,
                                       struct mu_error *err) MU_MUST_CHECK;

/* A failure ends the transfer (registry_transfer.h) and is what it returns. */
typedef enum mu_status mu_registry_blob_fn(void *opaque, const void *bytes, size_t len,
                                           struct mu_error *err);

struct mu_registry_blob {
    const char *digest;
    uint64_t size_bytes; /* as its descriptor says */
};

/* Where the blob is. Errors: MU_E_INVALID (no sha256 digest), MU_E_LIMIT. */
enum mu_status mu_registry_blob_url(const struct mu_registry_client *client, const char *digest,
                                    char ret_url[MU_REGISTRY_URL_SIZE],
                                    struct mu_error *err) MU_MUST_CHECK;

/* One page of a list: an index, as JSON. `how` it was found: "api" or "tag". */
typedef enum mu_status mu_registry_page_fn(void *opaque, const char *json, size_t len,
                                           const char *how, struct mu_error *err);

/* What says it is about the manifest `digest`: by the referrers API, at most eight pages, or by the
 * tag that stands in for it. No list is MU_OK without a page. Errors: as above, and on_page's. */
enum mu_status mu_registry_list_referrers(struct mu_registry_client *client, const char *digest,
                                          mu_registry_page_fn *on_page, void *opaque,
                                          struct mu_error *err) MU_MUST_CHECK;

#endif

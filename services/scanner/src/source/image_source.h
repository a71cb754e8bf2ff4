/*
 * image_source: where one image's manifests and blobs come from, whatever that is: a repository of
 * a registry, or files on disk.
 *
 * Every byte handed out is hashed on the way: a wrong digest or size is an error, never a result.
 *
 * Threads: one at a time per source; separate sources are independent.
 * Trust:   what is behind a source is hostile. Manifests have at most
 *          MU_REGISTRY_MANIFEST_MAX_BYTES, blobs the size their descriptor says.
 * Errors:  those of registry/registry_client.h, whatever the source is: MU_E_NOT_FOUND,
 *          MU_E_DENIED, MU_E_UNAVAILABLE, MU_E_CONFLICT (not what digest or size say), MU_E_LIMIT,
 *          MU_E_INVALID.
 */
#ifndef SCANNER_SOURCE_IMAGE_SOURCE_H
#define SCANNER_SOURCE_IMAGE_SOURCE_H

#include "base/buf.h"
#include "base/memory.h"
#include "registry/registry_book.h"
#include "registry/registry_client.h"

#include <stdint.h>

struct image_source;

/* Something that says it is about an image: an SBOM, a signature, an attestation. */
struct image_referrer {
    const char *digest;        /* of its manifest */
    const char *artifact_type; /* "application/spdx+json"; "" when not said */
    const char *how; /* found by: "api" (referrers API), "tag" (its stand-in), "cosign" (its own
                        tags), "layout" (a manifest of the same folder or archive) */
};

enum { IMAGE_REFERRERS_MAX = 256 };

/* What kinds of source do; `free` releases all of it. All members but
 * `another` are set. */
struct image_source_kind {
    enum mu_status (*fetch_manifest)(struct image_source *source, const char *digest,
                                     struct mu_buf *out, struct mu_registry_manifest *ret_manifest,
                                     struct mu_error *err);
    enum mu_status (*fetch_blob)(struct image_source *source, const struct mu_registry_blob *blob,
                                 mu_registry_blob_fn *on_bytes, void *opaque, struct mu_error *err);
    enum mu_status (*resolve)(struct image_source *source, const char *name,
                              char ret_digest[MU_DIGEST_TEXT_SIZE], struct mu_error *err);
    enum mu_status (*referrers)(struct image_source *source, const char *digest,
                                struct mu_arena *arena, const struct image_referrer **ret_referrers,
                                size_t *ret_count, struct mu_error *err);
    const char *(*authentication)(const struct image_source *source);
    enum mu_status (*another)(const struct image_source *source, int64_t deadline_ms,
                              struct image_source **ret_source, struct mu_error *err);
    void (*free)(struct image_source *source);
};

/* First member of each kind's own struct. */
struct image_source {
    const struct image_source_kind *kind;
};

/* `repository` is canonical "host/path"; `deadline_ms` bounds each request. Errors: MU_E_DENIED
 * (credentials that cannot be had), as registry_book_find and mu_registry_client_new. */
enum mu_status image_source_open_registry(const struct registry_book *book, const char *repository,
                                          int64_t deadline_ms, struct image_source **ret_source,
                                          struct mu_error *err) MU_MUST_CHECK;
/* A further source of the same, for another thread: MU_E_NOT_FOUND where there is but one. */
enum mu_status image_source_another(const struct image_source *source, int64_t deadline_ms,
                                    struct image_source **ret_source,
                                    struct mu_error *err) MU_MUST_CHECK;
void image_source_free(struct image_source *source); /* NULL is fine */
MU_DEFINE_AUTO(image_source, struct image_source, image_source_free)

/* Appends the manifest's bytes to `out` (of at least MU_REGISTRY_MANIFEST_MAX_BYTES). */
enum mu_status image_source_fetch_manifest(struct image_source *source, const char *digest,
                                           struct mu_buf *out,
                                           struct mu_registry_manifest *ret_manifest,
                                           struct mu_error *err) MU_MUST_CHECK;

/* Streams the blob; what `on_bytes` got counts only when MU_OK is returned. */
enum mu_status image_source_fetch_blob(struct image_source *source,
                                       const struct mu_registry_blob *blob,
                                       mu_registry_blob_fn *on_bytes, void *opaque,
                                       struct mu_error *err) MU_MUST_CHECK;

/* The digest a tag (of a registry) or an image's name (on disk) leads to now. Errors: as above. */
enum mu_status image_source_resolve(struct image_source *source, const char *name,
                                    char ret_digest[MU_DIGEST_TEXT_SIZE],
                                    struct mu_error *err) MU_MUST_CHECK;

/* What refers to the manifest `digest`, by digest, each once; texts in `arena`. None is MU_OK with
 * a count of 0. Errors: as above, MU_E_NOMEM. */
enum mu_status image_source_referrers(struct image_source *source, const char *digest,
                                      struct mu_arena *arena,
                                      const struct image_referrer **ret_referrers,
                                      size_t *ret_count, struct mu_error *err) MU_MUST_CHECK;

/* How the source let us in: "anonymous", "basic", "token", "bearer"; "local" for files. */
const char *image_source_authentication(const struct image_source *source);

#endif

/*
 * manifest: the list of a bundle's files with title, size and SHA-256, and what the
 * bundle is of. Schema: schemas/bundle-manifest.v1.schema.json.
 */
#ifndef REPORT_BUNDLE_MANIFEST_H
#define REPORT_BUNDLE_MANIFEST_H

#include "bundle/bundle.h"

struct manifest;

enum mu_status manifest_new(const struct bundle_request *request, struct manifest **ret_manifest,
                            struct mu_error *err) MU_MUST_CHECK;
void manifest_free(struct manifest *manifest); /* NULL is fine */

/* Hashes `folder`/`name`. Errors: MU_E_UNAVAILABLE. */
enum mu_status manifest_add_file(struct manifest *manifest, const char *folder, const char *name,
                                 const char *title, struct mu_error *err) MU_MUST_CHECK;
/* Files sorted by name. Errors: MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status manifest_write(struct manifest *manifest, const struct bundle_counts *counts,
                              const char *path, struct mu_error *err) MU_MUST_CHECK;

/* SHA-256 and size of a file, streamed. Errors: MU_E_NOT_FOUND, MU_E_UNAVAILABLE. */
enum mu_status manifest_hash_file(const char *path, char *ret_digest /* MU_DIGEST_TEXT_SIZE */,
                                  uint64_t *ret_size_bytes, struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(manifest, struct manifest, manifest_free)

#endif

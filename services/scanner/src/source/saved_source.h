/*
 * saved_source: the manifest that an image of `docker save` lacks. Internal to local_source.
 *
 * A layer's digest is its diff_id when it is a plain tar, as Docker writes it, else the hash of its
 * bytes; either way the bytes are hashed again when they are read.
 */
#ifndef SCANNER_SOURCE_SAVED_SOURCE_H
#define SCANNER_SOURCE_SAVED_SOURCE_H

#include "source/image_files.h"
#include "source/image_listing.h"

#include "base/sha256.h"

/* A blob that is not at blobs/sha256/.. */
struct saved_blob {
    const char *digest, *name;
};

struct saved_manifest {
    struct mu_buf json; /* to be released */
    char digest[MU_DIGEST_TEXT_SIZE];
    struct saved_blob *blobs; /* in the arena: the config, then the layers */
    size_t blob_count;
};

/* Errors: MU_E_NOT_FOUND (a file the listing names), MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM,
 * MU_E_UNAVAILABLE. */
enum mu_status saved_manifest_make(const struct image_files *files, const struct saved_image *image,
                                   struct mu_arena *arena, struct saved_manifest *ret_manifest,
                                   struct mu_error *err) MU_MUST_CHECK;

#endif

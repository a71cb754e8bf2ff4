/*
 * local_source: an image on disk as an image_source: a folder or a tar with an OCI image layout
 * (`oci-layout`, `index.json`, `blobs/`), or what `docker save` writes (`manifest.json`).
 *
 * An archive of `docker save` that holds no manifests gets one, always the same for the same
 * archive: its digest is ours, the config's digest is what Docker calls the image ID.
 *
 * Threads, trust, errors: as image_source.h.
 * Sources: OCI image-spec 1.1 image-layout.md; Docker "Image Tarball v1.2".
 */
#ifndef SCANNER_SOURCE_LOCAL_SOURCE_H
#define SCANNER_SOURCE_LOCAL_SOURCE_H

#include "oci/reference.h"
#include "source/image_source.h"

struct local_target {
    struct mu_oci_reference reference; /* repository, tag and digest of what to scan */
    const char *form;                  /* "OCI image layout", "docker save"; static */
};

/*
 * `image` picks one of several by its name, tag or digest; NULL: there is but one. A name that is
 * not in the archive is made from the path ("localhost/app" of "dir/app.tar").
 * Errors: MU_E_NOT_FOUND (no such file, no such image in it: the message lists those there are),
 * MU_E_INVALID (no image layout, several images), MU_E_DENIED, MU_E_LIMIT, MU_E_UNAVAILABLE.
 */
enum mu_status local_source_open(const char *path, const char *image,
                                 struct image_source **ret_source, struct local_target *ret_target,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif

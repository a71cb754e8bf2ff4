/*
 * image_listing: what a folder or archive says it holds: index.json of an OCI image layout, and
 * manifest.json of `docker save`.
 *
 * Threads: none held; what is read lives in the arena.
 * Trust:   hostile JSON; every array and text has a maximum, unknown members are ignored.
 * Sources: OCI image-spec 1.1 image-layout.md, annotations.md; Docker "Image Tarball v1.2"
 *          (manifest.json: Config, RepoTags, Layers).
 */
#ifndef SCANNER_SOURCE_IMAGE_LISTING_H
#define SCANNER_SOURCE_IMAGE_LISTING_H

#include "base/error.h"
#include "base/memory.h"
#include "json/json_table.h"

#include <stdint.h>

enum { LISTING_IMAGES_MAX = 1024, LISTING_LAYERS_MAX = 2048, LISTING_VALUES_MAX = 100000 };

struct layout_annotations {
    const char *ref_name;   /* org.opencontainers.image.ref.name: often a tag alone */
    const char *image_name; /* io.containerd.image.name: host/path:tag */
};

/* Of index.json, and of any index: a referrers list is one too. */
struct layout_entry {
    const char *media_type, *digest, *artifact_type; /* NULL when absent, but for the digest */
    int64_t size_bytes;
    struct layout_annotations annotations;
};

struct layout_index {
    struct mu_json_array manifests; /* of struct layout_entry */
};

/* Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status layout_index_parse(const char *json, size_t len, struct mu_arena *arena,
                                  struct layout_index *ret_index,
                                  struct mu_error *err) MU_MUST_CHECK;

/* One image of `docker save`. */
struct saved_image {
    const char *config;                     /* path of the image config in the archive */
    struct mu_json_texts repo_tags, layers; /* "app:1.0"; paths, lowest first */
};

/* `ret_images` are of struct saved_image. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status saved_images_parse(const char *json, size_t len, struct mu_arena *arena,
                                  struct mu_json_array *ret_images,
                                  struct mu_error *err) MU_MUST_CHECK;

/* What a layout's manifest says it is about, and what it is; NULL when not said. */
struct layout_subject {
    const char *digest, *artifact_type, *config_type;
};

/* Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status layout_subject_parse(const char *json, size_t len, struct mu_arena *arena,
                                    struct layout_subject *ret_subject,
                                    struct mu_error *err) MU_MUST_CHECK;

/* "rootfs.diff_ids" of an image config. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status config_diff_ids_parse(const char *json, size_t len, struct mu_arena *arena,
                                     struct mu_json_texts *ret_diff_ids,
                                     struct mu_error *err) MU_MUST_CHECK;

#endif

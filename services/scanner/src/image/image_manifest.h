/*
 * image_manifest: index, manifest and config of an image as JSON says them.
 *
 * Threads: none held. Trust: hostile JSON; every array and text has a maximum, members we do not
 * know are ignored. Sources: OCI image-spec 1.1 manifest.md, image-index.md, config.md,
 * descriptor.md; Docker "Image Manifest V 2, Schema 2".
 */
#ifndef SCANNER_IMAGE_IMAGE_MANIFEST_H
#define SCANNER_IMAGE_IMAGE_MANIFEST_H

#include "base/error.h"
#include "base/memory.h"
#include "oci/media_type.h"
#include "json/json_table.h"

#include <stdint.h>

enum {
    IMAGE_CONFIG_MAX_BYTES = 8 * 1024 * 1024,
    IMAGE_JSON_VALUES_MAX = 100000, /* of a manifest, a config */
    IMAGE_CHILDREN_MAX = 256,       /* as a scan result can carry */
    IMAGE_LAYERS_MAX = 2048         /* what we decode; the limit of a scan is lower */
};

struct image_platform {
    const char *os, *architecture, *variant; /* NULL when absent */
};

struct image_annotations {
    const char *reference_type; /* vnd.docker.reference.type */
};

/* Of a manifest: what it was built on. */
struct image_base {
    const char *name, *digest; /* org.opencontainers.image.base.*; NULL when absent */
};

struct image_descriptor {
    const char *media_type; /* NULL when absent */
    const char *digest;
    int64_t size_bytes;
    const char *artifact_type;
    struct mu_json_texts urls;
    struct image_platform platform;
    struct image_annotations annotations;
};

struct image_manifest {
    int64_t schema_version;
    const char *media_type;
    const char *artifact_type;
    struct image_descriptor config; /* digest NULL: none */
    struct image_base base;
    struct mu_json_array layers;    /* of struct image_descriptor */
    struct mu_json_array manifests; /* the same */
    enum mu_digest_kind kind;       /* INDEX, MANIFEST or ATTESTATION (no image) */
};

/*
 * `content_type` is what the registry sent, "" when nothing. Errors: MU_E_INVALID (no manifest;
 * schema 1; media types that contradict each other or the members), MU_E_LIMIT, MU_E_NOMEM.
 */
enum mu_status image_manifest_parse(const char *json, size_t len, const char *content_type,
                                    struct mu_arena *arena, struct image_manifest *ret_manifest,
                                    struct mu_error *err) MU_MUST_CHECK;

/* What an entry of an index is: INDEX, MANIFEST, ATTESTATION or UNKNOWN. */
enum mu_digest_kind image_child_kind(const struct image_descriptor *descriptor);

/* "os/architecture[/variant]"; NULL when os or architecture is not said, or memory is exhausted. */
const char *image_platform_text(const struct image_platform *platform, struct mu_arena *arena);

struct image_labels {
    const char *title, *version, *vendor;                     /* org.opencontainers.image.* */
    const char *schema_name, *schema_version, *schema_vendor; /* org.label-schema.* */
};

struct image_config_settings {
    struct image_labels labels;
};

struct image_rootfs {
    struct mu_json_texts diff_ids;
};

struct image_config {
    struct image_platform platform;
    const char *created;
    struct image_config_settings settings;
    struct image_rootfs rootfs;
};

/* Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status image_config_parse(const char *json, size_t len, struct mu_arena *arena,
                                  struct image_config *ret_config,
                                  struct mu_error *err) MU_MUST_CHECK;

#endif

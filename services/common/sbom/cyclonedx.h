/*
 * cyclonedx: the bill of materials of one image as CycloneDX 1.6, streamed.
 *
 * Same facts, same bytes: references are made of the packages' own fields, and no time is written
 * but the given one. Licences are as the package writes them, which is no claim that they are SPDX
 * expressions. A package names where it was found: the file, the layer that the file is of, and who
 * owns it.
 *
 * In this order: mu_cyclonedx_begin, the packages, mu_cyclonedx_end_packages, any members of the
 * document beyond these, and its closing brace.
 *
 * Source: CycloneDX 1.6 JSON reference (ECMA-424).
 */
#ifndef MU_SBOM_CYCLONEDX_H
#define MU_SBOM_CYCLONEDX_H

#include "base/sha256.h"
#include "json/json_stream.h"

#include <stddef.h>
#include <stdint.h>

struct mu_sbom_layer {
    const char *digest, *diff_id; /* NULL: not known */
};

/* Texts are NULL or "" where they are not known, but for those marked. */
struct mu_sbom_image {
    const char *serial;     /* a UUID; mandatory */
    const char *repository; /* "host/path"; mandatory */
    const char *digest;     /* of the manifest; mandatory */
    const char *config_digest, *media_type, *platform;
    const char *os_id, *os_version_id, *os_pretty_name;
    const char *tool_name, *tool_version; /* mandatory */
    const struct mu_sbom_layer *layers;   /* lowest first */
    size_t layer_count;
    int64_t at_us; /* MU_TIME_NONE: none is written */
    bool incomplete;
};

struct mu_sbom_package {
    const char *type, *name, *version, *purl; /* mandatory; version may be "" */
    const char *architecture, *source_name, *source_version, *module, *license, *vendor;
    const char *owner_type, *owner, *path, *inner_path;
    uint32_t layer_index;
};

/* Reference of a package within any document, and as SPDX has it. */
void mu_sbom_package_ref(const struct mu_sbom_package *package, char ret_uuid[MU_UUID_TEXT_SIZE]);

void mu_cyclonedx_begin(struct json_stream *out, const struct mu_sbom_image *image);
void mu_cyclonedx_put_package(struct json_stream *out, const struct mu_sbom_image *image,
                              const struct mu_sbom_package *package);
void mu_cyclonedx_end_packages(struct json_stream *out, const struct mu_sbom_image *image);

#endif

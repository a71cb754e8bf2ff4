/* Any bytes as manifest, index and config: what is accepted has one kind and what that needs. */
#include "image/image_manifest.h"

#include <stdint.h>
#include <stdlib.h>

static const char *const content_types[] = {
        "",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "text/html",
};

static void check_manifest(const struct image_manifest *manifest, struct mu_arena *arena)
{
    const struct image_descriptor *children = manifest->manifests.items;

    if (manifest->kind == MU_DIGEST_KIND_INDEX) {
        if (manifest->config.digest || manifest->manifests.count > IMAGE_CHILDREN_MAX)
            abort();
        for (size_t i = 0; i < manifest->manifests.count; i++) {
            (void)image_child_kind(&children[i]);
            (void)image_platform_text(&children[i].platform, arena);
        }
    } else if (!manifest->config.digest || manifest->layers.count > IMAGE_LAYERS_MAX) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(16 << 20);
    struct image_manifest manifest;
    struct image_config config;
    struct mu_error err;

    for (size_t i = 0; i < sizeof(content_types) / sizeof(content_types[0]); i++)
        if (image_manifest_parse((const char *)bytes, len, content_types[i], arena, &manifest,
                                 &err) == MU_OK)
            check_manifest(&manifest, arena);
    if (image_config_parse((const char *)bytes, len, arena, &config, &err) == MU_OK &&
        config.rootfs.diff_ids.count > IMAGE_LAYERS_MAX)
        abort();
    return 0;
}

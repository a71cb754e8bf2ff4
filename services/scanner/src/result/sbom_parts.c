#include "result/sbom_parts.h"

#include "result/purl.h"

#include "base/clock.h"
#include "base/text.h"
#include "sbom/purl.h"

#include <string.h>

void sbom_serial(const struct sbom *sbom, const char *form, char ret_uuid[MU_UUID_TEXT_SIZE])
{
    const char *const parts[] = {form, sbom->repository, sbom->digest, sbom->scanner_version};

    mu_stable_id("sbom", parts, sizeof(parts) / sizeof(parts[0]), ret_uuid);
}

void sbom_package(const struct image_package *package, struct mu_sbom_package *ret_package)
{
    *ret_package = (struct mu_sbom_package){.type = package->type,
                                            .name = package->name,
                                            .version = package->version,
                                            .architecture = package->architecture,
                                            .source_name = package->source_name,
                                            .source_version = package->source_version,
                                            .module = package->module,
                                            .license = package->license,
                                            .vendor = package->vendor,
                                            .owner_type = package->owner_type,
                                            .owner = package->owner,
                                            .path = package->path,
                                            .inner_path = package->inner_path,
                                            .layer_index = package->layer_index};
}

void sbom_package_id(const struct image_package *package, char ret_uuid[MU_UUID_TEXT_SIZE])
{
    struct mu_sbom_package named;

    sbom_package(package, &named);
    mu_sbom_package_ref(&named, ret_uuid);
}

int64_t sbom_time_us(const struct sbom *sbom)
{
    return sbom->at_us != MU_TIME_NONE ? sbom->at_us : sbom->image->created_at_us;
}

const char *sbom_sha256_hex(const char *digest)
{
    return mu_text_starts(digest, "sha256:") ? digest + strlen("sha256:") : NULL;
}

const char *sbom_purl(const struct sbom *sbom, const struct image_package *package,
                      struct mu_buf *buf)
{
    mu_buf_reset(buf);
    if (package)
        purl_put(package, &sbom->image->os, buf);
    else
        mu_purl_put_image(sbom->repository, sbom->digest, sbom->image->platform, buf);
    return buf->data;
}

const struct image_layer *sbom_layer_of(const struct sbom *sbom,
                                        const struct image_package *package)
{
    return package->layer_index < sbom->image->layer_count
                   ? &sbom->image->layers[package->layer_index]
                   : NULL;
}

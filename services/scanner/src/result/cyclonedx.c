/* CycloneDX 1.6 (sbom/cyclonedx.h). */
#include "result/sbom.h"

#include "result/sbom_parts.h"

#include "base/buf.h"
#include "base/memory.h"
#include "sbom/cyclonedx.h"

#include <stdlib.h>

enum { TEXT_MAX_BYTES = 64 * 1024 };

static void put_package(struct json_stream *out, const struct mu_sbom_image *image,
                        const struct sbom *sbom, const struct image_package *package,
                        struct mu_buf *purl)
{
    struct mu_sbom_package put;

    sbom_package(package, &put);
    put.purl = sbom_purl(sbom, package, purl);
    mu_cyclonedx_put_package(out, image, &put);
}

static void put_document(struct json_stream *out, const void *value)
{
    const struct sbom *sbom = value;
    const struct image_analysis *analysis = sbom->image;
    struct mu_sbom_layer *layers = mu_xcalloc(analysis->layer_count + 1, sizeof(*layers));
    MU_AUTO_DONE(mu_buf_done) struct mu_buf purl;
    char serial[MU_UUID_TEXT_SIZE];
    const struct mu_sbom_image image = {.serial = serial,
                                        .repository = sbom->repository,
                                        .digest = sbom->digest,
                                        .config_digest = analysis->config_digest,
                                        .media_type = analysis->media_type,
                                        .platform = analysis->platform,
                                        .os_id = analysis->os.id,
                                        .os_version_id = analysis->os.version_id,
                                        .os_pretty_name = analysis->os.pretty_name,
                                        .tool_name = "muster-scanner",
                                        .tool_version = sbom->scanner_version,
                                        .layers = layers,
                                        .layer_count = analysis->layer_count,
                                        .at_us = sbom_time_us(sbom),
                                        .incomplete = analysis->failure_count > 0};

    mu_buf_init(&purl, TEXT_MAX_BYTES);
    sbom_serial(sbom, "cyclonedx", serial);
    for (size_t i = 0; i < analysis->layer_count; i++)
        layers[i] = (struct mu_sbom_layer){analysis->layers[i].digest, analysis->layers[i].diff_id};
    mu_cyclonedx_begin(out, &image);
    for (size_t i = 0; i < analysis->package_count; i++)
        put_package(out, &image, sbom, &analysis->packages[i], &purl);
    mu_cyclonedx_end_packages(out, &image);
    json_close(out, '}');
    free(layers);
}

enum mu_status cyclonedx_write(const struct sbom *sbom, const char *folder,
                               struct raw_file *ret_file, struct mu_error *err)
{
    return result_file_write(folder, put_document, sbom, ret_file, err);
}

#include "result/raw_packages.h"

#include "result/purl.h"

#include "base/buf.h"

enum { PURL_MAX_BYTES = 64 * 1024 }; /* more than three times the longest texts */

static void put_known(struct json_stream *out, const char *name, const char *text)
{
    if (text && text[0] != '\0')
        json_text(out, name, text);
}

static void put_owner(struct json_stream *out, const struct image_package *package)
{
    if (!package->owner)
        return;
    json_open(out, "owner", '{');
    json_text(out, "type", package->owner_type);
    json_text(out, "name", package->owner);
    json_close(out, '}');
}

void raw_package_purl_put(struct json_stream *out, const struct image_package *package,
                          const struct image_os *os)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf purl;

    mu_buf_init(&purl, PURL_MAX_BYTES);
    purl_put(package, os, &purl);
    if (!purl.failed)
        json_text(out, "purl", purl.data);
}

void raw_package_place_put(struct json_stream *out, const struct image_package *package)
{
    if (!package->path)
        return;
    json_int(out, "layer", package->layer_index);
    json_text(out, "path", package->path);
    put_known(out, "inner_path", package->inner_path);
}

static void put_package(struct json_stream *out, const struct image_package *package,
                        const struct image_os *os)
{
    json_open(out, NULL, '{');
    json_text(out, "type", package->type);
    json_text(out, "name", package->name);
    json_text(out, "version", package->version);
    raw_package_purl_put(out, package, os);
    json_text(out, "source_name", package->source_name);
    json_text(out, "source_version", package->source_version);
    json_text(out, "architecture", package->architecture);
    put_known(out, "vendor", package->vendor);
    put_known(out, "module", package->module);
    put_known(out, "license", package->license);
    raw_package_place_put(out, package);
    put_owner(out, package);
    json_close(out, '}');
}

void raw_packages_put(struct json_stream *out, const struct image_analysis *image)
{
    json_open(out, "packages", '[');
    for (size_t i = 0; i < image->package_count; i++)
        put_package(out, &image->packages[i], &image->os);
    json_close(out, ']');
}

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

static void put_purl(struct json_stream *out, const struct image_package *package,
                     const struct image_os *os, struct mu_buf *purl)
{
    mu_buf_reset(purl);
    purl_put(package, os, purl);
    if (!purl->failed)
        json_text(out, "purl", purl->data);
}

void raw_packages_put(struct json_stream *out, const struct image_analysis *image)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf purl;

    mu_buf_init(&purl, PURL_MAX_BYTES);
    json_open(out, "packages", '[');
    for (size_t i = 0; i < image->package_count; i++) {
        const struct image_package *package = &image->packages[i];

        json_open(out, NULL, '{');
        json_text(out, "type", package->type);
        json_text(out, "name", package->name);
        json_text(out, "version", package->version);
        put_purl(out, package, &image->os, &purl);
        json_text(out, "source_name", package->source_name);
        json_text(out, "source_version", package->source_version);
        json_text(out, "architecture", package->architecture);
        put_known(out, "vendor", package->vendor);
        put_known(out, "module", package->module);
        put_known(out, "license", package->license);
        json_int(out, "layer", package->layer_index);
        put_known(out, "path", package->path);
        put_known(out, "inner_path", package->inner_path);
        put_owner(out, package);
        json_close(out, '}');
    }
    json_close(out, ']');
}

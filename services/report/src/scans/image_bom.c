#include "scans/image_bom.h"

#include "bundle/json_file.h"
#include "scans/bom_parts.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "sbom/purl.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 256 * 1024, MAX_LAYERS = 4096 };

const char *bom_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* ---- packages and what names them ---- */

static const char *key_of(struct bom_writer *writer, const struct mu_sbom_package *package)
{
    mu_buf_reset(&writer->key);
    mu_buf_printf(&writer->key, "%s\n%s\n%s", package->type, package->name, package->version);
    return writer->key.data;
}

/* False: it was there already. */
static bool note_package(struct bom_writer *writer, const struct mu_sbom_package *package)
{
    char ref[MU_UUID_TEXT_SIZE];
    json_t *same = json_object_get(writer->packages, key_of(writer, package));

    mu_sbom_package_ref(package, ref);
    if (json_object_get(writer->refs, ref))
        return false;
    (void)json_object_set_new(writer->refs, ref, json_true());
    if (!same) {
        same = json_array();
        (void)json_object_set_new(writer->packages, writer->key.data, same);
    }
    mu_buf_reset(&writer->text);
    mu_buf_printf(&writer->text, "%s\n%s\n%s", ref, package->path ? package->path : "",
                  package->inner_path ? package->inner_path : "");
    (void)json_array_append_new(same, json_string(writer->text.data));
    return true;
}

/* The package that a finding names. */
static struct mu_sbom_package bom_package_of_finding(const json_t *finding)
{
    const char *type = bom_text(finding, "package_type");
    const char *version = bom_text(finding, "package_version");

    if (!type)
        type = bom_text(finding, "type");
    return (struct mu_sbom_package){.type = type ? type : "generic",
                                    .name = bom_text(finding, "package"),
                                    .version = version ? version : "",
                                    .purl = bom_text(finding, "purl"),
                                    .source_name = bom_text(finding, "source_name"),
                                    .source_version = bom_text(finding, "source_version"),
                                    .path = bom_text(finding, "path"),
                                    .inner_path = bom_text(finding, "inner_path"),
                                    .layer_index = UINT32_MAX};
}

/* Of the packages of that name those at the finding's place, where it tells one. */
size_t bom_each_ref(struct bom_writer *writer, const json_t *finding,
                    void (*each)(struct bom_writer *writer, const char *ref))
{
    const struct mu_sbom_package package = bom_package_of_finding(finding);
    const json_t *one;
    size_t i, count = 0;

    if (!package.name)
        return 0;
    json_array_foreach (json_object_get(writer->packages, key_of(writer, &package)), i, one) {
        const char *text = json_string_value(one);

        mu_buf_reset(&writer->text);
        mu_buf_printf(&writer->text, "%.*s\n%s\n%s", MU_UUID_TEXT_SIZE - 1, text,
                      package.path ? package.path : "",
                      package.inner_path ? package.inner_path : "");
        if (package.path && !mu_text_equal(text, writer->text.data))
            continue;
        mu_buf_reset(&writer->text);
        mu_buf_append(&writer->text, text, MU_UUID_TEXT_SIZE - 1);
        if (each)
            each(writer, writer->text.data);
        count++;
    }
    return count;
}

static void put_package(struct bom_writer *writer, struct mu_sbom_package *package)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf purl;

    mu_buf_init(&purl, TEXT_MAX_BYTES);
    if (!package->name || !*package->name || !note_package(writer, package))
        return;
    if (!package->purl) {
        mu_purl_put(&(struct mu_purl){.type = package->type,
                                      .name = package->name,
                                      .version = package->version,
                                      .architecture = package->architecture,
                                      .source_name = package->source_name,
                                      .source_version = package->source_version,
                                      .module = package->module,
                                      .os_id = writer->image->os_id,
                                      .os_version_id = writer->image->os_version_id},
                    &purl);
        package->purl = purl.data;
    }
    mu_cyclonedx_put_package(writer->out, writer->image, package);
}

static struct mu_sbom_package package_of(const json_t *value)
{
    const json_t *owner = json_object_get(value, "owner");
    const json_t *layer = json_object_get(value, "layer");
    const char *type = bom_text(value, "type"), *version = bom_text(value, "version");

    return (struct mu_sbom_package){.type = type ? type : "generic",
                                    .name = bom_text(value, "name"),
                                    .version = version ? version : "",
                                    .purl = bom_text(value, "purl"),
                                    .architecture = bom_text(value, "architecture"),
                                    .source_name = bom_text(value, "source_name"),
                                    .source_version = bom_text(value, "source_version"),
                                    .module = bom_text(value, "module"),
                                    .license = bom_text(value, "license"),
                                    .vendor = bom_text(value, "vendor"),
                                    .owner_type = bom_text(owner, "type"),
                                    .owner = bom_text(owner, "name"),
                                    .path = bom_text(value, "path"),
                                    .inner_path = bom_text(value, "inner_path"),
                                    .layer_index = json_is_integer(layer)
                                                           ? (uint32_t)json_integer_value(layer)
                                                           : UINT32_MAX};
}

static void put_packages_of_findings(struct bom_writer *writer, const char *list)
{
    const json_t *finding;
    size_t i;

    json_array_foreach (json_object_get(writer->bom->scan, list), i, finding) {
        struct mu_sbom_package package = bom_package_of_finding(finding);

        if (bom_each_ref(writer, finding, NULL) == 0)
            put_package(writer, &package);
    }
}

static void put_packages(struct bom_writer *writer)
{
    const json_t *value;
    size_t i;

    json_array_foreach (json_object_get(writer->bom->scan, "packages"), i, value) {
        struct mu_sbom_package package = package_of(value);

        put_package(writer, &package);
    }
    put_packages_of_findings(writer, "findings");
    put_packages_of_findings(writer, "suppressed");
}

/* ---- the image ---- */

static size_t layers_of(const json_t *image, struct mu_sbom_layer *layers)
{
    const json_t *layer;
    size_t i, count = 0;

    json_array_foreach (json_object_get(image, "layers"), i, layer) {
        if (count == MAX_LAYERS)
            break;
        layers[count++] =
                (struct mu_sbom_layer){bom_text(layer, "digest"), bom_text(layer, "diff_id")};
    }
    return count;
}

static int64_t time_of(const json_t *scan)
{
    const char *text = bom_text(scan, "finished_at");
    int64_t at_us = MU_TIME_NONE;
    struct mu_error ignored;

    return text && mu_time_parse(text, strlen(text), &at_us, &ignored) == MU_OK ? at_us
                                                                                : MU_TIME_NONE;
}

static const char *or_else(const char *text, const char *otherwise)
{
    return text && *text ? text : otherwise;
}

static struct mu_sbom_image image_of(const struct image_bom *bom, const char *serial,
                                     struct mu_sbom_layer *layers)
{
    const json_t *image = json_object_get(bom->scan, "image"), *os = json_object_get(image, "os");
    const json_t *scanner = json_object_get(bom->scan, "scanner");

    return (struct mu_sbom_image){
            .serial = serial,
            .repository = or_else(bom_text(image, "repository"), bom->repository),
            .digest = bom->digest,
            .config_digest = bom_text(image, "config_digest"),
            .media_type = bom_text(image, "media_type"),
            .platform = bom_text(image, "platform"),
            .os_id = bom_text(os, "id"),
            .os_version_id = bom_text(os, "version_id"),
            .os_pretty_name = bom_text(os, "pretty_name"),
            .tool_name = or_else(bom_text(scanner, "name"), "unknown scanner"),
            .tool_version = or_else(bom_text(scanner, "version"), "unknown"),
            .layers = layers,
            .layer_count = layers_of(image, layers),
            .at_us = time_of(bom->scan),
            .incomplete = json_array_size(json_object_get(bom->scan, "failures")) > 0 ||
                          !json_object_get(bom->scan, "packages")};
}

static void put_document(struct bom_writer *writer)
{
    mu_cyclonedx_begin(writer->out, writer->image);
    put_packages(writer);
    mu_cyclonedx_end_packages(writer->out, writer->image);
    bom_put_vulnerabilities(writer);
    json_close(writer->out, '}');
}

enum mu_status image_bom_write(const struct image_bom *bom, const char *path, struct mu_error *err)
{
    MU_AUTO_DONE(json_file_done) struct json_file file = {.path = NULL};
    struct mu_sbom_layer *layers;
    struct mu_sbom_image image;
    char serial[MU_UUID_TEXT_SIZE];
    struct bom_writer writer = {.bom = bom, .out = &file.out, .image = &image};
    enum mu_status st = json_file_open(path, &file, err);

    if (st != MU_OK)
        return st;
    layers = mu_xcalloc(MAX_LAYERS, sizeof(*layers));
    mu_stable_id("sbom-of-scan", (const char *const[]){bom->evidence_digest, bom->digest}, 2,
                 serial);
    image = image_of(bom, serial, layers);
    writer.packages = json_object();
    writer.refs = json_object();
    mu_buf_init(&writer.key, TEXT_MAX_BYTES);
    mu_buf_init(&writer.text, TEXT_MAX_BYTES);
    put_document(&writer);
    mu_buf_done(&writer.key);
    mu_buf_done(&writer.text);
    json_decref(writer.packages);
    json_decref(writer.refs);
    free(layers);
    return json_file_finish(&file, err);
}

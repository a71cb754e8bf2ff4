/* CycloneDX 1.6. */
#include "result/sbom.h"

#include "result/purl.h"
#include "result/sbom_parts.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 64 * 1024 };

struct writing {
    const struct sbom *sbom;
    struct json_stream *out;
    struct mu_buf purl, text;
};

static void put_text(struct json_stream *out, const char *name, const char *text)
{
    if (text && text[0] != '\0')
        json_text(out, name, text);
}

static void put_property(struct json_stream *out, const char *name, const char *value)
{
    if (!value || value[0] == '\0')
        return;
    json_open(out, NULL, '{');
    json_text(out, "name", name);
    json_text(out, "value", value);
    json_close(out, '}');
}

/* ---- what the document is about ---- */

static void put_tools(const struct writing *to)
{
    json_open(to->out, "tools", '{');
    json_open(to->out, "components", '[');
    json_open(to->out, NULL, '{');
    json_text(to->out, "type", "application");
    json_text(to->out, "name", "muster-scanner");
    json_text(to->out, "version", to->sbom->scanner_version);
    json_close(to->out, '}');
    json_close(to->out, ']');
    json_close(to->out, '}');
}

static void put_layer_properties(const struct writing *to)
{
    const struct image_analysis *image = to->sbom->image;

    for (size_t i = 0; i < image->layer_count; i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "muster:image:layer:%zu:digest", i);
        put_property(to->out, name, image->layers[i].digest);
        (void)snprintf(name, sizeof(name), "muster:image:layer:%zu:diff_id", i);
        put_property(to->out, name, image->layers[i].diff_id);
    }
}

static void put_image(struct writing *to)
{
    const struct sbom *sbom = to->sbom;
    const char *hex = sbom_sha256_hex(sbom->digest);

    json_open(to->out, "component", '{');
    json_text(to->out, "type", "container");
    json_text(to->out, "bom-ref", sbom->digest);
    json_text(to->out, "name", sbom->repository);
    json_text(to->out, "version", sbom->digest);
    if (hex) {
        json_open(to->out, "hashes", '[');
        json_open(to->out, NULL, '{');
        json_text(to->out, "alg", "SHA-256");
        json_text(to->out, "content", hex);
        json_close(to->out, '}');
        json_close(to->out, ']');
    }
    json_text(to->out, "purl", sbom_purl(sbom, NULL, &to->purl));
    json_open(to->out, "properties", '[');
    put_property(to->out, "muster:image:config_digest", sbom->image->config_digest);
    put_property(to->out, "muster:image:media_type", sbom->image->media_type);
    put_property(to->out, "muster:image:platform", sbom->image->platform);
    put_layer_properties(to);
    json_close(to->out, ']');
    json_close(to->out, '}');
}

static void put_metadata(struct writing *to)
{
    int64_t at_us = sbom_time_us(to->sbom);

    json_open(to->out, "metadata", '{');
    if (at_us != MU_TIME_NONE)
        json_time(to->out, "timestamp", at_us);
    put_tools(to);
    put_image(to);
    json_close(to->out, '}');
}

/* ---- components ---- */

static void put_os(const struct writing *to)
{
    const struct image_os *os = &to->sbom->image->os;

    if (!os->id)
        return;
    json_open(to->out, NULL, '{');
    json_text(to->out, "type", "operating-system");
    json_text(to->out, "bom-ref", "operating-system");
    json_text(to->out, "name", os->id);
    put_text(to->out, "version", os->version_id);
    put_text(to->out, "description", os->pretty_name);
    json_close(to->out, '}');
}

/* "@scope/name" and the like are a group and a name. */
static void put_names(struct writing *to, const struct image_package *package)
{
    size_t group = mu_text_equal(package->type, "golang")
                           ? 0
                           : purl_namespace_len(package->type, package->name);

    if (group > 0) {
        mu_buf_reset(&to->text);
        mu_buf_append(&to->text, package->name, group);
        json_text(to->out, "group", to->text.data);
        json_text(to->out, "name", package->name + group + 1);
    } else {
        json_text(to->out, "name", package->name);
    }
    put_text(to->out, "version", package->version);
}

static void put_licenses(const struct writing *to, const char *license)
{
    if (!license || license[0] == '\0')
        return;
    json_open(to->out, "licenses", '[');
    json_open(to->out, NULL, '{');
    json_open(to->out, "license", '{');
    json_text(to->out, "name", license);
    json_close(to->out, '}');
    json_close(to->out, '}');
    json_close(to->out, ']');
}

static void put_package_properties(const struct writing *to, const struct image_package *package)
{
    const struct image_layer *layer = sbom_layer_of(to->sbom, package);
    char index[16];

    (void)snprintf(index, sizeof(index), "%u", package->layer_index);
    json_open(to->out, "properties", '[');
    put_property(to->out, "muster:package:type", package->type);
    put_property(to->out, "muster:package:architecture", package->architecture);
    put_property(to->out, "muster:package:source_name", package->source_name);
    put_property(to->out, "muster:package:source_version", package->source_version);
    put_property(to->out, "muster:package:module", package->module);
    put_property(to->out, "muster:package:owner_type", package->owner_type);
    put_property(to->out, "muster:package:owner", package->owner);
    put_property(to->out, "muster:layer:index", index);
    if (layer) {
        put_property(to->out, "muster:layer:digest", layer->digest);
        put_property(to->out, "muster:layer:diff_id", layer->diff_id);
    }
    json_close(to->out, ']');
}

static void put_evidence(struct writing *to, const struct image_package *package)
{
    if (!package->path)
        return;
    mu_buf_reset(&to->text);
    mu_buf_printf(&to->text, "/%s", package->path);
    json_open(to->out, "evidence", '{');
    json_open(to->out, "occurrences", '[');
    json_open(to->out, NULL, '{');
    json_text(to->out, "location", to->text.data);
    put_text(to->out, "additionalContext", package->inner_path);
    json_close(to->out, '}');
    json_close(to->out, ']');
    json_close(to->out, '}');
}

static void put_package(struct writing *to, const struct image_package *package)
{
    char id[MU_UUID_TEXT_SIZE];

    sbom_package_id(package, id);
    json_open(to->out, NULL, '{');
    json_text(to->out, "type", "library");
    json_text(to->out, "bom-ref", id);
    if (package->vendor && package->vendor[0] != '\0') {
        json_open(to->out, "supplier", '{');
        json_text(to->out, "name", package->vendor);
        json_close(to->out, '}');
    }
    put_names(to, package);
    put_licenses(to, package->license);
    json_text(to->out, "purl", sbom_purl(to->sbom, package, &to->purl));
    put_evidence(to, package);
    put_package_properties(to, package);
    json_close(to->out, '}');
}

/* An image that could not be read whole has more than is listed. */
static void put_compositions(const struct writing *to)
{
    json_open(to->out, "compositions", '[');
    json_open(to->out, NULL, '{');
    json_text(to->out, "aggregate", to->sbom->image->failure_count > 0 ? "incomplete" : "unknown");
    json_open(to->out, "assemblies", '[');
    json_text(to->out, NULL, to->sbom->digest);
    json_close(to->out, ']');
    json_close(to->out, '}');
    json_close(to->out, ']');
}

static void put_document(struct json_stream *out, const void *value)
{
    struct writing to = {.sbom = value, .out = out};
    char uuid[MU_UUID_TEXT_SIZE], serial[MU_UUID_TEXT_SIZE + 16];

    mu_buf_init(&to.purl, TEXT_MAX_BYTES);
    mu_buf_init(&to.text, TEXT_MAX_BYTES);
    sbom_serial(to.sbom, "cyclonedx", uuid);
    (void)snprintf(serial, sizeof(serial), "urn:uuid:%s", uuid);
    json_open(out, NULL, '{');
    json_text(out, "$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json");
    json_text(out, "bomFormat", "CycloneDX");
    json_text(out, "specVersion", "1.6");
    json_text(out, "serialNumber", serial);
    json_int(out, "version", 1);
    put_metadata(&to);
    json_open(out, "components", '[');
    put_os(&to);
    for (size_t i = 0; i < to.sbom->image->package_count; i++)
        put_package(&to, &to.sbom->image->packages[i]);
    json_close(out, ']');
    put_compositions(&to);
    json_close(out, '}');
    mu_buf_done(&to.purl);
    mu_buf_done(&to.text);
}

enum mu_status cyclonedx_write(const struct sbom *sbom, const char *folder,
                               struct raw_file *ret_file, struct mu_error *err)
{
    return result_file_write(folder, put_document, sbom, ret_file, err);
}

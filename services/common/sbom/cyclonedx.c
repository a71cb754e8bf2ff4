#include "sbom/cyclonedx.h"

#include "sbom/purl.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 64 * 1024 };

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

void mu_sbom_package_ref(const struct mu_sbom_package *package, char ret_uuid[MU_UUID_TEXT_SIZE])
{
    const char *const parts[] = {package->type,         package->name, package->version,
                                 package->architecture, package->path, package->inner_path};

    mu_stable_id("sbom-package", parts, sizeof(parts) / sizeof(parts[0]), ret_uuid);
}

/* ---- what the document is about ---- */

static void put_tools(struct json_stream *out, const struct mu_sbom_image *image)
{
    json_open(out, "tools", '{');
    json_open(out, "components", '[');
    json_open(out, NULL, '{');
    json_text(out, "type", "application");
    json_text(out, "name", image->tool_name);
    json_text(out, "version", image->tool_version);
    json_close(out, '}');
    json_close(out, ']');
    json_close(out, '}');
}

static void put_layer_properties(struct json_stream *out, const struct mu_sbom_image *image)
{
    for (size_t i = 0; i < image->layer_count; i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "muster:image:layer:%zu:digest", i);
        put_property(out, name, image->layers[i].digest);
        (void)snprintf(name, sizeof(name), "muster:image:layer:%zu:diff_id", i);
        put_property(out, name, image->layers[i].diff_id);
    }
}

static void put_hash(struct json_stream *out, const char *digest)
{
    if (!mu_text_starts(digest, "sha256:"))
        return;
    json_open(out, "hashes", '[');
    json_open(out, NULL, '{');
    json_text(out, "alg", "SHA-256");
    json_text(out, "content", digest + strlen("sha256:"));
    json_close(out, '}');
    json_close(out, ']');
}

static void put_image(struct json_stream *out, const struct mu_sbom_image *image)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf purl;

    mu_buf_init(&purl, TEXT_MAX_BYTES);
    mu_purl_put_image(image->repository, image->digest, image->platform, &purl);
    json_open(out, "component", '{');
    json_text(out, "type", "container");
    json_text(out, "bom-ref", image->digest);
    json_text(out, "name", image->repository);
    json_text(out, "version", image->digest);
    put_hash(out, image->digest);
    json_text(out, "purl", purl.data);
    json_open(out, "properties", '[');
    put_property(out, "muster:image:config_digest", image->config_digest);
    put_property(out, "muster:image:media_type", image->media_type);
    put_property(out, "muster:image:platform", image->platform);
    put_layer_properties(out, image);
    json_close(out, ']');
    json_close(out, '}');
}

static void put_metadata(struct json_stream *out, const struct mu_sbom_image *image)
{
    json_open(out, "metadata", '{');
    if (image->at_us != MU_TIME_NONE)
        json_time(out, "timestamp", image->at_us);
    put_tools(out, image);
    put_image(out, image);
    json_close(out, '}');
}

static void put_os(struct json_stream *out, const struct mu_sbom_image *image)
{
    if (!image->os_id)
        return;
    json_open(out, NULL, '{');
    json_text(out, "type", "operating-system");
    json_text(out, "bom-ref", "operating-system");
    json_text(out, "name", image->os_id);
    put_text(out, "version", image->os_version_id);
    put_text(out, "description", image->os_pretty_name);
    json_close(out, '}');
}

void mu_cyclonedx_begin(struct json_stream *out, const struct mu_sbom_image *image)
{
    char serial[MU_UUID_TEXT_SIZE + 16];

    (void)snprintf(serial, sizeof(serial), "urn:uuid:%s", image->serial);
    json_open(out, NULL, '{');
    json_text(out, "$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json");
    json_text(out, "bomFormat", "CycloneDX");
    json_text(out, "specVersion", "1.6");
    json_text(out, "serialNumber", serial);
    json_int(out, "version", 1);
    put_metadata(out, image);
    json_open(out, "components", '[');
    put_os(out, image);
}

/* ---- packages ---- */

/* "@scope/name" and the like are a group and a name. */
static void put_names(struct json_stream *out, const struct mu_sbom_package *package)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf group;
    size_t len = mu_text_equal(package->type, "golang")
                         ? 0
                         : mu_purl_namespace_len(package->type, package->name);

    mu_buf_init(&group, TEXT_MAX_BYTES);
    if (len > 0) {
        mu_buf_append(&group, package->name, len);
        json_text(out, "group", group.data);
        json_text(out, "name", package->name + len + 1);
    } else {
        json_text(out, "name", package->name);
    }
    put_text(out, "version", package->version);
}

static void put_licenses(struct json_stream *out, const char *license)
{
    if (!license || license[0] == '\0')
        return;
    json_open(out, "licenses", '[');
    json_open(out, NULL, '{');
    json_open(out, "license", '{');
    json_text(out, "name", license);
    json_close(out, '}');
    json_close(out, '}');
    json_close(out, ']');
}

static void put_package_properties(struct json_stream *out, const struct mu_sbom_image *image,
                                   const struct mu_sbom_package *package)
{
    char index[16];

    (void)snprintf(index, sizeof(index), "%u", package->layer_index);
    json_open(out, "properties", '[');
    put_property(out, "muster:package:type", package->type);
    put_property(out, "muster:package:architecture", package->architecture);
    put_property(out, "muster:package:source_name", package->source_name);
    put_property(out, "muster:package:source_version", package->source_version);
    put_property(out, "muster:package:module", package->module);
    put_property(out, "muster:package:owner_type", package->owner_type);
    put_property(out, "muster:package:owner", package->owner);
    put_property(out, "muster:layer:index", index);
    if (package->layer_index < image->layer_count) {
        put_property(out, "muster:layer:digest", image->layers[package->layer_index].digest);
        put_property(out, "muster:layer:diff_id", image->layers[package->layer_index].diff_id);
    }
    json_close(out, ']');
}

static void put_evidence(struct json_stream *out, const struct mu_sbom_package *package)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf location;

    mu_buf_init(&location, TEXT_MAX_BYTES);
    if (!package->path)
        return;
    mu_buf_printf(&location, "/%s", package->path);
    json_open(out, "evidence", '{');
    json_open(out, "occurrences", '[');
    json_open(out, NULL, '{');
    json_text(out, "location", location.data);
    put_text(out, "additionalContext", package->inner_path);
    json_close(out, '}');
    json_close(out, ']');
    json_close(out, '}');
}

void mu_cyclonedx_put_package(struct json_stream *out, const struct mu_sbom_image *image,
                              const struct mu_sbom_package *package)
{
    char ref[MU_UUID_TEXT_SIZE];

    mu_sbom_package_ref(package, ref);
    json_open(out, NULL, '{');
    json_text(out, "type", "library");
    json_text(out, "bom-ref", ref);
    if (package->vendor && package->vendor[0] != '\0') {
        json_open(out, "supplier", '{');
        json_text(out, "name", package->vendor);
        json_close(out, '}');
    }
    put_names(out, package);
    put_licenses(out, package->license);
    put_text(out, "purl", package->purl);
    put_evidence(out, package);
    put_package_properties(out, image, package);
    json_close(out, '}');
}

/* An image that could not be read whole has more than is listed. */
void mu_cyclonedx_end_packages(struct json_stream *out, const struct mu_sbom_image *image)
{
    json_close(out, ']');
    json_open(out, "compositions", '[');
    json_open(out, NULL, '{');
    json_text(out, "aggregate", image->incomplete ? "incomplete" : "unknown");
    json_open(out, "assemblies", '[');
    json_text(out, NULL, image->digest);
    json_close(out, ']');
    json_close(out, '}');
    json_close(out, ']');
}

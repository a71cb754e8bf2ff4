/* SPDX 2.3. */
#include "result/sbom.h"

#include "result/sbom_parts.h"

#include "base/buf.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 64 * 1024, ID_SIZE = MU_UUID_TEXT_SIZE + 24, SECONDS_LEN = 19 };

static const char image_id[] = "SPDXRef-Image", os_id[] = "SPDXRef-OperatingSystem";

struct writing {
    const struct sbom *sbom;
    struct json_stream *out;
    struct mu_buf text;
};

/* To the second: "2026-01-31T00:00:00Z". */
static void put_created(const struct writing *to)
{
    int64_t at_us = sbom_time_us(to->sbom);
    char time[MU_TIME_TEXT_SIZE], text[SECONDS_LEN + 2];

    mu_time_format(at_us != MU_TIME_NONE ? at_us : 0, time);
    (void)snprintf(text, sizeof(text), "%.*sZ", SECONDS_LEN, time);
    json_text(to->out, "created", text);
}

static void put_head(struct writing *to)
{
    char uuid[MU_UUID_TEXT_SIZE];

    sbom_serial(to->sbom, "spdx", uuid);
    json_text(to->out, "spdxVersion", "SPDX-2.3");
    json_text(to->out, "dataLicense", "CC0-1.0");
    json_text(to->out, "SPDXID", "SPDXRef-DOCUMENT");
    mu_buf_reset(&to->text);
    mu_buf_printf(&to->text, "%s@%s", to->sbom->repository, to->sbom->digest);
    json_text(to->out, "name", to->text.data);
    mu_buf_reset(&to->text);
    mu_buf_printf(&to->text, "urn:uuid:%s", uuid);
    json_text(to->out, "documentNamespace", to->text.data);
    json_open(to->out, "creationInfo", '{');
    put_created(to);
    json_open(to->out, "creators", '[');
    mu_buf_reset(&to->text);
    mu_buf_printf(&to->text, "Tool: muster-scanner-%s", to->sbom->scanner_version);
    json_text(to->out, NULL, to->text.data);
    json_close(to->out, ']');
    if (to->sbom->image->failure_count > 0)
        json_text(to->out, "comment", "The image could not be read whole: it has more packages.");
    json_close(to->out, '}');
}

static void put_purl(struct writing *to, const struct image_package *package)
{
    json_open(to->out, "externalRefs", '[');
    json_open(to->out, NULL, '{');
    json_text(to->out, "referenceCategory", "PACKAGE-MANAGER");
    json_text(to->out, "referenceType", "purl");
    json_text(to->out, "referenceLocator", sbom_purl(to->sbom, package, &to->text));
    json_close(to->out, '}');
    json_close(to->out, ']');
}

/* What SPDX wants of every package and a scanner does not know. */
static void put_unknown(const struct writing *to, const char *purpose)
{
    json_text(to->out, "downloadLocation", "NOASSERTION");
    json_bool(to->out, "filesAnalyzed", false);
    json_text(to->out, "licenseConcluded", "NOASSERTION");
    json_text(to->out, "licenseDeclared", "NOASSERTION");
    json_text(to->out, "copyrightText", "NOASSERTION");
    if (purpose)
        json_text(to->out, "primaryPackagePurpose", purpose);
}

static void put_image(struct writing *to)
{
    const char *hex = sbom_sha256_hex(to->sbom->digest);

    json_open(to->out, NULL, '{');
    json_text(to->out, "SPDXID", image_id);
    json_text(to->out, "name", to->sbom->repository);
    json_text(to->out, "versionInfo", to->sbom->digest);
    put_unknown(to, "CONTAINER");
    if (hex) {
        json_open(to->out, "checksums", '[');
        json_open(to->out, NULL, '{');
        json_text(to->out, "algorithm", "SHA256");
        json_text(to->out, "checksumValue", hex);
        json_close(to->out, '}');
        json_close(to->out, ']');
    }
    put_purl(to, NULL);
    json_close(to->out, '}');
}

static void put_os(const struct writing *to)
{
    const struct image_os *os = &to->sbom->image->os;

    if (!os->id)
        return;
    json_open(to->out, NULL, '{');
    json_text(to->out, "SPDXID", os_id);
    json_text(to->out, "name", os->id);
    if (os->version_id)
        json_text(to->out, "versionInfo", os->version_id);
    if (os->pretty_name)
        json_text(to->out, "summary", os->pretty_name);
    put_unknown(to, "OPERATING_SYSTEM");
    json_close(to->out, '}');
}

static void package_ref(const struct image_package *package, char ret_id[ID_SIZE])
{
    char uuid[MU_UUID_TEXT_SIZE];

    sbom_package_id(package, uuid);
    (void)snprintf(ret_id, ID_SIZE, "SPDXRef-Package-%s", uuid);
}

/* Where it was found, in words: SPDX 2.3 has no members for it. */
static void put_source(struct writing *to, const struct image_package *package)
{
    const struct image_layer *layer = sbom_layer_of(to->sbom, package);

    mu_buf_reset(&to->text);
    mu_buf_printf(&to->text, "found in /%s", package->path ? package->path : "");
    if (package->inner_path)
        mu_buf_printf(&to->text, ", %s", package->inner_path);
    mu_buf_printf(&to->text, " of layer %u", package->layer_index);
    if (layer)
        mu_buf_printf(&to->text, " (%s)", layer->digest);
    if (package->source_name)
        mu_buf_printf(&to->text, "; built from source package %s %s", package->source_name,
                      package->source_version ? package->source_version : "");
    if (package->owner)
        mu_buf_printf(&to->text, "; the file belongs to %s %s",
                      package->owner_type ? package->owner_type : "package", package->owner);
    json_text(to->out, "sourceInfo", to->text.data);
}

static void put_package(struct writing *to, const struct image_package *package)
{
    char id[ID_SIZE];

    package_ref(package, id);
    json_open(to->out, NULL, '{');
    json_text(to->out, "SPDXID", id);
    json_text(to->out, "name", package->name);
    if (package->version)
        json_text(to->out, "versionInfo", package->version);
    if (package->vendor) {
        mu_buf_reset(&to->text);
        mu_buf_printf(&to->text, "Organization: %s", package->vendor);
        json_text(to->out, "supplier", to->text.data);
    }
    put_unknown(to, NULL);
    if (package->license) {
        mu_buf_reset(&to->text);
        mu_buf_printf(&to->text, "as the package writes it: %s", package->license);
        json_text(to->out, "licenseComments", to->text.data);
    }
    put_source(to, package);
    put_purl(to, package);
    json_close(to->out, '}');
}

static void put_relationship(const struct writing *to, const char *from, const char *type,
                             const char *other)
{
    json_open(to->out, NULL, '{');
    json_text(to->out, "spdxElementId", from);
    json_text(to->out, "relationshipType", type);
    json_text(to->out, "relatedSpdxElement", other);
    json_close(to->out, '}');
}

static void put_relationships(const struct writing *to)
{
    const struct image_analysis *image = to->sbom->image;

    json_open(to->out, "relationships", '[');
    put_relationship(to, "SPDXRef-DOCUMENT", "DESCRIBES", image_id);
    if (image->os.id)
        put_relationship(to, image_id, "CONTAINS", os_id);
    for (size_t i = 0; i < image->package_count; i++) {
        char id[ID_SIZE];

        package_ref(&image->packages[i], id);
        put_relationship(to, image_id, "CONTAINS", id);
    }
    json_close(to->out, ']');
}

static void put_document(struct json_stream *out, const void *value)
{
    struct writing to = {.sbom = value, .out = out};

    mu_buf_init(&to.text, TEXT_MAX_BYTES);
    json_open(out, NULL, '{');
    put_head(&to);
    json_open(out, "packages", '[');
    put_image(&to);
    put_os(&to);
    for (size_t i = 0; i < to.sbom->image->package_count; i++)
        put_package(&to, &to.sbom->image->packages[i]);
    json_close(out, ']');
    put_relationships(&to);
    json_close(out, '}');
    mu_buf_done(&to.text);
}

enum mu_status spdx_write(const struct sbom *sbom, const char *folder, struct raw_file *ret_file,
                          struct mu_error *err)
{
    return result_file_write(folder, put_document, sbom, ret_file, err);
}

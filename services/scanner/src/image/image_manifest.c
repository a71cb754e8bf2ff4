#include "image/image_manifest.h"

#include "base/text.h"
#include "source/referrer_kind.h"
#include "json/json_doc.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(owner, member, json, most)                                                        \
    {                                                                                          \
        .name = (json), .type = MU_JSON_TEXT, .offset = offsetof(owner, member), .max = (most) \
    }
#define OBJECT(owner, member, json, of)                                                            \
    {                                                                                              \
        .name = (json), .type = MU_JSON_OBJECT, .offset = offsetof(owner, member), .object = &(of) \
    }
#define ARRAY(owner, member, json, most, of)                                                     \
    {                                                                                            \
        .name = (json), .type = MU_JSON_ARRAY, .offset = offsetof(owner, member), .max = (most), \
        .object = &(of)                                                                          \
    }
#define TABLE(owner, what, rows)                                         \
    {                                                                    \
        .name = (what), .fields = (rows), .field_count = COUNT_OF(rows), \
        .struct_size = sizeof(owner)                                     \
    }

enum { WORD_MAX = 255, LABEL_MAX = 1024 * 1024, URLS_MAX = 64 };

static const struct mu_json_field platform_fields[] = {
        TEXT(struct image_platform, os, "os", WORD_MAX),
        TEXT(struct image_platform, architecture, "architecture", WORD_MAX),
        TEXT(struct image_platform, variant, "variant", WORD_MAX),
};
static const struct mu_json_object platform_object =
        TABLE(struct image_platform, "platform", platform_fields);

static const struct mu_json_field annotation_fields[] = {
        TEXT(struct image_annotations, reference_type, "vnd.docker.reference.type", LABEL_MAX),
};
static const struct mu_json_object annotations_object =
        TABLE(struct image_annotations, "annotations", annotation_fields);

static const struct mu_json_field descriptor_fields[] = {
        TEXT(struct image_descriptor, media_type, "mediaType", WORD_MAX),
        {.name = "digest",
         .type = MU_JSON_DIGEST,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct image_descriptor, digest)},
        {.name = "size",
         .type = MU_JSON_INT,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct image_descriptor, size_bytes),
         .min = 0,
         .max = INT64_MAX},
        TEXT(struct image_descriptor, artifact_type, "artifactType", WORD_MAX),
        {.name = "urls",
         .type = MU_JSON_TEXTS,
         .offset = offsetof(struct image_descriptor, urls),
         .max = URLS_MAX},
        OBJECT(struct image_descriptor, platform, "platform", platform_object),
        OBJECT(struct image_descriptor, annotations, "annotations", annotations_object),
};
static const struct mu_json_object descriptor_object =
        TABLE(struct image_descriptor, "descriptor", descriptor_fields);

static const struct mu_json_field base_fields[] = {
        TEXT(struct image_base, name, "org.opencontainers.image.base.name", LABEL_MAX),
        TEXT(struct image_base, digest, "org.opencontainers.image.base.digest", LABEL_MAX),
};
static const struct mu_json_object base_object =
        TABLE(struct image_base, "annotations", base_fields);

static const struct mu_json_field manifest_fields[] = {
        {.name = "schemaVersion",
         .type = MU_JSON_INT,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct image_manifest, schema_version)},
        TEXT(struct image_manifest, media_type, "mediaType", WORD_MAX),
        TEXT(struct image_manifest, artifact_type, "artifactType", WORD_MAX),
        OBJECT(struct image_manifest, config, "config", descriptor_object),
        OBJECT(struct image_manifest, base, "annotations", base_object),
        ARRAY(struct image_manifest, layers, "layers", IMAGE_LAYERS_MAX, descriptor_object),
        ARRAY(struct image_manifest, manifests, "manifests", IMAGE_CHILDREN_MAX, descriptor_object),
};
static const struct mu_json_object manifest_object =
        TABLE(struct image_manifest, "manifest", manifest_fields);

static const struct mu_json_field label_fields[] = {
        TEXT(struct image_labels, title, "org.opencontainers.image.title", LABEL_MAX),
        TEXT(struct image_labels, version, "org.opencontainers.image.version", LABEL_MAX),
        TEXT(struct image_labels, vendor, "org.opencontainers.image.vendor", LABEL_MAX),
        TEXT(struct image_labels, schema_name, "org.label-schema.name", LABEL_MAX),
        TEXT(struct image_labels, schema_version, "org.label-schema.version", LABEL_MAX),
        TEXT(struct image_labels, schema_vendor, "org.label-schema.vendor", LABEL_MAX),
};
static const struct mu_json_object labels_object =
        TABLE(struct image_labels, "labels", label_fields);

static const struct mu_json_field settings_fields[] = {
        OBJECT(struct image_config_settings, labels, "Labels", labels_object),
};
static const struct mu_json_object settings_object =
        TABLE(struct image_config_settings, "config", settings_fields);

static const struct mu_json_field rootfs_fields[] = {
        {.name = "diff_ids",
         .type = MU_JSON_TEXTS,
         .offset = offsetof(struct image_rootfs, diff_ids),
         .max = IMAGE_LAYERS_MAX},
};
static const struct mu_json_object rootfs_object =
        TABLE(struct image_rootfs, "rootfs", rootfs_fields);

static const struct mu_json_field config_fields[] = {
        TEXT(struct image_config, platform.os, "os", WORD_MAX),
        TEXT(struct image_config, platform.architecture, "architecture", WORD_MAX),
        TEXT(struct image_config, platform.variant, "variant", WORD_MAX),
        TEXT(struct image_config, created, "created", WORD_MAX),
        OBJECT(struct image_config, settings, "config", settings_object),
        OBJECT(struct image_config, rootfs, "rootfs", rootfs_object),
};
static const struct mu_json_object config_object =
        TABLE(struct image_config, "image config", config_fields);

static enum mu_status table_parse(const struct mu_json_object *object, const char *json, size_t len,
                                  struct mu_arena *arena, void *ret_value, struct mu_error *err)
{
    const struct mu_json_limits limits = {.max_bytes = IMAGE_CONFIG_MAX_BYTES, .max_depth = 32};
    json_auto_t *root = NULL;

    if (mu_json_parse(json, len, &limits, &root, err) != MU_OK)
        return err->status;
    return mu_json_decode(object, root, arena, ret_value, err);
}

static bool is_schema1(const char *media_type)
{
    return media_type &&
           mu_text_starts(media_type, "application/vnd.docker.distribution.manifest.v1+");
}

static bool is_image_layer(const struct image_descriptor *layer)
{
    return layer->media_type &&
           (mu_text_starts(layer->media_type, "application/vnd.oci.image.layer.") ||
            mu_text_starts(layer->media_type, "application/vnd.docker.image.rootfs."));
}

static bool is_artifact_layer(const struct image_descriptor *layer)
{
    return layer->media_type && !is_image_layer(layer) &&
           !mu_text_equal(referrer_kind(layer->media_type), "other");
}

/*
 * Signatures and attestations may carry an image's config type; their layers give them away. All
 * else with such a config may run: runtimes look neither at artifactType nor, some of them, at the
 * types of layers.
 */
static bool is_image(const struct image_manifest *manifest)
{
    const struct image_descriptor *layers = manifest->layers.items;

    if (mu_media_type_kind(manifest->config.media_type) != MU_DIGEST_KIND_CONFIG)
        return false;
    for (size_t i = 0; i < manifest->layers.count; i++) {
        if (!is_artifact_layer(&layers[i]))
            return true;
    }
    return manifest->layers.count == 0 && !manifest->artifact_type;
}

/* An index and a manifest at once would be read differently by different tools. */
static enum mu_status members_check(const struct image_manifest *manifest, bool is_index,
                                    struct mu_error *err)
{
    bool has_manifest = manifest->config.digest || manifest->layers.items;

    if (is_index && has_manifest)
        return mu_fail(err, MU_E_INVALID, "an index with members of a manifest");
    if (!is_index && manifest->manifests.items)
        return mu_fail(err, MU_E_INVALID, "a manifest with members of an index");
    if (!is_index && !manifest->config.digest)
        return mu_fail(err, MU_E_INVALID, "a manifest without config");
    return MU_OK;
}

static enum mu_status manifest_classify(struct image_manifest *manifest, const char *content_type,
                                        struct mu_error *err)
{
    enum mu_digest_kind sent = mu_media_type_kind(content_type);
    enum mu_digest_kind said = mu_media_type_kind(manifest->media_type);

    if (manifest->schema_version != 2 || is_schema1(manifest->media_type) ||
        is_schema1(content_type))
        return mu_fail(err, MU_E_INVALID, "manifest of schema %lld is not read; only schema 2 is",
                       (long long)(manifest->schema_version == 2 ? 1 : manifest->schema_version));
    if (!manifest->media_type && content_type[0] != '\0') {
        said = sent;
    } else if (!manifest->media_type) {
        said = manifest->manifests.items ? MU_DIGEST_KIND_INDEX : MU_DIGEST_KIND_MANIFEST;
    } else if (sent != said && (sent == MU_DIGEST_KIND_INDEX || sent == MU_DIGEST_KIND_MANIFEST)) {
        return mu_fail(err, MU_E_INVALID, "sent as '%s' but says it is '%s'", content_type,
                       manifest->media_type);
    }
    if (said != MU_DIGEST_KIND_INDEX && said != MU_DIGEST_KIND_MANIFEST)
        return mu_fail(err, MU_E_INVALID, "media type '%s' is neither an index nor a manifest",
                       manifest->media_type ? manifest->media_type : content_type);
    if (members_check(manifest, said == MU_DIGEST_KIND_INDEX, err) != MU_OK)
        return err->status;
    manifest->kind = said;
    if (said == MU_DIGEST_KIND_MANIFEST && !is_image(manifest))
        manifest->kind = MU_DIGEST_KIND_ATTESTATION;
    return MU_OK;
}

enum mu_status image_manifest_parse(const char *json, size_t len, const char *content_type,
                                    struct mu_arena *arena, struct image_manifest *ret_manifest,
                                    struct mu_error *err)
{
    struct image_manifest manifest = {0};

    if (table_parse(&manifest_object, json, len, arena, &manifest, err) != MU_OK ||
        manifest_classify(&manifest, content_type, err) != MU_OK)
        return err->status;
    if (!manifest.media_type) {
        manifest.media_type = mu_arena_strdup(arena, content_type);
        if (!manifest.media_type)
            return mu_fail(err, MU_E_NOMEM, "no memory for a manifest");
    }
    *ret_manifest = manifest;
    return MU_OK;
}

enum mu_digest_kind image_child_kind(const struct image_descriptor *descriptor)
{
    const struct image_platform *platform = &descriptor->platform;
    enum mu_digest_kind kind = mu_media_type_kind(descriptor->media_type);

    if (kind != MU_DIGEST_KIND_INDEX && kind != MU_DIGEST_KIND_MANIFEST)
        return MU_DIGEST_KIND_UNKNOWN;
    if (mu_text_equal(platform->os, "unknown") && mu_text_equal(platform->architecture, "unknown"))
        return MU_DIGEST_KIND_ATTESTATION;
    if (platform->os && platform->architecture)
        return kind; /* a runtime would choose it, whatever it calls itself */
    if (descriptor->artifact_type ||
        mu_text_equal(descriptor->annotations.reference_type, "attestation-manifest"))
        return MU_DIGEST_KIND_ATTESTATION;
    return kind;
}

const char *image_platform_text(const struct image_platform *platform, struct mu_arena *arena)
{
    bool variant = platform->variant && platform->variant[0] != '\0';

    if (!platform->os || !platform->architecture || platform->os[0] == '\0' ||
        platform->architecture[0] == '\0')
        return NULL;
    return mu_arena_printf(arena, "%s/%s%s%s", platform->os, platform->architecture,
                           variant ? "/" : "", variant ? platform->variant : "");
}

enum mu_status image_config_parse(const char *json, size_t len, struct mu_arena *arena,
                                  struct image_config *ret_config, struct mu_error *err)
{
    struct image_config config;

    if (table_parse(&config_object, json, len, arena, &config, err) != MU_OK)
        return err->status;
    *ret_config = config;
    return MU_OK;
}

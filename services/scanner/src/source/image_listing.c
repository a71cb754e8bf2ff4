#include "source/image_listing.h"

#include "json/json_doc.h"

#include <stddef.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(owner, member, json, most)                                                        \
    {                                                                                          \
        .name = (json), .type = MU_JSON_TEXT, .offset = offsetof(owner, member), .max = (most) \
    }
#define TEXTS(owner, member, json, most)                                                        \
    {                                                                                           \
        .name = (json), .type = MU_JSON_TEXTS, .offset = offsetof(owner, member), .max = (most) \
    }
#define OBJECT(owner, member, json, of)                                                            \
    {                                                                                              \
        .name = (json), .type = MU_JSON_OBJECT, .offset = offsetof(owner, member), .object = &(of) \
    }
#define TABLE(owner, what, rows)                                         \
    {                                                                    \
        .name = (what), .fields = (rows), .field_count = COUNT_OF(rows), \
        .struct_size = sizeof(owner)                                     \
    }

enum { WORD_MAX = 255, NAME_MAX_CHARACTERS = 4096, TAGS_MAX = 1024 };

static const struct mu_json_limits limits = {.max_bytes = 8 * 1024 * 1024, .max_depth = 32};

static const struct mu_json_field annotation_fields[] = {
        TEXT(struct layout_annotations, ref_name, "org.opencontainers.image.ref.name",
             NAME_MAX_CHARACTERS),
        TEXT(struct layout_annotations, image_name, "io.containerd.image.name",
             NAME_MAX_CHARACTERS),
};
static const struct mu_json_object annotations_object =
        TABLE(struct layout_annotations, "annotations", annotation_fields);

static const struct mu_json_field entry_fields[] = {
        TEXT(struct layout_entry, media_type, "mediaType", WORD_MAX),
        {.name = "digest",
         .type = MU_JSON_DIGEST,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct layout_entry, digest)},
        TEXT(struct layout_entry, artifact_type, "artifactType", WORD_MAX),
        {.name = "size",
         .type = MU_JSON_INT,
         .offset = offsetof(struct layout_entry, size_bytes),
         .min = 0,
         .max = INT64_MAX},
        OBJECT(struct layout_entry, annotations, "annotations", annotations_object),
};
static const struct mu_json_object entry_object =
        TABLE(struct layout_entry, "descriptor", entry_fields);

static const struct mu_json_field index_fields[] = {
        {.name = "manifests",
         .type = MU_JSON_ARRAY,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct layout_index, manifests),
         .max = LISTING_IMAGES_MAX,
         .object = &entry_object},
};
static const struct mu_json_object index_object = TABLE(struct layout_index, "index", index_fields);

enum mu_status layout_index_parse(const char *json, size_t len, struct mu_arena *arena,
                                  struct layout_index *ret_index, struct mu_error *err)
{
    json_auto_t *root = NULL;

    if (mu_json_parse_bounded(json, len, &limits, LISTING_VALUES_MAX, &root, err) != MU_OK)
        return err->status;
    return mu_json_decode(&index_object, root, arena, ret_index, err);
}

static const struct mu_json_field saved_fields[] = {
        {.name = "Config",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct saved_image, config),
         .min = 1,
         .max = NAME_MAX_CHARACTERS},
        TEXTS(struct saved_image, repo_tags, "RepoTags", TAGS_MAX),
        TEXTS(struct saved_image, layers, "Layers", LISTING_LAYERS_MAX),
};
static const struct mu_json_object saved_object = TABLE(struct saved_image, "image", saved_fields);

/* The file is an array at its top, and tables describe objects. */
static const struct mu_json_field saved_list_fields[] = {
        {.name = "images",
         .type = MU_JSON_ARRAY,
         .flags = MU_JSON_REQUIRED,
         .offset = 0,
         .max = LISTING_IMAGES_MAX,
         .object = &saved_object},
};
static const struct mu_json_object saved_list_object =
        TABLE(struct mu_json_array, "manifest.json", saved_list_fields);

enum mu_status saved_images_parse(const char *json, size_t len, struct mu_arena *arena,
                                  struct mu_json_array *ret_images, struct mu_error *err)
{
    json_auto_t *root = NULL, *wrapped = NULL;

    if (mu_json_parse_bounded(json, len, &limits, LISTING_VALUES_MAX, &root, err) != MU_OK)
        return err->status;
    wrapped = json_pack("{s:O}", "images", root);
    if (!wrapped)
        return mu_fail(err, MU_E_NOMEM, "no memory for manifest.json");
    return mu_json_decode(&saved_list_object, wrapped, arena, ret_images, err);
}

struct described {
    const char *digest, *media_type;
};

struct subject_manifest {
    struct described subject, config;
    const char *artifact_type;
};

static const struct mu_json_field described_fields[] = {
        {.name = "digest", .type = MU_JSON_DIGEST, .offset = offsetof(struct described, digest)},
        TEXT(struct described, media_type, "mediaType", WORD_MAX),
};
static const struct mu_json_object described_object =
        TABLE(struct described, "descriptor", described_fields);

static const struct mu_json_field subject_fields[] = {
        OBJECT(struct subject_manifest, subject, "subject", described_object),
        OBJECT(struct subject_manifest, config, "config", described_object),
        TEXT(struct subject_manifest, artifact_type, "artifactType", WORD_MAX),
};
static const struct mu_json_object subject_object =
        TABLE(struct subject_manifest, "manifest", subject_fields);

enum mu_status layout_subject_parse(const char *json, size_t len, struct mu_arena *arena,
                                    struct layout_subject *ret_subject, struct mu_error *err)
{
    struct subject_manifest manifest = {0};
    json_auto_t *root = NULL;

    if (mu_json_parse_bounded(json, len, &limits, LISTING_VALUES_MAX, &root, err) != MU_OK ||
        mu_json_decode(&subject_object, root, arena, &manifest, err) != MU_OK)
        return err->status;
    *ret_subject = (struct layout_subject){.digest = manifest.subject.digest,
                                           .artifact_type = manifest.artifact_type,
                                           .config_type = manifest.config.media_type};
    return MU_OK;
}

struct listed_config {
    struct mu_json_texts diff_ids;
};

static const struct mu_json_field rootfs_fields[] = {
        TEXTS(struct listed_config, diff_ids, "diff_ids", LISTING_LAYERS_MAX),
};
static const struct mu_json_object rootfs_object =
        TABLE(struct listed_config, "rootfs", rootfs_fields);

enum mu_status config_diff_ids_parse(const char *json, size_t len, struct mu_arena *arena,
                                     struct mu_json_texts *ret_diff_ids, struct mu_error *err)
{
    struct listed_config config = {{NULL, 0}};
    json_auto_t *root = NULL;
    const json_t *rootfs;

    if (mu_json_parse_bounded(json, len, &limits, LISTING_VALUES_MAX, &root, err) != MU_OK)
        return err->status;
    rootfs = json_object_get(root, "rootfs");
    if (!json_is_object(rootfs))
        return mu_fail(err, MU_E_INVALID, "an image config without rootfs");
    if (mu_json_decode(&rootfs_object, rootfs, arena, &config, err) != MU_OK)
        return err->status;
    *ret_diff_ids = config.diff_ids;
    return MU_OK;
}

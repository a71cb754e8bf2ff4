/*
 * archive_build: images on disk, as an OCI layout (in a tar) or as `docker save` writes them, whole
 * or spoilt where a test wants it. Aborts (assert) on misuse: it is fed by tests alone.
 */
#ifndef TESTS_SUPPORT_ARCHIVE_BUILD_H
#define TESTS_SUPPORT_ARCHIVE_BUILD_H

#include "base/file.h"
#include "base/sha256.h"
#include "image_build.h"

enum { ARCHIVE_BUILD_MAX = 8 << 20 };

/* A blob of a layout under its digest, which is copied out. */
static inline void archive_build_blob(struct mu_buf *tar, const void *bytes, size_t len,
                                      char ret_digest[MU_DIGEST_TEXT_SIZE])
{
    char name[128];

    mu_sha256_text(bytes, len, ret_digest);
    (void)snprintf(name, sizeof(name), "blobs/sha256/%s", ret_digest + sizeof("sha256:") - 1);
    layer_build_entry(tar, name, '0', "", bytes, len);
}

/* A layer's tar with os-release and dpkg's status. */
static inline void archive_build_layer(struct mu_buf *layer)
{
    mu_buf_init(layer, ARCHIVE_BUILD_MAX);
    layer_build_file(layer, "etc/os-release", image_build_debian);
    layer_build_file(layer, "var/lib/dpkg/status", image_build_status);
    layer_build_end(layer);
}

static inline size_t archive_build_config(const char *architecture, const char *diff_id, char *json,
                                          size_t size)
{
    return (size_t)snprintf(json, size,
                            "{\"os\":\"linux\",\"architecture\":\"%s\",\"rootfs\":{\"type\":"
                            "\"layers\",\"diff_ids\":[\"%s\"]}}",
                            architecture, diff_id);
}

/* The blobs of one image; its descriptor (with platform, without '}') and digest are copied out. */
static inline void archive_build_image(struct mu_buf *tar, const char *architecture,
                                       char *ret_descriptor, size_t size,
                                       char ret_digest[MU_DIGEST_TEXT_SIZE])
{
    char config[512], manifest[1024], layer_digest[MU_DIGEST_TEXT_SIZE],
            config_digest[MU_DIGEST_TEXT_SIZE];
    struct mu_buf layer;
    size_t config_len, manifest_len;

    archive_build_layer(&layer);
    archive_build_blob(tar, layer.data, layer.len, layer_digest);
    config_len = archive_build_config(architecture, layer_digest, config, sizeof(config));
    archive_build_blob(tar, config, config_len, config_digest);
    manifest_len = (size_t)snprintf(
            manifest, sizeof(manifest),
            "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_BUILD_MANIFEST
            "\",\"config\":{\"mediaType\":\"" IMAGE_BUILD_CONFIG
            "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":\"" IMAGE_BUILD_TAR
            "\",\"digest\":\"%s\",\"size\":%zu}]}",
            config_digest, config_len, layer_digest, layer.len);
    archive_build_blob(tar, manifest, manifest_len, ret_digest);
    mu_buf_done(&layer);
    (void)snprintf(ret_descriptor, size,
                   "{\"mediaType\":\"" IMAGE_BUILD_MANIFEST
                   "\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"os\":\"linux\","
                   "\"architecture\":\"%s\"}",
                   ret_digest, manifest_len, architecture);
}

/* oci-layout and index.json with what `manifests` says, then the end. */
static inline void archive_build_layout(struct mu_buf *tar, const char *manifests)
{
    struct mu_buf json;

    mu_buf_init(&json, ARCHIVE_BUILD_MAX);
    mu_buf_printf(&json, "{\"schemaVersion\":2,\"manifests\":[%s]}", manifests);
    layer_build_file(tar, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    layer_build_file(tar, "index.json", json.data);
    layer_build_end(tar);
    mu_buf_done(&json);
}

/* As docker save: a layer and a second name for it, the config, manifest.json. `more` goes into
 * the list behind the image (", {...}" or ""). */
static inline void archive_build_saved(struct mu_buf *tar, const char *tag, const char *more)
{
    char config[512], digest[MU_DIGEST_TEXT_SIZE], json[1024];
    struct mu_buf layer;

    archive_build_layer(&layer);
    mu_sha256_text(layer.data, layer.len, digest);
    layer_build_entry(tar, "l1/layer.tar", '0', "", layer.data, layer.len);
    layer_build_symlink(tar, "l2/layer.tar", "../l1/layer.tar");
    (void)archive_build_config("amd64", digest, config, sizeof(config));
    layer_build_file(tar, "config.json", config);
    (void)snprintf(
            json, sizeof(json),
            "[{\"Config\":\"config.json\",\"RepoTags\":[\"%s\"],\"Layers\":[\"l2/layer.tar\"]"
            "}%s]",
            tag, more);
    layer_build_file(tar, "manifest.json", json);
    layer_build_end(tar);
    mu_buf_done(&layer);
}

#endif

#include "source/saved_source.h"

#include "base/scope.h"
#include "base/text.h"
#include "oci/reference.h"

#include <string.h>
#include <unistd.h>

enum {
    CONFIG_MAX_BYTES = 8 * 1024 * 1024,
    MANIFEST_MAX_BYTES = 4 * 1024 * 1024,
    HASH_STEP_BYTES = 64 * 1024
};

#define DOCKER "application/vnd.docker."

static enum mu_status no_memory(struct mu_error *err)
{
    return mu_fail(err, MU_E_NOMEM, "no memory for manifest.json");
}

static enum mu_status file_hash(const struct image_file *file, char ret_digest[MU_DIGEST_TEXT_SIZE],
                                struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    char bytes[HASH_STEP_BYTES];
    size_t len;

    for (uint64_t at = 0; at < file->size_bytes; at += len) {
        if (image_file_pread(file, at, bytes, sizeof(bytes), &len, err) != MU_OK)
            return err->status;
        mu_sha256_update(hash, bytes, len);
    }
    mu_sha256_final_text(hash, ret_digest);
    return MU_OK;
}

/* Compressed layers are not what Docker writes, but other tools do. */
static bool is_packed(const struct image_file *file)
{
    unsigned char head[4] = {0};
    struct mu_error ignored;
    size_t len;

    if (file->size_bytes < sizeof(head) ||
        image_file_pread(file, 0, head, sizeof(head), &len, &ignored) != MU_OK)
        return false;
    return (head[0] == 0x1f && head[1] == 0x8b) || memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0;
}

static enum mu_status layer_digest(const struct image_file *file, const char *diff_id,
                                   char ret_digest[MU_DIGEST_TEXT_SIZE], struct mu_error *err)
{
    size_t len = diff_id ? strlen(diff_id) : 0;

    if (len != MU_DIGEST_TEXT_SIZE - 1 || !mu_oci_digest_valid(diff_id, len) || is_packed(file))
        return file_hash(file, ret_digest, err);
    memcpy(ret_digest, diff_id, len + 1);
    return MU_OK;
}

static enum mu_status blob_keep(struct saved_manifest *manifest, const char *digest,
                                const char *name, struct mu_arena *arena, struct mu_error *err)
{
    const char *kept = mu_arena_strdup(arena, digest);

    if (!kept)
        return no_memory(err);
    manifest->blobs[manifest->blob_count++] = (struct saved_blob){kept, name};
    return MU_OK;
}

static enum mu_status config_add(const struct image_files *files, const struct saved_image *image,
                                 struct mu_arena *arena, struct saved_manifest *manifest,
                                 struct mu_json_texts *ret_diff_ids, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf config;
    char digest[MU_DIGEST_TEXT_SIZE];

    mu_buf_init(&config, CONFIG_MAX_BYTES);
    if (image_files_read(files, image->config, &config, err) != MU_OK ||
        config_diff_ids_parse(config.data, config.len, arena, ret_diff_ids, err) != MU_OK)
        return mu_wrap(err, "config '%.200s'", image->config);
    if (ret_diff_ids->count != image->layers.count)
        return mu_fail(err, MU_E_INVALID, "manifest.json: %zu layers, but %zu diff_ids in '%.200s'",
                       image->layers.count, ret_diff_ids->count, image->config);
    mu_sha256_text(config.data, config.len, digest);
    mu_buf_printf(&manifest->json,
                  "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER
                  "distribution.manifest.v2+json\",\"config\":{\"mediaType\":\"" DOCKER
                  "container.image.v1+json\",\"size\":%zu,\"digest\":\"%s\"},\"layers\":[",
                  config.len, digest);
    return blob_keep(manifest, digest, image->config, arena, err);
}

static enum mu_status layer_add(const struct image_files *files, const char *name,
                                const char *diff_id, struct mu_arena *arena,
                                struct saved_manifest *manifest, struct mu_error *err)
{
    char digest[MU_DIGEST_TEXT_SIZE];
    MU_AUTO_DONE(image_file_done) struct image_file file = {.fd = -1};

    if (image_files_find(files, name, &file, err) != MU_OK)
        return mu_wrap(err, "a layer that manifest.json names");
    if (layer_digest(&file, diff_id, digest, err) != MU_OK)
        return mu_wrap(err, "layer '%.200s'", name);
    mu_buf_printf(&manifest->json,
                  "%s{\"mediaType\":\"" DOCKER
                  "image.rootfs.diff.tar\",\"size\":%llu,\"digest\":\"%s\"}",
                  manifest->blob_count > 1 ? "," : "", (unsigned long long)file.size_bytes, digest);
    return blob_keep(manifest, digest, name, arena, err);
}

static enum mu_status manifest_fill(const struct image_files *files,
                                    const struct saved_image *image, struct mu_arena *arena,
                                    struct saved_manifest *manifest, struct mu_error *err)
{
    struct mu_json_texts diff_ids = {NULL, 0};

    manifest->blobs = mu_arena_alloc(arena, (image->layers.count + 1) * sizeof(*manifest->blobs));
    if (!manifest->blobs)
        return no_memory(err);
    if (config_add(files, image, arena, manifest, &diff_ids, err) != MU_OK)
        return err->status;
    for (size_t i = 0; i < image->layers.count && i < diff_ids.count; i++) {
        if (layer_add(files, image->layers.items[i], diff_ids.items[i], arena, manifest, err) !=
            MU_OK)
            return err->status;
    }
    mu_buf_puts(&manifest->json, "]}");
    return mu_buf_status(&manifest->json, "manifest", err);
}

enum mu_status saved_manifest_make(const struct image_files *files, const struct saved_image *image,
                                   struct mu_arena *arena, struct saved_manifest *ret_manifest,
                                   struct mu_error *err)
{
    struct saved_manifest manifest = {.blob_count = 0};

    mu_buf_init(&manifest.json, MANIFEST_MAX_BYTES);
    if (manifest_fill(files, image, arena, &manifest, err) != MU_OK) {
        mu_buf_done(&manifest.json);
        return err->status;
    }
    mu_sha256_text(manifest.json.data, manifest.json.len, manifest.digest);
    *ret_manifest = manifest;
    return MU_OK;
}

#include "source/local_source.h"

#include "base/text.h"
#include "source/image_files.h"
#include "source/image_listing.h"
#include "source/saved_source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LISTING_MAX_BYTES = 8 * 1024 * 1024,
    ARENA_MAX_BYTES = 64 * 1024 * 1024,
    BLOB_STEP_BYTES = 128 * 1024, /* on the stack */
    NAMES_SHOWN_BYTES = 600       /* of the images there are, in an error */
};

struct local_source {
    struct image_source base;
    struct image_files *files;
    struct mu_arena *arena;
    struct layout_index index;   /* of a layout */
    struct saved_manifest saved; /* a manifest that is no blob; json empty: none */
    struct mu_json_array images; /* of struct saved_image */
    char *path;
};

static struct local_source *local(struct image_source *source)
{
    return (struct local_source *)source;
}

/* ---- blobs ---- */

static enum mu_status digest_check(const char *digest, struct mu_error *err)
{
    if (!mu_oci_digest_valid(digest, strlen(digest)) || !mu_text_starts(digest, "sha256:"))
        return mu_fail(err, MU_E_INVALID, "'%.100s' is no sha256 digest", digest);
    return MU_OK;
}

/* The file of a blob. Errors: MU_E_NOT_FOUND naming the blob. */
static enum mu_status blob_find(const struct local_source *source, const char *digest,
                                struct image_file *ret_file, struct mu_error *err)
{
    char name[160];

    for (size_t i = 0; i < source->saved.blob_count; i++) {
        if (mu_text_equal(source->saved.blobs[i].digest, digest))
            return image_files_find(source->files, source->saved.blobs[i].name, ret_file, err);
    }
    (void)snprintf(name, sizeof(name), "blobs/sha256/%s", digest + strlen("sha256:"));
    if (image_files_find(source->files, name, ret_file, err) != MU_OK)
        return mu_wrap(err, "blob %s is not in '%.200s'", digest, source->path);
    return MU_OK;
}

static enum mu_status blob_stream(const struct image_file *file, struct mu_sha256 *hash,
                                  mu_registry_blob_fn *on_bytes, void *opaque, struct mu_error *err)
{
    char bytes[BLOB_STEP_BYTES];
    size_t len = 0;

    for (uint64_t at = 0; at < file->size_bytes; at += len) {
        if (image_file_pread(file, at, bytes, sizeof(bytes), &len, err) != MU_OK)
            return err->status;
        mu_sha256_update(hash, bytes, len);
        if (on_bytes(opaque, bytes, len, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status blob_read(struct local_source *source, const char *digest,
                                const struct image_file *file, mu_registry_blob_fn *on_bytes,
                                void *opaque, struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    char found[MU_DIGEST_TEXT_SIZE];
    enum mu_status st = blob_stream(file, hash, on_bytes, opaque, err);

    if (st != MU_OK)
        return st;
    mu_sha256_final_text(hash, found);
    if (!mu_text_equal(found, digest))
        return mu_fail(err, MU_E_CONFLICT, "in '%.200s' the blob hashes to %s, not to %s",
                       source->path, found, digest);
    return MU_OK;
}

static enum mu_status fetch_blob(struct image_source *base, const struct mu_registry_blob *blob,
                                 mu_registry_blob_fn *on_bytes, void *opaque, struct mu_error *err)
{
    struct local_source *source = local(base);
    MU_AUTO_DONE(image_file_done) struct image_file file = {.fd = -1};

    if (digest_check(blob->digest, err) != MU_OK ||
        blob_find(source, blob->digest, &file, err) != MU_OK)
        return err->status;
    if (file.size_bytes != blob->size_bytes)
        return mu_fail(err, MU_E_CONFLICT,
                       "the blob has %llu bytes, not the %llu its manifest says",
                       (unsigned long long)file.size_bytes, (unsigned long long)blob->size_bytes);
    return blob_read(source, blob->digest, &file, on_bytes, opaque, err);
}

static enum mu_status bytes_keep(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct mu_buf *out = opaque;

    mu_buf_append(out, bytes, len);
    return mu_buf_status(out, "manifest", err);
}

static enum mu_status manifest_read(struct local_source *source, const char *digest,
                                    struct mu_buf *out, struct mu_error *err)
{
    MU_AUTO_DONE(image_file_done) struct image_file file = {.fd = -1};

    if (source->saved.json.len > 0 && mu_text_equal(source->saved.digest, digest)) {
        mu_buf_append(out, source->saved.json.data, source->saved.json.len);
        return mu_buf_status(out, "manifest", err);
    }
    if (digest_check(digest, err) != MU_OK || blob_find(source, digest, &file, err) != MU_OK)
        return err->status;
    if (file.size_bytes > MU_REGISTRY_MANIFEST_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "a manifest of %llu bytes, more than %d",
                       (unsigned long long)file.size_bytes, MU_REGISTRY_MANIFEST_MAX_BYTES);
    return blob_read(source, digest, &file, bytes_keep, out, err);
}

static enum mu_status fetch_manifest(struct image_source *base, const char *digest,
                                     struct mu_buf *out, struct mu_registry_manifest *ret_manifest,
                                     struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;

    mu_buf_init(&bytes, MU_REGISTRY_MANIFEST_MAX_BYTES);
    if (manifest_read(local(base), digest, &bytes, err) != MU_OK)
        return err->status;
    mu_buf_append(out, bytes.data, bytes.len);
    ret_manifest->media_type[0] = '\0'; /* the manifest says it itself */
    (void)snprintf(ret_manifest->digest, sizeof(ret_manifest->digest), "%s", digest);
    return mu_buf_status(out, "manifest", err);
}

/* ---- referrers ---- */

/* Whether the layout's entry is about `digest`. A manifest that cannot be read is about nothing. */
static enum mu_status entry_subject(struct local_source *source, const struct layout_entry *entry,
                                    struct mu_arena *arena, struct layout_subject *ret_subject,
                                    struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf json;
    struct layout_subject subject = {NULL, NULL, NULL};

    mu_buf_init(&json, MU_REGISTRY_MANIFEST_MAX_BYTES);
    if (manifest_read(source, entry->digest, &json, err) != MU_OK ||
        layout_subject_parse(json.data, json.len, arena, &subject, err) != MU_OK) {
        if (err->status == MU_E_NOMEM)
            return MU_E_NOMEM;
        subject = (struct layout_subject){NULL, NULL, NULL};
    }
    *ret_subject = subject;
    return MU_OK;
}

static const char *type_of(const struct layout_entry *entry, const struct layout_subject *subject)
{
    if (entry->artifact_type)
        return entry->artifact_type;
    if (subject->artifact_type)
        return subject->artifact_type;
    return subject->config_type ? subject->config_type : "";
}

static enum mu_status referrers(struct image_source *base, const char *digest,
                                struct mu_arena *arena, const struct image_referrer **ret_referrers,
                                size_t *ret_count, struct mu_error *err)
{
    struct local_source *source = local(base);
    const struct layout_entry *entries = source->index.manifests.items;
    struct image_referrer *found = mu_arena_alloc(arena, IMAGE_REFERRERS_MAX * sizeof(*found));
    size_t count = 0;

    if (!found)
        return mu_fail(err, MU_E_NOMEM, "no memory for referrers");
    for (size_t i = 0; i < source->index.manifests.count && count < IMAGE_REFERRERS_MAX; i++) {
        struct layout_subject subject;

        if (entry_subject(source, &entries[i], arena, &subject, err) != MU_OK)
            return err->status;
        if (mu_text_equal(subject.digest, digest))
            found[count++] =
                    (struct image_referrer){.digest = entries[i].digest,
                                            .artifact_type = type_of(&entries[i], &subject),
                                            .how = "layout"};
    }
    *ret_referrers = found;
    *ret_count = count;
    return MU_OK;
}

/* ---- source ---- */

static bool entry_is(const struct layout_entry *entry, const char *image)
{
    return mu_text_equal(entry->digest, image) ||
           mu_text_equal(entry->annotations.image_name, image) ||
           mu_text_equal(entry->annotations.ref_name, image);
}

static enum mu_status resolve(struct image_source *base, const char *name,
                              char ret_digest[MU_DIGEST_TEXT_SIZE], struct mu_error *err)
{
    const struct local_source *source = local(base);
    const struct layout_entry *entries = source->index.manifests.items;

    for (size_t i = 0; i < source->index.manifests.count; i++) {
        if (entry_is(&entries[i], name) && strlen(entries[i].digest) < MU_DIGEST_TEXT_SIZE) {
            (void)snprintf(ret_digest, MU_DIGEST_TEXT_SIZE, "%s", entries[i].digest);
            return MU_OK;
        }
    }
    return mu_fail(err, MU_E_NOT_FOUND, "no image '%.200s' in '%.200s'", name, source->path);
}

static const char *authentication(const struct image_source *source)
{
    (void)source;
    return "local";
}

static void source_free(struct image_source *base)
{
    struct local_source *source = local(base);

    image_files_free(source->files);
    mu_arena_free(source->arena);
    mu_buf_done(&source->saved.json);
    free(source->path);
    free(source);
}

static const struct image_source_kind kind = {.fetch_manifest = fetch_manifest,
                                              .fetch_blob = fetch_blob,
                                              .resolve = resolve,
                                              .referrers = referrers,
                                              .authentication = authentication,
                                              .free = source_free};

/* ---- which image ---- */

/* "localhost/app" of "dir/app.tar", of what is left when names' other bytes are taken out. */
static void name_from_path(const char *path, char *ret_repository, size_t size)
{
    MU_AUTO_FREE char *copy = mu_xstrdup(path);
    size_t len = strlen(copy), at;
    const char *base;
    char *dot;

    while (len > 1 && copy[len - 1] == '/')
        copy[--len] = '\0';
    base = strrchr(copy, '/') ? strrchr(copy, '/') + 1 : copy;
    dot = strrchr(copy, '.');
    if (dot && dot > base)
        *dot = '\0';
    at = (size_t)snprintf(ret_repository, size, "localhost/");
    for (bool parted = true; *base != '\0' && at + 2 < size && at < 200; base++) {
        char c = (char)(tolower)((unsigned char)*base); /* the function: the macro nests */
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!plain && parted)
            continue;
        parted = !plain;
        ret_repository[at++] = plain ? c : '-';
    }
    while (ret_repository[at - 1] == '-')
        at--;
    ret_repository[at] = '\0';
    if (ret_repository[at - 1] == '/')
        (void)snprintf(ret_repository + at, size - at, "image");
}

/* A name of the archive as a reference: a tag alone is one of the archive's own repository. */
static void reference_from(const char *path, const char *name, struct mu_oci_reference *reference)
{
    struct mu_error ignored;

    if (name && (strchr(name, '/') || strchr(name, ':')) &&
        mu_oci_reference_parse(name, strlen(name), reference, &ignored) == MU_OK &&
        reference->repository[0] != '\0')
        return;
    *reference = (struct mu_oci_reference){.tag = ""};
    name_from_path(path, reference->repository, sizeof(reference->repository));
    if (name && mu_oci_tag_valid(name, strlen(name)))
        (void)snprintf(reference->tag, sizeof(reference->tag), "%s", name);
}

static const char *entry_name(const struct layout_entry *entry)
{
    return entry->annotations.image_name ? entry->annotations.image_name
                                         : entry->annotations.ref_name;
}

static void name_show(struct mu_buf *names, const char *name)
{
    if (names->len > 0)
        mu_buf_puts(names, ", ");
    mu_buf_puts(names, name);
}

static enum mu_status which(struct mu_error *err, const char *path, const char *image, size_t count,
                            const struct mu_buf *names)
{
    if (count == 0)
        return mu_fail(err, MU_E_NOT_FOUND, "'%.200s' holds no image", path);
    if (image)
        return mu_fail(err, MU_E_NOT_FOUND, "no image '%.200s' in '%.200s', which holds: %s", image,
                       path, names->data);
    return mu_fail(err, MU_E_INVALID, "'%.200s' holds %zu images: choose one with --image=NAME: %s",
                   path, count, names->data);
}

/* What refers to another manifest is none of the images to choose from. MU_END: several without a
 * name, the platforms of one image. */
static enum mu_status entry_choose(struct local_source *source, const char *image,
                                   const struct layout_entry **ret_entry, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf names;
    const struct layout_entry *entries = source->index.manifests.items, *chosen = NULL;
    size_t count = 0, named = 0;

    mu_buf_init(&names, NAMES_SHOWN_BYTES);
    for (size_t i = 0; i < source->index.manifests.count; i++) {
        struct layout_subject subject;

        if (entry_subject(source, &entries[i], source->arena, &subject, err) != MU_OK)
            return err->status;
        if (subject.digest && !(image && entry_is(&entries[i], image)))
            continue;
        count++;
        named += entry_name(&entries[i]) != NULL;
        name_show(&names, entry_name(&entries[i]) ? entry_name(&entries[i]) : entries[i].digest);
        if (!chosen && (!image || entry_is(&entries[i], image)))
            chosen = &entries[i];
    }
    if (!image && count > 1 && named == 0)
        return MU_END;
    if (!chosen || (!image && count > 1))
        return which(err, source->path, image, count, &names);
    *ret_entry = chosen;
    return MU_OK;
}

static enum mu_status layout_open(struct local_source *source, const char *image,
                                  struct local_target *target, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf json;
    const struct layout_entry *entry = NULL;
    enum mu_status st;

    mu_buf_init(&json, LISTING_MAX_BYTES);
    if (image_files_read(source->files, "index.json", &json, err) != MU_OK ||
        layout_index_parse(json.data, json.len, source->arena, &source->index, err) != MU_OK)
        return mu_wrap(err, "index.json of '%.200s'", source->path);
    st = entry_choose(source, image, &entry, err);
    if (st != MU_OK && st != MU_END)
        return st;
    target->form = "OCI image layout";
    reference_from(source->path, entry ? entry_name(entry) : NULL, &target->reference);
    if (st == MU_END) { /* index.json itself is the image's index */
        mu_buf_append(&source->saved.json, json.data, json.len);
        mu_sha256_text(json.data, json.len, source->saved.digest);
    }
    (void)snprintf(target->reference.digest, sizeof(target->reference.digest), "%s",
                   entry ? entry->digest : source->saved.digest);
    return mu_buf_status(&source->saved.json, "index.json", err);
}

static bool saved_is(const struct saved_image *saved, const char *image)
{
    for (size_t i = 0; i < saved->repo_tags.count; i++) {
        if (mu_text_equal(saved->repo_tags.items[i], image))
            return true;
    }
    return mu_text_equal(saved->config, image);
}

static enum mu_status saved_choose(const struct local_source *source, const char *image,
                                   const struct saved_image **ret_saved, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf names;
    const struct saved_image *images = source->images.items, *chosen = NULL;
    size_t count = source->images.count;

    mu_buf_init(&names, NAMES_SHOWN_BYTES);
    for (size_t i = 0; i < count; i++) {
        name_show(&names,
                  images[i].repo_tags.count > 0 ? images[i].repo_tags.items[0] : images[i].config);
        if (!chosen && (!image || saved_is(&images[i], image)))
            chosen = &images[i];
    }
    if (!chosen || (!image && count > 1))
        return which(err, source->path, image, count, &names);
    *ret_saved = chosen;
    return MU_OK;
}

static enum mu_status saved_open(struct local_source *source, const char *image,
                                 struct local_target *target, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf json;
    const struct saved_image *saved = NULL;
    const char *name = image;

    mu_buf_init(&json, LISTING_MAX_BYTES);
    if (image_files_read(source->files, "manifest.json", &json, err) != MU_OK ||
        saved_images_parse(json.data, json.len, source->arena, &source->images, err) != MU_OK)
        return mu_wrap(err, "manifest.json of '%.200s'", source->path);
    mu_buf_done(&source->saved.json); /* empty until now */
    if (saved_choose(source, image, &saved, err) != MU_OK ||
        saved_manifest_make(source->files, saved, source->arena, &source->saved, err) != MU_OK)
        return err->status;
    if ((!name || mu_text_equal(name, saved->config)))
        name = saved->repo_tags.count > 0 ? saved->repo_tags.items[0] : NULL;
    target->form = "docker save";
    reference_from(source->path, name, &target->reference);
    (void)snprintf(target->reference.digest, sizeof(target->reference.digest), "%s",
                   source->saved.digest);
    return MU_OK;
}

static enum mu_status open_any(struct local_source *source, const char *image,
                               struct local_target *target, struct mu_error *err)
{
    if (image_files_open(source->path, &source->files, err) != MU_OK)
        return err->status;
    if (image_files_has(source->files, "index.json") &&
        image_files_has(source->files, "oci-layout"))
        return layout_open(source, image, target, err);
    if (image_files_has(source->files, "manifest.json"))
        return saved_open(source, image, target, err);
    if (image_files_has(source->files, "repositories"))
        return mu_fail(err, MU_E_INVALID,
                       "'%.200s' was saved by a Docker before 1.10: load it and save it again with "
                       "a newer one",
                       source->path);
    return mu_fail(err, MU_E_INVALID,
                   "'%.200s' holds neither oci-layout and index.json (OCI image layout) nor "
                   "manifest.json (docker save): it is no image; 'docker save' or 'skopeo copy' "
                   "write one",
                   source->path);
}

enum mu_status local_source_open(const char *path, const char *image,
                                 struct image_source **ret_source, struct local_target *ret_target,
                                 struct mu_error *err)
{
    MU_AUTO(image_source) struct image_source *base = NULL;
    struct local_source *source = mu_xcalloc(1, sizeof(*source));
    struct local_target target = {.form = ""};

    base = &source->base;
    base->kind = &kind;
    source->path = mu_xstrdup(path);
    source->arena = mu_arena_new(ARENA_MAX_BYTES);
    mu_buf_init(&source->saved.json, MU_REGISTRY_MANIFEST_MAX_BYTES);
    if (open_any(source, image, &target, err) != MU_OK)
        return err->status;
    *ret_target = target;
    *ret_source = base;
    base = NULL;
    return MU_OK;
}

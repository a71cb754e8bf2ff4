#include "source/image_source.h"

void image_source_free(struct image_source *source)
{
    if (source)
        source->kind->free(source);
}

enum mu_status image_source_fetch_manifest(struct image_source *source, const char *digest,
                                           struct mu_buf *out,
                                           struct mu_registry_manifest *ret_manifest,
                                           struct mu_error *err)
{
    return source->kind->fetch_manifest(source, digest, out, ret_manifest, err);
}

enum mu_status image_source_fetch_blob(struct image_source *source,
                                       const struct mu_registry_blob *blob,
                                       mu_registry_blob_fn *on_bytes, void *opaque,
                                       struct mu_error *err)
{
    return source->kind->fetch_blob(source, blob, on_bytes, opaque, err);
}

enum mu_status image_source_resolve(struct image_source *source, const char *name,
                                    char ret_digest[MU_DIGEST_TEXT_SIZE], struct mu_error *err)
{
    return source->kind->resolve(source, name, ret_digest, err);
}

enum mu_status image_source_referrers(struct image_source *source, const char *digest,
                                      struct mu_arena *arena,
                                      const struct image_referrer **ret_referrers,
                                      size_t *ret_count, struct mu_error *err)
{
    return source->kind->referrers(source, digest, arena, ret_referrers, ret_count, err);
}

const char *image_source_authentication(const struct image_source *source)
{
    return source->kind->authentication(source);
}

enum mu_status image_source_another(const struct image_source *source, int64_t deadline_ms,
                                    struct image_source **ret_source, struct mu_error *err)
{
    if (!source->kind->another)
        return mu_fail(err, MU_E_NOT_FOUND, "there is one source of the image alone");
    return source->kind->another(source, deadline_ms, ret_source, err);
}

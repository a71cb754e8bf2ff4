/* An image_source over the client of one repository. */
#include "source/image_source.h"

#include "oci/reference.h"

#include <stdlib.h>

struct registry_source {
    struct image_source base;
    struct mu_registry_client *client;
};

static struct mu_registry_client *client_of(const struct image_source *source)
{
    return ((const struct registry_source *)source)->client;
}

static enum mu_status fetch_manifest(struct image_source *source, const char *digest,
                                     struct mu_buf *out, struct mu_registry_manifest *ret_manifest,
                                     struct mu_error *err)
{
    return mu_registry_fetch_manifest(client_of(source), digest, out, ret_manifest, err);
}

static enum mu_status fetch_blob(struct image_source *source, const struct mu_registry_blob *blob,
                                 mu_registry_blob_fn *on_bytes, void *opaque, struct mu_error *err)
{
    return mu_registry_fetch_blob(client_of(source), blob, on_bytes, opaque, err);
}

static enum mu_status resolve(struct image_source *source, const char *name,
                              char ret_digest[MU_DIGEST_TEXT_SIZE], struct mu_error *err)
{
    return mu_registry_resolve_tag(client_of(source), name, ret_digest, err);
}

static enum mu_status referrers(struct image_source *source, const char *digest,
                                struct mu_arena *arena, const struct image_referrer **ret_referrers,
                                size_t *ret_count, struct mu_error *err)
{
    (void)source, (void)digest, (void)arena, (void)err;
    *ret_referrers = NULL;
    *ret_count = 0;
    return MU_OK;
}

static const char *authentication(const struct image_source *source)
{
    return mu_registry_client_authentication(client_of(source));
}

static void source_free(struct image_source *source)
{
    mu_registry_client_free(client_of(source));
    free(source);
}

static const struct image_source_kind kind = {.fetch_manifest = fetch_manifest,
                                              .fetch_blob = fetch_blob,
                                              .resolve = resolve,
                                              .referrers = referrers,
                                              .authentication = authentication,
                                              .free = source_free};

enum mu_status image_source_open_registry(const struct registry_book *book, const char *repository,
                                          int64_t deadline_ms, struct image_source **ret_source,
                                          struct mu_error *err)
{
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    struct registry_source *source;
    struct mu_registry_access access;
    const char *path;
    size_t host_len;

    mu_oci_repository_split(repository, &host_len, &path);
    if (registry_book_find(book, repository, host_len, &access, err) != MU_OK ||
        mu_registry_client_new(&access, path, deadline_ms, &client, err) != MU_OK)
        return err->status;
    source = mu_xcalloc(1, sizeof(*source));
    source->base.kind = &kind;
    source->client = client;
    client = NULL;
    *ret_source = &source->base;
    return MU_OK;
}

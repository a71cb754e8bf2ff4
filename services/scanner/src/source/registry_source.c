/*
 * An image_source over a registry and its mirrors: what is named by its digest comes from the first
 * that has it, in the order of the book, the registry itself last; what a tag leads to is for the
 * registry to say, and for mirrors only when it does not answer.
 */
#include "source/image_source.h"

#include "base/text.h"
#include "oci/reference.h"
#include "registry/registry_transfer.h"
#include "source/image_listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENDPOINTS_MAX = REGISTRY_MIRRORS_MAX + 1, PATH_SIZE = 256 + MU_OCI_REPOSITORY_SIZE };

struct endpoint {
    struct mu_registry_access access;
    char path[PATH_SIZE];
    struct mu_registry_client *client; /* NULL: not yet needed */
};

struct registry_source {
    struct image_source base;
    struct endpoint endpoints[ENDPOINTS_MAX]; /* the registry itself is the last */
    size_t count, last_used;
    int64_t deadline_ms;
};

static struct registry_source *registry(struct image_source *source)
{
    return (struct registry_source *)source;
}

/* ---- from one to the next ---- */

static enum mu_status client_of(struct registry_source *source, size_t index,
                                struct mu_registry_client **ret_client, struct mu_error *err)
{
    struct endpoint *endpoint = &source->endpoints[index];

    if (!endpoint->client &&
        mu_registry_client_new(&endpoint->access, endpoint->path, source->deadline_ms,
                               &endpoint->client, err) != MU_OK)
        return err->status;
    *ret_client = endpoint->client;
    source->last_used = index;
    return MU_OK;
}

/* Whether another endpoint may do better. What it sent wrong, another may send right. */
static bool next_may_help(enum mu_status st)
{
    return st == MU_E_NOT_FOUND || st == MU_E_DENIED || st == MU_E_UNAVAILABLE ||
           st == MU_E_CONFLICT || st == MU_E_INVALID;
}

typedef enum mu_status endpoint_fn(struct mu_registry_client *client, void *opaque,
                                   struct mu_error *err);

/* Tries endpoint after endpoint; the error is that of the registry itself. */
static enum mu_status each_endpoint(struct registry_source *source, endpoint_fn *try, void *opaque,
                                    struct mu_error *err)
{
    enum mu_status st = MU_OK;

    for (size_t i = 0; i < source->count; i++) {
        struct mu_registry_client *client = NULL;

        st = client_of(source, i, &client, err);
        if (st == MU_OK)
            st = try(client, opaque, err);
        if (st == MU_OK || !next_may_help(st))
            break;
    }
    return st;
}

struct manifest_wanted {
    const char *digest;
    struct mu_buf *out;
    struct mu_registry_manifest *manifest;
};

static enum mu_status manifest_try(struct mu_registry_client *client, void *opaque,
                                   struct mu_error *err)
{
    struct manifest_wanted *wanted = opaque;

    return mu_registry_fetch_manifest(client, wanted->digest, wanted->out, wanted->manifest, err);
}

static enum mu_status fetch_manifest(struct image_source *source, const char *digest,
                                     struct mu_buf *out, struct mu_registry_manifest *ret_manifest,
                                     struct mu_error *err)
{
    struct manifest_wanted wanted = {digest, out, ret_manifest};

    return each_endpoint(registry(source), manifest_try, &wanted, err);
}

/* Bytes that were handed on cannot be taken back: wrong ones end the transfer. */
static enum mu_status blob_try(struct mu_registry_client *client, void *opaque,
                               struct mu_error *err)
{
    struct mu_registry_transfer *transfer = opaque;
    enum mu_status st = mu_registry_transfer_run(transfer, client, err);

    if (st != MU_OK &&
        (transfer->taker_failed || (st == MU_E_CONFLICT && transfer->received_bytes > 0)))
        return MU_END;
    return st;
}

static enum mu_status fetch_blob(struct image_source *source, const struct mu_registry_blob *blob,
                                 mu_registry_blob_fn *on_bytes, void *opaque, struct mu_error *err)
{
    MU_AUTO_DONE(mu_registry_transfer_done) struct mu_registry_transfer transfer;
    enum mu_status st;

    mu_registry_transfer_init(&transfer, blob, on_bytes, opaque);
    st = each_endpoint(registry(source), blob_try, &transfer, err);
    return st == MU_END ? err->status : st;
}

static enum mu_status resolve(struct image_source *base, const char *name,
                              char ret_digest[MU_DIGEST_TEXT_SIZE], struct mu_error *err)
{
    struct registry_source *source = registry(base);
    struct mu_error ignored, *why = err;
    enum mu_status st = MU_E_UNAVAILABLE;

    for (size_t i = 0; i < source->count && st == MU_E_UNAVAILABLE; i++) {
        size_t index = i == 0 ? source->count - 1 : i - 1;
        struct mu_registry_client *client = NULL;

        st = client_of(source, index, &client, why);
        if (st == MU_OK)
            st = mu_registry_resolve_tag(client, name, ret_digest, why);
        if (st == MU_E_NOT_FOUND && i > 0)
            st = MU_E_UNAVAILABLE; /* a mirror need not have it */
        why = &ignored;            /* the registry's own answer is told */
    }
    return st == MU_OK ? MU_OK : err->status;
}

/* ---- referrers ---- */

struct found {
    struct mu_arena *arena;
    struct image_referrer *items;
    size_t count;
};

static enum mu_status found_add(struct found *found, const char *digest, const char *artifact_type,
                                const char *how, struct mu_error *err)
{
    struct image_referrer *item = &found->items[found->count];

    for (size_t i = 0; i < found->count; i++) {
        if (mu_text_equal(found->items[i].digest, digest))
            return MU_OK;
    }
    if (found->count == IMAGE_REFERRERS_MAX)
        return MU_OK; /* as many as anybody reads */
    item->digest = mu_arena_strdup(found->arena, digest);
    item->artifact_type = mu_arena_strdup(found->arena, artifact_type);
    item->how = how;
    if (!item->digest || !item->artifact_type)
        return mu_fail(err, MU_E_NOMEM, "no memory for referrers");
    found->count++;
    return MU_OK;
}

static enum mu_status page_take(void *opaque, const char *json, size_t len, const char *how,
                                struct mu_error *err)
{
    struct found *found = opaque;
    const char *kept = mu_text_equal(how, "tag") ? "tag" : "api";
    const struct layout_entry *entries;
    struct layout_index index;

    if (layout_index_parse(json, len, found->arena, &index, err) != MU_OK)
        return mu_wrap(err, "list of referrers");
    entries = index.manifests.items;
    for (size_t i = 0; i < index.manifests.count; i++) {
        const char *type = entries[i].artifact_type ? entries[i].artifact_type : "";

        if (found_add(found, entries[i].digest, type, kept, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

/* Where cosign keeps what it makes when it is not told otherwise. */
static const struct {
    const char *suffix, *artifact_type;
} cosign_tags[] = {
        {"sig", "application/vnd.dev.cosign.artifact.sig.v1+json"},
        {"att", "application/vnd.dev.cosign.artifact.att.v1+json"},
        {"sbom", "application/vnd.dev.cosign.artifact.sbom.v1+json"},
};

static enum mu_status cosign_look(struct mu_registry_client *client, const char *digest,
                                  struct found *found, struct mu_error *err)
{
    for (size_t i = 0; i < sizeof(cosign_tags) / sizeof(cosign_tags[0]); i++) {
        struct mu_registry_manifest manifest;
        struct mu_http_response response;
        char tag[MU_OCI_TAG_SIZE];
        enum mu_status st;

        (void)snprintf(tag, sizeof(tag), "sha256-%.64s.%s", digest + sizeof("sha256:") - 1,
                       cosign_tags[i].suffix);
        st = mu_registry_look_up_tag(client, tag, &manifest, &response, err);
        if (st == MU_OK)
            st = found_add(found, manifest.digest, cosign_tags[i].artifact_type, "cosign", err);
        if (st != MU_OK && st != MU_E_NOT_FOUND)
            return st;
    }
    return MU_OK;
}

/* The registry itself alone: mirrors keep what was asked for, not lists. */
static enum mu_status referrers(struct image_source *base, const char *digest,
                                struct mu_arena *arena, const struct image_referrer **ret_referrers,
                                size_t *ret_count, struct mu_error *err)
{
    struct registry_source *source = registry(base);
    size_t last_used = source->last_used;
    struct found found = {
            .arena = arena,
            .items = mu_arena_alloc(arena, IMAGE_REFERRERS_MAX * sizeof(struct image_referrer))};
    struct mu_registry_client *client = NULL;
    enum mu_status st;

    if (!found.items)
        return mu_fail(err, MU_E_NOMEM, "no memory for referrers");
    st = client_of(source, source->count - 1, &client, err);
    source->last_used = last_used;
    if (st != MU_OK ||
        mu_registry_list_referrers(client, digest, page_take, &found, err) != MU_OK ||
        cosign_look(client, digest, &found, err) != MU_OK)
        return err->status;
    *ret_referrers = found.items;
    *ret_count = found.count;
    return MU_OK;
}

/* ---- source ---- */

static const char *authentication(const struct image_source *base)
{
    const struct registry_source *source = (const struct registry_source *)base;
    const struct mu_registry_client *client = source->endpoints[source->last_used].client;

    return client ? mu_registry_client_authentication(client) : "anonymous";
}

static void source_free(struct image_source *base)
{
    struct registry_source *source = registry(base);

    for (size_t i = 0; i < source->count; i++)
        mu_registry_client_free(source->endpoints[i].client);
    free(source);
}

/* The same endpoints, with connections and tokens of its own. */
static enum mu_status another(const struct image_source *base, int64_t deadline_ms,
                              struct image_source **ret_source, struct mu_error *err)
{
    struct registry_source *source = mu_xcalloc(1, sizeof(*source));

    (void)err;
    *source = *(const struct registry_source *)base;
    for (size_t i = 0; i < source->count; i++)
        source->endpoints[i].client = NULL;
    source->deadline_ms = deadline_ms;
    *ret_source = &source->base;
    return MU_OK;
}

static const struct image_source_kind kind = {.fetch_manifest = fetch_manifest,
                                              .fetch_blob = fetch_blob,
                                              .resolve = resolve,
                                              .referrers = referrers,
                                              .authentication = authentication,
                                              .another = another,
                                              .free = source_free};

static enum mu_status endpoints_fill(struct registry_source *source,
                                     const struct registry_book *book, const char *repository,
                                     struct mu_error *err)
{
    struct registry_mirror mirrors[REGISTRY_MIRRORS_MAX];
    struct mu_registry_client *client = NULL;
    struct endpoint *last;
    const char *path;
    size_t host_len, count = 0;

    mu_oci_repository_split(repository, &host_len, &path);
    if (registry_book_mirrors(book, repository, host_len, mirrors, &count, err) != MU_OK)
        return err->status;
    for (size_t i = 0; i < count; i++) {
        source->endpoints[i].access = mirrors[i].access;
        (void)snprintf(source->endpoints[i].path, PATH_SIZE, "%s%s", mirrors[i].prefix, path);
    }
    last = &source->endpoints[count];
    if (registry_book_find(book, repository, host_len, &last->access, err) != MU_OK)
        return err->status;
    (void)snprintf(last->path, PATH_SIZE, "%s", path);
    source->count = count + 1;
    source->last_used = count;
    return client_of(source, count, &client, err); /* credentials that cannot be had are told now */
}

enum mu_status image_source_open_registry(const struct registry_book *book, const char *repository,
                                          int64_t deadline_ms, struct image_source **ret_source,
                                          struct mu_error *err)
{
    MU_AUTO(image_source) struct image_source *base = NULL;
    struct registry_source *source = mu_xcalloc(1, sizeof(*source));

    base = &source->base;
    base->kind = &kind;
    source->deadline_ms = deadline_ms;
    if (endpoints_fill(source, book, repository, err) != MU_OK)
        return err->status;
    *ret_source = base;
    base = NULL;
    return MU_OK;
}

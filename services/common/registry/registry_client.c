#include "registry/registry_client.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"
#include "http/http_client.h"
#include "oci/media_type.h"
#include "oci/reference.h"
#include "registry/registry_auth.h"
#include "registry/registry_patience.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ATTEMPTS_MAX = 3,       /* as we are, with a token, with a renewed token */
    MIN_BYTES_PER_S = 1024, /* a slower transfer is a broken one */
    REFERRERS_PAGES_MAX = 8
};

struct mu_registry_client {
    struct mu_http_client *http;
    char *path;
    struct registry_auth auth;
};

enum mu_status mu_registry_client_new(const struct mu_registry_access *access, const char *path,
                                      int64_t deadline_ms, struct mu_registry_client **ret_client,
                                      struct mu_error *err)
{
    MU_AUTO(registry_client) struct mu_registry_client *client = mu_xcalloc(1, sizeof(*client));
    const struct mu_http_client_config config = {
            .user_agent = access->user_agent ? access->user_agent : "muster/" MU_VERSION,
            .deadline_ms = deadline_ms,
            .stall_timeout_ms = access->stall_timeout_ms,
            .min_bytes_per_s = MIN_BYTES_PER_S,
            .public_redirects = !access->private_redirects,
            .ca_file = access->ca_file,
            .client_cert_file = access->client_cert_file,
            .client_key_file = access->client_key_file};

    client->path = path ? mu_xstrdup(path) : NULL;
    if (registry_auth_init(&client->auth, access, client->path, err) != MU_OK ||
        mu_http_client_new(&config, &client->http, err) != MU_OK)
        return err->status;
    *ret_client = client;
    client = NULL;
    return MU_OK;
}

void mu_registry_client_free(struct mu_registry_client *client)
{
    if (!client)
        return;
    mu_http_client_free(client->http);
    registry_auth_done(&client->auth);
    free(client->path);
    free(client);
}

void mu_registry_client_turn(struct mu_registry_client *client, const char *path)
{
    free(client->path);
    client->path = path ? mu_xstrdup(path) : NULL;
    registry_auth_turn(&client->auth, client->path);
}

const char *mu_registry_client_authentication(const struct mu_registry_client *client)
{
    return client->auth.kind;
}

/* Tries again with authentication when asked for it. */
enum mu_status mu_registry_request(struct mu_registry_client *client,
                                   struct mu_http_request *request,
                                   struct mu_http_response *ret_response, struct mu_error *err)
{
    for (int attempt = 1;; attempt++) {
        request->authorization = registry_auth_value(&client->auth);
        if (registry_patient_request(client->http, request, ret_response, err) != MU_OK)
            return err->status;
        if (ret_response->status != 401 || attempt == ATTEMPTS_MAX)
            break;
        if (registry_auth_answer(&client->auth, client->http, ret_response->www_authenticate,
                                 err) != MU_OK)
            return err->status;
    }
    if (ret_response->status == 200 || (ret_response->status == 206 && request->on_head))
        return MU_OK;
    return mu_http_status_error(request, ret_response, err);
}

static enum mu_status digest_check(const char *digest, struct mu_error *err)
{
    if (!mu_oci_digest_valid(digest, strlen(digest)))
        return mu_fail(err, MU_E_INVALID, "'%.100s' is no digest", digest);
    if (!mu_text_starts(digest, "sha256:"))
        return mu_fail(err, MU_E_INVALID, "digest '%.20s..' is no sha256", digest);
    return MU_OK;
}

/* "URL/v2/PATH/KIND/REFERENCE"; the reference was checked. */
static enum mu_status url_make(const struct mu_registry_client *client, const char *kind,
                               const char *reference, char ret_url[MU_REGISTRY_URL_SIZE],
                               struct mu_error *err)
{
    int len = snprintf(ret_url, MU_REGISTRY_URL_SIZE, "%s/v2/%s/%s/%s", client->auth.access.url,
                       client->path, kind, reference);

    if (len < 0 || len >= MU_REGISTRY_URL_SIZE)
        return mu_fail(err, MU_E_LIMIT, "repository name is too long");
    return MU_OK;
}

static enum mu_status buf_take(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct mu_buf *out = opaque;

    mu_buf_append(out, bytes, len);
    return mu_buf_status(out, "manifest", err);
}

static void media_type_copy(const char *content_type, struct mu_registry_manifest *ret_manifest)
{
    size_t len = strcspn(content_type, "; \t");

    if (len >= sizeof(ret_manifest->media_type))
        len = 0;
    memcpy(ret_manifest->media_type, content_type, len);
    ret_manifest->media_type[len] = '\0';
}

static enum mu_status manifest_check(const char *digest, const struct mu_http_response *response,
                                     const struct mu_buf *bytes,
                                     struct mu_registry_manifest *manifest, struct mu_error *err)
{
    const char *claimed = response->docker_content_digest;

    mu_sha256_text(bytes->data, bytes->len, manifest->digest);
    if (!mu_text_equal(manifest->digest, digest))
        return mu_fail(err, MU_E_CONFLICT,
                       "the registry sent a manifest that hashes to %s, not to %s",
                       manifest->digest, digest);
    if (claimed[0] != '\0' && !mu_text_equal(claimed, digest))
        return mu_fail(err, MU_E_CONFLICT, "the registry sent Docker-Content-Digest %s", claimed);
    media_type_copy(response->content_type, manifest);
    return MU_OK;
}

/* The manifest a digest or tag leads to, unchecked. `method` is GET or HEAD. */
static enum mu_status manifest_get(struct mu_registry_client *client, const char *method,
                                   const char *reference, struct mu_buf *bytes,
                                   struct mu_http_response *ret_response, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf accept;
    char url[MU_REGISTRY_URL_SIZE];
    const char *headers[] = {NULL, NULL};
    struct mu_http_request request = {.method = method,
                                      .url = url,
                                      .headers = headers,
                                      .on_body = buf_take,
                                      .opaque = bytes,
                                      .max_body_bytes = MU_REGISTRY_MANIFEST_MAX_BYTES};

    mu_buf_init(&accept, 4096);
    mu_buf_printf(&accept, "Accept: %s", mu_media_type_accept_manifests);
    headers[0] = accept.data;
    if (url_make(client, "manifests", reference, url, err) != MU_OK)
        return err->status;
    return mu_registry_request(client, &request, ret_response, err);
}

enum mu_status mu_registry_fetch_manifest(struct mu_registry_client *client, const char *digest,
                                          struct mu_buf *out,
                                          struct mu_registry_manifest *ret_manifest,
                                          struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct mu_http_response response;

    mu_buf_init(&bytes, MU_REGISTRY_MANIFEST_MAX_BYTES);
    if (digest_check(digest, err) != MU_OK ||
        manifest_get(client, "GET", digest, &bytes, &response, err) != MU_OK ||
        manifest_check(digest, &response, &bytes, ret_manifest, err) != MU_OK)
        return err->status;
    mu_buf_append(out, bytes.data, bytes.len);
    return mu_buf_status(out, "manifest", err);
}

static enum mu_status tag_check(const char *tag, struct mu_error *err)
{
    if (!mu_oci_tag_valid(tag, strlen(tag)))
        return mu_fail(err, MU_E_INVALID, "'%.130s' is no tag", tag);
    return MU_OK;
}

/* By the bytes of its manifest. */
static enum mu_status tag_get(struct mu_registry_client *client, const char *tag,
                              struct mu_registry_manifest *ret_manifest,
                              struct mu_http_response *ret_response, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct mu_registry_manifest manifest;
    char digest[MU_DIGEST_TEXT_SIZE];

    mu_buf_init(&bytes, MU_REGISTRY_MANIFEST_MAX_BYTES);
    if (manifest_get(client, "GET", tag, &bytes, ret_response, err) != MU_OK)
        return err->status;
    mu_sha256_text(bytes.data, bytes.len, digest);
    if (manifest_check(digest, ret_response, &bytes, &manifest, err) != MU_OK)
        return err->status;
    *ret_manifest = manifest;
    return MU_OK;
}

enum mu_status mu_registry_resolve_tag(struct mu_registry_client *client, const char *tag,
                                       char ret_digest[MU_DIGEST_TEXT_SIZE], struct mu_error *err)
{
    struct mu_http_response response;
    struct mu_registry_manifest manifest;

    if (tag_check(tag, err) != MU_OK || tag_get(client, tag, &manifest, &response, err) != MU_OK)
        return err->status;
    memcpy(ret_digest, manifest.digest, MU_DIGEST_TEXT_SIZE);
    return MU_OK;
}

enum mu_status mu_registry_look_up_tag(struct mu_registry_client *client, const char *tag,
                                       struct mu_registry_manifest *ret_manifest,
                                       struct mu_http_response *ret_response, struct mu_error *err)
{
    const char *digest = ret_response->docker_content_digest;

    if (tag_check(tag, err) != MU_OK ||
        manifest_get(client, "HEAD", tag, NULL, ret_response, err) != MU_OK)
        return err->status;
    if (digest[0] == '\0')
        return tag_get(client, tag, ret_manifest, ret_response, err);
    if (!mu_oci_digest_valid(digest, strlen(digest)))
        return mu_fail(err, MU_E_INVALID, "the registry sent Docker-Content-Digest '%.100s'",
                       digest);
    media_type_copy(ret_response->content_type, ret_manifest);
    (void)snprintf(ret_manifest->digest, sizeof(ret_manifest->digest), "%s", digest);
    return MU_OK;
}

enum mu_status mu_registry_blob_url(const struct mu_registry_client *client, const char *digest,
                                    char ret_url[MU_REGISTRY_URL_SIZE], struct mu_error *err)
{
    if (digest_check(digest, err) != MU_OK)
        return err->status;
    return url_make(client, "blobs", digest, ret_url, err);
}

/* ---- referrers ---- */

/* A list of referrers is an index; what does not say it is one is none (a page for people, say). */
static bool is_index(const struct mu_http_response *response)
{
    return mu_media_type_kind(response->content_type) == MU_DIGEST_KIND_INDEX;
}

/* One page of the referrers API. MU_E_NOT_FOUND: this registry has no such API. */
static enum mu_status referrers_page(struct mu_registry_client *client, const char *url,
                                     struct mu_buf *page, struct mu_http_response *ret_response,
                                     struct mu_error *err)
{
    static const char *const headers[] = {"Accept: application/vnd.oci.image.index.v1+json", NULL};
    struct mu_http_request request = {.method = "GET",
                                      .url = url,
                                      .headers = headers,
                                      .on_body = buf_take,
                                      .opaque = page,
                                      .max_body_bytes = MU_REGISTRY_MANIFEST_MAX_BYTES};
    enum mu_status st = mu_registry_request(client, &request, ret_response, err);

    if (st == MU_E_INVALID || (st == MU_OK && !is_index(ret_response)))
        return mu_fail(err, MU_E_NOT_FOUND, "no referrers API");
    return st;
}

/* The list that clients keep under a tag where the API is missing. */
static enum mu_status referrers_by_tag(struct mu_registry_client *client, const char *digest,
                                       mu_registry_page_fn *on_page, void *opaque,
                                       struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct mu_http_response response;
    char tag[MU_OCI_TAG_SIZE];
    enum mu_status st;

    mu_buf_init(&bytes, MU_REGISTRY_MANIFEST_MAX_BYTES);
    (void)snprintf(tag, sizeof(tag), "sha256-%s", digest + sizeof("sha256:") - 1);
    st = manifest_get(client, "GET", tag, &bytes, &response, err);
    if (st == MU_E_NOT_FOUND || (st == MU_OK && !is_index(&response)))
        return MU_OK;
    return st == MU_OK ? on_page(opaque, bytes.data, bytes.len, "tag", err) : st;
}

/* The next page, when it is at the registry itself. */
static bool page_next(const struct mu_registry_client *client,
                      const struct mu_http_response *response, char url[MU_REGISTRY_URL_SIZE])
{
    size_t origin = strlen(client->auth.access.url);
    const char *next = response->link_next;

    return next[0] != '\0' && strncmp(next, client->auth.access.url, origin) == 0 &&
           next[origin] == '/' &&
           snprintf(url, MU_REGISTRY_URL_SIZE, "%s", next) < MU_REGISTRY_URL_SIZE;
}

enum mu_status mu_registry_list_referrers(struct mu_registry_client *client, const char *digest,
                                          mu_registry_page_fn *on_page, void *opaque,
                                          struct mu_error *err)
{
    char url[MU_REGISTRY_URL_SIZE];

    if (digest_check(digest, err) != MU_OK ||
        url_make(client, "referrers", digest, url, err) != MU_OK)
        return err->status;
    for (int pages = 0; pages < REFERRERS_PAGES_MAX; pages++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf page;
        struct mu_http_response response;
        enum mu_status st;

        mu_buf_init(&page, MU_REGISTRY_MANIFEST_MAX_BYTES);
        st = referrers_page(client, url, &page, &response, err);
        if (st == MU_E_NOT_FOUND && pages == 0)
            return referrers_by_tag(client, digest, on_page, opaque, err);
        if (st == MU_OK)
            st = on_page(opaque, page.data, page.len, "api", err);
        if (st != MU_OK)
            return st;
        if (!page_next(client, &response, url))
            break;
    }
    return MU_OK;
}

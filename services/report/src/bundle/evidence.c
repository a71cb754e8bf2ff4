#include "bundle/evidence.h"

#include "bundle/layout.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/sha256.h"
#include "base/stop.h"
#include "base/text.h"
#include "http/http_client.h"
#include "oci/reference.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    EVIDENCE_URL_SIZE = 2048,
    AUTHORIZATION_SIZE = 4096,
    COPY_BYTES = 64 * 1024,
    RETRY_MIN_MS = 100,
    RETRY_MAX_MS = 5000
};

struct sink {
    FILE *file;
    struct mu_sha256 *hash;
    bool torn; /* the disk failed us, not the peer: no use to ask again */
};

static enum mu_status disk_failed(struct sink *sink, struct mu_error *err)
{
    sink->torn = true;
    return mu_fail(err, MU_E_UNAVAILABLE, "cannot write: %s", strerror(errno));
}

static enum mu_status write_piece(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct sink *sink = opaque;

    mu_sha256_update(sink->hash, bytes, len);
    return fwrite(bytes, 1, len, sink->file) == len ? MU_OK : disk_failed(sink, err);
}

static enum mu_status transfer(struct mu_http_client *client, const char *url,
                               const char *authorization, const char *digest, struct sink *sink,
                               struct mu_error *err)
{
    struct mu_http_request request = {.method = "GET",
                                      .url = url,
                                      .authorization = *authorization ? authorization : NULL,
                                      .on_body = write_piece,
                                      .opaque = sink,
                                      .max_body_bytes = BUNDLE_MAX_JSON_BYTES};
    struct mu_http_response response;
    char found[MU_DIGEST_TEXT_SIZE];
    enum mu_status st = mu_http_request(client, &request, &response, err);

    if (st != MU_OK)
        return st;
    if (response.status != 200)
        return mu_http_status_error(&request, &response, err);
    mu_sha256_final_text(sink->hash, found);
    if (!mu_text_equal(found, digest))
        return mu_fail(err, MU_E_INVALID, "the bytes hash to %s", found);
    if (fflush(sink->file) != 0)
        return disk_failed(sink, err);
    return MU_OK;
}

/* ---- from the shelf ---- */

enum mu_status evidence_shelf_path(const char *shelf, const char *digest,
                                   char ret_path[EVIDENCE_PATH_SIZE], struct mu_error *err)
{
    const size_t prefix = strlen("sha256:");

    if (!mu_text_starts(digest, "sha256:") || !mu_digest_valid(digest, strlen(digest)))
        return mu_fail(err, MU_E_INVALID, "evidence '%.100s' has no SHA-256 name", digest);
    if (snprintf(ret_path, EVIDENCE_PATH_SIZE, "%s/%.2s/%s", shelf, digest + prefix,
                 digest + prefix) >= EVIDENCE_PATH_SIZE)
        return mu_fail(err, MU_E_LIMIT, "path '%.100s...' is too long", shelf);
    return MU_OK;
}

static enum mu_status copy_bytes(FILE *in, const char *from, const char *digest, struct sink *sink,
                                 struct mu_error *err)
{
    char bytes[COPY_BYTES], found[MU_DIGEST_TEXT_SIZE];
    enum mu_status st = MU_OK;
    size_t len;

    while (st == MU_OK && (len = fread(bytes, 1, sizeof(bytes), in)) > 0)
        st = write_piece(sink, bytes, len, err);
    if (st == MU_OK && ferror(in))
        st = mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", from, strerror(errno));
    if (st != MU_OK)
        return st;
    mu_sha256_final_text(sink->hash, found);
    if (!mu_text_equal(found, digest))
        return mu_fail(err, MU_E_CONFLICT,
                       "'%s' is damaged: its bytes hash to %s; restore it from a backup", from,
                       found);
    return fflush(sink->file) == 0 ? MU_OK : disk_failed(sink, err);
}

static enum mu_status copy_from_shelf(const char *shelf, const char *digest, const char *path,
                                      struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    char from[EVIDENCE_PATH_SIZE];
    MU_AUTO_FILE FILE *in = NULL;
    MU_AUTO_FILE FILE *out = NULL;
    struct sink sink = {.hash = hash};
    enum mu_status st = evidence_shelf_path(shelf, digest, from, err);
    int fd;

    if (st != MU_OK)
        return st;
    in = fopen(from, "re");
    if (!in)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE,
                       "'%s': %s: restore it from a backup", from, strerror(errno));
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    out = sink.file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    st = copy_bytes(in, from, digest, &sink, err);
    if (st != MU_OK)
        (void)unlink(path);
    return st;
}

/* ---- from the API ---- */

/* One try: a new file that is whole, or none. */
static enum mu_status fetch_once(struct mu_http_client *client, const char *url,
                                 const char *authorization, const char *digest, const char *path,
                                 bool *ret_torn, struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    MU_AUTO_FILE FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    struct sink sink = {.file = file, .hash = hash};
    enum mu_status st;

    if (!file) {
        *ret_torn = true;
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    }
    st = transfer(client, url, authorization, digest, &sink, err);
    if (st != MU_OK)
        (void)unlink(path);
    *ret_torn = sink.torn;
    return st;
}

enum mu_status evidence_fetch(struct mu_http_client *client, const struct evidence_source *source,
                              const char *digest, const char *path, struct mu_error *err)
{
    struct mu_backoff backoff = {.min_ms = RETRY_MIN_MS, .max_ms = RETRY_MAX_MS};
    uint64_t deadline_ms = mu_monotonic_ms() + source->retry_ms;
    char url[EVIDENCE_URL_SIZE], authorization[AUTHORIZATION_SIZE] = "";
    bool torn = false;
    enum mu_status st;

    if (source->shelf)
        return copy_from_shelf(source->shelf, digest, path, err);
    if (!mu_text_starts(digest, "sha256:") || !mu_oci_digest_valid(digest, strlen(digest)))
        return mu_fail(err, MU_E_INVALID, "evidence '%.100s' has no SHA-256 name", digest);
    if (snprintf(url, sizeof(url), "%s/v1/evidence/%s", source->inventory_url, digest) >=
        (int)sizeof(url))
        return mu_fail(err, MU_E_LIMIT, "inventory-url is too long");
    if (source->token && *source->token &&
        snprintf(authorization, sizeof(authorization), "Bearer %s", source->token) >=
                (int)sizeof(authorization))
        return mu_fail(err, MU_E_LIMIT, "inventory-token is too long");
    do
        st = fetch_once(client, url, authorization, digest, path, &torn, err);
    while (st == MU_E_UNAVAILABLE && !torn && mu_monotonic_ms() < deadline_ms &&
           !mu_backoff_wait(&backoff));
    return st == MU_OK ? MU_OK : mu_wrap(err, "evidence %s", digest);
}

#include "bundle/evidence.h"

#include "bundle/layout.h"

#include "base/scope.h"
#include "base/sha256.h"
#include "base/text.h"
#include "http/http_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EVIDENCE_URL_SIZE = 2048 };

struct sink {
    FILE *file;
    struct mu_sha256 *hash;
};

static enum mu_status write_piece(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct sink *sink = opaque;

    mu_sha256_update(sink->hash, bytes, len);
    if (fwrite(bytes, 1, len, sink->file) != len)
        return mu_fail(err, MU_E_UNAVAILABLE, "cannot write: %s", strerror(errno));
    return MU_OK;
}

static enum mu_status transfer(struct mu_http_client *client, const char *url, const char *digest,
                               struct sink *sink, struct mu_error *err)
{
    struct mu_http_request request = {.method = "GET",
                                      .url = url,
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
    if (fflush(sink->file) != 0 || fsync(fileno(sink->file)) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "cannot write: %s", strerror(errno));
    return MU_OK;
}

enum mu_status evidence_fetch(struct mu_http_client *client, const char *inventory_url,
                              const char *digest, const char *path, struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    MU_AUTO_FILE FILE *file = fopen(path, "wxe");
    struct sink sink = {file, hash};
    char url[EVIDENCE_URL_SIZE];
    enum mu_status st;

    if (!file)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    if (snprintf(url, sizeof(url), "%s/v1/evidence/%s", inventory_url, digest) >= (int)sizeof(url))
        st = mu_fail(err, MU_E_LIMIT, "inventory-url is too long");
    else
        st = transfer(client, url, digest, &sink, err);
    if (st != MU_OK) {
        (void)unlink(path);
        return mu_wrap(err, "evidence %s", digest);
    }
    return MU_OK;
}

#include "registry/registry_transfer.h"

#include "base/stop.h"
#include "base/text.h"

#include <stdio.h>

enum { RESUMES_MAX = 10, IDLE_MAX = 2, PROGRESS_MIN_BYTES = 64 * 1024 };

void mu_registry_transfer_init(struct mu_registry_transfer *transfer,
                               const struct mu_registry_blob *blob, mu_registry_blob_fn *on_bytes,
                               void *opaque)
{
    *transfer = (struct mu_registry_transfer){
            .blob = blob, .on_bytes = on_bytes, .opaque = opaque, .hash = mu_sha256_new()};
}

void mu_registry_transfer_done(struct mu_registry_transfer *transfer)
{
    mu_sha256_free(transfer->hash);
}

static enum mu_status head_take(void *opaque, const struct mu_http_response *response,
                                struct mu_error *err)
{
    struct mu_registry_transfer *transfer = opaque;

    transfer->skip_bytes = 0;
    if (response->status == 206) {
        if (transfer->received_bytes == 0 ||
            response->range_start != (int64_t)transfer->received_bytes)
            return mu_fail(err, MU_E_CONFLICT,
                           "the registry sent bytes from %lld on, not from the %llu asked for",
                           (long long)response->range_start,
                           (unsigned long long)transfer->received_bytes);
        return MU_OK;
    }
    if (response->status != 200)
        return mu_fail(err, MU_E_INVALID, "the registry answered %d", response->status);
    transfer->skip_bytes = transfer->received_bytes; /* it does not do ranges */
    return MU_OK;
}

static enum mu_status bytes_take(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct mu_registry_transfer *transfer = opaque;
    size_t skip = transfer->skip_bytes < len ? (size_t)transfer->skip_bytes : len;
    const char *rest = (const char *)bytes + skip;
    enum mu_status st;

    transfer->skip_bytes -= skip;
    len -= skip;
    if (len == 0)
        return MU_OK;
    if (len > transfer->blob->size_bytes - transfer->received_bytes)
        return mu_fail(err, MU_E_CONFLICT,
                       "the blob is longer than the %llu bytes its manifest says",
                       (unsigned long long)transfer->blob->size_bytes);
    transfer->received_bytes += len;
    mu_sha256_update(transfer->hash, rest, len);
    st = transfer->on_bytes(transfer->opaque, rest, len, err);
    transfer->taker_failed = st != MU_OK;
    return st;
}

static enum mu_status attempt(struct mu_registry_transfer *transfer,
                              struct mu_registry_client *client, struct mu_error *err)
{
    char url[MU_REGISTRY_URL_SIZE], range[64];
    const char *const headers[] = {range, NULL};
    struct mu_http_response response;
    struct mu_http_request request = {.method = "GET",
                                      .url = url,
                                      .on_head = head_take,
                                      .on_body = bytes_take,
                                      .opaque = transfer,
                                      .max_body_bytes = UINT64_MAX}; /* bytes_take is the limit */

    if (mu_registry_blob_url(client, transfer->blob->digest, url, err) != MU_OK)
        return err->status;
    (void)snprintf(range, sizeof(range), "Range: bytes=%llu-",
                   (unsigned long long)transfer->received_bytes);
    if (transfer->received_bytes > 0)
        request.headers = headers;
    return mu_registry_request(client, &request, &response, err);
}

static enum mu_status end_check(const struct mu_registry_transfer *transfer, struct mu_error *err)
{
    char digest[MU_DIGEST_TEXT_SIZE];

    if (transfer->received_bytes != transfer->blob->size_bytes)
        return mu_fail(err, MU_E_CONFLICT,
                       "the blob has %llu bytes, not the %llu its manifest says",
                       (unsigned long long)transfer->received_bytes,
                       (unsigned long long)transfer->blob->size_bytes);
    mu_sha256_final_text(transfer->hash, digest);
    if (!mu_text_equal(digest, transfer->blob->digest))
        return mu_fail(err, MU_E_CONFLICT, "the blob hashes to %s, not to %s", digest,
                       transfer->blob->digest);
    return MU_OK;
}

/* Whether an attempt that brought `got` bytes of `wanted` got on. */
static bool gets_on(uint64_t got, uint64_t wanted)
{
    return got >= PROGRESS_MIN_BYTES || (got > 0 && got == wanted);
}

enum mu_status mu_registry_transfer_run(struct mu_registry_transfer *transfer,
                                        struct mu_registry_client *client, struct mu_error *err)
{
    struct mu_backoff backoff = {100, 2000, 0};
    uint64_t size_bytes = transfer->blob->size_bytes;

    for (unsigned idle = 0;;) {
        uint64_t before = transfer->received_bytes;
        enum mu_status st = attempt(transfer, client, err);

        if (st == MU_OK || (st == MU_E_UNAVAILABLE && !transfer->taker_failed &&
                            transfer->received_bytes == size_bytes && size_bytes > before))
            return end_check(transfer, err); /* the end of the answer alone may be torn */
        if (st != MU_E_UNAVAILABLE || transfer->taker_failed || transfer->received_bytes == 0 ||
            mu_stop_requested())
            return st;
        idle = gets_on(transfer->received_bytes - before, size_bytes - before) ? 0 : idle + 1;
        if (idle > IDLE_MAX || transfer->resumes == RESUMES_MAX)
            return mu_wrap(err, "cut off after %llu of %llu bytes and continued %u times",
                           (unsigned long long)transfer->received_bytes,
                           (unsigned long long)size_bytes, transfer->resumes);
        transfer->resumes++;
        if (mu_backoff_wait(&backoff))
            return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    }
}

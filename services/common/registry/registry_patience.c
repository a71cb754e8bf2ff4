#include "registry/registry_patience.h"

#include "base/stop.h"

enum {
    WAITS_MAX = 3,
    WAIT_MAX_MS = 60000 /* longer ones are left to the next attempt at the whole image */
};

static bool asks_to_wait(const struct mu_http_response *response)
{
    return (response->status == 429 || response->status == 503) && response->retry_after_ms >= 0;
}

static enum mu_status wait_for_peer(const struct mu_http_request *request,
                                    const struct mu_http_response *response, struct mu_error *err)
{
    if (response->retry_after_ms > WAIT_MAX_MS) {
        (void)mu_http_status_error(request, response, err);
        return mu_wrap(err, "the registry asks to wait %lld s",
                       (long long)(response->retry_after_ms / 1000));
    }
    if (mu_stop_wait(response->retry_after_ms))
        return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    return MU_OK;
}

enum mu_status registry_patient_request(struct mu_http_client *http,
                                        const struct mu_http_request *request,
                                        struct mu_http_response *ret_response, struct mu_error *err)
{
    for (int waits = 0;; waits++) {
        if (mu_http_request(http, request, ret_response, err) != MU_OK)
            return err->status;
        if (!asks_to_wait(ret_response) || waits == WAITS_MAX)
            return MU_OK;
        if (wait_for_peer(request, ret_response, err) != MU_OK)
            return err->status;
    }
}

static enum mu_status bytes_keep(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct mu_buf *out = opaque;

    mu_buf_append(out, bytes, len);
    return mu_buf_status(out, "body", err);
}

enum mu_status registry_patient_fetch(struct mu_http_client *http,
                                      const struct mu_http_request *request, struct mu_buf *out,
                                      struct mu_http_response *ret_response, struct mu_error *err)
{
    struct mu_http_request buffered = *request;

    mu_buf_reset(out);
    buffered.on_body = bytes_keep;
    buffered.opaque = out;
    buffered.max_body_bytes = out->max_bytes;
    return registry_patient_request(http, &buffered, ret_response, err);
}

#include "bundle/signer.h"

#include "bundle/folder.h"
#include "bundle/layout.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/cms.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/signing_key.h"
#include "base/stop.h"
#include "http/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIGNATURE_MAX_BYTES = 4 * 1024 * 1024,
    RETRY_MIN_MS = 200,
    RETRY_MAX_MS = 5000,
    RETRY_FOR_MS = 30000
};

struct signer {
    struct signer_config config; /* borrowed texts */
    struct mu_signing_key *key, *cms_key;
    struct mu_http_client *http;
};

static bool is_given(const char *option)
{
    return option && *option;
}

/* ---- opening, and trying ---- */

static enum mu_status open_key(struct signer *signer, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf trial;
    enum mu_status st;

    mu_buf_init(&trial, SIGNATURE_MAX_BYTES);
    if (!is_given(signer->config.key))
        return MU_OK;
    st = mu_signing_key_open(signer->config.key, signer->config.secret, &signer->key, err);
    if (st == MU_OK)
        st = mu_signing_key_sign_ed25519(signer->key, "", 0, &trial, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "--sign-key");
}

static enum mu_status open_cms_key(struct signer *signer, struct mu_error *err)
{
    const struct signer_config *config = &signer->config;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf trial;
    enum mu_status st;

    mu_buf_init(&trial, SIGNATURE_MAX_BYTES);
    if (is_given(config->cms_key) != is_given(config->cms_certificate))
        return mu_fail(err, MU_E_INVALID, "--cms-key and --cms-certificate go together");
    if (!is_given(config->cms_key))
        return MU_OK;
    st = mu_signing_key_open(config->cms_key, config->secret, &signer->cms_key, err);
    if (st == MU_OK && mu_signing_key_is_ed25519(signer->cms_key))
        st = mu_fail(err, MU_E_INVALID, "an Ed25519 key signs by --sign-key");
    if (st != MU_OK)
        return mu_wrap(err, "--cms-key");
    st = mu_signing_key_sign_cms(signer->cms_key, config->cms_certificate, "", 0, &trial, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "--cms-certificate");
}

static enum mu_status open_http(struct signer *signer, struct mu_error *err)
{
    struct mu_http_client_config config = {.user_agent = "muster-report"};

    return is_given(signer->config.timestamp_url) ? mu_http_client_new(&config, &signer->http, err)
                                                  : MU_OK;
}

enum mu_status signer_open(const struct signer_config *config, struct signer **ret_signer,
                           struct mu_error *err)
{
    MU_AUTO(signer) struct signer *signer = mu_xcalloc(1, sizeof(*signer));
    enum mu_status st;

    signer->config = *config;
    st = open_key(signer, err);
    if (st == MU_OK)
        st = open_cms_key(signer, err);
    if (st == MU_OK)
        st = open_http(signer, err);
    if (st != MU_OK)
        return st;
    *ret_signer = signer;
    signer = NULL;
    return MU_OK;
}

void signer_free(struct signer *signer)
{
    if (!signer)
        return;
    mu_signing_key_free(signer->key);
    mu_signing_key_free(signer->cms_key);
    mu_http_client_free(signer->http);
    free(signer);
}

/* ---- signing ---- */

static enum mu_status put_beside(const char *folder, const char *name, const struct mu_buf *bytes,
                                 struct mu_error *err)
{
    char path[BUNDLE_PATH_SIZE];

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return mu_fail(err, MU_E_LIMIT, "path of '%s' is too long", name);
    return mu_file_write_atomic(path, bytes->data, bytes->len, err);
}

static enum mu_status sign_ed25519(const struct signer *signer, const struct mu_buf *manifest,
                                   struct mu_buf *out, struct mu_error *err)
{
    return signer->key ? mu_signing_key_sign_ed25519(signer->key, manifest->data, manifest->len,
                                                     out, err)
                       : MU_OK;
}

static enum mu_status sign_cms(const struct signer *signer, const struct mu_buf *manifest,
                               struct mu_buf *out, struct mu_error *err)
{
    return signer->cms_key
                   ? mu_signing_key_sign_cms(signer->cms_key, signer->config.cms_certificate,
                                             manifest->data, manifest->len, out, err)
                   : MU_OK;
}

static enum mu_status ask_authority(const struct signer *signer, const struct mu_buf *query,
                                    struct mu_buf *out, struct mu_error *err)
{
    static const char *const headers[] = {"Content-Type: application/timestamp-query",
                                          "Accept: application/timestamp-reply", NULL};
    const struct mu_http_request request = {.method = "POST",
                                            .url = signer->config.timestamp_url,
                                            .headers = headers,
                                            .body = query->data,
                                            .body_len = query->len,
                                            .max_body_bytes = SIGNATURE_MAX_BYTES};
    struct mu_backoff backoff = {.min_ms = RETRY_MIN_MS, .max_ms = RETRY_MAX_MS};
    uint64_t deadline_ms = mu_monotonic_ms() + RETRY_FOR_MS;
    struct mu_http_response response;
    enum mu_status st;

    do {
        mu_buf_reset(out);
        st = mu_http_fetch(signer->http, &request, out, &response, err);
        if (st == MU_OK && response.status != 200)
            st = mu_http_status_error(&request, &response, err);
    } while (st == MU_E_UNAVAILABLE && mu_monotonic_ms() < deadline_ms &&
             !mu_backoff_wait(&backoff));
    return st;
}

static enum mu_status stamp(const struct signer *signer, const struct mu_buf *manifest,
                            struct mu_buf *out, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf query;
    enum mu_status st;

    mu_buf_init(&query, SIGNATURE_MAX_BYTES);
    if (!signer->http)
        return MU_OK;
    st = mu_timestamp_request(manifest->data, manifest->len, &query, err);
    if (st == MU_OK)
        st = ask_authority(signer, &query, out, err);
    if (st == MU_OK)
        st = mu_timestamp_accept(query.data, query.len, out->data, out->len, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "--timestamp-url");
}

enum mu_status signer_sign(const struct signer *signer, const char *folder, struct mu_error *err)
{
    static const struct {
        const char *name;
        enum mu_status (*sign)(const struct signer *signer, const struct mu_buf *manifest,
                               struct mu_buf *out, struct mu_error *err);
    } kinds[] = {
            {BUNDLE_SIGNATURE, sign_ed25519}, {BUNDLE_CMS, sign_cms}, {BUNDLE_TIMESTAMP, stamp}};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf manifest;
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = MU_OK;

    mu_buf_init(&manifest, BUNDLE_MAX_JSON_BYTES);
    if (!signer)
        return MU_OK;
    if (snprintf(path, sizeof(path), "%s/%s", folder, BUNDLE_MANIFEST) >= (int)sizeof(path))
        return mu_fail(err, MU_E_LIMIT, "path '%.100s...' is too long", folder);
    st = mu_file_read(path, &manifest, err);
    for (size_t i = 0; st == MU_OK && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf out;

        mu_buf_init(&out, SIGNATURE_MAX_BYTES);
        st = kinds[i].sign(signer, &manifest, &out, err);
        if (st == MU_OK && out.len > 0)
            st = put_beside(folder, kinds[i].name, &out, err);
    }
    return st;
}

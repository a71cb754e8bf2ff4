#include "registry/cloud_login.h"

#include "base/text.h"
#include "registry/login_http.h"

#include <stdio.h>
#include <string.h>

enum { URL_SIZE = 700, ACR_LIFETIME_MS = 2 * 3600 * 1000 };

static const char login_service[] = "https://login.microsoftonline.com";

/* A workload's federated token for one of Entra. */
static enum mu_status entra_token(const struct mu_registry_login *login,
                                  const struct mu_buf *federated, struct mu_buf *token,
                                  struct mu_error *err)
{
    MU_AUTO_DONE(registry_secret_done) struct mu_buf form, answer;
    char url[URL_SIZE];

    mu_buf_init(&form, 4 * REGISTRY_SECRET_MAX_BYTES);
    mu_buf_init(&answer, REGISTRY_ANSWER_MAX_BYTES);
    login_form_add(&form, "grant_type", "client_credentials");
    login_form_add(&form, "client_id", login->client_id);
    login_form_add(&form, "scope", "https://containerregistry.azure.net/.default");
    login_form_add(&form, "client_assertion_type",
                   "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    login_form_add(&form, "client_assertion", federated->data);
    (void)snprintf(url, sizeof(url), "%s/%s/oauth2/v2.0/token",
                   login->endpoint ? login->endpoint : login_service, login->tenant);
    if (login_post_form("azure login service", url, &form, &answer, err) != MU_OK)
        return err->status;
    return login_text_take("azure", &answer, "access_token", token, err);
}

/* An Entra token for a refresh token of the registry. */
static enum mu_status exchange(const struct mu_registry_access *access, const struct mu_buf *token,
                               struct mu_buf *secret, struct mu_error *err)
{
    const struct mu_registry_login *login = &access->login;
    MU_AUTO_DONE(registry_secret_done) struct mu_buf form, answer;
    char url[URL_SIZE];

    mu_buf_init(&form, 4 * REGISTRY_SECRET_MAX_BYTES);
    mu_buf_init(&answer, REGISTRY_ANSWER_MAX_BYTES);
    login_form_add(&form, "grant_type", "access_token");
    login_form_add(&form, "service", access->host);
    if (login->tenant)
        login_form_add(&form, "tenant", login->tenant);
    login_form_add(&form, "access_token", token->data);
    (void)snprintf(url, sizeof(url), "%s/oauth2/exchange", access->url);
    if (login_post_form("azure registry", url, &form, &answer, err) != MU_OK)
        return err->status;
    return login_text_take("azure", &answer, "refresh_token", secret, err);
}

enum mu_status azure_login(const struct mu_registry_access *access,
                           struct registry_credential *credential, struct mu_error *err)
{
    const struct mu_registry_login *login = &access->login;
    MU_AUTO_DONE(registry_secret_done) struct mu_buf given, token;

    mu_buf_init(&given, REGISTRY_SECRET_MAX_BYTES);
    mu_buf_init(&token, REGISTRY_SECRET_MAX_BYTES);
    if (login_file_read("azure: token", login->file, &given, err) != MU_OK)
        return err->status;
    if (login->client_id) {
        if (entra_token(login, &given, &token, err) != MU_OK)
            return err->status;
    } else {
        mu_buf_append(&token, given.data, given.len);
    }
    if (exchange(access, &token, &credential->secret, err) != MU_OK)
        return err->status;
    mu_buf_puts(&credential->user, "00000000-0000-0000-0000-000000000000");
    credential->kind = CREDENTIAL_IDENTITY;
    credential->lifetime_ms = ACR_LIFETIME_MS; /* of three hours */
    return MU_OK;
}

#include "registry/cloud_login.h"

#include "base/clock.h"
#include "base/signing.h"
#include "base/text.h"
#include "registry/login_http.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum { KEY_FILE_MAX_BYTES = 64 * 1024, JWT_MAX_BYTES = 16 * 1024, GRANT_S = 3600 };

static const char scope[] = "https://www.googleapis.com/auth/devstorage.read_only "
                            "https://www.googleapis.com/auth/cloud-platform.read-only";
static const char metadata_service[] = "http://metadata.google.internal";
static const char metadata_path[] = "/computeMetadata/v1/instance/service-accounts/default/token";

struct service_account {
    json_t *root;
    const char *email, *key, *key_id, *token_url; /* key_id NULL: not said */
};

static enum mu_status account_read(const struct mu_buf *text, struct service_account *account,
                                   struct mu_error *err)
{
    if (mu_json_parse(text->data, text->len, &mu_json_message_limits, &account->root, err) != MU_OK)
        return mu_fail(err, MU_E_INVALID, "google: the key file is no JSON");
    account->email = mu_json_text_at(account->root, "client_email");
    account->key = mu_json_text_at(account->root, "private_key");
    account->key_id = mu_json_text_at(account->root, "private_key_id");
    account->token_url = mu_json_text_at(account->root, "token_uri");
    if (!account->email || !account->key || !account->token_url)
        return mu_fail(err, MU_E_INVALID,
                       "google: the key file lacks client_email, private_key or token_uri: it must "
                       "be one of a service account");
    return MU_OK;
}

static void part_add(struct mu_buf *jwt, json_t *part)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct mu_error ignored;

    mu_buf_init(&text, JWT_MAX_BYTES);
    if (!part || mu_json_print(part, &text, &ignored) != MU_OK) {
        jwt->failed = true;
        return;
    }
    mu_base64url_encode(text.data, text.len, jwt);
}

static enum mu_status jwt_make(const struct service_account *account, struct mu_buf *jwt,
                               struct mu_error *err)
{
    json_int_t now_s = mu_now_us() / 1000000;
    json_auto_t *head =
            json_pack("{s:s,s:s,s:s*}", "alg", "RS256", "typ", "JWT", "kid", account->key_id);
    json_auto_t *claims =
            json_pack("{s:s,s:s,s:s,s:I,s:I}", "iss", account->email, "scope", scope, "aud",
                      account->token_url, "iat", now_s, "exp", now_s + GRANT_S);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf signature;

    mu_buf_init(&signature, JWT_MAX_BYTES);
    part_add(jwt, head);
    mu_buf_puts(jwt, ".");
    part_add(jwt, claims);
    if (mu_sign_rs256(account->key, strlen(account->key), jwt->data, jwt->len, &signature, err) !=
        MU_OK)
        return mu_wrap(err, "google: private_key of the key file");
    mu_buf_puts(jwt, ".");
    mu_buf_puts(jwt, signature.data);
    return mu_buf_status(jwt, "google: signed claim", err);
}

static enum mu_status grant_ask(const struct service_account *account, struct mu_buf *answer,
                                struct mu_error *err)
{
    MU_AUTO_DONE(registry_secret_done) struct mu_buf jwt, form;

    mu_buf_init(&jwt, JWT_MAX_BYTES);
    mu_buf_init(&form, 4 * JWT_MAX_BYTES);
    if (jwt_make(account, &jwt, err) != MU_OK)
        return err->status;
    login_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    login_form_add(&form, "assertion", jwt.data);
    return login_post_form("google token service", account->token_url, &form, answer, err);
}

static enum mu_status by_key(const char *file, struct mu_buf *answer, struct mu_error *err)
{
    MU_AUTO_DONE(registry_secret_done) struct mu_buf text;
    struct service_account account = {.root = NULL};
    enum mu_status st;

    mu_buf_init(&text, KEY_FILE_MAX_BYTES);
    st = login_file_read("google: key", file, &text, err);
    if (st == MU_OK)
        st = account_read(&text, &account, err);
    if (st == MU_OK)
        st = grant_ask(&account, answer, err);
    json_decref(account.root);
    return st;
}

static enum mu_status by_metadata(const char *endpoint, struct mu_buf *answer, struct mu_error *err)
{
    static const char *const headers[] = {"Metadata-Flavor: Google", NULL};
    char url[600];
    struct mu_http_request request = {.method = "GET", .url = url, .headers = headers};

    (void)snprintf(url, sizeof(url), "%s%s", endpoint ? endpoint : metadata_service, metadata_path);
    return login_request("google metadata service", &request, answer, err);
}

enum mu_status google_login(const struct mu_registry_access *access,
                            struct registry_credential *credential, struct mu_error *err)
{
    const struct mu_registry_login *login = &access->login;
    MU_AUTO_DONE(registry_secret_done) struct mu_buf answer;
    enum mu_status st;

    mu_buf_init(&answer, REGISTRY_ANSWER_MAX_BYTES);
    st = login->file ? by_key(login->file, &answer, err)
                     : by_metadata(login->endpoint, &answer, err);
    if (st != MU_OK ||
        login_text_take("google", &answer, "access_token", &credential->secret, err) != MU_OK)
        return err->status;
    mu_buf_puts(&credential->user, "oauth2accesstoken");
    credential->kind = CREDENTIAL_BASIC;
    credential->lifetime_ms = login_lifetime_ms(&answer, "expires_in");
    return MU_OK;
}

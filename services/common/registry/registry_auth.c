#include "registry/registry_auth.h"

#include "base/file.h"
#include "base/text.h"
#include "registry/challenge.h"
#include "registry/login_http.h"
#include "registry/registry_patience.h"
#include "registry/registry_tokens.h"
#include "json/json_doc.h"

#include <string.h>

enum {
    PASSWORD_MAX_BYTES = 16 * 1024, /* cloud registries use signed tokens as passwords */
    HEADER_MAX_BYTES = 128 * 1024,
    TOKEN_ANSWER_MAX_BYTES = 256 * 1024,
    TOKEN_LIFETIME_S = 60, /* where the token service says none */
    TOKEN_LIFETIME_MAX_S = 3600,
    URL_MAX_BYTES = 4096,
    KEY_MAX_BYTES = 2048 /* of what is kept in registry_tokens */
};

/* The file's last newline is not part of the secret. */
static enum mu_status secret_read(const char *what, const char *path, struct mu_buf *secret,
                                  struct mu_error *err)
{
    if (mu_file_read(path, secret, err) != MU_OK)
        return mu_fail(err, MU_E_DENIED, "registry %s file '%s' cannot be read", what, path);
    while (secret->len > 0 && strchr("\r\n", secret->data[secret->len - 1]))
        secret->data[--secret->len] = '\0';
    return MU_OK;
}

/* `basic` = "Basic base64(user:secret)". */
static enum mu_status basic_make(struct registry_auth *auth, const char *user,
                                 const struct mu_buf *secret, struct mu_error *err)
{
    MU_AUTO_DONE(registry_secret_done) struct mu_buf pair;

    mu_buf_init(&pair, HEADER_MAX_BYTES);
    mu_buf_puts(&pair, user);
    mu_buf_puts(&pair, ":");
    mu_buf_append(&pair, secret->data, secret->len);
    mu_buf_reset(&auth->basic);
    mu_buf_puts(&auth->basic, "Basic ");
    mu_base64_encode(pair.data, pair.len, &auth->basic);
    return mu_buf_status(&auth->basic, "registry credentials", err);
}

static enum mu_status password_make(struct registry_auth *auth, struct mu_error *err)
{
    MU_AUTO_DONE(registry_secret_done) struct mu_buf password;

    mu_buf_init(&password, PASSWORD_MAX_BYTES);
    if (secret_read("password", auth->access.password_file, &password, err) != MU_OK)
        return err->status;
    return basic_make(auth, auth->access.username, &password, err);
}

/* A token that can stand in a header: printable ASCII without blanks. */
static bool token_usable(const char *token)
{
    if (!token || token[0] == '\0')
        return false;
    for (; *token != '\0'; token++) {
        if (*token <= ' ' || *token > '~')
            return false;
    }
    return true;
}

static enum mu_status token_set(struct registry_auth *auth, const char *token, const char *kind,
                                struct mu_error *err)
{
    mu_buf_reset(&auth->value);
    mu_buf_puts(&auth->value, "Bearer ");
    mu_buf_puts(&auth->value, token);
    auth->kind = kind;
    return mu_buf_status(&auth->value, "token", err);
}

static enum mu_status token_make(struct registry_auth *auth, struct mu_error *err)
{
    MU_AUTO_DONE(registry_secret_done) struct mu_buf token;

    mu_buf_init(&token, PASSWORD_MAX_BYTES);
    if (secret_read("token", auth->access.token_file, &token, err) != MU_OK)
        return err->status;
    if (!token_usable(token.data))
        return mu_fail(err, MU_E_DENIED, "registry token file '%s' holds no token",
                       auth->access.token_file);
    return token_set(auth, token.data, "token", err);
}

/* ---- what is kept between clients ---- */

/* `what` and where; all who share the tokens have one access for one URL. */
static void key_make(const struct registry_auth *auth, const char *what, struct mu_buf *key)
{
    mu_buf_init(key, KEY_MAX_BYTES);
    mu_buf_printf(key, "%s\n%s\n%s", what, auth->access.url,
                  !mu_text_equal(what, "token") ? ""
                  : auth->path                  ? auth->path
                                                : "*");
}

/* A token that another client got for the same repository. */
static void token_recall(struct registry_auth *auth)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf key;

    key_make(auth, "token", &key);
    if (auth->value.len == 0 && registry_tokens_get(auth->access.tokens, key.data, &auth->value))
        auth->kind = "bearer";
}

static void token_keep(const struct registry_auth *auth, int64_t lifetime_ms)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf key;

    key_make(auth, "token", &key);
    registry_tokens_put(auth->access.tokens, key.data, auth->value.data, auth->value.len,
                        lifetime_ms);
}

/* Kind, user, NUL, secret. */
static void credential_keep(const struct registry_auth *auth)
{
    const struct registry_credential *credential = &auth->credential;
    MU_AUTO_DONE(registry_secret_done) struct mu_buf value;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf key;
    char kind = (char)('0' + (int)credential->kind);

    key_make(auth, "login", &key);
    mu_buf_init(&value, HEADER_MAX_BYTES);
    mu_buf_append(&value, &kind, 1);
    mu_buf_append(&value, credential->user.data, credential->user.len + 1);
    mu_buf_append(&value, credential->secret.data, credential->secret.len);
    if (!value.failed)
        registry_tokens_put(auth->access.tokens, key.data, value.data, value.len,
                            credential->lifetime_ms);
}

static bool credential_recall(struct registry_auth *auth)
{
    MU_AUTO_DONE(registry_secret_done) struct mu_buf value;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf key;
    size_t user_len;

    key_make(auth, "login", &key);
    mu_buf_init(&value, HEADER_MAX_BYTES);
    if (!registry_tokens_get(auth->access.tokens, key.data, &value))
        return false;
    user_len = strlen(value.data + 1);
    auth->credential.kind = (enum registry_credential_kind)(value.data[0] - '0');
    mu_buf_append(&auth->credential.user, value.data + 1, user_len);
    mu_buf_append(&auth->credential.secret, value.data + 2 + user_len, value.len - 2 - user_len);
    return true;
}

static void credential_forget(struct registry_auth *auth)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf key;

    key_make(auth, "login", &key);
    registry_tokens_drop(auth->access.tokens, key.data);
    registry_credential_done(&auth->credential);
    registry_credential_init(&auth->credential);
    mu_buf_reset(&auth->basic);
    auth->has_credential = auth->from_cache = false;
}

/* ---- credentials ---- */

/* What the login gives, once. */
static enum mu_status credential_get(struct registry_auth *auth, struct mu_error *err)
{
    struct registry_credential *credential = &auth->credential;

    if (auth->has_credential || auth->access.login.way == MU_LOGIN_NONE)
        return MU_OK;
    auth->from_cache = credential_recall(auth);
    if (!auth->from_cache) {
        if (registry_login_get(&auth->access, credential, err) != MU_OK)
            return err->status;
        credential_keep(auth);
    }
    auth->has_credential = true;
    if (credential->kind != CREDENTIAL_BASIC)
        return MU_OK;
    return basic_make(auth, credential->user.data, &credential->secret, err);
}

enum mu_status registry_auth_init(struct registry_auth *auth,
                                  const struct mu_registry_access *access, const char *path,
                                  struct mu_error *err)
{
    auth->access = *access;
    auth->path = path;
    auth->kind = "anonymous";
    auth->has_credential = auth->from_cache = false;
    registry_credential_init(&auth->credential);
    mu_buf_init(&auth->basic, HEADER_MAX_BYTES);
    mu_buf_init(&auth->value, HEADER_MAX_BYTES);
    if (access->token_file)
        return token_make(auth, err);
    if (access->username && password_make(auth, err) != MU_OK)
        return err->status;
    token_recall(auth);
    return MU_OK;
}

void registry_auth_turn(struct registry_auth *auth, const char *path)
{
    auth->path = path;
    if (!mu_text_equal(auth->kind, "bearer"))
        return;
    mu_buf_reset(&auth->value);
    auth->kind = "anonymous";
    token_recall(auth);
}

void registry_auth_done(struct registry_auth *auth)
{
    registry_credential_done(&auth->credential);
    registry_secret_done(&auth->basic);
    registry_secret_done(&auth->value);
}

const char *registry_auth_value(const struct registry_auth *auth)
{
    return auth->value.len > 0 ? auth->value.data : NULL;
}

/* ---- tokens ---- */

/*
 * One repository, to pull from and nothing else. A registry may know the repository by another name
 * than we do (behind a mirror), so the name is its own to say; what may be done there is not.
 */
static bool scope_only_pulls(const char *scope)
{
    return mu_text_starts(scope, "repository:") && mu_text_ends(scope, ":pull") &&
           strpbrk(scope, " ,") == NULL;
}

static void scope_make(const struct registry_auth *auth, const struct challenge *challenge,
                       struct mu_buf *scope)
{
    mu_buf_init(scope, URL_MAX_BYTES);
    if (!auth->path)
        mu_buf_puts(scope, "registry:catalog:*");
    else if (scope_only_pulls(challenge->scope))
        mu_buf_puts(scope, challenge->scope);
    else
        mu_buf_printf(scope, "repository:%s:pull", auth->path);
}

static enum mu_status realm_check(const struct registry_auth *auth,
                                  const struct challenge *challenge, struct mu_error *err)
{
    bool plain_http = mu_text_starts(auth->access.url, "http://") &&
                      mu_text_starts(challenge->realm, "http://");

    if (!plain_http && !mu_text_starts(challenge->realm, "https://"))
        return mu_fail(err, MU_E_DENIED, "token service '%s' is not reached over https",
                       challenge->realm);
    return MU_OK;
}

/* An answer of either way to ask. */
static enum mu_status token_take(struct registry_auth *auth, const struct mu_buf *answer,
                                 struct mu_error *err)
{
    json_auto_t *root = NULL;
    const char *token;
    const json_t *lifetime;
    json_int_t seconds;

    if (mu_json_parse(answer->data, answer->len, &mu_json_message_limits, &root, err) != MU_OK)
        return mu_wrap(err, "answer of the token service");
    token = mu_json_text_at(root, "token");
    if (!token)
        token = mu_json_text_at(root, "access_token");
    if (!token_usable(token))
        return mu_fail(err, MU_E_INVALID, "answer of the token service has no usable token");
    lifetime = json_object_get(root, "expires_in");
    seconds = json_is_integer(lifetime) && json_integer_value(lifetime) > 0
                      ? json_integer_value(lifetime)
                      : TOKEN_LIFETIME_S;
    if (token_set(auth, token, "bearer", err) != MU_OK)
        return err->status;
    token_keep(auth, (seconds > TOKEN_LIFETIME_MAX_S ? TOKEN_LIFETIME_MAX_S : seconds) * 1000);
    return MU_OK;
}

static enum mu_status token_failed(const struct mu_http_request *request,
                                   const struct mu_http_response *response, struct mu_error *err)
{
    (void)mu_http_status_error(request, response, err);
    return mu_wrap(err, "token service");
}

/* GET, as nobody or with user and password. */
static enum mu_status token_get(struct registry_auth *auth, struct mu_http_client *http,
                                const struct challenge *challenge, const char *authorization,
                                struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf url, query, scope;
    MU_AUTO_DONE(registry_secret_done) struct mu_buf answer;
    struct mu_http_request request = {
            .method = "GET", .home = auth->access.url, .authorization = authorization};
    struct mu_http_response response;

    mu_buf_init(&url, URL_MAX_BYTES);
    mu_buf_init(&query, URL_MAX_BYTES);
    mu_buf_init(&answer, TOKEN_ANSWER_MAX_BYTES);
    scope_make(auth, challenge, &scope);
    if (challenge->service[0] != '\0')
        login_form_add(&query, "service", challenge->service);
    login_form_add(&query, "scope", scope.data);
    mu_buf_printf(&url, "%s%c%s", challenge->realm, strchr(challenge->realm, '?') ? '&' : '?',
                  query.data);
    if (mu_buf_status(&url, "URL of the token service", err) != MU_OK)
        return err->status;
    request.url = url.data;
    if (registry_patient_fetch(http, &request, &answer, &response, err) != MU_OK)
        return mu_wrap(err, "token service");
    if (response.status != 200)
        return token_failed(&request, &response, err);
    return token_take(auth, &answer, err);
}

/* POST with a refresh token (an identity token). MU_END: this service does not know how. */
static enum mu_status token_refresh(struct registry_auth *auth, struct mu_http_client *http,
                                    const struct challenge *challenge, struct mu_error *err)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf scope;
    MU_AUTO_DONE(registry_secret_done) struct mu_buf form, answer;
    struct mu_http_request request = {.method = "POST",
                                      .url = challenge->realm,
                                      .home = auth->access.url,
                                      .headers = headers};
    struct mu_http_response response;

    mu_buf_init(&form, 4 * REGISTRY_SECRET_MAX_BYTES);
    mu_buf_init(&answer, TOKEN_ANSWER_MAX_BYTES);
    scope_make(auth, challenge, &scope);
    login_form_add(&form, "grant_type", "refresh_token");
    login_form_add(&form, "service", challenge->service);
    login_form_add(&form, "client_id", "muster");
    login_form_add(&form, "scope", scope.data);
    login_form_add(&form, "refresh_token", auth->credential.secret.data);
    if (mu_buf_status(&form, "request to the token service", err) != MU_OK)
        return err->status;
    request.body = form.data;
    request.body_len = form.len;
    if (registry_patient_fetch(http, &request, &answer, &response, err) != MU_OK)
        return mu_wrap(err, "token service");
    if (response.status == 404 || response.status == 405)
        return MU_END;
    if (response.status != 200)
        return token_failed(&request, &response, err);
    return token_take(auth, &answer, err);
}

static enum mu_status bearer_try(struct registry_auth *auth, struct mu_http_client *http,
                                 const struct challenge *challenge, struct mu_error *err)
{
    enum mu_status st = MU_END;

    if (credential_get(auth, err) != MU_OK)
        return err->status;
    if (auth->credential.kind == CREDENTIAL_BEARER)
        return token_set(auth, auth->credential.secret.data, "token", err);
    if (auth->credential.kind == CREDENTIAL_IDENTITY) {
        st = token_refresh(auth, http, challenge, err);
        if (st == MU_END &&
            basic_make(auth, auth->credential.user.data, &auth->credential.secret, err) != MU_OK)
            return err->status;
    }
    if (st != MU_END)
        return st;
    return token_get(auth, http, challenge, auth->basic.len > 0 ? auth->basic.data : NULL, err);
}

/* Credentials that another client got may be out of date: then once more with new ones. */
static enum mu_status bearer_answer(struct registry_auth *auth, struct mu_http_client *http,
                                    const struct challenge *challenge, struct mu_error *err)
{
    enum mu_status st;

    if (realm_check(auth, challenge, err) != MU_OK)
        return err->status;
    st = bearer_try(auth, http, challenge, err);
    if (st != MU_E_DENIED || !auth->from_cache)
        return st;
    credential_forget(auth);
    return bearer_try(auth, http, challenge, err);
}

static enum mu_status basic_answer(struct registry_auth *auth, struct mu_error *err)
{
    bool refused = mu_text_equal(auth->kind, "basic");

    if (refused && auth->from_cache) {
        credential_forget(auth);
        refused = false;
    }
    if (credential_get(auth, err) != MU_OK)
        return err->status;
    if (auth->basic.len == 0)
        return mu_fail(err, MU_E_DENIED, "the registry wants a user name and password");
    if (refused)
        return mu_fail(err, MU_E_DENIED, "the registry refuses the password of '%s'",
                       auth->access.username ? auth->access.username : auth->credential.user.data);
    mu_buf_reset(&auth->value);
    mu_buf_append(&auth->value, auth->basic.data, auth->basic.len);
    auth->kind = "basic";
    return mu_buf_status(&auth->value, "registry credentials", err);
}

enum mu_status registry_auth_answer(struct registry_auth *auth, struct mu_http_client *http,
                                    const char *www_authenticate, struct mu_error *err)
{
    struct challenge challenge;

    if (mu_text_equal(auth->kind, "token"))
        return mu_fail(err, MU_E_DENIED, "the registry refuses the token of '%s'",
                       auth->access.token_file ? auth->access.token_file : "its login");
    if (!challenge_choose(www_authenticate, &challenge))
        return mu_fail(err, MU_E_DENIED,
                       "the registry asks for authentication of an unknown kind: '%.200s'",
                       www_authenticate);
    if (challenge.scheme == CHALLENGE_BASIC)
        return basic_answer(auth, err);
    return bearer_answer(auth, http, &challenge, err);
}

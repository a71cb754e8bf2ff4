#include "registry/registry_auth.h"

#include "base/file.h"
#include "base/text.h"
#include "registry/challenge.h"
#include "json/json_doc.h"

#include <string.h>

enum {
    PASSWORD_MAX_BYTES = 16 * 1024, /* cloud registries use signed tokens as passwords */
    HEADER_MAX_BYTES = 64 * 1024,
    TOKEN_ANSWER_MAX_BYTES = 256 * 1024,
    URL_MAX_BYTES = 4096
};

static void secret_done(struct mu_buf *buf)
{
    explicit_bzero(buf->data, buf->len);
    mu_buf_done(buf);
}

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

/* `basic` = "Basic base64(user:password)". */
static enum mu_status basic_make(struct registry_auth *auth, struct mu_error *err)
{
    MU_AUTO_DONE(secret_done) struct mu_buf pair, password;

    mu_buf_init(&pair, 2 * PASSWORD_MAX_BYTES);
    mu_buf_init(&password, PASSWORD_MAX_BYTES);
    if (secret_read("password", auth->access.password_file, &password, err) != MU_OK)
        return err->status;
    mu_buf_puts(&pair, auth->access.username);
    mu_buf_puts(&pair, ":");
    mu_buf_append(&pair, password.data, password.len);
    mu_buf_puts(&auth->basic, "Basic ");
    mu_base64_encode(pair.data, pair.len, &auth->basic);
    return mu_buf_status(&auth->basic, "registry credentials", err);
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
    MU_AUTO_DONE(secret_done) struct mu_buf token;

    mu_buf_init(&token, PASSWORD_MAX_BYTES);
    if (secret_read("token", auth->access.token_file, &token, err) != MU_OK)
        return err->status;
    if (!token_usable(token.data))
        return mu_fail(err, MU_E_DENIED, "registry token file '%s' holds no token",
                       auth->access.token_file);
    return token_set(auth, token.data, "token", err);
}

enum mu_status registry_auth_init(struct registry_auth *auth,
                                  const struct mu_registry_access *access, const char *path,
                                  struct mu_error *err)
{
    auth->access = *access;
    auth->path = path;
    auth->kind = "anonymous";
    mu_buf_init(&auth->basic, HEADER_MAX_BYTES);
    mu_buf_init(&auth->value, HEADER_MAX_BYTES);
    if (access->token_file)
        return token_make(auth, err);
    return access->username ? basic_make(auth, err) : MU_OK;
}

void registry_auth_turn(struct registry_auth *auth, const char *path)
{
    auth->path = path;
    if (!mu_text_equal(auth->kind, "bearer"))
        return;
    mu_buf_reset(&auth->value);
    auth->kind = "anonymous";
}

void registry_auth_done(struct registry_auth *auth)
{
    secret_done(&auth->basic);
    secret_done(&auth->value);
}

const char *registry_auth_value(const struct registry_auth *auth)
{
    return auth->value.len > 0 ? auth->value.data : NULL;
}

/* Everything but RFC 3986's unreserved bytes as %XX. */
static void query_add(struct mu_buf *url, const char *name, const char *value)
{
    mu_buf_printf(url, "%s%s=", strchr(url->data, '?') ? "&" : "?", name);
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     strchr("-._~", c) != NULL;

        if (plain)
            mu_buf_append(url, value, 1);
        else
            mu_buf_printf(url, "%%%02X", c);
    }
}

/*
 * One repository, to pull from and nothing else. A registry may know the repository by another name
 * than we do (behind a mirror), so the name is its own to say; what may be done there is not.
 */
static bool scope_only_pulls(const char *scope)
{
    return mu_text_starts(scope, "repository:") && mu_text_ends(scope, ":pull") &&
           strpbrk(scope, " ,") == NULL;
}

static enum mu_status token_url(const struct registry_auth *auth, const struct challenge *challenge,
                                struct mu_buf *url, struct mu_error *err)
{
    bool plain_http = mu_text_starts(auth->access.url, "http://") &&
                      mu_text_starts(challenge->realm, "http://");

    if (!plain_http && !mu_text_starts(challenge->realm, "https://"))
        return mu_fail(err, MU_E_DENIED, "token service '%s' is not reached over https",
                       challenge->realm);
    mu_buf_puts(url, challenge->realm);
    if (challenge->service[0] != '\0')
        query_add(url, "service", challenge->service);
    if (!auth->path) {
        query_add(url, "scope", "registry:catalog:*");
    } else if (scope_only_pulls(challenge->scope)) {
        query_add(url, "scope", challenge->scope);
    } else {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf scope;

        mu_buf_init(&scope, URL_MAX_BYTES);
        mu_buf_printf(&scope, "repository:%s:pull", auth->path);
        query_add(url, "scope", scope.data);
    }
    return mu_buf_status(url, "URL of the token service", err);
}

static enum mu_status token_take(struct registry_auth *auth, const struct mu_buf *answer,
                                 struct mu_error *err)
{
    json_auto_t *root = NULL;
    const char *token;

    if (mu_json_parse(answer->data, answer->len, &mu_json_message_limits, &root, err) != MU_OK)
        return mu_wrap(err, "answer of the token service");
    token = mu_json_text_at(root, "token");
    if (!token)
        token = mu_json_text_at(root, "access_token");
    if (!token_usable(token))
        return mu_fail(err, MU_E_INVALID, "answer of the token service has no usable token");
    return token_set(auth, token, "bearer", err);
}

static enum mu_status bearer_answer(struct registry_auth *auth, struct mu_http_client *http,
                                    const struct challenge *challenge, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf url, answer;
    struct mu_http_request request = {.method = "GET"};
    struct mu_http_response response;

    mu_buf_init(&url, URL_MAX_BYTES);
    mu_buf_init(&answer, TOKEN_ANSWER_MAX_BYTES);
    if (token_url(auth, challenge, &url, err) != MU_OK)
        return err->status;
    request.url = url.data;
    request.authorization = auth->basic.len > 0 ? auth->basic.data : NULL;
    if (mu_http_fetch(http, &request, &answer, &response, err) != MU_OK)
        return mu_wrap(err, "token service");
    if (response.status != 200) {
        (void)mu_http_status_error(&request, &response, err);
        return mu_wrap(err, "token service");
    }
    return token_take(auth, &answer, err);
}

static enum mu_status basic_answer(struct registry_auth *auth, struct mu_error *err)
{
    if (auth->basic.len == 0)
        return mu_fail(err, MU_E_DENIED, "the registry wants a user name and password");
    if (mu_text_equal(auth->kind, "basic"))
        return mu_fail(err, MU_E_DENIED, "the registry refuses the password of '%s'",
                       auth->access.username);
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
                       auth->access.token_file);
    if (!challenge_choose(www_authenticate, &challenge))
        return mu_fail(err, MU_E_DENIED,
                       "the registry asks for authentication of an unknown kind: '%.200s'",
                       www_authenticate);
    if (challenge.scheme == CHALLENGE_BASIC)
        return basic_answer(auth, err);
    return bearer_answer(auth, http, &challenge, err);
}

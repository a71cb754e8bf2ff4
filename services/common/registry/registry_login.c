#include "registry/registry_login.h"

#include "base/memory.h"
#include "base/text.h"
#include "registry/cloud_login.h"
#include "registry/credential_helper.h"
#include "registry/docker_config.h"
#include "registry/login_http.h"
#include "registry/registry_access.h"

#include <string.h>

enum {
    ARENA_MAX_BYTES = 1024 * 1024,
    HELPER_LIFETIME_MS = 5 * 60 * 1000 /* helpers keep what they got themselves */
};

void registry_secret_done(struct mu_buf *buf)
{
    explicit_bzero(buf->data, buf->len);
    mu_buf_done(buf);
}

void registry_credential_init(struct registry_credential *credential)
{
    *credential = (struct registry_credential){.kind = CREDENTIAL_NONE};
    mu_buf_init(&credential->user, 4096);
    mu_buf_init(&credential->secret, REGISTRY_SECRET_MAX_BYTES);
}

void registry_credential_done(struct registry_credential *credential)
{
    registry_secret_done(&credential->user);
    registry_secret_done(&credential->secret);
}

static enum mu_status helper_login(const struct mu_registry_access *access,
                                   struct registry_credential *credential, struct mu_error *err)
{
    credential->lifetime_ms = HELPER_LIFETIME_MS;
    return credential_helper_get(access->login.helper, docker_server_name(access->host), credential,
                                 err);
}

/* What the file itself holds. */
static enum mu_status inline_take(const struct docker_credentials *found,
                                  struct registry_credential *credential, struct mu_error *err)
{
    const char *secret = found->password;

    credential->kind = CREDENTIAL_NONE;
    if (found->registry_token)
        credential->kind = CREDENTIAL_BEARER, secret = found->registry_token;
    else if (found->identity_token)
        credential->kind = CREDENTIAL_IDENTITY, secret = found->identity_token;
    else if (found->user && found->password)
        credential->kind = CREDENTIAL_BASIC;
    if (credential->kind == CREDENTIAL_NONE)
        return MU_OK;
    mu_buf_puts(&credential->user, found->user ? found->user : "<token>");
    mu_buf_puts(&credential->secret, secret);
    return mu_buf_status(&credential->secret, "docker config: secret", err);
}

static enum mu_status config_login(const struct mu_registry_access *access,
                                   struct registry_credential *credential, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_MAX_BYTES);
    MU_AUTO_DONE(registry_secret_done) struct mu_buf text;
    struct docker_credentials found;

    mu_buf_init(&text, REGISTRY_ANSWER_MAX_BYTES);
    if (login_file_read("docker config", access->login.file, &text, err) != MU_OK)
        return err->status;
    if (docker_config_find(text.data, text.len, access->host, arena, &found, err) != MU_OK)
        return mu_wrap(err, "docker config '%s'", access->login.file);
    if (found.helper) {
        credential->lifetime_ms = HELPER_LIFETIME_MS;
        if (credential_helper_get(found.helper, docker_server_name(access->host), credential,
                                  err) != MU_OK)
            return mu_wrap(err, "docker config '%s'", access->login.file);
        if (credential->kind != CREDENTIAL_NONE)
            return MU_OK;
    }
    return inline_take(&found, credential, err);
}

typedef enum mu_status login_fn(const struct mu_registry_access *access,
                                struct registry_credential *credential, struct mu_error *err);

static login_fn *const ways[] = {
        [MU_LOGIN_DOCKER_CONFIG] = config_login,
        [MU_LOGIN_HELPER] = helper_login,
        [MU_LOGIN_ECR] = ecr_login,
        [MU_LOGIN_GOOGLE] = google_login,
        [MU_LOGIN_AZURE] = azure_login,
};

enum mu_status registry_login_get(const struct mu_registry_access *access,
                                  struct registry_credential *credential, struct mu_error *err)
{
    return ways[access->login.way](access, credential, err);
}

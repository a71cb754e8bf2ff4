#include "registry/docker_config.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

enum { AUTH_MAX_BYTES = 64 * 1024, HOST_SIZE = 300 };

static const char hub[] = "docker.io";
static const char hub_server[] = "https://index.docker.io/v1/";

const char *docker_server_name(const char *host)
{
    return mu_text_equal(host, hub) ? hub_server : host;
}

/* "https://reg.example/v1/" names "reg.example"; Docker Hub has three names. */
static bool key_names(const char *key, const char *host)
{
    static const char *const hubs[] = {"index.docker.io", "registry-1.docker.io"};
    const char *scheme = strstr(key, "://");
    size_t len;

    if (scheme)
        key = scheme + 3;
    len = strcspn(key, "/");
    for (size_t i = 0; i < sizeof(hubs) / sizeof(hubs[0]) && mu_text_equal(host, hub); i++) {
        if (strlen(hubs[i]) == len && strncmp(key, hubs[i], len) == 0)
            return true;
    }
    return strlen(host) == len && strncmp(key, host, len) == 0;
}

/* The member of an object that names the host; an exact key first. */
static const json_t *member_of(const json_t *object, const char *host)
{
    const json_t *exact = json_object_get(object, host);
    const char *key;
    json_t *value;

    if (exact)
        return exact;
    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        if (key_names(key, host))
            return value;
    }
    return NULL;
}

/* NULL when absent or empty. */
static const char *text_of(const json_t *object, const char *name, struct mu_arena *arena)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && text[0] != '\0' ? mu_arena_strdup(arena, text) : NULL;
}

static enum mu_status auth_take(const char *auth, const char *host, struct mu_arena *arena,
                                struct docker_credentials *credentials, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pair;
    const char *colon;
    enum mu_status st;

    mu_buf_init(&pair, AUTH_MAX_BYTES);
    st = mu_base64_decode(auth, strlen(auth), &pair, err);
    colon = st == MU_OK ? memchr(pair.data, ':', pair.len) : NULL;
    if (colon) {
        credentials->user = mu_arena_strndup(arena, pair.data, (size_t)(colon - pair.data));
        credentials->password = mu_arena_strdup(arena, colon + 1);
    }
    explicit_bzero(pair.data, pair.len);
    if (!colon)
        return mu_fail(err, MU_E_INVALID, "auths: 'auth' of '%.200s' is no base64 of user:password",
                       host);
    return credentials->user && credentials->password
                   ? MU_OK
                   : mu_fail(err, MU_E_NOMEM, "no memory for credentials");
}

static enum mu_status entry_take(const json_t *entry, const char *host, struct mu_arena *arena,
                                 struct docker_credentials *credentials, struct mu_error *err)
{
    const char *auth = json_string_value(json_object_get(entry, "auth"));

    credentials->identity_token = text_of(entry, "identitytoken", arena);
    credentials->registry_token = text_of(entry, "registrytoken", arena);
    if (auth && auth[0] != '\0')
        return auth_take(auth, host, arena, credentials, err);
    credentials->user = text_of(entry, "username", arena);
    credentials->password = text_of(entry, "password", arena);
    return MU_OK;
}

enum mu_status docker_config_find(const char *json, size_t len, const char *host,
                                  struct mu_arena *arena,
                                  struct docker_credentials *ret_credentials, struct mu_error *err)
{
    const struct mu_json_limits limits = {.max_bytes = 256 * 1024, .max_depth = 16};
    struct docker_credentials credentials = {NULL, NULL, NULL, NULL, NULL};
    json_auto_t *root = NULL;
    const json_t *helper;

    if (strlen(host) >= HOST_SIZE)
        return mu_fail(err, MU_E_LIMIT, "host name of %zu bytes", strlen(host));
    if (mu_json_parse(json, len, &limits, &root, err) != MU_OK)
        return err->status;
    if (!json_is_object(root))
        return mu_fail(err, MU_E_INVALID, "no JSON object");
    helper = member_of(json_object_get(root, "credHelpers"), host);
    if (json_is_string(helper) && json_string_length(helper) > 0)
        credentials.helper = mu_arena_strdup(arena, json_string_value(helper));
    else
        credentials.helper = text_of(root, "credsStore", arena);
    if (entry_take(member_of(json_object_get(root, "auths"), host), host, arena, &credentials,
                   err) != MU_OK)
        return err->status;
    *ret_credentials = credentials;
    return MU_OK;
}

/*
 * docker_config: what a config.json of Docker (and auth.json of others) says of one registry.
 *
 * Threads: none held; texts in the arena. Trust: the operator's file, which other programs write:
 * any bytes are survived.
 * Sources: docker login "Credential stores", "Credential helpers"; docker/cli configuration file.
 */
#ifndef MU_REGISTRY_DOCKER_CONFIG_H
#define MU_REGISTRY_DOCKER_CONFIG_H

#include "base/error.h"
#include "base/memory.h"

#include <stddef.h>

struct docker_credentials {
    const char *helper;          /* of credHelpers, else credsStore; asked first */
    const char *user, *password; /* NULL: none */
    const char *identity_token, *registry_token;
};

/* `host` as in repository names ("docker.io"). Nothing said of it is MU_OK with all NULL.
 * Errors: MU_E_INVALID (no such JSON; `auth` is no base64 of user:password), MU_E_LIMIT,
 * MU_E_NOMEM. */
enum mu_status docker_config_find(const char *json, size_t len, const char *host,
                                  struct mu_arena *arena,
                                  struct docker_credentials *ret_credentials,
                                  struct mu_error *err) MU_MUST_CHECK;

/* What helpers know a registry as: Docker Hub has a name of its own. */
const char *docker_server_name(const char *host);

#endif

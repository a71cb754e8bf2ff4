/*
 * registry_access: where one registry is reached, and as whom.
 */
#ifndef MU_REGISTRY_ACCESS_H
#define MU_REGISTRY_ACCESS_H

#include "registry/registry_login.h"

#include <stdbool.h>
#include <stdint.h>

struct mu_registry_tokens;

struct mu_registry_access {
    char url[512];             /* "https://host[:port]", no slash at the end */
    const char *username;      /* borrowed; NULL: none */
    const char *password_file; /* the same; NULL with username NULL */
    const char
            *token_file; /* a token sent as it is, instead of username and password; NULL: none */
    struct mu_registry_login login; /* another way to credentials */
    char host[256];                 /* as repository names have it; needed by a login alone */
    const char *
            ca_file; /* PEM bundle the registry's certificate is checked with; NULL: the system's */
    const char *client_cert_file, *client_key_file; /* PEM, both or neither; NULL: none */
    const char *user_agent;                         /* NULL: "muster" and the version */
    struct mu_registry_tokens *tokens; /* shared by clients of the same registries; NULL: none */
    bool private_redirects;            /* blobs may be kept, tokens given, at private addresses */
    int64_t stall_timeout_ms;          /* a transfer this long under 1 KiB/s is broken; 0: 30000 */
};

#endif

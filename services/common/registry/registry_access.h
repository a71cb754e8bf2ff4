/*
 * registry_access: where one registry is reached, and as whom.
 */
#ifndef MU_REGISTRY_ACCESS_H
#define MU_REGISTRY_ACCESS_H

struct mu_registry_access {
    char url[512];             /* "https://host[:port]", no slash at the end */
    const char *username;      /* borrowed; NULL: none */
    const char *password_file; /* the same; NULL with username NULL */
    const char
            *token_file; /* a token sent as it is, instead of username and password; NULL: none */
    const char *
            ca_file; /* PEM bundle the registry's certificate is checked with; NULL: the system's */
    const char *user_agent; /* NULL: "muster" and the version */
};

#endif

/*
 * registry_login: ways to a registry's credentials other than a password or token in a file.
 *
 * | way           | what is used                                                                  |
 * |---------------|-------------------------------------------------------------------------------|
 * | docker config | `auths`, `credHelpers`, `credsStore` of a config.json                         |
 * | helper        | the program docker-credential-NAME                                            |
 * | ecr           | GetAuthorizationToken, signed; AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, | | |
 * AWS_SESSION_TOKEN, or AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE            | | google | a
 * service account's key file (JWT grant), or the metadata service              | | azure         |
 * an Entra token of a file, or a federated token of a workload, exchanged at the | | | registry for
 * a refresh token                                                  |
 *
 * Threads: constant data; any number of threads. Trust: the operator's configuration; answers of
 * helpers and services are hostile, bounded, and never part of an error message but for what a
 * helper that failed says.
 * Sources: docker login "Credential helpers"; Amazon ECR API GetAuthorizationToken; AWS Signature
 *          Version 4; AWS STS AssumeRoleWithWebIdentity; Google "Using OAuth 2.0 for Server to
 *          Server Applications"; Azure Container Registry "Authenticate with Azure AD OAuth".
 */
#ifndef MU_REGISTRY_LOGIN_H
#define MU_REGISTRY_LOGIN_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

struct mu_registry_access;

enum mu_login_way {
    MU_LOGIN_NONE = 0,
    MU_LOGIN_DOCKER_CONFIG,
    MU_LOGIN_HELPER,
    MU_LOGIN_ECR,
    MU_LOGIN_GOOGLE,
    MU_LOGIN_AZURE
};

/* All texts borrowed; NULL where they do not apply or the default holds. */
struct mu_registry_login {
    enum mu_login_way way;
    const char *file;         /* config.json; google: key file; azure: token file */
    const char *helper;       /* NAME of docker-credential-NAME */
    const char *region;       /* ecr; NULL: from the host */
    const char *endpoint;     /* ecr: its API; google: metadata service; azure: login service */
    const char *sts_endpoint; /* ecr */
    const char *tenant, *client_id; /* azure: both make the file a federated token */
};

enum registry_credential_kind {
    CREDENTIAL_NONE = 0, /* as nobody */
    CREDENTIAL_BASIC,    /* user and secret */
    CREDENTIAL_IDENTITY, /* the secret is a refresh token for the token service */
    CREDENTIAL_BEARER    /* the secret is sent as it is */
};

struct registry_credential {
    enum registry_credential_kind kind;
    struct mu_buf user, secret;
    int64_t lifetime_ms; /* how long it may be used again; 0: not said */
};

enum {
    REGISTRY_SECRET_MAX_BYTES = 64 * 1024,
    REGISTRY_ANSWER_MAX_BYTES = 256 * 1024 /* of a service, a helper, a config.json */
};

void registry_credential_init(struct registry_credential *credential);
void registry_credential_done(struct registry_credential *credential); /* wipes */
/* Wipes a buffer with a secret. */
void registry_secret_done(struct mu_buf *buf);

/* Errors: MU_E_DENIED (nothing usable, refused),
 * MU_E_UNAVAILABLE, MU_E_INVALID, MU_E_LIMIT; each names the way. */
enum mu_status registry_login_get(const struct mu_registry_access *access,
                                  struct registry_credential *credential,
                                  struct mu_error *err) MU_MUST_CHECK;

#endif

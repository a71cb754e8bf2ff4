/*
 * access: who asks, by a bearer token of the access file, a token of an OpenID Connect issuer, or a
 * client certificate.
 *
 * Credentials that are there and wrong are refused, also where none are needed. A bearer token goes
 * before a certificate. Secrets are compared as hashes, in a time that depends on the number of
 * tokens only. Sources: RFC 6750 (bearer), RFC 7519 (JWT), RFC 4514 (subjects).
 *
 * Threads: access_identify from any thread.
 */
#ifndef INVENTORY_ACCESS_H
#define INVENTORY_ACCESS_H

#include "access/access_file.h"
#include "access/roles.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

struct access_config {
    const char *mode;           /* "required", or "none": who has no credentials may read */
    const char *access_file;    /* NULL: none */
    const char *evidence_token; /* of scanners; NULL or "": none */
    const char *oidc_issuer, *oidc_audience, *oidc_role_claim; /* "roles", "realm_access.roles" */
    const char *oidc_jwks_url, *oidc_jwks_file, *oidc_ca_file; /* one of the first two */
    bool certificates; /* the server asks for client certificates */
};

struct access;

/* Reads the file and starts to fetch keys. Errors: MU_E_INVALID (naming the option), MU_E_LIMIT,
 * MU_E_NOT_FOUND, MU_E_UNAVAILABLE. */
enum mu_status access_open(const struct access_config *config, struct access **ret_access,
                           struct mu_error *err) MU_MUST_CHECK;
void access_close(struct access *access); /* NULL is fine */

/* Whether who has no credentials may read: to be warned of. */
bool access_is_open(const struct access *access);

enum principal_kind { PRINCIPAL_NONE, PRINCIPAL_TOKEN, PRINCIPAL_OIDC, PRINCIPAL_CERTIFICATE };
/* "none", "token", "oidc", "certificate". */
const char *principal_kind_name(enum principal_kind kind);

struct principal {
    enum principal_kind kind;
    unsigned roles;
    const char *name;      /* of the token, the token's subject, the certificate's subject */
    const char *speaks_as; /* roles of people, comma-separated; NULL: none */
};

/* Whether the principal may state that it is `role`, or NULL. Errors: MU_E_DENIED saying what would
 * do. */
enum mu_status principal_check_role(const struct principal *principal, const char *role,
                                    struct mu_error *err) MU_MUST_CHECK;

enum access_answer {
    ACCESS_KNOWN,
    ACCESS_MISSING, /* credentials are needed, and there are none */
    ACCESS_WRONG,
    ACCESS_LATER /* the issuer's keys are being fetched */
};

struct access_request {
    const char *authorization;  /* the header, or NULL */
    const char *client_subject; /* of a trusted certificate, or NULL */
    int64_t now_us;
};

/* `ret_principal` is in `arena`, set when it is known; else `ret_why`: a constant text. */
enum access_answer access_identify(struct access *access, const struct access_request *request,
                                   struct mu_arena *arena, const struct principal **ret_principal,
                                   const char **ret_why);

MU_DEFINE_AUTO(access, struct access, access_close)

#endif

/*
 * auth: whether a request comes from whom its source expects.
 *
 * A source has rules; one that is fulfilled suffices, so that two secrets are right while one is
 * rotated, and a sender may change from one kind to another. A source without rules takes
 * everything; check-config says so.
 *
 *   bearer      Authorization: Bearer SECRET                     (RFC 6750)
 *   basic       Authorization: Basic base64(USER:PASSWORD)       (RFC 7617)
 *   header      NAME: SECRET, as it stands
 *   hmac        NAME: [PREFIX]hex(HMAC(SECRET, body))            (RFC 2104)
 *   url         ?PARAMETER=SECRET
 *   jwt         Authorization: Bearer JWT                        (oidc/jwt.h)
 *   sns         the message's own signature                      (sns.h)
 *   mtls        the subject of the client certificate            (RFC 4514)
 *
 * Secrets are compared in a time that depends on lengths only, and every rule is looked at. What is
 * wrong is told by the kind of rule, never by a value.
 *
 * An HMAC is over the body alone: a request that was listened in on is right again. It does no
 * harm, because the same event has the same id, and is applied once.
 *
 * Threads: auth_check from any thread.
 */
#ifndef INGEST_AUTH_H
#define INGEST_AUTH_H

#include "source/source.h"

#include "base/buf.h"
#include "oidc/key_store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AUTH_MAX_RULES = 16 };

struct auth_rule {
    enum source_auth kind;
    const char *secret;    /* bearer, basic ("USER:PASSWORD"), header, hmac, url */
    const char *header;    /* header, hmac */
    const char *prefix;    /* hmac; NULL: none */
    const char *parameter; /* url */
    /* jwt */
    const char *issuer, *audience, *email, *subject; /* NULL: any, but for the audience */
    /* sns */
    const char *topic_arn;
    /* mtls: "CN=apiserver,O=example": equal, or beginning when it ends with '*' */
    const char *client_subject;
    /* jwt, sns */
    struct mu_key_store_config key_config;
    struct mu_key_store *keys; /* set by key_ring_open */
};

struct auth_request {
    const char *(*header)(void *opaque, const char *name);
    const char *(*query)(void *opaque, const char *name);
    void *opaque;
    const char *client_subject; /* of a verified client certificate; NULL: none */
    const char *body;           /* NUL-terminated behind `len` */
    size_t len;
    int64_t now_us;
};

enum auth_verdict {
    AUTH_ALLOWED,
    AUTH_DENIED,
    AUTH_LATER /* a key is being fetched: the sender should come again */
};

/* `ret_why` is a constant text, for answers, logs and `explain`: of the rule that credentials were
 * there for, if any. */
enum auth_verdict auth_check(const struct auth_rule *rules, size_t count,
                             const struct auth_request *request, const char **ret_why);

/* What WWW-Authenticate asks for (RFC 9110, section 11.6.1), by the first rule; never NULL. */
const char *auth_challenge(const struct auth_rule *rules, size_t count);

/* "bearer, hmac-sha256" of a set of enum source_auth. */
void auth_words(unsigned kinds, struct mu_buf *out);

#endif

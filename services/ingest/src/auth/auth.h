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
 *   jwt         Authorization: Bearer JWT                        (jwt.h)
 *   sns         the message's own signature                      (sns.h)
 *   mtls        the subject of the client certificate
 *
 * Secrets are compared in a time that depends on lengths only, and every rule is looked at. What is
 * wrong is told by the kind of rule, never by a value.
 *
 * Threads: auth_check from any thread.
 */
#ifndef INGEST_AUTH_H
#define INGEST_AUTH_H

#include "source/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key_store;

enum { AUTH_MAX_RULES = 8 };

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
    /* mtls */
    const char *client_subject; /* "CN=apiserver,O=example": equal, or beginning when it ends with
                                   '*' */
    struct key_store *keys;     /* jwt, sns */
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

/* `ret_why` is a constant text, for logs and `explain`. */
enum auth_verdict auth_check(const struct auth_rule *rules, size_t count,
                             const struct auth_request *request, const char **ret_why);

#endif

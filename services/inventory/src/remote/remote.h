/*
 * remote: how a command asks a running `muster-inventory run` over HTTP, so that whoever calls it
 * needs no credential of the database. What is away or asks for patience (429 and 503, by their
 * Retry-After) is asked again within --timeout; the first failure of it is told on stderr.
 *
 * Trust: the server is whom --ca-file vouches for; its answers are bounded. Redirects are not
 * followed: a token goes to the address it was given for. The token file is read anew for each
 * question, so that tokens of short life may be replaced in it.
 *
 * All that one remote writes is called by one key of its own (header Idempotency-Key): an answer
 * that was lost on the way is asked for again and costs no second record. So: one remote a
 * decision.
 *
 * Threads: one at a time.
 */
#ifndef INVENTORY_REMOTE_H
#define INVENTORY_REMOTE_H

#include "base/buf.h"
#include "base/config.h"
#include "base/scope.h"

/* Where a command asks: the database, or a server. */
struct remote_config {
    const char *postgres;
    const char *inventory_url, *inventory_token, *token_file;
    const char *ca_file, *client_cert_file, *client_key_file;
    int64_t timeout_ms;
};

enum { REMOTE_OPTION_COUNT = 8 };

#define REMOTE_TEXT(at, name, member, flags, help)                                         \
    {                                                                                      \
        (name), MU_OPTION_TEXT, (at) + offsetof(struct remote_config, member), NULL, 0, 0, \
                (flags), (help)                                                            \
    }
/* The rows of an option table for the struct remote_config at this offset. */
#define REMOTE_OPTIONS(at)                                                                   \
    REMOTE_TEXT(at, "inventory-url", inventory_url, 0,                                       \
                "address of 'muster-inventory run', https://inventory.example; or"),         \
            REMOTE_TEXT(at, "postgres", postgres, 0,                                         \
                        "connection string of the database, for those who may use it"),      \
            REMOTE_TEXT(at, "token-file", token_file, 0,                                     \
                        "file with the bearer token for --inventory-url; or"),               \
            REMOTE_TEXT(at, "inventory-token", inventory_token, MU_OPTION_SECRET,            \
                        "the token itself"),                                                 \
            REMOTE_TEXT(at, "ca-file", ca_file, 0,                                           \
                        "who vouches for the server, PEM (default: the system's)"),          \
            REMOTE_TEXT(at, "client-cert-file", client_cert_file, 0,                         \
                        "client certificate, PEM, instead of a token"),                      \
            REMOTE_TEXT(at, "client-key-file", client_key_file, 0, "its key, PEM"),          \
    {                                                                                        \
        "timeout", MU_OPTION_DURATION_MS, (at) + offsetof(struct remote_config, timeout_ms), \
                "30s", 100, 3600000, 0,                                                      \
                "how long to try when the server is away or busy, apart from --wait"         \
    }

/* Whether the options say where to ask, and how. Errors: MU_E_INVALID naming the option. */
enum mu_status remote_check(const struct remote_config *config, struct mu_error *err) MU_MUST_CHECK;
/* Over HTTP, and not by PostgreSQL. */
bool remote_is_wanted(const struct remote_config *config);

struct remote;

/* `config` must outlive it. Errors: MU_E_NOMEM, MU_E_UNAVAILABLE (no random numbers). */
enum mu_status remote_open(const struct remote_config *config, struct remote **ret_remote,
                           struct mu_error *err) MU_MUST_CHECK;
void remote_free(struct remote *remote); /* NULL is fine */
MU_DEFINE_AUTO(remote, struct remote, remote_free)

struct remote_question {
    const char *method;
    const char *path; /* from the slash on, escaped */
    const char *accept;
    const char *json; /* a body, or NULL */
};

enum { REMOTE_VERDICT_SIZE = 32 };
struct remote_answer {
    int status;                        /* 200 or 201 */
    char verdict[REMOTE_VERDICT_SIZE]; /* the header Muster-Verdict; "": none */
    int64_t retry_after_ms;            /* 0: not said */
};

/*
 * The body is in `out`, whose max_bytes is the limit. Errors, each with what would mend it:
 * MU_E_DENIED (401, 403, a certificate that is not trusted), MU_E_CONFLICT (409), MU_E_NOT_FOUND
 * (404, of who understood the question), MU_E_INVALID (the token file, another refusal, no
 * muster-inventory), MU_E_UNAVAILABLE (away for all of --timeout), MU_E_LIMIT.
 */
enum mu_status remote_ask(struct remote *remote, const struct remote_question *question,
                          struct mu_buf *out, struct remote_answer *ret_answer,
                          struct mu_error *err) MU_MUST_CHECK;

/* Fails with MU_E_INVALID: what answers is no muster-inventory of this program's version. */
enum mu_status remote_is_none(const struct remote *remote, struct mu_error *err);

#endif

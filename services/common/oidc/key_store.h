/*
 * key_store: public keys of senders, fetched once and kept: a JSON Web Key Set under one URL or
 * file, or certificates by their URLs.
 *
 * Requests never wait for a fetch: a key that is not there is asked for in the background, and the
 * answer is "later". Keys of a set are fetched again each hour, and, at most once a minute, when
 * one that it has not is asked for (rotation). A certificate is fetched again each day. What cannot
 * be fetched again stays as it is.
 *
 * Trust: the URL of a set comes from the configuration. URLs of certificates and of visits come
 * from senders: the caller has checked that their host is trusted, and what its name leads to must
 * be an address of the Internet unless `private_network` is set. Redirects are refused.
 * Sources: RFC 7517 (JWK Set).
 * Threads: any.
 */
#ifndef MU_OIDC_KEY_STORE_H
#define MU_OIDC_KEY_STORE_H

#include "base/error.h"
#include "base/signature.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mu_key_store;

struct mu_key_store_config {
    const char *jwks_url, *jwks_file; /* one of them: a set; none: certificates by URL */
    const char *user_agent;           /* of the fetches: the program's name */
    const char *ca_file;              /* for the fetches; NULL: the system's */
    bool private_network; /* certificates and visits may lead to private addresses, or by a proxy
                             that has one */
};

enum { MU_KEY_STORE_MAX_KEYS = 64 };

enum mu_key_answer { MU_KEY_RIGHT, MU_KEY_WRONG, MU_KEY_UNKNOWN, MU_KEY_LATER };

/* Starts the fetcher. A jwks_file is read at once. Errors: MU_E_INVALID, MU_E_NOT_FOUND,
 * MU_E_UNAVAILABLE. */
enum mu_status mu_key_store_open(const struct mu_key_store_config *config,
                                 struct mu_key_store **ret_store,
                                 struct mu_error *err) MU_MUST_CHECK;
void mu_key_store_close(struct mu_key_store *store); /* NULL is fine */

/* Whether the key `name` (a set's "kid", or a certificate's URL) made the signature. */
enum mu_key_answer mu_key_store_verify(struct mu_key_store *store, const char *name,
                                       enum mu_hash hash, const void *bytes, size_t len,
                                       const void *signature, size_t signature_len);

/* Gets a URL once in the background, for its effect (a subscription's confirmation). */
void mu_key_store_visit(struct mu_key_store *store, const char *url);

/* Keys of a JWK Set; exposed for the fuzzer. `each` gets every key that is RSA or P-256 and has a
 * "kid". Errors: MU_E_INVALID, MU_E_LIMIT, or what `each` returned. On MU_OK `each` owns the key.
 */
typedef enum mu_status mu_jwks_key_fn(void *opaque, const char *kid, struct mu_public_key *key,
                                      struct mu_error *err);
enum mu_status mu_jwks_read(const char *bytes, size_t len, mu_jwks_key_fn *each, void *opaque,
                            struct mu_error *err) MU_MUST_CHECK;

#endif

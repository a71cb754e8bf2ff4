/*
 * registry_book: where each registry host is reached and with which credentials.
 *
 * The book is a JSON file (--registries FILE):
 *
 *   {"docker_config": "/etc/muster/config.json",             optional: for hosts that say no other
 *    "registries": [{"host": "registry.example.gov:5000",   as in repository names
 *                    "url": "http://127.0.0.1:5000",        optional: https://HOST
 *                    "mirrors": ["https://mirror.example"], optional: asked first, in this order
 *                    "username": "reader",                  optional, with password_file
 *                    "password_file": "/etc/muster/registry-password",
 *                    "token_file": "/etc/muster/token",     optional: a bearer token
 *                    "credentials": {"from": "ecr"},        optional: registry_login.h
 *                    "ca_file": "/etc/muster/ca.pem",       optional: then nothing else is trusted
 *                    "client_cert_file": "..", "client_key_file": "..",
 *                    "private_redirects": true}]}           optional: blobs at private addresses
 *
 * `credentials` says `from` ("docker-config" with `file`; "helper" with `helper`; "ecr" with
 * `region`, `endpoint`, `sts_endpoint`; "google" with `file` or `endpoint`; "azure" with `file`,
 * `tenant`, `client_id`, `endpoint`).
 *
 * A host that is not in the book is reached anonymously at https://HOST; docker.io at
 * https://registry-1.docker.io. Plain http happens only where the book says so. A mirror whose host
 * has an entry is reached as that says; a path in its URL goes before the repository's.
 *
 * Threads: a loaded book is constant; any number of threads may read it. Tokens they get are
 *          shared.
 * Trust:   the book is the operator's; passwords are read from their file when they are
 *          used, so that a rotated one is picked up. Members that do not exist are refused.
 */
#ifndef SCANNER_REGISTRY_BOOK_H
#define SCANNER_REGISTRY_BOOK_H

#include "base/error.h"
#include "base/scope.h"
#include "registry/registry_access.h"

#include <stddef.h>

enum { REGISTRY_MIRRORS_MAX = 8 };

struct registry_book;

/*
 * `path` NULL or "": an empty book. Errors: MU_E_NOT_FOUND, MU_E_UNAVAILABLE (reading it),
 * MU_E_LIMIT, MU_E_INVALID (naming the member: no http(s) URL, a host twice, one of username and
 * password_file without the other, two kinds of credentials, a member that does not exist).
 */
enum mu_status registry_book_load(const char *path, struct registry_book **ret_book,
                                  struct mu_error *err) MU_MUST_CHECK;
/* The same from the file's text. */
enum mu_status registry_book_parse(const char *json, size_t len, struct registry_book **ret_book,
                                   struct mu_error *err) MU_MUST_CHECK;
void registry_book_free(struct registry_book *book); /* NULL is fine */
MU_DEFINE_AUTO(registry_book, struct registry_book, registry_book_free)

/* Credentials of a config.json for hosts that say no other; a book's own docker_config stays.
 * Before the book is shared. */
void registry_book_docker_config(struct registry_book *book, const char *path);

/* How to reach `host` (its length given: it is the head of a repository name). Errors: MU_E_LIMIT.
 */
enum mu_status registry_book_find(const struct registry_book *book, const char *host,
                                  size_t host_len, struct mu_registry_access *ret_access,
                                  struct mu_error *err) MU_MUST_CHECK;

/* How to reach the mirrors of `host`, in their order; each with what goes before a repository's
 * path there ("" or "prefix/"). Errors: MU_E_LIMIT. */
struct registry_mirror {
    struct mu_registry_access access;
    char prefix[256];
};
enum mu_status registry_book_mirrors(const struct registry_book *book, const char *host,
                                     size_t host_len,
                                     struct registry_mirror ret_mirrors[REGISTRY_MIRRORS_MAX],
                                     size_t *ret_count, struct mu_error *err) MU_MUST_CHECK;

#endif

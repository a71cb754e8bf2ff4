/*
 * registry_book: where each registry host is reached and with which credentials.
 *
 * The book is a JSON file (--registries FILE):
 *
 *   {"registries": [{"host": "registry.example.gov:5000",   as in repository names
 *                    "url": "http://127.0.0.1:5000",        optional: https://HOST
 *                    "username": "reader",                  optional, with password_file
 *                    "password_file": "/etc/muster/registry-password"}]}
 *
 * A host that is not in the book is reached anonymously at https://HOST; docker.io at
 * https://registry-1.docker.io. Plain http happens only where the book says so.
 *
 * Threads: a loaded book is constant; any number of threads may read it.
 * Trust:   the book is the operator's; passwords are read from their file when they are
 *          used, so that a rotated one is picked up.
 */
#ifndef SCANNER_REGISTRY_BOOK_H
#define SCANNER_REGISTRY_BOOK_H

#include "base/error.h"
#include "base/scope.h"
#include "registry/registry_access.h"

#include <stddef.h>

struct registry_book;

/*
 * `path` NULL or "": an empty book. Errors: MU_E_NOT_FOUND, MU_E_UNAVAILABLE (reading it),
 * MU_E_LIMIT, MU_E_INVALID (naming the member: no http(s) URL, a host twice, one of username and
 * password_file without the other).
 */
enum mu_status registry_book_load(const char *path, struct registry_book **ret_book,
                                  struct mu_error *err) MU_MUST_CHECK;
/* The same from the file's text. */
enum mu_status registry_book_parse(const char *json, size_t len, struct registry_book **ret_book,
                                   struct mu_error *err) MU_MUST_CHECK;
void registry_book_free(struct registry_book *book); /* NULL is fine */
MU_DEFINE_AUTO(registry_book, struct registry_book, registry_book_free)

/* How to reach `host` (its length given: it is the head of a repository name). Errors: MU_E_LIMIT.
 */
enum mu_status registry_book_find(const struct registry_book *book, const char *host,
                                  size_t host_len, struct mu_registry_access *ret_access,
                                  struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * reference: names of images as people and runtimes write them.
 *
 *   [scheme://][host[:port]/]path[:tag][@digest]
 *
 * Rules: OCI distribution-spec 1.1 "Pulling manifests" (name and reference grammar),
 * and the Docker normalisation every runtime applies: a first component without '.',
 * ':' and not "localhost" is not a host; no host means docker.io, and one
 * bare component there means library/NAME; index.docker.io and registry-1.docker.io are docker.io.
 * Runtime prefixes "docker-pullable://" and "docker://" are stripped.
 *
 * Trust: input is hostile; every part has a maximum.
 */
#ifndef MU_OCI_REFERENCE_H
#define MU_OCI_REFERENCE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    MU_OCI_REPOSITORY_SIZE = 512, /* host/path and NUL */
    MU_OCI_TAG_SIZE = 129,
    MU_OCI_DIGEST_SIZE = 136, /* sha512:<128 hex> and NUL */
    MU_OCI_UAI_SIZE = 660
};

struct mu_oci_reference {
    char repository[MU_OCI_REPOSITORY_SIZE]; /* canonical "host/path"; "" for a bare digest */
    char tag[MU_OCI_TAG_SIZE];               /* "" when absent; never invented */
    char digest[MU_OCI_DIGEST_SIZE];         /* "" when absent */
};

/* Also accepts a bare "sha256:<hex>" (containerd's form of an imported image). Errors:
 * MU_E_INVALID, MU_E_LIMIT. */
enum mu_status mu_oci_reference_parse(const char *text, size_t len,
                                      struct mu_oci_reference *ret_reference,
                                      struct mu_error *err) MU_MUST_CHECK;

/* Canonical "host/path" of a registry host and a repository path. Errors as above. */
enum mu_status mu_oci_repository_join(const char *host, const char *path,
                                      char ret_repository[MU_OCI_REPOSITORY_SIZE],
                                      struct mu_error *err) MU_MUST_CHECK;

/* Splits canonical "host/path" into its host (with port) and path, both borrowed. */
void mu_oci_repository_split(const char *repository, size_t *ret_host_len, const char **ret_path);

bool mu_oci_digest_valid(const char *text, size_t len); /* sha256 or sha512, lower-case hex */
bool mu_oci_tag_valid(const char *text, size_t len);

/* Unique Asset Identifier: "host/path:tag", or "host/path@digest" when tag is NULL or "". */
void mu_oci_uai_format(const char *repository, const char *tag, const char *digest,
                       char ret_uai[MU_OCI_UAI_SIZE]);

/* A tag that is meant to move: latest, edge, main, master, stable, nightly, dev, head, "". */
bool mu_oci_tag_floating(const char *tag);

#endif

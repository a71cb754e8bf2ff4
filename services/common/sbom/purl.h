/*
 * purl: a package's URL, the name every tool shares.
 *
 * "pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12": names are folded as each type asks,
 * the distribution is the namespace of its packages, rpm's epoch is a qualifier and deb's part of
 * the version. `upstream` is the source package where it differs, `rpmmod` the module's label: no
 * part of the specification, but what Syft writes and Grype matches by. Only letters, digits, ". -
 * _ ~" and ":" stand unencoded.
 *
 * Source: package-url specification (ECMA-427), "How to build a PURL", "Character encoding", and
 *         the definitions of the types apk, cargo, composer, deb, gem, generic, golang, maven, npm,
 *         nuget, oci, pypi, rpm.
 */
#ifndef MU_SBOM_PURL_H
#define MU_SBOM_PURL_H

#include "base/buf.h"

struct mu_purl {
    const char *type;                   /* "deb"; what is no type of the list above is "generic" */
    const char *name;                   /* as the ecosystem writes it */
    const char *version, *architecture; /* NULL: not said */
    const char *source_name, *source_version, *module; /* NULL: none, or not said */
    const char *os_id, *os_version_id;                 /* of the image; NULL: not known */
};

/* Appends; a failure is told by mu_buf_status. */
void mu_purl_put(const struct mu_purl *purl, struct mu_buf *out);

/* Of an image: "pkg:oci/app@sha256:<hex>?arch=amd64&repository_url=registry.example%2Fteam%2Fapp".
 * `repository` is "host/path"; `platform` "linux/amd64" or NULL. */
void mu_purl_put_image(const char *repository, const char *digest, const char *platform,
                       struct mu_buf *out);

/* Where the namespace ends that the name of a type holds ("@scope/name", "group:artifact",
 * "vendor/name"): the name begins one byte later. 0: no namespace. */
size_t mu_purl_namespace_len(const char *type, const char *name);

#endif

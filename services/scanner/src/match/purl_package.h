/*
 * purl_package: the package, and the distribution it is of, that a package URL names.
 *
 * Source: purl type definitions: rpm (namespace, epoch, distro), deb and apk (distro "debian-12",
 * "alpine-3.20.3"), qualifier `upstream` for the source package ("openssl@3.0.1", of an rpm
 * "openssl-3.0.1-1.el9.src.rpm").
 * Ownership: texts live in the arena and the purl.
 */
#ifndef SCANNER_MATCH_PURL_PACKAGE_H
#define SCANNER_MATCH_PURL_PACKAGE_H

#include "database/purl.h"
#include "image/image_scan.h"

/* Errors: MU_E_INVALID (no version), MU_E_NOMEM. */
enum mu_status purl_package(const struct purl *purl, struct mu_arena *arena,
                            struct image_package *ret_package, struct image_os *ret_os,
                            struct mu_error *err) MU_MUST_CHECK;

/* The name as evidence has it: "@scope/name", "group:artifact". NULL: no memory. */
const char *purl_package_name(const struct purl *purl, struct mu_arena *arena);
/* Version as evidence has it: of an rpm with its epoch. NULL: none. */
const char *purl_package_version(const struct purl *purl, struct mu_arena *arena);

#endif

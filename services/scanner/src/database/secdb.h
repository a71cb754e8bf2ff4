/*
 * secdb: Alpine's security database, one repository of one release, into the builder.
 *
 * Source: secdb.alpinelinux.org, JSON as published and the YAML it was before:
 * {distroversion, reponame, packages: [{pkg: {name, secfixes: {version: [id, ...]}}}]}. `name` is
 * the origin. Version "0" means never affected. An entry may hold several ids ("CVE-1 XSA-2").
 * Wolfi and Chainguard publish the same without a release.
 * Trust: outside bytes, bounded; other members are passed over.
 */
#ifndef SCANNER_DATABASE_SECDB_H
#define SCANNER_DATABASE_SECDB_H

#include "database/builder.h"

enum { SECDB_MAX_BYTES = 64 * 1024 * 1024 };

/* `ret_records` counts (package, version, id) facts. Errors: MU_E_INVALID, MU_E_LIMIT. */
enum mu_status secdb_read_json(struct builder *builder, const char *bytes, size_t len,
                               uint32_t *ret_records, struct mu_error *err) MU_MUST_CHECK;
enum mu_status secdb_read_yaml(struct builder *builder, const char *bytes, size_t len,
                               uint32_t *ret_records, struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * debian_tracker: one CVE of one source package of Debian's security tracker into the builder.
 *
 * Source: security-tracker.debian.org/tracker/data/json: {source: {CVE: {description, releases:
 * {codename: {status, fixed_version, urgency, nodsa, nodsa_reason}}}}}; codenames through
 * distro-info's debian.csv. resolved with "0" means not affected, open has no fix, undetermined is
 * left out, TEMP- ids are left out. The document is streamed (json_split.h), not held.
 */
#ifndef SCANNER_DATABASE_DEBIAN_TRACKER_H
#define SCANNER_DATABASE_DEBIAN_TRACKER_H

#include "database/builder.h"

enum { TRACKER_VALUE_MAX_BYTES = 4 * 1024 * 1024 };

/* Errors: MU_E_INVALID, MU_E_LIMIT; the builder stays usable, without that CVE. */
enum mu_status tracker_add(struct builder *builder, const char *source, const char *cve,
                           const char *json, size_t len, struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * osv_record: one OSV record into the builder.
 *
 * Source: OSV schema 1.7 (docs/schema.md). Read: affected, ranges ECOSYSTEM and SEMVER, versions,
 * severity of the record or of an entry, aliases, upstream, related, withdrawn, and the feeds' own
 * ratings. GIT ranges are skipped and counted. Unknown members are passed over.
 */
#ifndef SCANNER_DATABASE_OSV_RECORD_H
#define SCANNER_DATABASE_OSV_RECORD_H

#include "database/builder.h"

enum { OSV_RECORD_MAX_BYTES = 16 * 1024 * 1024 };

/* One record as JSON. Errors: MU_E_INVALID (naming the member), MU_E_LIMIT; the builder stays
 * usable, without that record. */
enum mu_status osv_record_add(struct builder *builder, const char *json, size_t len,
                              struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * builder: collects OSV records and writes the database file.
 *
 * Source: OSV schema 1.7 (affected, ranges, events, severity, withdrawn). Read: ecosystems of
 * Debian; ranges ECOSYSTEM and SEMVER; GIT ranges are skipped. Of several records with one id the
 * newest by `modified` holds. Same records in the same order, same bytes.
 *
 * Trust: records are outside data; each is bounded in size, and the whole by 32-bit offsets.
 */
#ifndef SCANNER_DATABASE_BUILDER_H
#define SCANNER_DATABASE_BUILDER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/scope.h"

#include <stddef.h>
#include <stdint.h>

enum { OSV_RECORD_MAX_BYTES = 16 * 1024 * 1024 };

struct builder;

struct builder *builder_new(void);
void builder_free(struct builder *builder); /* NULL is fine */
MU_DEFINE_AUTO(builder, struct builder, builder_free)

/* One OSV record as JSON. Errors: MU_E_INVALID (naming the member), MU_E_LIMIT (the record, a name
 * or version of more than 512 bytes, a range of more than 256 events, the whole). The builder stays
 * usable, without that record. */
enum mu_status builder_add(struct builder *builder, const char *json, size_t len,
                           struct mu_error *err) MU_MUST_CHECK;

/* The file's bytes; once only. `built_at_us` MU_TIME_NONE: the newest record's time. Errors:
 * MU_E_LIMIT, MU_E_INVALID (no row). */
enum mu_status builder_finish(struct builder *builder, int64_t built_at_us, struct mu_buf *out,
                              struct mu_error *err) MU_MUST_CHECK;

#endif

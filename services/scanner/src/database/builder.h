/*
 * builder: collects advisories and facts of CVEs from any feed and writes the database file.
 *
 * Feeds call begin, relate*, then for each affected package begin_affected, event*, version*,
 * architecture*, end_affected, then end. What a record says is bounded and checked at its end: one
 * that breaks a limit leaves nothing behind, and the builder stays usable.
 *
 * Of several records with one key (feed, id and, where a feed writes one record a package, that
 * package) the newest by time of change holds, of equals the last. Listed versions that the ranges
 * hold anyway are dropped. Same records in the same order, same bytes.
 *
 * Identity (OSV schema 1.7): `aliases` are symmetric and transitive; `upstream` leads from a
 * distribution's record to CVEs; `related` is no identity, but AlmaLinux and Rocky Linux name their
 * CVEs only there. A record is about the CVEs it names itself, else about those of its aliases'
 * aliases, else about the GHSA among them, else about itself. Records stay apart: a shared CVE
 * never merges them, since fixed versions differ.
 *
 * Threads: one at a time. Trust: texts are outside data, none longer than DATABASE_MAX_TEXT_BYTES
 * is kept; the whole is bounded by 32-bit offsets. Memory grows with what is kept, not with input.
 */
#ifndef SCANNER_DATABASE_BUILDER_H
#define SCANNER_DATABASE_BUILDER_H

#include "database/format.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct builder;

struct builder *builder_new(void);
void builder_free(struct builder *builder); /* NULL is fine */
MU_DEFINE_AUTO(builder, struct builder, builder_free)

/* Texts may be NULL where a feed does not say. */
struct builder_record {
    enum database_feed feed;
    const char *id, *summary;
    const char *scope[3]; /* more of the key: ecosystem, package, version */
    int64_t modified_us;  /* MU_TIME_NONE: not said */
    bool withdrawn, disputed;
    bool cves_in_related;
};

enum builder_relation { RELATION_ALIAS, RELATION_UPSTREAM, RELATION_RELATED };

struct builder_affected {
    const char *ecosystem, *package;
    const char *rating; /* the feed's own word for its severity */
    const char *module; /* "nodejs:16" */
    const char *state;  /* why there is no fix: "will_not_fix" "deferred" "out_of_support" */
    const char *cvss_v4, *cvss_v3, *cvss_v2;
};

void builder_begin(struct builder *builder, const struct builder_record *record);
void builder_relate(struct builder *builder, enum builder_relation relation, const char *id);
/* False: its ecosystem is unknown, it is counted and to be left out. */
bool builder_begin_affected(struct builder *builder, const struct builder_affected *affected);
void builder_event(struct builder *builder, enum database_event_kind kind, const char *version);
void builder_version(struct builder *builder, const char *version);
void builder_architecture(struct builder *builder, const char *architecture);
void builder_end_affected(struct builder *builder);
void builder_skip(struct builder *builder); /* counts what the record says and nobody can read */
/* Errors: MU_E_INVALID (no id), MU_E_LIMIT (a text or a range too long, the whole too large). */
enum mu_status builder_end(struct builder *builder, struct mu_error *err) MU_MUST_CHECK;

/* What a fact says of one CVE; NULL and false: nothing. Of several the last given holds, member by
 * member. */
struct builder_fact {
    const char *cve, *kev_added, *kev_due;
    const char *exploitation, *automatable, *technical_impact;
    const char *nvd_v3, *cna_v3, *adp_v3, *nvd_v2, *any_v4;
    bool ransomware, disputed, has_epss;
    uint32_t epss_millionths, percentile_millionths;
    int nvd_v3_tenths; /* 0: not said */
};
/* Errors: MU_E_INVALID (no CVE id), MU_E_LIMIT. */
enum mu_status builder_add_fact(struct builder *builder, const struct builder_fact *fact,
                                struct mu_error *err) MU_MUST_CHECK;

struct builder_source {
    const char *name, *kind;
    uint32_t records, rejected;
    int64_t newest_at_us; /* MU_TIME_NONE: not said */
    uint8_t sha256[32];
};
void builder_add_source(struct builder *builder, const struct builder_source *source);

/* Time of the newest record added so far by builder_end since the last call of it with a source. */
int64_t builder_newest_us(struct builder *builder);

/* The file's bytes; once only. `built_at_us` MU_TIME_NONE: the newest record's time. Errors:
 * MU_E_LIMIT, MU_E_INVALID (no row). */
enum mu_status builder_finish(struct builder *builder, int64_t built_at_us, struct mu_buf *out,
                              struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * database: the vulnerability database, read-only, mapped into memory.
 *
 * Opening checks size, checksum and every offset once; after that lookups need no checks.
 * Threads: an open database may be shared by any number of threads.
 * Trust:   the file may be torn or hostile; opening it then fails with MU_E_INVALID.
 */
#ifndef SCANNER_DATABASE_H
#define SCANNER_DATABASE_H

#include "database/range.h"

#include "base/error.h"
#include "base/scope.h"
#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct database;
struct database_row;

struct database_facts {
    const char *version; /* "sha256:<hex>" of the file; lives as long as the database */
    int64_t built_at_us;
    int64_t newest_record_at_us;
    uint64_t records, rows, packages, cves, withdrawn, skipped, size_bytes;
};

/* Errors: MU_E_NOT_FOUND, MU_E_UNAVAILABLE, MU_E_INVALID. */
enum mu_status database_open(const char *path, struct database **ret_database,
                             struct mu_error *err) MU_MUST_CHECK;
/* The same on bytes, which must outlive it and be aligned for any type. */
enum mu_status database_open_memory(const void *bytes, size_t len, struct database **ret_database,
                                    struct mu_error *err) MU_MUST_CHECK;
void database_close(struct database *database); /* NULL is fine */
MU_DEFINE_AUTO(database, struct database, database_close)

void database_facts(const struct database *database, struct database_facts *ret_facts);

/* ---- where it came from ---- */

struct database_source {
    const char *name, *kind;
    uint32_t records, rejected;
    int64_t newest_at_us; /* MU_TIME_NONE: not said */
    char digest[MU_DIGEST_TEXT_SIZE];
};
size_t database_source_count(const struct database *database);
void database_source_at(const struct database *database, size_t index,
                        struct database_source *ret_source);

/* Ecosystems nobody can order versions of, with how often they were named. */
size_t database_unknown_count(const struct database *database);
const char *database_unknown_at(const struct database *database, size_t index, uint32_t *ret_count);

/* ---- packages ---- */

struct database_package_key {
    const char *ecosystem, *name;
    const uint8_t *content; /* DATABASE_CONTENT_BYTES: differs when anything known of it does */
};
size_t database_package_count(const struct database *database);
void database_package_at(const struct database *database, size_t index,
                         struct database_package_key *ret_key);

/* Rows of one package of one ecosystem, as they are filed (ecosystem.h): first and count. */
const struct database_row *database_find(const struct database *database, const char *ecosystem,
                                         const char *package, size_t *ret_count);
/* Row `index` of those that database_find found. */
const struct database_row *database_row_at(const struct database_row *first, size_t index);
bool database_has_ecosystem(const struct database *database, const char *ecosystem);

/* ---- a row ---- */

/* What an advisory says of a package; "" where it says nothing. */
struct advisory {
    const char *id, *summary, *rating, *module, *state, *cvss_v4, *cvss_v3, *cvss_v2;
    int feed; /* enum database_feed */
    bool withdrawn, disputed, modular;
};
void database_read(const struct database *database, const struct database_row *row,
                   struct advisory *ret_advisory);
const char *database_id(const struct database *database, const struct database_row *row);

/* What it is about: CVEs, else one other id. */
size_t database_vulnerability_count(const struct database_row *row);
const char *database_vulnerability(const struct database *database, const struct database_row *row,
                                   size_t index);
/* All ids it names as aliases, upstream or related. */
size_t database_related_count(const struct database_row *row);
const char *database_related(const struct database *database, const struct database_row *row,
                             size_t index);
/* Whether it is for packages of that architecture; NULL, "noarch" and "all" are any. */
bool database_fits_architecture(const struct database *database, const struct database_row *row,
                                const char *architecture);

/* Whether any of its ranges ends with a fix other than "never affected". */
bool database_has_fix(const struct database *database, const struct database_row *row);

/*
 * Whether `version` is affected (OSV schema, "Evaluation") in the order of `compare`. `ret_place`
 * is where it lies; without any text when it is listed one by one.
 */
bool database_affects(const struct database *database, const struct database_row *row,
                      version_compare_fn *compare, const char *version,
                      struct range_place *ret_place);

/* ---- a CVE ---- */

/* What is known of a CVE whatever package has it; "" where nothing is. */
struct cve_facts {
    const char *kev_added, *kev_due;
    const char *exploitation, *automatable, *technical_impact; /* SSVC, as CISA writes them */
    const char *nvd_v3, *cna_v3, *adp_v3, *nvd_v2, *any_v4;
    bool ransomware, disputed, has_epss;
    uint32_t epss_millionths, percentile_millionths;
    int nvd_v3_tenths; /* -1: not said */
};
/* False, and all empty: nothing is. */
bool database_cve(const struct database *database, const char *cve, struct cve_facts *ret_facts);

#endif

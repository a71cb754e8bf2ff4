/*
 * database: the vulnerability database, read-only, mapped into memory.
 *
 * Opening checks size, checksum and every offset once; after that lookups need no checks.
 * Threads: an open database may be shared by any number of threads.
 * Trust:   the file may be torn or hostile; opening it then fails with MU_E_INVALID.
 */
#ifndef SCANNER_DATABASE_H
#define SCANNER_DATABASE_H

#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct database;
struct database_row;

struct database_facts {
    const char *version; /* "sha256:<hex>" of the file; lives as long as the database */
    int64_t built_at_us;
    int64_t newest_record_at_us;
    uint64_t records, rows, withdrawn, skipped, size_bytes;
};

/* Errors: MU_E_NOT_FOUND, MU_E_UNAVAILABLE, MU_E_INVALID. */
enum mu_status database_open(const char *path, struct database **ret_database,
                             struct mu_error *err) MU_MUST_CHECK;
/* The same on bytes, which must outlive it. */
enum mu_status database_open_memory(const void *bytes, size_t len, struct database **ret_database,
                                    struct mu_error *err) MU_MUST_CHECK;
void database_close(struct database *database); /* NULL is fine */
MU_DEFINE_AUTO(database, struct database, database_close)

void database_facts(const struct database *database, struct database_facts *ret_facts);

/* Rows of one package of one ecosystem ("Debian:12", source package): first and count. */
const struct database_row *database_find(const struct database *database, const char *ecosystem,
                                         const char *package, size_t *ret_count);
/* Row `index` of those that database_find found. */
const struct database_row *database_row_at(const struct database_row *first, size_t index);
bool database_has_ecosystem(const struct database *database, const char *ecosystem);

/* ---- a row ---- */

const char *database_id(const struct database *database, const struct database_row *row);
const char *database_summary(const struct database *database, const struct database_row *row);
const char *database_urgency(const struct database *database, const struct database_row *row);
const char *database_cvss_v3(const struct database *database, const struct database_row *row);
const char *database_cvss_v2(const struct database *database, const struct database_row *row);
size_t database_related_count(const struct database_row *row);
const char *database_related(const struct database *database, const struct database_row *row,
                             size_t index);

/*
 * Whether `version` is affected (OSV schema, "Evaluation"), by the order of the row's ecosystem;
 * where nobody knows one, only versions that are listed are. `ret_fixed` is the fix of the range
 * it lies in, or NULL.
 */
bool database_affects(const struct database *database, const struct database_row *row,
                      const char *version, const char **ret_fixed);

#endif

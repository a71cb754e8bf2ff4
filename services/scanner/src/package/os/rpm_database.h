/*
 * rpm_database: the headers in an rpm database file, in each of the three forms that rpm has had.
 *
 *   sqlite  rpmdb.sqlite, table Packages: through SQLite, which sees a file that it can only read
 *           (sqlite_bytes.h) and may run nothing that a schema says: views, virtual tables and
 *           computed columns in place of the real ones are refused
 *   ndb     Packages.db: slots that point at blobs of 16-byte blocks, little-endian
 *   bdb     Packages: a Berkeley DB hash, in either byte order; large values lie on chains of
 *           overflow pages
 *
 * Each hands every header's bytes to `blob`, in the order of the file, without a look into them.
 *
 * Threads: none held. Trust: hostile bytes. No file can make a reader do more than read every byte
 *          of it once or twice: what is handed over is never more than the file, pages that lead
 *          in circles are refused, and SQLite counts its steps.
 * Errors:  MU_E_INVALID (another form, or damaged), MU_E_LIMIT (a header over
 *          RPM_HEADER_MAX_BYTES), MU_E_NOMEM, or the callback's. What was handed over counts: ndb
 *          and bdb go on after damage to one package and tell of the first in the end, SQLite stops
 *          at it.
 * Sources: rpm's lib/backend/{sqlite,ndb/rpmpkg,bdb_ro}.c; Berkeley DB's dbinc/db_page.h;
 *          sqlite.org "Database File Format" and "Defense Against The Dark Arts".
 */
#ifndef SCANNER_PACKAGE_OS_RPM_DATABASE_H
#define SCANNER_PACKAGE_OS_RPM_DATABASE_H

#include "base/error.h"
#include "package/os/sqlite_wal.h"

#include <stddef.h>
#include <stdint.h>

typedef enum mu_status rpm_blob_fn(void *opaque, const uint8_t *bytes, size_t len,
                                   struct mu_error *err);

typedef enum mu_status rpm_database_fn(const uint8_t *bytes, size_t len, rpm_blob_fn *blob,
                                       void *opaque, struct mu_error *err);

rpm_database_fn rpm_sqlite_walk;
/* The same with what a write-ahead log beside it adds; its pages must be as large. */
enum mu_status rpm_sqlite_walk_wal(const uint8_t *bytes, size_t len, const struct sqlite_wal *wal,
                                   rpm_blob_fn *blob, void *opaque,
                                   struct mu_error *err) MU_MUST_CHECK;
rpm_database_fn rpm_ndb_walk;
rpm_database_fn rpm_bdb_walk;

#endif

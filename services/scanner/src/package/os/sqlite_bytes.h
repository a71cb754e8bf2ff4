/*
 * sqlite_bytes: an SQLite database that lies in memory, read in place.
 *
 * A file system of SQLite's with one file, which is these bytes: it can only be read, needs no
 * lock and has neither journal nor log beside it. A database that says it is in write-ahead mode
 * is shown as one in journal mode: what a log holds is shown as if it had been carried over.
 *
 * Threads:   one at a time for each struct; any number of structs.
 * Ownership: the struct is the caller's storage and must not move between init and done; the bytes
 *            are borrowed meanwhile. Close the connection before done.
 * Trust:     the bytes are hostile; see rpm_database.h for what is done about them.
 * Source:    sqlite.org "The SQLite OS Interface or VFS" and "Database File Format", section 1.3.
 */
#ifndef SCANNER_PACKAGE_OS_SQLITE_BYTES_H
#define SCANNER_PACKAGE_OS_SQLITE_BYTES_H

#include "package/os/sqlite_wal.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

struct sqlite_bytes {
    const uint8_t *bytes;
    size_t len;
    const struct sqlite_wal *wal; /* borrowed; NULL: none */
    char name[40];                /* of the file system: no other has it */
    sqlite3_vfs vfs;
};

/* Errors: MU_E_NOMEM. */
enum mu_status sqlite_bytes_init(struct sqlite_bytes *file, const uint8_t *bytes, size_t len,
                                 const struct sqlite_wal *wal, struct mu_error *err) MU_MUST_CHECK;
void sqlite_bytes_done(struct sqlite_bytes *file);

/* A result code of SQLite's; `ret_database` is to be closed in any case. */
int sqlite_bytes_open(struct sqlite_bytes *file, sqlite3 **ret_database);

#endif

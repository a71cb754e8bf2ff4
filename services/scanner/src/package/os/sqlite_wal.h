/*
 * sqlite_wal: the pages that a write-ahead log holds for an SQLite database beside it.
 *
 * Counts as SQLite does: frames with the head's salts and right checksums, up to the last one that
 * ends a transaction; of a page that is there more than once, the last.
 *
 * Memory: four bytes a page of the database, as scratch memory (base/scratch.h).
 * Threads: constant once opened. Ownership: borrows the log's bytes. Trust: hostile; a database of
 *          more than SQLITE_WAL_BYTES_MAX is refused.
 * Source:  sqlite.org "WAL-mode File Format", sections 2 and 4.
 */
#ifndef SCANNER_PACKAGE_OS_SQLITE_WAL_H
#define SCANNER_PACKAGE_OS_SQLITE_WAL_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define SQLITE_WAL_BYTES_MAX ((uint64_t)1 << 30) /* of the database with what the log adds */

struct sqlite_wal {
    const uint8_t *bytes;
    uint32_t page_bytes;
    uint32_t pages;   /* of the database when all is applied; 0: no finished transaction */
    uint32_t *frames; /* by page number, from 1: the frame's number, from 1; 0: not in the log */
};

/* What is no log, or an empty one, has no pages: SQLite takes no notice of it either. Errors:
 * MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status sqlite_wal_open(const uint8_t *bytes, size_t len, struct sqlite_wal *ret_wal,
                               struct mu_error *err) MU_MUST_CHECK;
void sqlite_wal_done(struct sqlite_wal *wal);

/* page_bytes bytes; NULL: the database's own page holds. */
const uint8_t *sqlite_wal_page(const struct sqlite_wal *wal, uint32_t number);

#endif

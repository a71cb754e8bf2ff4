/*
 * format: the vulnerability database file. Internal to src/database.
 *
 *   header | rows, sorted by (ecosystem, package, id) | events | texts lists | strings | SHA-256 of
 * all before it
 *
 * Little endian, 4-byte aligned, read by mmap as it is. Strings are offsets into the string
 * section, each NUL-terminated; offset 0 is "". A text list is `count` string offsets from `first`.
 */
#ifndef SCANNER_DATABASE_FORMAT_H
#define SCANNER_DATABASE_FORMAT_H

#include <stdint.h>

enum {
    DATABASE_FORMAT_VERSION = 1,
    DATABASE_CHECKSUM_BYTES = 32,
    DATABASE_MAX_EVENTS_PER_RANGE = 256
};
#define DATABASE_MAGIC "MUVULNDB"

struct database_header {
    char magic[8];
    uint32_t version;
    uint32_t row_count, event_count, list_count, string_bytes;
    uint32_t records;   /* OSV records read */
    uint32_t withdrawn; /* left out since withdrawn */
    uint32_t skipped;   /* affected entries of ecosystems or ranges that are not evaluated */
    int64_t built_at_us, newest_record_at_us;
};

struct database_list {
    uint32_t first, count;
};

struct database_row {
    uint32_t ecosystem, package, id, summary, urgency, cvss_v3, cvss_v2;
    struct database_list related; /* aliases and upstream ids, into the lists */
    struct database_list events;
    struct database_list versions; /* affected one by one, into the lists */
};

enum database_event_kind {
    DATABASE_EVENT_RANGE, /* a new range begins; no version */
    DATABASE_EVENT_INTRODUCED,
    DATABASE_EVENT_FIXED,
    DATABASE_EVENT_LAST_AFFECTED
};

struct database_event {
    uint32_t kind, version;
};

#endif

/*
 * format: the vulnerability database file. Internal to src/database.
 *
 *   header | sources | packages, sorted by (ecosystem, name) | rows, by package then id | events |
 * facts, sorted by CVE | unknown ecosystems | text lists | strings | SHA-256 of all before it
 *
 * Little endian, read by mmap as it is. Strings are offsets into the string section, each
 * NUL-terminated; offset 0 is "". A text list is `count` string offsets from `first`.
 * Events of a range are in the order of their versions.
 */
#ifndef SCANNER_DATABASE_FORMAT_H
#define SCANNER_DATABASE_FORMAT_H

#include <stdint.h>

enum {
    DATABASE_FORMAT_VERSION = 3,
    DATABASE_CHECKSUM_BYTES = 32,
    DATABASE_CONTENT_BYTES = 16,
    DATABASE_MAX_EVENTS_PER_RANGE = 256,
    DATABASE_MAX_TEXT_BYTES = 512
};
#define DATABASE_MAGIC "MUVULNDB"

enum database_section {
    SECTION_SOURCES,
    SECTION_PACKAGES,
    SECTION_ROWS,
    SECTION_EVENTS,
    SECTION_FACTS,
    SECTION_UNKNOWN,
    SECTION_LISTS,
    SECTION_STRINGS,
    SECTION_COUNT
};

struct database_header {
    char magic[8];
    uint32_t version;
    uint32_t records;   /* advisories read, one for each id */
    uint32_t withdrawn; /* of them withdrawn */
    uint32_t skipped;   /* affected entries of unknown ecosystems, and GIT ranges */
    int64_t built_at_us, newest_record_at_us;
    uint32_t counts[SECTION_COUNT]; /* items; bytes of strings */
};

struct database_list {
    uint32_t first, count;
};

/* One input of the build. */
struct database_source_row {
    int64_t newest_at_us;
    uint32_t name, kind, records, rejected;
    uint8_t sha256[32];
};

struct database_package {
    uint32_t ecosystem, name, first_row, row_count;
    uint8_t content[DATABASE_CONTENT_BYTES]; /* hash of all that is known of it */
};

/* Who speaks. Of several that speak of one CVE match/ lets the vendor's own feed decide. */
enum database_feed { FEED_OSV, FEED_SECDB, FEED_TRACKER, FEED_CSAF, FEED_COUNT };

enum database_row_flag {
    ROW_WITHDRAWN = 1 << 0,
    ROW_DISPUTED = 1 << 1,
    ROW_MODULAR = 1 << 2 /* its fix is of a module: ".module" in the release */
};

struct database_row {
    uint32_t id, summary, rating, module, state, cvss_v4, cvss_v3, cvss_v2;
    uint32_t feed, flags;
    struct database_list vulnerabilities; /* what it is about: CVEs, else one primary id */
    struct database_list related;         /* all ids it names */
    struct database_list events;
    struct database_list versions; /* affected one by one, beyond the ranges */
    struct database_list architectures;
};

enum database_event_kind {
    DATABASE_EVENT_RANGE, /* a new range begins; no version */
    DATABASE_EVENT_INTRODUCED,
    DATABASE_EVENT_FIXED,
    DATABASE_EVENT_LAST_AFFECTED,
    DATABASE_EVENT_LIMIT
};

struct database_event {
    uint32_t kind, version;
};

enum database_fact_flag {
    FACT_RANSOMWARE = 1 << 0,
    FACT_DISPUTED = 1 << 1,
    FACT_HAS_EPSS = 1 << 2
};

/* What is known of a CVE whatever package has it. */
struct database_fact {
    uint32_t cve, flags;
    uint32_t kev_added, kev_due;                     /* dates as text */
    uint32_t epss_millionths, percentile_millionths; /* with FACT_HAS_EPSS */
    uint32_t exploitation;                           /* SSVC: "none" "poc" "active" */
    uint32_t automatable, technical_impact;          /* SSVC: "yes" "no"; "partial" "total" */
    uint32_t nvd_v3, cna_v3, adp_v3, nvd_v2, any_v4; /* vectors */
    uint32_t nvd_v3_tenths;                          /* plus one; a score without its vector */
};

struct database_unknown {
    uint32_t ecosystem, count;
};

#endif

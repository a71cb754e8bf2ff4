/*
 * verify: does a bundle prove itself? Offline, from the bundle's files alone.
 *
 * Checked, each in both directions:
 *   archive     of a .zip or .tar.zst: unpacked within limits into a private folder
 *   signatures  over manifest.json, as far as the request names keys and authorities
 *   chain       last month's manifest is the one that this manifest names
 *   files       every file of manifest.json is there with its size and SHA-256; no other file is;
 *               raw scans are named by their SHA-256; the manifest's counts are those found
 *   workbook    headers to the letter, UAIs unique, mandatory cells filled, forbidden cells blank
 *   row -> scan every row with In Latest Scan = Yes: UAI and each checksum occur together as target
 *               of a complete raw scan; every row with No is a declared gap with the same checksums
 *   scan -> row every target of every raw scan is a checksum of its row, or a declared target
 *               without running container
 *   not running nothing declared so is in a row
 *   containers  every running container has its row with its checksum, covered where the row says
 *               Yes; every checksum of a row runs in some container
 *   gaps        every declared gap has its row, and an image that is not covered
 *
 * Trust: the bundle is hostile. Links and devices are not followed; what is read is kept in a
 * private database on the disk, JSON files and the workbook are read in pieces, so that memory does
 * not grow with the fleet.
 *
 * Sources: FedRAMP IIW v3.1 instructions ("if the review of the raw scan results does not validate
 * the IIW, the package will be rejected"); SAR template v5.0 appendix C ("exactly").
 *
 * A difference is a finding about the bundle, not an error of this program.
 */
#ifndef REPORT_VERIFY_H
#define REPORT_VERIFY_H

#include "base/error.h"
#include "base/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verify_summary {
    size_t files, rows, raw_scans, targets, gaps;
    size_t differences;
};

struct verify_request {
    const char *path;                  /* a folder, or an archive (archive/archive.h) */
    const char *key;                   /* PEM file of the Ed25519 public key; NULL: none */
    const char *authorities;           /* PEM file of those who certify the CMS signer */
    const char *timestamp_authorities; /* the same for the time stamp */
    const char *previous;              /* last month's package, or its close.json */
    bool require_signature;            /* one that was checked */
    int64_t at_us; /* when the CMS signer had to be valid; a checked time stamp says it better */
    uint64_t max_bytes; /* of an archive, unpacked */
};

struct verify_tables {
    struct mu_table *differences; /* columns verify_columns; up to VERIFY_MAX_REPORTED */
    struct mu_table *gaps;        /* verify_gap_columns: what is declared */
    struct mu_table *signatures; /* verify_signature_columns: what is there, and what of it holds */
};

/*
 * The summary counts all differences. Errors: MU_E_NOT_FOUND (no package, no key or no authorities
 * where the request says), MU_E_NOMEM, MU_E_UNAVAILABLE (no room to unpack); everything else is a
 * difference.
 */
enum mu_status verify_package(const struct verify_request *request,
                              const struct verify_tables *tables,
                              struct verify_summary *ret_summary,
                              struct mu_error *err) MU_MUST_CHECK;

enum { VERIFY_MAX_REPORTED = 10000 };
extern const char *const verify_columns[];
extern const char *const verify_gap_columns[];
extern const char *const verify_signature_columns[];
enum { VERIFY_COLUMN_COUNT = 3, VERIFY_GAP_COLUMN_COUNT = 5, VERIFY_SIGNATURE_COLUMN_COUNT = 4 };

#endif

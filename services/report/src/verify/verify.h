/*
 * verify: does a bundle prove itself? Offline, from the bundle's files alone.
 *
 * Checked, each in both directions:
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
 * Trust: the bundle is hostile. Links and devices are not followed, JSON files are at most
 * BUNDLE_MAX_JSON_BYTES and one raw scan is in memory at a time, the workbook is streamed.
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

#include <stddef.h>

struct verify_summary {
    size_t files, rows, raw_scans, targets, gaps;
    size_t differences;
};

/*
 * Adds a row {check, subject, difference} to `differences` (columns verify_columns) for each, up to
 * VERIFY_MAX_REPORTED; the summary counts all.
 * Declared gaps go to `gaps` (columns verify_gap_columns). Errors: MU_E_NOT_FOUND (no folder),
 * MU_E_NOMEM; everything else is a difference.
 */
enum mu_status verify_bundle(const char *folder, struct mu_table *differences,
                             struct mu_table *gaps, struct verify_summary *ret_summary,
                             struct mu_error *err) MU_MUST_CHECK;

enum { VERIFY_MAX_REPORTED = 10000 };
extern const char *const verify_columns[];
extern const char *const verify_gap_columns[];
enum { VERIFY_COLUMN_COUNT = 3, VERIFY_GAP_COLUMN_COUNT = 5 };

#endif

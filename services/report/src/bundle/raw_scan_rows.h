/*
 * raw_scan_rows: what a raw scan says beyond the database's rows, as rows of the snapshot: the
 * descriptions of vulnerabilities, what the image itself gets wrong, how the scan could look.
 *
 * Raw scans come in the order of their digests: of several descriptions the first counts.
 * Trust: evidence whose hash was checked, of the scanner or of another's report; at most
 * BUNDLE_MAX_JSON_BYTES.
 */
#ifndef REPORT_BUNDLE_RAW_SCAN_ROWS_H
#define REPORT_BUNDLE_RAW_SCAN_ROWS_H

#include "snapshot/snapshot.h"

/* Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_UNAVAILABLE. */
enum mu_status raw_scan_rows_add(struct snapshot *snapshot, const char *evidence_digest,
                                 const char *path, struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * scanner_reports: the verbatim reports of other scanners, which stand in a bundle beside the
 * evidence that was made of them.
 */
#ifndef REPORT_BUNDLE_SCANNER_REPORTS_H
#define REPORT_BUNDLE_SCANNER_REPORTS_H

#include "bundle/folder.h"
#include "snapshot/snapshot.h"

#include "base/sha256.h"

/* Digest of the report that the evidence was made of; "": it is our own raw result. Errors:
 * MU_E_UNAVAILABLE, MU_E_INVALID (no SHA-256). */
enum mu_status scanner_report_of(const struct snapshot *snapshot, const char *evidence_digest,
                                 char ret_digest[MU_DIGEST_TEXT_SIZE],
                                 struct mu_error *err) MU_MUST_CHECK;

/*
 * Where the report stands: its name within the bundle and its path, whose folder is made. Errors:
 * MU_E_INVALID (no SHA-256), MU_E_LIMIT, MU_E_UNAVAILABLE.
 */
enum mu_status scanner_report_place(const struct bundle_folder *folder, const char *digest,
                                    char ret_name[BUNDLE_PATH_SIZE],
                                    char ret_path[BUNDLE_PATH_SIZE],
                                    struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * import_record: an imported scan as the scan of record of an image: the document that is stored
 * beside the verbatim report, and what the message says of it.
 *
 * A report whose scanner has the digest of an index for the digest of its image, or that is about
 * something else, is not taken: import_read says so.
 *
 * Threads: none held. Ownership: texts live in the arena.
 */
#ifndef SCANNER_IMPORT_IMPORT_RECORD_H
#define SCANNER_IMPORT_IMPORT_RECORD_H

#include "import/import.h"
#include "result/result_file.h"

#include "msg/msg.h"

/*
 * Checksum over all that decides what the document says: this program, the kind, the scanner, its
 * settings where the report tells them, and `how` (NULL: a file was imported).
 */
void import_record_checksum(const struct imported_scan *scan, const char *how,
                            char ret_checksum[MU_DIGEST_TEXT_SIZE]);

/* The scan has a target. The result keeps what the scan does not say: request, times of its own,
 * platform. Errors: MU_E_NOMEM. */
enum mu_status import_record_tell(const struct imported_scan *scan, struct mu_arena *arena,
                                  struct mu_scan_result *result,
                                  struct mu_error *err) MU_MUST_CHECK;

/* As raw_scan_write. Errors: MU_E_UNAVAILABLE. */
enum mu_status import_record_write(const struct imported_scan *scan, const char *folder,
                                   struct raw_file *ret_file, struct mu_error *err) MU_MUST_CHECK;

#endif

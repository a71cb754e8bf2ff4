/*
 * raw_scan_file: a raw scan read whole from its file.
 *
 * Trust: evidence of the scanner or of another's report; at most BUNDLE_MAX_JSON_BYTES, and
 * RAW_SCAN_MAX_VALUES of JSON.
 */
#ifndef REPORT_BUNDLE_RAW_SCAN_FILE_H
#define REPORT_BUNDLE_RAW_SCAN_FILE_H

#include "json/json_doc.h"

enum { RAW_SCAN_MAX_VALUES = 4 * 1000 * 1000 };

/*
 * New reference in `ret_scan`. `digest`: what the bytes must hash to; NULL: whoever put the file
 * there has seen to it. Errors: MU_E_NOT_FOUND, MU_E_UNAVAILABLE, MU_E_CONFLICT (the bytes are
 * others), MU_E_INVALID, MU_E_LIMIT.
 */
enum mu_status raw_scan_read(const char *path, const char *digest, json_t **ret_scan,
                             struct mu_error *err) MU_MUST_CHECK;

#endif

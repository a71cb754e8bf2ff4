/*
 * scan_output: what `scan` prints of one result: a table for people, or the raw result.
 */
#ifndef SCANNER_APP_SCAN_OUTPUT_H
#define SCANNER_APP_SCAN_OUTPUT_H

#include "job/scan.h"
#include "msg/msg.h"
#include "result/raw_scan.h"

struct scan_format;

/* "table" (or "text"), "json", "cyclonedx", "spdx". Errors: MU_E_INVALID listing them. */
enum mu_status scan_format_find(const char *name, const struct scan_format **ret_format,
                                struct mu_error *err) MU_MUST_CHECK;

/* What is to be written instead of the raw result; NULL: nothing. */
scan_sbom_fn *scan_format_sbom(const struct scan_format *format);

/* Errors: MU_E_UNAVAILABLE (output), MU_E_INTERNAL, MU_E_LIMIT. */
enum mu_status scan_format_print(const struct scan_format *format,
                                 const struct mu_scan_result *result, const struct raw_file *file,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif

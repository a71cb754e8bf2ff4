/*
 * raw_issues: the members "issues" and "notes" of the raw result: what the image itself gets wrong,
 * and evidence that could not be read without making the scan incomplete.
 */
#ifndef SCANNER_RESULT_RAW_ISSUES_H
#define SCANNER_RESULT_RAW_ISSUES_H

#include "image/image_scan.h"
#include "json/json_stream.h"

void raw_issues_put(struct json_stream *out, const struct image_analysis *image);

#endif

/*
 * raw_packages: the packages of a raw result, each with where it was found.
 *
 * What does not apply to a package is left out, not null.
 */
#ifndef SCANNER_RESULT_RAW_PACKAGES_H
#define SCANNER_RESULT_RAW_PACKAGES_H

#include "image/image_scan.h"
#include "result/json_stream.h"

/* Writes the member "packages". */
void raw_packages_put(struct json_stream *out, const struct image_analysis *image);

#endif

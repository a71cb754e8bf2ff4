/*
 * raw_packages: the packages of a raw result, each with where it was found.
 *
 * What does not apply to a package is left out, not null.
 * Source: schemas/raw-scan.v1.schema.json, "packages" and "finding_members".
 */
#ifndef SCANNER_RESULT_RAW_PACKAGES_H
#define SCANNER_RESULT_RAW_PACKAGES_H

#include "image/image_scan.h"
#include "json/json_stream.h"

/* Writes the member "packages". */
void raw_packages_put(struct json_stream *out, const struct image_analysis *image);

/* What a package and a finding about it have in common: "purl"; "layer", "path", "inner_path". */
void raw_package_purl_put(struct json_stream *out, const struct image_package *package,
                          const struct image_os *os);
void raw_package_place_put(struct json_stream *out, const struct image_package *package);

#endif

/*
 * sbom: the bill of materials of one image, as CycloneDX 1.6 or SPDX 2.3, in JSON.
 *
 * Same facts, same bytes: serial number and references are made of the image's digest and the
 * packages' own fields, and no time is written but the given one. Licences are as the package
 * writes them, which is no claim that they are SPDX expressions.
 *
 * A package names where it was found: the file, the layer that the file is of, and who owns it.
 *
 * Sources: CycloneDX 1.6 JSON reference (ECMA-424); SPDX 2.3 specification, its JSON schema.
 */
#ifndef SCANNER_RESULT_SBOM_H
#define SCANNER_RESULT_SBOM_H

#include "image/image_scan.h"
#include "result/result_file.h"

struct sbom {
    const struct image_analysis *image;
    const char *repository; /* "host/path" */
    const char *digest;     /* of the manifest: "sha256:<hex>" */
    const char *scanner_version;
    int64_t at_us; /* to write as the time it was made; MU_TIME_NONE: the image's own, and where
                      that is not said none (CycloneDX) or 1970 (SPDX, which needs one) */
};

/* As raw_scan_write. Errors: MU_E_UNAVAILABLE. */
enum mu_status cyclonedx_write(const struct sbom *sbom, const char *folder,
                               struct raw_file *ret_file, struct mu_error *err) MU_MUST_CHECK;
enum mu_status spdx_write(const struct sbom *sbom, const char *folder, struct raw_file *ret_file,
                          struct mu_error *err) MU_MUST_CHECK;

#endif

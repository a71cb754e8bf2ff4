/*
 * sbom_parts: what both forms of a bill of materials name alike.
 */
#ifndef SCANNER_RESULT_SBOM_PARTS_H
#define SCANNER_RESULT_SBOM_PARTS_H

#include "result/sbom.h"

#include "base/buf.h"
#include "base/sha256.h"
#include "sbom/cyclonedx.h"

/* The same for the same image, scanner and form ("cyclonedx"), on any machine. */
void sbom_serial(const struct sbom *sbom, const char *form, char ret_uuid[MU_UUID_TEXT_SIZE]);

/* The package as all forms name it, but for its URL. */
void sbom_package(const struct image_package *package, struct mu_sbom_package *ret_package);

/* Of one package within the document. */
void sbom_package_id(const struct image_package *package, char ret_uuid[MU_UUID_TEXT_SIZE]);

/* Time to write, see struct sbom; MU_TIME_NONE: none. */
int64_t sbom_time_us(const struct sbom *sbom);

/* "sha256" hex of the digest; NULL when it is another algorithm. */
const char *sbom_sha256_hex(const char *digest);

/* A package's URL, or the image's when `package` is NULL; cut off when it is longer than any name
 * can be. Borrowed from `buf`, which is emptied first. */
const char *sbom_purl(const struct sbom *sbom, const struct image_package *package,
                      struct mu_buf *buf);

/* NULL: the analysis names no such layer. */
const struct image_layer *sbom_layer_of(const struct sbom *sbom,
                                        const struct image_package *package);

#endif

/*
 * purl: URL of a package of an image (sbom/purl.h).
 */
#ifndef SCANNER_RESULT_PURL_H
#define SCANNER_RESULT_PURL_H

#include "image/image_scan.h"

#include "base/buf.h"

/* Appends; a failure is told by mu_buf_status. `os` may have no id. */
void purl_put(const struct image_package *package, const struct image_os *os, struct mu_buf *out);

#endif

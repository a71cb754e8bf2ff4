/*
 * vendor: whether an OS package is the distribution's own.
 *
 * What another vendor built (docker, nodesource, EPEL ...) the distribution's feed does not judge,
 * and files it owns are not the distribution's either. RPM: by VENDOR, which the distributions
 * always write; a rebuild of Enterprise Linux takes the others' packages for its own, since they
 * are the same sources at the same versions. Debian's Maintainer may be anybody, so the known
 * others are listed.
 */
#ifndef SCANNER_MATCH_VENDOR_H
#define SCANNER_MATCH_VENDOR_H

#include "image/image_scan.h"

#include <stdbool.h>

/* `distribution` is os-release's ID. A package that does not say is the distribution's. */
bool vendor_is_other(const char *distribution, const struct image_package *package);

#endif

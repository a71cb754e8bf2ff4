/*
 * release_file: which distribution an image is, from the older files beside os-release, for images
 * that have none.
 *
 * Threads: none held. Trust: hostile bytes; what does not look as a distribution writes it says
 *          nothing.
 */
#ifndef SCANNER_PACKAGE_OS_RELEASE_FILE_H
#define SCANNER_PACKAGE_OS_RELEASE_FILE_H

#include "package/os/os_release.h"

/* Reads one file into os-release's terms. */
typedef enum mu_status release_file_fn(const char *bytes, size_t len, struct mu_arena *arena,
                                       struct os_release *ret_release, struct mu_error *err);

/* In each: texts live in `arena` or are constants; absent where the file does not say.
 * Errors: MU_E_NOMEM. */
release_file_fn release_file_alpine; /* alpine-release: "3.20.3" */
release_file_fn release_file_debian; /* debian_version: "12.5", "trixie/sid" */
release_file_fn release_file_lsb;    /* lsb-release: DISTRIB_ID=Ubuntu ... */
release_file_fn release_file_redhat; /* "AlmaLinux release 9.3 (Shamrock Pampas Cat)" */

#endif

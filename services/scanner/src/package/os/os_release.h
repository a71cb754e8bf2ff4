/*
 * os_release: which distribution an image is, from its os-release file.
 *
 * Assignments in shell syntax: bare words, 'single' and "double" quotes, backslashes; the last
 * assignment of a name holds. Nothing is expanded. A line that is no assignment is passed over.
 *
 * Threads: none held. Trust: hostile bytes; a value that is no valid UTF-8, has control bytes or is
 *          longer than OS_RELEASE_VALUE_MAX counts as absent.
 * Source:  os-release(5).
 */
#ifndef SCANNER_PACKAGE_OS_OS_RELEASE_H
#define SCANNER_PACKAGE_OS_OS_RELEASE_H

#include "base/error.h"
#include "base/memory.h"

#include <stddef.h>

enum { OS_RELEASE_VALUE_MAX = 1024 };

struct os_release {
    const char *id; /* each NULL when absent or empty */
    const char *version_id;
    const char *version_codename;
    const char *pretty_name;
    const char *id_like;
    const char *cpe_name;
};

/* Texts live in `arena`. Errors: MU_E_NOMEM. */
enum mu_status os_release_parse(const char *bytes, size_t len, struct mu_arena *arena,
                                struct os_release *ret_release, struct mu_error *err) MU_MUST_CHECK;

/* The same of lsb-release, whose names are DISTRIB_ID, _RELEASE, _CODENAME and _DESCRIPTION. */
enum mu_status os_release_parse_lsb(const char *bytes, size_t len, struct mu_arena *arena,
                                    struct os_release *ret_release,
                                    struct mu_error *err) MU_MUST_CHECK;

#endif

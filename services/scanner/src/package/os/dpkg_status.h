/*
 * dpkg_status: the packages in dpkg's database files.
 *
 * Two forms: `var/lib/dpkg/status`, where the third word of Status says whether the files are
 * there, and distroless's `var/lib/dpkg/status.d/NAME`, one package without Status.
 * Counted as present: installed, and the states between unpacking and that (unpacked,
 * half-configured, triggers-awaited, triggers-pending), whose files are all on the disk.
 *
 * opkg keeps its database in the first form.
 *
 * Threads: none held. Trust: hostile bytes; only names and versions of dpkg's own alphabet come
 *          out, so all of them are ASCII; a maintainer is UTF-8 without control bytes.
 * Sources: deb-control(5), dpkg-query(1) "Package states", Debian Policy 5.6.1 and 5.6.12.
 */
#ifndef SCANNER_PACKAGE_OS_DPKG_STATUS_H
#define SCANNER_PACKAGE_OS_DPKG_STATUS_H

#include "base/error.h"

#include <stddef.h>

enum dpkg_form { DPKG_STATUS, DPKG_STATUS_D };

struct dpkg_text {
    const char *text; /* not NUL-terminated; NULL: absent */
    size_t len;
};

/* Borrowed from the parsed bytes. */
struct dpkg_package {
    struct dpkg_text name, version;
    struct dpkg_text source_name, source_version; /* own name and version where none are given */
    struct dpkg_text architecture, maintainer;    /* may be absent */
};

typedef enum mu_status dpkg_package_fn(void *opaque, const struct dpkg_package *package,
                                       struct mu_error *err);

/*
 * Calls `on_package` for each package that is there, in order. `ret_unreadable` counts the stanzas
 * of present packages without a usable name or version. Errors: only what on_package returned.
 */
enum mu_status dpkg_status_parse(const char *bytes, size_t len, enum dpkg_form form,
                                 dpkg_package_fn *on_package, void *opaque, size_t *ret_unreadable,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif

/*
 * os_finders: what finds the packages that a distribution's own tools installed, and which
 * distribution it is.
 *
 * Threads, trust, ownership: as package/finder.h says.
 */
#ifndef SCANNER_PACKAGE_OS_OS_FINDERS_H
#define SCANNER_PACKAGE_OS_OS_FINDERS_H

#include "package/finder.h"

extern const struct finder finder_dpkg_status;   /* one file of many packages; opkg's too */
extern const struct finder finder_dpkg_status_d; /* distroless: one file a package */

/* Whose a file is, of dpkg's packages: info/NAME.list, and status.d/NAME.md5sums of distroless. */
extern const struct finder finder_dpkg_list;
extern const struct finder finder_dpkg_md5sums;

extern const struct finder finder_apk_installed; /* packages and their files */

/* Packages and their files, from rpm's database in each of its forms (rpm_database.h). */
extern const struct finder finder_rpm_sqlite;
extern const struct finder finder_rpm_ndb;
extern const struct finder finder_rpm_bdb;
extern const struct finder finder_rpm_wal; /* fails when packages are in the log beside it alone */
extern const struct finder finder_rpm_manifest; /* Azure Linux's distroless: packages, no files */

/*
 * Tells the facts ID, VERSION_ID, VERSION_CODENAME, PRETTY_NAME, ID_LIKE and CPE_NAME of each of
 * several files. They are of one piece: those of the file with the lowest rank that told an ID
 * hold, and nothing of the others.
 */
extern const struct finder finder_os_release;

/* The place of `path` among the files of finder_os_release; SIZE_MAX: none of them. */
size_t os_release_rank(const char *path);

#endif

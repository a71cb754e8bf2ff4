/*
 * debian_release: number of a Debian release by its codename.
 * Source: distro-info-data, debian.csv.
 */
#ifndef SCANNER_DATABASE_DEBIAN_RELEASE_H
#define SCANNER_DATABASE_DEBIAN_RELEASE_H

/* "bookworm" gives "12", "sid" itself; NULL: not known. */
const char *debian_release_of(const char *codename);

#endif

/*
 * dpkg_version: order of Debian package versions.
 * Rule: deb-version(7): epoch numerically, then upstream version, then revision, each by
 * alternating non-digit and digit runs; '~' sorts before the end, letters before all other
 * characters; digit runs of any length.
 */
#ifndef SCANNER_DPKG_VERSION_H
#define SCANNER_DPKG_VERSION_H

/* Less than, equal to or greater than 0, like strcmp. Any text is accepted; what is no version
 * still has an order. */
int dpkg_version_compare(const char *a, const char *b);

#endif

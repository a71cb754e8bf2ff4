/*
 * secret_files: which files are looked into for secrets, and whose private keys count.
 *
 * Looked into: regular files of 16 bytes to 256 KiB whose ending is one of configuration, scripts,
 * keys, or that have none. Passed over, since what lies there comes from packages and not from who
 * built the image: /usr but /usr/local, /usr/src, /usr/app and nginx's html, /bin, /sbin, /lib*,
 * /boot, /proc, /sys, /dev, the databases and caches below /var, and everywhere the folders of
 * language packages (node_modules, site-packages, dist-packages, gems, vendor, pkg/mod, .cargo,
 * .m2, .cache, .npm). Passed over likewise: folders named for tests and examples, whose keys are
 * published.
 *
 * Trust: hostile paths.
 */
#ifndef SCANNER_CHECK_SECRET_FILES_H
#define SCANNER_CHECK_SECRET_FILES_H

#include "package/finder.h"

enum { SECRET_FILE_MIN_BYTES = 16, SECRET_FILE_MAX_BYTES = 256 * 1024 };

/* Called for every file: quick. */
bool secret_file_wanted(const struct finder_entry *entry);

#endif

/*
 * os_path: tests of paths that several finders of this folder make. Paths are as struct
 * finder_entry says: cleaned, without a leading '/'.
 */
#ifndef SCANNER_PACKAGE_OS_OS_PATH_H
#define SCANNER_PACKAGE_OS_OS_PATH_H

#include "package/finder.h"

#include <stdbool.h>
#include <stddef.h>

bool os_path_is_one_of(const char *path, const char *const *paths, size_t count);

/* The rest after `folder` ("a/b/"), when `path` lies directly in it; else NULL. */
const char *os_path_child(const char *path, const char *folder);

/* Whether `path` is the file of that name in one of the folders of rpm's database. */
bool os_path_is_in_rpm(const char *path, const char *file);

#endif

/*
 * tar_path: the place in an image that a name in a tar means.
 *
 * Runtimes clean the name by its text alone before they use it (Go's filepath.Clean below the
 * root): "./a", "/a", "a/", "b/../a" and "../../a" are all "a". So do we.
 *
 * Threads: none held. Trust: names are hostile bytes, any length, any encoding.
 */
#ifndef SCANNER_LAYER_TAR_PATH_H
#define SCANNER_LAYER_TAR_PATH_H

#include <stddef.h>

/*
 * Writes the cleaned path of `name` (no NUL inside) and a NUL to `ret_path`, which has room for
 * len + 1 bytes, and returns its length. "" is the root. Never longer than `name`.
 */
size_t tar_path_clean(const char *name, size_t len, char *ret_path);

#endif

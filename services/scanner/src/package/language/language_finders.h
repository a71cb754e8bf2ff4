/*
 * language_finders: what programs and libraries an image carries apart from its distribution's
 * packages. Each finder's own file says what it reads and by which document.
 *
 * None is required: a file that cannot be read is noted, the scan stays complete. What was told
 * before the trouble counts, and a finder reads on behind the damage where the format allows it.
 *
 * Threads, ownership, trust: as package/finder.h.
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_LANGUAGE_FINDERS_H
#define SCANNER_PACKAGE_LANGUAGE_LANGUAGE_FINDERS_H

#include "package/finder.h"

extern const struct finder finder_python_metadata;
extern const struct finder finder_python_egg;
extern const struct finder finder_node_package;
extern const struct finder finder_node_installed;
extern const struct finder finder_java_archive;
extern const struct finder finder_java_release;
extern const struct finder finder_executable;
extern const struct finder finder_ruby_gemspec;
extern const struct finder finder_php_installed;
extern const struct finder finder_dotnet_packages;
extern const struct finder finder_dotnet_assembly;

#endif

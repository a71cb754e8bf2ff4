/*
 * ecosystem: under which ecosystem and name a package is filed in the database.
 *
 * Source: OSV schema 1.7 ("package" and the names below it); PEP 503 for PyPI, the registries'
 * rules for NuGet and Packagist. Red Hat's repositories of one product are filed as one
 * ("Red Hat:enterprise_linux:9::baseos" under "Red Hat:enterprise_linux:9"): a binary package of
 * one name is the same in all of them. A Maven repository's URL is left out.
 *
 * Threads: no state. Trust: texts are from outside; results are cut to nothing when too long.
 */
#ifndef SCANNER_DATABASE_ECOSYSTEM_H
#define SCANNER_DATABASE_ECOSYSTEM_H

#include <stdbool.h>
#include <stddef.h>

enum { ECOSYSTEM_TEXT_SIZE = 513 };

/* False: nobody knows an order of its versions, or it is too long. */
bool ecosystem_file_under(const char *ecosystem, char ret_ecosystem[ECOSYSTEM_TEXT_SIZE]);
/* The name as the ecosystem compares it. False: empty or too long. */
bool ecosystem_fold_name(const char *ecosystem, const char *name,
                         char ret_name[ECOSYSTEM_TEXT_SIZE]);
/* What stands before the first ':': "Debian" of "Debian:12". */
bool ecosystem_is(const char *ecosystem, const char *family);

#endif

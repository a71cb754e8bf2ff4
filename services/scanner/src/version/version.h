/*
 * version: order of package versions, in every ecosystem that advisories speak of.
 *
 * Each scheme puts all texts in one order: a < b and b < c give a < c, also for texts that are no
 * version of it. Those are told by `valid`; they still have their place. Digit runs of any length
 * are compared as numbers, nothing is allocated, and the time grows with the lengths alone.
 *
 * Threads: everything here is constant. Trust: the texts are hostile.
 */
#ifndef SCANNER_VERSION_H
#define SCANNER_VERSION_H

#include <stdbool.h>
#include <stddef.h>

enum { VERSION_ECOSYSTEMS_MAX = 12 };

struct version_scheme {
    const char *name; /* "dpkg" */
    /* Less than, equal to or greater than 0, like strcmp. */
    int (*compare)(const char *a, const char *b);
    /* Whether the ecosystem's own tools take it. */
    bool (*valid)(const char *text);
    /* Names of the OSV schema, without what follows a ':'; ends with NULL. */
    const char *ecosystems[VERSION_ECOSYSTEMS_MAX];
};

/*
 * The scheme of "Debian:12", "npm", "Red Hat:enterprise_linux:9::baseos", or of that name
 * ("dpkg"); NULL: nobody orders versions of it. Capitals do not matter.
 */
const struct version_scheme *version_scheme_of(const char *ecosystem);

/* All schemes, for lists: NULL behind the last. */
const struct version_scheme *version_scheme_at(size_t index);

#endif

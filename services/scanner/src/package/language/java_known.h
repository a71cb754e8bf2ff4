/*
 * java_known: Maven groups of widespread libraries whose builds give archives no pom.properties.
 *
 * Source: the coordinates that Maven Central publishes.
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_JAVA_KNOWN_H
#define SCANNER_PACKAGE_LANGUAGE_JAVA_KNOWN_H

#include "package/language/lang_span.h"

struct java_known {
    const char *artifact, *group; /* '*' ends a prefix */
    const char *published;        /* the artifact's own name, when the file's is another; or NULL */
    unsigned major;               /* of versions from this on */
};

/* The first row that fits; NULL: none. */
const struct java_known *java_known_find(struct lang_span artifact, struct lang_span version);

#endif

/*
 * java_name: what an archive's file name and manifest say about its Maven coordinates, for archives
 * that carry no pom.properties of their own.
 *
 * The name and version come from the file name, "artifact-version.jar": the version begins at the
 * first '-' before a digit (or "build", "r", "rc" and a digit), at a later one when a word stands
 * between that is no part of versions ("log4j-1.2-api-2.17.1"); also "artifact_version" and
 * "artifact.version". Without one, from the manifest. Widespread classifiers behind the version are
 * no part of it ("app-1.0-exec.jar").
 *
 * The group, in this order:
 *   1. the directories, when the file lies in a Maven or Gradle repository;
 *   2. the file name, when it is "group.artifact-version.jar" and begins as a domain does;
 *   3. a table of widespread libraries whose archives carry no pom.properties;
 *   4. the manifest's Implementation-Title when it is "group#artifact;version"; else its Group-Id,
 *      Implementation-Vendor-Id, Bundle-SymbolicName, Extension-Name, Automatic-Module-Name: the
 *      first that begins as a domain does; where it ends in the artifact, or in what the artifact
 *      has behind the group's last word, what is before it;
 *   5. the artifact itself, as many old libraries have it (commons-io:commons-io).
 *
 * Ownership: spans are borrowed from path, manifest and the table.
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_JAVA_NAME_H
#define SCANNER_PACKAGE_LANGUAGE_JAVA_NAME_H

#include "package/language/java_manifest.h"
#include "package/language/lang_span.h"

struct java_name {
    struct lang_span artifact, version, group; /* empty: unknown */
};

/* By the last name of `path`, without its ending. */
struct java_name java_name_of_file(struct lang_span path);
/* With what the file name leaves open taken from the manifest; the table may rename the artifact.
 */
struct java_name java_name_complete(struct java_name name, const struct java_manifest *manifest);
/* With "/" for "." where the directories told it. */
struct lang_span java_group_of(struct java_name name, struct lang_span path,
                               const struct java_manifest *manifest);

#endif

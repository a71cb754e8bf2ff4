/*
 * java_manifest: the attributes of a META-INF/MANIFEST.MF.
 *
 * A line that begins with one blank continues the one before. The first section is about the
 * archive, those behind an empty line about packages in it.
 *
 * Ownership: java_manifest_done; spans live until then. Trust: any bytes; one copy of the text.
 * Source: "JAR File Specification", section "JAR Manifest".
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_JAVA_MANIFEST_H
#define SCANNER_PACKAGE_LANGUAGE_JAVA_MANIFEST_H

#include "base/error.h"
#include "package/language/lang_span.h"

struct java_manifest {
    char *text; /* unfolded; NULL: there is no manifest */
    size_t len;
};

/* Errors: MU_E_NOMEM. */
enum mu_status java_manifest_unfold(struct lang_span text, struct java_manifest *ret_manifest,
                                    struct mu_error *err) MU_MUST_CHECK;
void java_manifest_done(struct java_manifest *manifest); /* a zeroed one is fine */

/* Of the main section; empty: absent. */
struct lang_span java_manifest_main(const struct java_manifest *manifest, const char *name);
/* Of the main section, else of the first other that has it. */
struct lang_span java_manifest_any(const struct java_manifest *manifest, const char *name);

#endif

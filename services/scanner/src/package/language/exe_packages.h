/*
 * exe_packages: what the ways of building leave in an executable about its parts. Each looks at one
 * image of a file and tells packages; an image without such a trace is fine.
 *
 *   go_build         Go's build information: the main module, its dependencies as replaced, and
 *                    "stdlib" at the toolchain's version
 *   rust_audit       the crates that cargo-auditable wrote down
 *   program_version  programs known by their file name that carry their version as text
 *
 * Errors: only the sink's; what is wrong with the file is kept as trouble in the report.
 * Threads: none held. Trust: hostile bytes; go_build copies nothing, rust_audit unpacks with a
 * limit.
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_EXE_PACKAGES_H
#define SCANNER_PACKAGE_LANGUAGE_EXE_PACKAGES_H

#include "package/language/exe_image.h"
#include "package/language/lang_report.h"

enum mu_status go_build_tell(const struct exe_image *image, struct lang_report *report,
                             struct mu_error *err) MU_MUST_CHECK;
enum mu_status rust_audit_tell(const struct exe_image *image, struct lang_report *report,
                               struct mu_error *err) MU_MUST_CHECK;
/* `path` as struct finder_entry. */
enum mu_status program_version_tell(struct lang_span path, const struct exe_image *image,
                                    struct lang_report *report, struct mu_error *err) MU_MUST_CHECK;

#endif

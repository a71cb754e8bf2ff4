/*
 * go_version_text: the version of a Go program's own module and toolchain, from what its build
 * recorded, as the module system writes versions.
 *
 * Ownership: spans are borrowed from the input or from the given buffer.
 * Source: "Go Modules Reference", section "Versions"; runtime/debug.BuildInfo; go doc cmd/link -X.
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_GO_VERSION_TEXT_H
#define SCANNER_PACKAGE_LANGUAGE_GO_VERSION_TEXT_H

#include "package/language/lang_span.h"

enum { GO_VERSION_BYTES = 80 };

/* "go1.22.1 X:boringcrypto" and "go1.22.1-vendor" are "1.22.1", "go1.22rc1" is "1.22.0-rc.1"; what
 * is between releases ("devel ...", "go1.22-20231128-RC02") is "(devel)". */
struct lang_span go_toolchain_version(struct lang_span text, char (*buffer)[GO_VERSION_BYTES]);

/* The value of a variable of the main module, named as versions are, that the linker was told to
 * set; without 'v'. Empty: none. `flags` is quoted as go writes it. */
struct lang_span go_linked_version(struct lang_span flags, struct lang_span main_module);

/* "v0.0.0-20240131235959-0123456789ab" of revision and time; empty when they are not whole. */
struct lang_span go_pseudo_version(struct lang_span revision, struct lang_span time,
                                   char (*buffer)[GO_VERSION_BYTES]);

#endif
